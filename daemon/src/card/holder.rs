//! Who holds a card, and which card it is.

mod role;

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::certificate::{Applet, Role, Slot};
use cac_common::eligibility::Standing;
use cac_common::fascn::FascN;
use cac_common::identity::{CardId, HolderName};
use cac_common::snapshot::Holder;

use super::certificate::hex;
use super::chuid::Chuid;
use super::demographics::{Person, Personnel};
use super::facts::CardCertificate;
use super::login::choose_login;
use super::printed::Printed;

/// What tells who holds a card. What was not read is left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    pub certificates: &'a [CardCertificate],
    /// Of the CHUID.
    pub fascn: Option<&'a FascN>,
    pub person: Option<&'a Person>,
    pub personnel: Option<&'a Personnel>,
    pub printed: Option<&'a Printed>,
}

/// Which card it is: by its CHUID, else by its authentication certificate, else
/// by the certificate in the first applet of the CAC edge that has one.
pub fn card_id(chuid: &Chuid, certificates: &[CardCertificate]) -> Option<CardId> {
    let in_slot = |slot| {
        certificates
            .iter()
            .find(|certificate| certificate.summary.slot == slot)
    };
    let naming = || {
        in_slot(Slot::Authentication)
            .or_else(|| Applet::all().find_map(|applet| in_slot(Slot::Applet(applet))))
    };
    chuid
        .card_id()
        .or_else(|| naming().map(|certificate| id_by(&certificate.der)))
}

/// What names a card that has no number: its authentication certificate, or
/// the identity certificate of the CAC edge.
pub fn id_by(certificate: &[u8]) -> CardId {
    CardId(format!(
        "sha256-{}",
        hex(digest(&SHA256, certificate).as_ref())
    ))
}

/// Who holds the card, as far as certificates and CHUID tell.
pub fn holder(certificates: &[CardCertificate], fascn: Option<&FascN>) -> Option<Holder> {
    holder_by(&Evidence {
        certificates,
        fascn,
        ..Evidence::default()
    })
}

/// Who holds the card: by the one certificate that signs in, expired or not;
/// where none does, by the first that names a person at all; without one, by
/// the person container.
pub fn holder_by(evidence: &Evidence<'_>) -> Option<Holder> {
    let Some(named) = naming(evidence.certificates) else {
        let person = evidence.person?;
        let (category, standing) = role::told(evidence, None);
        return Some(Holder {
            name: person.name.clone()?,
            dod_id: person.edipi,
            upn: None,
            category,
            standing,
        });
    };
    let (name, dod_id) = HolderName::from_common_name(&named.summary.subject);
    let (category, standing) = role::told(evidence, Some(named));
    Some(Holder {
        name,
        dod_id,
        upn: named.summary.upn.clone(),
        category,
        standing,
    })
}

/// Somebody of whom no more than a common name is known yet.
pub(super) fn named(common_name: &str) -> Holder {
    let (name, dod_id) = HolderName::from_common_name(common_name);
    Holder {
        name,
        dod_id,
        upn: None,
        category: None,
        standing: Standing::default(),
    }
}

/// The certificate by which the holder is named.
fn naming(certificates: &[CardCertificate]) -> Option<&CardCertificate> {
    let login = choose_login(certificates, None);
    certificates
        .iter()
        .find(|certificate| Some(certificate.summary.slot) == login.as_ref().map(|it| it.slot))
        .or_else(|| {
            certificates
                .iter()
                .filter(|certificate| names_a_person(certificate))
                .min_by_key(|certificate| (certificate.purposes.role(), certificate.summary.slot))
        })
}

/// It was made for the card's holder of today.
fn names_a_person(certificate: &CardCertificate) -> bool {
    let is_in_place = match certificate.summary.slot {
        Slot::CardAuthentication | Slot::Retired(_) => false,
        Slot::Authentication | Slot::Signature | Slot::KeyManagement | Slot::Applet(_) => true,
    };
    is_in_place
        && match certificate.purposes.role() {
            Role::Card | Role::ContentSigning => false,
            Role::Authentication
            | Role::Identity
            | Role::Signature
            | Role::Encryption
            | Role::Other => true,
        }
}

/// `holder` as the certificate that signs in names them; without one, the card
/// is all there is to tell.
pub fn persona_key(holder: Option<&Holder>, id: &CardId) -> String {
    let upn = holder.and_then(|holder| holder.upn.as_ref());
    let dod_id = holder.and_then(|holder| holder.dod_id);
    match (upn, dod_id) {
        (Some(upn), _) => format!("upn:{}", upn.to_lowercase()),
        (None, Some(dod_id)) => format!("edipi:{dod_id}"),
        (None, None) => format!("card:{}", hex(id.0.as_bytes())),
    }
}

#[cfg(test)]
mod tests;
