//! User names and passwords, and the lock on an account that was tried too often.

use std::num::NonZeroU32;
use std::time::Duration;

use aws_lc_rs::pbkdf2;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};
use crate::portal::terms::Lockout;

/// Few: the passwords are invented ones.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
const HASH_LENGTH: usize = 32;

/// What giving a password came to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::portal) enum LogIn {
    Right,
    /// Which of the two is not said.
    WrongNameOrPassword,
    /// UTC seconds.
    LockedOut {
        until: i64,
    },
}

struct Secret {
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
    locked_until: Option<i64>,
}

impl Store {
    /// Whether there is such an account.
    pub(in crate::portal) fn set_password(
        &self,
        account: &str,
        password: &str,
    ) -> Result<bool, StoreError> {
        let salt: [u8; 16] = rand::random();
        let mut hash = [0; HASH_LENGTH];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ROUNDS,
            &salt,
            password.as_bytes(),
            &mut hash,
        );
        let changed = self.connection.execute(
            "UPDATE accounts SET salt = ?2, password = ?3 WHERE name = ?1",
            params![account, salt, hash],
        )?;
        Ok(changed == 1)
    }

    /// Whether there is such an account.
    pub(in crate::portal) fn lock(
        &self,
        account: &str,
        lasts: Duration,
        now: i64,
    ) -> Result<bool, StoreError> {
        Ok(lock(&self.connection, account, lasts, now)? == 1)
    }

    /// Counts a wrong password, and locks the account after too many in a row.
    pub(in crate::portal) fn check_password(
        &mut self,
        account: &str,
        password: &str,
        lockout: &Lockout,
        now: i64,
    ) -> Result<LogIn, StoreError> {
        let transaction = self.connection.transaction()?;
        let secret = transaction
            .query_row(
                "SELECT salt, password, locked_until FROM accounts WHERE name = ?1",
                [account],
                |row| {
                    Ok(Secret {
                        salt: row.get(0)?,
                        hash: row.get(1)?,
                        locked_until: row.get(2)?,
                    })
                },
            )
            .optional()?;
        let Some(secret) = secret else {
            return Ok(LogIn::WrongNameOrPassword);
        };
        if let Some(until) = still_locked(secret.locked_until, now) {
            return Ok(LogIn::LockedOut { until });
        }
        let is_right = match (&secret.salt, &secret.hash) {
            (Some(salt), Some(hash)) => pbkdf2::verify(
                pbkdf2::PBKDF2_HMAC_SHA256,
                ROUNDS,
                salt,
                password.as_bytes(),
                hash,
            )
            .is_ok(),
            _ => false,
        };
        if is_right {
            transaction.execute(
                "UPDATE accounts SET failures = 0, locked_until = NULL WHERE name = ?1",
                [account],
            )?;
            transaction.commit()?;
            return Ok(LogIn::Right);
        }
        let failures: u32 = transaction.query_row(
            "UPDATE accounts SET failures = failures + 1 WHERE name = ?1 RETURNING failures",
            [account],
            |row| row.get(0),
        )?;
        let is_too_many = failures >= lockout.after;
        if is_too_many {
            lock(&transaction, account, lockout.lasts, now)?;
        }
        transaction.commit()?;
        Ok(if is_too_many {
            LogIn::LockedOut {
                until: after(lockout.lasts, now),
            }
        } else {
            LogIn::WrongNameOrPassword
        })
    }

    /// Opens a session for the account in place of the one before.
    pub(in crate::portal) fn log_in(
        &mut self,
        account: &str,
        [id, csrf]: [&str; 2],
        before: &str,
        now: i64,
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "INSERT INTO sessions (id, csrf, person, account, notice, made_at)
             SELECT ?1, ?2, person, name, (SELECT notice FROM sessions WHERE id = ?4), ?5
             FROM accounts WHERE name = ?3",
            params![id, csrf, account, before, now],
        )?;
        transaction.execute("DELETE FROM sessions WHERE id = ?1", [before])?;
        transaction.commit()?;
        Ok(())
    }
}

pub(super) fn still_locked(until: Option<i64>, now: i64) -> Option<i64> {
    until.filter(|until| *until > now)
}

/// A locked account has its tries back once the time is over.
fn lock(
    connection: &Connection,
    account: &str,
    lasts: Duration,
    now: i64,
) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE accounts SET failures = 0, locked_until = ?2 WHERE name = ?1",
        params![account, after(lasts, now)],
    )
}

fn after(lasts: Duration, now: i64) -> i64 {
    now.saturating_add(i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX))
}
