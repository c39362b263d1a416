//! Private keys: those on the card, and those of the authority that vouches for them.

use std::str::FromStr;

use aws_lc_rs::agreement;
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256,
};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What kind of key a card carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyAlgorithm {
    /// Two-prime RSA with a modulus of 256 bytes.
    Rsa2048,
    /// Two-prime RSA with a modulus of 384 bytes.
    Rsa3072,
    /// ECDSA on the curve P-256.
    P256,
    /// ECDSA on the curve P-384.
    P384,
}

/// The name is none of the four.
#[derive(Debug, thiserror::Error)]
#[error("a key algorithm is rsa2048, rsa3072, p256 or p384")]
pub struct NotAKeyAlgorithm;

/// The key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The library gives no more detail.
    #[error("key could not be made or used")]
    Unspecified,

    /// The bytes are no PKCS#8 private key of a kind we know.
    #[error("stored key cannot be read")]
    Unreadable,
}

/// An elliptic curve, and the hash that is as long as it.
struct Curve {
    signing: &'static EcdsaSigningAlgorithm,
    hash: &'static digest::Algorithm,
    agreement: &'static agreement::Algorithm,
    /// Bytes of an uncompressed point.
    point: usize,
}

static P256: Curve = Curve {
    signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
    hash: &digest::SHA256,
    agreement: &agreement::ECDH_P256,
    point: 65,
};

static P384: Curve = Curve {
    signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
    hash: &digest::SHA384,
    agreement: &agreement::ECDH_P384,
    point: 97,
};

/// What it takes to make a key.
enum Kind {
    Rsa(KeySize),
    Ec(&'static Curve),
}

impl KeyAlgorithm {
    /// The algorithm identifier of GENERAL AUTHENTICATE (SP 800-78-5, table 9).
    pub(crate) fn reference(self) -> u8 {
        match self {
            Self::Rsa2048 => 0x07,
            Self::Rsa3072 => 0x05,
            Self::P256 => 0x11,
            Self::P384 => 0x14,
        }
    }

    /// Whether an applet of a CAC can have such a key.
    pub(crate) fn is_rsa(self) -> bool {
        matches!(self.kind(), Kind::Rsa(_))
    }

    fn kind(self) -> Kind {
        match self {
            Self::Rsa2048 => Kind::Rsa(KeySize::Rsa2048),
            Self::Rsa3072 => Kind::Rsa(KeySize::Rsa3072),
            Self::P256 => Kind::Ec(&P256),
            Self::P384 => Kind::Ec(&P384),
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = NotAKeyAlgorithm;

    fn from_str(text: &str) -> Result<Self, NotAKeyAlgorithm> {
        match text {
            "rsa2048" => Ok(Self::Rsa2048),
            "rsa3072" => Ok(Self::Rsa3072),
            "p256" => Ok(Self::P256),
            "p384" => Ok(Self::P384),
            _ => Err(NotAKeyAlgorithm),
        }
    }
}

/// A private key that never leaves the card, except into a `CardFile`.
pub(crate) struct PrivateKey {
    algorithm: KeyAlgorithm,
    pair: Pair,
}

enum Pair {
    Rsa {
        signer: RsaKeyPair,
        bare: Box<RsaPrivateKey>,
    },
    Ec {
        signer: EcdsaKeyPair,
        curve: &'static Curve,
    },
}

impl PrivateKey {
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        match algorithm.kind() {
            Kind::Rsa(size) => {
                let key = RsaKeyPair::generate(size).map_err(|_| KeyError::Unspecified)?;
                let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Unspecified)?;
                Self::from_pkcs8(algorithm, pkcs8.as_ref())
            }
            Kind::Ec(curve) => {
                let signer =
                    EcdsaKeyPair::generate(curve.signing).map_err(|_| KeyError::Unspecified)?;
                let pair = Pair::Ec { signer, curve };
                Ok(Self { algorithm, pair })
            }
        }
    }

