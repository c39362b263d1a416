//! Does what the state machine asks for, and reports each end as an event.
//!
//! Cards are worked with on one thread a reader, sign-ins on a thread each,
//! the database on its own; nothing here makes the supervisor wait.

mod by_hand;
mod card_work;
#[cfg(test)]
mod desk;
mod judging;
pub mod keeper;
mod pin_change;
mod printed;
mod reading;
mod remembering;
mod sign_in;
mod visiting;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cac_common::activity::Purpose;
use cac_common::cause::Kind;
use cac_common::locked::close_once_wiped;
use cac_common::reader::ReaderName;
use cac_common::snapshot::Visit;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::activity::Activity;
use crate::card::facts::CardFacts;
use crate::card::habits::Habits;
use crate::card::transport::Readers;
use crate::config_watch::Loaded;
use crate::event::{
    Effect, Event, FoundSeat, NewNote, Now, PinChangeOrder, PrintedOrder, RequestId, SessionToEnd,
    SignInOrder, WizardOrder,
};
use crate::journal::Message;
use crate::logind::{self, Address, NotActed};
use crate::portal::Portal;
use crate::store::Keep;
use crate::trust::Authorities;
use crate::trust::http::Web;
use crate::trust::revocation::Revocations;
use card_work::Worker;
use judging::JudgeWith;
use keeper::{Keeper, Piece, Work};
use reading::{READ_LIMIT, ReadWith};
use sign_in::Ended;
use visiting::Visiting;

/// What effects are done with.
pub struct Effects {
    readers: Arc<dyn Readers>,
    events: mpsc::UnboundedSender<Event>,
    to_keep: mpsc::UnboundedSender<Piece>,
    /// Pieces sent there that are not begun yet.
    waiting_to_keep: Arc<AtomicUsize>,
    keeping: JoinHandle<()>,
    portals: HashMap<String, Arc<Portal>>,
    authorities: Arc<Authorities>,
    habits: Habits,
    revocations: Arc<Revocations<Web>>,
    activity: Activity,
    /// Whether anyone is asked over the network if a certificate was taken back.
    asks: bool,
    workers: HashMap<ReaderName, Worker>,
    /// What goes on for each visit, to be stopped when it ends.
    visits: HashMap<Visit, Arc<Visiting>>,
}

impl Effects {
    pub fn new(
        readers: Arc<dyn Readers>,
        keeper: Keeper,
        events: mpsc::UnboundedSender<Event>,
        activity: Activity,
    ) -> Self {
        let (to_keep, queue) = mpsc::unbounded_channel();
        let waiting_to_keep = keeper.waiting();
        let keeping = tokio::spawn(keeper.run(queue, events.clone()));
        Self {
            readers,
            events,
            to_keep,
            waiting_to_keep,
            keeping,
            portals: HashMap::new(),
            authorities: Arc::default(),
            habits: Habits::default(),
            revocations: Arc::new(Revocations::new(Web)),
            activity,
            asks: false,
            workers: HashMap::new(),
            visits: HashMap::new(),
        }
    }

    /// From now on, with these portals and authorities.
    pub fn configure(&mut self, loaded: &Loaded, now: Now) {
        self.keep(Work::KeepHistory(Keep::of(&loaded.config)), now);
        if !loaded.config.cache_certificates {
            self.keep(Work::ForgetContents, now);
        }
        self.portals = loaded
            .portals
            .iter()
            .map(|portal| (portal.profile().name.clone(), Arc::clone(portal)))
            .collect();
        self.authorities = Arc::clone(&loaded.authorities);
        self.asks = loaded.config.check_revocation;
    }

