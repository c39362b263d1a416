//! The PIN: compared, told about, changed.

use super::{Outcome, PivCard, TRIES};
use crate::virtual_card::apdu::{Command, Expected, StatusWord};
use crate::virtual_card::habits::{DiscoveryHabit, Interface, Replies, TriesHabit};
use crate::virtual_card::pin_block::PinBlock;

/// Key references (SP 800-73pt1-5, table 4).
const APPLICATION_PIN: u8 = 0x80;
const GLOBAL_PIN: u8 = 0x00;

impl PivCard {
    /// The one that this card has.
    pub(in crate::virtual_card) fn pin_reference(&self) -> u8 {
        match self.model.discovery {
            DiscoveryHabit::ApplicationPin | DiscoveryHabit::Absent => APPLICATION_PIN,
            DiscoveryHabit::GlobalPin => GLOBAL_PIN,
        }
    }

    /// No PIN travels by air.
    fn refuse_by_air(&self) -> Result<(), StatusWord> {
        match self.model.interface {
            Interface::Contact => Ok(()),
            Interface::Contactless(status) => Err(status),
        }
    }

    pub(in crate::virtual_card) fn verify(&mut self, command: &Command<'_>) -> Outcome {
        self.refuse_by_air()?;
        let asks = self.is_question(command);
        if matches!(command.expected, Expected::UpTo(_)) && !asks
            || !command.data.is_empty() && command.expected != Expected::Nothing
        {
            return Err(StatusWord::WRONG_LENGTH);
        }
        if command.p2 != self.pin_reference() {
            return Err(StatusWord::NO_SUCH_REFERENCE);
        }
        match command.p1 {
            0x00 if asks => self.tell_pin_state(),
            0x00 if command.data.is_empty() => Err(StatusWord::WRONG_LENGTH),
            0x00 => {
                let given = PinBlock::from_block(command.data);
                self.compare(given.as_ref())?;
                self.session.pin_is_fresh = true;
                Ok(Vec::new())
            }
            0xFF if self.model.refuses_logout => Err(StatusWord::WRONG_PARAMETERS),
            0xFF if command.is_bare() => {
                self.session.pin_is_verified = false;
                Ok(Vec::new())
            }
            0xFF => Err(StatusWord::WRONG_DATA),
            _ => Err(StatusWord::WRONG_PARAMETERS),
        }
    }

    /// Whether this asks for the state of the PIN. A card that gives what nobody
    /// asked for takes an Le there too.
    fn is_question(&self, command: &Command<'_>) -> bool {
        let is_generous = self.model.replies == Replies::Unasked;
        let has_le = command.data.is_empty() && command.expected == Expected::UpTo(256);
        command.is_bare() || is_generous && has_le
    }

    fn tell_pin_state(&self) -> Outcome {
        let is_verified = self.session.pin_is_verified && !self.model.is_dual;
        if is_verified || self.model.tries == TriesHabit::AlwaysFine {
            Ok(Vec::new())
        } else if self.tries_left == 0 {
            Err(StatusWord::BLOCKED)
        } else if self.model.tries == TriesHabit::Untold {
            Err(StatusWord::SECURITY_STATUS)
        } else {
            Err(self.wrong_pin())
        }
    }

    /// How a wrong PIN is answered.
    fn wrong_pin(&self) -> StatusWord {
        match self.model.tries {
            TriesHabit::Told | TriesHabit::AlwaysFine => StatusWord::tries_left(self.tries_left),
            TriesHabit::ToldInOldForm => StatusWord::tries_left_in_old_form(self.tries_left),
            TriesHabit::Untold => StatusWord::WRONG_UNCOUNTED,
        }
    }

    /// Compares with the PIN on the card. What is no PIN at all costs a try
    /// like a wrong one: the stricter of the two ways the standard allows.
    fn compare(&mut self, given: Option<&PinBlock>) -> Result<(), StatusWord> {
        if self.tries_left == 0 {
            return Err(StatusWord::BLOCKED);
        }
        if given.is_some_and(|given| given.matches(&self.pin)) {
            self.tries_left = TRIES;
            self.session.pin_is_verified = true;
            return Ok(());
        }
        self.tries_left -= 1;
        self.session.pin_is_verified = false;
        Err(self.wrong_pin())
    }

    pub(in crate::virtual_card) fn change_reference_data(
        &mut self,
        command: &Command<'_>,
    ) -> Outcome {
        self.refuse_by_air()?;
        if command.p1 != 0 {
            return Err(StatusWord::WRONG_PARAMETERS);
        }
        if command.p2 != self.pin_reference() {
            return Err(StatusWord::NO_SUCH_REFERENCE);
        }
        if command.expected != Expected::Nothing {
            return Err(StatusWord::WRONG_LENGTH);
        }
        let Some((old, new)) = command
            .data
            .split_at_checked(8)
            .filter(|(_, new)| new.len() == 8)
        else {
            return Err(StatusWord::WRONG_LENGTH);
        };
        if self.tries_left == 0 {
            return Err(StatusWord::BLOCKED);
        }
        let Some(new) = PinBlock::from_block(new) else {
            return Err(StatusWord::WRONG_DATA);
        };
        self.compare(PinBlock::from_block(old).as_ref())?;
        self.pin = new;
        Ok(Vec::new())
    }
}
