//! A PIN that is changed: asked for, and told of, whether the card is still
//! there or not.

use cac_common::interface::Refusal;
use cac_common::pin::{NewPin, Pin};
use cac_common::snapshot::{PinStatus, Visit};

use super::State;
use super::notes::Note;
use super::visit::refusal;
use crate::card::change::Change;
use crate::card::error::CardError;
use crate::event::{Answer, Effect, Now, PinChangeEvent, RequestId};

impl State {
    pub(super) fn pin_change(&mut self, event: PinChangeEvent, now: Now) -> Vec<Effect> {
        match event {
            PinChangeEvent::Asked { request, pin, new } => self.change_pin(request, pin, new, now),
            PinChangeEvent::Ended {
                visit,
                request,
                result,
                tries,
            } => self.pin_changed(request, visit, &result, tries, now),
        }
    }

    fn change_pin(&mut self, request: RequestId, pin: Pin, new: NewPin, now: Now) -> Vec<Effect> {
        let visit = pin.typed_for().visit;
        let mut begun = Err(Refusal::NoSuchCard);
        let mut effects = self.in_visit(visit, now, |card, context| {
            begun = card.change_pin(request, pin, new, context);
        });
        effects.extend(begun.err().map(|refusal| Effect::Answer {
            request,
            answer: Err(refusal),
        }));
        effects
    }

    /// Told and written down also where the card was taken out meanwhile: which
    /// PIN it has goes with it.
    fn pin_changed(
        &mut self,
        request: RequestId,
        visit: Visit,
        result: &Result<Change, Option<CardError>>,
        tries: Option<PinStatus>,
        now: Now,
    ) -> Vec<Effect> {
        let mut is_there = false;
        let mut effects = self.in_visit(visit, now, |card, context| {
            is_there = true;
            card.pin_changed(result, tries, context);
        });
        let answer = told(result);
        effects.insert(0, Effect::Answer { request, answer });
        if let (false, Ok(change)) = (is_there, result) {
            effects.push(Note::pin_change(None, change, None).at(now));
        }
        effects
    }
}

fn told(result: &Result<Change, Option<CardError>>) -> Result<Answer, Refusal> {
    match result {
        Ok(Change::Made) => Ok(Answer::Done),
        Ok(Change::NotMade(error)) => Err(Refusal::PinNotChanged {
            cause: error.to_string(),
        }),
        Ok(Change::Unknown(error)) => Err(Refusal::PinChangeUnknown {
            cause: error.to_string(),
        }),
        Err(None) => Err(Refusal::PinForgotten),
        Err(Some(error)) => Err(refusal(error)),
    }
}
