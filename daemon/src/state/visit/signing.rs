//! The PIN of a visit, and the sign-ins it is used for.

use std::sync::Arc;
use std::time::Duration;

use cac_common::config::PinKeep;
use cac_common::interface::Refusal;
use cac_common::pin::{Pin, PinFor};
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::PinStatus;

use super::{Afterwards, AtWork, CardVisit, Held, Proved};
use crate::event::{Effect, HeldPin, Proof, SignInOrder, SignInResult};
use crate::registration::{Next, SignInEnd, Stand};
use crate::state::Context;
use crate::state::notes::Note;

/// Until when a PIN that is typed now may be held.
pub(super) fn until(context: &Context<'_>) -> Option<Duration> {
    let span = context.config.pin_keep.at_most()?;
    Some(context.now.monotonic + span)
}

impl CardVisit {
    /// Takes a PIN for this card, if there is a use for it.
    pub(in crate::state) fn take_pin(
        &mut self,
        pin: Pin,
        context: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        self.may_take(&pin)?;
        if self.held.is_some() {
            return Err(Refusal::PinInUse);
        }
        for portal in context.portals {
            self.change(&portal.name, |stand| stand.with_a_pin(portal, context.now));
        }
        let mut due = self.stands.iter().filter(|(_, stand)| stand.is_due());
        // What is registered by hand meanwhile waits for that.
        if due.clone().next().is_none() {
            return Err(Refusal::NothingToDo);
        }
        if due.all(|(portal, _)| self.by_hand.is_at(portal)) {
            return Err(Refusal::WizardRuns);
        }
        let until = until(context);
        self.held = Some(Held {
            pin: HeldPin::Unsent(pin),
            until,
            met_notice: false,
        });
        context.effects.push(Note::pin_typed(self).at(context.now));
        self.advance(context);
        Ok(())
    }

    /// A PIN serves the one who typed it.
    pub(super) fn drop_pin_of_others(&mut self, uid: u32) {
        self.held = self
            .held
            .take()
            .filter(|held| held.pin.typed_for().uid == uid);
        if let Some(at_work) = &mut self.at_work
            && at_work.uid != uid
            && at_work.afterwards == Afterwards::Held
        {
            at_work.afterwards = Afterwards::Dropped;
        }
    }

    /// What is due is signed in to without a person.
    pub(in crate::state) fn keeps_pin(&self) -> bool {
        self.pin_is_of().is_some()
    }

    /// Whether a PIN is for this card, and may be sent to it.
    pub(super) fn may_take(&self, pin: &Pin) -> Result<(), Refusal> {
        let PinFor {
            card,
            even_the_last_try,
            by_login,
            ..
        } = pin.typed_for();
        if self.id() != Some(card) {
            return Err(Refusal::NoSuchCard);
        }
        if self.is_at_work() {
            return Err(Refusal::PinInUse);
        }
        match self.pin {
            PinStatus::Blocked => Err(Refusal::PinBlocked),
            PinStatus::Ready {
                tries_left: Some(2..),
            } => Ok(()),
            PinStatus::Ready {
                tries_left: Some(0 | 1) | None,
            }
            | PinStatus::Unknown
            | PinStatus::OtherProgram
                // What was read before that login says nothing; the card is asked anew.
                if *even_the_last_try || *by_login =>
            {
                Ok(())
            }
            PinStatus::Ready { .. } | PinStatus::Unknown | PinStatus::OtherProgram => {
                Err(Refusal::LastTry)
            }
        }
    }

    /// A person wants another try.
    pub(in crate::state) fn asked_for(
        &mut self,
        portal: Option<&str>,
        uid: u32,
        context: &mut Context<'_>,
    ) {
        let Some(facts) = self.facts.clone() else {
            return;
        };
        self.drop_pin_of_others(uid);
        for profile in context.portals {
            if portal.is_none_or(|name| name == profile.name) {
                self.change(&profile.name, |stand| {
                    stand.asked_for(&facts, profile, context.now)
                });
            }
        }
        self.advance(context);
    }

