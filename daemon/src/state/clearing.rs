//! What is cleared, and copied.

use cac_common::interface::{Clear, ClearScope, Lost, Refusal};

use super::State;
use super::notes::Note;
use crate::event::{Answer, Effect, Now, RequestId, touches};

impl State {
    pub(super) fn cleared(
        &mut self,
        request: RequestId,
        uid: u32,
        what: &Clear,
        result: Result<Lost, String>,
        now: Now,
    ) -> Vec<Effect> {
        let sessions = self.sessions(&what.scope);
        let answer = result
            .map(|lost| Answer::Cleared(Lost { sessions, ..lost }))
            .map_err(|reason| Refusal::StoreFailed { reason });
        let done = answer.is_ok() && !what.dry_run;
        let mut effects = vec![Effect::Answer { request, answer }];
        if !done {
            return effects;
        }
        match &what.scope {
            ClearScope::Sessions {} | ClearScope::Copies {} => {}
            ClearScope::All {} => {
                self.happened.clear();
                self.known.clear();
            }
            ClearScope::History { before } => {
                self.happened
                    .retain(|entry| before.is_some_and(|before| entry.at >= before));
            }
            ClearScope::Card { card } => {
                self.happened
                    .retain(|entry| entry.card.as_ref() != Some(card));
                self.known.retain(|known| known.card != *card);
            }
            ClearScope::Portal { portal } => {
                self.happened
                    .retain(|entry| entry.portal.as_ref() != Some(portal));
                for known in &mut self.known {
                    known.registrations.retain(|one| one.portal != *portal);
                }
            }
        }
        effects.extend(self.each_visit(now, |card, context| {
            if card.id().is_some_and(|id| touches(&what.scope, id)) {
                card.forget(&what.scope, context);
            }
        }));
        effects.push(Effect::LoadKnown);
        effects.push(Note::cleared(&what.scope, uid).at(now));
        effects
    }

    pub(super) fn backed_up(request: RequestId, uid: u32, now: Now) -> Vec<Effect> {
        let answer = Ok(Answer::Done);
        let answered = Effect::Answer { request, answer };
        vec![answered, Note::backed_up(uid).at(now)]
    }

    /// How many sessions with portals are in memory, of those that a clear ends.
    pub(super) fn sessions(&self, scope: &ClearScope) -> u64 {
        let meant = self.visits().filter(|card| {
            let is_meant = card.id().is_some_and(|id| touches(scope, id));
            is_meant && card.has_session(scope)
        });
        meant.count() as u64
    }
}
