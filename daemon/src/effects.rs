//! Does what the state machine asks for, and reports each end as an event.
//!
//! Cards are worked with on one thread a reader, sign-ins on a thread each,
//! the database on its own; nothing here makes the supervisor wait.

mod card_work;
pub mod keeper;
mod remembering;
mod sign_in;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cac_common::reader::ReaderName;
use cac_common::snapshot::Visit;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::card::read::read_card;
use crate::card::transport::{Readers, TransportError};
use crate::config_watch::Loaded;
use crate::event::{Effect, Event, Now};
use crate::portal::Portal;
use crate::trust::Authorities;
use card_work::Worker;
use keeper::{Keeper, Piece, Work};

/// A card that has not been read after this long does not answer.
const READ_LIMIT: Duration = Duration::from_mins(1);

/// What effects are done with.
pub struct Effects {
    readers: Arc<dyn Readers>,
    events: mpsc::UnboundedSender<Event>,
    to_keep: mpsc::UnboundedSender<Piece>,
    keeping: JoinHandle<()>,
    portals: HashMap<String, Arc<Portal>>,
    authorities: Arc<Authorities>,
    workers: HashMap<ReaderName, Worker>,
    /// Set when a visit has ended, so that what still goes on for it stops.
    ended: HashMap<Visit, Arc<AtomicBool>>,
}

impl Effects {
    pub fn new(
        readers: Arc<dyn Readers>,
        keeper: Keeper,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let (to_keep, queue) = mpsc::unbounded_channel();
        let keeping = tokio::spawn(keeper.run(queue, events.clone()));
        Self {
            readers,
            events,
            to_keep,
            keeping,
            portals: HashMap::new(),
            authorities: Arc::default(),
            workers: HashMap::new(),
            ended: HashMap::new(),
        }
    }

    /// From now on, with these portals and authorities.
    pub fn configure(&mut self, loaded: &Loaded, now: Now) {
        self.keep(Work::KeepHistory(loaded.config.keep_history), now);
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
                }
            }
            Effect::RememberCard { visit, card } => {
                self.keep(Work::RememberCard { visit, card: *card }, now);
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
            } => {
                let to_record = remembering::ToRecord {
                    visit,
                    card: *card,
                    portal,
                    certificate_sha256,
                    status,
                    at: now.utc,
                };
                self.keep(Work::Record(to_record), now);
            }
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
                self.keep(Work::Note(note), now);
            }
            Effect::Clear { request, uid, what } => {
                self.keep(Work::Clear { request, uid, what }, now);
            }
            Effect::LoadKnown => self.keep(Work::LoadKnown, now),
            Effect::Answer { .. } => unreachable!("the supervisor answers by itself"),
        }
    }

    /// Waits until the database has everything.
    pub async fn end(self) {
        for ended in self.ended.into_values() {
            ended.store(true, Ordering::SeqCst);
        }
        drop(self.to_keep);
        if self.keeping.await.is_err() {
            tracing::error!("what was still to be kept is lost");
        }
    }

    fn keep(&self, work: Work, now: Now) {
        // The task that takes it ends only when we do.
        let _ = self.to_keep.send((work, now));
    }

    fn read_card(&mut self, reader: &ReaderName, visit: Visit) {
        let ended = Arc::new(AtomicBool::new(false));
        self.ended.insert(visit, Arc::clone(&ended));
        let worker = worker(&mut self.workers, &self.readers, reader);
        let events = self.events.clone();
        let progress = self.events.clone();
        let finished = worker.run(ended, move |transport| {
            read_card(transport, &mut |report| {
                let _ = progress.send(Event::Progress {
                    visit,
                    progress: Box::new(report),
                });
            })
        });
        tokio::spawn(async move {
            let result = match tokio::time::timeout(READ_LIMIT, finished).await {
                Ok(Ok(result)) => result,
                // The worker is gone, with the reader.
                Ok(Err(_)) => Err(TransportError::ReaderGone.into()),
                Err(_) => Err(TransportError::Unresponsive.into()),
            };
            let _ = events.send(Event::CardRead {
                visit,
                result: Box::new(result),
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
