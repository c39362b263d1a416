//! Notices of portals, and what people have accepted.

use cac_common::interface::{AcceptNotice, Refusal};

use super::CardVisit;
use crate::event::Effect;
use crate::state::Context;
use crate::state::notes::Note;
use crate::store::Consent;

impl CardVisit {
    /// A person accepts a notice: the sign-in that met it is due again.
    pub(in crate::state) fn accept(
        &mut self,
        uid: u32,
        what: &AcceptNotice,
        context: &mut Context<'_>,
    ) -> Result<(), Refusal> {
        if self.id() != Some(&what.card) {
            return Err(Refusal::NoSuchCard);
        }
        let mut portals = context.portals.iter();
        let profile = portals
            .find(|profile| profile.name == what.portal)
            .ok_or(Refusal::NoSuchPortal)?;
        let stand = self.stands.get(&what.portal).cloned();
        let due = stand
            .and_then(|stand| stand.accepted(&what.sha256))
            .ok_or(Refusal::NothingToDo)?;
        self.drop_pin_of_others(uid);
        let consent = Consent {
            portal: what.portal.clone(),
            sha256: what.sha256.clone(),
        };
        self.stands.insert(what.portal.clone(), due);
        self.memory.consents.push(consent.clone());
        context
            .effects
            .push(Note::accepted(self, profile, uid).at(context.now));
        if let Some(card) = self.to_remember(context) {
            context.effects.push(Effect::KeepConsent {
                card: Box::new(card),
                consent,
            });
        }
        self.advance(context);
        Ok(())
    }

    /// The notices of a portal that need not be shown again.
    pub(super) fn accepted_at(&self, portal: &str) -> Vec<String> {
        let consents = self.memory.consents.iter();
        consents
            .filter(|consent| consent.portal == portal)
            .map(|consent| consent.sha256.clone())
            .collect()
    }
}
