//! Whatever happens in whatever order: what has to hold always.

mod clearing;
mod ending;
mod fixtures;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cac_common::config::{Config, PinKeep};
use cac_common::identity::CardId;
use cac_common::interface::{Clear, ClearScope, Refusal, Register};
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use proptest::prelude::*;

use super::{DaemonFacts, State};
use crate::card::transport::{Report, SeenReader};
use crate::event::{Answer, Effect, Event, Now, Remembered, RequestId, SignInOrder, SignInResult};
use fixtures::{card_id, portal, reader_name};

const READERS: usize = 2;
const CARDS: usize = 3;

/// One thing that happens to the daemon.
#[derive(Debug, Clone, Copy)]
enum Act {
    PutIn {
        reader: usize,
        card: usize,
    },
    TakeOut {
        reader: usize,
    },
    ServiceAway,
    ServiceBack,
    TypePin {
        card: usize,
        visits_ago: u64,
        even_the_last_try: bool,
    },
    Ask {
        card: Option<usize>,
    },
    Clear,
    Reconfigure {
        with_second_portal: bool,
        keep: PinKeep,
    },
    Wait {
        seconds: u64,
    },
    /// One of the effects under way comes to its end.
    Finish {
        which: usize,
        how: u64,
    },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let keep = prop_oneof![
        Just(PinKeep::SignIn),
        Just(PinKeep::Visit),
        Just(PinKeep::For(Duration::from_secs(20)))
    ];
    let act = prop_oneof![
        3 => (0..READERS, 0..CARDS).prop_map(|(reader, card)| Act::PutIn { reader, card }),
        1 => (0..READERS).prop_map(|reader| Act::TakeOut { reader }),
        1 => Just(Act::ServiceAway),
        1 => Just(Act::ServiceBack),
        5 => (0..CARDS, 0..2u64, any::<bool>()).prop_map(|(card, visits_ago, even_the_last_try)| {
            Act::TypePin { card, visits_ago, even_the_last_try }
        }),
        1 => proptest::option::of(0..CARDS).prop_map(|card| Act::Ask { card }),
        1 => Just(Act::Clear),
        1 => (any::<bool>(), keep).prop_map(|(with_second_portal, keep)| Act::Reconfigure {
            with_second_portal,
            keep
        }),
        2 => (1..90u64).prop_map(|seconds| Act::Wait { seconds }),
        16 => any::<(usize, u64)>().prop_map(|(which, how)| Act::Finish { which, how }),
    ];
    proptest::collection::vec(act, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_keeps_the_promises(acts in acts()) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        world.finish_everything();
    }
}

