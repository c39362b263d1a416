//! TLS with a client certificate whose key signs elsewhere.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand;
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode, Encode, Sequence};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SigningKey};
use rustls::{ClientConfig, SignatureAlgorithm, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::name::Name;

use super::padding::{self, Hash};
use super::revocation::ListedVerifier;
use super::witness::{Hints, SigningFault, Version, Withheld, Witness};
use super::{Identity, Portal, SignInError, Signer};

// RFC 3279, 2.3.1 and RFC 5480, 2.1.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// PKCS#1 v1.5 first: it is what TLS 1.2 portals and old cards know. TLS 1.3
/// does not offer it (RFC 8446, 4.2.3), so there PSS is taken.
const RSA_SCHEMES: [Scheme; 6] = [
    Scheme::Pkcs1(Hash::Sha256),
    Scheme::Pkcs1(Hash::Sha384),
    Scheme::Pkcs1(Hash::Sha512),
    Scheme::Pss(Hash::Sha256),
    Scheme::Pss(Hash::Sha384),
    Scheme::Pss(Hash::Sha512),
];

/// Makes ready one sign-in: nothing of an earlier one is resumed. Without an
/// identity a server that asks for a certificate gets none.
pub(super) fn client_config(
    portal: &Portal,
    identity: Option<Identity>,
    witness: Arc<Witness>,
) -> Result<ClientConfig, SignInError> {
    let certificate = identity
        .map(|identity| CardCertificate::new(identity, Arc::clone(&witness)))
        .transpose()?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(SignInError::Tls)?;
    let builder = if portal.lists.is_empty() {
        builder.with_root_certificates(Arc::clone(&portal.anchors))
    } else {
        let verifier = ListedVerifier::new(portal, &provider, witness)?;
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = match certificate {
        Some(certificate) => builder.with_client_cert_resolver(Arc::new(certificate)),
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    // HTTP/2 costs the program 0.67 MB for a handful of requests one after
    // another, and portals that ask for certificates by path cannot use it
    // (RFC 8740).
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Answers a server that asks for a certificate.
struct CardCertificate {
    key: Arc<CardKey>,
    certified: Arc<CertifiedKey>,
    /// Of the certificate and of its intermediates.
    issuers: Vec<Name>,
    witness: Arc<Witness>,
}

impl CardCertificate {
    fn new(identity: Identity, witness: Arc<Witness>) -> Result<Self, SignInError> {
        let leaf =
            Certificate::from_der(&identity.certificate).map_err(SignInError::Certificate)?;
        let mut issuers = vec![leaf.tbs_certificate().issuer().clone()];
        for intermediate in &identity.intermediates {
            let intermediate =
                Certificate::from_der(intermediate).map_err(SignInError::Certificate)?;
            issuers.push(intermediate.tbs_certificate().issuer().clone());
        }
        let key = Arc::new(CardKey::new(&leaf, identity.signer, Arc::clone(&witness))?);
        let chain = std::iter::once(identity.certificate)
            .chain(identity.intermediates)
            .map(CertificateDer::from)
            .collect();
        let certified = CertifiedKey::new(chain, Arc::clone(&key) as Arc<dyn SigningKey>);
        Ok(Self {
            key,
            certified: Arc::new(certified),
            issuers,
            witness,
        })
    }

    fn is_from_one_of(&self, accepted: &[&[u8]]) -> bool {
        accepted.iter().any(|accepted| {
            self.issuers
                .iter()
                .any(|issuer| is_same_name(issuer, accepted))
        })
    }
}

impl ResolvesClientCert for CardCertificate {
    fn resolve(
        &self,
        accepted_issuers: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let is_named = self.is_from_one_of(accepted_issuers);
        self.witness
            .note_asked(if is_named { Hints::Ours } else { Hints::Nobody });
        if !accepted_issuers.is_empty() && !is_named {
            self.witness.note_withheld(Withheld::IssuerNotAccepted);
            return None;
        }
        if self.key.choose(schemes).is_none() {
            self.witness.note_withheld(Withheld::NoSchemeInCommon);
            return None;
        }
        Some(Arc::clone(&self.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for CardCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardCertificate").finish_non_exhaustive()
    }
}

/// The same bytes, or the same text in another kind of string: issuers and
/// portals differ in which they write.
fn is_same_name(name: &Name, der: &[u8]) -> bool {
    if name.to_der().is_ok_and(|own| own == der) {
        return true;
    }
    Name::from_der(der)
        .is_ok_and(|other| name.to_string().to_lowercase() == other.to_string().to_lowercase())
}

/// The key behind the certificate, as far as the certificate describes it.
#[derive(Clone)]
struct CardKey {
    kind: KeyKind,
    /// As it stands in the certificate: `RSAPublicKey`, or a point.
    public_key: Vec<u8>,
    signer: Arc<dyn Signer>,
    witness: Arc<Witness>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa { modulus_bits: usize },
    P256,
    P384,
}

/// RFC 8017, A.1.1.
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl CardKey {
    fn new(
        leaf: &Certificate,
        signer: Arc<dyn Signer>,
        witness: Arc<Witness>,
    ) -> Result<Self, SignInError> {
        let info = leaf.tbs_certificate().subject_public_key_info();
        let public_key = info.subject_public_key.raw_bytes().to_vec();
        let curve = || {
            let parameters = info.algorithm.parameters.as_ref()?;
            parameters.decode_as::<ObjectIdentifier>().ok()
        };
        let unsupported = |algorithm: String| Err(SignInError::UnsupportedKey { algorithm });

        let kind = if info.algorithm.oid == RSA_ENCRYPTION {
            let key = RsaPublicKey::from_der(&public_key).map_err(SignInError::Certificate)?;
            let modulus = key.modulus.as_bytes();
            let unused = modulus.first().map_or(0, |byte| byte.leading_zeros());
            let modulus_bits = modulus.len() * 8 - unused as usize;
            if !(2048..=4096).contains(&modulus_bits) {
                return unsupported(format!("RSA-{modulus_bits}"));
            }
            KeyKind::Rsa { modulus_bits }
        } else if info.algorithm.oid == EC_PUBLIC_KEY && curve() == Some(SECP256R1) {
            KeyKind::P256
        } else if info.algorithm.oid == EC_PUBLIC_KEY && curve() == Some(SECP384R1) {
            KeyKind::P384
        } else {
            return unsupported(info.algorithm.oid.to_string());
        };
        Ok(Self {
            kind,
            public_key,
            signer,
            witness,
        })
    }

    fn choose(&self, offered: &[SignatureScheme]) -> Option<Scheme> {
        let own = match self.kind {
            KeyKind::Rsa { .. } => RSA_SCHEMES.as_slice(),
            KeyKind::P256 => &[Scheme::P256],
            KeyKind::P384 => &[Scheme::P384],
        };
        own.iter()
            .copied()
            .find(|scheme| offered.contains(&scheme.in_tls()))
    }

    fn block(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let bits = match self.kind {
            KeyKind::Rsa { modulus_bits } => modulus_bits,
            KeyKind::P256 | KeyKind::P384 => 0,
        };
        let general = |error: padding::ModulusTooShort| rustls::Error::General(error.to_string());
        match scheme {
            Scheme::Pkcs1(hash) => padding::pkcs1_v15(hash, message, bits).map_err(general),
            Scheme::Pss(hash) => {
                let mut salt = vec![0; hash.len()];
                rand::fill(&mut salt).map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
                padding::pss(hash, message, &salt, bits).map_err(general)
            }
            Scheme::P256 => Ok(Hash::Sha256.of(message).as_ref().to_vec()),
            Scheme::P384 => Ok(Hash::Sha384.of(message).as_ref().to_vec()),
        }
    }
}

impl SigningKey for CardKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        let scheme = self.choose(offered)?;
        let key = self.clone();
        Some(Box::new(CardSigner { key, scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.kind {
            KeyKind::Rsa { .. } => SignatureAlgorithm::RSA,
            KeyKind::P256 | KeyKind::P384 => SignatureAlgorithm::ECDSA,
        }
    }
}

impl fmt::Debug for CardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CardKey").field(&self.kind).finish()
    }
}

#[derive(Debug, Clone, Copy)]
enum Scheme {
    Pkcs1(Hash),
    Pss(Hash),
    P256,
    P384,
}

impl Scheme {
    fn in_tls(self) -> SignatureScheme {
        match self {
            Self::Pkcs1(Hash::Sha256) => SignatureScheme::RSA_PKCS1_SHA256,
            Self::Pkcs1(Hash::Sha384) => SignatureScheme::RSA_PKCS1_SHA384,
            Self::Pkcs1(Hash::Sha512) => SignatureScheme::RSA_PKCS1_SHA512,
            Self::Pss(Hash::Sha256) => SignatureScheme::RSA_PSS_SHA256,
            Self::Pss(Hash::Sha384) => SignatureScheme::RSA_PSS_SHA384,
            Self::Pss(Hash::Sha512) => SignatureScheme::RSA_PSS_SHA512,
            Self::P256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            Self::P384 => SignatureScheme::ECDSA_NISTP384_SHA384,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Pkcs1(Hash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Pkcs1(Hash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Pkcs1(Hash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Pss(Hash::Sha256) => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Pss(Hash::Sha384) => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Pss(Hash::Sha512) => &signature::RSA_PSS_2048_8192_SHA512,
            Self::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            Self::P384 => &signature::ECDSA_P384_SHA384_ASN1,
        }
    }
}

/// One signature of the handshake. It does not leave unless it fits the
/// certificate: another card may have come into the reader.
#[derive(Debug)]
struct CardSigner {
    key: CardKey,
    scheme: Scheme,
}

impl rustls::sign::Signer for CardSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let witness = &self.key.witness;
        let block = self.key.block(self.scheme, message)?;
        let signature = self.key.signer.sign(&block).map_err(|failed| {
            witness.note_fault(SigningFault::Signer(failed));
            rustls::Error::General(failed.to_string())
        })?;
        UnparsedPublicKey::new(self.scheme.verification(), &self.key.public_key)
            .verify(message, &signature)
            .map_err(|_| {
                witness.note_fault(SigningFault::Wrong);
                rustls::Error::General(SignInError::WrongSignature.to_string())
            })?;
        witness.note_signed(version_of(message));
        Ok(signature)
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme.in_tls()
    }
}

/// TLS 1.3 puts 64 blanks before what is signed (RFC 8446, 4.4.3); TLS 1.2
/// signs its messages, of which the first is no blank.
fn version_of(message: &[u8]) -> Version {
    if message.starts_with(&[b' '; 64]) {
        Version::Tls13
    } else {
        Version::Tls12
    }
}

#[cfg(test)]
mod tests {
    use x509_cert::der::Encode;

    use super::*;

    #[test]
    fn names_are_the_same_in_another_kind_of_string() {
        let issuer: Name = "CN=Test CA,O=Example".parse().unwrap();
        let utf8 = issuer.to_der().unwrap();
        let printable: Vec<u8> = utf8
            .iter()
            .map(|byte| if *byte == 0x0C { 0x13 } else { *byte })
            .collect();
        let other: Name = "CN=Test CB,O=Example".parse().unwrap();

        assert_ne!(printable, utf8);
        assert!(is_same_name(&issuer, &utf8));
        assert!(is_same_name(&issuer, &printable));
        assert!(!is_same_name(&other, &utf8));
        assert!(!is_same_name(&issuer, b"junk"));
    }
}
