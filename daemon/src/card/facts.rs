//! What was read off a card.

use std::fmt;

use cac_common::certificate::{CertificateSummary, LoginChoice, Slot};
use cac_common::finding::Finding;
use cac_common::identity::CardId;
use cac_common::profile::Purpose;
use cac_common::snapshot::{Holder, PinStatus};

use super::known::Objects;
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

/// The card edge that a card was read over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Piv,
}

/// What people call it.
impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Piv => f.write_str("PIV"),
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
    /// The choice for portals that ask for the authentication certificate.
    pub login: Option<LoginChoice>,
    pub pin: PinStatus,
    pub findings: Vec<Finding>,
    pub apdus: u32,
}

impl CardFacts {
    /// Adds what was read later.
    pub fn take_rest(&mut self, rest: Rest) {
        self.objects.extend(rest.objects);
        self.certificates.extend(rest.certificates);
        self.certificates
            .sort_by_key(|certificate| certificate.summary.slot);
        self.findings.extend(rest.findings);
        self.apdus += rest.apdus;
    }

    pub fn is_piv(&self) -> bool {
        matches!(self.edge, Edge::Piv)
    }

    /// The certificate that signs in where a profile asks for `purpose`.
    pub fn certificate_for(&self, purpose: Purpose) -> Option<&CardCertificate> {
        let slot = match purpose {
            Purpose::Authentication => self.login.as_ref()?.slot,
            Purpose::Signature => Slot::Signature,
        };
        self.certificates
            .iter()
            .find(|certificate| certificate.summary.slot == slot && certificate.purposes.may_sign())
    }
}

/// Chooses the certificate that signs its holder in, and says why.
pub fn choose_login(certificates: &[CardCertificate]) -> Option<LoginChoice> {
    let authentication = certificates.iter().find(|certificate| {
        certificate.summary.slot == Slot::Authentication
            && certificate.purposes.may_sign()
            && !certificate.purposes.is_for_the_card_alone()
    })?;
    let reason = if authentication.purposes.is_for_its_holder() {
        "it is made for signing in: the PIV Authentication policy stands in it"
    } else {
        "it lies in the slot for signing in, and may sign"
    };
    Some(LoginChoice {
        slot: Slot::Authentication,
        reason: reason.into(),
    })
}
