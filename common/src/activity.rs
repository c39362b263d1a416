//! What goes between readers and cards, without contents.

use serde::{Deserialize, Serialize};

use crate::reader::ReaderName;

/// One command to a card and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Apdu {
    pub reader: ReaderName,
    pub purpose: Purpose,
    /// Which one of this piece of work, from 1 on.
    pub number: u32,
    /// In words: `GET DATA`; `INS 8A` if it has none here.
    pub instruction: String,
    /// Bytes of the command. Absent where a PIN or a key may be in it.
    pub sent: Option<u32>,
    /// Bytes of the answer, the status word among them.
    pub received: u32,
    /// `9000`; absent if no answer came.
    pub status: Option<String>,
    /// Until the answer was there.
    pub milliseconds: u32,
}

/// What a card is worked with for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Who it is, and what signs in.
    Read,
    /// What could wait.
    Rest,
    SignIn,
    /// A sign-in from which nothing follows.
    Test,
    /// Registering by hand.
    Wizard,
    /// Printed Information.
    Printed,
    /// Its PIN is changed.
    PinChange,
}

impl Purpose {
    /// One or two words for a narrow column.
    pub fn label(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Rest => "rest",
            Self::SignIn => "sign-in",
            Self::Test => "test",
            Self::Wizard => "by hand",
            Self::Printed => "printed",
            Self::PinChange => "PIN",
        }
    }
}
