//! Shows cacd at work, with a pretend card and a pretend portal.

use std::path::PathBuf;
use std::process::ExitCode;

use cac_tests::demo::{self, ReaderWish, Show, Wishes, strip};
use clap::Parser;

/// Shows cacd at work: a virtual card, a pretend portal, the real daemon and
/// the dashboard, in a temporary folder.
///
/// Without a terminal the demo plays the story itself, and fails unless the
/// card was registered.
#[derive(Parser)]
#[command(name = "demo", version, max_term_width = 100)]
struct Arguments {
    /// Play the story even if there is a terminal.
    #[arg(long)]
    play: bool,

    /// Use the reader inside this program, as where no pcscd can be started.
    #[arg(long, hide = true)]
    without_pcscd: bool,

    /// Be the strip below the dashboard of the demo behind this socket.
    #[arg(long, value_name = "SOCKET", hide = true)]
    strip: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.strip {
        Some(socket) => strip::run(socket),
        None => demo::run(Wishes {
            show: if arguments.play {
                Show::Story
            } else {
                Show::ByTerminal
            },
            reader: if arguments.without_pcscd {
                ReaderWish::Inside
            } else {
                ReaderWish::Pcscd
            },
        }),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}
