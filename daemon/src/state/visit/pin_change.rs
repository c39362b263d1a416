//! A PIN that is changed by whoever knows it.

use cac_common::interface::Refusal;
use cac_common::pin::{NewPin, Pin};
use cac_common::snapshot::PinStatus;

use super::printed::target;
use super::signing::until;
use super::{Aside, CardVisit, Proved};
use crate::card::change::Change;
use crate::card::error::CardError;
use crate::event::{Effect, HeldPin, PinChangeOrder, RequestId};
use crate::registration::pin_after;
use crate::state::Context;
use crate::state::notes::Note;

impl CardVisit {
    /// Has the card asked; the answer comes later.
    pub(in crate::state) fn change_pin(
        &mut self,
        request: RequestId,
        pin: Pin,
        new: NewPin,
        context: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        if pin.is_same(&new) {
            return Err(Refusal::SamePin);
        }
        self.may_take(&pin)?;
        let facts = self.facts.as_ref().ok_or(Refusal::NotRead)?;
        if facts.is_contactless {
            return Err(Refusal::NoContact);
        }
        // A PIN that was typed for a step there would be wrong afterwards.
        if self.by_hand.is_under_way() {
            return Err(Refusal::WizardRuns);
        }
        let target = target(facts).ok_or(Refusal::NoPinChange)?;
        self.aside = Some(Aside {
            uid: pin.typed_for().uid,
            until: until(context),
        });
        let order = PinChangeOrder {
            visit: self.visit,
            reader: self.reader.clone(),
            request,
            target,
            pin: HeldPin::Unsent(pin),
            new,
        };
        let note = Note::pin_typed_for_a_change(self);
        context.effects.push(note.at(context.now));
        context.effects.push(Effect::ChangePin(Box::new(order)));
        Ok(())
    }

    /// The card has answered, or nothing is heard of it any more.
    pub(in crate::state) fn pin_changed(
        &mut self,
        result: &Result<Change, Option<CardError>>,
        tries: Option<PinStatus>,
        context: &mut Context<'_>,
    ) {
        let typed_by = self.aside.take().map(|aside| aside.uid);
        if let Some(tries) = tries {
            self.pin = tries;
        }
        match result {
            Ok(Change::Made) => {
                self.proved = typed_by.map(|uid| Proved {
                    uid,
                    by_login: false,
                });
                // What is held is the old one.
                self.held = None;
            }
            Ok(Change::Unknown(_)) => self.held = None,
            Ok(Change::NotMade(_)) | Err(None) => {}
            Err(Some(error)) => {
                if let Some(pin) = pin_after(error) {
                    self.pin = pin;
                }
            }
        }
        let note = match result {
            Ok(change) => Some(Note::pin_change(Some(self), change, typed_by)),
            Err(Some(error)) => Some(Note::card_said(self, error)),
            Err(None) => None,
        };
        context
            .effects
            .extend(note.map(|note| note.at(context.now)));
        self.advance(context);
    }
}
