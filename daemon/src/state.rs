//! What the daemon knows, and what each event makes of it.
//!
//! Nothing here waits, reads a clock or touches a card. [`State::step`] takes
//! what happened and says what is to be done; the supervisor has it done, and
//! every answer comes back as one more event. An answer that is meant for a
//! visit that has ended changes nothing, and a PIN that comes with one is
//! dropped, and so wiped.

mod by_hand;
mod clearing;
mod notes;
mod pin_change;
mod readers;
mod removal;
mod seats;
mod session;
mod since;
mod view;

#[cfg(test)]
pub(crate) mod tests;
mod visit;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use cac_common::config::Config;
use cac_common::interface::{AcceptNotice, ClearScope, Lost, Refusal, Register};
use cac_common::pin::Pin;
use cac_common::profile::Profile;
use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryEntry, HistoryKind, KnownPersona, Visit};
use cac_common::time::UtcSeconds;

use crate::event::{Answer, Effect, Event, Front, Now, Peer, RequestId};
use notes::Note;
use removal::{Absent, Bound};
use visit::CardVisit;

/// Entries of the history that every snapshot carries.
const HAPPENED: usize = 50;

/// All that the daemon knows.
pub struct State {
    facts: DaemonFacts,
    config: Config,
    portals: Vec<Arc<Profile>>,
    problems: Vec<String>,
    service: ServiceStatus,
    readers: BTreeMap<ReaderName, ReaderSlot>,
    /// Readers that have come so far.
    arrivals: u64,
    /// Whom cards were for in readers that went with pcscd.
    left_in: BTreeMap<ReaderName, u32>,
    /// Users with the active session of a seat, by its name.
    in_front: BTreeMap<String, Front>,
    /// The machine goes to sleep, and is not awake again.
    is_asleep: bool,
    absent: Absent,
    known: Vec<KnownPersona>,
    happened: VecDeque<HistoryEntry>,
    store_problem: Option<String>,
    last_visit: Visit,
}

/// What does not change while the daemon runs.
#[derive(Debug, Clone)]
pub struct DaemonFacts {
    pub version: String,
    pub host: String,
    pub started_at: UtcSeconds,
}

/// One reader and what is in it.
struct ReaderSlot {
    status: ReaderStatus,
    changes: u32,
    /// The seat that it belongs to, once that is known.
    seat: Option<String>,
    /// Which of all arrivals this reader's was.
    arrival: u64,
    visit: Option<CardVisit>,
    /// What is bound of a card in it that has stopped answering.
    mute: Option<Bound>,
}

/// What a step works with besides the state of one visit.
struct Context<'a> {
    config: &'a Config,
    portals: &'a [Arc<Profile>],
    now: Now,
    effects: Vec<Effect>,
}

impl State {
    pub fn new(facts: DaemonFacts, config: Config) -> Self {
        Self {
            facts,
            config,
            portals: Vec::new(),
            problems: Vec::new(),
            service: ServiceStatus::Starting,
            readers: BTreeMap::new(),
            arrivals: 0,
            left_in: BTreeMap::new(),
            in_front: BTreeMap::new(),
            is_asleep: false,
            absent: Absent::default(),
            known: Vec::new(),
            happened: VecDeque::new(),
            store_problem: None,
            last_visit: Visit(0),
        }
    }

    /// Takes one event, and says what is to be done.
    pub fn step(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let effects = match event.brings_a_secret() {
            Some(request) if self.is_asleep => vec![Effect::Answer {
                request,
                answer: Err(Refusal::MachineSleeps),
            }],
            Some(_) | None => self.take(event, now),
        };
        self.give_cards();
        self.note_what_began(now);
        effects
    }

