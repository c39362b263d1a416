//! Private keys: those on the card, and those of the authority that vouches for them.

use std::str::FromStr;

use aws_lc_rs::agreement;
use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
};
use rsa::RsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What kind of key a card carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyAlgorithm {
    /// Two-prime RSA with a modulus of 256 bytes.
    Rsa2048,
    /// ECDSA on the curve P-256.
    P256,
}

/// The name is not one of `rsa2048` and `p256`.
#[derive(Debug, thiserror::Error)]
#[error("a key algorithm is rsa2048 or p256")]
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

impl KeyAlgorithm {
    /// The algorithm identifier of GENERAL AUTHENTICATE (SP 800-78-5, table 9).
    pub(crate) fn reference(self) -> u8 {
        match self {
            Self::Rsa2048 => 0x07,
            Self::P256 => 0x11,
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = NotAKeyAlgorithm;

    fn from_str(text: &str) -> Result<Self, NotAKeyAlgorithm> {
        match text {
            "rsa2048" => Ok(Self::Rsa2048),
            "p256" => Ok(Self::P256),
            _ => Err(NotAKeyAlgorithm),
        }
    }
}

/// A private key that never leaves the card, except into a `CardFile`.
pub(crate) enum PrivateKey {
    Rsa {
        signer: RsaKeyPair,
        bare: Box<RsaPrivateKey>,
    },
    P256 {
        signer: EcdsaKeyPair,
    },
}

impl PrivateKey {
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        match algorithm {
            KeyAlgorithm::Rsa2048 => {
                let key =
                    RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Unspecified)?;
                let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Unspecified)?;
                Self::from_pkcs8(algorithm, pkcs8.as_ref())
            }
            KeyAlgorithm::P256 => {
                let signer = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
                    .map_err(|_| KeyError::Unspecified)?;
                Ok(Self::P256 { signer })
            }
        }
    }

    pub(crate) fn from_pkcs8(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        match algorithm {
            KeyAlgorithm::Rsa2048 => Ok(Self::Rsa {
                signer: RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Unreadable)?,
                bare: Box::new(
                    RsaPrivateKey::from_pkcs8_der(pkcs8).map_err(|_| KeyError::Unreadable)?,
                ),
            }),
            KeyAlgorithm::P256 => {
                let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8)
                    .map_err(|_| KeyError::Unreadable)?;
                Ok(Self::P256 { signer })
            }
        }
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let bytes = match self {
            Self::Rsa { signer, .. } => {
                let pkcs8: Pkcs8V1Der<'_> = signer.as_der().map_err(|_| KeyError::Unspecified)?;
                pkcs8.as_ref().to_vec()
            }
            Self::P256 { signer } => {
                let pkcs8 = signer.to_pkcs8v1().map_err(|_| KeyError::Unspecified)?;
                pkcs8.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(bytes))
    }

    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Rsa { .. } => KeyAlgorithm::Rsa2048,
            Self::P256 { .. } => KeyAlgorithm::P256,
        }
    }

    /// `SubjectPublicKeyInfo`, DER.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Rsa { signer, .. } => signer.public_key().as_der(),
            Self::P256 { signer } => signer.public_key().as_der(),
        }
        .map_err(|_| KeyError::Unspecified)?;
        Ok(der.as_ref().to_vec())
    }

    /// Signs a certificate with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa { signer, .. } => {
                let mut signature = vec![0; signer.public_modulus_len()];
                signer
                    .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| KeyError::Unspecified)?;
                Ok(signature)
            }
            Self::P256 { signer } => {
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
        match self {
            Self::Rsa { bare, .. } => {
                let modulus = bare.size();
                if challenge.len() != modulus {
                    return None;
                }
                let block = rsa::BigUint::from_bytes_be(challenge);
                let no_blinding = None::<&mut rsa::rand_core::OsRng>;
                let result =
                    rsa::hazmat::rsa_decrypt_and_check(bare.as_ref(), no_blinding, &block).ok()?;
                let bytes = result.to_bytes_be();
                let mut padded = vec![0; modulus.checked_sub(bytes.len())?];
                padded.extend_from_slice(&bytes);
                Some(padded)
            }
            Self::P256 { signer } => {
                let hash = Digest::import_less_safe(challenge, &digest::SHA256).ok()?;
                Some(signer.sign_digest(&hash).ok()?.as_ref().to_vec())
            }
        }
    }

    /// The shared secret with a public point, as the key management key gives it.
    /// `None` for RSA keys and for what is no point on the curve.
    pub(crate) fn agree(&self, point: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa { .. } => None,
            Self::P256 { signer } => {
                // The card standard knows uncompressed points only.
                if point.len() != 65 || point[0] != 0x04 {
                    return None;
                }
                let scalar: EcPrivateKeyBin<'_> = signer.private_key().as_be_bytes().ok()?;
                let own =
                    agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, scalar.as_ref())
                        .ok()?;
                let other = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, point);
                agreement::agree(&own, other, (), |secret| Ok(secret.to_vec())).ok()
            }
        }
    }
}
