//! Sessions, with and without somebody signed in.

use rusqlite::{OptionalExtension, Row, params};

use super::{Store, StoreError};

/// What a cookie stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::portal) struct Session {
    pub(in crate::portal) id: String,
    /// Stands in every form of this session.
    pub(in crate::portal) csrf: String,
    /// Nothing before somebody has signed in.
    pub(in crate::portal) account: Option<String>,
    /// The text of the notice that was accepted.
    pub(in crate::portal) notice: Option<String>,
}

/// What the holder of a session is shown.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::portal) struct Account {
    pub(in crate::portal) name: String,
    pub(in crate::portal) person: String,
    pub(in crate::portal) category: String,
    pub(in crate::portal) card: Option<SessionCard>,
}

/// The card that a session was opened or registered with.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::portal) struct SessionCard {
    /// UTC, year-month-day.
    pub(in crate::portal) registered_on: String,
    /// Tied in this very session.
    pub(in crate::portal) is_new: bool,
}

impl Store {
    /// Nobody's yet.
    pub(in crate::portal) fn open_session(
        &self,
        id: &str,
        csrf: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO sessions (id, csrf, made_at) VALUES (?1, ?2, ?3)",
            params![id, csrf, now],
        )?;
        Ok(())
    }

    pub(in crate::portal) fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let session = self
            .connection
            .query_row(
                "SELECT id, csrf, account, notice FROM sessions WHERE id = ?1",
                [id],
                |row| {
                    Ok(Session {
                        id: row.get(0)?,
                        csrf: row.get(1)?,
                        account: row.get(2)?,
                        notice: row.get(3)?,
                    })
                },
            )
            .optional()?;
        Ok(session)
    }

    pub(in crate::portal) fn accept_notice(&self, id: &str, text: &str) -> Result<(), StoreError> {
        self.connection
            .execute("UPDATE sessions SET notice = ?2 WHERE id = ?1", [id, text])?;
        Ok(())
    }

    pub(in crate::portal) fn account_of(
        &self,
        session: &str,
    ) -> Result<Option<Account>, StoreError> {
        let account = self
            .connection
            .query_row(
                "SELECT sessions.account, people.name, people.category,
                        date(cards.registered_at, 'unixepoch'), sessions.registered_card
                 FROM sessions
                 JOIN people ON people.upn = sessions.person
                 LEFT JOIN cards ON cards.id = sessions.card
                 WHERE sessions.id = ?1 AND sessions.account IS NOT NULL",
                [session],
                account_from_row,
            )
            .optional()?;
        Ok(account)
    }

    pub(in crate::portal) fn end_sessions(&self) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM sessions", [])?;
        Ok(())
    }

    /// Makes every session there is a stale one.
    pub(in crate::portal) fn age_sessions(&self) -> Result<(), StoreError> {
        self.connection
            .execute("UPDATE sessions SET stale = 1", [])?;
        Ok(())
    }

    pub(in crate::portal) fn is_stale(&self, session: &str) -> Result<bool, StoreError> {
        Ok(self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1 AND stale = 1)",
            [session],
            |row| row.get(0),
        )?)
    }
}

fn account_from_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    let is_new = row.get(4)?;
    let registered_on: Option<String> = row.get(3)?;
    Ok(Account {
        name: row.get(0)?,
        person: row.get(1)?,
        category: row.get(2)?,
        card: registered_on.map(|registered_on| SessionCard {
            registered_on,
            is_new,
        }),
    })
}
