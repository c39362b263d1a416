//! What the portal knows: its people, their accounts, and the cards tied to them.

mod card;
mod password;
mod session;
mod sign_in;
mod token;

use std::path::Path;

use rusqlite::{Connection, params};

use super::person::Person;

pub(super) use card::{ByHand, Card};
pub(super) use password::LogIn;
pub(super) use session::{Account, Session};
pub(super) use sign_in::{NewSession, Sessions, SignIn};
pub(super) use token::Purpose;

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
        person TEXT NOT NULL UNIQUE REFERENCES people (upn),
        salt BLOB,
        password BLOB,
        failures INTEGER NOT NULL DEFAULT 0,
        locked_until INTEGER
    ) STRICT;
    CREATE TABLE IF NOT EXISTS cards (
        id INTEGER PRIMARY KEY,
        account TEXT NOT NULL REFERENCES accounts (name),
        issuer TEXT NOT NULL,
        serial TEXT NOT NULL,
        upn TEXT NOT NULL,
        subject TEXT NOT NULL,
        registered_at INTEGER NOT NULL,
        UNIQUE (issuer, serial)
    ) STRICT;
    -- A session refused from its start has no account: nothing was registered.
    -- Before signing in there is neither a person nor an account.
    CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY,
        csrf TEXT NOT NULL,
        person TEXT REFERENCES people (upn),
        account TEXT REFERENCES accounts (name),
        card INTEGER REFERENCES cards (id) ON DELETE SET NULL,
        registered_card INTEGER NOT NULL DEFAULT 0 CHECK (registered_card IN (0, 1)),
        notice TEXT,
        may_register INTEGER NOT NULL DEFAULT 0 CHECK (may_register IN (0, 1)),
        made_at INTEGER NOT NULL,
        stale INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1))
    ) STRICT;
    CREATE TABLE IF NOT EXISTS tokens (
        id TEXT PRIMARY KEY,
        certificate BLOB NOT NULL,
        purpose TEXT NOT NULL,
        made_at INTEGER NOT NULL
    ) STRICT;
";

/// A card that the portal has tied to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    pub account: String,
    pub issuer: String,
    /// Of the certificate, in upper-case hex.
    pub serial: String,
    /// Empty if the certificate has none.
    pub upn: String,
    /// UTC seconds.
    pub registered_at: i64,
}

/// The portal's database failed.
#[derive(Debug, thiserror::Error)]
#[error("the portal's database failed")]
pub struct StoreError(#[from] rusqlite::Error);

/// Times are UTC seconds throughout.
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
}
