//! What the portal knows: its people, their accounts, and the cards tied to them.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::certificate::Holder;
use super::person::Person;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS people (
        upn TEXT PRIMARY KEY,
        edipi TEXT NOT NULL,
        name TEXT NOT NULL,
        category TEXT NOT NULL,
        authorised INTEGER NOT NULL CHECK (authorised IN (0, 1))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS accounts (
        name TEXT PRIMARY KEY,
        person TEXT NOT NULL UNIQUE REFERENCES people (upn)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS cards (
        id INTEGER PRIMARY KEY,
        account TEXT NOT NULL REFERENCES accounts (name),
        issuer TEXT NOT NULL,
        serial TEXT NOT NULL,
        upn TEXT NOT NULL,
        registered_at INTEGER NOT NULL,
        UNIQUE (issuer, serial)
    ) STRICT;
    -- A session refused from its start has no card: nothing was registered.
    CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY,
        person TEXT NOT NULL REFERENCES people (upn),
        card INTEGER REFERENCES cards (id),
        registered_card INTEGER NOT NULL CHECK (registered_card IN (0, 1)),
        made_at INTEGER NOT NULL,
        stale INTEGER NOT NULL CHECK (stale IN (0, 1))
    ) STRICT;
";

/// A card that the portal has tied to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub account: String,
    pub issuer: String,
    /// Of the certificate, in upper-case hex.
    pub serial: String,
    pub upn: String,
    /// UTC seconds.
    pub registered_at: i64,
}

/// The portal's database failed.
#[derive(Debug, thiserror::Error)]
#[error("the portal's database failed")]
pub struct StoreError(#[from] rusqlite::Error);

/// What signing in came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignIn {
    SignedIn,
    NotListed,
    NotAuthorised,
    NoAccount,
}

/// What the sessions of a portal are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sessions {
    Sound,
    /// A person's first session is refused, later ones are not.
    FirstIsStale,
}

/// What the holder of a session is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) person: String,
    pub(super) category: String,
    /// UTC, year-month-day.
    pub(super) registered_on: String,
    /// Tied by this very sign-in.
    pub(super) is_new: bool,
}

pub(super) struct Store {
    connection: Connection,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self { connection })
    }

    pub(super) fn add_person(&self, person: &Person) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO people (upn, edipi, name, category, authorised)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (upn) DO UPDATE SET
                 edipi = excluded.edipi, name = excluded.name,
                 category = excluded.category, authorised = excluded.authorised",
            params![
                person.upn,
                person.edipi,
                person.name,
                person.category,
                person.authorised
            ],
        )?;
        Ok(())
    }

    /// Harmless if the account is there already and is this person's.
    pub(super) fn add_account(&self, account: &str, upn: &str) -> Result<(), StoreError> {
        let is_there: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE name = ?1 AND person = ?2)",
            [account, upn],
            |row| row.get(0),
        )?;
        if !is_there {
            self.connection.execute(
                "INSERT INTO accounts (name, person) VALUES (?1, ?2)",
                [account, upn],
            )?;
        }
        Ok(())
    }

    pub(super) fn registrations(&self) -> Result<Vec<Registration>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT account, issuer, serial, upn, registered_at FROM cards ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(Registration {
                account: row.get(0)?,
                issuer: row.get(1)?,
                serial: row.get(2)?,
                upn: row.get(3)?,
                registered_at: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ties the card to its holder's account and opens a session, if the
    /// holder may have one.
    pub(super) fn sign_in(
        &mut self,
        holder: &Holder,
        session: &str,
        sessions: Sessions,
    ) -> Result<SignIn, StoreError> {
        let transaction = self.connection.transaction()?;
        let listed: Option<(bool, Option<String>)> = transaction
            .query_row(
                "SELECT people.authorised, accounts.name
                 FROM people LEFT JOIN accounts ON accounts.person = people.upn
                 WHERE people.upn = ?1",
                [&holder.upn],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let account = match listed {
            None => return Ok(SignIn::NotListed),
            Some((false, _)) => return Ok(SignIn::NotAuthorised),
            Some((true, None)) => return Ok(SignIn::NoAccount),
            Some((true, Some(account))) => account,
        };

        let is_stale = match sessions {
            Sessions::Sound => false,
            Sessions::FirstIsStale => !has_stale_session(&transaction, &holder.upn)?,
        };
        let (card, is_new) = if is_stale {
            (None, false)
        } else {
            let (card, is_new) = register(&transaction, &account, holder)?;
            (Some(card), is_new)
        };
        transaction.execute(
            "INSERT INTO sessions (id, person, card, registered_card, made_at, stale)
             VALUES (?1, ?2, ?3, ?4, unixepoch(), ?5)",
            params![session, holder.upn, card, is_new, is_stale],
        )?;
        transaction.commit()?;
        Ok(SignIn::SignedIn)
    }

    pub(super) fn account_of(&self, session: &str) -> Result<Option<Account>, StoreError> {
        let account = self
            .connection
            .query_row(
                "SELECT cards.account, people.name, people.category,
                        date(cards.registered_at, 'unixepoch'), sessions.registered_card
                 FROM sessions
                 JOIN people ON people.upn = sessions.person
                 JOIN cards ON cards.id = sessions.card
                 WHERE sessions.id = ?1",
                [session],
                account_from_row,
            )
            .optional()?;
        Ok(account)
    }

    /// Makes every session there is a stale one.
    pub(super) fn age_sessions(&self) -> Result<(), StoreError> {
        self.connection
            .execute("UPDATE sessions SET stale = 1", [])?;
        Ok(())
    }

    pub(super) fn is_stale(&self, session: &str) -> Result<bool, StoreError> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1 AND stale = 1)",
            [session],
            |row| row.get(0),
        )?)
    }
}

fn account_from_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        name: row.get(0)?,
        person: row.get(1)?,
        category: row.get(2)?,
        registered_on: row.get(3)?,
        is_new: row.get(4)?,
    })
}

fn has_stale_session(transaction: &Transaction<'_>, upn: &str) -> rusqlite::Result<bool> {
    transaction.query_row(
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE person = ?1 AND stale = 1)",
        [upn],
        |row| row.get(0),
    )
}

/// The card's row, and whether it was tied to the account just now.
fn register(
    transaction: &Transaction<'_>,
    account: &str,
    holder: &Holder,
) -> rusqlite::Result<(i64, bool)> {
    let known = transaction
        .query_row(
            "SELECT id FROM cards WHERE account = ?1 AND issuer = ?2 AND serial = ?3",
            params![account, holder.issuer, holder.serial],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(card) = known {
        return Ok((card, false));
    }
    transaction.execute(
        "INSERT INTO cards (account, issuer, serial, upn, registered_at)
         VALUES (?1, ?2, ?3, ?4, unixepoch())",
        params![account, holder.issuer, holder.serial, holder.upn],
    )?;
    Ok((transaction.last_insert_rowid(), true))
}
