//! What registering by hand comes to, and what is written down of it.

use std::sync::Arc;

use cac_common::cause::{Cause, Kind};
use cac_common::registration::{Notice, Outcome, RegistrationStatus};
use cac_common::wizard::Confirmation;

use super::run::Phase;
use crate::event::Effect;
use crate::portal::wizard::{Account, Shown};
use crate::registration::{Next, Stand, status_of};
use crate::state::Context;
use crate::state::notes::Note;
use crate::state::visit::CardVisit;

impl CardVisit {
    pub(super) fn locked_out(&mut self, at: usize, context: &mut Context<'_>) {
        let Some(run) = &mut self.by_hand.run else {
            return;
        };
        let wait = run.profile.lockout.and_then(|lockout| lockout.wait);
        let cause = Cause::new(Kind::SaidByPortal, "the portal has locked the account");
        self.stop_at(at, cause, false, context);
        self.settle(status_of(Outcome::LockedOut, wait, context.now), context);
    }

    /// It is read and accepted as one that a sign-in has met.
    pub(super) fn notice(&mut self, at: usize, notice: Notice, context: &mut Context<'_>) {
        let why = "the portal shows a notice that nobody has accepted yet";
        self.stop_at(at, Cause::new(Kind::NoticeFirst, why), false, context);
        self.settle(RegistrationStatus::NeedsConsent { notice }, context);
    }

    /// Writes down what the portal says of somebody who is not registered.
    fn settle(&mut self, status: RegistrationStatus, context: &mut Context<'_>) {
        let Some(run) = &self.by_hand.run else {
            return;
        };
        let (portal, proof) = (run.profile.name.clone(), run.proof.clone());
        let stays = |stand: &Stand| stand.is_busy() || stand.is_registered();
        if self.stands.get(&portal).is_some_and(stays) {
            return;
        }
        self.stands
            .insert(portal.clone(), Stand::Rest(status.clone()));
        self.go_on(&portal, Next::Record(status), proof, context);
    }

    pub(super) fn done(
        &mut self,
        registered: Option<Account>,
        shown: Option<Shown>,
        context: &mut Context<'_>,
    ) {
        let Some(run) = &mut self.by_hand.run else {
            return;
        };
        run.at = run.profile.wizard.len();
        let phase = Phase::Done {
            is_registered: registered.is_some(),
            has_confirmation: shown.is_some(),
        };
        run.turn_to(phase, context.now);
        let (profile, proof) = (Arc::clone(&run.profile), run.proof.clone());
        let note = Note::by_hand(self, &profile, "is done");
        context.effects.push(note.at(context.now));
        context.effects.push(Effect::EndWizard(self.visit));
        if let (Some(shown), Some(card)) = (shown, self.to_remember(context)) {
            context.effects.push(Effect::KeepConfirmation {
                card: Box::new(card),
                confirmation: Confirmation {
                    portal: profile.name.clone(),
                    at: context.now.utc,
                    text: shown.text,
                    html: shown.html,
                },
            });
        }
        if self.stands.get(&profile.name).is_some_and(Stand::is_busy) {
            return;
        }
        if let Some(account) = registered {
            let status = status_of(Outcome::Registered { account }, None, context.now);
            let stand = Stand::Recording {
                status: status.clone(),
                proof: proof.clone(),
            };
            self.stands.insert(profile.name.clone(), stand);
            self.go_on(&profile.name, Next::Record(status), proof, context);
        } else if let Some(facts) = self.facts.clone() {
            // Only the portal can tell now: with the next PIN.
            self.change(&profile.name, |stand| {
                stand.asked_for(&facts, &profile, context.now)
            });
        }
    }
}