    pub fn start(&mut self, effect: Effect, now: Now) {
        match effect {
            Effect::ReadCard { reader, visit } => self.read_card(&reader, visit, now),
            Effect::ReadRest {
                reader,
                visit,
                missing,
            } => {
                let ended = Arc::clone(&self.visits.entry(visit).or_default().ended);
                reading::start_rest(
                    &self.worker(&reader, Purpose::Rest),
                    visit,
                    ended,
                    missing,
                    self.habits.clone(),
                    self.events.clone(),
                );
            }
            Effect::Judge {
                visit,
                number,
                facts,
            } => {
                self.judge((visit, number), facts, now);
            }
            Effect::KeepCard(card) => self.keep(Work::KeepCard(*card), now),
            Effect::KeepConsent { card, consent } => {
                self.keep(
                    Work::KeepConsent {
                        card: *card,
                        consent,
                    },
                    now,
                );
            }
            Effect::EndVisit(visit) => {
                if let Some(visiting) = self.visits.remove(&visit) {
                    visiting.end();
                    self.workers.values().for_each(Worker::wake);
                }
            }
            Effect::ForgetPin(visit) => {
                if let Some(visiting) = self.visits.get(&visit) {
                    visiting.forget_pin();
                }
            }
            Effect::LetSleep(inhibitor) => close_once_wiped(inhibitor),
            Effect::EndSession(session) => self.end_session(session),
            Effect::FindSeat { reader, arrival } => self.find_seat(reader, arrival),
            Effect::EndReader(reader) => {
                self.workers.remove(&reader);
            }
            Effect::RememberCard { visit, card } => {
                self.keep(Work::RememberCard { visit, card: *card }, now);
            }
            Effect::SignIn(order) => self.register(*order, now),
            Effect::TestPortal {
                request,
                order,
                with_page,
            } => self.test_portal(request, *order, with_page, now),
            Effect::Wizard(order) => self.go_by_hand(*order, now),
            Effect::EndWizard(visit) => {
                if let Some(visiting) = self.visits.get(&visit) {
                    visiting.by_hand.end();
                }
            }
            Effect::KeepConfirmation { card, confirmation } => {
                let card = *card;
                self.keep(Work::KeepConfirmation { card, confirmation }, now);
            }
            Effect::ReadConfirmation { request, what } => {
                self.keep(Work::ReadConfirmation { request, what }, now);
            }
            Effect::ReadPrinted(order) => self.read_printed(*order),
            Effect::ChangePin(order) => self.change_pin(*order),
            Effect::Record {
                visit,
                card,
                portal,
                proof,
                status,
            } => {
                let to_record = remembering::ToRecord {
                    visit,
                    card: *card,
                    portal,
                    proof,
                    status,
                    at: now.utc,
                };
                self.keep(Work::Record(to_record), now);
            }
            Effect::Note(note) => self.note(note, now),
            Effect::Clear { request, uid, what } => {
                self.keep(Work::Clear { request, uid, what }, now);
            }
            Effect::LoadKnown => self.keep(Work::LoadKnown, now),
            Effect::Answer { .. } => unreachable!("the supervisor answers by itself"),
        }
    }

    fn register(&mut self, order: SignInOrder, now: Now) {
        let (visit, number) = (order.visit, order.number);
        self.sign_in(order, Purpose::SignIn, now, move |ended, events| {
            let _ = events.send(Event::SignInEnded {
                visit,
                number,
                result: ended.result,
                pin: ended.pin,
                tries: ended.tries,
            });
        });
    }

    fn test_portal(&mut self, request: RequestId, order: SignInOrder, with_page: bool, now: Now) {
        let visit = order.visit;
        self.sign_in(order, Purpose::Test, now, move |ended, events| {
            drop(ended.pin);
            let _ = events.send(Event::PortalTested {
                visit,
                request,
                result: ended.result,
                tries: ended.tries,
                trace: Box::new(ended.trace),
                page: (with_page && !ended.page.is_empty())
                    .then(|| String::from_utf8_lossy(&ended.page).into_owned()),
            });
        });
    }

