//! What the keys mean: one table, which the help and the footer are drawn from.

mod table;

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
    /// The wizard before it begins.
    Offer,
    /// Something that may be seen, for the wizard.
    Text,
    Password,
    /// Digits of a PIN, for the wizard.
    WizardPin,
    /// The wizard while nothing is typed.
    Wizard,
    /// The wizard while it is at work: what is typed may be meant for what it
    /// asks next.
    TooSoon,
    /// Whether the wizard is to be stopped.
    Stop,
    /// The wizard at its end, with nothing to show.
    Ended,
    /// A confirmation.
    Shown,
    FileName,
    /// A list to answer from.
    Answer,
    YesOrNo,
    /// Which way is open.
    Verdict,
    /// What is looked for in a list.
    Filter,
    Palette,
    /// What ends when.
    Outlook,
    /// What a sign-in that is tried would do.
    TestOffer,
    /// A sign-in that is tried, while the portal is waited for.
    Testing,
    /// How it went.
    Tested,
    /// Nothing came of it.
    TestFailed,
    /// What has to be so, line by line.
    Checklist,
    /// One line of it, with cause and fix.
    CheckShown,
}

/// Where to go in a list, or in a text that is longer than the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Move(Move),
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
    No,
    Wizard,
    Eligibility,
    Outlook,
    /// A line of what goes to the cards.
    Activity,
    /// In the wizard: to the step before.
    StepBack,
    /// In the wizard: to throw all away.
    Stop,
    /// The confirmation that was kept.
    Kept,
    Save,
    Print,
    /// Looks for something in the list that has the keys.
    Filter,
    Palette,
    /// Takes the mouse, or leaves it to the terminal.
    Mouse,
    Quit,
    Redraw,
    Suspend,
    /// A sign-in that is tried.
    TestPortal,
    Checklist,
    /// In the checklist: to find out once more.
    CheckAnew,
    /// In the checklist: a line that the person says is so, or not.
    Tick,
}

/// What a key press comes to. Not `Debug`: it may be of a PIN or a password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pressed {
    Command(Command),
    /// A character of a PIN or a password.
    Secret(char),
    /// A character of what may be seen.
    Letter(char),
    Erase,
    EraseAll,
    /// Something that cannot stand in a PIN.
    NotADigit,
    /// A character of what is not asked for yet.
    TooSoon,
}

impl Mode {
    /// What is typed is a line that may be seen.
    pub fn shows_what_is_typed(self) -> bool {
        matches!(
            self,
            Self::Insist | Self::Text | Self::FileName | Self::Filter | Self::Palette
        )
    }
}

impl Command {
    /// Whether the palette offers it: what moves, answers or goes back has its keys.
    pub fn is_offered(self) -> bool {
        !matches!(
            self,
            Self::Move(_)
                | Self::NextPane
                | Self::PreviousPane
                | Self::Open
                | Self::Back
                | Self::Yes
                | Self::No
                | Self::Palette
        )
    }
}

/// One line of the table.
pub struct Binding {
    keys: &'static [Key],
    pub modes: &'static [Mode],
    pub command: Command,
    /// How the keys are written in the help.
    pub shown: &'static str,
    pub help: &'static str,
    /// How they are written in the footer, where they stand in it.
    pub footer: Option<(&'static str, &'static str)>,
}

pub use self::table::{EVERYWHERE, TABLE};

#[derive(Clone, Copy)]
enum Key {
    Plain(KeyCode),
    Control(char),
}

impl Binding {
    /// Each of its keys, as a terminal tells that it was pressed.
    pub fn presses(&self) -> impl Iterator<Item = KeyEvent> {
        self.keys.iter().map(|key| match *key {
            Key::Plain(code) => KeyEvent::from(code),
            Key::Control(letter) => KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL),
        })
    }
}

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
    let types = matches!(
        mode,
        Mode::Pin
            | Mode::Insist
            | Mode::Text
            | Mode::Password
            | Mode::WizardPin
            | Mode::TooSoon
            | Mode::FileName
            | Mode::Filter
            | Mode::Palette
    );
    if types { typed(mode, event) } else { None }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every key that types nothing does nothing"
)]
fn typed(mode: Mode, event: &KeyEvent) -> Option<Pressed> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char(_) if mode == Mode::TooSoon && !control => Some(Pressed::TooSoon),
        _ if mode == Mode::TooSoon => None,
        KeyCode::Backspace => Some(Pressed::Erase),
        KeyCode::Char('h') if control => Some(Pressed::Erase),
        KeyCode::Char('u' | 'w') if control => Some(Pressed::EraseAll),
        KeyCode::Char(_) if control || event.modifiers.contains(KeyModifiers::ALT) => None,
        KeyCode::Char(c) if mode.shows_what_is_typed() => Some(Pressed::Letter(c)),
        KeyCode::Char(c) if mode == Mode::Password || c.is_ascii_digit() => {
            Some(Pressed::Secret(c))
        }
        KeyCode::Char(_) => Some(Pressed::NotADigit),
        _ => None,
    }
}

impl Key {
    fn matches(self, event: &KeyEvent) -> bool {
        let with = event
            .modifiers
            .intersection(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match self {
            Self::Plain(code) => with.is_empty() && code == event.code,
            Self::Control(letter) => {
                with == KeyModifiers::CONTROL && event.code == KeyCode::Char(letter)
            }
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

        assert!(pressed(Mode::Pin, &event) == Some(Pressed::Secret('7')));
        assert!(pressed(Mode::Panes, &event).is_none());
    }

    #[test]
    fn in_a_password_every_character_counts_as_one() {
        for c in ['q', 'r', '?', ' ', '7', 'ä', '\u{663}'] {
            let event = KeyEvent::from(KeyCode::Char(c));

            assert!(pressed(Mode::Password, &event) == Some(Pressed::Secret(c)));
        }
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
            for event in here.flat_map(Binding::presses) {
                assert!(!seen.contains(&event), "{event:?} in {mode:?}");
                seen.push(event);
            }
        }
    }
}
