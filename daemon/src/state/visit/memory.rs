//! What a visit has from the database, and gives to it.

use std::sync::Arc;

use cac_common::eligibility::{self, Route};
use cac_common::interface::ClearScope;
use cac_common::profile::Profile;
use cac_common::registration::RegistrationStatus;

use super::CardVisit;
use crate::event::{CardToRemember, Effect, Now, Proof, Remembered};
use crate::registration::Stand;
use crate::state::Context;
use crate::state::notes::Note;
use crate::store::Acquaintance;

impl CardVisit {
    pub(in crate::state) fn recorded(
        &mut self,
        portal: &str,
        status: &RegistrationStatus,
        result: Result<(), String>,
        context: &mut Context<'_>,
    ) {
        let waited = self.stands.get(portal).is_some_and(Stand::is_busy);
        let proof = self.stands.get(portal).and_then(Stand::being_written);
        if let (Ok(()), Some(proof)) = (&result, proof.cloned()) {
            self.remember(portal, status, proof, context.now);
        }
        self.change(portal, |stand| stand.recorded(status, result, context.now));
        if waited {
            let note = Note::recorded(self, portal, context);
            context
                .effects
                .extend(note.map(|note| note.at(context.now)));
        }
        self.advance(context);
    }

    pub(in crate::state) fn portals_changed(
        &mut self,
        before: &[Arc<Profile>],
        context: &mut Context<'_>,
    ) {
        self.shorten_pin(context);
        self.wizard_portals_changed(context);
        self.stands.retain(|name, _| {
            context
                .portals
                .iter()
                .any(|portal| portal.enabled && portal.name == *name)
        });
        for portal in context.portals {
            let changed = !before.contains(portal);
            let stand = self.stands.get(&portal.name);
            // What was refused under another profile says nothing about this one.
            if changed && stand.is_some_and(Stand::is_refused) {
                self.memory
                    .registrations
                    .retain(|remembered| remembered.portal != portal.name);
            }
            let under_way = stand.is_some_and(|stand| {
                stand.being_written().is_some() || matches!(stand, Stand::SigningIn { .. })
            });
            if self.remembered && (stand.is_none() || changed && !under_way) {
                self.stand_at(portal, context.now);
                self.take_up(portal);
            }
        }
        self.advance(context);
    }

    /// A portal that was taken away and came back the same still signs in.
    fn take_up(&mut self, portal: &Arc<Profile>) {
        let at_work = self
            .at_work
            .as_ref()
            .is_some_and(|at_work| at_work.profile == *portal);
        if at_work {
            self.change(&portal.name, |stand| match stand {
                Stand::Due(due) => Stand::SigningIn { due, again: false },
                Stand::SigningIn { .. }
                | Stand::Recording { .. }
                | Stand::NotSaved { .. }
                | Stand::Waiting { .. }
                | Stand::Rest(_) => stand,
            });
        }
    }

    /// Forgets what the database has forgotten.
    pub(in crate::state) fn forget(&mut self, scope: &ClearScope, context: &mut Context<'_>) {
        if self.by_hand.portal().is_some_and(|name| ends(scope, name)) {
            self.end_wizard(context);
        }
        if *scope == (ClearScope::Sessions {}) {
            return self.advance(context);
        }
        let forgotten = |name: &str| ends(scope, name);
        self.memory
            .registrations
            .retain(|remembered| !forgotten(&remembered.portal));
        self.memory
            .consents
            .retain(|consent| !forgotten(&consent.portal));
        if !matches!(scope, ClearScope::Portal { .. }) {
            self.memory.acquaintance = Acquaintance::New;
        }
        for portal in context.portals {
            if !forgotten(&portal.name) {
                continue;
            }
            if matches!(self.stands.get(&portal.name), Some(Stand::Rest(_))) {
                self.stand_at(portal, context.now);
            } else {
                self.change(&portal.name, Stand::forgotten);
            }
        }
        self.advance(context);
    }

    /// Somebody registers by hand where that is to be forgotten.
    pub(in crate::state) fn has_session(&self, scope: &ClearScope) -> bool {
        self.by_hand.has_session() && self.by_hand.portal().is_some_and(|name| ends(scope, name))
    }

    pub(super) fn record(
        &self,
        portal: &str,
        status: RegistrationStatus,
        proof: Proof,
        context: &mut Context<'_>,
    ) {
        let Some(card) = self.to_remember(context) else {
            return;
        };
        context.effects.push(Effect::Record {
            visit: self.visit,
            card: Box::new(card),
            portal: portal.to_owned(),
            proof,
            status,
        });
    }

    pub(super) fn to_remember(&self, context: &Context<'_>) -> Option<CardToRemember> {
        let facts = self.facts.as_ref()?;
        let holder = facts.holder.as_ref();
        Some(CardToRemember {
            id: facts.id.clone(),
            persona_key: facts.persona_key.clone(),
            name: holder.map_or_else(String::new, |holder| holder.name.to_string()),
            dod_id: holder.and_then(|holder| holder.dod_id),
            expires: facts.expires.clone(),
            facts: Arc::clone(facts),
            at: context.now.utc,
            with_certificates: context.config.cache_certificates,
        })
    }

    pub(super) fn stand_at(&mut self, portal: &Profile, now: Now) {
        if !portal.enabled {
            return;
        }
        let Some(facts) = &self.facts else {
            return;
        };
        let remembered = self
            .memory
            .registrations
            .iter()
            .find(|remembered| remembered.portal == portal.name)
            // What was accepted since stands in nobody's way.
            .filter(|remembered| {
                let mut consents = self.memory.consents.iter();
                let RegistrationStatus::NeedsConsent { notice } = &remembered.status else {
                    return true;
                };
                !consents.any(|it| it.portal == portal.name && it.sha256 == notice.sha256)
            });
        let is_new = remembered.is_none();
        let mut stand = Stand::at_first(remembered, facts, portal, now);
        if let Some(remembered) = remembered
            && stand == Stand::Rest(remembered.status.clone())
        {
            (self.since).note(&portal.name, &remembered.status, remembered.at);
        }
        // Told before a PIN is asked for; who asks for it all the same is let.
        if is_new
            && stand.is_due()
            && let Some(route) = self.route_at(portal)
        {
            stand = Stand::Rest(if route.way.needs_sponsor() {
                RegistrationStatus::NeedsSponsor
            } else {
                RegistrationStatus::NotEligible
            });
        }
        self.stands.insert(portal.name.clone(), stand);
    }

    /// The way that a portal leaves to the holder, where by what the card tells
    /// they are not to register by themselves.
    pub(in crate::state) fn route_at<'a>(&self, portal: &'a Profile) -> Option<&'a Route> {
        let holder = self.facts.as_ref()?.holder.as_ref()?;
        eligibility::closed(&portal.eligibility, &holder.standing)
    }

    /// Keeps in mind what is written down, for when the profiles change.
    pub(super) fn remember(
        &mut self,
        portal: &str,
        status: &RegistrationStatus,
        proof: Proof,
        now: Now,
    ) {
        self.memory
            .registrations
            .retain(|earlier| earlier.portal != portal);
        self.memory.registrations.push(Remembered {
            portal: portal.to_owned(),
            status: status.clone(),
            proof,
            at: now.utc,
        });
    }
}

/// Whether clearing this ends what goes on with a portal, for a card that it touches.
fn ends(scope: &ClearScope, name: &str) -> bool {
    match scope {
        ClearScope::Portal { portal } => portal == name,
        ClearScope::All {} | ClearScope::Card { .. } | ClearScope::Sessions {} => true,
        ClearScope::History { .. } | ClearScope::Copies {} => false,
    }
}
