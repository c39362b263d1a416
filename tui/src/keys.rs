//! What the keys mean: one table, which the help and the footer are drawn from.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the keys mean depends on what has the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Panes,
    Details,
    /// Details with a notice to accept.
    Notice,
    Help,
    History,
    /// A list to choose from.
    Choose,
    /// A preview that wants a yes.
    Confirm,
    /// Digits of a PIN.
    Pin,
    /// The word `yes`.
    Insist,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    NextPane,
    PreviousPane,
    Open,
    Back,
    Register,
    Clear,
    History,
    Problems,
    ShowDodId,
    Help,
    Yes,
    Quit,
    Redraw,
    Suspend,
}

/// What a key press comes to. Not `Debug`: it may be a digit of a PIN.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    Command(Command),
    /// A digit of a PIN, as ASCII.
    Digit(u8),
    /// A letter of the word that insists.
    Letter(char),
    Erase,
    EraseAll,
    /// Something that cannot stand in a PIN.
    NotADigit,
}

/// One line of the table.
pub struct Binding {
    keys: &'static [Key],
    modes: &'static [Mode],
    pub command: Command,
    /// How the keys are written in the help.
    pub shown: &'static str,
    pub help: &'static str,
    /// How they are written in the footer, where they stand in it.
    pub footer: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy)]
enum Key {
    Plain(KeyCode),
    Control(char),
}

use Key::{Control, Plain};

const EVERYWHERE: &[Mode] = &[
    Mode::Panes,
    Mode::Details,
    Mode::Notice,
    Mode::Help,
    Mode::History,
    Mode::Choose,
    Mode::Confirm,
    Mode::Pin,
    Mode::Insist,
];
const NOT_WHILE_TYPING: &[Mode] = &[
    Mode::Panes,
    Mode::Details,
    Mode::Notice,
    Mode::Help,
    Mode::History,
    Mode::Choose,
    Mode::Confirm,
];
const LISTS: &[Mode] = &[
    Mode::Panes,
    Mode::Details,
    Mode::Notice,
    Mode::Help,
    Mode::History,
    Mode::Choose,
];
const CARD: &[Mode] = &[Mode::Panes, Mode::Details];

pub const TABLE: &[Binding] = &[
    Binding {
        keys: &[Plain(KeyCode::Up), Plain(KeyCode::Char('k'))],
        modes: LISTS,
        command: Command::Up,
        shown: "Up, k",
        help: "up one row",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::Down), Plain(KeyCode::Char('j'))],
        modes: LISTS,
        command: Command::Down,
        shown: "Down, j",
        help: "down one row",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::PageUp), Control('b')],
        modes: LISTS,
        command: Command::PageUp,
        shown: "PgUp, Ctrl-B",
        help: "up ten rows",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::PageDown), Control('f')],
        modes: LISTS,
        command: Command::PageDown,
        shown: "PgDn, Ctrl-F",
        help: "down ten rows",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::Home), Plain(KeyCode::Char('g'))],
        modes: LISTS,
        command: Command::First,
        shown: "Home, g",
        help: "to the first row",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::End), Plain(KeyCode::Char('G'))],
        modes: LISTS,
        command: Command::Last,
        shown: "End, G",
        help: "to the last row",
        footer: None,
    },
    Binding {
        keys: &[
            Plain(KeyCode::Tab),
            Plain(KeyCode::Right),
            Plain(KeyCode::Char('l')),
        ],
        modes: &[Mode::Panes],
        command: Command::NextPane,
        shown: "Tab, Right, l",
        help: "to the next pane",
        footer: Some(("Tab", "pane")),
    },
    Binding {
        keys: &[
            Plain(KeyCode::BackTab),
            Plain(KeyCode::Left),
            Plain(KeyCode::Char('h')),
        ],
        modes: &[Mode::Panes],
        command: Command::PreviousPane,
        shown: "Shift-Tab, Left, h",
        help: "to the pane before",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::Enter)],
        modes: &[Mode::Panes, Mode::Choose, Mode::Pin, Mode::Insist],
        command: Command::Open,
        shown: "Enter",
        help: "open the details; where a PIN is needed, type it",
        footer: Some(("Enter", "open")),
    },
    Binding {
        keys: &[Plain(KeyCode::Esc)],
        modes: EVERYWHERE,
        command: Command::Back,
        shown: "Esc",
        help: "one step back; never quits",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::Char('r'))],
        modes: CARD,
        command: Command::Register,
        shown: "r",
        help: "register: asks for the PIN if one is needed, else tries again what was refused",
        footer: Some(("r", "register")),
    },
    Binding {
        keys: &[Plain(KeyCode::Char('c'))],
        modes: CARD,
        command: Command::Clear,
        shown: "c",
        help: "clear what is kept; shows first what would be lost",
        footer: Some(("c", "clear")),
    },
    Binding {
        keys: &[Plain(KeyCode::Char('y'))],
        modes: CARD,
        command: Command::History,
        shown: "y",
        help: "the whole history",
        footer: Some(("y", "history")),
    },
    Binding {
        keys: &[Plain(KeyCode::Char('x'))],
        modes: CARD,
        command: Command::ShowDodId,
        shown: "x",
        help: "show or hide the DoD ID",
        footer: Some(("x", "DoD ID")),
    },
    Binding {
        keys: &[Plain(KeyCode::Char('p'))],
        modes: CARD,
        command: Command::Problems,
        shown: "p",
        help: "every problem of the service, in full",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::Char('y')), Plain(KeyCode::Char('Y'))],
        modes: &[Mode::Confirm, Mode::Notice],
        command: Command::Yes,
        shown: "y",
        help: "yes, in a dialog that asks; accept the notice that is shown",
        footer: None,
    },
    Binding {
        keys: &[Plain(KeyCode::Char('?')), Plain(KeyCode::F(1))],
        modes: NOT_WHILE_TYPING,
        command: Command::Help,
        shown: "?, F1",
        help: "this help",
        footer: Some(("?", "help")),
    },
    Binding {
        keys: &[Plain(KeyCode::Char('q'))],
        modes: NOT_WHILE_TYPING,
        command: Command::Quit,
        shown: "q",
        help: "quit",
        footer: Some(("q", "quit")),
    },
    Binding {
        keys: &[Control('c')],
        modes: EVERYWHERE,
        command: Command::Quit,
        shown: "Ctrl-C",
        help: "quit, from anywhere",
        footer: None,
    },
    Binding {
        keys: &[Control('l')],
        modes: EVERYWHERE,
        command: Command::Redraw,
        shown: "Ctrl-L",
        help: "draw the screen again",
        footer: None,
    },
    Binding {
        keys: &[Control('z')],
        modes: EVERYWHERE,
        command: Command::Suspend,
        shown: "Ctrl-Z",
        help: "back to the shell; fg returns, and a PIN half typed is gone",
        footer: None,
    },
];

