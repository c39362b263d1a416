//! What another program made, as `tests/data/openssl` has it: RSA, and no
//! encoding of ours.

use std::sync::Arc;

use cac_common::certificate::Revocation;
use cac_common::time::UtcSeconds;
use cac_common::x509::signature::SignatureFault;

use super::answers::Net;
use super::pki::{AUTHENTICATION, identifier, parse, trusted};
use crate::trust::TrustedPath;
use crate::trust::cms::{
    CHUID_CONTENT, CONTENT_SIGNING, CmsFault, SECURITY_OBJECT_CONTENT, verify_attached,
    verify_detached,
};
use crate::trust::path::{Pool, Question, judge};
use crate::trust::revocation::Revocations;

const ROOT: &[u8] = include_bytes!("../../../../tests/data/openssl/root.der");
const AUTHORITY: &[u8] = include_bytes!("../../../../tests/data/openssl/authority.der");
const CARD: &[u8] = include_bytes!("../../../../tests/data/openssl/card.der");
const SIGNER: &[u8] = include_bytes!("../../../../tests/data/openssl/signer.der");
const GOOD_OCSP: &[u8] = include_bytes!("../../../../tests/data/openssl/good.ocsp");
const REVOKED_OCSP: &[u8] = include_bytes!("../../../../tests/data/openssl/revoked.ocsp");
const EMPTY_CRL: &[u8] = include_bytes!("../../../../tests/data/openssl/empty.crl");
const REVOKED_CRL: &[u8] = include_bytes!("../../../../tests/data/openssl/revoked.crl");
const CONTENT: &[u8] = include_bytes!("../../../../tests/data/openssl/content");
const DETACHED: &[u8] = include_bytes!("../../../../tests/data/openssl/detached.cms");
const ATTACHED: &[u8] = include_bytes!("../../../../tests/data/openssl/attached.cms");
const SHA1: &[u8] = include_bytes!("../../../../tests/data/openssl/sha1.cms");

/// An hour after they were made.
const NOW: UtcSeconds = UtcSeconds(1_795_737_673);

#[test]
fn its_path_holds_with_its_policies() {
    let path = path_of(CARD);

    assert_eq!(path.titles(), ["Test Authority 1", "Test Root 1"]);
    assert!(path.policies.holds(identifier(AUTHENTICATION)));
}

#[tokio::test]
async fn its_responder_and_its_crl_say_the_same() {
    let path = path_of(CARD);
    let good = [
        Net::default().with_ocsp(|_| GOOD_OCSP.to_vec()),
        Net::default().with_crl(EMPTY_CRL.to_vec()),
    ];
    let revoked = [
        Net::default().with_ocsp(|_| REVOKED_OCSP.to_vec()),
        Net::default().with_crl(REVOKED_CRL.to_vec()),
    ];

    for net in good {
        let revocation = Revocations::new(Arc::new(net)).check(&path, NOW).await;

        assert!(
            matches!(revocation, Revocation::Good { .. }),
            "{revocation:?}"
        );
    }
    for net in revoked {
        let revocation = Revocations::new(Arc::new(net)).check(&path, NOW).await;

        let Revocation::Revoked { since, reason } = revocation else {
            panic!("{revocation:?}");
        };
        assert_eq!(since, UtcSeconds(1_795_734_073));
        assert_eq!(reason.as_deref(), Some("keyCompromise"));
    }
}

#[test]
fn its_signatures_are_verified_and_lead_to_the_root() {
    let detached = verify_detached(DETACHED, CONTENT, CHUID_CONTENT, &[]).unwrap();
    let (attached, content) =
        verify_attached(ATTACHED, &SECURITY_OBJECT_CONTENT, &[parse(SIGNER)]).unwrap();

    assert_eq!(content, CONTENT);
    for signer in [detached, attached] {
        assert!(signer.certificate.is_for(CONTENT_SIGNING));
        let path = path_of(signer.certificate.der());
        assert_eq!(path.titles(), ["Test Authority 1", "Test Root 1"]);
    }
}

#[test]
fn its_signatures_are_about_what_was_signed() {
    let changed = verify_detached(DETACHED, b"something else", CHUID_CONTENT, &[]);
    let other_kind = verify_detached(DETACHED, CONTENT, CONTENT_SIGNING, &[]);
    let no_signer = verify_attached(ATTACHED, &SECURITY_OBJECT_CONTENT, &[parse(CARD)]);
    let inside = verify_detached(ATTACHED, CONTENT, SECURITY_OBJECT_CONTENT[0], &[]);
    let beside = verify_attached(DETACHED, &[CHUID_CONTENT], &[]);

    assert_eq!(changed, Err(CmsFault::Changed));
    let content_type = CHUID_CONTENT;
    assert_eq!(other_kind, Err(CmsFault::WrongContent { content_type }));
    assert_eq!(no_signer, Err(CmsFault::NoCertificate));
    assert_eq!(inside, Err(CmsFault::ContentInside));
    assert_eq!(beside, Err(CmsFault::NoContent));
}

#[test]
fn a_signature_by_sha1_is_told_to_be_too_old() {
    let old = verify_detached(SHA1, CONTENT, CHUID_CONTENT, &[]);

    assert_eq!(old, Err(CmsFault::Signature(SignatureFault::Sha1)));
}

#[test]
fn no_message_makes_it_panic_or_pass_wherever_it_is_changed() {
    let mut passed = Vec::new();
    for at in 0..DETACHED.len() {
        let mut changed = DETACHED.to_vec();
        changed[at] ^= 0x01;

        if let Ok(signer) = verify_detached(&changed, CONTENT, CHUID_CONTENT, &[]) {
            // What is not signed may differ; the certificate has a signature
            // of its own.
            passed.push((at, signer.certificate));
        }
        let _ = verify_detached(&DETACHED[..at], CONTENT, CHUID_CONTENT, &[]);
    }
    for (at, certificate) in passed {
        let is_same = certificate == parse(SIGNER);
        let verdict = judge(&pool(&[ROOT], &[AUTHORITY]).borrow(), certificate.der(), AT);
        let is_trusted = matches!(verdict, crate::trust::Verdict::Trusted(_));
        assert_eq!(is_trusted, is_same, "{at}");
    }
}

const AT: Question<'_> = Question {
    at: NOW,
    policies: &[],
};

struct Known(
    Vec<crate::trust::Certificate>,
    Vec<crate::trust::Certificate>,
);

impl Known {
    fn borrow(&self) -> Pool<'_> {
        Pool {
            anchors: &self.0,
            intermediates: &self.1,
            other_roots: &[],
        }
    }
}

fn pool(anchors: &[&[u8]], intermediates: &[&[u8]]) -> Known {
    Known(
        super::pki::parse_all(anchors),
        super::pki::parse_all(intermediates),
    )
}

fn path_of(certificate: &[u8]) -> TrustedPath {
    trusted(judge(
        &pool(&[ROOT], &[AUTHORITY]).borrow(),
        certificate,
        AT,
    ))
}
