//! What was read off a card.

use std::collections::BTreeSet;
use std::fmt;

use cac_common::certificate::{CertificateSummary, LoginChoice, Role, Slot};
use cac_common::finding::Finding;
use cac_common::identity::CardId;
use cac_common::profile::Purpose;
use cac_common::snapshot::{Holder, PinStatus};
use cac_common::time::UtcSeconds;

use super::cac_read;
use super::chuid::Chuid;
use super::consistency;
use super::error::CardError;
use super::holder::{Evidence, holder, holder_by, persona_key};
use super::known::Objects;
use super::login::choose_login;
use super::objects::CHUID;
use super::piv::Ways;
use super::purpose::Purposes;
use super::rest::Rest;

/// A certificate with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardCertificate {
    pub summary: CertificateSummary,
    pub der: Vec<u8>,
    pub purposes: Purposes,
}

/// The card edge that a card was read over. One that has PIV is read over
/// that, and over its CAC edge only what PIV has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Piv,
    Cac(cac_read::Kind),
}

/// What people call it.
impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Piv => f.write_str("PIV"),
            Self::Cac(kind) => kind.fmt(f),
        }
    }
}

/// Everything that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFacts {
    pub id: CardId,
    pub edge: Edge,
    pub expires: Option<String>,
    pub holder: Option<Holder>,
    /// What tells this persona from others: the UPN, else the DoD ID, else the card.
    pub persona_key: String,
    /// By their place.
    pub certificates: Vec<CardCertificate>,
    /// The other data objects that were read, or are on record.
    pub objects: Objects,
    pub ways: Ways,
    /// It lies on a contactless reader, which gives little of it.
    pub is_contactless: bool,
    /// The choice for portals that ask for the authentication certificate.
    pub login: Option<LoginChoice>,
    pub pin: PinStatus,
    /// As much of it as was read.
    pub chuid: Chuid,
    /// What could not be read.
    pub unread: Vec<Finding>,
    /// What whoever judged it found.
    pub judged: Vec<Finding>,
    /// Everything that is wrong, or worth knowing.
    pub findings: Vec<Finding>,
    pub apdus: u32,
}

impl CardFacts {
    /// Says who it is and what signs in, from what was read.
    #[must_use]
    pub fn put_together(mut self, at: UtcSeconds) -> Self {
        // One that has expired is chosen where there is no other, and told as expired.
        self.login = choose_login(&self.certificates, Some(at))
            .or_else(|| choose_login(&self.certificates, None));
        if self.login.is_none() && !self.is_contactless {
            self.unread.push(Finding::fault(
                "card",
                "no certificate on it can sign its holder in",
                "Portals cannot be reached with this card. If it is a CAC, an ID card office can put that right.",
            ));
        }
        self.holder = holder(&self.certificates, self.chuid.fascn.as_ref());
        let named = self.holder.as_ref().filter(|_| self.login.is_some());
        self.persona_key = persona_key(named, &self.id);
        self.look_into(at);
        self
    }

