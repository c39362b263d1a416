//! Whatever happens in whatever order: what has to hold always.

mod clearing;
mod ending;
pub(crate) mod fixtures;
mod judging;
mod keeping;
mod promises;
mod reading;
mod refusing;
mod two_people;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cac_common::config::{Config, PinKeep};
use cac_common::identity::CardId;
use cac_common::interface::{AcceptNotice, Clear, ClearScope, Register};
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::profile::Profile;
use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use proptest::prelude::*;

use super::{DaemonFacts, State};
use crate::card::transport::{Report, SeenReader};
use crate::event::{Effect, Event, Now, Remembered, RequestId, SignInResult};
use crate::store::Consent;
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
    /// Another card is in a reader, and nobody has noticed yet; where it was
    /// in the other reader, they have changed places.
    Swap {
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
        what_for: WhatFor,
    },
    Ask {
        card: Option<usize>,
        /// Not the one who types the PINs.
        is_another: bool,
    },
    /// A person accepts the first notice there is, or one that is not there.
    Accept {
        is_there: bool,
    },
    Clear,
    Reconfigure {
        with_second_portal: bool,
        first_moved: bool,
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

#[derive(Debug, Clone, Copy)]
enum WhatFor {
    Registering,
    Printed,
    Test,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let keep = prop_oneof![
        Just(PinKeep::SignIn),
        Just(PinKeep::Visit),
        Just(PinKeep::For(Duration::from_secs(20)))
    ];
    let act = prop_oneof![
        2 => (0..READERS, 0..CARDS).prop_map(|(reader, card)| Act::PutIn { reader, card }),
        1 => (0..READERS, 0..CARDS).prop_map(|(reader, card)| Act::Swap { reader, card }),
        1 => (0..READERS).prop_map(|reader| Act::TakeOut { reader }),
        1 => Just(Act::ServiceAway),
        1 => Just(Act::ServiceBack),
        6 => (
            0..CARDS,
            prop_oneof![4 => Just(0), 1 => Just(1u64)],
            any::<bool>(),
            prop_oneof![
                4 => Just(WhatFor::Registering),
                1 => Just(WhatFor::Printed),
                1 => Just(WhatFor::Test)
            ],
        )
            .prop_map(|(card, visits_ago, even_the_last_try, what_for)| Act::TypePin {
                card,
                visits_ago,
                even_the_last_try,
                what_for,
            }),
        1 => (proptest::option::of(0..CARDS), any::<bool>())
            .prop_map(|(card, is_another)| Act::Ask { card, is_another }),
        2 => prop_oneof![4 => Just(true), 1 => Just(false)].prop_map(|is_there| Act::Accept { is_there }),
        1 => Just(Act::Clear),
        2 => (any::<bool>(), any::<bool>(), keep).prop_map(|(with_second_portal, first_moved, keep)| Act::Reconfigure {
            with_second_portal,
            first_moved,
            keep
        }),
        2 => (1..90u64).prop_map(|seconds| Act::Wait { seconds }),
        24 => any::<(usize, u64)>().prop_map(|(which, how)| Act::Finish { which, how }),
    ];
    proptest::collection::vec(act, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

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
    changes: [u32; READERS],
    service: ServiceStatus,
    under_way: Vec<Effect>,
    /// Readers for whose cards something was begun.
    at_work: BTreeSet<ReaderName>,
    owed: BTreeSet<RequestId>,
    requests: u64,
    pins_typed: usize,
    /// By the digits of each PIN that was sent to a card: which card, and
    /// whether each of its answers was 9000.
    verified: BTreeMap<Vec<u8>, (usize, Vec<bool>)>,
    /// Work that found another card in the reader than its own.
    met_another: u32,
    portals: Vec<Arc<Profile>>,
    /// Every sign-in that was begun: where, and with which certificate.
    sign_ins: BTreeMap<(Visit, u32), (Arc<Profile>, String)>,
    /// Sign-ins whose PIN was to be wiped.
    wiped: BTreeSet<(Visit, u32)>,
    /// What the portal said yes to, in this visit, to this very certificate.
    said_yes: BTreeSet<(Visit, String, String)>,
    /// Portals that refused a card in this visit, and nobody has acted since.
    refused: BTreeSet<(Visit, String)>,
    /// What was written down, by card and portal.
    database: BTreeMap<(CardId, String), Remembered>,
    /// What anyone has accepted.
    consents: Vec<Consent>,
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
            changes: [0; READERS],
            service: ServiceStatus::Running,
            under_way: Vec::new(),
            at_work: BTreeSet::new(),
            owed: BTreeSet::new(),
            requests: 0,
            pins_typed: 0,
            verified: BTreeMap::new(),
            met_another: 0,
            portals: Vec::new(),
            sign_ins: BTreeMap::new(),
            wiped: BTreeSet::new(),
            said_yes: BTreeSet::new(),
            refused: BTreeSet::new(),
            database: BTreeMap::new(),
            consents: Vec::new(),
        };
        world.reconfigure(false, false, PinKeep::SignIn);
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
                self.changes[reader] += 1;
                self.report();
            }
            Act::Swap { reader, card } => {
                if self.inserted[reader].is_none() || self.inserted[reader] == Some(card) {
                    return;
                }
                let elsewhere = (self.inserted.iter()).position(|it| *it == Some(card));
                if let Some(other) = elsewhere {
                    self.inserted.swap(reader, other);
                    self.changes[other] += 1;
                } else {
                    self.inserted[reader] = Some(card);
                }
                self.changes[reader] += 1;
            }
            Act::TakeOut { reader } => {
                self.inserted[reader] = None;
                self.changes[reader] += 1;
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
                what_for,
            } => {
                let pin = self.type_pin(card, visits_ago, even_the_last_try);
                let request = self.request();
                self.step(match what_for {
                    WhatFor::Registering => Event::PinGiven { request, pin },
                    WhatFor::Printed => Event::PrintedAsked { request, pin },
                    WhatFor::Test => Event::TestAsked {
                        request,
                        portal: "first".into(),
                        pin,
                        with_page: false,
                    },
                });
            }
            Act::Ask { card, is_another } => {
                let request = self.request();
                self.step(Event::Asked {
                    request,
                    uid: 1000 + u32::from(is_another),
                    what: Register {
                        card: card.map(card_id),
                        portal: None,
                    },
                });
            }
            Act::Accept { is_there } => self.accept(is_there),
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
                first_moved,
                keep,
            } => self.reconfigure(with_second_portal, first_moved, keep),
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
        assert!(
            self.tries_spent() <= self.pins_typed,
            "more tries than PINs"
        );
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
                    changes: self.changes[reader],
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

    fn reconfigure(&mut self, with_second_portal: bool, first_moved: bool, keep: PinKeep) {
        let start = if first_moved { "/new" } else { "/" };
        let mut portals = vec![portal("first", start)];
        if with_second_portal {
            portals.push(portal("second", "/"));
        }
        self.portals.clone_from(&portals);
        self.step(Event::Configured {
            config: Config {
                pin_keep: keep,
                ..Config::default()
            },
            portals,
            problems: Vec::new(),
        });
    }

    fn accept(&mut self, is_there: bool) {
        let snapshot = self.state.snapshot(self.now);
        let mut cards = (snapshot.readers.iter()).filter_map(|reader| reader.card.as_ref());
        let found = cards.find_map(|card| {
            let mut registrations = card.registrations.iter();
            registrations.find_map(|one| {
                let RegistrationStatus::NeedsConsent { notice } = &one.status else {
                    return None;
                };
                Some(AcceptNotice {
                    card: card.id.clone()?,
                    visit: card.visit,
                    portal: one.portal.clone(),
                    sha256: notice.sha256.clone(),
                })
            })
        });
        let Some(mut what) = found else { return };
        if !is_there {
            what.sha256.push('x');
        }
        let request = self.request();
        self.step(Event::NoticeAccepted {
            request,
            uid: 1000,
            what,
        });
    }

    fn type_pin(&mut self, card: usize, visits_ago: u64, even_the_last_try: bool) -> Pin {
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
        Pin::new(locked, 8, typed_for).unwrap()
    }

    fn step(&mut self, event: Event) {
        let a_person_acts = matches!(
            event,
            Event::Asked { .. }
                | Event::NoticeAccepted { .. }
                | Event::Configured { .. }
                | Event::Cleared { .. }
        );
        let recheck = matches!(event, Event::PinGiven { .. });
        let before = self.statuses();
        if a_person_acts {
            self.refused.clear();
        }
        if let Event::SignInEnded {
            visit,
            number,
            result: SignInResult::Portal(outcome),
            ..
        } = &event
        {
            let (profile, certificate) = self.sign_ins[&(*visit, *number)].clone();
            // What is said under another profile than the one in force counts for nothing.
            if self.portals.contains(&profile) {
                let name = profile.name.clone();
                if matches!(outcome, Outcome::Registered { .. }) {
                    self.said_yes.insert((*visit, name, certificate));
                } else if !matches!(
                    outcome,
                    // Worth another try by itself; the second once.
                    Outcome::Unavailable { .. } | Outcome::Forbidden { .. }
                ) {
                    self.refused.insert((*visit, name));
                }
            }
        }
        self.now.random = self.now.random.wrapping_mul(6_364_136_223_846_793_005) + 1;
        let effects = self.state.step(event, self.now);
        let current: BTreeMap<Visit, CardId> = self.current_visits();
        for effect in effects {
            if self.check_effect(&effect, &current, &before, a_person_acts || recheck) {
                self.under_way.push(effect);
            }
        }
        let known = |reader| self.state.readers.contains_key(reader);
        assert!(
            self.at_work.iter().all(known),
            "kept for a reader that left"
        );
        self.check_what_is_shown();
        let now = self.now.monotonic;
        assert!(
            !self.state.visits().any(|card| card.holds_a_stale_pin(now)),
            "a PIN is held for too long"
        );
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
