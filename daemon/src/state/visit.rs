//! One card in one reader, from being put in to being taken out.

mod memory;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cac_common::config::PinKeep;
use cac_common::identity::CardId;
use cac_common::interface::Refusal;
use cac_common::pin::Pin;
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Holder, PinStatus, Stage, Visit};
use cac_common::time::UtcSeconds;

use super::Context;
use super::notes::Note;
use crate::card::error::CardError;
use crate::card::facts::{CardCertificate, CardFacts};
use crate::card::read::{PIECES, Progress};
use crate::event::{Effect, HeldPin, Memory, Now, SignInOrder, SignInResult};
use crate::registration::{Due, Next, Stand};

/// A card, and where it stands at each portal.
pub(crate) struct CardVisit {
    pub(super) visit: Visit,
    pub(super) reader: ReaderName,
    pub(super) inserted_at: UtcSeconds,
    pub(super) stage: Stage,
    pub(super) partly: Partly,
    pub(super) facts: Option<Arc<CardFacts>>,
    pub(super) pin: PinStatus,
    pub(super) memory: Memory,
    /// By the portal's name; empty until the database was asked about the card.
    pub(super) stands: BTreeMap<String, Stand>,
    /// The database was asked about the card.
    remembered: bool,
    held: Option<Held>,
    /// Until when a PIN may be held that a sign-in is at work with.
    lent_until: Option<Duration>,
}

/// What is known while the card is still being read.
#[derive(Default)]
pub(super) struct Partly {
    pub(super) id: Option<CardId>,
    pub(super) holder: Option<Holder>,
    pub(super) certificates: Vec<CardCertificate>,
}

/// A PIN that waits for its use.
struct Held {
    pin: HeldPin,
    /// Wiped then, at the latest.
    until: Option<Duration>,
}

impl CardVisit {
    pub(super) fn new(visit: Visit, reader: ReaderName, now: Now) -> Self {
        Self {
            visit,
            reader,
            inserted_at: now.utc,
            stage: Stage::Reading {
                done: 0,
                of: PIECES,
            },
            partly: Partly::default(),
            facts: None,
            pin: PinStatus::Unknown,
            memory: Memory::default(),
            stands: BTreeMap::new(),
            remembered: false,
            held: None,
            lent_until: None,
        }
    }

    pub(crate) fn id(&self) -> Option<&CardId> {
        match &self.facts {
            Some(facts) => Some(&facts.id),
            None => self.partly.id.as_ref(),
        }
    }

    pub(super) fn needs_pin(&self, portals: &[Arc<Profile>], now: Now) -> bool {
        portals.iter().any(|portal| {
            self.stands.get(&portal.name).is_some_and(|stand| {
                matches!(
                    stand.status(&self.pin, portal, now),
                    RegistrationStatus::NeedsPin { .. } | RegistrationStatus::OutOfDate { .. }
                )
            })
        })
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let held = self.held.as_ref().and_then(|held| held.until);
        self.stands
            .values()
            .map(Stand::deadline)
            .chain([held])
            .flatten()
            .min()
    }

    pub(super) fn take_progress(&mut self, progress: Progress) {
        // A read that was given up may go on; until it ends it has failed.
        if matches!(self.stage, Stage::Reading { .. }) {
            self.stage = Stage::Reading {
                done: progress.done,
                of: PIECES,
            };
            self.partly = Partly {
                id: progress.id,
                holder: progress.holder,
                certificates: progress.certificates,
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
                let failed = Stage::Failed {
                    cause: error.to_string(),
                };
                if self.stage != failed {
                    let note = Note::unreadable(self, &error);
                    context.effects.push(note.at(context.now));
                    self.stage = failed;
                }
            }
        }
    }

    pub(super) fn take_memory(&mut self, memory: Memory, context: &mut Context<'_>) {
        let note = Note::recognised(self, memory.seen_before);
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
    }

    /// Takes a PIN for this card, if there is a use for it.
    pub(super) fn take_pin(&mut self, pin: Pin, context: &mut Context<'_>) -> Result<(), Refusal> {
        if self.id() != Some(&pin.typed_for().card) {
            return Err(Refusal::NoSuchCard);
        }
        if self.held.is_some() || self.stands.values().any(Stand::is_busy) {
            return Err(Refusal::PinInUse);
        }
        let even_the_last_try = pin.typed_for().even_the_last_try;
        match self.pin {
            PinStatus::Blocked => return Err(Refusal::PinBlocked),
            PinStatus::Ready {
                tries_left: Some(2..),
            } => {}
            PinStatus::Ready {
                tries_left: Some(0 | 1) | None,
            }
            | PinStatus::Unknown
            | PinStatus::OtherProgram
                if even_the_last_try => {}
            PinStatus::Ready { .. } | PinStatus::Unknown | PinStatus::OtherProgram => {
                return Err(Refusal::LastTry);
            }
        }
        for portal in context.portals {
            self.change(&portal.name, |stand| stand.with_a_pin(portal, context.now));
        }
        if !self.stands.values().any(Stand::is_due) {
            return Err(Refusal::NothingToDo);
        }
        let until = context
            .config
            .pin_keep
            .at_most()
            .map(|span| context.now.monotonic + span);
        self.held = Some(Held {
            pin: HeldPin::Unsent(pin),
            until,
        });
        context.effects.push(Note::pin_typed(self).at(context.now));
        self.advance(context);
        Ok(())
    }

