//! Signed messages: what the issuer signed on a card (CMS, RFC 5652).

use aws_lc_rs::digest;
use cac_common::bundle::cms::{MessageFault, SignedData, context, elements, implicit};
use cac_common::x509::Certificate;
use cac_common::x509::signature::{Hash, Scheme, SignatureFault};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode as _, Encode as _, Reader as _, Sequence, Tag, Tagged as _};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// What a CHUID's issuer signs (SP 800-73pt1-5 section 3.1.2.1).
pub const CHUID_CONTENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.6.1");

/// A list of hashes, by the name of ICAO Doc 9303 part 10, and by the older
/// one of its technical report.
pub const SECURITY_OBJECT_CONTENT: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("2.23.136.1.1.1"),
    ObjectIdentifier::new_unwrap("1.3.27.1.1.1"),
];

/// The extended key usage of whoever signs what stands on cards (FIPS 201-3 section 4.2.1).
pub const CONTENT_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.6.7");

/// Signed attributes of one signer; PIV asks for three.
const MOST_ATTRIBUTES: usize = 32;

// RFC 5652 sections 11.1 and 11.2.
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// Why a signed message proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CmsFault {
    #[error("{0}")]
    Message(#[from] MessageFault),
    #[error("what it signs is of another kind, {content_type}")]
    WrongContent { content_type: ObjectIdentifier },
    #[error("what it signs should be in it, and is not")]
    NoContent,
    #[error("what it signs should stand beside it, and is in it")]
    ContentInside,
    #[error("it has {count} signers, not one")]
    Signers { count: usize },
    #[error("the certificate of its signer is not there")]
    NoCertificate,
    #[error("its signer may not sign: the key is for something else")]
    MayNotSign,
    #[error("its signed attributes are not as they must be")]
    Attributes,
    #[error("what it signs was changed")]
    Changed,
    #[error("{0}")]
    Signature(SignatureFault),
}

/// The signer's certificate: its path and its purpose are still to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    pub certificate: Certificate,
}

/// Verifies a signature over `content`, which stands apart from it. `others`
/// are certificates that the signer's may be among if it is not in the message.
pub fn verify_detached(
    message: &[u8],
    content: &[u8],
    content_type: ObjectIdentifier,
    others: &[Certificate],
) -> Result<Signer, CmsFault> {
    let message = SignedData::parse(message)?;
    check_type(&message, &[content_type])?;
    if message.content.is_some() {
        return Err(CmsFault::ContentInside);
    }
    verify(&message, content, others)
}

/// Verifies a signature over content that stands in the message, and gives
/// both. The Security Object leaves its signer's certificate to the CHUID,
/// so `others` may hold it.
pub fn verify_attached(
    message: &[u8],
    content_types: &[ObjectIdentifier],
    others: &[Certificate],
) -> Result<(Signer, Vec<u8>), CmsFault> {
    let message = SignedData::parse(message)?;
    check_type(&message, content_types)?;
    let content = message.content.ok_or(CmsFault::NoContent)?;
    let signer = verify(&message, content, others)?;
    Ok((signer, content.to_vec()))
}

#[derive(Sequence)]
struct IssuerAndSerial<'a> {
    issuer: Name,
    serial: UintRef<'a>,
}

#[derive(Sequence)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    values: AnyRef<'a>,
}

struct SignerInfo<'a> {
    id: AnyRef<'a>,
    hash: ObjectIdentifier,
    /// The content of the set, as it was read.
    attributes: Option<&'a [u8]>,
    algorithm: ObjectIdentifier,
    signature: &'a [u8],
}

fn check_type(message: &SignedData<'_>, wanted: &[ObjectIdentifier]) -> Result<(), CmsFault> {
    if wanted.contains(&message.content_type) {
        return Ok(());
    }
    Err(CmsFault::WrongContent {
        content_type: message.content_type,
    })
}

