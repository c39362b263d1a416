//! What signed messages and bundles of certificates have in common (CMS,
//! RFC 5652): a bundle takes the form of a message that nobody signed.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{
    Decode as _, ErrorKind, Reader as _, Sequence, SliceReader, Tag, TagNumber, Tagged as _,
};

/// A bundle holds at most this many certificates; the DoD's have about 70.
pub const MOST_CERTIFICATES: usize = 1000;

// RFC 5652 section 5.1.
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");

/// Why bytes are no signed message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    #[error("it is no signed message")]
    Malformed,
    #[error("it is a message of another kind, {content_type}")]
    NotSignedData { content_type: ObjectIdentifier },
    #[error("it has more than {MOST_CERTIFICATES} certificates")]
    TooManyCertificates,
}

/// A message taken apart. Nothing of it is verified.
pub struct SignedData<'a> {
    pub content_type: ObjectIdentifier,
    pub content: Option<&'a [u8]>,
    /// DER.
    pub certificates: Vec<&'a [u8]>,
    pub signers: Vec<AnyRef<'a>>,
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

impl<'a> SignedData<'a> {
    pub fn parse(message: &'a [u8]) -> Result<Self, MessageFault> {
        let info = ContentInfo::from_der(message).map_err(|_| MessageFault::Malformed)?;
        if info.content_type != SIGNED_DATA {
            return Err(MessageFault::NotSignedData {
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
        let (encapsulated, certificates, signers) = read.map_err(|_| MessageFault::Malformed)?;
        let content = encapsulated
            .content
            .map(AnyRef::decode_as::<&OctetStringRef>)
            .transpose()
            .map_err(|_| MessageFault::Malformed)?;
        Ok(Self {
            content_type: encapsulated.content_type,
            content: content.map(OctetStringRef::as_bytes),
            certificates: plain_certificates(certificates)?,
            signers: elements(signers, MOST_CERTIFICATES)
                .and_then(|signers| signers.into_iter().map(AnyRef::from_der).collect())
                .map_err(|_| MessageFault::Malformed)?,
        })
    }
}

/// Attribute certificates and other forms are passed over.
fn plain_certificates(set: &[u8]) -> Result<Vec<&[u8]>, MessageFault> {
    let found = elements(set, MOST_CERTIFICATES).map_err(|error| {
        if error.kind() == ErrorKind::Overlength {
            MessageFault::TooManyCertificates
        } else {
            MessageFault::Malformed
        }
    })?;
    // A SEQUENCE is a certificate (section 10.2.2).
    let is_plain = |der: &&[u8]| der.first() == Some(&0x30);
    Ok(found.into_iter().filter(is_plain).collect())
}

/// The elements one after the other, whole: real bundles do not keep to the
/// order of a DER `SET OF`. More than `most` are too long.
pub fn elements(content: &[u8], most: usize) -> der::Result<Vec<&[u8]>> {
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

/// The element with this context-specific tag, if it comes next.
pub fn implicit<'a>(reader: &mut SliceReader<'a>, number: u32) -> der::Result<Option<AnyRef<'a>>> {
    if reader.is_finished() || Tag::peek(reader)? != context(number, true) {
        return Ok(None);
    }
    reader.decode().map(Some)
}

pub fn context(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: TagNumber(number),
    }
}
