//! One card in one reader, from being put in to being taken out.

mod consent;
mod memory;
mod pin_change;
mod printed;
mod recheck;
mod session;
mod signing;
mod testing;
mod wizard;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cac_common::finding::Finding;
use cac_common::identity::{CardId, Edipi};
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Holder, PinStatus, Stage, Visit};
use cac_common::time::UtcSeconds;

use super::Context;
use super::notes::Note;
use super::removal::Bound;
use super::session::Occasion;
use super::since::Since;
use crate::card::error::CardError;
use crate::card::facts::{CardCertificate, CardFacts};
use crate::card::read::{PIECES, Progress};
use crate::card::rest::{Missing, Rest};
use crate::card::transport::TransportError;
use crate::event::{Effect, HeldPin, Memory, Now, Proof};
use crate::judgement::Judgement;
use crate::registration::Stand;
pub(super) use printed::refusal;
use recheck::Recheck;
use wizard::ByHand;

/// A card, and where it stands at each portal.
pub(crate) struct CardVisit {
    pub(super) visit: Visit,
    pub(super) reader: ReaderName,
    pub(super) inserted_at: UtcSeconds,
    /// The user at the seat of its reader who may see it.
    pub(super) is_for: Option<u32>,
    /// The session that goes with it.
    pub(super) bound: Option<Bound>,
    /// Who has logged in with it, and is not seen in front yet.
    pub(super) opens_for: Option<u32>,
    /// A PIN that it has just accepted.
    pub(super) proved: Option<Proved>,
    pub(super) stage: Stage,
    pub(super) partly: Partly,
    pub(super) facts: Option<Arc<CardFacts>>,
    pub(super) pin: PinStatus,
    pub(super) memory: Memory,
    /// By the portal's name; empty until the database was asked about the card.
    pub(super) stands: BTreeMap<String, Stand>,
    pub(super) since: Since,
    /// The database was asked about the card.
    remembered: bool,
    rest: RestOfCard,
    /// How often it was asked who vouches for the card.
    judgings: u32,
    recheck: Recheck,
    held: Option<Held>,
    /// The sign-in that goes on now; one at a time.
    at_work: Option<AtWork>,
    /// Something is asked for with a PIN of its own, and nothing is kept of it.
    aside: Option<Aside>,
    /// Sign-ins begun in this visit.
    sign_ins: u32,
    pub(super) by_hand: ByHand,
    /// How often its holder was called for.
    pub(super) asked: u32,
    /// Its holder came back while a PIN was in use that is gone afterwards.
    wanted: Option<Occasion>,
}

/// How far what could wait is read.
#[derive(Debug, PartialEq, Eq)]
enum RestOfCard {
    NotYet,
    Asked,
    /// This is left; other work with the card went first.
    Left(Box<Missing>),
    Done,
}

/// A sign-in that goes on, and what it was begun with.
struct AtWork {
    number: u32,
    profile: Arc<Profile>,
    proof: Proof,
    /// Until when its PIN may be held.
    until: Option<Duration>,
    afterwards: Afterwards,
    /// Who typed it.
    uid: u32,
}

/// What becomes of the PIN of a sign-in that goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    Held,
    /// It serves nobody but the one who typed it, and another has asked.
    Dropped,
    /// Its time was over.
    Forgotten,
}

/// Who has typed a PIN that the card accepted.
#[derive(Clone, Copy)]
pub(super) struct Proved {
    pub(super) uid: u32,
    /// To log in to the machine, before there was a session.
    pub(super) by_login: bool,
}

/// What a PIN is used for beside registering.
struct Aside {
    /// Who typed it.
    uid: u32,
    /// Until when its PIN may be held.
    until: Option<Duration>,
}

/// What is known while the card is still being read.
#[derive(Default)]
pub(super) struct Partly {
    pub(super) id: Option<CardId>,
    pub(super) dod_id: Option<Edipi>,
    pub(super) holder: Option<Holder>,
    pub(super) certificates: Vec<CardCertificate>,
    /// Why it could not be read.
    pub(super) findings: Vec<Finding>,
}

