//! What a certificate says, and what is known of it, in the words people read.

pub mod extensions;
pub mod signing_in;

use cac_common::certificate::{CertificateSummary, ChainStatus, Revocation, Role, Slot};
use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::{Tone, date, days_left, validity};

/// From here on an end is near, in days.
const SOON: i64 = 30;

/// The most of one list that is told; a card can hold a thousand policies.
pub(crate) const MOST_OF_A_LIST: usize = 20;

/// `9A Authentication`; of a CAC applet, whose place says nothing, with its
/// role instead: `0100 Identity`.
pub fn place(certificate: &CertificateSummary) -> String {
    match certificate.slot {
        Slot::Applet(_) => {
            let role = super::capitalised(role(certificate.role));
            format!("{:04X} {role}", certificate.slot.number())
        }
        Slot::Authentication
        | Slot::Signature
        | Slot::KeyManagement
        | Slot::CardAuthentication
        | Slot::Retired(_) => certificate.slot.to_string(),
    }
}

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Authentication => "authentication",
        Role::Identity => "identity",
        Role::Signature => "signature",
        Role::Encryption => "encryption",
        Role::Card => "card",
        Role::ContentSigning => "content signing",
        Role::Other => "other",
    }
}

/// What its key is used for.
pub fn purpose(certificate: &CertificateSummary) -> &'static str {
    match (certificate.role, certificate.slot) {
        (Role::Authentication, _) => "signing in, after the PIN",
        (Role::Identity, _) => "signing in where there is no newer one, after the PIN",
        (Role::Signature, _) => "signing documents and mail, each after the PIN",
        (Role::Encryption, Slot::Retired(_)) => "opening what was encrypted with an earlier key",
        (Role::Encryption, _) => "opening what was encrypted for the holder",
        (Role::Card, _) => "proving the card itself, without a PIN",
        (Role::ContentSigning, _) => "signing what stands on cards",
        (Role::Other, _) => "none of the uses that we know",
    }
}

/// How its dates stand.
pub fn lifetime(certificate: &CertificateSummary, now: UtcSeconds, zone: &TimeZone) -> Tone {
    if now > certificate.not_after || now < certificate.not_before {
        Tone::Bad
    } else if days_left(now, certificate.not_after, zone) < SOON {
        Tone::Wanted
    } else {
        Tone::Good
    }
}

/// What matters most of how it stands, in a word or two.
pub fn standing(
    certificate: &CertificateSummary,
    now: UtcSeconds,
    zone: &TimeZone,
) -> (Tone, String) {
    let validity = validity(now, (certificate.not_before, certificate.not_after), zone);
    let lifetime = lifetime(certificate, now, zone);
    if let Revocation::Revoked { .. } = certificate.revocation {
        (Tone::Bad, "revoked".into())
    } else if let ChainStatus::NotTrusted { .. } = certificate.chain
        && lifetime != Tone::Bad
    {
        (Tone::Bad, "not trusted".into())
    } else {
        (lifetime, validity)
    }
}

/// Whether it is trusted and not revoked, in a few words; nothing where
/// neither was checked.
pub fn verdict(certificate: &CertificateSummary) -> String {
    let chain = match &certificate.chain {
        ChainStatus::NotChecked | ChainStatus::NotConfigured => None,
        ChainStatus::Trusted { .. } => Some("trusted"),
        ChainStatus::Test { .. } => Some("for tests"),
        ChainStatus::NotTrusted { .. } => Some("not trusted"),
    };
    let revocation = match &certificate.revocation {
        Revocation::NotChecked => None,
        Revocation::Good { .. } => Some("not revoked"),
        Revocation::Revoked { .. } => Some("revoked"),
        Revocation::Unknown { .. } => Some("revocation unknown"),
        Revocation::Offline { .. } => Some("not asked"),
    };
    let told: Vec<&str> = chain.into_iter().chain(revocation).collect();
    told.join(", ")
}

/// Whether it leads up to an authority that is trusted.
pub fn chain(chain: &ChainStatus) -> (Tone, String) {
    match chain {
        ChainStatus::NotChecked => (Tone::Quiet, "not checked".into()),
        ChainStatus::NotConfigured => (
            Tone::Quiet,
            "not checked: no authority is trusted here".into(),
        ),
        ChainStatus::Trusted { path } if path.is_empty() => (Tone::Good, "trusted".into()),
        ChainStatus::Trusted { path } => (Tone::Good, format!("trusted, under {}", several(path))),
        ChainStatus::Test { authority } => (
            Tone::Wanted,
            format!("for tests alone: under {}", readable(authority)),
        ),
        ChainStatus::NotTrusted { reason } => {
            (Tone::Bad, format!("not trusted: {}", readable(reason)))
        }
    }
}

