//! Signing in by hand, to see how it goes: nothing is kept of it but its trace.

use std::sync::Arc;

use cac_common::cause::{Cause, Kind};
use cac_common::interface::{Refusal, TestReply};
use cac_common::pin::Pin;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::PinStatus;
use cac_common::trace::Trace;

use super::printed::refusal;
use super::signing::until;
use super::{Aside, CardVisit};
use crate::event::{Answer, Effect, HeldPin, RequestId, SignInOrder, SignInResult};
use crate::registration::{pin_after, status_of};
use crate::state::Context;
use crate::state::notes::Note;

impl CardVisit {
    pub(in crate::state) fn test_portal(
        &mut self,
        (request, with_page): (RequestId, bool),
        portal: &str,
        pin: Pin,
        context: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        self.may_take(&pin)?;
        let facts = self.facts.as_deref().ok_or(Refusal::NotRead)?;
        let profile = (context.portals.iter())
            .find(|profile| profile.name == portal)
            .ok_or(Refusal::NoSuchPortal)?;
        let certificate = facts
            .certificate_for(profile.certificate)
            .ok_or(Refusal::NoLogin)?;
        let uid = pin.typed_for().uid;
        let order = SignInOrder {
            visit: self.visit,
            number: 0,
            reader: self.reader.clone(),
            card: facts.id.clone(),
            portal: Arc::clone(profile),
            certificate: certificate.clone(),
            edge: facts.edge,
            ways: facts.ways,
            accepted: self.accepted_at(&profile.name),
            pin: HeldPin::Unsent(pin),
        };
        let note = Note::testing(self, profile);
        self.aside = Some(Aside {
            uid,
            until: until(context),
        });
        context.effects.push(note.at(context.now));
        context.effects.push(Effect::TestPortal {
            request,
            order: Box::new(order),
            with_page,
        });
        Ok(())
    }

    pub(in crate::state) fn portal_tested(
        &mut self,
        result: SignInResult,
        tries: Option<PinStatus>,
        (trace, page): (Trace, Option<String>),
        context: &mut Context<'_>,
    ) -> Result<Answer, Refusal> {
        self.aside = None;
        if let Some(tries) = tries {
            self.pin = tries;
        }
        let outcome = match result {
            SignInResult::Portal(outcome) => Ok(status_of(outcome, None, context.now)),
            SignInResult::Failed { cause } => Ok(RegistrationStatus::CardFailed {
                cause: Cause::new(Kind::FailedHere, cause),
            }),
            SignInResult::PinGone => Err(Refusal::PinForgotten),
            SignInResult::Card(error) => {
                if let Some(pin) = pin_after(&error) {
                    self.pin = pin;
                }
                let note = Note::card_said(self, &error);
                context.effects.push(note.at(context.now));
                Err(refusal(&error))
            }
        };
        self.advance(context);
        outcome.map(|outcome| {
            Answer::Tested(Box::new(TestReply {
                outcome,
                trace,
                page,
            }))
        })
    }
}
