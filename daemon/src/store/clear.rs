//! Forgetting, so that nothing is left in the file or beside it.

use cac_common::error_chain::Chain;
use cac_common::interface::{ClearScope, Lost};
use rusqlite::{Connection, Params, Transaction};

use super::error::StoreError;
use super::{Store, copies};

/// How often the log is asked to be emptied while others read it; each try
/// waits for them as long as the connection's busy time-out.
const TRIES: u32 = 3;

impl Store {
    /// Forgets, or only counts what would be lost. Once it is deleted there is
    /// no error any more: [`Lost::traces_remain`] tells what is left to do.
    pub async fn clear(&self, scope: ClearScope, dry_run: bool) -> Result<Lost, StoreError> {
        let folder = self.folder.clone();
        self.run(move |connection| {
            let copies = match scope {
                ClearScope::All {} | ClearScope::Copies {} => copies::there_are(&folder)?,
                ClearScope::Card { .. }
                | ClearScope::Portal { .. }
                | ClearScope::History { .. }
                | ClearScope::Sessions {} => Vec::new(),
            };
            if dry_run {
                let lost = count(connection, &scope)?;
                return Ok(Lost { copies, ..lost });
            }
            let transaction = connection.transaction()?;
            let lost = count(&transaction, &scope)?;
            delete(&transaction, &scope)?;
            copies::remove(&folder, &copies)?;
            transaction.commit()?;
            // Without room for VACUUM the file stays as large, but full of zeros.
            if scope == (ClearScope::All {})
                && let Err(error) = connection.execute_batch("VACUUM")
            {
                tracing::warn!(error = %Chain(&error), "database could not be made smaller");
            }
            let traces_remain = match empty_the_log(connection) {
                Ok(emptied) => !emptied,
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "log could not be emptied");
                    true
                }
            };
            Ok(Lost {
                copies,
                traces_remain,
                ..lost
            })
        })
        .await
    }
}

impl Store {
    /// Forgets what cards hold, and nothing else of them.
    pub async fn forget_contents(&self) -> Result<(), StoreError> {
        self.run(|connection| {
            let transaction = connection.transaction()?;
            let mut lost = 0;
            for table in ["certificate", "card_object"] {
                lost += transaction.execute(&format!("DELETE FROM {table}"), [])?;
            }
            transaction.commit()?;
            if lost > 0 {
                empty_the_log(connection)?;
            }
            Ok(())
        })
        .await
    }
}

fn count(connection: &Connection, scope: &ClearScope) -> Result<Lost, StoreError> {
    let rows = |sql: &str, params: &[&str]| -> Result<u64, StoreError> {
        let rows: i64 = connection
            .prepare_cached(sql)?
            .query_row(rusqlite::params_from_iter(params), |row| row.get(0))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    };
    Ok(match scope {
        // None is ever written down.
        ClearScope::Sessions {} | ClearScope::Copies {} => Lost::default(),
        ClearScope::All {} => Lost {
            cards: rows("SELECT count(*) FROM card", &[])?,
            certificates: rows("SELECT count(*) FROM certificate", &[])?,
            personas: rows("SELECT count(*) FROM persona", &[])?,
            registrations: rows("SELECT count(*) FROM registration", &[])?,
            history: rows("SELECT count(*) FROM history", &[])?,
            consents: rows("SELECT count(*) FROM consent", &[])?,
            confirmations: rows("SELECT count(*) FROM confirmation", &[])?,
            ..Lost::default()
        },
        ClearScope::Card { card } => {
            let card = &[card.0.as_str()][..];
            Lost {
                cards: rows("SELECT count(*) FROM card WHERE id = ?", card)?,
                certificates: rows("SELECT count(*) FROM certificate WHERE card = ?", card)?,
                personas: rows(
                    "SELECT count(*) FROM persona
                     WHERE id IN (SELECT persona FROM card WHERE id = ?1)
                     AND id NOT IN (SELECT persona FROM card WHERE id <> ?1)",
                    card,
                )?,
                registrations: rows("SELECT count(*) FROM registration WHERE card = ?", card)?,
                history: rows("SELECT count(*) FROM history WHERE card = ?", card)?,
                consents: rows(&of_the_last_card("consent"), card)?,
                confirmations: rows(&of_the_last_card("confirmation"), card)?,
                ..Lost::default()
            }
        }
        ClearScope::Portal { portal } => {
            let portal = &[portal.as_str()][..];
            Lost {
                registrations: rows("SELECT count(*) FROM registration WHERE portal = ?", portal)?,
                history: rows("SELECT count(*) FROM history WHERE portal = ?", portal)?,
                consents: rows("SELECT count(*) FROM consent WHERE portal = ?", portal)?,
                confirmations: rows("SELECT count(*) FROM confirmation WHERE portal = ?", portal)?,
                ..Lost::default()
            }
        }
        ClearScope::History { before } => Lost {
            history: connection
                .query_row(
                    "SELECT count(*) FROM history WHERE at < ?1 OR ?1 IS NULL",
                    [before.map(|moment| moment.0)],
                    |row| row.get(0),
                )
                .map(|rows: i64| u64::try_from(rows).unwrap_or(0))?,
            ..Lost::default()
        },
    })
}

