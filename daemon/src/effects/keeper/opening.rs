//! Opening the database, anew where it was lost or found to be damaged.

use std::path::{Path, PathBuf};

use cac_common::error_chain::Chain;
use cac_common::snapshot::HistoryKind;
use cac_common::time::UtcSeconds;

use super::{Keeper, REOPEN_AFTER, StoreOrReason, in_words};
use crate::event::{Event, Now};
use crate::journal::Message;
use crate::store::{NewEntry, Opened, Store, StoreError};
use crate::unlocked;

/// [`Store::open`], or the same after damage.
type Opener = fn(&Path, UtcSeconds) -> Result<(Store, Opened), StoreError>;

impl Keeper {
    /// The database, opened anew if there is none and it is time to try again.
    pub(super) async fn present(
        &mut self,
        now: Now,
        tell: &(impl Fn(Event) + Sync),
    ) -> StoreOrReason {
        let current = match self.current() {
            Ok(store) if store.has_stopped() => {
                tracing::error!(
                    message_id = Message::DatabaseUnusable.id(),
                    "database was lost"
                );
                let lost = Err(StoreError::Stopped.to_string());
                self.replace(lost.clone(), tell);
                lost
            }
            Ok(store) if store.is_corrupt() => return self.mend(store, now, tell).await,
            other => other,
        };
        let since = now.monotonic.saturating_sub(self.tried);
        if current.is_ok() || since < REOPEN_AFTER {
            return current;
        }
        self.tried = now.monotonic;
        let opened = open(self.folder.clone(), now.utc, Store::open).await;
        self.take_over(opened, tell).await
    }

    /// Damage was met: the file is kept aside if a look at all of it finds some.
    async fn mend(
        &mut self,
        store: Store,
        now: Now,
        tell: &(impl Fn(Event) + Sync),
    ) -> StoreOrReason {
        tracing::error!("database was found to be corrupt");
        store.abandon().await;
        self.tried = now.monotonic;
        let opened = open(self.folder.clone(), now.utc, Store::open_after_damage).await;
        self.take_over(opened, tell).await
    }

    async fn take_over(
        &mut self,
        opened: StoreOrReason,
        tell: &(impl Fn(Event) + Sync),
    ) -> StoreOrReason {
        self.replace(opened.clone(), tell);
        if opened.is_ok() {
            tracing::info!(
                message_id = Message::DatabaseBack.id(),
                "database can be used again"
            );
            self.begin_upkeep();
            self.save(&opened).await;
            self.load_known(tell).await;
        }
        opened
    }

    fn replace(&self, store: StoreOrReason, tell: &impl Fn(Event)) {
        let problem = store.as_ref().err().cloned();
        let _ = self.store.send_replace(store);
        tell(Event::Store { problem });
    }
}

pub(super) async fn open(folder: PathBuf, now: UtcSeconds, opening: Opener) -> StoreOrReason {
    let opened = tokio::task::spawn_blocking(move || opening(&folder, now)).await;
    match opened {
        Ok(Ok((store, opened))) => {
            for notice in &opened.notices {
                tracing::warn!(message_id = Message::DatabaseKeptAside.id(), %notice, "database");
                note(&store, notice.in_short(), now).await;
            }
            if unlocked::is_to_be_noted() {
                note(&store, unlocked::SENTENCE.into(), now).await;
            }
            Ok(store)
        }
        Ok(Err(error)) => {
            let reason = in_words(error);
            tracing::error!(
                message_id = Message::DatabaseUnusable.id(),
                reason,
                "database cannot be used; nothing will be kept"
            );
            Err(reason)
        }
        Err(_) => Err("opening the database failed".into()),
    }
}

/// What befell the service stands in its history, for people to see.
async fn note(store: &Store, text: String, now: UtcSeconds) {
    let entry = NewEntry {
        at: now,
        kind: HistoryKind::Service,
        reader: None,
        card: None,
        portal: None,
        text,
    };
    if let Err(error) = store.append(entry).await {
        tracing::warn!(error = %Chain(&error), "history could not be written");
    }
}
