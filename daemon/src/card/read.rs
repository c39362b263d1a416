//! The first look at a card: who it is, then its certificates.

use cac_common::certificate::Slot;
use cac_common::fascn::FascN;
use cac_common::finding::Finding;
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
const _: () = assert!(PIECES as usize == 1 + Slot::PIV.len());

/// Where a certificate names a person, in the order in which they are believed.
const NAMES_ITS_HOLDER: [Slot; 3] = [Slot::Authentication, Slot::Signature, Slot::KeyManagement];

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
    let chuid = read_chuid(&mut exchange)?;
    let pin = piv::pin_state(&mut exchange)?.into();
    let mut findings = chuid.findings.clone();
    let mut certificates = Vec::new();
    for (done, slot) in (1..PIECES).zip(Slot::PIV) {
        report(Progress {
            done,
            id: card_id(&chuid, &certificates),
            holder: holder(&certificates, chuid.fascn.as_ref()),
            certificates: certificates.clone(),
        });
        match read_certificate(&mut exchange, slot) {
            Ok(Some(certificate)) => certificates.push(certificate),
            Ok(None) => {}
            Err(error) => findings.push(finding(&format!("{slot} certificate"), error)?),
        }
    }
    let id = card_id(&chuid, &certificates).ok_or(CardError::Malformed {
        object: "card",
        fault: "it has neither a number nor a certificate",
    })?;
    let holder = holder(&certificates, chuid.fascn.as_ref());
    let login = choose_login(&certificates);
    if login.is_none() {
        findings.push(Finding::fault(
            "card",
            "no certificate on it can sign its holder in",
            "Portals cannot be reached with this card. If it is a CAC, an ID card office can put that right.",
        ));
    }
    Ok(CardFacts {
        persona_key: persona_key(holder.as_ref().filter(|_| login.is_some()), &id),
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

/// Reads the CHUID. One that is missing or broken says nothing, and why.
pub fn read_chuid(exchange: &mut Exchange<'_>) -> Result<Chuid, CardError> {
    let finding = match piv::get_data(exchange, objects::CHUID) {
        Ok(Some(bytes)) => return Ok(Chuid::parse(&bytes)),
        Ok(None) => Finding::fault("CHUID", "the card has none", DAMAGED),
        Err(error) => finding("CHUID", error)?,
    };
    Ok(Chuid {
        findings: vec![finding],
        ..Chuid::default()
    })
}

/// Reads the certificate in a slot; `None` if there is none.
pub fn read_certificate(
    exchange: &mut Exchange<'_>,
    slot: Slot,
) -> Result<Option<CardCertificate>, CardError> {
    let Some(object) = objects::certificate(slot) else {
        return Ok(None);
    };
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
fn finding(object: &str, error: CardError) -> Result<Finding, CardError> {
    if matches!(error, CardError::Transport(_)) {
        return Err(error);
    }
    let fault = if let CardError::Malformed { fault, .. } = error {
        fault.to_owned()
    } else {
        error.to_string()
    };
    Ok(Finding::fault(object, &fault, DAMAGED))
}

/// What a broken object means for the holder.
const DAMAGED: &str = "The card is damaged or badly issued. If it is refused somewhere, have it replaced at an ID card office.";

fn fault_in(error: &certificate::NotACertificate) -> &'static str {
    use certificate::NotACertificate::{Compression, Malformed, Missing, TooLarge};
    match error {
        Missing => "it holds no certificate",
        Compression => "it is compressed, and cannot be unpacked",
        TooLarge => "it unpacks to far more than a certificate",
        Malformed => "it is no X.509 certificate",
    }
}

/// Who holds the card, by the one certificate that signs in. Where none does,
/// by the first that names a person at all.
fn holder(certificates: &[CardCertificate], fascn: Option<&FascN>) -> Option<Holder> {
    let in_slot = |slot| {
        certificates
            .iter()
            .find(|certificate| certificate.summary.slot == slot)
    };
    let named = choose_login(certificates)
        .and_then(|login| in_slot(login.slot))
        .or_else(|| NAMES_ITS_HOLDER.into_iter().find_map(in_slot))?;
    let (name, dod_id) = HolderName::from_common_name(&named.summary.subject);
    let units = organisational_units(&named.der);
    Some(Holder {
        name,
        dod_id,
        upn: named.summary.upn.clone(),
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

/// `holder` as the certificate that signs in names them; without one, the card
/// is all there is to tell.
fn persona_key(holder: Option<&Holder>, id: &CardId) -> String {
    let upn = holder.and_then(|holder| holder.upn.as_ref());
    let dod_id = holder.and_then(|holder| holder.dod_id);
    match (upn, dod_id) {
        (Some(upn), _) => format!("upn:{}", upn.to_lowercase()),
        (None, Some(dod_id)) => format!("edipi:{dod_id}"),
        (None, None) => format!("card:{}", hex(id.0.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use cac_common::certificate::{CertificateSummary, ChainStatus, Revocation, Role};
    use cac_common::time::UtcSeconds;

    use super::super::purpose::Purposes;
    use super::*;

    #[test]
    fn the_persona_is_who_the_certificate_that_signs_in_says() {
        let certificates = [
            certificate(
                Slot::Signature,
                "DOE.JANE.Q.1234567890",
                Some("1234567890@mil"),
            ),
            certificate(Slot::Authentication, "DOE.JANE.1234567891", None),
        ];

        let holder = holder(&certificates, None).unwrap();

        assert_eq!(holder.name.to_string(), "DOE, JANE");
        assert_eq!(holder.upn, None, "it stands in another certificate");
        assert_eq!(
            persona_key(Some(&holder), &CardId("card".into())),
            "edipi:1234567891"
        );
    }

    #[test]
    fn a_card_that_signs_nobody_in_shows_a_name_all_the_same() {
        let upn = Some("1234567890@mil");
        let certificates = [
            certificate(Slot::CardAuthentication, "card", Some("card@mil")),
            certificate(Slot::KeyManagement, "ROE.JOHN.2345678901", upn),
        ];

        let holder = holder(&certificates, None).unwrap();

        assert_eq!(choose_login(&certificates), None);
        assert_eq!(holder.name.to_string(), "ROE, JOHN");
        assert_eq!(holder.upn.as_deref(), upn);
    }

    fn certificate(slot: Slot, subject: &str, upn: Option<&str>) -> CardCertificate {
        CardCertificate {
            summary: CertificateSummary {
                slot,
                role: Role::Other,
                subject: subject.into(),
                issuer: "DOD ID CA-9901".into(),
                subject_dn: String::new(),
                issuer_dn: String::new(),
                serial: "01".into(),
                not_before: UtcSeconds(0),
                not_after: UtcSeconds(1),
                key: "RSA-2048".into(),
                upn: upn.map(Into::into),
                mail: Vec::new(),
                key_usage: Vec::new(),
                extended_key_usage: Vec::new(),
                policies: Vec::new(),
                chain: ChainStatus::NotChecked,
                revocation: Revocation::NotChecked,
                sha256: "00".into(),
            },
            der: Vec::new(),
            purposes: Purposes::default(),
        }
    }
}
