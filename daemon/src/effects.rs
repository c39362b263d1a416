//! Does what the state machine asks for, and reports each end as an event.
//!
//! Cards are worked with on one thread a reader, sign-ins on a thread each,
//! the database on its own; nothing here makes the supervisor wait.

mod card_work;
#[cfg(test)]
mod desk;
mod reading;
mod remembering;
mod sign_in;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cac_common::error_chain::Chain;
use cac_common::interface::Clear;
use cac_common::reader::ReaderName;
use cac_common::snapshot::{HistoryEntry, Visit};
use tokio::sync::mpsc;

use crate::card::transport::Readers;
use crate::config_watch::Loaded;
use crate::event::{Effect, Event, NewNote, Now, RequestId};
use crate::portal::Portal;
use crate::store::Store;
use crate::trust::Authorities;
use card_work::Worker;
use reading::READ_LIMIT;

/// The database, or why there is none.
pub type StoreOrReason = Result<Store, String>;

/// What effects are done with.
pub struct Effects {
    readers: Arc<dyn Readers>,
    store: StoreOrReason,
    events: mpsc::UnboundedSender<Event>,
    notes: mpsc::UnboundedSender<NewNote>,
    portals: HashMap<String, Arc<Portal>>,
    authorities: Arc<Authorities>,
    workers: HashMap<ReaderName, Worker>,
    /// Set when a visit has ended, so that what still goes on for it stops.
    ended: HashMap<Visit, Arc<AtomicBool>>,
}

impl Effects {
    pub fn new(
        readers: Arc<dyn Readers>,
        store: StoreOrReason,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let (notes, queue) = mpsc::unbounded_channel();
        tokio::spawn(write_notes(queue, store.clone(), events.clone()));
        Self {
            readers,
            store,
            events,
            notes,
            portals: HashMap::new(),
            authorities: Arc::default(),
            workers: HashMap::new(),
            ended: HashMap::new(),
        }
    }

    /// From now on, with these portals and authorities.
    pub fn configure(&mut self, loaded: &Loaded) {
        self.portals = loaded
            .portals
            .iter()
            .map(|portal| (portal.profile().name.clone(), Arc::clone(portal)))
            .collect();
        self.authorities = Arc::clone(&loaded.authorities);
    }

    pub fn start(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::ReadCard { reader, visit } => self.read_card(&reader, visit),
            Effect::EndVisit(visit) => {
                if let Some(ended) = self.ended.remove(&visit) {
                    ended.store(true, Ordering::SeqCst);
                    self.workers.values().for_each(Worker::wake);
                }
            }
            Effect::EndReader(reader) => {
                self.workers.remove(&reader);
            }
            Effect::RememberCard { visit, card } => {
                remembering::card(self.store.clone(), self.events.clone(), visit, *card);
            }
            Effect::SignIn(order) => {
                let worker = worker(&mut self.workers, &self.readers, &order.reader);
                let portal = self.portals.get(&order.portal.name).cloned();
                // A visit that ended in this very moment has no flag any more.
                let ended = self
                    .ended
                    .get(&order.visit)
                    .cloned()
                    .unwrap_or_else(|| Arc::new(AtomicBool::new(true)));
                sign_in::start(
                    *order,
                    portal,
                    &self.authorities,
                    ended,
                    worker,
                    &self.events,
                );
            }
            Effect::Record {
                visit,
                card,
                portal,
                certificate_sha256,
                status,
            } => remembering::registration(
                self.store.clone(),
                self.events.clone(),
                remembering::ToRecord {
                    visit,
                    card: *card,
                    portal,
                    certificate_sha256,
                    status,
                    at: now.utc,
                },
            ),
            Effect::Note(note) => {
                tracing::info!(
                    kind = ?note.kind,
                    reader = note.reader.as_ref().map(|reader| reader.0.as_str()),
                    card = note.card.as_ref().map(|card| card.0.as_str()),
                    portal = note.portal.as_deref(),
                    "{}",
                    // Names of people stay in the database.
                    note.log_text.unwrap_or(&note.text)
                );
                // The task that reads it ends only when we do.
                let _ = self.notes.send(note);
            }
            Effect::Clear { request, uid, what } => self.clear(request, uid, what),
            Effect::LoadKnown => remembering::known(self.store.clone(), self.events.clone()),
            Effect::Answer { .. } => unreachable!("the supervisor answers by itself"),
        }
    }

    /// Waits until the database has everything.
    pub async fn end(self) {
        for ended in self.ended.into_values() {
            ended.store(true, Ordering::SeqCst);
        }
        drop(self.notes);
        if let Ok(store) = self.store {
            store.close().await;
        }
    }

    fn read_card(&mut self, reader: &ReaderName, visit: Visit) {
        let ended = Arc::new(AtomicBool::new(false));
        self.ended.insert(visit, Arc::clone(&ended));
        let worker = worker(&mut self.workers, &self.readers, reader);
        reading::start(worker, visit, ended, READ_LIMIT, self.events.clone());
    }

    fn clear(&self, request: RequestId, uid: u32, what: Clear) {
        let store = self.store.clone();
        let events = self.events.clone();
        tokio::spawn(async move {
            let result = match store {
                Err(reason) => Err(reason),
                Ok(store) => store
                    .clear(what.scope.clone(), what.dry_run)
                    .await
                    .map_err(|error| Chain(&error).to_string()),
            };
            let _ = events.send(Event::Cleared {
                request,
                uid,
                what,
                result,
            });
        });
    }
}