/// Whether it was taken back before its time.
pub fn revocation(revocation: &Revocation, zone: &TimeZone) -> (Tone, String) {
    match revocation {
        Revocation::NotChecked => (Tone::Quiet, "not checked".into()),
        Revocation::Good { at } => (
            Tone::Good,
            format!("not revoked, as of {}", super::moment(*at, zone)),
        ),
        Revocation::Revoked { since, reason } => {
            let reason = reason.as_deref().map(readable);
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            let since = date(*since, zone);
            (Tone::Bad, format!("revoked since {since}{reason}"))
        }
        Revocation::Unknown { why } => (Tone::Wanted, format!("not known: {}", readable(why))),
        Revocation::Offline { why } => (
            Tone::Working,
            format!("nobody could be asked: {}", readable(why)),
        ),
    }
}

/// `digitalSignature, nonRepudiation`, made harmless.
pub fn several(words: &[String]) -> String {
    let told: Vec<String> = words
        .iter()
        .take(MOST_OF_A_LIST)
        .map(|word| readable(word))
        .collect();
    let told = told.join(", ");
    match words.len().checked_sub(MOST_OF_A_LIST) {
        None | Some(0) => told,
        Some(more) => format!("{told} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use cac_common::certificate::Applet;

    use super::*;
    use crate::invented;

    fn certificate() -> CertificateSummary {
        let desk = invented::desk();
        let card = desk.readers.into_iter().find_map(|reader| reader.card);
        card.unwrap().certificates.remove(0)
    }

    #[test]
    fn what_is_worst_of_a_certificate_is_told_first() {
        let later = UtcSeconds(certificate().not_after.0 + 1);
        let soon = UtcSeconds(certificate().not_after.0 - 60);
        let not_trusted = CertificateSummary {
            chain: ChainStatus::NotTrusted {
                reason: "no issuer".into(),
            },
            ..certificate()
        };
        let revoked = CertificateSummary {
            revocation: Revocation::Revoked {
                since: UtcSeconds(0),
                reason: None,
            },
            ..not_trusted.clone()
        };
        for (certificate, now, tone, told) in [
            (certificate(), invented::NOW, Tone::Good, "412 days left"),
            (certificate(), soon, Tone::Wanted, "ends today"),
            (not_trusted.clone(), soon, Tone::Bad, "not trusted"),
            (not_trusted, later, Tone::Bad, "expired just now"),
            (revoked, later, Tone::Bad, "revoked"),
        ] {
            assert_eq!(
                standing(&certificate, now, &TimeZone::UTC),
                (tone, told.to_owned())
            );
        }
    }

    #[test]
    fn a_cac_applet_is_called_by_its_role() {
        let certificate = CertificateSummary {
            slot: Slot::Applet(Applet::new(1).unwrap()),
            role: Role::Identity,
            ..certificate()
        };

        assert_eq!(place(&certificate), "0101 Identity");
    }

    #[test]
    fn a_list_without_an_end_is_cut() {
        let words = vec!["2.5.29.32.0".to_owned(); 1000];

        let told = several(&words);

        assert!(told.ends_with("2.5.29.32.0 and 980 more"), "{told}");
    }

    #[test]
    fn each_verdict_has_words_of_its_own() {
        let told = [
            chain(&ChainStatus::NotChecked).1,
            chain(&ChainStatus::NotConfigured).1,
            chain(&ChainStatus::Trusted {
                path: vec!["DOD ID CA-9901".into(), "DoD Root CA 99".into()],
            })
            .1,
            chain(&ChainStatus::Test {
                authority: "DoD JITC Root CA 99".into(),
            })
            .1,
            chain(&ChainStatus::NotTrusted {
                reason: "it has no issuer here".into(),
            })
            .1,
        ];
        assert_eq!(
            told,
            [
                "not checked",
                "not checked: no authority is trusted here",
                "trusted, under DOD ID CA-9901, DoD Root CA 99",
                "for tests alone: under DoD JITC Root CA 99",
                "not trusted: it has no issuer here",
            ]
        );
        let told = [
            Revocation::NotChecked,
            Revocation::Good { at: invented::NOW },
            Revocation::Revoked {
                since: invented::NOW,
                reason: Some("keyCompromise".into()),
            },
            Revocation::Unknown {
                why: "the responder does not know it".into(),
            },
            Revocation::Offline {
                why: "no route to host".into(),
            },
        ]
        .map(|one| revocation(&one, &TimeZone::UTC).1);
        assert_eq!(
            told,
            [
                "not checked",
                "not revoked, as of 2026-11-22 14:02:09",
                "revoked since 2026-11-22 (keyCompromise)",
                "not known: the responder does not know it",
                "nobody could be asked: no route to host",
            ]
        );
    }
}
