//! The numbers of the card, in its CHUID and in its certificates.

use cac_common::certificate::Slot;
use cac_common::finding::Finding;

use super::super::certificate::card_numbers;
use super::super::chuid::Chuid;
use super::super::facts::CardCertificate;
use super::{REPLACE, object};

/// FASC-N and Card UUID in certificates are those of the CHUID (FIPS 201-3
/// §4.2.2). Retired certificates are of earlier cards.
pub(super) fn in_certificates(chuid: &Chuid, certificates: &[CardCertificate]) -> Vec<Finding> {
    certificates
        .iter()
        .filter(|certificate| !matches!(certificate.summary.slot, Slot::Retired(_)))
        .flat_map(|certificate| of_one(chuid, certificate))
        .collect()
}

fn of_one(chuid: &Chuid, certificate: &CardCertificate) -> Vec<Finding> {
    let numbers = card_numbers(&certificate.der);
    let object = object(certificate);
    let differs = |what: &str| {
        Finding::fault(
            &object,
            &format!("its {what} is not the one of the CHUID"),
            &format!(
                "Parts of two cards are on this one, or somebody changed it. Portals and doors may refuse it. {REPLACE}"
            ),
        )
    };
    let mut findings = Vec::new();
    match numbers.fascn {
        Some(Ok(decoded)) => {
            if !decoded.check_is_right {
                findings.push(Finding::note(
                    &object,
                    "the check of its FASC-N is wrong",
                    "The number itself is whole: the card works.",
                ));
            }
            if chuid
                .fascn
                .as_ref()
                .is_some_and(|fascn| *fascn != decoded.fascn)
            {
                findings.push(differs("FASC-N"));
            }
        }
        Some(Err(error)) => findings.push(Finding::fault(
            &object,
            &format!("its FASC-N cannot be read: {error}"),
            &format!("The card was badly issued. If it is refused somewhere: {REPLACE}"),
        )),
        None => {}
    }
    if let (Some(of_card), Some(of_certificate)) = (chuid.uuid, numbers.uuid)
        && of_card != of_certificate
    {
        findings.push(differs("Card UUID"));
    }
    findings
}

/// A card that the federal government did not issue.
pub(super) fn of_another_kind(chuid: &Chuid) -> Option<Finding> {
    let fascn = chuid.fascn.as_ref()?;
    (!fascn.is_federal()).then(|| {
        Finding::note(
            "card",
            "it is not a federal card (agency 9999), but PIV-I or the like",
            "DoD portals take it only if they know its issuer. Ask the portal's help desk before you rely on it.",
        )
    })
}
