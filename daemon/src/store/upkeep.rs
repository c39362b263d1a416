//! Keeping the database small: history that is too old or too much is
//! forgotten, and room that came free is given back, a little at a time.
//!
//! Each step is a transaction of its own that takes a few milliseconds, so
//! that others have their turn in between; ended at any point, nothing is lost.

use std::time::Duration;

use cac_common::config::Config;
use cac_common::time::UtcSeconds;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Store;
use super::error::StoreError;

/// Entries that one step deletes, looks at, and pages that it gives back.
const DELETED: u32 = 200;
const LOOKED_AT: u32 = 2000;
const GIVEN_BACK: i64 = 64;

/// Room is given back where at least this many pages are free, a mebibyte, and
/// they are this part of the file: less is soon written again.
const PAGES_THAT_PAY: i64 = 256;
const PART_THAT_PAYS: i64 = 4;

/// How much of the history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    pub span: Duration,
    pub entries: u32,
}

/// How far keeping the database small has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upkeep {
    older_than: UtcSeconds,
    entries: u32,
    step: Step,
    /// Entries that were forgotten so far.
    pub forgotten: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    ForgetOld,
    /// Looks for the newest entry that is one too many.
    Count {
        before: Option<i64>,
        left: u32,
    },
    /// Forgets that entry and those before it.
    ForgetBefore(i64),
    Weigh,
    GiveBack,
}

impl Keep {
    pub fn of(config: &Config) -> Self {
        Self {
            span: config.keep_history,
            entries: config.most_history,
        }
    }

    /// Entries from before this moment are too old.
    pub fn oldest(self, now: UtcSeconds) -> UtcSeconds {
        let span = i64::try_from(self.span.as_secs()).unwrap_or(i64::MAX);
        UtcSeconds(now.0.saturating_sub(span))
    }
}

impl Upkeep {
    pub fn new(keep: Keep, now: UtcSeconds) -> Self {
        Self {
            older_than: keep.oldest(now),
            entries: keep.entries,
            step: Step::ForgetOld,
            forgotten: 0,
        }
    }

    fn then(self, step: Step) -> Self {
        Self { step, ..self }
    }

    fn forgot(self, entries: usize, next: Step) -> Self {
        let is_done = entries < DELETED as usize;
        Self {
            forgotten: self.forgotten + entries as u64,
            step: if is_done { next } else { self.step },
            ..self
        }
    }

    fn take_step(self, connection: &Connection) -> Result<Option<Self>, StoreError> {
        Ok(Some(match self.step {
            Step::ForgetOld => {
                let count = Step::Count {
                    before: None,
                    left: self.entries,
                };
                self.forgot(forget_old(connection, self.older_than)?, count)
            }
            Step::Count { before, left } => {
                let look_at = left.min(LOOKED_AT);
                match entry_after(connection, before, look_at)? {
                    None => self.then(Step::Weigh),
                    Some(id) if look_at == left => self.then(Step::ForgetBefore(id)),
                    Some(id) => self.then(Step::Count {
                        before: Some(id),
                        // The one that was found is counted with the next.
                        left: left - look_at,
                    }),
                }
            }
            Step::ForgetBefore(id) => self.forgot(forget_before(connection, id)?, Step::Weigh),
            Step::Weigh if pays(connection)? => self.then(Step::GiveBack),
            Step::Weigh => return Ok(None),
            Step::GiveBack if give_back(connection)? > 0 => self,
            Step::GiveBack => {
                // The file is cut when the log is written back; whoever reads is not waited for.
                connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
                return Ok(None);
            }
        }))
    }
}

impl Store {
    /// Goes one step; `None` when all is done.
    pub async fn keep_up(&self, upkeep: Upkeep) -> Result<Option<Upkeep>, StoreError> {
        self.run(move |connection| upkeep.take_step(connection))
            .await
    }
}

fn forget_old(connection: &Connection, older_than: UtcSeconds) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached(
            "DELETE FROM history WHERE id IN
             (SELECT id FROM history WHERE at < ? ORDER BY at LIMIT ?)",
        )?
        .execute(params![older_than.0, DELETED])
}

fn forget_before(connection: &Connection, id: i64) -> Result<usize, rusqlite::Error> {
    connection
        .prepare_cached(
            "DELETE FROM history WHERE id IN
             (SELECT id FROM history WHERE id <= ? ORDER BY id LIMIT ?)",
        )?
        .execute(params![id, DELETED])
}

/// The entry that comes after so many, from the newest or from one on that
/// counts itself.
fn entry_after(
    connection: &Connection,
    from: Option<i64>,
    entries: u32,
) -> Result<Option<i64>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT id FROM history WHERE id <= ? ORDER BY id DESC LIMIT 1 OFFSET ?")?
        .query_row(params![from.unwrap_or(i64::MAX), entries], |row| row.get(0))
        .optional()
}

fn pays(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let free = free_pages(connection)?;
    let pages: i64 = connection.pragma_query_value(None, "page_count", |row| row.get(0))?;
    Ok(free >= PAGES_THAT_PAY && free >= pages / PART_THAT_PAYS)
}