    /// Looks into whether what was read fits together.
    pub fn look_into(&mut self, at: UtcSeconds) {
        let known = consistency::Known {
            chuid: &self.chuid,
            certificates: &self.certificates,
            printed: None,
            differing: &[],
        };
        let consistency = consistency::findings(&known, at);
        self.findings = [
            &self.unread,
            &self.chuid.findings,
            &self.judged,
            &consistency,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
        self.findings.sort_by_key(|finding| finding.weight);
        // An object can have the same wrong thousands of times.
        let mut told = BTreeSet::new();
        self.findings.retain(|finding| told.insert(finding.clone()));
    }

    /// What could wait was not read.
    pub fn miss_rest(&mut self, error: &CardError, at: UtcSeconds) {
        self.unread.push(Finding::note(
            "card",
            &format!("not all of it was read: {error}"),
            "What signs in is there. To have the rest read, take the card out and put it in again.",
        ));
        self.look_into(at);
    }

    /// Adds what was read later.
    pub fn take_rest(&mut self, rest: Rest, at: UtcSeconds) {
        if let Some(chuid) = rest.objects.get(&CHUID.tag) {
            self.chuid = Chuid::parse(chuid);
        }
        self.objects.extend(rest.objects);
        self.certificates.extend(rest.certificates);
        self.certificates
            .sort_by_key(|certificate| certificate.summary.slot);
        self.unread.extend(rest.unread);
        self.apdus += rest.apdus;
        // Whose it is stays as it was; more may be known of them.
        self.holder = holder_by(&Evidence {
            certificates: &self.certificates,
            fascn: self.chuid.fascn.as_ref(),
            person: rest.person.as_ref(),
            personnel: rest.personnel.as_ref(),
            printed: None,
        });
        self.look_into(at);
    }

    pub fn is_piv(&self) -> bool {
        matches!(self.edge, Edge::Piv)
    }

    /// The certificate that signs in where a profile asks for `purpose`: as it
    /// says itself, wherever it lies.
    pub fn certificate_for(&self, purpose: Purpose) -> Option<&CardCertificate> {
        match purpose {
            Purpose::Authentication => {
                let slot = self.login.as_ref()?.slot;
                self.certificates.iter().find(|certificate| {
                    certificate.summary.slot == slot && certificate.purposes.may_sign()
                })
            }
            Purpose::Signature => self.signature(),
        }
    }

    /// The certificate for signatures; where none says it is one, what lies in
    /// their slot and says nothing of itself.
    fn signature(&self) -> Option<&CardCertificate> {
        let usable = || {
            self.certificates.iter().filter(|certificate| {
                let is_retired = matches!(certificate.summary.slot, Slot::Retired(_));
                certificate.purposes.may_sign() && !is_retired
            })
        };
        usable()
            .filter(|certificate| certificate.purposes.role() == Role::Signature)
            .min_by_key(|certificate| certificate.summary.slot)
            .or_else(|| {
                usable().find(|certificate| {
                    certificate.summary.slot == Slot::Signature
                        && certificate.purposes.role() == Role::Other
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use cac_common::certificate::Retired;

    use super::super::fixtures::{Draft, NOW, applet};
    use super::*;
    use cac_common::snapshot::PinReference;

    #[test]
    fn the_signature_certificate_is_found_wherever_it_lies() {
        let retired = Slot::Retired(Retired::new(1).unwrap());
        let in_slot = |slot| Draft {
            slot,
            ..Draft::signature()
        };

        for (drafts, slot) in [
            (
                vec![Draft::authentication(), Draft::signature()],
                Some(Slot::Signature),
            ),
            (
                vec![Draft::identity(applet(0)), in_slot(applet(1))],
                Some(applet(1)),
            ),
            (
                vec![in_slot(applet(1)), Draft::signature()],
                Some(Slot::Signature),
            ),
            (
                vec![in_slot(Slot::Authentication)],
                Some(Slot::Authentication),
            ),
            (vec![Draft::bare(Slot::Signature)], Some(Slot::Signature)),
            (vec![in_slot(retired), Draft::encryption()], None),
            (
                vec![Draft {
                    slot: Slot::Signature,
                    ..Draft::card()
                }],
                None,
            ),
        ] {
            let facts = facts(&drafts);

            let found = facts.certificate_for(Purpose::Signature);

            assert_eq!(found.map(|found| found.summary.slot), slot);
        }
    }

    #[test]
    fn the_certificate_that_signs_in_is_the_one_that_was_chosen() {
        let facts = facts(&[Draft::signature(), Draft::authentication()]);

        let found = facts.certificate_for(Purpose::Authentication).unwrap();

        assert_eq!(found.summary.slot, Slot::Authentication);
    }

    #[test]
    fn what_is_wrong_with_an_object_again_and_again_is_told_once() {
        let mut facts = facts(&[Draft::authentication()]);
        facts.chuid = Chuid::parse(&b"\x35\x00\x30\x01\x00".repeat(1000));
        assert_eq!(facts.chuid.findings.len(), 2000);

        facts.look_into(NOW);

        let of_chuid = |finding: &&Finding| finding.object == "CHUID";
        assert_eq!(facts.findings.iter().filter(of_chuid).count(), 2);
    }

    fn facts(drafts: &[Draft]) -> CardFacts {
        let certificates: Vec<_> = drafts.iter().map(Draft::certificate).collect();
        CardFacts {
            id: CardId("card".into()),
            edge: Edge::Piv,
            objects: Objects::new(),
            ways: Ways {
                pin: PinReference::Application,
                is_dual: false,
            },
            is_contactless: false,
            expires: None,
            holder: None,
            persona_key: "jane".into(),
            login: choose_login(&certificates, None),
            certificates,
            pin: PinStatus::Unknown,
            chuid: Chuid::default(),
            unread: Vec::new(),
            judged: Vec::new(),
            findings: Vec::new(),
            apdus: 0,
        }
    }
}
