//! What outlives a restart: cards, personas, registrations and the history.
//!
//! One thread owns the one connection. Everyone else has a [`Store`], which
//! sends it work and awaits the answer; work that was sent is done even if
//! nobody waits any more. Nothing else in the daemon has SQL.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use cac_common::error_chain::Chain;
use cac_common::identity::PersonaId;
use cac_common::time::UtcSeconds;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{mpsc, oneshot};

mod backup;
mod cards;
mod clear;
mod confirmations;
mod consents;
mod copies;
mod error;
mod figures;
#[cfg(test)]
mod fixtures;
mod history;
mod kept_text;
mod key;
mod migrate;
mod registrations;
mod upkeep;

pub use backup::Backup;
pub use cards::{Acquaintance, CachedCard, CachedCertificate, CardMemory, CardRecord};
pub use consents::Consent;
pub use error::StoreError;
pub use figures::Figures;
pub use history::NewEntry;
pub use key::PersonaKey;
use migrate::Look;
pub use migrate::{Notice, Opened};
pub use registrations::{RegistrationRecord, StoredRegistration};
pub use upkeep::{Keep, Upkeep};

/// Pieces of work that wait for the thread before a caller has to.
const QUEUE: usize = 256;

/// A handle on the database.
#[derive(Clone)]
pub struct Store {
    folder: Arc<Path>,
    work: mpsc::Sender<Message>,
    key: Arc<PersonaKey>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
    is_corrupt: Arc<AtomicBool>,
}

enum Message {
    Do(Box<dyn FnOnce(&mut Connection) + Send>),
    Close,
}

impl Store {
    /// Opens the database in a folder and brings it up to date; makes both if
    /// they are not there. A corrupt database is kept aside and a new one
    /// begun. Blocks.
    pub fn open(folder: &Path, now: UtcSeconds) -> Result<(Self, Opened), StoreError> {
        Self::open_after(folder, now, Look::AtStart)
    }

    /// The same for one that was found to be corrupt while it was in use.
    pub fn open_after_damage(folder: &Path, now: UtcSeconds) -> Result<(Self, Opened), StoreError> {
        Self::open_after(folder, now, Look::Whole)
    }

    fn open_after(
        folder: &Path,
        now: UtcSeconds,
        look: Look,
    ) -> Result<(Self, Opened), StoreError> {
        let (connection, key, opened) = migrate::open(folder, now, look)?;
        let (work, queue) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || serve(connection, queue))
            .map_err(StoreError::Io)?;
        let store = Self {
            folder: folder.into(),
            work,
            key: Arc::new(key),
            thread: Arc::new(Mutex::new(Some(thread))),
            is_corrupt: Arc::default(),
        };
        Ok((store, opened))
    }

    /// What names a persona, as a keyed hash.
    pub fn persona_id(&self, identifier: &str) -> PersonaId {
        self.key.persona_id(identifier)
    }

    /// Whether the thread has ended, so that every answer will be
    /// [`StoreError::Stopped`].
    pub fn has_stopped(&self) -> bool {
        self.work.is_closed()
    }

    /// Whether damage was met since it was opened: what is written now may be lost.
    pub fn is_corrupt(&self) -> bool {
        self.is_corrupt.load(Ordering::SeqCst)
    }

    /// Does the work that was sent before, writes the log back into the
    /// database and ends the thread. Other handles get [`StoreError::Stopped`].
    pub async fn close(self) {
        // A thread that is gone already has nothing left to close.
        let _ = self.work.send(Message::Close).await;
        self.work.closed().await;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("store thread had panicked");
        }
    }

    /// The same, but leaves the file and its log as they are: for one that is corrupt.
    pub async fn abandon(self) {
        let set = self.run(|connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            Ok(())
        });
        if let Err(error) = set.await {
            tracing::warn!(error = %Chain(&error), "log is written back into a corrupt database");
        }
        self.close().await;
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(move |connection: &mut Connection| {
            // Whoever asked may have gone; the work is done all the same.
            let _ = answer.send(work(connection));
        });
        self.work
            .send(Message::Do(job))
            .await
            .map_err(|_| StoreError::Stopped)?;
        let result = answered.await.map_err(|_| StoreError::Stopped)?;
        if matches!(result, Err(StoreError::Corrupt(_))) {
            self.is_corrupt.store(true, Ordering::SeqCst);
        }
        result
    }
}

fn serve(mut connection: Connection, mut queue: mpsc::Receiver<Message>) {
    while let Some(message) = queue.blocking_recv() {
        match message {
            Message::Do(job) => job(&mut connection),
            Message::Close => break,
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "database could not be closed");
    }
    // The queue is dropped last: `close` waits for that.
    drop(queue);
}

#[cfg(test)]
mod tests {
    use super::fixtures::{entry, jane, opened, registered};
    use super::*;

    #[tokio::test]
    async fn closing_writes_everything_back_into_the_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();

        store.close().await;

        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["cacd.db", "cacd.key"]);
        let known = opened(folder.path()).known().await.unwrap();
        assert_eq!(known.len(), 1);
    }

    #[tokio::test]
    async fn a_handle_on_a_closed_store_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let other = store.clone();

        store.close().await;

        assert!(matches!(other.known().await, Err(StoreError::Stopped)));
        other.close().await;
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_done_before_closing() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let other = store.clone();
        let given_up = async move {
            tokio::select! {
                biased;
                _ = other.append(entry("card removed")) => {}
                () = std::future::ready(()) => {}
            }
        };

        given_up.await;
        store.close().await;

        let history = opened(folder.path()).history(None, 10).await.unwrap();
        assert_eq!(history.len(), 1);
    }

    /// What the files hold at this moment is what a killed daemon leaves behind.
    #[tokio::test]
    async fn what_was_answered_outlives_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let after = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        store.record_registration(registered("AKO")).await.unwrap();
        let kept = store.append(entry("AKO: registered")).await.unwrap();

        for file in ["cacd.db", "cacd.db-wal", "cacd.key"] {
            std::fs::copy(folder.path().join(file), after.path().join(file)).unwrap();
        }

        let store = opened(after.path());
        let memory = store.record_card(jane()).await.unwrap();
        assert_eq!(memory.acquaintance, Acquaintance::Known);
        assert_eq!(memory.registrations[0].status, registered("AKO").status);
        assert_eq!(store.history(None, 10).await.unwrap(), [kept]);
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_the_store_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        pages_at_most(&store, 1).await;

        let error = loop {
            // Fills the pages that are there already.
            if let Err(error) = store.append(entry(&"x".repeat(250))).await {
                break error;
            }
        };

        assert!(matches!(error, StoreError::Full(_)), "{error:?}");
        assert_eq!(store.known().await.unwrap().len(), 1);
        pages_at_most(&store, 10_000).await;
        store.append(entry("room again")).await.unwrap();
    }

    #[tokio::test]
    async fn a_database_that_another_program_holds_is_told_as_locked() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let other = Connection::open(folder.path().join("cacd.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();

        let error = store.append(entry("card removed")).await.unwrap_err();

        assert!(matches!(error, StoreError::Locked(_)), "{error:?}");
        other.execute_batch("ROLLBACK").unwrap();
        store.append(entry("card removed")).await.unwrap();
    }

    async fn pages_at_most(store: &Store, pages: i64) {
        store
            .run(move |connection| {
                connection.pragma_update(None, "max_page_count", pages)?;
                Ok(())
            })
            .await
            .unwrap();
    }
}
