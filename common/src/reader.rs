//! Smart card readers as PC/SC names them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What PC/SC calls a reader. It carries an index that changes from one start
/// to the next, so it is never a key for anything that lasts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReaderName(pub String);

impl fmt::Display for ReaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is in a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderStatus {
    /// No card.
    Empty,
    /// A card that answers.
    Card,
    /// A card that does not answer: dirty, bent, or the wrong way up.
    NoAnswer,
}

/// Whether the smart card service, pcscd, can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceStatus {
    /// Not asked yet.
    Starting,
    /// It answers.
    Running,
    /// It is not there, or went away; we go on trying.
    Away,
    /// It refuses us: polkit lets only active local sessions in unless a rule says otherwise.
    NotAllowed,
}
