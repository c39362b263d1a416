//! Someone who signs in: a certificate and a key made of software that does
//! what a card does, the raw operation only.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, RsaKeyPair,
};
use cac_common::certificate::{ChainStatus, Revocation};
use cac_common::time::UtcSeconds;
use rcgen::{CertificateParams, DnType, KeyPair, SignatureAlgorithm};
use rsa::BigUint;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rustls::pki_types::PrivatePkcs8KeyDer;

use super::server::Authority;
use crate::portal::{Identity, Signer, SignerFailed, Standing};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rsa2048,
    Rsa3072,
    P256,
    P384,
}

/// Counts what it signs.
pub(super) struct Key {
    pub(super) signed: AtomicUsize,
    /// How long it takes, as a card does.
    pub(super) pause: Duration,
    private: Private,
}

enum Private {
    Rsa(Box<rsa::RsaPrivateKey>),
    Ec(EcdsaKeyPair, &'static digest::Algorithm),
    Broken,
    Babbling,
}

/// Slow to make, so once.
static RSA_2048: LazyLock<Vec<u8>> = LazyLock::new(|| rsa_key(KeySize::Rsa2048));
static RSA_3072: LazyLock<Vec<u8>> = LazyLock::new(|| rsa_key(KeySize::Rsa3072));

pub(super) struct Holder {
    pub(super) key: Arc<Key>,
    certificate: Vec<u8>,
}

impl Holder {
    pub(super) fn new(kind: Kind, authority: &Authority) -> Self {
        Self::with(kind, authority, |_| {})
    }

    pub(super) fn with(
        kind: Kind,
        authority: &Authority,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let pkcs8 = private_key(kind);
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "DOE.JANE.Q.1234567890");
        change(&mut params);
        let own = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(pkcs8.as_slice()),
            algorithm(kind),
        )
        .unwrap();
        let certificate = params.signed_by(&own, &authority.issuer).unwrap();
        Self {
            key: Arc::new(Key::new(kind, &pkcs8)),
            certificate: certificate.der().to_vec(),
        }
    }

    /// With another key than the certificate's.
    pub(super) fn with_key_of(mut self, other: Self) -> Self {
        self.key = other.key;
        self
    }

    pub(super) fn with_pause(self, pause: Duration) -> Self {
        self.with_key(|key| key.pause = pause)
    }

    pub(super) fn with_broken_key(self) -> Self {
        self.with_key(|key| key.private = Private::Broken)
    }

    /// Of the right length, and no signatures.
    pub(super) fn with_wrong_answers(self) -> Self {
        self.with_key(|key| key.private = Private::Babbling)
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            certificate: self.certificate.clone(),
            intermediates: Vec::new(),
            standing: standing(),
            accepted: Vec::new(),
            signer: Arc::clone(&self.key) as Arc<dyn Signer>,
        }
    }

    pub(super) fn signed(&self) -> usize {
        self.key.signed.load(Ordering::Relaxed)
    }

    fn with_key(mut self, change: impl FnOnce(&mut Key)) -> Self {
        change(Arc::get_mut(&mut self.key).unwrap());
        self
    }
}

/// Nothing is wrong with the certificate, and nothing was asked about it.
pub(super) fn standing() -> Standing {
    Standing {
        // 2026-01-01
        at: UtcSeconds(1_767_225_600),
        chain: ChainStatus::Trusted {
            path: vec!["Test CA".into()],
        },
        revocation: Revocation::NotChecked,
    }
}

impl Key {
    fn new(kind: Kind, pkcs8: &[u8]) -> Self {
        let ec = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap();
        let private = match kind {
            Kind::Rsa2048 | Kind::Rsa3072 => {
                Private::Rsa(Box::new(rsa::RsaPrivateKey::from_pkcs8_der(pkcs8).unwrap()))
            }
            Kind::P256 => Private::Ec(ec(&ECDSA_P256_SHA256_ASN1_SIGNING), &digest::SHA256),
            Kind::P384 => Private::Ec(ec(&ECDSA_P384_SHA384_ASN1_SIGNING), &digest::SHA384),
        };
        Self {
            signed: AtomicUsize::new(0),
            pause: Duration::ZERO,
            private,
        }
    }
}

impl Signer for Key {
    fn sign(&self, block: &[u8]) -> Result<Vec<u8>, SignerFailed> {
        self.signed.fetch_add(1, Ordering::Relaxed);
        thread::sleep(self.pause);
        match &self.private {
            Private::Rsa(key) => {
                // A card answers 6A80 to any other length.
                if block.len() != key.size() {
                    return Err(SignerFailed);
                }
                let power = BigUint::from_bytes_be(block).modpow(key.d(), key.n());
                let mut bytes = power.to_bytes_be();
                bytes.splice(0..0, std::iter::repeat_n(0, block.len() - bytes.len()));
                Ok(bytes)
            }
            Private::Ec(key, algorithm) => {
                let digest =
                    Digest::import_less_safe(block, algorithm).map_err(|_| SignerFailed)?;
                let signature = key.sign_digest(&digest).map_err(|_| SignerFailed)?;
                Ok(signature.as_ref().to_vec())
            }
            Private::Broken => Err(SignerFailed),
            Private::Babbling => Ok(vec![0x30; block.len()]),
        }
    }
}

fn private_key(kind: Kind) -> Vec<u8> {
    match kind {
        Kind::Rsa2048 => RSA_2048.clone(),
        Kind::Rsa3072 => RSA_3072.clone(),
        Kind::P256 | Kind::P384 => KeyPair::generate_for(algorithm(kind))
            .unwrap()
            .serialize_der(),
    }
}

fn algorithm(kind: Kind) -> &'static SignatureAlgorithm {
    match kind {
        Kind::Rsa2048 | Kind::Rsa3072 => &rcgen::PKCS_RSA_SHA256,
        Kind::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Kind::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    }
}

fn rsa_key(size: KeySize) -> Vec<u8> {
    let key = RsaKeyPair::generate(size).unwrap();
    key.as_der().unwrap().as_ref().to_vec()
}
