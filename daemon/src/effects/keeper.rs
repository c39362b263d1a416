//! Owns the database: one task does all the work for it, in the order the
//! work was asked for, and tells of each piece before it begins the next.
//!
//! A database that cannot be used is opened anew when there is work for it.

mod opening;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cac_common::error_chain::Chain;
use cac_common::identity::CardId;
use cac_common::interface::{Clear, ClearScope, GetConfirmation};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryEntry, Visit};
use cac_common::time::UtcSeconds;
use cac_common::wizard::Confirmation;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;

use super::reading::Reply;
use super::remembering::{self, ToRecord};
use crate::card::known::KnownCard;
use crate::event::{CardToRemember, Event, Memory, NewNote, Now, Remembered, RequestId};
use crate::journal::Message;
use crate::store::{Consent, Keep, NewEntry, Store, StoreError, Upkeep};

/// A database that could not be opened is left alone for this long.
const REOPEN_AFTER: Duration = Duration::from_secs(30);

/// What could not be written down is tried again this often, if there is work.
const SAVE_AGAIN: Duration = Duration::from_secs(30);

/// How often the database is kept small, and after how many entries besides.
const DAY: Duration = Duration::from_hours(24);

const MANY: u32 = 1000;

/// History entries that are shown from the start.
const SHOWN_AT_START: u32 = 20;

/// The database, or why there is none.
pub type StoreOrReason = Result<Store, String>;

/// Owns the database.
pub struct Keeper {
    folder: PathBuf,
    store: watch::Sender<StoreOrReason>,
    /// When it was last opened, or was to be.
    tried: Duration,
    /// How much history is kept.
    keep: Keep,
    /// What is done to keep the database small, whenever nothing else waits.
    upkeep: Option<Upkeep>,
    /// Entries that were written since that was last begun.
    written: u32,
    /// The last moment that anyone told.
    latest: Now,
    /// Lines that could not be written are shown all the same, numbered downwards.
    unwritten: i64,
    /// What portals said and could not be written, the latest of each persona
    /// and portal.
    unsaved: BTreeMap<(String, String), ToRecord>,
    /// When that was last tried.
    saved: Duration,
    /// Pieces that are not begun yet, as whoever sends them counts.
    waiting: Arc<AtomicUsize>,
}

/// Something to be done with the database.
pub(super) enum Work {
    RememberCard {
        visit: Visit,
        card: CardToRemember,
    },
    KeepCard(CardToRemember),
    KeepConsent {
        card: CardToRemember,
        consent: Consent,
    },
    KeepConfirmation {
        card: CardToRemember,
        confirmation: Confirmation,
    },
    ReadConfirmation {
        request: RequestId,
        what: GetConfirmation,
    },
    /// What is on record of a card.
    Recall {
        card: CardId,
        reply: Reply,
    },
    Record(ToRecord),
    Note(NewNote),
    Clear {
        request: RequestId,
        uid: u32,
        what: Clear,
    },
    LoadKnown,
    /// Certificates and objects of cards are to be kept no longer.
    ForgetContents,
    /// Keep this much history from now on.
    KeepHistory(Keep),
}

/// Work, and the moment it was asked for.
pub(super) type Piece = (Work, Now);

impl Keeper {
    /// Opens the database in a folder, or learns why it cannot be used.
    pub async fn open(folder: PathBuf, keep: Keep, now: Now) -> Self {
        let opened = opening::open(folder.clone(), now.utc, Store::open).await;
        Self {
            folder,
            store: watch::Sender::new(opened),
            tried: now.monotonic,
            keep,
            upkeep: Some(Upkeep::new(keep, now.utc)),
            written: 0,
            latest: now,
            unwritten: 0,
            unsaved: BTreeMap::new(),
            saved: now.monotonic,
            waiting: Arc::default(),
        }
    }

    /// For whoever reads: the database as it is at any time.
    pub fn store(&self) -> watch::Receiver<StoreOrReason> {
        self.store.subscribe()
    }

