//! Owns the state: takes every event, lets the state machine decide, starts
//! what it asks for, and publishes what came of it. The only place that reads
//! the clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cac_common::interface::{PortalDetails, Refusal, SnapshotReply};
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::snapshot::Snapshot;
use cac_common::time::UtcSeconds;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::{mpsc, oneshot, watch};

use crate::card::facts::CardFacts;
use crate::config_watch::Loaded;
use crate::effects::Effects;
use crate::event::{Answer, Effect, Event, Now, Peer, RequestId};
use crate::journal::Message;
use crate::metrics::{Metrics, Observer, Queues};
use crate::sight::Sight;
use crate::state::State;
use crate::systemd::Notifier;
use crate::undone;

/// A request, as an event that is still without its number.
pub struct Request {
    pub by: Peer,
    pub event: Box<dyn FnOnce(RequestId) -> Event + Send>,
    pub answer: oneshot::Sender<Result<Answer, Refusal>>,
}

/// What was read off the card in each reader.
pub type Cards = BTreeMap<ReaderName, Arc<CardFacts>>;

/// One snapshot, and how it reads on the socket, encoded once for all who see
/// the same of it.
pub struct Published {
    pub snapshot: Snapshot,
    pub sight: Sight,
    /// What was read off the cards in it, of those read to their end.
    pub cards: Cards,
    portals: Vec<Arc<Profile>>,
    whole: OnceLock<Vec<u8>>,
    for_a_stranger: OnceLock<Vec<u8>>,
    /// For those in front of seats: no more than there are seats.
    for_users: BTreeMap<u32, OnceLock<Vec<u8>>>,
}

/// Where the supervisor hears from.
pub struct Inbox {
    pub events: mpsc::UnboundedReceiver<Event>,
    pub requests: mpsc::Receiver<Request>,
    pub loaded: mpsc::Receiver<Loaded>,
}

/// The clock, and a number that changes with every look at it.
pub struct Clock {
    started: Duration,
    looks: u64,
}

/// Owns everything that decides.
pub struct Supervisor {
    state: State,
    effects: Effects,
    clock: Clock,
    owed: HashMap<RequestId, oneshot::Sender<Result<Answer, Refusal>>>,
    last_request: u64,
    published: watch::Sender<Arc<Published>>,
    notifier: Notifier,
    observer: Observer,
}

impl Published {
    /// What the state is at this moment.
    pub(crate) fn of(state: &State, now: Now) -> Self {
        Self::new(
            state.snapshot(now),
            state.sight(),
            state.cards_read(),
            state.portals().to_vec(),
        )
    }

    pub(crate) fn new(
        snapshot: Snapshot,
        sight: Sight,
        cards: Cards,
        portals: Vec<Arc<Profile>>,
    ) -> Self {
        let users = sight.in_front().iter();
        Self {
            for_users: users.map(|uid| (*uid, OnceLock::new())).collect(),
            snapshot,
            sight,
            cards,
            portals,
            whole: OnceLock::new(),
            for_a_stranger: OnceLock::new(),
        }
    }

    /// A profile that is in force.
    pub fn portal(&self, name: &str) -> Option<PortalDetails> {
        let mut portals = self.portals.iter();
        let profile = portals.find(|profile| profile.name == name)?;
        Some(PortalDetails::from(&**profile))
    }

    /// What somebody may see of it.
    pub fn picture(&self, peer: Peer) -> Snapshot {
        if peer.is_administrator {
            self.snapshot.clone()
        } else if self.sight.may_act(peer).is_ok() {
            self.snapshot
                .for_a_user(|reader| self.sight.hides(reader, peer.uid))
        } else {
            self.snapshot.for_a_stranger()
        }
    }

    /// The same as the parameters of a reply.
    pub fn encoded(&self, peer: Peer) -> &[u8] {
        let cell = if peer.is_administrator {
            &self.whole
        } else {
            let own = self.for_users.get(&peer.uid);
            own.unwrap_or(&self.for_a_stranger)
        };
        cell.get_or_init(|| {
            let snapshot = self.picture(peer);
            serde_json::to_vec(&SnapshotReply { snapshot }).expect("a snapshot is plain data")
        })
    }
}

