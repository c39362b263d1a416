//! The first look at a card: who it is, then its certificates.

use cac_common::certificate::Slot;
use cac_common::fascn::FascN;
use cac_common::identity::{CardId, HolderName};
use cac_common::snapshot::Holder;

use super::apdu::Exchange;
use super::certificate::{self, hex, organisational_units};
use super::chuid::Chuid;
use super::error::CardError;
use super::facts::{CardCertificate, CardFacts, choose_login};
use super::objects;
use super::piv;
use super::transport::Transport;

/// Pieces that [`read_card`] reports as done: the CHUID, and one for each slot.
pub const PIECES: u32 = 5;
const _: () = assert!(PIECES as usize == 1 + Slot::ALL.len());

/// How far it is, and what is known so far.
pub struct Progress {
    pub done: u32,
    pub id: Option<CardId>,
    pub holder: Option<Holder>,
    pub certificates: Vec<CardCertificate>,
}

/// Reads a card whole. A certificate that is missing or broken is a finding,
/// and the rest is read all the same.
pub fn read_card(
    transport: &mut dyn Transport,
    report: &mut dyn FnMut(Progress),
) -> Result<CardFacts, CardError> {
    let mut exchange = Exchange::new(transport);
    piv::select(&mut exchange)?;
    let chuid = match piv::get_data(&mut exchange, objects::CHUID) {
        Ok(Some(bytes)) => Chuid::parse(&bytes),
        Ok(None) => Chuid {
            findings: vec!["the card has no CHUID".into()],
            ..Chuid::default()
        },
        Err(error) => Chuid {
            findings: vec![finding(error)?],
            ..Chuid::default()
        },
    };
    let pin = piv::pin_state(&mut exchange)?.into();
    let mut findings = chuid.findings.clone();
    let mut certificates = Vec::new();
    for (done, slot) in (1..PIECES).zip(Slot::ALL) {
        report(Progress {
            done,
            id: card_id(&chuid, &certificates),
            holder: holder(&certificates, chuid.fascn.as_ref()),
            certificates: certificates.clone(),
        });
        match read_certificate(&mut exchange, slot) {
            Ok(Some(certificate)) => certificates.push(certificate),
            Ok(None) => {}
            Err(error) => findings.push(finding(error)?),
        }
    }
    let id = card_id(&chuid, &certificates).ok_or(CardError::Malformed {
        object: "card",
        fault: "it has neither a number nor a certificate",
    })?;
    let holder = holder(&certificates, chuid.fascn.as_ref());
    let login = choose_login(&certificates);
    if login.is_none() {
        findings.push("no certificate on this card can sign its holder in".into());
    }
    Ok(CardFacts {
        persona_key: persona_key(holder.as_ref(), &id),
        kind: "PIV".into(),
        expires: chuid.expires,
        id,
        holder,
        certificates,
        login,
        pin,
        findings,
        apdus: exchange.sent(),
    })
}

/// Reads the certificate in a slot; `None` if there is none.
pub fn read_certificate(
    exchange: &mut Exchange<'_>,
    slot: Slot,
) -> Result<Option<CardCertificate>, CardError> {
    let object = objects::certificate(slot);
    let Some(content) = piv::get_data(exchange, object)? else {
        return Ok(None);
    };
    let malformed = |fault| CardError::Malformed {
        object: object.name,
        fault,
    };
    let der = certificate::unpack(&content).map_err(|error| malformed(fault_in(&error)))?;
    certificate::parse(slot, der)
        .map(Some)
        .map_err(|error| malformed(fault_in(&error)))
}

/// Which card it is: by its CHUID, else by its authentication certificate.
pub fn card_id(chuid: &Chuid, certificates: &[CardCertificate]) -> Option<CardId> {
    chuid.card_id().or_else(|| {
        certificates
            .iter()
            .find(|certificate| certificate.summary.slot == Slot::Authentication)
            .map(|certificate| CardId(format!("sha256-{}", certificate.summary.sha256)))
    })
}

/// A finding, unless the card cannot be talked to at all.
fn finding(error: CardError) -> Result<String, CardError> {
    if matches!(error, CardError::Transport(_)) {
        Err(error)
    } else {
        Ok(error.to_string())
    }
}

fn fault_in(error: &certificate::NotACertificate) -> &'static str {
    use certificate::NotACertificate::{Compression, Malformed, Missing, TooLarge};
    match error {
        Missing => "it holds no certificate",
        Compression => "it is compressed, and cannot be unpacked",
        TooLarge => "it unpacks to far more than a certificate",
        Malformed => "it is no X.509 certificate",
    }
}

fn holder(certificates: &[CardCertificate], fascn: Option<&FascN>) -> Option<Holder> {
    let named = certificates
        .iter()
        .find(|certificate| certificate.summary.slot != Slot::CardAuthentication)?;
    let (name, dod_id) = HolderName::from_common_name(&named.summary.subject);
    let units = organisational_units(&named.der);
    Some(Holder {
        name,
        dod_id,
        upn: certificates
            .iter()
            .find_map(|certificate| certificate.summary.upn.clone()),
        category: category(fascn, &units),
    })
}

/// `civilian · Navy`, as far as the FASC-N and the organisational unit tell.
fn category(fascn: Option<&FascN>, units: &[String]) -> Option<String> {
    // Association of the person with the organisation (TIG SCEPACS 2.3, table 4).
    let role = match fascn.map(|fascn| fascn.association) {
        Some(1 | 2) => Some("civilian"),
        Some(3) => Some("executive staff"),
        Some(4) => Some("uniformed service"),
        Some(5) => Some("contractor"),
        Some(6) => Some("affiliate"),
        Some(7) => Some("beneficiary"),
        _ => None,
    };
    let component = units.iter().rev().find_map(|unit| match unit.as_str() {
        "USA" => Some("Army"),
        "USN" => Some("Navy"),
        "USMC" => Some("Marine Corps"),
        "USAF" => Some("Air Force"),
        "USCG" => Some("Coast Guard"),
        _ => None,
    });
    let words: Vec<&str> = [role, component].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" · "))
}

fn persona_key(holder: Option<&Holder>, id: &CardId) -> String {
    let upn = holder.and_then(|holder| holder.upn.as_ref());
    let dod_id = holder.and_then(|holder| holder.dod_id);
    match (upn, dod_id) {
        (Some(upn), _) => format!("upn:{}", upn.to_lowercase()),
        (None, Some(dod_id)) => format!("edipi:{dod_id}"),
        (None, None) => format!("card:{}", hex(id.0.as_bytes())),
    }
}
