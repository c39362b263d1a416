//! The demo: a virtual card, the reference portal, the daemon and the
//! dashboard, in a temporary folder.
//!
//! With a terminal a person plays with it; without one it plays a story by
//! itself. Whichever way it ends, everything it started is stopped and
//! everything it wrote is removed.

mod cards;
mod daemon;
mod ending;
mod feed;
mod inside;
mod live;
mod play;
mod programs;
mod reader;
mod screen;
mod stage;
pub mod strip;
mod told;

use std::io::{self, IsTerminal};

use self::ending::Ending;
use self::stage::Stage;
use self::told::Told;

/// What whoever starts the demo asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wishes {
    pub show: Show,
    pub reader: ReaderWish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// A person plays if there is a terminal, else the demo by itself.
    ByTerminal,
    /// The demo plays by itself.
    Story,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReaderWish {
    /// A virtual reader of a private pcscd.
    Pcscd,
    /// A reader inside this process, as where no pcscd can be started.
    Inside,
}

/// Returns when everything is stopped and removed; an error if the story did
/// not come to its good end.
pub fn run(wishes: Wishes) -> anyhow::Result<()> {
    let ending = Ending::listen()?;
    let mut told = Told::to_standard_output();
    told.say("The cacd demo: the real daemon and dashboard, with a pretend card and portal.")?;
    told.say("It lives in a temporary folder and touches none of your cards, readers or files.")?;
    told.say("")?;

    let mut stage = Stage::set(wishes.reader, &ending, &mut told)?;
    let outcome = if wishes.show == Show::ByTerminal && has_terminal() {
        live::run(&mut stage, &ending)
    } else {
        play::run(&mut stage, &ending, &mut told)
    };
    // Nobody wants to read the log of a daemon that was told to stop.
    let outcome = match outcome {
        Err(error) if !ending.is_here() => Err(stage.explain(error)),
        outcome => outcome,
    };
    drop(stage);
    told.say("Everything is stopped and removed.")?;
    outcome
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