/// A PIN that waits for its use.
struct Held {
    pin: HeldPin,
    /// Wiped then, at the latest.
    until: Option<Duration>,
    /// The last sign-in with it met a notice, which a person may accept.
    met_notice: bool,
}

impl AtWork {
    fn deadline(&self) -> Option<Duration> {
        self.until
            .filter(|_| self.afterwards != Afterwards::Forgotten)
    }
}

impl CardVisit {
    pub(super) fn new(visit: Visit, reader: ReaderName, now: Now) -> Self {
        Self {
            visit,
            reader,
            inserted_at: now.utc,
            is_for: None,
            bound: None,
            opens_for: None,
            proved: None,
            stage: Stage::Reading {
                done: 0,
                of: PIECES,
                what: None,
            },
            partly: Partly::default(),
            facts: None,
            pin: PinStatus::Unknown,
            memory: Memory::default(),
            stands: BTreeMap::new(),
            since: Since::default(),
            remembered: false,
            rest: RestOfCard::NotYet,
            judgings: 0,
            recheck: Recheck::default(),
            held: None,
            at_work: None,
            aside: None,
            sign_ins: 0,
            by_hand: ByHand::default(),
            asked: 0,
            wanted: None,
        }
    }

    pub(crate) fn id(&self) -> Option<&CardId> {
        match &self.facts {
            Some(facts) => Some(&facts.id),
            None => self.partly.id.as_ref(),
        }
    }

    pub(super) fn dod_id(&self) -> Option<Edipi> {
        let (holder, by_the_fascn) = match &self.facts {
            Some(facts) => (facts.holder.as_ref(), facts.chuid.dod_id()),
            None => (self.partly.holder.as_ref(), self.partly.dod_id),
        };
        holder.and_then(|holder| holder.dod_id).or(by_the_fascn)
    }

    pub(super) fn needs_pin(&self, portals: &[Arc<Profile>], now: Now) -> bool {
        self.waiting_for_pin(portals, now) > 0
    }

    /// How many portals wait for a PIN.
    fn waiting_for_pin(&self, portals: &[Arc<Profile>], now: Now) -> usize {
        let waits = |portal: &&Arc<Profile>| {
            self.stands.get(&portal.name).is_some_and(|stand| {
                matches!(
                    stand.status(&self.pin, portal, now),
                    RegistrationStatus::NeedsPin { .. } | RegistrationStatus::OutOfDate { .. }
                )
            })
        };
        portals.iter().filter(waits).count()
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let held = self.held.as_ref().and_then(|held| held.until);
        let aside = self.aside.as_ref().and_then(|aside| aside.until);
        let lent = self.at_work.as_ref().and_then(AtWork::deadline);
        self.stands
            .values()
            .map(Stand::deadline)
            .chain([held, lent, aside, self.recheck.due, self.by_hand.deadline()])
            .flatten()
            .min()
    }

    pub(super) fn take_progress(&mut self, progress: Progress) {
        // A read that was given up may go on; until it ends it has failed.
        if matches!(self.stage, Stage::Reading { .. }) {
            self.stage = Stage::Reading {
                done: progress.done,
                of: PIECES,
                what: Some(progress.what),
            };
            self.partly = Partly {
                id: progress.id,
                dod_id: progress.dod_id,
                holder: progress.holder,
                certificates: progress.certificates,
                findings: Vec::new(),
            };
        }
    }

