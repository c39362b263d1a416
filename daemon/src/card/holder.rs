//! Who holds a card, and which card it is.

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::certificate::{Applet, Role, Slot};
use cac_common::fascn::FascN;
use cac_common::identity::{CardId, HolderName};
use cac_common::persona::Persona;
use cac_common::snapshot::Holder;

use super::certificate::{card_numbers, hex, organisational_units};
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
        return Some(Holder {
            name: person.name.clone()?,
            dod_id: person.edipi,
            upn: None,
            category: category(evidence, None),
        });
    };
    let (name, dod_id) = HolderName::from_common_name(&named.summary.subject);
    Some(Holder {
        name,
        dod_id,
        upn: named.summary.upn.clone(),
        category: category(evidence, Some(named)),
    })
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

/// `civilian · Navy`, as far as the card tells. What an issuer signed is
/// believed before what anyone may have written.
fn category(evidence: &Evidence<'_>, named: Option<&CardCertificate>) -> Option<String> {
    let units = named.map_or_else(Vec::new, |named| organisational_units(&named.der));
    let signed = named.and_then(|named| card_numbers(&named.der).fascn?.ok());
    let signed = signed.as_ref().map(|decoded| &decoded.fascn);
    let is_other = [signed, evidence.fascn]
        .into_iter()
        .flatten()
        .any(|fascn| !fascn.is_federal() || fascn.category > 1);
    if is_other {
        return Some("other credential".into());
    }
    let upn = named.and_then(|named| Persona::from_upn(named.summary.upn.as_deref()?));
    let affiliation = [
        signed.and_then(FascN::affiliation),
        upn.and_then(|persona| persona.affiliation()),
        evidence.fascn.and_then(FascN::affiliation),
    ]
    .into_iter()
    .flatten()
    .find(|affiliation| affiliation.association != 0);
    let role = evidence
        .personnel
        .and_then(|personnel| Some(personnel.category_title()?.to_owned()))
        .or_else(|| Some(affiliation?.association_title()?.to_owned()))
        .or_else(|| is_contractor(&units).then(|| "contractor".to_owned()))
        .or_else(|| named.and_then(|named| Some(mail_hint(&named.summary.mail)?.to_owned())))
        .or_else(|| Some(evidence.printed?.affiliation.as_ref()?.to_lowercase()));
    let component = evidence
        .personnel
        .and_then(|personnel| Some(personnel.branch_title()?.to_owned()))
        .or_else(|| component(&units))
        .or_else(|| Some(affiliation?.organisation_title()?.to_owned()));
    let words: Vec<String> = [role, component].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" · "))
}

fn is_contractor(units: &[String]) -> bool {
    units.iter().any(|unit| unit == CONTRACTOR)
}

/// The unit of a contractor, whatever the component.
const CONTRACTOR: &str = "CONTRACTOR";
/// Units that every certificate of the DoD has, and what says nothing.
const NO_COMPONENT: [&str; 5] = ["DoD", "DOD", "PKI", CONTRACTOR, "OTHER"];

/// The component that the units of a subject name. The list of the DoD's is
/// open: one that is not known is shown as it stands.
fn component(units: &[String]) -> Option<String> {
    let is_of_the_dod = units.iter().any(|unit| unit.eq_ignore_ascii_case("DoD"));
    units.iter().rev().find_map(|unit| {
        let known = match unit.as_str() {
            "USA" => "Army",
            "USN" => "Navy",
            "USMC" => "Marine Corps",
            "USAF" => "Air Force",
            "USCG" => "Coast Guard",
            "USPHS" => "Public Health Service",
            other if is_of_the_dod && !NO_COMPONENT.contains(&other) => other,
            _ => return None,
        };
        Some(known.to_owned())
    })
}

/// The part of a mail address that says in what role it was given:
/// `jane.q.doe.civ@example.com`.
fn mail_hint(mail: &[String]) -> Option<&'static str> {
    mail.iter().find_map(|address| {
        let (name, _) = address.split_once('@')?;
        let (_, part) = name.rsplit_once('.')?;
        match part.to_ascii_lowercase().as_str() {
            "ctr" => Some("contractor"),
            "civ" => Some("civilian"),
            "mil" => Some("uniformed service"),
            _ => None,
        }
    })
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