    fn sign_in(
        &mut self,
        order: SignInOrder,
        purpose: Purpose,
        now: Now,
        tell: impl FnOnce(Ended, &mpsc::UnboundedSender<Event>) + Send + 'static,
    ) {
        let worker = self.worker(&order.reader, purpose);
        let portal = self.portals.get(&order.portal.name).cloned();
        let visiting = Arc::clone(self.visits.entry(order.visit).or_default());
        let sending = sign_in::Sending {
            authorities: &self.authorities,
            at: now.utc,
        };
        let events = self.events.clone();
        let tell = move |ended| tell(ended, &events);
        sign_in::start(
            order,
            portal,
            &sending,
            &self.habits,
            &visiting,
            &worker,
            tell,
        );
    }

    /// Nobody waits for it: logind asks polkit, which may take its time.
    fn end_session(&self, session: SessionToEnd) {
        let events = self.events.clone();
        let end = move || {
            let address = Address::of_the_environment(|name| std::env::var(name).ok());
            let result = match address {
                Ok(address) => logind::end(&address, &session.session, session.how),
                Err(error) => {
                    tracing::warn!(%error, "logind cannot be asked");
                    return;
                }
            };
            let result = match result {
                Ok(()) => Ok(()),
                Err(NotActed::Gone) => return,
                Err(error) => Err(error.to_string()),
            };
            let _ = events.send(Event::SessionEnded(session, result));
        };
        if let Err(error) = std::thread::Builder::new()
            .name("session".into())
            .spawn(end)
        {
            tracing::warn!(%error, "no thread to have a session locked or ended in");
        }
    }

    /// Nobody waits for it: a reader may be slow to say where it is.
    fn find_seat(&self, reader: ReaderName, arrival: u64) {
        let (readers, events) = (Arc::clone(&self.readers), self.events.clone());
        let find = move || {
            let seat = readers.seat(&reader);
            let _ = events.send(Event::SeatFound(FoundSeat {
                reader,
                arrival,
                seat,
            }));
        };
        if let Err(error) = std::thread::Builder::new().name("seat".into()).spawn(find) {
            tracing::warn!(%error, "no thread to look for a reader's seat in");
        }
    }

    fn go_by_hand(&mut self, order: WizardOrder, now: Now) {
        let worker = self.worker(&order.reader, Purpose::Wizard);
        // Its steps are those of the profile that the order was made by.
        let portal = self.portals.get(&order.portal.name);
        let portal = portal.filter(|portal| *portal.profile() == *order.portal);
        let visiting = Arc::clone(self.visits.entry(order.visit).or_default());
        let sending = sign_in::Sending {
            authorities: &self.authorities,
            at: now.utc,
        };
        by_hand::start(
            order,
            portal.cloned(),
            &sending,
            &self.habits,
            visiting,
            &worker,
            self.events.clone(),
        );
    }

    fn note(&self, note: NewNote, now: Now) {
        let about = &note.journal;
        let advice = about.cause.map(Kind::entry);
        tracing::info!(
            message_id = about.message.map(Message::id),
            kind = ?note.kind,
            reader = note.reader.as_ref().map(|reader| reader.0.as_str()),
            card = note.card.as_ref().map(|card| card.0.as_str()),
            dod_id_tail = about.dod_id_tail.as_deref(),
            portal = note.portal.as_deref(),
            uid = about.uid,
            cause = about.cause.map(tracing::field::display),
            means = advice.map(|entry| entry.means),
            next = advice.map(|entry| entry.next),
            "{}",
            // Names of people stay in the database.
            note.log_text.as_ref().unwrap_or(&note.text)
        );
        self.keep(Work::Note(note), now);
    }

    fn read_printed(&mut self, order: PrintedOrder) {
        let worker = self.worker(&order.reader, Purpose::Printed);
        let visiting = Arc::clone(self.visits.entry(order.visit).or_default());
        let (habits, events) = (self.habits.clone(), self.events.clone());
        printed::start(order, habits, visiting, worker, events);
    }

