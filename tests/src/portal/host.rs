//! The hosts a portal is made of, and how one sends people to the other.

use std::fmt;
use std::str::FromStr;

/// One of the portal's hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Asks for the card.
    SignIn,
    /// Has the accounts. The same as the one that asks for the card where the
    /// portal is in one origin.
    Account,
}

/// How many origins there are, and how a sign-in gets from one to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    #[default]
    OneOrigin,
    /// A one-time token travels in the address of a redirect.
    TwoOrigins,
    /// A one-time token travels in a form that submits itself, as SAML's do.
    TwoOriginsByForm,
}

/// Where the portal's hosts are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origins {
    sign_in: String,
    /// Nothing where it is the same.
    account: Option<String>,
}

impl Origins {
    pub(super) fn one(origin: String) -> Self {
        Self {
            sign_in: origin,
            account: None,
        }
    }

    pub(super) fn two(sign_in: String, account: String) -> Self {
        Self {
            sign_in,
            account: Some(account),
        }
    }

    pub(super) fn sign_in(&self) -> &str {
        &self.sign_in
    }

    pub(super) fn account(&self) -> &str {
        self.account.as_deref().unwrap_or(&self.sign_in)
    }

    pub(super) fn of(&self, host: Host) -> &str {
        match host {
            Host::SignIn => self.sign_in(),
            Host::Account => self.account(),
        }
    }

    /// Both, if they are two: the one that asks for the card first.
    pub(super) fn apart(&self) -> Option<(&str, &str)> {
        Some((&self.sign_in, self.account.as_deref()?))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignIn => "sign-in",
            Self::Account => "account",
        })
    }
}

/// The word names no host.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected sign-in or account")]
pub struct NotAHost;

impl FromStr for Host {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        match text {
            "sign-in" => Ok(Self::SignIn),
            "account" => Ok(Self::Account),
            _ => Err(NotAHost),
        }
    }
}
