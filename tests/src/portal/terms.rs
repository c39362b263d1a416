//! On what terms the portal ties cards to accounts.

use std::time::Duration;

use axum::http::StatusCode;

/// By what the portal finds the account of a card it has not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TiedBy {
    #[default]
    Upn,
    /// Every card of a person leads to the same account.
    Edipi,
    /// The distinguished name that was first tied to the account, which was
    /// found by UPN. Another name of the same person has to be registered by hand.
    Subject,
}

/// What becomes of another card of someone whose account has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Renewal {
    /// It is registered beside the one before.
    #[default]
    ByItself,
    /// It is refused until it is registered by hand, in place of the one before.
    ByHand,
}

/// How a certificate is given where it is registered by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Given {
    /// By whoever comes with it, in TLS.
    #[default]
    InTls,
    /// As text in the form.
    AsText,
}

/// When an account is locked, and what its holder is then shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// So many wrong passwords in a row lock it.
    pub after: u32,
    pub lasts: Duration,
    /// Of the page that says so: 200 or 423 are met.
    pub status: StatusCode,
}

/// All of it together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    pub tied_by: TiedBy,
    pub renewal: Renewal,
    /// As many as one likes, if it is not said.
    pub most_cards: Option<u32>,
    pub lockout: Lockout,
    pub given: Given,
}

impl Default for Lockout {
    /// Three tries, as at DMDC's applications, and a quarter of an hour.
    fn default() -> Self {
        Self {
            after: 3,
            lasts: Duration::from_mins(15),
            status: StatusCode::OK,
        }
    }
}