    fn change_pin(&mut self, order: PinChangeOrder) {
        let worker = self.worker(&order.reader, Purpose::PinChange);
        let visiting = Arc::clone(self.visits.entry(order.visit).or_default());
        let (habits, events) = (self.habits.clone(), self.events.clone());
        pin_change::start(order, habits, visiting, worker, events);
    }

    /// Waits until the database has everything.
    pub async fn end(self) {
        for visiting in self.visits.into_values() {
            visiting.end();
        }
        drop(self.to_keep);
        if self.keeping.await.is_err() {
            tracing::error!("what was still to be kept is lost");
        }
    }

    /// Pieces of work for cards that are not begun yet.
    pub fn waiting_for_cards(&self) -> usize {
        self.workers.values().map(Worker::waiting).sum()
    }

    /// Pieces of work for the database that are not begun yet.
    pub fn waiting_for_keeper(&self) -> usize {
        self.waiting_to_keep.load(Ordering::SeqCst)
    }

    fn keep(&self, work: Work, now: Now) {
        self.waiting_to_keep.fetch_add(1, Ordering::SeqCst);
        // The task that takes it ends only when we do.
        let _ = self.to_keep.send((work, now));
    }

    fn judge(&mut self, (visit, number): (Visit, u32), facts: Arc<CardFacts>, now: Now) {
        let visiting = self.visits.entry(visit).or_default();
        visiting.judging.store(number, Ordering::SeqCst);
        let is_wanted = {
            let visiting = Arc::clone(visiting);
            move || {
                !visiting.ended.load(Ordering::SeqCst)
                    && visiting.judging.load(Ordering::SeqCst) == number
            }
        };
        let with = JudgeWith {
            authorities: Arc::clone(&self.authorities),
            revocations: self.asks.then(|| Arc::clone(&self.revocations)),
            at: now.utc,
        };
        judging::start((visit, number), facts, with, is_wanted, self.events.clone());
    }

    /// The worker of a reader, for a piece of work; one that stopped is replaced.
    fn worker(&mut self, reader: &ReaderName, purpose: Purpose) -> Worker {
        if self.workers.get(reader).is_some_and(Worker::has_ended) {
            self.workers.remove(reader);
        }
        let (readers, activity) = (&self.readers, &self.activity);
        let worker = self.workers.entry(reader.clone()).or_insert_with(|| {
            Worker::start(Arc::clone(readers), reader.clone(), activity.clone())
        });
        worker.doing(purpose)
    }

    fn read_card(&mut self, reader: &ReaderName, visit: Visit, now: Now) {
        let visiting = Arc::<Visiting>::default();
        let ended = Arc::clone(&visiting.ended);
        self.visits.insert(visit, visiting);
        let worker = self.worker(reader, Purpose::Read);
        let to_keep = self.to_keep.clone();
        let waiting = Arc::clone(&self.waiting_to_keep);
        let with = ReadWith {
            at: now.utc,
            habits: self.habits.clone(),
            recall: Box::new(move |card, reply| {
                waiting.fetch_add(1, Ordering::SeqCst);
                // Without the task that takes it nobody answers, which is heard.
                let _ = to_keep.send((Work::Recall { card, reply }, now));
            }),
        };
        let events = self.events.clone();
        reading::start(&worker, visit, ended, READ_LIMIT, with, events);
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
        let now = Now {
            utc: UtcSeconds(0),
            monotonic: std::time::Duration::ZERO,
            random: 0,
        };
        let folder = tempfile::tempdir().unwrap();
        let keep = Keep::of(&cac_common::config::Config::default());
        let keeper = Keeper::open(folder.path().to_owned(), keep, now).await;
        let mut effects = Effects::new(desk, keeper, events, Activity::default());
        let read = Effect::ReadCard {
            reader: reader(),
            visit: Visit(1),
        };
        effects.start(read, now);
        opened.recv().await.unwrap();

        effects.start(Effect::EndVisit(Visit(1)), now);
        effects.start(Effect::EndReader(reader()), now);

        assert!(effects.workers.is_empty());
        assert!(effects.visits.is_empty());
    }
}
