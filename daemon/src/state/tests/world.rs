//! What surrounds the state machine, and lets it do things.

use super::*;
use cac_common::snapshot::Registration;

/// What surrounds the state machine, as strict as the real thing, and what it
/// was promised.
pub(super) struct World {
    pub(super) state: State,
    pub(super) now: Now,
    pub(super) inserted: [Option<usize>; READERS],
    pub(super) changes: [u32; READERS],
    pub(super) service: ServiceStatus,
    pub(super) under_way: Vec<Effect>,
    /// Readers for whose cards something was begun.
    pub(super) at_work: BTreeSet<ReaderName>,
    pub(super) owed: BTreeSet<RequestId>,
    pub(super) requests: u64,
    pub(super) pins_typed: usize,
    /// By the digits of each PIN that was sent to a card: which card, and
    /// whether each of its answers was 9000.
    pub(super) verified: BTreeMap<Vec<u8>, (usize, Vec<bool>)>,
    /// Each pair that was sent, the old PIN and the one that was to replace it.
    pub(super) pairs: BTreeSet<Vec<u8>>,
    /// By card: how many PINs had been typed when its PIN was changed, or may have been.
    pub(super) outdated: BTreeMap<usize, usize>,
    /// Work that found another card in the reader than its own.
    pub(super) met_another: u32,
    pub(super) portals: Vec<Arc<Profile>>,
    /// Every sign-in that was begun: where, and with which certificate.
    pub(super) sign_ins: BTreeMap<(Visit, u32), (Arc<Profile>, String)>,
    /// Sign-ins whose PIN was to be wiped.
    pub(super) wiped: BTreeSet<(Visit, u32)>,
    /// What the portal said yes to, in this visit, to this very certificate.
    pub(super) said_yes: BTreeSet<(Visit, String, String)>,
    /// Portals that refused a card in this visit, and nobody has acted since.
    pub(super) refused: BTreeSet<(Visit, String)>,
    /// What was written down, by card and portal.
    pub(super) database: BTreeMap<(CardId, String), Remembered>,
    /// What anyone has accepted.
    pub(super) consents: Vec<Consent>,
    pub(super) hands: Hands,
    pub(super) seats: Seats,
    /// When something happened.
    pub(super) moments: BTreeSet<UtcSeconds>,
    /// Who has left since they typed a PIN in a visit.
    pub(super) left: BTreeSet<(u32, Visit)>,
    /// The PIN that is being handed over: by which request, by whom, for what.
    pub(super) typing: Option<(RequestId, u32, Visit)>,
}

/// What brings a step about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Person,
    Session,
    Nobody,
}

