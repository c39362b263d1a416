//! Faults in what HTTP says.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::{NotAFault, duration};

/// The names of [`Shown`].
pub(super) const PAGE_WORDS: &str = "\
no-account, not-eligible, needs-sponsor, not-found, forbidden, unauthorised, locked 15m, \
maintenance 30s, maintenance-until 30s, maintenance-notice, log-in, unrecognised, \
iis-403.4, iis-403.7, iis-403.12, iis-403.13, iis-403.16, iis-403.17, f5";

/// What is answered instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFault {
    /// Signing in ends on this page, for everyone.
    Page(Shown),

    /// Each page goes on for ever.
    Endless,

    /// Each page leads to another one of the portal, and so on.
    RedirectLoop,

    /// Each page leads to `https://127.0.0.1` at this port.
    RedirectAway { port: u16 },

    /// Each answer carries a header this long.
    HugeHeader { bytes: u32 },
}

/// A page that ends a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    NoAccount,
    NotEligible,
    NeedsSponsor,
    NotFound,
    Forbidden,
    /// 401 after mutual TLS.
    Unauthorised,
    /// The account is locked for so long.
    Locked(Duration),
    /// 503 with Retry-After in seconds.
    Maintenance(Duration),
    /// 503 with Retry-After as a date so far ahead.
    MaintenanceUntil(Duration),
    /// 200, and only the text says so.
    MaintenanceNotice,
    /// 200 with a form for user name and password.
    LogIn,
    /// Nothing that was met before, with a title that a terminal must not be shown.
    Unrecognised,
    Iis(IisRefusal),
    /// By way of F5's log-out page, with 200.
    F5,
}

/// Microsoft's sub-codes of 403 for TLS and client certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IisRefusal {
    /// Said by a server that does not see the TLS that ends before it.
    TlsRequired,
    CertificateRequired,
    MapperDenied,
    CertificateRevoked,
    CertificateUntrusted,
    CertificateExpired,
}

impl AnswerFault {
    pub(super) fn from_words(words: &[&str]) -> Result<Self, NotAFault> {
        match words {
            ["endless"] => Ok(Self::Endless),
            ["redirect-loop"] => Ok(Self::RedirectLoop),
            ["redirect-away", port] => Ok(Self::RedirectAway {
                port: number(port)?,
            }),
            ["huge-header", bytes] => Ok(Self::HugeHeader {
                bytes: number(bytes)?,
            }),
            ["page", page @ ..] => Shown::from_words(page).map(Self::Page),
            _ => Err(NotAFault),
        }
    }
}

impl Shown {
    /// One of each.
    pub fn examples() -> impl Iterator<Item = Self> {
        let wait = Duration::from_secs(30);
        [
            Self::NoAccount,
            Self::NotEligible,
            Self::NeedsSponsor,
            Self::NotFound,
            Self::Forbidden,
            Self::Unauthorised,
            Self::Locked(wait),
            Self::Maintenance(wait),
            Self::MaintenanceUntil(wait),
            Self::MaintenanceNotice,
            Self::LogIn,
            Self::Unrecognised,
            Self::F5,
        ]
        .into_iter()
        .chain(IisRefusal::ALL.map(Self::Iis))
    }

    fn from_words(words: &[&str]) -> Result<Self, NotAFault> {
        Ok(match words {
            ["no-account"] => Self::NoAccount,
            ["not-eligible"] => Self::NotEligible,
            ["needs-sponsor"] => Self::NeedsSponsor,
            ["not-found"] => Self::NotFound,
            ["forbidden"] => Self::Forbidden,
            ["unauthorised"] => Self::Unauthorised,
            ["locked", time] => Self::Locked(duration(time)?),
            ["maintenance", wait] => Self::Maintenance(duration(wait)?),
            ["maintenance-until", wait] => Self::MaintenanceUntil(duration(wait)?),
            ["maintenance-notice"] => Self::MaintenanceNotice,
            ["log-in"] => Self::LogIn,
            ["unrecognised"] => Self::Unrecognised,
            ["f5"] => Self::F5,
            [name] => {
                let sub_code = name.strip_prefix("iis-403.").ok_or(NotAFault)?;
                let sub_code: u8 = number(sub_code)?;
                let refusal = IisRefusal::ALL
                    .into_iter()
                    .find(|refusal| refusal.sub_code() == sub_code);
                Self::Iis(refusal.ok_or(NotAFault)?)
            }
            _ => return Err(NotAFault),
        })
    }
}

impl IisRefusal {
    pub const ALL: [Self; 6] = [
        Self::TlsRequired,
        Self::CertificateRequired,
        Self::MapperDenied,
        Self::CertificateRevoked,
        Self::CertificateUntrusted,
        Self::CertificateExpired,
    ];

    pub fn sub_code(self) -> u8 {
        match self {
            Self::TlsRequired => 4,
            Self::CertificateRequired => 7,
            Self::MapperDenied => 12,
            Self::CertificateRevoked => 13,
            Self::CertificateUntrusted => 16,
            Self::CertificateExpired => 17,
        }
    }
}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(page) => write!(f, "page {page}"),
            Self::Endless => f.write_str("endless"),
            Self::RedirectLoop => f.write_str("redirect-loop"),
            Self::RedirectAway { port } => write!(f, "redirect-away {port}"),
            Self::HugeHeader { bytes } => write!(f, "huge-header {bytes}"),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount => f.write_str("no-account"),
            Self::NotEligible => f.write_str("not-eligible"),
            Self::NeedsSponsor => f.write_str("needs-sponsor"),
            Self::NotFound => f.write_str("not-found"),
            Self::Forbidden => f.write_str("forbidden"),
            Self::Unauthorised => f.write_str("unauthorised"),
            Self::Locked(time) => write!(f, "locked {}s", time.as_secs()),
            Self::Maintenance(wait) => write!(f, "maintenance {}s", wait.as_secs()),
            Self::MaintenanceUntil(wait) => write!(f, "maintenance-until {}s", wait.as_secs()),
            Self::MaintenanceNotice => f.write_str("maintenance-notice"),
            Self::LogIn => f.write_str("log-in"),
            Self::Unrecognised => f.write_str("unrecognised"),
            Self::Iis(refusal) => write!(f, "iis-403.{}", refusal.sub_code()),
            Self::F5 => f.write_str("f5"),
        }
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, NotAFault> {
    text.parse().map_err(|_| NotAFault)
}