    pub(in crate::state) fn sign_in_ended(
        &mut self,
        number: u32,
        result: SignInResult,
        pin: Option<HeldPin>,
        tries: Option<PinStatus>,
        context: &mut Context<'_>,
    ) {
        let Some(AtWork {
            profile,
            proof,
            until,
            afterwards,
            ..
        }) = self.at_work.take_if(|at_work| at_work.number == number)
        else {
            tracing::debug!(number, "a sign-in that nobody waits for has ended");
            return;
        };
        if let Some(tries) = tries {
            self.pin = tries;
        }
        // Its time may have run out while the portal answered.
        let may_be_held = afterwards == Afterwards::Held
            && until.is_none_or(|until| until > context.now.monotonic);
        if let Some(HeldPin::Accepted(pin)) = &pin {
            let PinFor { uid, by_login, .. } = *pin.typed_for();
            self.proved = Some(Proved { uid, by_login });
        }
        let met_notice = matches!(result, SignInResult::Portal(Outcome::NeedsConsent { .. }));
        self.held = pin.filter(|_| may_be_held).map(|pin| Held {
            pin,
            until,
            met_notice,
        });
        let may_sign_again = matches!(
            self.held,
            Some(Held {
                pin: HeldPin::Accepted(_),
                ..
            })
        );
        let same_profile = context.portals.contains(&profile);
        let stand = self.stands.get(&profile.name).cloned();
        if let Some(Stand::SigningIn { due, again }) = stand {
            let note = Note::sign_in_ended(self, &profile, &due, &result);
            // What a portal says under another profile says nothing under this one.
            let counts = same_profile || !matches!(result, SignInResult::Portal(_));
            if counts {
                let end = SignInEnd {
                    due,
                    again,
                    result,
                    may_sign_again,
                    locks_for: profile.lockout.and_then(|lockout| lockout.wait),
                    proof: proof.clone(),
                };
                let (stand, next) = Stand::ended(end, context.config, context.now);
                self.stands.insert(profile.name.clone(), stand);
                context
                    .effects
                    .extend(note.map(|note| note.at(context.now)));
                self.go_on(&profile.name, next, proof, context);
            } else {
                self.stands.remove(&profile.name);
                let now_in_force = context
                    .portals
                    .iter()
                    .find(|portal| portal.name == profile.name);
                if let Some(portal) = now_in_force {
                    self.stand_at(portal, context.now);
                }
            }
        }
        self.advance(context);
    }

    pub(in crate::state) fn tick(&mut self, context: &mut Context<'_>) {
        let now = context.now.monotonic;
        if self
            .held
            .as_ref()
            .and_then(|held| held.until)
            .is_some_and(|until| until <= now)
        {
            self.held = None;
        }
        if let Some(at_work) = &mut self.at_work
            && at_work.deadline().is_some_and(|until| until <= now)
        {
            at_work.afterwards = Afterwards::Forgotten;
            context.effects.push(Effect::ForgetPin(self.visit));
        }
        if let Some(aside) = &mut self.aside
            && aside.until.is_some_and(|until| until <= now)
        {
            aside.until = None;
            context.effects.push(Effect::ForgetPin(self.visit));
        }
        self.wizard_tick(context);
        let names: Vec<String> = self.stands.keys().cloned().collect();
        for name in names {
            let due_now = self.stands[&name]
                .deadline()
                .is_some_and(|deadline| deadline <= now);
            if due_now {
                self.deadline_passed(&name, context);
            }
        }
        if self.recheck.due.take_if(|due| *due <= now).is_some() {
            self.judge(context);
        }
        self.advance(context);
    }

    /// A configuration that holds PINs for a shorter time counts at once.
    pub(super) fn shorten_pin(&mut self, context: &Context<'_>) {
        let Some(span) = context.config.pin_keep.at_most() else {
            return;
        };
        let latest = context.now.monotonic + span;
        let untils = [
            self.held.as_mut().map(|held| &mut held.until),
            self.at_work.as_mut().map(|at_work| &mut at_work.until),
            self.aside.as_mut().map(|aside| &mut aside.until),
        ];
        self.by_hand.wipe_by(latest);
        for until in untils.into_iter().flatten() {
            *until = Some(until.map_or(latest, |until| until.min(latest)));
        }
    }

