//! Whether what stands on a card fits together: each doubt a finding, never a
//! reason not to show the rest.
//!
//! What an object by itself has wrong, its own parser tells.

mod numbers;
mod validity;

use cac_common::certificate::{Role, Slot};
use cac_common::finding::Finding;
use cac_common::time::UtcSeconds;

use super::chuid::Chuid;
use super::facts::CardCertificate;
use super::issuer::Issuer;
use super::printed::Printed;
use super::security_object;
pub use validity::of_printed;

/// What was read. What was not is left out, and nothing is said of it.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub chuid: &'a Chuid,
    pub certificates: &'a [CardCertificate],
    pub printed: Option<&'a Printed>,
    /// Containers that differ from what the issuer signed, as
    /// [`security_object::differing`] gives them.
    pub differing: &'a [u16],
}

/// Everything that does not fit together, what matters most first.
pub fn findings(known: &Known<'_>, at: UtcSeconds) -> Vec<Finding> {
    let Known {
        chuid,
        certificates,
        printed,
        differing,
    } = *known;
    let mut findings = security_object::findings(differing);
    findings.extend(numbers::in_certificates(chuid, certificates));
    findings.extend(numbers::of_another_kind(chuid));
    findings.extend(validity::of_card(chuid, at));
    findings.extend(printed.and_then(|printed| of_printed(chuid, printed)));
    findings.extend(validity::of_certificates(chuid, certificates, at));
    findings.extend(weak_keys(certificates, at));
    findings.extend(subjects(certificates));
    findings.extend(issuers(certificates));
    findings.extend(test_card(certificates));
    findings.extend(classified_network(certificates));
    findings.extend(not_activated(certificates));
    findings.extend(duplicates(certificates));
    findings.sort_by_key(|finding| finding.weight);
    findings
}

/// What is done about a card that cannot be relied on.
const REPLACE: &str = "Have the card replaced at an ID card office.";

/// How a certificate is named in findings: `9A Authentication certificate`.
fn object(certificate: &CardCertificate) -> String {
    format!("{} certificate", certificate.summary.slot)
}

/// It says who its holder is, and is of today.
fn is_of_the_holder(certificate: &CardCertificate) -> bool {
    let is_of_today = !matches!(certificate.summary.slot, Slot::Retired(_));
    is_of_today
        && match certificate.purposes.role() {
            Role::Card | Role::ContentSigning => false,
            Role::Authentication
            | Role::Identity
            | Role::Signature
            | Role::Encryption
            | Role::Other => true,
        }
}

/// The end of 2030, after which RSA-2048 is not to be used (SP 800-78-5 §3.1).
const RSA_2048_ENDS: UtcSeconds = UtcSeconds(1_924_992_000);
const SHORTEST_RSA: u32 = 2048;

/// RSA keys too short to be relied on, now or before their certificates end.
fn weak_keys(certificates: &[CardCertificate], at: UtcSeconds) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut outlive = Vec::new();
    for certificate in certificates {
        let is_retired = matches!(certificate.summary.slot, Slot::Retired(_));
        match super::certificate::rsa_key_bits(&certificate.der) {
            // Keys of old mail are what they are.
            _ if is_retired => {}
            Some(bits) if bits < SHORTEST_RSA => findings.push(Finding::fault(
                &object(certificate),
                &format!("its key has {bits} bits, too few to be safe"),
                &format!("Portals refuse keys this short. {REPLACE}"),
            )),
            Some(SHORTEST_RSA) if at >= RSA_2048_ENDS => findings.push(Finding::warning(
                &object(certificate),
                "its RSA-2048 key is not to be used after 2030",
                "Portals may refuse it. A card issued today has a longer key: ask an ID card office for one.",
            )),
            Some(SHORTEST_RSA) if certificate.summary.not_after >= RSA_2048_ENDS => {
                outlive.push(certificate.summary.slot.to_string());
            }
            Some(_) | None => {}
        }
    }
    if !outlive.is_empty() {
        findings.push(Finding::note(
            "card",
            &format!(
                "it will hold RSA-2048 keys after 2030 ({})",
                outlive.join(", ")
            ),
            "RSA-2048 is not to be used after 2030. Nothing to do now; the next card will have longer keys.",
        ));
    }
    findings
}