    fn take(&mut self, event: Event, now: Now) -> Vec<Effect> {
        match event {
            Event::Readers(report) => self.take_report(report, now),
            Event::PinGiven { request, pin } => self.take_pin(request, pin, now),
            Event::PrintedAsked { request, pin } => self.read_printed(request, pin, now),
            Event::PrintedRead {
                visit,
                request,
                result,
                tries,
            } => self.answered(request, visit, now, |card, context| {
                card.printed_read(result, tries, context)
            }),
            Event::PinChange(event) => self.pin_change(event, now),
            Event::TestAsked {
                request,
                portal,
                pin,
                with_page,
            } => self.test_portal((request, with_page), &portal, pin, now),
            Event::PortalTested {
                visit,
                request,
                result,
                tries,
                trace,
                page,
            } => self.answered(request, visit, now, |card, context| {
                card.portal_tested(result, tries, (*trace, page), context)
            }),
            Event::NoticeAccepted { request, uid, what } => self.accept(request, uid, &what, now),
            Event::Asked { request, by, what } => self.register(request, by, &what, now),
            Event::SeatFound(found) => self.seat_found(found),
            Event::SessionEnded(session, result) => Self::session_ended(&session, &result, now),
            // The database has nothing to do with them.
            Event::ClearAsked { request, uid, what } if what.scope == ClearScope::Sessions {} => {
                self.cleared(request, uid, &what, Ok(Lost::default()), now)
            }
            Event::ClearAsked { request, uid, what } => {
                vec![Effect::Clear { request, uid, what }]
            }
            Event::Cleared {
                request,
                uid,
                what,
                result,
            } => self.cleared(request, uid, &what, result, now),
            Event::BackedUp { request, uid } => Self::backed_up(request, uid, now),
            Event::Configured {
                config,
                portals,
                problems,
            } => self.configure(*config, portals, problems, now),
            Event::Session(event) => self.take_session(event, now),
            Event::Known(known) => {
                self.known = known;
                Vec::new()
            }
            Event::Noted(entry) => self.noted(entry),
            Event::Store { problem } => {
                self.store_problem = problem;
                Vec::new()
            }
            Event::Wizard(event) => self.wizard(*event, now),
            Event::Tick => self.tick(now),
            Event::Progress { visit, progress } => {
                self.in_visit(visit, now, |card, _| card.take_progress(*progress))
            }
            Event::Judged {
                visit,
                number,
                judgement,
            } => self.in_visit(visit, now, |card, context| {
                card.take_judgement(number, &judgement, context);
            }),
            Event::RestRead { visit, result } => self.in_visit(visit, now, |card, context| {
                card.take_rest(*result, context);
            }),
            Event::CardRead { visit, result } => self.in_visit(visit, now, |card, context| {
                card.take_facts(*result, context);
            }),
            Event::CardRemembered { visit, memory } => {
                self.in_visit(visit, now, |card, context| {
                    card.take_memory(memory, context);
                })
            }
            Event::SignInEnded {
                visit,
                number,
                result,
                pin,
                tries,
            } => self.in_visit(visit, now, |card, context| {
                card.sign_in_ended(number, result, pin, tries, context);
            }),
            Event::Recorded {
                visit,
                portal,
                status,
                result,
            } => self.recorded(visit, &portal, &status, result, now),
        }
    }

    /// When something is to happen by itself, if nothing else does before.
    pub fn next_deadline(&self) -> Option<Duration> {
        let visits = self.visits().filter_map(CardVisit::deadline);
        visits.chain(self.absent.deadline()).min()
    }

    /// How many cards are in readers, and how many of those wait for a PIN.
    pub fn cards(&self, now: Now) -> (usize, usize) {
        let waiting = self
            .visits()
            .filter(|card| card.needs_pin(&self.portals, now))
            .count();
        (self.visits().count(), waiting)
    }

    fn visits(&self) -> impl Iterator<Item = &CardVisit> {
        self.readers.values().filter_map(|slot| slot.visit.as_ref())
    }

