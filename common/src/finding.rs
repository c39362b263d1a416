//! What is wrong with a card, or worth knowing of it: told, and never a reason
//! not to show the rest.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing about one object of a card.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Finding {
    pub weight: Weight,
    /// What it is about: `CHUID`, `Authentication certificate`.
    pub object: String,
    /// What was found: a clause that goes on after the object.
    pub fault: String,
    /// What that means for the holder, and what to do; a sentence.
    pub meaning: String,
}

impl Finding {
    pub fn fault(object: &str, fault: &str, meaning: &str) -> Self {
        Self::of(Weight::Fault, object, fault, meaning)
    }

    pub fn warning(object: &str, fault: &str, meaning: &str) -> Self {
        Self::of(Weight::Warning, object, fault, meaning)
    }

    pub fn note(object: &str, fault: &str, meaning: &str) -> Self {
        Self::of(Weight::Note, object, fault, meaning)
    }

    fn of(weight: Weight, object: &str, fault: &str, meaning: &str) -> Self {
        Self {
            weight,
            object: object.to_owned(),
            fault: fault.to_owned(),
            meaning: meaning.to_owned(),
        }
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The card, or a part of it, cannot be relied on.
    Fault,
    /// Something will stop working, or may already.
    Warning,
    /// Worth knowing.
    Note,
}

/// `CHUID: it is cut short`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.fault)
    }
}
