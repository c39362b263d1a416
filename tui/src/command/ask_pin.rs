//! Asks a person for a PIN and takes it into locked memory: at the terminal,
//! through pinentry, or through the agents of systemd-ask-password.
//!
//! What was typed is looked at here, before anything is sent to a card.

mod ask_password;
mod pinentry;
mod program;
mod terminal;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use cac_common::identity::readable;
use cac_common::locked::{CAPACITY, Locked};
use cac_common::snapshot::{Card, Reader, Registration, Snapshot};

pub(super) use self::terminal::Silence;
use crate::cli::{PinFrom, PinPrompt};
use crate::failure::{Failure, NotAPin};
use crate::patience::{self, Awaited};
use crate::{phrase, print};

/// A PIN has six to eight digits (SP 800-73pt2-5 §2.4.3).
const FEWEST: usize = 6;
const MOST: usize = 8;

/// Which PIN is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    Pin,
    /// It is to be changed.
    Old,
    New,
    NewAgain,
}

impl Asks {
    fn title(self) -> &'static str {
        match self {
            Self::Pin => "PIN",
            Self::Old => "Old PIN",
            Self::New => "New PIN, six to eight digits",
            Self::NewAgain => "New PIN again",
        }
    }

    /// What is asked for is another than the card has.
    fn is_new(self) -> bool {
        matches!(self, Self::New | Self::NewAgain)
    }
}

/// For what a PIN is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    asks: Asks,
    /// Whose card it is.
    holder: Option<String>,
    /// `PIV in SCR3310; 3 tries left`
    card: String,
    /// Where it signs in.
    portals: Vec<String>,
    /// What a person has to know first.
    cautions: Vec<String>,
    /// What was wrong with the one typed before.
    wrong: Option<String>,
}

/// What was typed: bytes in locked memory, wiped when dropped.
pub(super) struct Typed {
    text: Locked,
    length: usize,
}

/// The digits, and how many they are. Dropping the future ends the question.
pub(super) async fn ask(
    question: &Question,
    prompt: &PinPrompt,
) -> Result<(Locked, usize), Failure> {
    let limit = Duration::from_secs(prompt.pin_timeout);
    let typed = patience::of(Awaited::Pin, take(question, prompt, limit)).await?;
    typed.check()
}

async fn take(question: &Question, prompt: &PinPrompt, limit: Duration) -> Result<Typed, Failure> {
    match prompt.pin_from {
        Some(PinFrom::Pinentry) => pinentry::ask(question, &prompt.pinentry, limit).await,
        Some(PinFrom::AskPassword) => ask_password::ask(question, limit).await,
        Some(PinFrom::Terminal) => terminal::ask(&question.line()).await,
        None if io::stdin().is_terminal() => terminal::ask(&question.line()).await,
        None => terminal::read().await,
    }
}

pub(super) fn is_a_pin(typed: &[u8]) -> bool {
    (FEWEST..=MOST).contains(&typed.len()) && typed.iter().all(u8::is_ascii_digit)
}

impl Question {
    pub(super) fn of(reader: &Reader, card: &Card) -> Self {
        let holder = card.holder.as_ref();
        Self {
            asks: Asks::Pin,
            holder: holder.map(|holder| readable(&holder.name.to_string())),
            card: format!(
                "{} in {}; {}",
                readable(&card.kind),
                readable(&reader.name.0),
                phrase::pin(&card.pin)
            ),
            portals: Vec::new(),
            cautions: Vec::new(),
            wrong: None,
        }
    }

    pub(super) fn asking(self, asks: Asks) -> Self {
        Self { asks, ..self }
    }

    /// Says first that the card refused the one typed before.
    pub(super) fn after_a_wrong_one(self, tries_left: u8) -> Self {
        Self {
            wrong: Some(format!(
                "That PIN was not right; {tries_left} tries are left."
            )),
            ..self
        }
    }