impl World {
    pub(super) fn new() -> Self {
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
            pairs: BTreeSet::new(),
            outdated: BTreeMap::new(),
            met_another: 0,
            portals: Vec::new(),
            sign_ins: BTreeMap::new(),
            wiped: BTreeSet::new(),
            said_yes: BTreeSet::new(),
            refused: BTreeSet::new(),
            database: BTreeMap::new(),
            consents: Vec::new(),
            hands: Hands::default(),
            seats: Seats::default(),
            moments: BTreeSet::new(),
            left: BTreeSet::new(),
            typing: None,
        };
        world.know_everyone();
        world.reconfigure(false, false, PinKeep::SignIn);
        world.report();
        world
    }

    pub(super) fn act(&mut self, act: Act) {
        match act {
            Act::PutIn { reader, card } => {
                // A card is in one reader at a time.
                if self.inserted.contains(&Some(card)) {
                    return;
                }
                self.takes_out(reader);
                self.inserted[reader] = Some(card);
                self.changes[reader] += 1;
                self.report();
            }
            Act::Swap { reader, card } => self.swap(reader, card),
            Act::TakeOut { reader } => {
                self.takes_out(reader);
                self.inserted[reader] = None;
                self.changes[reader] += 1;
                self.report();
            }
            Act::ServiceAway => {
                self.service = ServiceStatus::Away;
                self.seats.pcscd_went = true;
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
                let typed = self.pin_typed(request, pin, what_for);
                self.step(typed);
            }
            Act::Ask { card, is_another } => {
                let request = self.request();
                self.step(Event::Asked {
                    request,
                    by: Peer {
                        uid: 1000 + u32::from(is_another),
                        is_administrator: true,
                    },
                    what: Register {
                        card: card.map(card_id),
                        portal: None,
                    },
                });
            }
            Act::Session { what, user } => self.session(what, user),
            Act::Seats { in_front } => self.seats(in_front),
            Act::Accept { is_there } => self.accept(is_there),
            Act::ByHand(hand) => self.by_hand(hand),
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

    fn swap(&mut self, reader: usize, card: usize) {
        if self.inserted[reader].is_none() || self.inserted[reader] == Some(card) {
            return;
        }
        self.takes_out(reader);
        let elsewhere = (self.inserted.iter()).position(|it| *it == Some(card));
        if let Some(other) = elsewhere {
            self.takes_out(other);
            self.inserted.swap(reader, other);
            self.changes[other] += 1;
        } else {
            self.inserted[reader] = Some(card);
        }
        self.changes[reader] += 1;
    }

    fn takes_out(&mut self, reader: usize) {
        if let Some(card) = self.inserted[reader] {
            self.seats.taken.insert(card_id(card), self.now.monotonic);
        }
    }

    /// Lets all that is under way end well, and sees that nothing hangs.
    pub(super) fn finish_everything(&mut self) {
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

    pub(super) fn wait(&mut self, span: Duration) {
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

    pub(super) fn go_to(&mut self, moment: Duration) {
        let span = moment.saturating_sub(self.now.monotonic);
        self.now.monotonic = moment;
        self.now.utc = self.now.utc.after(span);
    }

    pub(super) fn request(&mut self) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.owed.insert(request);
        request
    }

    pub(super) fn report(&mut self) {
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

    pub(super) fn reconfigure(
        &mut self,
        with_second_portal: bool,
        first_moved: bool,
        keep: PinKeep,
    ) {
        let start = if first_moved { "/new" } else { "/" };
        let mut portals = vec![portal("first", start)];
        if with_second_portal {
            portals.push(portal("second", "/"));
        }
        self.portals.clone_from(&portals);
        let users = if with_second_portal { JOHNS_CARD } else { "" };
        let source = Source::new(Path::new("cacd.toml"), users.into());
        self.step(Event::Configured {
            config: Box::new(Config {
                pin_keep: keep,
                on_removal: OnRemoval::Lock,
                removal_grace: GRACE,
                ..Config::check(&source).unwrap()
            }),
            portals,
            problems: Vec::new(),
        });
    }

    pub(super) fn accept(&mut self, is_there: bool) {
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

    pub(super) fn type_pin(
        &mut self,
        card: usize,
        visits_ago: u64,
        even_the_last_try: bool,
    ) -> Pin {
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
            uid: if self.pins_typed % 2 == 1 { JANE } else { JOHN },
            card: card_id(card),
            visit: Visit(current.saturating_sub(visits_ago)),
            even_the_last_try,
            by_login: false,
        };
        Pin::new(locked, 8, typed_for).unwrap()
    }

    /// Another each time.
    pub(super) fn new_pin(&self) -> NewPin {
        let digits = format!("9{:07}", self.pins_typed).into_bytes();
        let mut locked = Locked::new().unwrap();
        locked.bytes_mut()[..8].copy_from_slice(&digits);
        NewPin::new(locked, 8).unwrap()
    }

    pub(super) fn step(&mut self, event: Event) {
        self.typing = None;
        self.moments.insert(self.now.utc);
        if let Event::PinGiven { request, pin } = &event {
            let PinFor { uid, visit, .. } = pin.typed_for();
            self.typing = Some((*request, *uid, *visit));
        }
        self.note_who_leaves(&event);
        self.note_proof(&event);
        self.check_permission(&event);
        let calls = self.calls();
        let a_person_acts = matches!(
            event,
            Event::Asked { .. }
                | Event::NoticeAccepted { .. }
                | Event::Configured { .. }
                | Event::Cleared { .. }
        );
        let who = if a_person_acts || matches!(event, Event::PinGiven { .. }) {
            Who::Person
        } else if matches!(event, Event::Session(_)) {
            Who::Session
        } else {
            Who::Nobody
        };
        let before = self.statuses();
        let stood = self.registrations();
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
            if let Effect::Note(note) = &effect {
                self.note(note.clone());
            }
            if self.check_effect(&effect, &current, &before, who) {
                self.under_way.push(effect);
            }
        }
        let known = |reader| self.state.readers.contains_key(reader);
        assert!(
            self.at_work.iter().all(known),
            "kept for a reader that left"
        );
        self.check_who_left();
        self.check_what_is_shown();
        self.check_sight();
        self.check_since(&stood);
        self.check_wizards();
        self.check_calls(&calls);
        let now = self.now.monotonic;
        assert!(
            !self.state.visits().any(|card| card.holds_a_stale_pin(now)),
            "a PIN is held for too long"
        );
    }

    pub(super) fn statuses(&self) -> BTreeMap<(Visit, String), RegistrationStatus> {
        let registrations = self.registrations().into_iter();
        registrations
            .map(|(key, registration)| (key, registration.status))
            .collect()
    }

    pub(super) fn registrations(&self) -> BTreeMap<(Visit, String), Registration> {
        let snapshot = self.state.snapshot(self.now);
        snapshot
            .readers
            .into_iter()
            .filter_map(|reader| reader.card)
            .flat_map(|card| {
                card.registrations.into_iter().map(move |registration| {
                    let key = (card.visit, registration.portal.clone());
                    (key, registration)
                })
            })
            .collect()
    }

    pub(super) fn current_visits(&self) -> BTreeMap<Visit, CardId> {
        self.state
            .visits()
            .filter_map(|card| Some((card.visit, card.id()?.clone())))
            .collect()
    }
}