/// Of a persona that has no other card.
fn of_the_last_card(table: &str) -> String {
    format!(
        "SELECT count(*) FROM {table}
         WHERE persona IN (SELECT persona FROM card WHERE id = ?1)
         AND persona NOT IN (SELECT persona FROM card WHERE id <> ?1)"
    )
}

/// Rows that others refer to go last.
fn delete(transaction: &Transaction<'_>, scope: &ClearScope) -> Result<(), StoreError> {
    match scope {
        ClearScope::Sessions {} | ClearScope::Copies {} => {}
        ClearScope::All {} => {
            for table in [
                "confirmation",
                "consent",
                "registration",
                "certificate",
                "card_object",
                "card",
                "persona",
                "history",
            ] {
                execute(transaction, &format!("DELETE FROM {table}"), [])?;
            }
        }
        ClearScope::Card { card } => {
            let card = [&card.0];
            execute(transaction, "DELETE FROM registration WHERE card = ?", card)?;
            execute(transaction, "DELETE FROM certificate WHERE card = ?", card)?;
            execute(transaction, "DELETE FROM card_object WHERE card = ?", card)?;
            execute(transaction, "DELETE FROM card WHERE id = ?", card)?;
            execute(transaction, "DELETE FROM history WHERE card = ?", card)?;
            for sql in [
                "DELETE FROM consent WHERE persona NOT IN (SELECT persona FROM card)",
                "DELETE FROM confirmation WHERE persona NOT IN (SELECT persona FROM card)",
                "DELETE FROM persona WHERE id NOT IN (SELECT persona FROM card)",
            ] {
                execute(transaction, sql, [])?;
            }
        }
        ClearScope::Portal { portal } => {
            for table in ["registration", "consent", "confirmation", "history"] {
                let sql = format!("DELETE FROM {table} WHERE portal = ?");
                execute(transaction, &sql, [portal])?;
            }
        }
        ClearScope::History { before } => {
            let before = before.map(|moment| moment.0);
            execute(
                transaction,
                "DELETE FROM history WHERE at < ?1 OR ?1 IS NULL",
                [before],
            )?;
        }
    }
    Ok(())
}

fn execute(
    transaction: &Transaction<'_>,
    sql: &str,
    params: impl Params,
) -> Result<(), StoreError> {
    transaction.prepare(sql)?.execute(params)?;
    Ok(())
}

/// Pages that were overwritten stay in the log until it is cut to nothing;
/// `false` if others still read it.
fn empty_the_log(connection: &Connection) -> Result<bool, rusqlite::Error> {
    for _ in 0..TRIES {
        let busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !busy {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