    /// Names the portals where the PIN has a use, and says what speaks against it.
    pub(super) fn for_registering<'a>(
        self,
        snapshot: &Snapshot,
        registrations: impl Iterator<Item = &'a Registration>,
    ) -> Self {
        let mut asked = self;
        for one in registrations {
            let title = print::portal_title(snapshot, &one.portal);
            // Who may not register is told before, and may try all the same.
            if let Some(caution) = one.caution() {
                asked
                    .cautions
                    .push(format!("{title}: {}", readable(&caution)));
            }
            if one.status.has_use_for_pin() {
                asked.portals.push(title);
            }
        }
        asked
    }

    /// For a terminal: what a person has to know, and a line to type behind.
    pub(in crate::command) fn line(&self) -> String {
        let title = self.asks.title();
        if self.asks.is_new() {
            return format!("{title}: ");
        }
        let holder = self.holder.as_deref().unwrap_or("the card");
        let told = self.wrong.iter().chain(&self.cautions);
        let told: String = told.flat_map(|one| [one, "\n"]).collect();
        format!("{told}{title} of {holder} ({}): ", self.card)
    }

    /// For a window: a line for each thing, but for what was wrong before.
    fn lines(&self) -> String {
        let signs_in = self.signs_in();
        let parts = self.cautions.iter().chain(&self.holder);
        let lines: Vec<&str> = parts
            .chain([&self.card])
            .chain(&signs_in)
            .map(String::as_str)
            .collect();
        lines.join("\n")
    }

    /// For a place that every user of the machine can see: nobody is named.
    fn nameless(&self) -> String {
        let wrong = self.wrong.as_ref();
        let wrong = wrong.map(|wrong| format!("{wrong} ")).unwrap_or_default();
        let title = self.asks.title();
        let card = format!("{wrong}{title} of the card ({})", self.card);
        match self.signs_in() {
            Some(signs_in) => format!("{card}. {signs_in}"),
            None => card,
        }
    }

    fn signs_in(&self) -> Option<String> {
        let are_some = !self.portals.is_empty();
        are_some.then(|| format!("It signs in at {}", self.portals.join(", ")))
    }
}

impl Typed {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {
            text: Locked::new().map_err(Failure::NoLockedMemory)?,
            length: 0,
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.text.bytes()[..self.length]
    }

    /// Takes one more byte, if there is room.
    pub(super) fn push(&mut self, byte: u8) -> Result<(), NotAPin> {
        if self.length == CAPACITY {
            return Err(NotAPin::TooLong);
        }
        self.text.bytes_mut()[self.length] = byte;
        self.length += 1;
        Ok(())
    }

    /// Gives the digits away, if they can be a PIN.
    pub(super) fn check(self) -> Result<(Locked, usize), Failure> {
        let fault = match self.length {
            0 => return Err(Failure::NoPin),
            _ if !self.bytes().iter().all(u8::is_ascii_digit) => NotAPin::NotDigits,
            1..FEWEST => NotAPin::TooShort,
            FEWEST..=MOST => return Ok((self.text, self.length)),
            _ => NotAPin::TooLong,
        };
        Err(Failure::NotAPin(fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn what_is_typed_wrongly_is_told_apart() {
        for (text, told) in [
            ("", "no PIN was typed"),
            ("12345", "no fewer than six"),
            ("123456789", "no more than eight"),
            ("12345a", "digits alone"),
            ("12345\u{663}", "digits alone"),
        ] {
            let mut typed = Typed::new().unwrap();
            for byte in text.bytes() {
                typed.push(byte).unwrap();
            }

            let Err(failure) = typed.check() else {
                panic!("{text:?} is a PIN");
            };

            let failure = failure.to_string();
            assert!(failure.contains(told), "{failure}");
            assert!(failure.contains("the card has not been asked"), "{failure}");
        }
    }

    #[test]
    fn a_question_that_everyone_sees_names_nobody() {
        let snapshot = invented::desk();
        let reader = &snapshot.readers[2];
        let card = reader.card.as_ref().unwrap();

        let question =
            Question::of(reader, card).for_registering(&snapshot, card.registrations.iter());

        let (open, shown) = (question.nameless(), question.lines());
        assert!(shown.contains("DOE, JANE Q"), "{shown}");
        for text in [&open, &shown, &question.line()] {
            assert!(text.contains("3 tries left"), "{text}");
        }
        for text in [&open, &shown] {
            assert!(text.contains("signs in at Travel"), "{text}");
        }
        assert!(!open.contains("DOE"), "{open}");
        let again = question.after_a_wrong_one(2);
        for text in [again.nameless(), again.line()] {
            assert!(
                text.starts_with("That PIN was not right; 2 tries are left."),
                "{text}"
            );
        }
    }
}