    /// Does something to one visit, if it has not ended.
    fn in_visit(
        &mut self,
        visit: Visit,
        now: Now,
        act: impl FnOnce(&mut CardVisit, &mut Context<'_>),
    ) -> Vec<Effect> {
        let card = self
            .readers
            .values_mut()
            .filter_map(|slot| slot.visit.as_mut())
            .find(|card| card.visit == visit);
        let Some(card) = card else {
            tracing::debug!(visit = visit.0, "answer came for a visit that has ended");
            return Vec::new();
        };
        let mut context = Context {
            config: &self.config,
            portals: &self.portals,
            now,
            effects: Vec::new(),
        };
        act(card, &mut context);
        context.effects
    }

    /// The same, and answers a request with what comes of it: first, so that
    /// what follows is seen after it.
    fn answered(
        &mut self,
        request: RequestId,
        visit: Visit,
        now: Now,
        act: impl FnOnce(&mut CardVisit, &mut Context<'_>) -> Result<Answer, Refusal>,
    ) -> Vec<Effect> {
        let mut answer = Err(Refusal::NoSuchCard);
        let mut effects = self.in_visit(visit, now, |card, context| {
            answer = act(card, context);
        });
        effects.insert(0, Effect::Answer { request, answer });
        effects
    }

    fn tick(&mut self, now: Now) -> Vec<Effect> {
        let mut effects = self.each_visit(now, CardVisit::tick);
        effects.extend(self.end_sessions(now));
        effects
    }

    /// Does something to every visit.
    fn each_visit(
        &mut self,
        now: Now,
        mut act: impl FnMut(&mut CardVisit, &mut Context<'_>),
    ) -> Vec<Effect> {
        let mut context = Context {
            config: &self.config,
            portals: &self.portals,
            now,
            effects: Vec::new(),
        };
        for card in self
            .readers
            .values_mut()
            .filter_map(|slot| slot.visit.as_mut())
        {
            act(card, &mut context);
        }
        context.effects
    }

    fn take_pin(&mut self, request: RequestId, pin: Pin, now: Now) -> Vec<Effect> {
        let visit = pin.typed_for().visit;
        self.answered(request, visit, now, |card, context| {
            card.take_pin(pin, context).map(|()| Answer::Done)
        })
    }

    fn read_printed(&mut self, request: RequestId, pin: Pin, now: Now) -> Vec<Effect> {
        let visit = pin.typed_for().visit;
        let mut answer = Some(Err(Refusal::NoSuchCard));
        let mut effects = self.in_visit(visit, now, |card, context| {
            answer = card.read_printed(request, pin, context);
        });
        effects.extend(answer.map(|answer| Effect::Answer { request, answer }));
        effects
    }

    fn accept(
        &mut self,
        request: RequestId,
        uid: u32,
        what: &AcceptNotice,
        now: Now,
    ) -> Vec<Effect> {
        self.answered(request, what.visit, now, |card, context| {
            card.accept(uid, what, context).map(|()| Answer::Done)
        })
    }

    fn noted(&mut self, entry: HistoryEntry) -> Vec<Effect> {
        self.happened.push_back(entry);
        while self.happened.len() > HAPPENED {
            self.happened.pop_front();
        }
        Vec::new()
    }

    fn test_portal(
        &mut self,
        asked: (RequestId, bool),
        portal: &str,
        pin: Pin,
        now: Now,
    ) -> Vec<Effect> {
        let mut answer = Err(Refusal::NoSuchCard);
        let mut effects = self.in_visit(pin.typed_for().visit, now, |card, context| {
            answer = card.test_portal(asked, portal, pin, context);
        });
        effects.extend(answer.err().map(|refusal| Effect::Answer {
            request: asked.0,
            answer: Err(refusal),
        }));
        effects
    }

    fn register(&mut self, request: RequestId, by: Peer, what: &Register, now: Now) -> Vec<Effect> {
        let sight = self.sight();
        let known_portal = what.portal.as_ref().is_none_or(|name| {
            self.portals
                .iter()
                .any(|portal| portal.enabled && portal.name == *name)
        });
        let meant = |card: &CardVisit| {
            let is_named = what.card.is_none() || what.card == card.id().cloned();
            is_named && sight.may_use(&card.reader, by).is_ok()
        };
        let answer = if !known_portal {
            Err(Refusal::NoSuchPortal)
        } else if !self.visits().any(meant) {
            Err(Refusal::NoSuchCard)
        } else {
            Ok(Answer::Done)
        };
        let mut effects = vec![Effect::Answer {
            request,
            answer: answer.clone(),
        }];
        if answer.is_ok() {
            effects.extend(self.each_visit(now, |card, context| {
                if meant(card) {
                    card.asked_for(what.portal.as_deref(), by.uid, context);
                }
            }));
        }
        effects
    }

    fn recorded(
        &mut self,
        visit: Visit,
        portal: &str,
        status: &RegistrationStatus,
        result: Result<(), String>,
        now: Now,
    ) -> Vec<Effect> {
        self.store_problem = result.as_ref().err().cloned();
        self.in_visit(visit, now, |card, context| {
            card.recorded(portal, status, result, context);
        })
    }

    fn configure(
        &mut self,
        config: Config,
        portals: Vec<Arc<Profile>>,
        problems: Vec<String>,
        now: Now,
    ) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.portals, portals);
        self.config = config;
        let mut effects: Vec<Effect> = problems
            .iter()
            .filter(|problem| !self.problems.contains(problem))
            .map(|problem| Note::plain(HistoryKind::Configuration, problem).at(now))
            .collect();
        self.problems = problems;
        effects.extend(self.each_visit(now, |card, context| {
            card.portals_changed(&before, context);
            // Other authorities may be trusted now.
            card.judge(context);
        }));
        effects
    }
}
