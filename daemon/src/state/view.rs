//! The state as people see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use cac_common::finding::Finding;
use cac_common::profile::Profile;
use cac_common::reader::ReaderName;
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{Card, Daemon, KnownPersona, Portal, Reader, Registration, Snapshot};

use super::visit::CardVisit;
use super::{ReaderSlot, State};
use crate::card::facts::{CardFacts, Edge};
use crate::event::Now;

impl State {
    /// Everything at this moment. The supervisor gives it its revision.
    pub fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            revision: 0,
            daemon: Daemon {
                version: self.facts.version.clone(),
                host: self.facts.host.clone(),
                started_at: self.facts.started_at,
                store_problem: self.store_problem.clone(),
            },
            service: self.service,
            readers: self
                .readers
                .iter()
                .map(|(name, slot)| Reader {
                    name: name.clone(),
                    status: slot.status,
                    seat: slot.seat.clone(),
                    hidden: None,
                    card: slot.visit.as_ref().map(|card| self.card(card, now)),
                })
                .collect(),
            known: self.known.iter().map(|known| self.known(known)).collect(),
            portals: self
                .portals
                .iter()
                .map(|portal| Portal {
                    name: portal.name.clone(),
                    title: portal.title.clone(),
                    origin: portal.origin(),
                    enabled: portal.enabled,
                    help_desk: portal.help_desk.clone(),
                })
                .collect(),
            problems: self.problems.clone(),
            happened: self.happened.iter().cloned().collect(),
            may_act: true,
            may_administer: true,
        }
    }

    /// The profiles in force.
    pub fn portals(&self) -> &[Arc<Profile>] {
        &self.portals
    }

    /// What was read off the card in each reader, where it was read to its end.
    pub fn cards_read(&self) -> BTreeMap<ReaderName, Arc<CardFacts>> {
        let facts = |slot: &ReaderSlot| slot.visit.as_ref()?.facts.clone();
        self.readers
            .iter()
            .filter_map(|(name, slot)| Some((name.clone(), facts(slot)?)))
            .collect()
    }

    fn card(&self, card: &CardVisit, now: Now) -> Card {
        let facts = card.facts.as_deref();
        let certificates = facts.map_or(&card.partly.certificates, |facts| &facts.certificates);
        Card {
            visit: card.visit,
            stage: card.stage.clone(),
            id: card.id().cloned(),
            dod_id: card.dod_id(),
            holder: facts.map_or_else(|| card.partly.holder.clone(), |facts| facts.holder.clone()),
            kind: facts.map_or_else(String::new, |facts| facts.edge.to_string()),
            expires: facts.and_then(|facts| facts.expires.clone()),
            pin: card.pin.clone(),
            pin_reference: facts
                .filter(|facts| facts.edge == Edge::Piv)
                .map(|facts| facts.ways.pin),
            pin_kept: card.keeps_pin(),
            user: card.user(&self.config.users).map(str::to_owned),
            asked: card.asked,
            certificates: certificates
                .iter()
                .map(|certificate| certificate.summary.clone())
                .collect(),
            login: facts.and_then(|facts| facts.login.clone()),
            recognised: card.memory.acquaintance.is_seen_before(),
            registrations: self
                .portals
                .iter()
                .filter_map(|portal| {
                    let stand = card.stands.get(&portal.name)?;
                    Some(Registration {
                        route: card.route_at(portal).cloned(),
                        portal: portal.name.clone(),
                        status: stand.status(&card.pin, portal, now),
                        since: card.since.at(&portal.name).unwrap_or(now.utc),
                    })
                })
                .collect(),
            wizard: card.by_hand.shown(),
            findings: self
                .other_role(card)
                .into_iter()
                .chain(
                    facts
                        .map_or(&card.partly.findings, |facts| &facts.findings)
                        .iter()
                        .cloned(),
                )
                .collect(),
            read_apdus: facts.map_or(0, |facts| facts.apdus),
            inserted_at: card.inserted_at,
        }
    }

    /// Another card of the same person that is in a reader, in another role:
    /// each has accounts of its own. Whoever sees one card here sees the other.
    fn other_role(&self, card: &CardVisit) -> Option<Finding> {
        let own = card.facts.as_deref()?;
        let dod_id = own.holder.as_ref()?.dod_id?;
        let other = self.visits().find(|other| {
            let for_the_same = other.is_for == card.is_for && self.seat(other) == self.seat(card);
            for_the_same
                && other.facts.as_deref().is_some_and(|facts| {
                    let holder = facts.holder.as_ref();
                    holder.and_then(|holder| holder.dod_id) == Some(dod_id)
                        && facts.persona_key != own.persona_key
                })
        })?;
        let is_a_role = |key: &str| key.starts_with("upn:");
        let their_key = other.facts.as_deref().map(|facts| &facts.persona_key);
        let role = if is_a_role(&own.persona_key) && their_key.is_some_and(|key| is_a_role(key)) {
            " in another role"
        } else {
            " with another card"
        };
        Some(Finding::note(
            "card",
            &format!("the same person is in {}{role}", other.reader),
            "Each card has registrations of its own. Portals that go by the DoD ID alone cannot tell them apart.",
        ))
    }

    fn seat(&self, card: &CardVisit) -> Option<&str> {
        self.readers.get(&card.reader)?.seat.as_deref()
    }

    /// With every enabled portal, those where the persona was never seen too.
    fn known(&self, known: &KnownPersona) -> KnownPersona {
        let registrations = self
            .portals
            .iter()
            .filter(|portal| portal.enabled)
            .map(|portal| {
                let mut registrations = known.registrations.iter();
                let there = registrations.find(|there| there.portal == portal.name);
                Registration {
                    route: None,
                    portal: portal.name.clone(),
                    status: there.map_or(RegistrationStatus::NotSeen, |there| {
                        without_text(&there.status)
                    }),
                    // Nothing is told of a persona that was not there since it was last here.
                    since: there.map_or(known.last_seen, |there| there.since),
                }
            })
            .collect();
        KnownPersona {
            registrations,
            ..known.clone()
        }
    }
}

/// A notice is read where its card is; of the many that are known, it is too much.
fn without_text(status: &RegistrationStatus) -> RegistrationStatus {
    let RegistrationStatus::NeedsConsent { notice } = status else {
        return status.clone();
    };
    RegistrationStatus::NeedsConsent {
        notice: Notice {
            text: String::new(),
            sha256: notice.sha256.clone(),
        },
    }
}