/// What this key means in this mode, if anything.
pub fn pressed(mode: Mode, event: &KeyEvent) -> Option<Pressed> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let bound = TABLE.iter().find(|binding| {
        binding.modes.contains(&mode) && binding.keys.iter().any(|key| key.matches(event))
    });
    if let Some(binding) = bound {
        return Some(Pressed::Command(binding.command));
    }
    match mode {
        Mode::Pin | Mode::Insist => typed(mode, event),
        Mode::Panes
        | Mode::Details
        | Mode::Notice
        | Mode::Help
        | Mode::History
        | Mode::Choose
        | Mode::Confirm => None,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every key that types nothing does nothing"
)]
fn typed(mode: Mode, event: &KeyEvent) -> Option<Pressed> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Backspace => Some(Pressed::Erase),
        KeyCode::Char('h') if control => Some(Pressed::Erase),
        KeyCode::Char('u' | 'w') if control => Some(Pressed::EraseAll),
        KeyCode::Char(_) if control || event.modifiers.contains(KeyModifiers::ALT) => None,
        KeyCode::Char(c) if mode == Mode::Insist => Some(Pressed::Letter(c)),
        KeyCode::Char(c) => Some(match u8::try_from(c) {
            Ok(digit) if digit.is_ascii_digit() => Pressed::Digit(digit),
            _ => Pressed::NotADigit,
        }),
        _ => None,
    }
}

impl Key {
    fn matches(self, event: &KeyEvent) -> bool {
        let with = event
            .modifiers
            .intersection(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match self {
            Plain(code) => with.is_empty() && code == event.code,
            Control(letter) => with == KeyModifiers::CONTROL && event.code == KeyCode::Char(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_goes_back_everywhere_and_quits_nowhere() {
        for mode in EVERYWHERE {
            let escape = KeyEvent::from(KeyCode::Esc);

            let pressed = pressed(*mode, &escape);

            assert!(pressed == Some(Pressed::Command(Command::Back)), "{mode:?}");
        }
    }

    #[test]
    fn control_c_quits_everywhere() {
        for mode in EVERYWHERE {
            let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);

            let pressed = pressed(*mode, &control_c);

            assert!(pressed == Some(Pressed::Command(Command::Quit)), "{mode:?}");
        }
    }

    #[test]
    fn letters_do_nothing_while_a_pin_is_typed() {
        for letter in ['q', 'r', 'c', 'x', 'j', '?'] {
            let event = KeyEvent::from(KeyCode::Char(letter));

            assert!(pressed(Mode::Pin, &event) == Some(Pressed::NotADigit));
        }
    }

    #[test]
    fn digits_count_as_digits_while_a_pin_is_typed_and_nowhere_else() {
        let event = KeyEvent::from(KeyCode::Char('7'));

        assert!(pressed(Mode::Pin, &event) == Some(Pressed::Digit(b'7')));
        assert!(pressed(Mode::Panes, &event).is_none());
    }

    #[test]
    fn digits_of_another_script_are_not_taken() {
        let event = KeyEvent::from(KeyCode::Char('\u{663}'));

        assert!(pressed(Mode::Pin, &event) == Some(Pressed::NotADigit));
    }

    #[test]
    fn no_key_has_two_meanings_in_one_mode() {
        for mode in EVERYWHERE {
            let here = TABLE.iter().filter(|binding| binding.modes.contains(mode));
            let mut seen = Vec::new();
            for key in here.flat_map(|binding| binding.keys) {
                let event = match *key {
                    Plain(code) => KeyEvent::from(code),
                    Control(letter) => KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL),
                };
                assert!(!seen.contains(&event), "{event:?} in {mode:?}");
                seen.push(event);
            }
        }
    }
}