    /// Where whoever sends pieces counts each.
    pub(super) fn waiting(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.waiting)
    }

    /// What is to be shown before anything happens.
    pub async fn what_is_known(&self) -> Vec<Event> {
        let store = match self.current() {
            Ok(store) => store,
            Err(reason) => {
                return vec![Event::Store {
                    problem: Some(reason),
                }];
            }
        };
        let mut events: Vec<Event> = known(&store).await.into_iter().collect();
        match store.history(None, SHOWN_AT_START).await {
            Ok(mut entries) => {
                // What is to be forgotten is not shown first.
                let oldest = self.keep.oldest(self.latest.utc);
                entries.retain(|entry| entry.at >= oldest);
                events.extend(entries.into_iter().rev().map(Event::Noted));
            }
            Err(error) => tracing::warn!(error = %Chain(&error), "history could not be read"),
        }
        events
    }

    /// Works until the queue is closed and empty, then closes the database.
    pub(super) async fn run(
        mut self,
        mut queue: mpsc::UnboundedReceiver<Piece>,
        events: mpsc::UnboundedSender<Event>,
    ) {
        // Whoever heard of it may have gone; the work is done all the same.
        let tell = |event| {
            let _ = events.send(event);
        };
        let begun = self.latest.monotonic;
        let mut days = tokio::time::interval(DAY);
        days.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let first = days.tick().await;
        loop {
            tokio::select! {
                biased;
                piece = queue.recv() => match piece {
                    Some((work, now)) => {
                        self.waiting.fetch_sub(1, Ordering::SeqCst);
                        self.take(work, now, &tell).await;
                    }
                    None => break,
                },
                tick = days.tick() => {
                    let now = later(self.latest, begun + tick.duration_since(first));
                    self.take(Work::KeepHistory(self.keep), now, &tell).await;
                }
                () = std::future::ready(()), if self.upkeep.is_some() => self.keep_up().await,
            }
        }
        self.save(&self.current()).await;
        if let Ok(store) = self.current() {
            store.close().await;
        }
    }

    /// Writes what could not be written before.
    async fn save(&mut self, store: &StoreOrReason) {
        let Ok(store) = store else {
            return;
        };
        let mut left = BTreeMap::new();
        for (key, to_record) in std::mem::take(&mut self.unsaved) {
            let written = remembering::registration(store, to_record.clone()).await;
            if let Err(error) = written {
                tracing::warn!(error = %Chain(&error), "registration could not be written down");
                left.insert(key, to_record);
            }
        }
        self.unsaved = left;
    }

    /// What could not be written is remembered all the same.
    fn overlay(&self, persona_key: &str, memory: &mut Memory) {
        for ((key, portal), unsaved) in &self.unsaved {
            // A yes counts only once it is written.
            let is_yes = matches!(unsaved.status, RegistrationStatus::Registered { .. });
            if key != persona_key || is_yes {
                continue;
            }
            memory
                .registrations
                .retain(|remembered| remembered.portal != *portal);
            memory.registrations.push(Remembered {
                portal: portal.clone(),
                status: unsaved.status.clone(),
                proof: unsaved.proof.clone(),
                at: unsaved.at,
            });
        }
    }

    async fn take(&mut self, work: Work, now: Now, tell: &(impl Fn(Event) + Sync)) {
        self.latest = now;
        let store = self.present(now, tell).await;
        let since = now.monotonic.saturating_sub(self.saved);
        if since >= SAVE_AGAIN {
            self.saved = now.monotonic;
            self.save(&store).await;
        }
        match work {
            Work::RememberCard { visit, card } => {
                let key = card.persona_key.clone();
                let mut memory = remember(&store, card, tell).await;
                self.overlay(&key, &mut memory);
                // First the list: whoever sees the one sees the other.
                self.load_known(tell).await;
                tell(Event::CardRemembered { visit, memory });
            }
            Work::KeepCard(card) => {
                if let Ok(store) = &store
                    && let Err(error) = remembering::more_of_card(store, card).await
                {
                    tracing::warn!(error = %Chain(&error), "card could not be written down");
                }
            }
            Work::KeepConsent { card, consent } => {
                if let Ok(store) = &store
                    && let Err(error) = remembering::consent(store, card, consent).await
                {
                    tracing::warn!(error = %Chain(&error), "consent could not be written down");
                }
            }
            Work::KeepConfirmation { card, confirmation } => {
                let lost = remembering::confirmation(&store, card, confirmation).await;
                if let Some(lost) = lost {
                    let entry = self.write(&store, lost).await;
                    tell(Event::Noted(entry));
                }
            }
            Work::ReadConfirmation { request, what } => {
                tell(remembering::read_confirmation(&store, request, what).await);
            }
            Work::Recall { card, reply } => {
                let known = match &store {
                    Ok(store) => recall(store, card).await,
                    Err(_) => Vec::new(),
                };
                // Whoever reads the card may have gone on without it.
                let _ = reply.send(known);
            }
            Work::Record(to_record) => {
                let key = (to_record.card.persona_key.clone(), to_record.portal.clone());
                let recorded = record(&store, to_record.clone()).await;
                if matches!(recorded, Event::Recorded { result: Ok(()), .. }) {
                    self.unsaved.remove(&key);
                } else {
                    self.unsaved.insert(key, to_record);
                }
                self.load_known(tell).await;
                tell(recorded);
            }
            Work::Note(note) => {
                let entry = self.write(&store, remembering::entry(note)).await;
                tell(Event::Noted(entry));
            }
            Work::Clear { request, uid, what } => {
                let result = match &store {
                    Ok(store) => store
                        .clear(what.scope.clone(), what.dry_run)
                        .await
                        .map_err(in_words),
                    Err(reason) => Err(reason.clone()),
                };
                if result.is_ok() && !what.dry_run {
                    self.unsaved.retain(|(_, portal), unsaved| {
                        !clears(&what.scope, portal, &unsaved.card.id)
                    });
                }
                tell(Event::Cleared {
                    request,
                    uid,
                    what,
                    result,
                });
            }
            Work::LoadKnown => self.load_known(tell).await,
            Work::ForgetContents => {
                if let Ok(store) = &store
                    && let Err(error) = store.forget_contents().await
                {
                    tracing::warn!(error = %Chain(&error), "what cards hold could not be forgotten");
                }
            }
            Work::KeepHistory(keep) => {
                self.keep = keep;
                self.begin_upkeep();
            }
        }
    }

    fn current(&self) -> StoreOrReason {
        self.store.borrow().clone()
    }

    async fn load_known(&self, tell: &(impl Fn(Event) + Sync)) {
        if let Ok(store) = self.current()
            && let Some(known) = known(&store).await
        {
            tell(known);
        }
    }

    async fn write(&mut self, store: &StoreOrReason, entry: NewEntry) -> HistoryEntry {
        let written = match store {
            Ok(store) => store.append(entry.clone()).await.map_err(in_words),
            Err(reason) => Err(reason.clone()),
        };
        self.written = self.written.saturating_add(1);
        if self.written >= MANY && self.upkeep.is_none() {
            self.begin_upkeep();
        }
        written.unwrap_or_else(|reason| {
            tracing::warn!(reason, "history could not be written");
            self.unwritten -= 1;
            entry.numbered(self.unwritten)
        })
    }

    fn begin_upkeep(&mut self) {
        self.written = 0;
        self.upkeep = Some(Upkeep::new(self.keep, self.latest.utc));
    }

    /// Goes one step.
    async fn keep_up(&mut self) {
        let (Some(upkeep), Ok(store)) = (self.upkeep.take(), self.current()) else {
            return;
        };
        match store.keep_up(upkeep).await {
            Ok(Some(next)) => self.upkeep = Some(next),
            Ok(None) => tracing::debug!(forgotten = upkeep.forgotten, "database was kept small"),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "database could not be kept small");
            }
        }
    }
}

