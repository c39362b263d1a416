//! Signatures on certificates, and on what their authorities say.

use aws_lc_rs::digest::{self, Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode as _, Encode as _, Sequence};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

// RFC 8017 appendix A.2 and C.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const SHA1_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
// RFC 5480 section 2.1.1 and RFC 5758 section 3.2.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ECDSA_WITH_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
// RFC 3279 section 2.1 and RFC 5754 section 2.
const ID_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const ID_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const ID_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const ID_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// Why a signature proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    #[error("its signature rests on SHA-1, which is too old to be trusted")]
    Sha1,
    #[error("its signature is of a kind that is not known here, {algorithm}")]
    Algorithm { algorithm: ObjectIdentifier },
    #[error("the key that signed it is of a kind that is not known here, {algorithm}")]
    Key { algorithm: ObjectIdentifier },
    #[error("the key that signed it has {bits} bits, not 2048 to 4096")]
    KeyLength { bits: usize },
    #[error("its signature is not by the key that should have signed it")]
    Wrong,
}

/// A hash that a signature may rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    Ecdsa,
}

/// How something was signed: RSA PKCS #1 v1.5 or ECDSA, and over which hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    family: Family,
    pub hash: Hash,
}

/// A public key, as it stands in a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    /// `RSAPublicKey`, or a point.
    bytes: Vec<u8>,
}

/// What certificates, CRLs and OCSP answers have in common: something, and
/// a signature over it.
#[derive(Debug, Sequence)]
pub struct Signed<'a> {
    pub content: AnyRef<'a>,
    pub algorithm: AlgorithmIdentifierOwned,
    pub signature: BitStringRef<'a>,
}

/// RFC 8017 appendix A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl Hash {
    /// Of an algorithm that is a hash alone.
    pub fn of(algorithm: ObjectIdentifier) -> Result<Self, SignatureFault> {
        match algorithm {
            ID_SHA256 => Ok(Self::Sha256),
            ID_SHA384 => Ok(Self::Sha384),
            ID_SHA512 => Ok(Self::Sha512),
            ID_SHA1 => Err(SignatureFault::Sha1),
            algorithm => Err(SignatureFault::Algorithm { algorithm }),
        }
    }

    pub fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }
}

impl Scheme {
    pub fn of(algorithm: ObjectIdentifier) -> Result<Self, SignatureFault> {
        let (family, hash) = match algorithm {
            SHA256_WITH_RSA => (Family::Rsa, Hash::Sha256),
            SHA384_WITH_RSA => (Family::Rsa, Hash::Sha384),
            SHA512_WITH_RSA => (Family::Rsa, Hash::Sha512),
            ECDSA_WITH_SHA256 => (Family::Ecdsa, Hash::Sha256),
            ECDSA_WITH_SHA384 => (Family::Ecdsa, Hash::Sha384),
            ECDSA_WITH_SHA512 => (Family::Ecdsa, Hash::Sha512),
            SHA1_WITH_RSA | ECDSA_WITH_SHA1 => return Err(SignatureFault::Sha1),
            algorithm => return Err(SignatureFault::Algorithm { algorithm }),
        };
        Ok(Self { family, hash })
    }

    /// As CMS has it: RSA may be named without its hash, which then stands
    /// apart (RFC 3370 section 3.2).
    pub fn of_signer(
        algorithm: ObjectIdentifier,
        hash: ObjectIdentifier,
    ) -> Result<Self, SignatureFault> {
        if algorithm == RSA {
            return Ok(Self {
                family: Family::Rsa,
                hash: Hash::of(hash)?,
            });
        }
        Self::of(algorithm)
    }
}

impl PublicKey {
    pub fn of(info: &SubjectPublicKeyInfoOwned) -> Self {
        let curve = |parameters: &der::Any| parameters.decode_as::<ObjectIdentifier>().ok();
        Self {
            algorithm: info.algorithm.oid,
            curve: info.algorithm.parameters.as_ref().and_then(curve),
            bytes: info.subject_public_key.raw_bytes().to_vec(),
        }
    }

    /// What key identifiers and OCSP hash (RFC 5280 section 4.2.1.2).
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it signed what has this digest.
    pub fn verify_digest(
        &self,
        scheme: Scheme,
        digest: &Digest,
        signature: &[u8],
    ) -> Result<(), SignatureFault> {
        let verify = |algorithm: &'static dyn VerificationAlgorithm| {
            UnparsedPublicKey::new(algorithm, &self.bytes)
                .verify_digest(digest, signature)
                .map_err(|_| SignatureFault::Wrong)
        };
        match (scheme.family, self.algorithm, self.curve) {
            (Family::Rsa, RSA, _) => {
                self.check_length()?;
                verify(match scheme.hash {
                    Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                    Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
                    Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                })
            }
            (Family::Ecdsa, EC, Some(P256)) => verify(match scheme.hash {
                Hash::Sha256 => &ECDSA_P256_SHA256_ASN1,
                Hash::Sha384 => &ECDSA_P256_SHA384_ASN1,
                Hash::Sha512 => &ECDSA_P256_SHA512_ASN1,
            }),
            (Family::Ecdsa, EC, Some(P384)) => verify(match scheme.hash {
                Hash::Sha256 => &ECDSA_P384_SHA256_ASN1,
                Hash::Sha384 => &ECDSA_P384_SHA384_ASN1,
                Hash::Sha512 => &ECDSA_P384_SHA512_ASN1,
            }),
            (Family::Rsa, EC, _) | (Family::Ecdsa, RSA, _) => Err(SignatureFault::Wrong),
            (_, EC, Some(algorithm)) | (_, algorithm, _) => Err(SignatureFault::Key { algorithm }),
        }
    }

    pub fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureFault> {
        let digest = digest::digest(scheme.hash.algorithm(), message);
        self.verify_digest(scheme, &digest, signature)
    }

    fn check_length(&self) -> Result<(), SignatureFault> {
        let key = RsaPublicKey::from_der(&self.bytes).map_err(|_| SignatureFault::Wrong)?;
        let modulus = key.modulus.as_bytes();
        let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
        let bits = (modulus.len() * 8).saturating_sub(unused as usize);
        // SP 800-78-5 table 1 names no others for RSA.
        if (2048..=4096).contains(&bits) {
            Ok(())
        } else {
            Err(SignatureFault::KeyLength { bits })
        }
    }
}

impl<'a> Signed<'a> {
    /// The bytes that were signed.
    pub fn message(&self) -> der::Result<Vec<u8>> {
        // DER has one way to write a header, so this is what was read.
        self.content.to_der()
    }

    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureFault> {
        let scheme = Scheme::of(self.algorithm.oid)?;
        let message = self.message().map_err(|_| SignatureFault::Wrong)?;
        key.verify(scheme, &message, self.signature_bytes()?)
    }

    /// Also by SHA-1: tells a root that signed itself from another
    /// certificate. What it proves is that, and no more.
    pub fn is_by(&self, key: &PublicKey) -> bool {
        if self.algorithm.oid != SHA1_WITH_RSA {
            return self.verify(key).is_ok();
        }
        let algorithm = &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
        match (self.message(), self.signature_bytes()) {
            (Ok(message), Ok(signature)) => UnparsedPublicKey::new(algorithm, &key.bytes)
                .verify(&message, signature)
                .is_ok(),
            (Err(_), _) | (_, Err(_)) => false,
        }
    }

    fn signature_bytes(&self) -> Result<&'a [u8], SignatureFault> {
        self.signature.as_bytes().ok_or(SignatureFault::Wrong)
    }
}