fn verify(
    message: &SignedData<'_>,
    content: &[u8],
    others: &[Certificate],
) -> Result<Signer, CmsFault> {
    let [signer] = message.signers.as_slice() else {
        return Err(CmsFault::Signers {
            count: message.signers.len(),
        });
    };
    let signer = SignerInfo::parse(*signer).map_err(|_| MessageFault::Malformed)?;
    let certificate = signer.certificate(&message.certificates, others)?;
    if !certificate.may(|usage| usage.digital_signature() || usage.non_repudiation()) {
        return Err(CmsFault::MayNotSign);
    }
    let hash = Hash::of(signer.hash).map_err(CmsFault::Signature)?;
    let digest = digest::digest(hash.algorithm(), content);
    let attributes = signer.signed_attributes(message.content_type, digest.as_ref())?;
    let scheme = Scheme::of_signer(signer.algorithm, signer.hash).map_err(CmsFault::Signature)?;
    certificate
        .key
        .verify(scheme, &attributes, signer.signature)
        .map_err(CmsFault::Signature)?;
    Ok(Signer { certificate })
}

impl<'a> SignerInfo<'a> {
    fn parse(signer: AnyRef<'a>) -> der::Result<Self> {
        signer.sequence(|reader| {
            let _version: u8 = reader.decode()?;
            let id = reader.decode()?;
            let hash: AlgorithmIdentifierOwned = reader.decode()?;
            let attributes = implicit(reader, 0)?.map(AnyRef::value);
            let algorithm: AlgorithmIdentifierOwned = reader.decode()?;
            let signature: &'a OctetStringRef = reader.decode()?;
            let _unsigned = implicit(reader, 1)?;
            Ok(Self {
                id,
                hash: hash.oid,
                attributes,
                algorithm: algorithm.oid,
                signature: signature.as_bytes(),
            })
        })
    }

    /// Among those inside the message, DER, or else the others.
    fn certificate(
        &self,
        inside: &[&[u8]],
        others: &[Certificate],
    ) -> Result<Certificate, CmsFault> {
        let inside = inside.iter();
        inside
            .filter_map(|der| Certificate::parse(der).ok())
            .find(|certificate| self.is(certificate))
            .or_else(|| others.iter().find(|other| self.is(other)).cloned())
            .ok_or(CmsFault::NoCertificate)
    }

    fn is(&self, certificate: &Certificate) -> bool {
        if self.id.tag() == context(0, false) {
            let id = certificate.extensions.subject_key_id.as_deref();
            return id == Some(self.id.value());
        }
        self.id.decode_as::<IssuerAndSerial<'_>>().is_ok_and(|id| {
            unsigned(id.serial.as_bytes()) == unsigned(&certificate.serial)
                && certificate.issuer.is_written(&id.issuer)
        })
    }

    /// What the signature is over: the attributes as a DER `SET OF` (RFC 5652
    /// section 5.4), once they are found to be about this content.
    fn signed_attributes(
        &self,
        content_type: ObjectIdentifier,
        digest: &[u8],
    ) -> Result<Vec<u8>, CmsFault> {
        // None of our contents is plain data, so they may not be missing
        // (section 5.3).
        let set = self.attributes.ok_or(CmsFault::Attributes)?;
        let malformed = |_| CmsFault::Attributes;
        let mut attributes = elements(set, MOST_ATTRIBUTES).map_err(malformed)?;
        let named_type = single_value(&attributes, CONTENT_TYPE)?
            .decode_as::<ObjectIdentifier>()
            .map_err(malformed)?;
        let named_digest = single_value(&attributes, MESSAGE_DIGEST)?
            .decode_as::<&OctetStringRef>()
            .map_err(malformed)?;
        if named_type != content_type {
            return Err(CmsFault::Attributes);
        }
        if named_digest.as_bytes() != digest {
            return Err(CmsFault::Changed);
        }
        attributes.sort_unstable();
        AnyRef::new(Tag::Set, &attributes.concat())
            .and_then(|set| set.to_der())
            .map_err(malformed)
    }
}

/// The value of an attribute that has one, and stands there once.
fn single_value<'a>(
    attributes: &[&'a [u8]],
    wanted: ObjectIdentifier,
) -> Result<AnyRef<'a>, CmsFault> {
    let mut found = None;
    for der in attributes {
        let attribute = Attribute::from_der(der).map_err(|_| CmsFault::Attributes)?;
        if attribute.kind != wanted {
            continue;
        }
        let values = elements(attribute.values.value(), 1).map_err(|_| CmsFault::Attributes)?;
        let value = values.first().ok_or(CmsFault::Attributes)?;
        if found.replace(*value).is_some() {
            return Err(CmsFault::Attributes);
        }
    }
    let value = found.ok_or(CmsFault::Attributes)?;
    AnyRef::from_der(value).map_err(|_| CmsFault::Attributes)
}

/// Without leading zeros.
fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