    pub(super) fn take_facts(
        &mut self,
        result: Result<CardFacts, CardError>,
        context: &mut Context<'_>,
    ) {
        if self.facts.is_some() {
            return;
        }
        match result {
            Ok(facts) => {
                self.stage = Stage::Read;
                self.pin = facts.pin.clone();
                self.facts = Some(Arc::new(facts));
                self.partly = Partly::default();
                if let Some(card) = self.to_remember(context) {
                    context.effects.push(Effect::RememberCard {
                        visit: self.visit,
                        card: Box::new(card),
                    });
                }
            }
            Err(error) => {
                let failed = if error == TransportError::Busy.into() {
                    Stage::Held
                } else {
                    Stage::Failed {
                        cause: error.to_string(),
                    }
                };
                if self.stage != failed {
                    let note = Note::unreadable(self, &error);
                    context.effects.push(note.at(context.now));
                    self.stage = failed;
                    if let CardError::Nameless { findings } = error {
                        self.partly.findings = findings;
                    }
                }
            }
        }
    }

    pub(super) fn take_memory(&mut self, memory: Memory, context: &mut Context<'_>) {
        let note = Note::recognised(self, memory.acquaintance);
        context.effects.push(note.at(context.now));
        self.memory = memory;
        self.remembered = true;
        for portal in context.portals {
            self.stand_at(portal, context.now);
        }
        for portal in context.portals {
            if let Some(note) = self.first_note(portal, context.now) {
                context.effects.push(note.at(context.now));
            }
        }
        self.advance(context);
        self.ask(None, context);
    }

    /// Asks for what could wait, when nothing else is to be done.
    fn read_rest(&mut self, context: &mut Context<'_>) {
        if !self.remembered {
            return;
        }
        let missing = match std::mem::replace(&mut self.rest, RestOfCard::Asked) {
            RestOfCard::NotYet => self.facts.as_deref().and_then(Missing::of),
            RestOfCard::Left(missing) => Some(*missing),
            asked @ (RestOfCard::Asked | RestOfCard::Done) => {
                self.rest = asked;
                return;
            }
        };
        if let Some(missing) = missing {
            context.effects.push(Effect::ReadRest {
                reader: self.reader.clone(),
                visit: self.visit,
                missing,
            });
        } else {
            self.rest = RestOfCard::Done;
            self.judge(context);
        }
    }

    pub(super) fn take_rest(&mut self, result: Result<Rest, CardError>, context: &mut Context<'_>) {
        let mut left = None;
        match (result, &mut self.facts) {
            (Ok(mut rest), Some(facts)) => {
                left = rest.left.take();
                Arc::make_mut(facts).take_rest(rest, context.now.utc);
                if let Some(card) = self.to_remember(context) {
                    context.effects.push(Effect::KeepCard(Box::new(card)));
                }
            }
            (Ok(_), None) => {}
            (Err(error), facts) => {
                tracing::info!(%error, "the rest of a card could not be read");
                if let Some(facts) = facts {
                    Arc::make_mut(facts).miss_rest(&error, context.now.utc);
                }
            }
        }
        if let Some(left) = left {
            self.rest = RestOfCard::Left(Box::new(left));
            self.advance(context);
        } else {
            self.rest = RestOfCard::Done;
            self.judge(context);
        }
    }

    /// Asks who vouches for what was read, once all of it is there.
    pub(super) fn judge(&mut self, context: &mut Context<'_>) {
        if self.rest == RestOfCard::Done
            && let Some(facts) = &self.facts
        {
            self.judgings += 1;
            self.recheck.due = None;
            context.effects.push(Effect::Judge {
                visit: self.visit,
                number: self.judgings,
                facts: Arc::clone(facts),
            });
        }
    }

    pub(super) fn take_judgement(
        &mut self,
        number: u32,
        judgement: &Judgement,
        context: &Context<'_>,
    ) {
        if let Some(facts) = self.facts.as_mut().filter(|_| number == self.judgings) {
            judgement.apply(Arc::make_mut(facts), context.now.utc);
            if let Some(asked) = judgement.asked {
                self.recheck.plan(asked, context.now);
            }
        }
    }

    fn change(&mut self, portal: &str, act: impl FnOnce(Stand) -> Stand) {
        if let Some(stand) = self.stands.remove(portal) {
            self.stands.insert(portal.to_owned(), act(stand));
        }
    }
}
