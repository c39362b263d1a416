//! Why a card could not do what was asked.

use std::fmt;

use cac_common::finding::Finding;
use cac_common::registration::TriesLeft;

use super::status_word;
use super::transport::TransportError;

/// The two bytes that end every answer of a card (SP 800-73pt2-5 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    pub const SUCCESS: Self = Self(0x9000);
    /// What was selected is shut down for good: a card that was terminated.
    pub const DEACTIVATED: Self = Self(0x6283);
    /// A PIN, or the contact interface, is needed.
    pub const SECURITY: Self = Self(0x6982);
    pub const BLOCKED: Self = Self(0x6983);
    pub const NOT_FOUND: Self = Self(0x6A82);

    /// The card failed at the command, which may work if it is sent again.
    pub fn is_failure_of_the_card(self) -> bool {
        matches!(self.0, 0x6400 | 0x6581 | 0x6F00)
    }

    /// The application that was asked knows the command; whatever else is on a
    /// card does not, or not in this class (ISO/IEC 7816-4 §5.6).
    pub fn is_of_another_application(self) -> bool {
        matches!(self.0, 0x6D00 | 0x6E00)
    }

    /// The tries left, where it says: 63CX, or 630X as old tokens have it.
    /// None at 6300, which counts nothing.
    pub fn tries_left(self) -> TriesLeft {
        let [_, low] = self.0.to_be_bytes();
        matches!(self.0, 0x63C0..=0x63CF | 0x6301..=0x630F).then_some(low & 0x0F)
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

/// What went wrong, told apart by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),

    /// Ask the person again, and say how many tries are left.
    #[error("wrong PIN")]
    WrongPin { tries_left: TriesLeft },

    /// Only an issuance site can help.
    #[error("PIN is blocked")]
    PinBlocked,

    /// The card answered, but not with what the standard allows here.
    #[error("{} ({status} to {command})", status_word::meaning(command, *.status))]
    Refused {
        command: &'static str,
        status: StatusWord,
    },

    /// The card sent more than anything on it may hold.
    #[error("card's answer to {command} does not end")]
    Endless { command: &'static str },

    /// What the card sent cannot be read.
    #[error("{object} cannot be read: {fault}")]
    Malformed {
        object: &'static str,
        fault: &'static str,
    },

    /// It has neither a number nor a certificate that can be read; why, the
    /// findings say.
    #[error("card has neither a number nor a certificate that can be read")]
    Nameless { findings: Vec<Finding> },

    /// Not a card we know how to talk to.
    #[error("this is not a PIV card or CAC")]
    NotPiv,

    /// The reader holds another card than the one the work was meant for.
    #[error("another card is in the reader")]
    OtherCard,

    /// Nothing was sent: it could have been the last try.
    #[error("the last PIN try was not spent")]
    LastTry { tries_left: TriesLeft },

    /// Not even a reset could be shown to log it out.
    #[error("card could not be logged out")]
    StillLoggedIn,

    /// The machine has no memory to lock for the PIN.
    #[error("no memory can be locked for the PIN")]
    NoLockedMemory,
}

impl CardError {
    /// Whether a PIN that was not sent may be sent yet. Not where the last try
    /// stays unspent.
    pub(super) fn leaves_pin_of_use(&self) -> bool {
        !matches!(
            self,
            Self::LastTry { .. } | Self::PinBlocked | Self::OtherCard
        )
    }

    /// The card has looked at the PIN, or it was not even sent.
    pub fn is_about_the_pin(&self) -> bool {
        matches!(
            self,
            Self::WrongPin { .. }
                | Self::PinBlocked
                | Self::LastTry { .. }
                | Self::OtherCard
                | Self::NoLockedMemory
        )
    }
}

/// A clause as the beginning of a sentence.
pub fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
