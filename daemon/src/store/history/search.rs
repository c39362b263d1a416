//! Finds entries of the history, a bounded number of them at a time.
//!
//! Letters are compared here and not by SQLite, which knows no other case than
//! that of ASCII, and for which some characters of a text would mean more than
//! themselves.

use cac_common::error_chain::Chain;
use cac_common::interface::{GetHistory, HistoryReply, LONGEST_HISTORY_PAGE};
use cac_common::snapshot::{HistoryEntry, Shown};
use cac_common::time::UtcSeconds;
use rusqlite::{Connection, Rows, params};

use super::super::error::StoreError;
use super::entry;

/// The most entries that one search looks at, so that others get their turn.
const MOST_EXAMINED: u32 = 4096;

/// What is looked for.
pub(super) struct Search {
    wanted: GetHistory,
    /// Without case; nothing is looked for in texts if absent.
    text: Option<String>,
    /// Nothing else is found, if there is a limit to what may be.
    shown: Option<Shown>,
}

impl Search {
    pub(super) fn new(wanted: GetHistory) -> Self {
        let text = wanted.text.as_deref().filter(|text| !text.is_empty());
        Self {
            text: text.map(without_case),
            wanted,
            shown: None,
        }
    }

    pub(super) fn only(self, shown: Option<Shown>) -> Self {
        Self { shown, ..self }
    }

    pub(super) fn page(&self, connection: &Connection) -> Result<HistoryReply, StoreError> {
        let before = self.wanted.before.unwrap_or(i64::MAX);
        // No LIMIT: what cannot be read back must not make the page look like the last.
        if let Some((since, until)) = self.span()
            && is_short(connection, since, until)?
        {
            // By the index on `at`, which the signs keep SQLite from passing over.
            let mut select = connection.prepare_cached(
                "SELECT id, at, kind, reader, card, portal, text FROM history
                 WHERE at >= ? AND at < ? AND +id < ? ORDER BY +id DESC",
            )?;
            return self.pick(select.query(params![since.0, until.0, before])?);
        }
        let mut select = connection.prepare_cached(
            "SELECT id, at, kind, reader, card, portal, text FROM history
             WHERE id < ? ORDER BY id DESC",
        )?;
        self.pick(select.query([before])?)
    }

    fn pick(&self, mut rows: Rows<'_>) -> Result<HistoryReply, StoreError> {
        let limit = self.wanted.limit.min(LONGEST_HISTORY_PAGE) as usize;
        let mut entries = Vec::new();
        let mut examined = 0;
        let mut next_before = None;
        while let Some(row) = rows.next()? {
            if entries.len() >= limit || examined >= MOST_EXAMINED {
                return Ok(HistoryReply {
                    entries,
                    next_before,
                });
            }
            examined += 1;
            next_before = row.get(0).ok();
            match entry(row) {
                Ok(entry) if self.fits(&entry) => entries.push(entry),
                Ok(_) => {}
                Err(error) => {
                    let error = Chain(&error);
                    tracing::warn!(id = next_before, %error, "history entry could not be read back and was skipped");
                }
            }
        }
        Ok(HistoryReply {
            entries,
            next_before: None,
        })
    }

    /// The moments that are wanted, if not all are.
    fn span(&self) -> Option<(UtcSeconds, UtcSeconds)> {
        let GetHistory { since, until, .. } = self.wanted;
        (since.is_some() || until.is_some()).then(|| {
            (
                since.unwrap_or(UtcSeconds(i64::MIN)),
                until.unwrap_or(UtcSeconds(i64::MAX)),
            )
        })
    }

    fn fits(&self, entry: &HistoryEntry) -> bool {
        let wanted = &self.wanted;
        let is = |wanted: Option<&str>, found: Option<&str>| wanted.is_none() || wanted == found;
        (self.shown.as_ref()).is_none_or(|shown| shown.includes(entry))
            && wanted.kind.is_none_or(|kind| kind == entry.kind)
            && is(wanted.portal.as_deref(), entry.portal.as_deref())
            && is(
                wanted.card.as_ref().map(|card| &*card.0),
                entry.card.as_ref().map(|card| &*card.0),
            )
            && wanted.since.is_none_or(|since| entry.at >= since)
            && wanted.until.is_none_or(|until| entry.at < until)
            && (self.text.as_ref()).is_none_or(|text| without_case(&entry.text).contains(text))
    }
}

/// Whether so few entries are from a span of time that all can be looked at.
fn is_short(
    connection: &Connection,
    since: UtcSeconds,
    until: UtcSeconds,
) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT count(*) FROM (SELECT 1 FROM history WHERE at >= ? AND at < ? LIMIT ?)",
    )?;
    let found: u32 = select.query_row(params![since.0, until.0, MOST_EXAMINED + 1], |row| {
        row.get(0)
    })?;
    Ok(found <= MOST_EXAMINED)
}

fn without_case(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
