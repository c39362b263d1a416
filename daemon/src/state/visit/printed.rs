//! Printed Information, which a card shows to whoever gives its PIN.

use cac_common::certificate::Slot;
use cac_common::interface::{self, Refusal};
use cac_common::pin::Pin;
use cac_common::snapshot::PinStatus;

use super::signing::until;
use super::{Aside, CardVisit, Proved};
use crate::card::consistency;
use crate::card::error::CardError;
use crate::card::facts::{CardFacts, Edge};
use crate::card::logged_in::Target;
use crate::card::printed::Printed;
use crate::event::{Answer, Effect, HeldPin, PrintedOrder, RequestId};
use crate::judgement;
use crate::registration::pin_after;
use crate::state::Context;
use crate::state::notes::Note;

impl CardVisit {
    /// Has the card asked; `None` where the answer comes later.
    pub(in crate::state) fn read_printed(
        &mut self,
        request: RequestId,
        pin: Pin,
        context: &mut Context<'_>,
    ) -> Option<Result<Answer, Refusal>> {
        if let Err(refusal) = self.may_take(&pin) {
            return Some(Err(refusal));
        }
        let Some(facts) = &self.facts else {
            return Some(Err(Refusal::NotRead));
        };
        if facts.is_contactless {
            return Some(Err(Refusal::NoContact));
        }
        let Some(target) = target(facts) else {
            return Some(Ok(Answer::Printed(None)));
        };
        self.aside = Some(Aside {
            uid: pin.typed_for().uid,
            until: until(context),
        });
        let order = PrintedOrder {
            visit: self.visit,
            reader: self.reader.clone(),
            request,
            target,
            pin: HeldPin::Unsent(pin),
        };
        let note = Note::pin_typed_for_printed(self);
        context.effects.push(note.at(context.now));
        context.effects.push(Effect::ReadPrinted(Box::new(order)));
        None
    }

    /// The card has answered.
    pub(in crate::state) fn printed_read(
        &mut self,
        result: Result<Option<Vec<u8>>, Option<CardError>>,
        tries: Option<PinStatus>,
        context: &mut Context<'_>,
    ) -> Result<Answer, Refusal> {
        let typed_by = self.aside.take().map(|aside| aside.uid);
        if let Some(tries) = tries {
            self.pin = tries;
        }
        let answer = match result {
            Ok(object) => {
                self.proved = typed_by.map(|uid| Proved {
                    uid,
                    by_login: false,
                });
                let facts = self.facts.as_deref();
                let printed = object.map(|object| Box::new(told(&object, facts)));
                Ok(Answer::Printed(printed))
            }
            Err(None) => Err(Refusal::PinForgotten),
            Err(Some(error)) => {
                if let Some(pin) = pin_after(&error) {
                    self.pin = pin;
                }
                let note = Note::card_said(self, &error);
                context.effects.push(note.at(context.now));
                Err(refusal(&error))
            }
        };
        self.advance(context);
        answer
    }
}

/// By any certificate that PIV has; a card without one shows nothing by which
/// it is known again.
pub(super) fn target(facts: &CardFacts) -> Option<Target> {
    let certificate = facts.certificates.iter().find(|certificate| {
        let slot = certificate.summary.slot;
        !matches!(slot, Slot::Retired(_) | Slot::Applet(_))
    })?;
    (facts.edge == Edge::Piv).then(|| Target::of(facts, certificate))
}

fn told(content: &[u8], facts: Option<&CardFacts>) -> interface::Printed {
    let printed = Printed::parse(content);
    let mut findings = printed.findings.clone();
    if let Some(facts) = facts {
        findings.extend(consistency::of_printed(&facts.chuid, &printed));
        findings.extend(judgement::of_printed(facts, content));
    }
    interface::Printed {
        name: printed.name,
        affiliation: printed.affiliation,
        expires: printed.expires.map(|day| day.to_string()),
        serial: printed.serial,
        issuer: printed.issuer,
        organisation: printed.organisation,
        findings,
    }
}

pub(in crate::state) fn refusal(error: &CardError) -> Refusal {
    match *error {
        CardError::WrongPin { tries_left } => Refusal::WrongPin { tries_left },
        CardError::PinBlocked => Refusal::PinBlocked,
        CardError::LastTry { .. } => Refusal::LastTry,
        CardError::OtherCard => Refusal::NoSuchCard,
        CardError::NoLockedMemory => Refusal::NoLockedMemory,
        CardError::Transport(_)
        | CardError::Refused { .. }
        | CardError::Endless { .. }
        | CardError::Malformed { .. }
        | CardError::Nameless { .. }
        | CardError::NotPiv
        | CardError::StillLoggedIn => Refusal::CardFailed {
            cause: error.to_string(),
        },
    }
}