    /// A PIN is being used, or what it has led to is being written down.
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.is_some() || self.aside.is_some() || self.stands.values().any(Stand::is_busy)
    }

    /// Starts what can be started, and drops a PIN that has no more use.
    pub(super) fn advance(&mut self, context: &mut Context<'_>) {
        if self.is_at_work() {
            return;
        }
        self.sign_in_where_due(context);
        if !self.is_at_work() {
            self.ask_if_wanted(context);
            self.read_rest(context);
        }
    }

    fn sign_in_where_due(&mut self, context: &mut Context<'_>) {
        loop {
            let next = context
                .portals
                .iter()
                // Where somebody registers by hand, that goes first.
                .filter(|portal| !self.by_hand.is_at(&portal.name))
                .find(|portal| self.stands.get(&portal.name).is_some_and(Stand::is_due));
            let Some(portal) = next else {
                // One that met a notice goes on once a person has accepted it.
                let is_over = !self.held.as_ref().is_some_and(|held| held.met_notice)
                    || !self.stands.values().any(Stand::waits_for_consent);
                if context.config.pin_keep == PinKeep::SignIn && is_over {
                    self.held = None;
                }
                return;
            };
            if self.held.is_none() {
                return;
            }
            let note = Note::signing_in(self, portal);
            if self.start(&portal.name, false, context) {
                context.effects.push(note.at(context.now));
                return;
            }
            // The card has not what this profile asks for; the next may be luckier.
        }
    }

    pub(super) fn go_on(
        &mut self,
        portal: &str,
        next: Next,
        proof: Proof,
        context: &mut Context<'_>,
    ) {
        match next {
            Next::Nothing => {}
            Next::Again => {
                self.start(portal, true, context);
            }
            Next::Pin(pin) => {
                self.pin = pin;
                self.held = None;
            }
            Next::Record(status) => {
                if !matches!(status, RegistrationStatus::Registered { .. }) {
                    self.remember(portal, &status, proof.clone(), context.now);
                }
                self.record(portal, status, proof, context);
            }
        }
    }

    fn deadline_passed(&mut self, portal: &str, context: &mut Context<'_>) {
        let mut save_again = None;
        self.change(portal, |stand| match &stand {
            Stand::Waiting { due, .. } => Stand::Due(due.clone()),
            Stand::NotSaved {
                status,
                proof,
                reason,
                ..
            } => {
                save_again = Some((status.clone(), proof.clone()));
                Stand::NotSaved {
                    status: status.clone(),
                    proof: proof.clone(),
                    reason: reason.clone(),
                    retry_at: None,
                }
            }
            Stand::Due(_) | Stand::SigningIn { .. } | Stand::Recording { .. } | Stand::Rest(_) => {
                stand
            }
        });
        if let Some((status, proof)) = save_again {
            self.record(portal, status, proof, context);
        }
    }

    /// Starts a sign-in with the PIN that is held. False if the card has no
    /// certificate for it, which is then said.
    fn start(&mut self, portal: &str, again: bool, context: &mut Context<'_>) -> bool {
        let profile = context
            .portals
            .iter()
            .find(|profile| profile.name == portal);
        let (Some(profile), Some(facts)) = (profile, self.facts.clone()) else {
            return false;
        };
        let due = match self.stands.get(portal) {
            Some(Stand::SigningIn { due, .. } | Stand::Due(due)) => due.clone(),
            _ => return false,
        };
        let Some(certificate) = facts.certificate_for(profile.certificate) else {
            self.stand_at(profile, context.now);
            return false;
        };
        let Some(held) = self.held.take() else {
            return false;
        };
        self.sign_ins += 1;
        self.at_work = Some(AtWork {
            number: self.sign_ins,
            profile: Arc::clone(profile),
            proof: Proof {
                certificate_sha256: certificate.summary.sha256.clone(),
                profile: profile.fingerprint.clone(),
            },
            until: held.until,
            afterwards: Afterwards::Held,
            uid: held.pin.typed_for().uid,
        });
        self.stands
            .insert(portal.to_owned(), Stand::SigningIn { due, again });
        context.effects.push(Effect::SignIn(Box::new(SignInOrder {
            visit: self.visit,
            number: self.sign_ins,
            reader: self.reader.clone(),
            card: facts.id.clone(),
            portal: Arc::clone(profile),
            certificate: certificate.clone(),
            edge: facts.edge,
            ways: facts.ways,
            accepted: self.accepted_at(&profile.name),
            pin: held.pin,
        })));
        true
    }

    /// Whether a PIN is held for longer than it may be.
    #[cfg(test)]
    pub(in crate::state) fn holds_a_stale_pin(&self, now: Duration) -> bool {
        let lent = self.at_work.as_ref().and_then(AtWork::deadline);
        self.held
            .as_ref()
            .and_then(|held| held.until)
            .into_iter()
            .chain(lent)
            .chain(self.aside.as_ref().and_then(|aside| aside.until))
            .any(|until| until <= now)
    }
}