/// All of the holder's certificates name the same subject.
fn subjects(certificates: &[CardCertificate]) -> Vec<Finding> {
    let mut of_the_holder = certificates
        .iter()
        .filter(|certificate| is_of_the_holder(certificate));
    let Some(first) = of_the_holder.next() else {
        return Vec::new();
    };
    of_the_holder
        .filter(|other| other.summary.subject_dn != first.summary.subject_dn)
        .map(|other| {
            Finding::warning(
                &object(other),
                &format!("it names another subject than the one in {}", first.summary.slot),
                "Your name or component changed between two issues, or they are two people's. Portals may know you by one and not by the other; an ID card office can put that right.",
            )
        })
        .collect()
}

/// Certificates from an authority that issues none for cards.
fn issuers(certificates: &[CardCertificate]) -> Vec<Finding> {
    certificates
        .iter()
        .filter(|certificate| is_of_the_holder(certificate))
        .filter_map(|certificate| {
            let (fault, meaning) = match Issuer::of(&certificate.summary) {
                Issuer::DodSoftware | Issuer::DodDerived => (
                    "its issuer issues none for cards",
                    "Its key may lie elsewhere too, so it proves less. Portals that ask for a card may refuse it.",
                ),
                Issuer::Other if names_the_dod(certificate) => (
                    "it names the DoD, and none of the DoD's authorities issued it",
                    "DoD portals refuse it. If this should be a CAC, have it looked at by an ID card office.",
                ),
                Issuer::DodIdentity
                | Issuer::DodMail
                | Issuer::Test
                | Issuer::ClassifiedNetwork
                | Issuer::Other => return None,
            };
            Some(Finding::note(&object(certificate), fault, meaning))
        })
        .collect()
}

/// The units that every certificate of the DoD's has in its subject.
fn names_the_dod(certificate: &CardCertificate) -> bool {
    let has = |unit: &str| {
        certificate
            .summary
            .subject_dn
            .split(',')
            .any(|part| part == unit)
    };
    has("OU=DoD") && has("OU=PKI")
}

/// A card of a test PKI.
fn test_card(certificates: &[CardCertificate]) -> Option<Finding> {
    let is_test = |certificate: &CardCertificate| {
        certificate.purposes.is_test_policy() || Issuer::of(&certificate.summary) == Issuer::Test
    };
    certificates.iter().any(is_test).then(|| {
        Finding::note(
            "card",
            "it is a test card",
            "Portals in use refuse it. To sign in for real, put in your own card.",
        )
    })
}

/// A card that may be a token of a classified network.
fn classified_network(certificates: &[CardCertificate]) -> Option<Finding> {
    let is_classified = |certificate: &CardCertificate| {
        Issuer::of(&certificate.summary) == Issuer::ClassifiedNetwork
    };
    certificates.iter().any(is_classified).then(|| {
        Finding::warning(
            "card",
            "it looks like a token of a classified network",
            "Do not use it here: take it out, and put in your CAC.",
        )
    })
}

/// A card with the older identity certificate alone: its PIV Authentication
/// certificate was never switched on, or it is older than that.
fn not_activated(certificates: &[CardCertificate]) -> Option<Finding> {
    let has_authentication = certificates.iter().any(|certificate| {
        certificate.summary.slot == Slot::Authentication
            || certificate.purposes.role() == Role::Authentication
    });
    let has_identity = certificates.iter().any(|certificate| {
        is_of_the_holder(certificate) && certificate.purposes.role() == Role::Identity
    });
    (has_identity && !has_authentication).then(|| {
        Finding::warning(
            "card",
            "it has no PIV Authentication certificate, only the older identity certificate",
            "Portals that still take the older one work. For the others, switch the certificate on at ID Card Office Online, or have the card replaced.",
        )
    })
}

/// The same certificate in two places, as where both edges of a card show it.
fn duplicates(certificates: &[CardCertificate]) -> Vec<Finding> {
    certificates
        .iter()
        .enumerate()
        .filter_map(|(at, certificate)| {
            let before = certificates[..at]
                .iter()
                .find(|before| before.summary.sha256 == certificate.summary.sha256)?;
            Some(Finding::note(
                &object(certificate),
                &format!("it is the same as the one in {}", before.summary.slot),
                "The card shows one certificate in two places. Nothing to do.",
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests;
