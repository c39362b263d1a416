//! A certificate as people see it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::UtcSeconds;

/// Where a key and its certificate lie on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Slot {
    /// 9A: signs its holder in, after one PIN.
    Authentication,
    /// 9C: signs documents, each after a PIN of its own.
    Signature,
    /// 9D: opens what was encrypted for the holder.
    KeyManagement,
    /// 9E: proves the card, never its holder; asks for no PIN.
    CardAuthentication,
    /// 82 to 95, the first to the twentieth: opens what was encrypted with an earlier key.
    Retired(Retired),
    /// A PKI applet of the CAC edge (GSC-IS 2.1), 0100 to 010F. What its
    /// certificate is for stands in the certificate alone.
    Applet(Applet),
}

/// The number of a retired key: 1 to 20 (SP 800-73pt1-5 table 4b).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retired(u8);

/// The number of a PKI applet: 0 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Applet(u8);

/// The text names no place on a card.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no place on a card has this name")]
pub struct NotASlot;

impl Retired {
    /// None unless it is 1 to 20.
    pub fn new(number: u8) -> Option<Self> {
        (1..=20).contains(&number).then_some(Self(number))
    }

    pub fn number(self) -> u8 {
        self.0
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (1..=20).map(Self)
    }
}

impl Applet {
    /// None unless it is 0 to 15.
    pub fn new(number: u8) -> Option<Self> {
        (number < 16).then_some(Self(number))
    }

    pub fn number(self) -> u8 {
        self.0
    }

    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).map(Self)
    }
}

/// The first of the key references of retired keys (SP 800-73pt1-5 table 4b).
const FIRST_RETIRED: u8 = 0x82;

/// The object of the first PKI applet (GSC-IS 2.1).
const FIRST_APPLET: u16 = 0x0100;

impl Slot {
    /// The four that a PIV card is issued with.
    pub const PIV: [Self; 4] = [
        Self::Authentication,
        Self::Signature,
        Self::KeyManagement,
        Self::CardAuthentication,
    ];

    /// Every place there can be.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::PIV
            .into_iter()
            .chain(Retired::all().map(Self::Retired))
            .chain(Applet::all().map(Self::Applet))
    }

    /// The key reference, as sent in GENERAL AUTHENTICATE, or the object of
    /// the applet: what the field calls the place by.
    pub fn number(self) -> u16 {
        match self {
            Self::Authentication => 0x9A,
            Self::Signature => 0x9C,
            Self::KeyManagement => 0x9D,
            Self::CardAuthentication => 0x9E,
            Self::Retired(retired) => u16::from(FIRST_RETIRED - 1 + retired.0),
            Self::Applet(applet) => FIRST_APPLET + u16::from(applet.0),
        }
    }

    /// As sent in GENERAL AUTHENTICATE; none for what is no place of PIV.
    pub fn key_reference(self) -> Option<u8> {
        u8::try_from(self.number()).ok()
    }

    /// The place that has this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::all().find(|slot| slot.number() == number)
    }

    /// The word people read for it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Authentication => "Authentication",
            Self::Signature => "Signature",
            Self::KeyManagement => "Encryption",
            Self::CardAuthentication => "Card",
            Self::Retired(_) => "Retired",
            Self::Applet(_) => "CAC applet",
        }
    }
}

/// `9A Authentication`, `0100 CAC applet`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applet(_) => write!(f, "{:04X} {}", self.number(), self.title()),
            Self::Authentication
            | Self::Signature
            | Self::KeyManagement
            | Self::CardAuthentication
            | Self::Retired(_) => write!(f, "{:02X} {}", self.number(), self.title()),
        }
    }
}

/// As it stands in messages: `authentication`, `retired_3`, `applet_0`.
impl From<Slot> for String {
    fn from(slot: Slot) -> Self {
        match slot {
            Slot::Authentication => "authentication".into(),
            Slot::Signature => "signature".into(),
            Slot::KeyManagement => "key_management".into(),
            Slot::CardAuthentication => "card_authentication".into(),
            Slot::Retired(retired) => format!("retired_{}", retired.0),
            Slot::Applet(applet) => format!("applet_{}", applet.0),
        }
    }
}

impl TryFrom<String> for Slot {
    type Error = NotASlot;

    fn try_from(text: String) -> Result<Self, NotASlot> {
        Self::all()
            .find(|slot| String::from(*slot) == text)
            .ok_or(NotASlot)
    }
}

/// What a certificate is for, by its own word: key usage, extended key usage
/// and policies, never by where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signs its holder in: the PIV Authentication certificate.
    Authentication,
    /// The CAC's older identity certificate, which signs in where there is no other.
    Identity,
    /// Signs documents and mail.
    Signature,
    /// Opens what was encrypted for the holder.
    Encryption,
    /// Proves the card, never its holder.
    Card,
    /// Signs what stands on cards; no card of a person should hold it.
    ContentSigning,
    /// None of these.
    Other,
}

/// Whether a certificate leads up to an authority that is trusted here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ChainStatus {
    #[default]
    NotChecked,
    /// No authority is trusted here, so nothing can be said.
    NotConfigured,
    /// The subjects from its issuer up to the authority that is trusted.
    Trusted {
        path: Vec<String>,
    },
    /// An authority that is made for tests stands above it.
    Test {
        authority: String,
    },
    NotTrusted {
        reason: String,
    },
}

/// Whether a certificate was taken back before its time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Revocation {
    #[default]
    NotChecked,
    /// Not taken back, as of a moment.
    Good { at: UtcSeconds },
    Revoked {
        since: UtcSeconds,
        reason: Option<String>,
    },
    /// Nobody who should know says so or otherwise.
    Unknown { why: String },
    /// Whoever should know could not be reached.
    Offline { why: String },
}

/// What a certificate says, as far as a screen shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateSummary {
    pub slot: Slot,
    pub role: Role,
    /// Common name of the subject; its whole name where it has none.
    pub subject: String,
    /// Common name of the issuer.
    pub issuer: String,
    /// The whole name of the subject (RFC 4514).
    pub subject_dn: String,
    /// The whole name of the issuer (RFC 4514).
    pub issuer_dn: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    pub not_before: UtcSeconds,
    pub not_after: UtcSeconds,
    /// `RSA-2048`, `P-256`, or the algorithm's OID.
    pub key: String,
    /// User principal name of the SubjectAltName, where there is one.
    pub upn: Option<String>,
    /// Mail addresses of the SubjectAltName.
    pub mail: Vec<String>,
    /// In words, as RFC 5280 calls them: `digitalSignature`.
    pub key_usage: Vec<String>,
    /// In words where we know one, else the OID.
    pub extended_key_usage: Vec<String>,
    /// In words where we know them, else the OID.
    pub policies: Vec<String>,
    pub chain: ChainStatus,
    pub revocation: Revocation,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
}

/// Which certificate signs in, and why this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginChoice {
    pub slot: Slot,
    pub reason: String,
}
