//! Signing in by card.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::card::{self, Tie};
use super::password;
use super::{Store, StoreError};
use crate::portal::certificate::Holder;
use crate::portal::terms::{Terms, TiedBy};

/// What signing in came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::portal) enum SignIn {
    SignedIn,
    /// The certificate does not say what accounts are found by.
    Unnamed,
    NotListed,
    NotAuthorised,
    NoAccount,
    /// No account, and none to be had by oneself.
    NotEligible,
    /// No account, and one only through a sponsor.
    NeedsSponsor,
    /// UTC seconds.
    LockedOut {
        until: i64,
    },
    /// The account has an earlier card, since then: UTC, year-month-day.
    HasAnotherCard {
        since: String,
    },
    TooManyCards,
    /// Another account has this card.
    Taken,
}

/// What the sessions of a portal are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::portal) enum Sessions {
    Sound,
    /// A person's first session is refused, later ones are not.
    FirstIsStale,
}

/// The session that is to be opened.
pub(in crate::portal) struct NewSession {
    pub(in crate::portal) id: String,
    pub(in crate::portal) csrf: String,
    /// The session before, whose accepted notice counts on.
    pub(in crate::portal) before: Option<String>,
    pub(in crate::portal) worth: Sessions,
}

/// Who a card leads to.
struct Listed {
    upn: String,
    category: String,
    is_authorised: bool,
    account: Option<String>,
    locked_until: Option<i64>,
}

impl Store {
    /// Ties the card to its holder's account and opens a session, if the
    /// holder may have one.
    pub(in crate::portal) fn sign_in(
        &mut self,
        holder: &Holder,
        session: &NewSession,
        terms: &Terms,
        now: i64,
    ) -> Result<SignIn, StoreError> {
        let transaction = self.connection.transaction()?;
        if name_in(holder, terms.tied_by).is_none() {
            return Ok(SignIn::Unnamed);
        }
        let Some(listed) = listed(&transaction, holder, terms.tied_by)? else {
            return Ok(SignIn::NotListed);
        };
        if !listed.is_authorised {
            return Ok(SignIn::NotAuthorised);
        }
        let Some(account) = listed.account else {
            return Ok(match listed.category.as_str() {
                "retiree" | "family" => SignIn::NotEligible,
                "contractor" => SignIn::NeedsSponsor,
                _ => SignIn::NoAccount,
            });
        };
        if let Some(until) = password::still_locked(listed.locked_until, now) {
            return Ok(SignIn::LockedOut { until });
        }

        let is_stale = match session.worth {
            Sessions::Sound => false,
            Sessions::FirstIsStale => !has_stale_session(&transaction, &listed.upn)?,
        };
        let (of, card, is_new) = if is_stale {
            (None, None, false)
        } else {
            match card::tie(&transaction, &account, holder, terms, now)? {
                Tie::Known { card } => (Some(account), Some(card), false),
                Tie::New { card } => (Some(account), Some(card), true),
                Tie::HasAnother { since } => return Ok(SignIn::HasAnotherCard { since }),
                Tie::TooMany => return Ok(SignIn::TooManyCards),
                Tie::Taken => return Ok(SignIn::Taken),
            }
        };
        transaction.execute(
            "INSERT INTO sessions
                 (id, csrf, person, account, card, registered_card, notice, made_at, stale)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6,
                     (SELECT notice FROM sessions WHERE id = ?7), ?8, ?9)",
            params![
                session.id,
                session.csrf,
                listed.upn,
                of,
                card,
                is_new,
                session.before,
                now,
                is_stale
            ],
        )?;
        transaction.commit()?;
        Ok(SignIn::SignedIn)
    }
}

/// What an account is found by, if the certificate says it.
fn name_in(holder: &Holder, tied_by: TiedBy) -> Option<&str> {
    match tied_by {
        TiedBy::Upn => holder.upn.as_deref(),
        TiedBy::Edipi => holder.edipi.as_deref(),
        TiedBy::Subject => Some(&holder.subject)
            .filter(|subject| !subject.is_empty())
            .map(String::as_str),
    }
}

/// A card that is registered leads to its account, whatever else it says.
fn listed(
    connection: &Connection,
    holder: &Holder,
    tied_by: TiedBy,
) -> rusqlite::Result<Option<Listed>> {
    let by_card = one_listed(
        connection,
        "accounts.name = (SELECT account FROM cards WHERE issuer = ?1 AND serial = ?2)",
        &[&holder.issuer, &holder.serial],
    )?;
    if by_card.is_some() {
        return Ok(by_card);
    }
    let upn = holder.upn.as_deref().unwrap_or_default();
    match tied_by {
        TiedBy::Upn => one_listed(connection, "people.upn = ?1", &[upn]),
        TiedBy::Edipi => {
            let edipi = holder.edipi.as_deref().unwrap_or_default();
            one_listed(connection, "people.edipi = ?1", &[edipi])
        }
        TiedBy::Subject => {
            let by_subject = one_listed(
                connection,
                "accounts.name = (SELECT account FROM cards WHERE subject = ?1)",
                &[&holder.subject],
            )?;
            match by_subject {
                Some(listed) => Ok(Some(listed)),
                None => one_listed(connection, "people.upn = ?1", &[upn]),
            }
        }
    }
}

/// Of several, the one with an account.
fn one_listed(
    connection: &Connection,
    condition: &str,
    values: &[&str],
) -> rusqlite::Result<Option<Listed>> {
    let query = format!(
        "SELECT people.upn, people.category, people.authorised,
                accounts.name, accounts.locked_until
         FROM people LEFT JOIN accounts ON accounts.person = people.upn
         WHERE {condition}
         ORDER BY accounts.name IS NULL, people.upn LIMIT 1"
    );
    connection
        .query_row(&query, rusqlite::params_from_iter(values), |row| {
            listed_from_row(row)
        })
        .optional()
}

fn listed_from_row(row: &Row<'_>) -> rusqlite::Result<Listed> {
    Ok(Listed {
        upn: row.get(0)?,
        category: row.get(1)?,
        is_authorised: row.get(2)?,
        account: row.get(3)?,
        locked_until: row.get(4)?,
    })
}

fn has_stale_session(transaction: &Transaction<'_>, upn: &str) -> rusqlite::Result<bool> {
    transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE person = ?1 AND stale = 1)",
        [upn],
        |row| row.get(0),
    )
}
