//! What stands in the footer, by what the keys mean.

use super::Hint;
use crate::keys::{Binding, Command, Mode, TABLE};

enum Told {
    /// What the arrows do.
    Arrows(&'static str),
    Key(Command, &'static str),
}

use Told::{Arrows, Key};

const SCROLL: Told = Arrows("scroll");
const CHOOSE: Told = Arrows("choose");
const HELP: Told = Key(Command::Help, "help");
const BACK: Told = Key(Command::Back, "back");
const CLOSE: Told = Key(Command::Back, "close");
const QUIT: Told = Key(Command::Quit, "quit");
const STOP: Told = Key(Command::Stop, "stop");
const LEAVE: Told = Key(Command::Back, "leave it as it is");
const AGAIN: Told = Key(Command::Open, "try once more");

/// The last of each lead out and stay longest. The panes' stand in the table of keys.
const HINTS: &[(&[Mode], &[Told])] = &[
    (
        &[Mode::Details],
        &[
            SCROLL,
            Key(Command::Register, "register"),
            Key(Command::Wizard, "wizard"),
            Key(Command::Eligibility, "eligible"),
            Key(Command::ShowDodId, "DoD ID"),
            HELP,
            BACK,
            QUIT,
        ],
    ),
    (
        &[Mode::Notice],
        &[SCROLL, Key(Command::Yes, "accept the notice"), BACK, QUIT],
    ),
    (
        &[Mode::Help],
        &[SCROLL, Key(Command::NextPane, "section"), BACK, QUIT],
    ),
    (
        &[Mode::History],
        &[SCROLL, Key(Command::Filter, "find"), HELP, BACK, QUIT],
    ),
    (&[Mode::Verdict, Mode::CheckShown], &[SCROLL, BACK, QUIT]),
    (
        &[Mode::Choose],
        &[CHOOSE, Key(Command::Open, "see what would be lost"), BACK],
    ),
    (&[Mode::Confirm], &[Key(Command::Yes, "clear it"), BACK]),
    (
        &[Mode::Pin],
        &[
            Key(Command::Open, "send to the card"),
            Key(Command::Back, "give up"),
        ],
    ),
    (
        &[Mode::Insist],
        &[Key(Command::Open, "spend the try"), BACK],
    ),
    (
        &[Mode::Offer],
        &[
            Key(Command::Yes, "begin"),
            Key(Command::Kept, "last confirmation"),
            BACK,
            QUIT,
        ],
    ),
    (
        &[Mode::Text, Mode::Password, Mode::WizardPin],
        &[
            Key(Command::Open, "answer"),
            Key(Command::StepBack, "step back"),
            STOP,
            LEAVE,
        ],
    ),
    (&[Mode::Wizard], &[STOP, LEAVE, QUIT]),
    (&[Mode::TooSoon], &[STOP, LEAVE]),
    (
        &[Mode::Stop],
        &[Key(Command::Yes, "stop it"), Key(Command::Back, "go on")],
    ),
    (&[Mode::Ended], &[Key(Command::Open, "close"), QUIT]),
    (
        &[Mode::Shown],
        &[
            SCROLL,
            Key(Command::Save, "save"),
            Key(Command::Print, "print"),
            CLOSE,
            QUIT,
        ],
    ),
    (&[Mode::FileName], &[Key(Command::Open, "save"), BACK]),
    (
        &[Mode::Answer],
        &[CHOOSE, Key(Command::Open, "answer"), BACK, QUIT],
    ),
    (
        &[Mode::YesOrNo],
        &[Key(Command::Yes, "yes"), Key(Command::No, "no"), BACK, QUIT],
    ),
    (
        &[Mode::Filter],
        &[
            CHOOSE,
            Key(Command::Open, "keep"),
            Key(Command::Back, "show all"),
        ],
    ),
    (
        &[Mode::Palette],
        &[CHOOSE, Key(Command::Open, "do it"), BACK],
    ),
    (
        &[Mode::Outlook],
        &[CHOOSE, Key(Command::Open, "details"), HELP, BACK, QUIT],
    ),
    (
        &[Mode::TestOffer],
        &[Key(Command::Yes, "type the PIN"), BACK, QUIT],
    ),
    (
        &[Mode::Testing],
        &[Key(Command::Back, "leave it to itself"), QUIT],
    ),
    (
        &[Mode::Tested],
        &[SCROLL, Key(Command::Save, "save"), AGAIN, CLOSE, QUIT],
    ),
    (&[Mode::TestFailed], &[AGAIN, CLOSE, QUIT]),
    (
        &[Mode::Checklist],
        &[
            CHOOSE,
            Key(Command::Open, "what was checked"),
            Key(Command::Tick, "tick off"),
            Key(Command::CheckAnew, "anew"),
            HELP,
            CLOSE,
            QUIT,
        ],
    ),
];

pub(super) fn of(mode: Mode) -> Vec<Hint> {
    if mode == Mode::Panes {
        return TABLE.iter().filter_map(of_the_panes).collect();
    }
    let of_this = HINTS.iter().find(|(modes, _)| modes.contains(&mode));
    let told = of_this.map_or(&[][..], |(_, told)| told);
    told.iter().map(|told| hint(mode, told)).collect()
}

fn of_the_panes(binding: &Binding) -> Option<Hint> {
    let (key, meaning) = binding.footer?;
    Some(Hint {
        key,
        meaning,
        command: Some(binding.command),
    })
}

fn hint(mode: Mode, told: &Told) -> Hint {
    match *told {
        Arrows(meaning) => Hint {
            key: "Up/Down",
            meaning,
            command: None,
        },
        Key(command, meaning) => Hint {
            key: if mode == Mode::Insist && command == Command::Open {
                "yes Enter"
            } else {
                key_of(mode, command)
            },
            meaning,
            command: Some(command),
        },
    }
}

/// How the key of a command is written in this mode.
fn key_of(mode: Mode, command: Command) -> &'static str {
    let mut bound = TABLE.iter();
    let binding = bound.find(|it| it.command == command && it.modes.contains(&mode));
    let shown = binding.map_or("", |binding| binding.shown);
    shown.split(", ").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::EVERYWHERE;

    #[test]
    fn every_mode_has_hints_and_each_names_a_key_that_means_it() {
        for mode in EVERYWHERE {
            let hints = of(*mode);

            assert!(!hints.is_empty(), "{mode:?}");
            for hint in hints {
                assert!(!hint.key.is_empty(), "{} in {mode:?}", hint.meaning);
            }
        }
    }
}