impl Clock {
    #[expect(
        clippy::new_without_default,
        reason = "a clock that starts by default would hide that time is read"
    )]
    pub fn new() -> Self {
        Self {
            started: since_boot(),
            looks: 0,
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    pub fn now(&mut self) -> Now {
        self.looks += 1;
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Now {
            utc: UtcSeconds(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)),
            monotonic: since_boot().saturating_sub(self.started),
            // Good enough to keep machines from coming back together.
            random: (u64::from(since_epoch.subsec_nanos()) ^ self.looks)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                >> 16,
        }
    }
}

impl Supervisor {
    pub fn new(
        state: State,
        effects: Effects,
        mut clock: Clock,
        notifier: Notifier,
    ) -> (Self, watch::Receiver<Arc<Published>>) {
        let first = Published::of(&state, clock.now());
        let (published, snapshots) = watch::channel(Arc::new(first));
        let supervisor = Self {
            state,
            effects,
            clock,
            owed: HashMap::new(),
            last_request: 0,
            published,
            notifier,
            observer: Observer::new(),
        };
        (supervisor, snapshots)
    }

    pub fn metrics(&self) -> Metrics {
        self.observer.metrics()
    }

    /// Takes what was loaded before anything else happens.
    pub fn begin(&mut self, loaded: Loaded, events: impl IntoIterator<Item = Event>) {
        self.take_loaded(loaded);
        for event in events {
            self.step(event);
        }
    }

    /// Runs until `shutdown` is ready; gives the effects back, to be ended in order.
    pub async fn run(mut self, mut inbox: Inbox, shutdown: impl Future<Output = ()>) -> Effects {
        let mut shutdown = std::pin::pin!(shutdown);
        let mut watchdog = self.notifier.watchdog();
        loop {
            let deadline = self.until_deadline();
            tokio::select! {
                () = &mut shutdown => {
                    self.take_last(inbox.events);
                    let now = self.clock.now();
                    undone::tell(&self.state.snapshot(now));
                    return self.effects;
                }
                Some(event) = inbox.events.recv() => self.step(event),
                Some(request) = inbox.requests.recv() => self.take_request(request),
                Some(loaded) = inbox.loaded.recv() => {
                    self.take_loaded(loaded);
                    self.notifier.ready();
                }
                Some(question) = self.observer.question() => {
                    let queues = Queues {
                        events: inbox.events.len(),
                        requests: inbox.requests.len(),
                        card: self.effects.waiting_for_cards(),
                        keeper: self.effects.waiting_for_keeper(),
                    };
                    self.observer.answer(question, queues);
                }
                () = sleep(deadline) => self.step(Event::Tick),
                () = watchdog.due() => self.notifier.alive(),
            }
        }
    }

    /// What happened before the end is still written down; nothing else is begun.
    fn take_last(&mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        events.close();
        while let Ok(event) = events.try_recv() {
            let now = self.clock.now();
            for effect in self.state.step(event, now) {
                if effect.is_to_be_kept() {
                    self.effects.start(effect, now);
                }
            }
        }
    }

    fn until_deadline(&mut self) -> Option<Duration> {
        let now = self.clock.now().monotonic;
        let deadline = self.state.next_deadline()?;
        Some(deadline.saturating_sub(now))
    }

    fn take_request(&mut self, request: Request) {
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let event = (request.event)(id);
        // By what is so now, not by what was when it was sent.
        if let Err(refusal) = self.state.permits(&event, request.by) {
            let _ = request.answer.send(Err(refusal));
            return;
        }
        self.owed.insert(id, request.answer);
        self.step(event);
    }

    fn take_loaded(&mut self, loaded: Loaded) {
        let portals = loaded
            .portals
            .iter()
            .map(|portal| Arc::new(portal.profile().clone()))
            .collect();
        for problem in &loaded.problems {
            tracing::warn!(
                message_id = Message::ConfigurationAtFault.id(),
                problem,
                "configuration has a fault"
            );
        }
        let now = self.clock.now();
        self.effects.configure(&loaded, now);
        self.observer.configure(&loaded.config.metrics);
        self.step(Event::Configured {
            config: Box::new(loaded.config),
            portals,
            problems: loaded.problems,
        });
    }