fn free_pages(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "freelist_count", |row| row.get(0))
}

/// How many pages were given back.
fn give_back(connection: &Connection) -> Result<i64, rusqlite::Error> {
    let before = free_pages(connection)?;
    // A row for each page: whoever does not ask for the next gives back no more.
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({GIVEN_BACK})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    drop(statement);
    Ok(before - free_pages(connection)?)
}

#[cfg(test)]
pub(in crate::store) mod tests {
    use super::super::fixtures::{NOW, entry, opened};
    use super::*;

    const ALL: Keep = Keep {
        span: Duration::from_secs(0),
        entries: u32::MAX,
    };

    #[tokio::test]
    async fn what_is_older_is_forgotten_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let old = 2 * DELETED + 1;
        many(&store, old, UtcSeconds(NOW.0 - 1)).await;
        let kept = store.append(entry("today")).await.unwrap();

        let forgotten = to_the_end(&store, ALL).await;

        assert_eq!(forgotten, u64::from(old));
        assert_eq!(store.history(None, 10).await.unwrap(), [kept]);
    }

    #[tokio::test]
    async fn of_what_is_too_much_the_newest_is_kept() {
        for (there, entries) in [
            (10, 9),
            (10, 10),
            (10, 11),
            (2 * LOOKED_AT + 7, 2 * LOOKED_AT + 6),
            (2 * LOOKED_AT, LOOKED_AT),
            (LOOKED_AT + 1, LOOKED_AT),
            (3 * DELETED, 1),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = opened(folder.path());
            many(&store, there, NOW).await;

            let forgotten = to_the_end(&store, Keep { entries, ..ALL }).await;

            let too_many = u64::from(there.saturating_sub(entries));
            assert_eq!(forgotten, too_many, "{entries} of {there}");
            let (oldest, left) = oldest_and_count(&store).await;
            assert_eq!(left, u64::from(there.min(entries)));
            assert_eq!(oldest, too_many + 1);
        }
    }

    #[tokio::test]
    async fn room_that_came_free_is_given_back_where_that_pays() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        many(&store, 60_000, NOW).await;
        let full = pages(&store).await;

        to_the_end(
            &store,
            Keep {
                entries: 58_000,
                ..ALL
            },
        )
        .await;
        let a_little_less = pages(&store).await;
        to_the_end(
            &store,
            Keep {
                entries: 1000,
                ..ALL
            },
        )
        .await;

        assert_eq!(a_little_less, full, "not for so little");
        assert!(pages(&store).await < full / 10, "{full}");
        let file = folder.path().join("cacd.db");
        assert!(file.metadata().unwrap().len() < 4096 * full.unsigned_abs() / 10);
        assert_eq!(oldest_and_count(&store).await, (59_001, 1000));
    }

    /// What the files hold between two steps is what a killed daemon leaves.
    #[tokio::test]
    async fn ended_between_any_two_steps_nothing_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        many(&store, 20_000, NOW).await;
        let mut upkeep = Some(Upkeep::new(
            Keep {
                entries: 300,
                ..ALL
            },
            NOW,
        ));
        let mut steps = 0;
        while let Some(next) = upkeep {
            upkeep = store.keep_up(next).await.unwrap();
            steps += 1;
            if steps % 20 != 0 {
                continue;
            }
            let after = tempfile::tempdir().unwrap();
            for file in ["cacd.db", "cacd.db-wal", "cacd.key"] {
                std::fs::copy(folder.path().join(file), after.path().join(file)).unwrap();
            }

            let found = opened(after.path());

            assert_eq!(found.history(None, 1).await.unwrap()[0].id, 20_000);
            let (oldest, left) = oldest_and_count(&found).await;
            assert_eq!(left, 20_001 - oldest);
            assert!(left >= 300);
            found.close().await;
        }
        assert!(steps > 100, "{steps}");
    }

    async fn to_the_end(store: &Store, keep: Keep) -> u64 {
        let mut upkeep = Upkeep::new(keep, NOW);
        while let Some(next) = store.keep_up(upkeep).await.unwrap() {
            upkeep = next;
        }
        upkeep.forgotten
    }

    async fn oldest_and_count(store: &Store) -> (u64, u64) {
        let sql = "SELECT min(id), count(*) FROM history";
        let two = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let (oldest, count) = store
            .run(move |connection| Ok(connection.query_row(sql, [], two)?))
            .await
            .unwrap();
        (oldest.unsigned_abs(), count.unsigned_abs())
    }

    async fn pages(store: &Store) -> i64 {
        store
            .run(|connection| {
                Ok(connection.pragma_query_value(None, "page_count", |row| row.get(0))?)
            })
            .await
            .unwrap()
    }

    /// As one statement, because each `append` waits for the disk.
    pub(in crate::store) async fn many(store: &Store, entries: u32, at: UtcSeconds) {
        store
            .run(move |connection| {
                connection.execute(
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                     INSERT INTO history (at, kind, text)
                     SELECT ?, 'card', 'entry ' || i || ' of a history that is long' FROM n",
                    params![entries, at.0],
                )?;
                Ok(())
            })
            .await
            .unwrap();
    }
}