    pub(crate) fn from_pkcs8(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = match algorithm.kind() {
            Kind::Rsa(_) => Pair::Rsa {
                signer: RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Unreadable)?,
                bare: Box::new(
                    RsaPrivateKey::from_pkcs8_der(pkcs8).map_err(|_| KeyError::Unreadable)?,
                ),
            },
            Kind::Ec(curve) => Pair::Ec {
                signer: EcdsaKeyPair::from_pkcs8(curve.signing, pkcs8)
                    .map_err(|_| KeyError::Unreadable)?,
                curve,
            },
        };
        Ok(Self { algorithm, pair })
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let bytes = match &self.pair {
            Pair::Rsa { signer, .. } => {
                let pkcs8: Pkcs8V1Der<'_> = signer.as_der().map_err(|_| KeyError::Unspecified)?;
                pkcs8.as_ref().to_vec()
            }
            Pair::Ec { signer, .. } => {
                let pkcs8 = signer.to_pkcs8v1().map_err(|_| KeyError::Unspecified)?;
                pkcs8.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(bytes))
    }

    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// `SubjectPublicKeyInfo`, DER.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        let der: PublicKeyX509Der<'_> = match &self.pair {
            Pair::Rsa { signer, .. } => signer.public_key().as_der(),
            Pair::Ec { signer, .. } => signer.public_key().as_der(),
        }
        .map_err(|_| KeyError::Unspecified)?;
        Ok(der.as_ref().to_vec())
    }

    /// Signs a certificate: with SHA-256, or with the hash of the curve.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa { signer, .. } => {
                let mut signature = vec![0; signer.public_modulus_len()];
                signer
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| KeyError::Unspecified)?;
                Ok(signature)
            }
            Pair::Ec { signer, .. } => {
                let signature = signer
                    .sign(&random, message)
                    .map_err(|_| KeyError::Unspecified)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }

    /// What the card does with a challenge: the bare RSA operation on a block
    /// as long as the modulus, or ECDSA over a hash as long as the curve.
    /// `None` if the challenge does not fit.
    pub(crate) fn answer_challenge(&self, challenge: &[u8]) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::Rsa { bare, .. } => bare_operation(bare, challenge),
            Pair::Ec { signer, curve } => {
                let hash = Digest::import_less_safe(challenge, curve.hash).ok()?;
                Some(signer.sign_digest(&hash).ok()?.as_ref().to_vec())
            }
        }
    }

    /// The shared secret with a public point, as the key management key gives it.
    /// `None` for RSA keys and for what is no point on the curve.
    pub(crate) fn agree(&self, point: &[u8]) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::Rsa { .. } => None,
            Pair::Ec { signer, curve } => {
                // The card standard knows uncompressed points only.
                if point.len() != curve.point || point[0] != 0x04 {
                    return None;
                }
                let scalar: EcPrivateKeyBin<'_> = signer.private_key().as_be_bytes().ok()?;
                let own = agreement::PrivateKey::from_private_key(curve.agreement, scalar.as_ref())
                    .ok()?;
                let other = agreement::UnparsedPublicKey::new(curve.agreement, point);
                agreement::agree(&own, other, (), |secret| Ok(secret.to_vec())).ok()
            }
        }
    }
}

/// The bare RSA operation on a block as long as the modulus; `None` if it is not.
pub(crate) fn bare_operation(key: &RsaPrivateKey, block: &[u8]) -> Option<Vec<u8>> {
    let modulus = key.size();
    if block.len() != modulus {
        return None;
    }
    let block = rsa::BigUint::from_bytes_be(block);
    let no_blinding = None::<&mut rsa::rand_core::OsRng>;
    let result = rsa::hazmat::rsa_decrypt_and_check(key, no_blinding, &block).ok()?;
    let bytes = result.to_bytes_be();
    let mut padded = vec![0; modulus.checked_sub(bytes.len())?];
    padded.extend_from_slice(&bytes);
    Some(padded)
}

/// A key as short as those of the first CACs, which no other library makes any more.
pub(crate) struct OldKey {
    /// `SubjectPublicKeyInfo`, DER.
    pub(crate) public_key: Vec<u8>,
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
}

impl OldKey {
    /// RSA-1024.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024)
            .map_err(|_| KeyError::Unspecified)?;
        let public_key = key
            .to_public_key()
            .to_public_key_der()
            .map_err(|_| KeyError::Unspecified)?;
        let pkcs8 = key.to_pkcs8_der().map_err(|_| KeyError::Unspecified)?;
        Ok(Self {
            public_key: public_key.into_vec(),
            pkcs8: Zeroizing::new(pkcs8.as_bytes().to_vec()),
        })
    }
}