    pub(super) fn asked_for(&mut self, portal: Option<&str>, context: &mut Context<'_>) {
        let Some(facts) = self.facts.clone() else {
            return;
        };
        for profile in context.portals {
            if portal.is_none_or(|name| name == profile.name) {
                self.change(&profile.name, |stand| {
                    stand.asked_for(&facts, profile, context.now)
                });
            }
        }
        self.advance(context);
    }

    pub(super) fn sign_in_ended(
        &mut self,
        portal: &str,
        result: SignInResult,
        pin: Option<HeldPin>,
        tries: Option<PinStatus>,
        context: &mut Context<'_>,
    ) {
        let Some(Stand::SigningIn { due, again }) = self.stands.get(portal).cloned() else {
            tracing::debug!(portal, "a sign-in that nobody waits for has ended");
            return;
        };
        if let Some(tries) = tries {
            self.pin = tries;
        }
        // Its time may have run out while the portal answered.
        let until = self.lent_until.take();
        let in_time = until.is_none_or(|until| until > context.now.monotonic);
        self.held = pin.filter(|_| in_time).map(|pin| Held { pin, until });
        let may_sign_again = matches!(
            self.held,
            Some(Held {
                pin: HeldPin::Accepted(_),
                ..
            })
        );
        let not_sent = matches!(result, SignInResult::Card(CardError::LastTry { .. }));
        let (stand, next) = Stand::ended(
            due,
            again,
            result,
            may_sign_again,
            context.config,
            context.now,
        );
        self.stands.insert(portal.to_owned(), stand);
        match next {
            Next::Nothing => {}
            Next::Again => self.start(portal, Due::default(), true, context),
            Next::Pin(pin) => {
                self.pin = pin;
                self.held = None;
            }
            Next::Record(status) => self.record(portal, status, context),
        }
        let note = if not_sent {
            Some(Note::pin_not_sent(self))
        } else {
            Note::after_sign_in(self, portal, context)
        };
        context
            .effects
            .extend(note.map(|note| note.at(context.now)));
        self.advance(context);
    }

    pub(super) fn tick(&mut self, context: &mut Context<'_>) {
        let now = context.now.monotonic;
        if self
            .held
            .as_ref()
            .and_then(|held| held.until)
            .is_some_and(|until| until <= now)
        {
            self.held = None;
        }
        let names: Vec<String> = self.stands.keys().cloned().collect();
        for name in names {
            let due_now = self.stands[&name]
                .deadline()
                .is_some_and(|deadline| deadline <= now);
            if !due_now {
                continue;
            }
            let mut save_again = None;
            self.change(&name, |stand| match &stand {
                Stand::Waiting { due, .. } => Stand::Due(due.clone()),
                Stand::NotSaved { status, reason, .. } => {
                    save_again = Some(status.clone());
                    Stand::NotSaved {
                        status: status.clone(),
                        reason: reason.clone(),
                        retry_at: None,
                    }
                }
                Stand::Due(_)
                | Stand::SigningIn { .. }
                | Stand::Recording { .. }
                | Stand::Rest(_) => stand,
            });
            if let Some(status) = save_again {
                self.record(&name, status, context);
            }
        }
        self.advance(context);
    }

    /// Whether a PIN is held for longer than it may be.
    #[cfg(test)]
    pub(super) fn holds_a_stale_pin(&self, now: Duration) -> bool {
        self.held
            .as_ref()
            .and_then(|held| held.until)
            .is_some_and(|until| until <= now)
    }

    /// Starts what can be started, and drops a PIN that has no more use.
    fn advance(&mut self, context: &mut Context<'_>) {
        if self.stands.values().any(Stand::is_busy) {
            return;
        }
        let next = context
            .portals
            .iter()
            .find(|portal| self.stands.get(&portal.name).is_some_and(Stand::is_due));
        if let Some(portal) = next {
            if self.held.is_some()
                && let Some(Stand::Due(due)) = self.stands.get(&portal.name).cloned()
            {
                context
                    .effects
                    .push(Note::signing_in(self, portal).at(context.now));
                self.start(&portal.name, due, false, context);
            }
        } else if context.config.pin_keep == PinKeep::SignIn {
            self.held = None;
        }
    }

    fn start(&mut self, portal: &str, due: Due, again: bool, context: &mut Context<'_>) {
        let profile = context
            .portals
            .iter()
            .find(|profile| profile.name == portal);
        let facts = self.facts.as_ref();
        let (Some(profile), Some(facts)) = (profile, facts) else {
            return;
        };
        let Some(certificate) = facts.certificate_for(profile.certificate) else {
            return;
        };
        let Some(held) = self.held.take() else {
            return;
        };
        let order = SignInOrder {
            visit: self.visit,
            reader: self.reader.clone(),
            card: facts.id.clone(),
            portal: Arc::clone(profile),
            certificate: certificate.clone(),
            pin: held.pin,
        };
        self.lent_until = held.until;
        let due = match self.stands.get(portal) {
            Some(Stand::SigningIn { due, .. }) => due.clone(),
            _ => due,
        };
        self.stands
            .insert(portal.to_owned(), Stand::SigningIn { due, again });
        context.effects.push(Effect::SignIn(Box::new(order)));
    }

    fn change(&mut self, portal: &str, act: impl FnOnce(Stand) -> Stand) {
        if let Some(stand) = self.stands.remove(portal) {
            self.stands.insert(portal.to_owned(), act(stand));
        }
    }
}
