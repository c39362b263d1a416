//! Messages that our own PKI signs.

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::x509::signature::SignatureFault;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SigningKey as _};

use super::answers::children;
use super::pki::{Authority, oid, parse, tlv};
use crate::trust::cms::{CHUID_CONTENT, CmsFault, Signer, verify_detached};

const CONTENT: &[u8] = b"the rest of a CHUID";

const CHUID: &str = "2.16.840.1.101.3.6.1";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";

/// A signature as it should be, whose parts a test can change.
struct Message {
    certificate: Vec<u8>,
    key: KeyPair,
    /// In the order of DER.
    attributes: Vec<Vec<u8>>,
    certificates: Vec<Vec<u8>>,
    signers: usize,
}

impl Message {
    fn new() -> Self {
        Self::by(|_| {})
    }

    fn by(change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let (certificate, key) = Authority::root("Root 1").issue("Signer 1", |params| {
            let purpose = vec![2, 16, 840, 1, 101, 3, 6, 7];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(purpose)];
            change(params);
        });
        let digest = digest(&SHA256, CONTENT);
        Self {
            certificates: vec![certificate.clone()],
            certificate,
            key,
            attributes: vec![
                attribute(CONTENT_TYPE, &[&oid(CHUID)]),
                attribute(MESSAGE_DIGEST, &[&tlv(4, &[digest.as_ref()])]),
            ],
            signers: 1,
        }
    }

    fn der(&self) -> Vec<u8> {
        let mut in_order = self.attributes.clone();
        in_order.sort();
        let signature = self.key.sign(&tlv(0x31, &[&in_order.concat()])).unwrap();
        let content = children(&self.certificate)[0].clone();
        let parts = children(&content);
        // Version, serial number, algorithm, issuer.
        let id = tlv(0x30, &[&parts[3], &parts[1]]);
        let sha256 = tlv(0x30, &[&oid("2.16.840.1.101.3.4.2.1")]);
        let mut signer = vec![vec![2, 1, 1], id, sha256.clone()];
        if !self.attributes.is_empty() {
            signer.push(tlv(0xA0, &[&self.attributes.concat()]));
        }
        signer.push(tlv(0x30, &[&oid("1.2.840.10045.4.3.2")]));
        signer.push(tlv(4, &[&signature]));
        let signers = tlv(0x30, &[&signer.concat()]).repeat(self.signers);
        let message = tlv(
            0x30,
            &[
                &[2, 1, 3],
                &tlv(0x31, &[&sha256]),
                &tlv(0x30, &[&oid(CHUID)]),
                &tlv(0xA0, &[&self.certificates.concat()]),
                &tlv(0x31, &[&signers]),
            ],
        );
        tlv(
            0x30,
            &[&oid("1.2.840.113549.1.7.2"), &tlv(0xA0, &[&message])],
        )
    }

    fn verify(&self) -> Result<Signer, CmsFault> {
        verify_detached(&self.der(), CONTENT, CHUID_CONTENT, &[])
    }
}

#[test]
fn a_signature_of_ecdsa_gives_its_signer() {
    let message = Message::new();

    let signer = message.verify().unwrap();

    assert_eq!(signer.certificate, parse(&message.certificate));
}

#[test]
fn attributes_are_verified_in_the_order_of_der_however_they_stand() {
    let mut message = Message::new();
    message.attributes.reverse();

    message.verify().unwrap();
}

#[test]
fn attributes_that_are_not_as_they_must_be_are_refused() {
    let sha256 = tlv(4, &[digest(&SHA256, CONTENT).as_ref()]);
    let content_type = attribute(CONTENT_TYPE, &[&oid(CHUID)]);
    let other_type = attribute(CONTENT_TYPE, &[&oid("1.2.840.113549.1.7.1")]);
    let own_digest = attribute(MESSAGE_DIGEST, &[&sha256]);

    for (attributes, what) in [
        (vec![], "none"),
        (vec![content_type.clone()], "no digest"),
        (vec![own_digest.clone()], "no content type"),
        (
            vec![other_type.clone(), own_digest.clone()],
            "another content type",
        ),
        (
            vec![content_type.clone(), other_type, own_digest.clone()],
            "two content types",
        ),
        (
            vec![content_type.clone(), own_digest.clone(), own_digest],
            "two digests",
        ),
        (
            vec![
                content_type.clone(),
                attribute(MESSAGE_DIGEST, &[&sha256, &sha256]),
            ],
            "a digest of two values",
        ),
        (
            vec![content_type, attribute(MESSAGE_DIGEST, &[])],
            "a digest of none",
        ),
        (vec![attribute("1.2.3", &[]); 33], "too many"),
    ] {
        let message = Message {
            attributes,
            ..Message::new()
        };

        assert_eq!(message.verify(), Err(CmsFault::Attributes), "{what}");
    }
}

#[test]
fn one_signer_is_wanted() {
    for count in [0, 2] {
        let message = Message {
            signers: count,
            ..Message::new()
        };

        assert_eq!(message.verify(), Err(CmsFault::Signers { count }));
    }
}

#[test]
fn the_signer_s_own_key_must_have_signed() {
    let message = Message {
        key: KeyPair::generate().unwrap(),
        ..Message::new()
    };

    let fault = CmsFault::Signature(SignatureFault::Wrong);
    assert_eq!(message.verify(), Err(fault));
}

#[test]
fn a_signer_without_a_certificate_is_nobody() {
    let message = Message {
        certificates: vec![Authority::root("Root 2").der],
        ..Message::new()
    };

    assert_eq!(message.verify(), Err(CmsFault::NoCertificate));
}

#[test]
fn a_key_that_is_for_something_else_does_not_sign() {
    let message = Message::by(|params| {
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    });

    assert_eq!(message.verify(), Err(CmsFault::MayNotSign));
}

fn attribute(kind: &str, values: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &[&oid(kind), &tlv(0x31, values)])
}