/// The worker of a reader; one that stopped is replaced.
fn worker<'a>(
    workers: &'a mut HashMap<ReaderName, Worker>,
    readers: &Arc<dyn Readers>,
    reader: &ReaderName,
) -> &'a Worker {
    if workers.get(reader).is_some_and(Worker::has_ended) {
        workers.remove(reader);
    }
    workers
        .entry(reader.clone())
        .or_insert_with(|| Worker::start(Arc::clone(readers), reader.clone()))
}

/// Writes the history, one line after the other, in the order it happened.
async fn write_notes(
    mut notes: mpsc::UnboundedReceiver<NewNote>,
    store: StoreOrReason,
    events: mpsc::UnboundedSender<Event>,
) {
    // Lines that could not be written are shown all the same, numbered downwards.
    let mut unwritten = 0;
    while let Some(note) = notes.recv().await {
        let written = match &store {
            Err(reason) => Err(reason.clone()),
            Ok(store) => store
                .append(remembering::entry(note.clone()))
                .await
                .map_err(|error| Chain(&error).to_string()),
        };
        let entry = written.unwrap_or_else(|reason| {
            tracing::warn!(reason, "history could not be written");
            unwritten -= 1;
            HistoryEntry {
                id: unwritten,
                at: note.at,
                kind: note.kind,
                reader: note.reader,
                card: note.card,
                portal: note.portal,
                text: note.text,
            }
        });
        if events.send(Event::Noted(entry)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use cac_common::time::UtcSeconds;

    use super::desk::{Desk, reader};
    use super::*;

    #[tokio::test]
    async fn nothing_is_kept_for_a_reader_that_has_left() {
        let (desk, mut opened) = Desk::new();
        let (events, _inbox) = mpsc::unbounded_channel();
        let mut effects = Effects::new(desk, Err("none is needed".into()), events);
        let now = Now {
            utc: UtcSeconds(0),
            monotonic: std::time::Duration::ZERO,
            random: 0,
        };
        let read = Effect::ReadCard {
            reader: reader(),
            visit: Visit(1),
        };
        effects.start(read, now);
        opened.recv().await.unwrap();

        effects.start(Effect::EndVisit(Visit(1)), now);
        effects.start(Effect::EndReader(reader()), now);

        assert!(effects.workers.is_empty());
        assert!(effects.ended.is_empty());
    }
}