async fn remember(store: &StoreOrReason, card: CardToRemember, tell: &impl Fn(Event)) -> Memory {
    let remembered = match store {
        Ok(store) => remembering::card(store, card).await.map_err(in_words),
        Err(reason) => Err(reason.clone()),
    };
    let (memory, problem) = match remembered {
        Ok(memory) => (memory, None),
        Err(reason) => {
            tracing::warn!(reason, "card could not be written down");
            (Memory::default(), Some(reason))
        }
    };
    tell(Event::Store { problem });
    memory
}

async fn recall(store: &Store, card: CardId) -> Vec<KnownCard> {
    match store.cached(card).await {
        Ok(cached) => cached.into_iter().map(remembering::known_card).collect(),
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "card could not be recalled");
            Vec::new()
        }
    }
}

async fn record(store: &StoreOrReason, to_record: ToRecord) -> Event {
    let (visit, portal) = (to_record.visit, to_record.portal.clone());
    let status = to_record.status.clone();
    let result = match store {
        Ok(store) => remembering::registration(store, to_record)
            .await
            .map_err(in_words),
        Err(reason) => Err(reason.clone()),
    };
    if let Err(reason) = &result {
        tracing::warn!(
            message_id = Message::DatabaseUnusable.id(),
            reason,
            "registration could not be written down"
        );
    }
    Event::Recorded {
        visit,
        portal,
        status,
        result,
    }
}

/// Whether clearing this takes what a card was to be registered with at a portal.
fn clears(scope: &ClearScope, portal: &str, card: &CardId) -> bool {
    match scope {
        ClearScope::All {} => true,
        ClearScope::Card { card: cleared } => cleared == card,
        ClearScope::Portal { portal: cleared } => cleared == portal,
        ClearScope::History { .. } | ClearScope::Sessions {} | ClearScope::Copies {} => false,
    }
}

async fn known(store: &Store) -> Option<Event> {
    match store.known().await {
        Ok(known) => Some(Event::Known(known)),
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "personas could not be read");
            None
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "what `map_err` gives is passed on as it is"
)]
fn in_words(error: StoreError) -> String {
    Chain(&error).to_string()
}

/// The moment at which the clock that nobody can set shows `monotonic`.
fn later(than: Now, monotonic: Duration) -> Now {
    let passed = monotonic.saturating_sub(than.monotonic);
    let seconds = i64::try_from(passed.as_secs()).unwrap_or(i64::MAX);
    Now {
        utc: UtcSeconds(than.utc.0.saturating_add(seconds)),
        monotonic: than.monotonic + passed,
        random: than.random,
    }
}
