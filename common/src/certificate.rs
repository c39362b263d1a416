//! A certificate as people see it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::UtcSeconds;

/// A key's place on a PIV card, by its key reference (SP 800-73pt1-5 table 4b).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// 9A: signs its holder in, after one PIN.
    Authentication,
    /// 9C: signs documents, each after a PIN of its own.
    Signature,
    /// 9D: opens what was encrypted for the holder.
    KeyManagement,
    /// 9E: proves the card, never its holder; asks for no PIN.
    CardAuthentication,
}

impl Slot {
    pub const ALL: [Self; 4] = [
        Self::Authentication,
        Self::Signature,
        Self::KeyManagement,
        Self::CardAuthentication,
    ];

    /// The key reference, as sent in GENERAL AUTHENTICATE.
    pub fn key_reference(self) -> u8 {
        match self {
            Self::Authentication => 0x9A,
            Self::Signature => 0x9C,
            Self::KeyManagement => 0x9D,
            Self::CardAuthentication => 0x9E,
        }
    }

    /// The word people read for it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Authentication => "Authentication",
            Self::Signature => "Signature",
            Self::KeyManagement => "Encryption",
            Self::CardAuthentication => "Card",
        }
    }
}

/// `9A Authentication`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X} {}", self.key_reference(), self.title())
    }
}

/// What a certificate says, as far as a screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateSummary {
    pub slot: Slot,
    /// Common name of the subject.
    pub subject: String,
    /// Common name of the issuer.
    pub issuer: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    pub not_before: UtcSeconds,
    pub not_after: UtcSeconds,
    /// `RSA-2048`, `P-256`, or the algorithm's OID.
    pub key: String,
    /// User principal name of the SubjectAltName, where there is one.
    pub upn: Option<String>,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
}

/// Which certificate signs in, and why this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginChoice {
    pub slot: Slot,
    pub reason: String,
}
