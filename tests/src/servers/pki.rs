//! Somebody who signs in without a card: a certificate, and a key of software
//! that does what a card does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::Context as _;
use cac_common::certificate::{ChainStatus, Revocation};
use cac_common::time::UtcSeconds;
use cacd::portal::{Identity, Signer, SignerFailed, Standing};
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::clock;
use crate::portal::authority::Authority;
use crate::virtual_card::key::{KeyAlgorithm, PrivateKey};

/// Whom every certificate here names.
pub const COMMON_NAME: &str = "DOE.JANE.Q.1234567890";

/// A certificate with its way up to the root, and its key.
#[derive(Clone)]
pub struct Holder {
    certificate: Vec<u8>,
    serial: [u8; 16],
    key: Arc<Key>,
    /// What goes along; all below the root, unless a test takes it away.
    pub intermediates: Vec<Vec<u8>>,
    /// What is known of the certificate; nothing, unless a test knows more.
    pub standing: Standing,
}

struct Key {
    private: PrivateKey,
    pkcs8: String,
    signed: AtomicUsize,
}

impl Holder {
    /// With a certificate for signing in, and what `change` makes of it.
    pub fn new(
        authority: &Authority,
        algorithm: KeyAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> anyhow::Result<Self> {
        let private = PrivateKey::generate(algorithm)?;
        let pkcs8 = private.to_pkcs8()?;
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(pkcs8.as_slice()),
            signature_algorithm(algorithm),
        )?;
        let mut serial: [u8; 16] = rand::random();
        serial[0] = serial[0] & 0x7F | 0x40;
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, COMMON_NAME);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // The key identifier of the issuer, by which its revocation list is found.
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let now = clock::now().duration_since(UNIX_EPOCH)?.as_secs();
        Ok(Self {
            certificate: authority.certify(&params, &pair)?,
            serial,
            key: Arc::new(Key {
                private,
                pkcs8: pair.serialize_pem(),
                signed: AtomicUsize::new(0),
            }),
            intermediates: vec![authority.issuing_der()],
            standing: Standing {
                at: UtcSeconds(i64::try_from(now).context("the clock is far ahead")?),
                chain: ChainStatus::NotConfigured,
                revocation: Revocation::NotChecked,
            },
        })
    }

    pub fn identity(&self) -> Identity {
        Identity {
            certificate: self.certificate.clone(),
            intermediates: self.intermediates.clone(),
            standing: self.standing.clone(),
            accepted: Vec::new(),
            signer: Arc::clone(&self.key) as Arc<dyn Signer>,
        }
    }

    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// How often the key was used.
    pub fn signed(&self) -> usize {
        self.key.signed.load(Ordering::Relaxed)
    }

    /// Certificate, way up and key in one file, as other clients take them.
    pub fn pem(&self) -> String {
        let certificates = std::iter::once(&self.certificate).chain(&self.intermediates);
        certificates
            .map(|der| crate::virtual_card::card_file::pem("CERTIFICATE", der))
            .chain([self.key.pkcs8.clone()])
            .collect()
    }
}

impl Signer for Key {
    fn sign(&self, block: &[u8]) -> Result<Vec<u8>, SignerFailed> {
        self.signed.fetch_add(1, Ordering::Relaxed);
        self.private.answer_challenge(block).ok_or(SignerFailed)
    }
}

fn signature_algorithm(algorithm: KeyAlgorithm) -> &'static rcgen::SignatureAlgorithm {
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 => &rcgen::PKCS_RSA_SHA256,
        KeyAlgorithm::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        KeyAlgorithm::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    }
}