/// What surrounds the state machine, as strict as the real thing, and what it
/// was promised.
struct World {
    state: State,
    now: Now,
    inserted: [Option<usize>; READERS],
    changes: u32,
    service: ServiceStatus,
    under_way: Vec<Effect>,
    owed: BTreeSet<RequestId>,
    requests: u64,
    pins_typed: u32,
    /// By the digits of each PIN: the card's last answer to it was 9000.
    answered: BTreeMap<Vec<u8>, bool>,
    /// What the portal said last, in this visit, to this very certificate.
    said_yes: BTreeSet<(Visit, String)>,
    /// Portals that refused a card in this visit, and nobody has acted since.
    refused: BTreeSet<(Visit, String)>,
    /// What was written down, by card and portal.
    database: BTreeMap<(CardId, String), Remembered>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            state: State::new(
                DaemonFacts {
                    version: "0".into(),
                    host: "test".into(),
                    started_at: UtcSeconds(1_000),
                },
                Config::default(),
            ),
            now: Now {
                utc: UtcSeconds(1_000),
                monotonic: Duration::ZERO,
                random: 7,
            },
            inserted: [None; READERS],
            changes: 0,
            service: ServiceStatus::Running,
            under_way: Vec::new(),
            owed: BTreeSet::new(),
            requests: 0,
            pins_typed: 0,
            answered: BTreeMap::new(),
            said_yes: BTreeSet::new(),
            refused: BTreeSet::new(),
            database: BTreeMap::new(),
        };
        world.reconfigure(false, PinKeep::SignIn);
        world.report();
        world
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::PutIn { reader, card } => {
                // A card is in one reader at a time.
                if self.inserted.contains(&Some(card)) {
                    return;
                }
                self.inserted[reader] = Some(card);
                self.changes += 1;
                self.report();
            }
            Act::TakeOut { reader } => {
                self.inserted[reader] = None;
                self.changes += 1;
                self.report();
            }
            Act::ServiceAway => {
                self.service = ServiceStatus::Away;
                self.report();
            }
            Act::ServiceBack => {
                self.service = ServiceStatus::Running;
                self.report();
            }
            Act::TypePin {
                card,
                visits_ago,
                even_the_last_try,
            } => self.type_pin(card, visits_ago, even_the_last_try),
            Act::Ask { card } => {
                let request = self.request();
                self.step(Event::Asked {
                    request,
                    what: Register {
                        card: card.map(card_id),
                        portal: None,
                    },
                });
            }
            Act::Clear => {
                let request = self.request();
                self.step(Event::ClearAsked {
                    request,
                    uid: 0,
                    what: Clear {
                        scope: ClearScope::All {},
                        dry_run: false,
                    },
                });
            }
            Act::Reconfigure {
                with_second_portal,
                keep,
            } => self.reconfigure(with_second_portal, keep),
            Act::Wait { seconds } => self.wait(Duration::from_secs(seconds)),
            Act::Finish { which, how } => {
                if !self.under_way.is_empty() {
                    let at = which % self.under_way.len();
                    let effect = self.under_way.remove(at);
                    self.finish(effect, how);
                }
            }
        }
    }

    /// Lets all that is under way end well, and sees that nothing hangs.
    fn finish_everything(&mut self) {
        for _ in 0..1_000 {
            let Some(effect) = self.under_way.pop() else {
                break;
            };
            self.finish(effect, 0);
        }
        assert!(self.under_way.is_empty(), "work goes on without end");
        assert!(self.owed.is_empty(), "a request was never answered");
        let snapshot = self.state.snapshot(self.now);
        for registration in snapshot
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
            .flat_map(|card| &card.registrations)
        {
            assert_ne!(
                registration.status,
                RegistrationStatus::SigningIn,
                "nothing is under way, and it says it is"
            );
        }
    }

    fn wait(&mut self, span: Duration) {
        let until = self.now.monotonic + span;
        // As the supervisor does: a tick at each deadline on the way.
        while let Some(deadline) = self.state.next_deadline().filter(|at| *at <= until) {
            self.go_to(deadline.max(self.now.monotonic));
            self.step(Event::Tick);
            if let Some(next) = self.state.next_deadline() {
                assert!(next > self.now.monotonic, "a deadline that never passes");
            }
        }
        self.go_to(until);
    }

    fn go_to(&mut self, moment: Duration) {
        let span = moment.saturating_sub(self.now.monotonic);
        self.now.monotonic = moment;
        self.now.utc = self.now.utc.after(span);
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.owed.insert(request);
        request
    }

    fn report(&mut self) {
        let readers = if self.service == ServiceStatus::Running {
            (0..READERS)
                .map(|reader| SeenReader {
                    name: reader_name(reader),
                    status: match self.inserted[reader] {
                        Some(_) => ReaderStatus::Card,
                        None => ReaderStatus::Empty,
                    },
                    // One counter for both: swapping one card touches the other too.
                    changes: self.changes,
                })
                .collect()
        } else {
            Vec::new()
        };
        self.step(Event::Readers(Report {
            service: self.service,
            readers,
        }));
    }

    fn reconfigure(&mut self, with_second_portal: bool, keep: PinKeep) {
        let mut portals = vec![portal("first")];
        if with_second_portal {
            portals.push(portal("second"));
        }
        self.step(Event::Configured {
            config: Config {
                pin_keep: keep,
                ..Config::default()
            },
            portals,
            problems: Vec::new(),
        });
    }

    fn type_pin(&mut self, card: usize, visits_ago: u64, even_the_last_try: bool) {
        let snapshot = self.state.snapshot(self.now);
        let current = snapshot
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
            .find(|other| other.id == Some(card_id(card)))
            .map_or(0, |card| card.visit.0);
        self.pins_typed += 1;
        let digits = format!("{:08}", self.pins_typed).into_bytes();
        let mut locked = Locked::new().unwrap();
        locked.bytes_mut()[..8].copy_from_slice(&digits);
        let typed_for = PinFor {
            uid: 1000,
            card: card_id(card),
            visit: Visit(current.saturating_sub(visits_ago)),
            even_the_last_try,
        };
        let pin = Pin::new(locked, 8, typed_for).unwrap();
        let request = self.request();
        self.step(Event::PinGiven { request, pin });
    }

    fn step(&mut self, event: Event) {
        let a_person_acts = matches!(
            event,
            Event::Asked { .. } | Event::Configured { .. } | Event::Cleared { .. }
        );
        let recheck = matches!(event, Event::PinGiven { .. });
        let before = self.statuses();
        let said_yes = if let Event::SignInEnded {
            visit,
            portal,
            result: SignInResult::Portal(Outcome::Registered { .. }),
            ..
        } = &event
        {
            Some((*visit, portal.clone()))
        } else {
            None
        };
        if a_person_acts {
            self.refused.clear();
        }
        if let Event::SignInEnded {
            visit,
            portal,
            result: SignInResult::Portal(Outcome::NotFound | Outcome::Unrecognised { .. }),
            ..
        } = &event
        {
            self.refused.insert((*visit, portal.clone()));
        }
        self.now.random = self.now.random.wrapping_mul(6_364_136_223_846_793_005) + 1;
        let effects = self.state.step(event, self.now);
        let current: BTreeMap<Visit, CardId> = self.current_visits();
        for effect in effects {
            match &effect {
                Effect::Answer { request, answer } => {
                    assert!(self.owed.remove(request), "answered twice");
                    if let Err(refusal) = answer {
                        assert_ne!(*refusal, Refusal::PermissionDenied);
                    } else {
                        assert!(matches!(answer, Ok(Answer::Done | Answer::Cleared(_))));
                    }
                    continue;
                }
                Effect::Note(note) => {
                    assert!(!note.text.contains("1234567890"), "DoD ID in the history");
                    continue;
                }
                Effect::EndVisit(visit) => {
                    assert!(!current.contains_key(visit), "ended, and still there");
                    continue;
                }
                Effect::SignIn(order) => {
                    self.check_order(order, &current);
                    let key = (order.visit, order.portal.name.clone());
                    assert!(!self.refused.contains(&key), "tried again after a refusal");
                    if let Some(status) = before.get(&key) {
                        assert!(
                            may_go_on(status) || a_person_acts || recheck,
                            "tried again by itself after {status:?}"
                        );
                    }
                }
                Effect::Record {
                    visit,
                    portal,
                    status: RegistrationStatus::Registered { .. },
                    ..
                } => {
                    let key = (*visit, portal.clone());
                    let just_now = said_yes.as_ref() == Some(&key);
                    assert!(
                        just_now || self.said_yes.contains(&key),
                        "recorded without the portal's word"
                    );
                    self.said_yes.insert(key);
                    assert!(current.contains_key(visit), "recorded for an old visit");
                }
                Effect::ReadCard { visit, .. }
                | Effect::RememberCard { visit, .. }
                | Effect::Record { visit, .. } => {
                    assert!(
                        self.state.visits().any(|card| card.visit == *visit),
                        "work for an old visit"
                    );
                }
                Effect::Clear { .. } | Effect::LoadKnown => {}
            }
            self.under_way.push(effect);
        }
        self.check_what_is_shown();
        let now = self.now.monotonic;
        assert!(
            !self.state.visits().any(|card| card.holds_a_stale_pin(now)),
            "a PIN is held for too long"
        );
    }

    fn check_order(&self, order: &SignInOrder, current: &BTreeMap<Visit, CardId>) {
        let typed_for = order.pin.typed_for();
        assert_eq!(typed_for.visit, order.visit, "PIN of another visit");
        assert_eq!(typed_for.card, order.card, "PIN of another card");
        assert_eq!(current.get(&order.visit), Some(&order.card));
        let at_work = self
            .under_way
            .iter()
            .any(|effect| matches!(effect, Effect::SignIn(other) if other.visit == order.visit));
        assert!(!at_work, "two sign-ins with one card at a time");
    }

    /// What is called registered is written down.
    fn check_what_is_shown(&self) {
        let snapshot = self.state.snapshot(self.now);
        for card in snapshot
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
        {
            let Some(id) = &card.id else { continue };
            for registration in &card.registrations {
                if matches!(registration.status, RegistrationStatus::Registered { .. }) {
                    let key = (id.clone(), registration.portal.clone());
                    assert!(
                        self.database.contains_key(&key),
                        "called registered and not written down"
                    );
                }
            }
        }
    }

    fn statuses(&self) -> BTreeMap<(Visit, String), RegistrationStatus> {
        let snapshot = self.state.snapshot(self.now);
        snapshot
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
            .flat_map(|card| {
                card.registrations.iter().map(|registration| {
                    let key = (card.visit, registration.portal.clone());
                    (key, registration.status.clone())
                })
            })
            .collect()
    }

    fn current_visits(&self) -> BTreeMap<Visit, CardId> {
        self.state
            .visits()
            .filter_map(|card| Some((card.visit, card.id()?.clone())))
            .collect()
    }
}

/// Statuses from which a sign-in may start without a person asking for it.
fn may_go_on(status: &RegistrationStatus) -> bool {
    matches!(
        status,
        RegistrationStatus::NeedsPin { .. }
            | RegistrationStatus::OutOfDate { .. }
            | RegistrationStatus::Waiting { .. }
            | RegistrationStatus::SigningIn
            | RegistrationStatus::Registered { .. }
    )
}
