//! Who holds a card, and which card it is.

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::certificate::Slot;
use cac_common::fascn::FascN;
use cac_common::identity::{CardId, HolderName};
use cac_common::snapshot::Holder;

use super::certificate::{hex, organisational_units};
use super::chuid::Chuid;
use super::facts::CardCertificate;
use super::login::choose_login;

/// Where a certificate names a person, in the order in which they are believed.
const NAMES_ITS_HOLDER: [Slot; 3] = [Slot::Authentication, Slot::Signature, Slot::KeyManagement];

/// Which card it is: by its CHUID, else by its authentication certificate.
pub fn card_id(chuid: &Chuid, certificates: &[CardCertificate]) -> Option<CardId> {
    chuid.card_id().or_else(|| {
        certificates
            .iter()
            .find(|certificate| certificate.summary.slot == Slot::Authentication)
            .map(|certificate| id_by(&certificate.der))
    })
}

/// What names a card that has no number: its authentication certificate.
pub fn id_by(certificate: &[u8]) -> CardId {
    CardId(format!(
        "sha256-{}",
        hex(digest(&SHA256, certificate).as_ref())
    ))
}

/// Who holds the card, by the one certificate that signs in. Where none does,
/// by the first that names a person at all.
pub fn holder(certificates: &[CardCertificate], fascn: Option<&FascN>) -> Option<Holder> {
    let in_slot = |slot| {
        certificates
            .iter()
            .find(|certificate| certificate.summary.slot == slot)
    };
    let named = choose_login(certificates, None)
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

        assert_eq!(choose_login(&certificates, None), None);
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
