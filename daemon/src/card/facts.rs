//! What was read off a card.

use cac_common::certificate::{CertificateSummary, LoginChoice, Slot};
use cac_common::finding::Finding;
use cac_common::identity::CardId;
use cac_common::profile::Purpose;
use cac_common::snapshot::{Holder, PinStatus};

use super::purpose::Purposes;

/// A certificate with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardCertificate {
    pub summary: CertificateSummary,
    pub der: Vec<u8>,
    pub purposes: Purposes,
}

/// Everything that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFacts {
    pub id: CardId,
    pub kind: String,
    pub expires: Option<String>,
    pub holder: Option<Holder>,
    /// What tells this persona from others: the UPN, else the DoD ID, else the card.
    pub persona_key: String,
    pub certificates: Vec<CardCertificate>,
    /// The choice for portals that ask for the authentication certificate.
    pub login: Option<LoginChoice>,
    pub pin: PinStatus,
    pub findings: Vec<Finding>,
    pub apdus: u32,
}

impl CardFacts {
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