    fn step(&mut self, event: Event) {
        let now = self.clock.now();
        // After a sleep of the machine the timer is late, and a PIN whose time
        // is over has to go before anything else happens.
        let overdue = self
            .state
            .next_deadline()
            .is_some_and(|deadline| deadline <= now.monotonic);
        if overdue && !matches!(event, Event::Tick) {
            self.take(Event::Tick, now);
        }
        self.take(event, now);
    }

    fn take(&mut self, event: Event, now: Now) {
        self.observer.take_event(&event, now);
        let effects = self.state.step(event, now);
        // Published first: whoever is answered finds the state that the answer speaks of.
        self.publish(now);
        for effect in effects {
            self.observer.take_effect(&effect, now);
            if let Effect::Answer { request, answer } = effect {
                if let Some(owed) = self.owed.remove(&request) {
                    // Whoever asked may have gone.
                    let _ = owed.send(answer);
                }
            } else {
                self.effects.start(effect, now);
            }
        }
    }

    fn publish(&mut self, now: Now) {
        let mut snapshot = self.state.snapshot(now);
        let revision = self.published.borrow().snapshot.revision;
        snapshot.revision = revision;
        let sight = self.state.sight();
        // A profile can change in what no snapshot shows.
        let is_same = {
            let before = self.published.borrow();
            before.snapshot == snapshot
                && before.sight == sight
                && before.portals == self.state.portals()
        };
        if is_same {
            return;
        }
        self.observer
            .take_change(&self.published.borrow().snapshot, &snapshot);
        snapshot.revision = revision + 1;
        let (cards, waiting) = self.state.cards(now);
        self.notifier.status(&snapshot, cards, waiting);
        let published = Published::new(
            snapshot,
            sight,
            self.state.cards_read(),
            self.state.portals().to_vec(),
        );
        self.published.send_replace(Arc::new(published));
    }
}

/// Counts while the machine sleeps too, unlike `Instant`.
fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

async fn sleep(span: Option<Duration>) {
    match span {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use cac_common::config::Config;
    use cac_common::reader::ServiceStatus;

    use super::*;
    use crate::activity::Activity;
    use crate::card::transport::Report;
    use crate::effects::keeper::Keeper;
    use crate::effects::keeper::tests::NoReaders;
    use crate::state::DaemonFacts;
    use crate::store::{Keep, Store};

    #[tokio::test]
    async fn what_had_happened_before_the_end_is_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let mut clock = Clock::new();
        let now = clock.now();
        let keeper =
            Keeper::open(folder.path().to_owned(), Keep::of(&Config::default()), now).await;
        let (events, event_inbox) = mpsc::unbounded_channel();
        let effects = Effects::new(
            Arc::new(NoReaders),
            keeper,
            events.clone(),
            Activity::default(),
        );
        let state = State::new(
            DaemonFacts {
                version: "0".into(),
                host: "test".into(),
                started_at: now.utc,
            },
            Config::default(),
        );
        let (supervisor, _snapshots) = Supervisor::new(state, effects, clock, Notifier::default());
        let (_requests, requests) = mpsc::channel(1);
        let (_reloads, loaded) = mpsc::channel(1);
        let turns = 40;
        for turn in 0..turns {
            let service = if turn % 2 == 0 {
                ServiceStatus::Away
            } else {
                ServiceStatus::Running
            };
            let report = Report {
                service,
                readers: Vec::new(),
            };
            assert!(events.send(Event::Readers(report)).is_ok());
        }
        let inbox = Inbox {
            events: event_inbox,
            requests,
            loaded,
        };

        supervisor
            .run(inbox, std::future::ready(()))
            .await
            .end()
            .await;

        let store = Store::open(folder.path(), now.utc).unwrap().0;
        assert_eq!(store.history(None, 100).await.unwrap().len(), turns);
    }
}
