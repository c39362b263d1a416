//! Signed messages: what the issuer signed on a card, and bundles of
//! certificates, which take the form of one that nobody signed (CMS, RFC 5652).

use aws_lc_rs::digest;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{
    Decode as _, Encode as _, ErrorKind, Reader as _, Sequence, SliceReader, Tag, TagNumber,
    Tagged as _,
};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::certificate::Certificate;
use super::signature::{Hash, Scheme, SignatureFault};

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

/// A bundle holds at most this many certificates; the DoD's have about 70.
pub(super) const MOST_CERTIFICATES: usize = 1000;

/// Signed attributes of one signer; PIV asks for three.
const MOST_ATTRIBUTES: usize = 32;

// RFC 5652 sections 5.1, 11.1 and 11.2.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");

/// Why a signed message proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CmsFault {
    #[error("it is no signed message")]
    Malformed,
    #[error("it is a message of another kind, {content_type}")]
    NotSignedData { content_type: ObjectIdentifier },
    #[error("it has more than {MOST_CERTIFICATES} certificates")]
    TooManyCertificates,
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
    message.check_type(&[content_type])?;
    if message.content.is_some() {
        return Err(CmsFault::ContentInside);
    }
    message.verify(content, others)
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
    message.check_type(content_types)?;
    let content = message.content.ok_or(CmsFault::NoContent)?;
    let signer = message.verify(content, others)?;
    Ok((signer, content.to_vec()))
}

/// The certificates of a bundle, DER.
pub(super) fn certificates(message: &[u8]) -> Result<Vec<&[u8]>, CmsFault> {
    SignedData::parse(message).map(|message| message.certificates)
}

#[derive(Sequence)]
struct ContentInfo<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: AnyRef<'a>,
}

#[derive(Sequence)]
struct EncapsulatedContent<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    content: Option<AnyRef<'a>>,
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

struct SignedData<'a> {
    content_type: ObjectIdentifier,
    content: Option<&'a [u8]>,
    /// DER.
    certificates: Vec<&'a [u8]>,
    signers: Vec<AnyRef<'a>>,
}

struct SignerInfo<'a> {
    id: AnyRef<'a>,
    hash: ObjectIdentifier,
    /// The content of the set, as it was read.
    attributes: Option<&'a [u8]>,
    algorithm: ObjectIdentifier,
    signature: &'a [u8],
}

impl<'a> SignedData<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, CmsFault> {
        let info = ContentInfo::from_der(message).map_err(|_| CmsFault::Malformed)?;
        if info.content_type != SIGNED_DATA {
            return Err(CmsFault::NotSignedData {
                content_type: info.content_type,
            });
        }
        let read = info.content.sequence(|reader| {
            let _version: u8 = reader.decode()?;
            let _digest_algorithms: AnyRef<'a> = reader.decode()?;
            let encapsulated: EncapsulatedContent<'a> = reader.decode()?;
            let certificates = implicit(reader, 0)?.map_or(&[][..], AnyRef::value);
            let _crls = implicit(reader, 1)?;
            let signers: AnyRef<'a> = reader.decode()?;
            signers.tag().assert_eq(Tag::Set)?;
            Ok::<_, der::Error>((encapsulated, certificates, signers.value()))
        });
        let (encapsulated, certificates, signers) = read.map_err(|_| CmsFault::Malformed)?;
        let content = encapsulated
            .content
            .map(AnyRef::decode_as::<&OctetStringRef>)
            .transpose()
            .map_err(|_| CmsFault::Malformed)?;
        Ok(Self {
            content_type: encapsulated.content_type,
            content: content.map(OctetStringRef::as_bytes),
            certificates: plain_certificates(certificates)?,
            signers: elements(signers, MOST_CERTIFICATES)
                .and_then(|signers| signers.into_iter().map(AnyRef::from_der).collect())
                .map_err(|_| CmsFault::Malformed)?,
        })
    }

    fn check_type(&self, wanted: &[ObjectIdentifier]) -> Result<(), CmsFault> {
        if wanted.contains(&self.content_type) {
            return Ok(());
        }
        Err(CmsFault::WrongContent {
            content_type: self.content_type,
        })
    }

    fn verify(&self, content: &[u8], others: &[Certificate]) -> Result<Signer, CmsFault> {
        let [signer] = self.signers.as_slice() else {
            return Err(CmsFault::Signers {
                count: self.signers.len(),
            });
        };
        let signer = SignerInfo::parse(*signer).map_err(|_| CmsFault::Malformed)?;
        let certificate = self.certificate_of(&signer, others)?;
        if !certificate.may(|usage| usage.digital_signature() || usage.non_repudiation()) {
            return Err(CmsFault::MayNotSign);
        }
        let hash = Hash::of(signer.hash).map_err(CmsFault::Signature)?;
        let digest = digest::digest(hash.algorithm(), content);
        let attributes = signer.signed_attributes(self.content_type, digest.as_ref())?;
        let scheme =
            Scheme::of_signer(signer.algorithm, signer.hash).map_err(CmsFault::Signature)?;
        certificate
            .key
            .verify(scheme, &attributes, signer.signature)
            .map_err(CmsFault::Signature)?;
        Ok(Signer { certificate })
    }

    fn certificate_of(
        &self,
        signer: &SignerInfo<'_>,
        others: &[Certificate],
    ) -> Result<Certificate, CmsFault> {
        let inside = self.certificates.iter();
        inside
            .filter_map(|der| Certificate::parse(der).ok())
            .find(|certificate| signer.is(certificate))
            .or_else(|| others.iter().find(|other| signer.is(other)).cloned())
            .ok_or(CmsFault::NoCertificate)
    }
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

/// Attribute certificates and other forms are passed over.
fn plain_certificates(set: &[u8]) -> Result<Vec<&[u8]>, CmsFault> {
    let found = elements(set, MOST_CERTIFICATES).map_err(|error| {
        if error.kind() == ErrorKind::Overlength {
            CmsFault::TooManyCertificates
        } else {
            CmsFault::Malformed
        }
    })?;
    // A SEQUENCE is a certificate (section 10.2.2).
    let is_plain = |der: &&[u8]| der.first() == Some(&0x30);
    Ok(found.into_iter().filter(is_plain).collect())
}

/// The elements one after the other, whole: real bundles do not keep to the
/// order of a DER `SET OF`. More than `most` are too long.
fn elements(content: &[u8], most: usize) -> der::Result<Vec<&[u8]>> {
    let mut reader = SliceReader::new(content)?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        if elements.len() == most {
            return Err(ErrorKind::Overlength.into());
        }
        elements.push(reader.tlv_bytes()?);
    }
    Ok(elements)
}

fn implicit<'a>(reader: &mut SliceReader<'a>, number: u32) -> der::Result<Option<AnyRef<'a>>> {
    if reader.is_finished() || Tag::peek(reader)? != context(number, true) {
        return Ok(None);
    }
    reader.decode().map(Some)
}

fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: TagNumber(number),
    }
}

/// Without leading zeros.
fn unsigned(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
