//! What happens while somebody registers by hand, brought to its card.

use cac_common::interface::Refusal;

use super::State;
use crate::event::{Answer, Effect, Now, WizardEvent};

impl State {
    pub(super) fn wizard(&mut self, event: WizardEvent, now: Now) -> Vec<Effect> {
        match event {
            WizardEvent::Started { request, uid, what } => {
                self.answered(request, what.visit, now, |card, context| {
                    card.start_wizard(uid, &what, context)
                })
            }
            WizardEvent::Answered {
                request,
                uid,
                what,
                secret,
            } => self.answered(request, what.visit, now, |card, context| {
                card.answer_wizard(uid, what, secret, context)
            }),
            WizardEvent::Moved { request, uid, what } => {
                self.answered(request, what.visit, now, |card, context| {
                    card.move_wizard(uid, &what, context)
                })
            }
            WizardEvent::ConfirmationAsked { request, what } => {
                vec![Effect::ReadConfirmation { request, what }]
            }
            WizardEvent::ConfirmationRead { request, result } => vec![Effect::Answer {
                request,
                answer: result
                    .map(|found| Answer::Confirmation(found.map(Box::new)))
                    .map_err(|reason| Refusal::StoreFailed { reason }),
            }],
            WizardEvent::At { visit, number, at } => self.in_visit(visit, now, |card, context| {
                card.wizard_at(number, at, context);
            }),
            WizardEvent::Turned {
                visit,
                number,
                result,
                tries,
            } => self.in_visit(visit, now, |card, context| {
                card.wizard_turned(number, result, tries, context);
            }),
        }
    }
}
