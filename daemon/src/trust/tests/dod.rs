//! The DoD's public authorities, as `tests/data/dod` has them.

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::bundle;
use cac_common::time::UtcSeconds;
use cac_common::x509::Certificate;
use cac_common::x509::signature::SignatureFault;

use super::pki::trusted;
use crate::trust::path::{PathFault, Pool, Question, Verdict, judge};

const PEM: &[u8] = include_bytes!("../../../../tests/data/dod/dod-ca-certs-2019.pem");
const DER_BUNDLE: &[u8] = include_bytes!("../../../../tests/data/dod/dod-ca-certs-2019.der.p7b");
const PEM_BUNDLE: &[u8] = include_bytes!("../../../../tests/data/dod/dod-ca-certs-2019.pem.p7b");

/// Where administrators are told what to compare.
const DOCUMENT: &str = include_str!("../../../../docs/trust.md");

const ROOTS: [(&str, &str); 4] = [
    (
        "DoD Root CA 2",
        "9676f287356c89a12683d65234098cb77c4f1c18f23c0e541de0e196725b7ebe",
    ),
    (
        "DoD Root CA 3",
        "b107b33f453e5510f68e513110c6f6944bacc263df0137f821c1b3c2f8f863d2",
    ),
    (
        "DoD Root CA 4",
        "559a5189452b13f8233f0022363c06f26e3c517c1d4b77445035959df3244f74",
    ),
    (
        "DoD Root CA 5",
        "1f4ede9dc2a241f6521bf518424acd49ebe84420e69daf5bac57af1f8ee294a9",
    ),
];

/// 2020-01-01 00:00 UTC, when every authority in it was good.
const IN_THEIR_TIME: UtcSeconds = UtcSeconds(1_577_836_800);

#[test]
fn every_form_of_the_bundle_holds_the_same_certificates() {
    let pem = sorted(PEM);

    assert_eq!(pem.len(), 42);
    assert_eq!(sorted(DER_BUNDLE), pem);
    assert_eq!(sorted(PEM_BUNDLE), pem);
}

#[test]
fn its_roots_are_those_that_are_published() {
    let (mut roots, _) = roots_and_others();
    roots.sort_by(|one, other| one.title().cmp(other.title()));

    let found: Vec<_> = roots
        .iter()
        .map(|root| (root.title().to_owned(), sha256(root.der())))
        .collect();

    assert_eq!(found, ROOTS.map(|(name, hash)| (name.into(), hash.into())));
    for (name, hash) in found {
        let row = DOCUMENT
            .lines()
            .find(|line| line.starts_with(&format!("| {name} |")));
        assert!(row.unwrap().contains(&hash.to_uppercase()), "{name}");
    }
}

#[test]
fn every_authority_leads_to_its_root() {
    let (roots, others) = roots_and_others();
    let mut under = [0; 4];

    for authority in &others {
        let verdict = judged(&roots, &others, authority, IN_THEIR_TIME);

        let root = ROOTS
            .iter()
            .position(|(name, _)| *name == authority.issuer.title);
        under[root.unwrap()] += 1;
        if authority.issuer.title == "DoD Root CA 2" {
            // It signed with SHA-1, as it signed itself.
            assert_eq!(
                verdict,
                Verdict::NotTrusted(PathFault::Signature {
                    subject: "the certificate".into(),
                    fault: SignatureFault::Sha1,
                })
            );
        } else {
            assert_eq!(trusted(verdict).titles(), [authority.issuer.title.as_str()]);
        }
    }

    assert_eq!(under, [10, 22, 4, 2]);
}

#[test]
fn every_authority_in_it_has_expired_by_now() {
    let (roots, others) = roots_and_others();
    let in_2026 = super::pki::NOW;

    for authority in &others {
        let verdict = judged(&roots, &others, authority, in_2026);

        let subject = "the certificate".into();
        assert_eq!(verdict, Verdict::NotTrusted(PathFault::Expired { subject }));
    }
}

fn judged(
    anchors: &[Certificate],
    intermediates: &[Certificate],
    certificate: &Certificate,
    at: UtcSeconds,
) -> Verdict {
    let pool = Pool {
        anchors,
        intermediates,
        other_roots: &[],
    };
    let question = Question { at, policies: &[] };
    judge(&pool, certificate.der(), question)
}

fn roots_and_others() -> (Vec<Certificate>, Vec<Certificate>) {
    bundle::read(PEM)
        .unwrap()
        .into_iter()
        .partition(Certificate::is_self_signed_authority)
}

fn sorted(file: &[u8]) -> Vec<String> {
    let certificates = bundle::read(file).unwrap();
    let mut hashes: Vec<_> = certificates.iter().map(|one| sha256(one.der())).collect();
    hashes.sort();
    hashes
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut text = String::new();
    for byte in digest(&SHA256, bytes).as_ref() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}
