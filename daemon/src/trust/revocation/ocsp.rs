//! One question and one answer of OCSP (RFC 6960).

#![expect(
    clippy::unnested_or_patterns,
    reason = "the derive of Choice writes them"
)]

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use cac_common::time::UtcSeconds;
use cac_common::x509::Certificate;
use cac_common::x509::signature::{SignatureFault, Signed};
use der::asn1::{
    AnyRef, BitStringRef, GeneralizedTime, Null, ObjectIdentifier, OctetString, OctetStringRef,
};
use der::{Choice, Decode as _, Encode as _, Enumerated, Sequence, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{CrlReason, KeyUsage};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::{Answer, SKEW, Status};

/// An answer that names no next one is good for this long.
const UNDATED_IS_GOOD_FOR: Duration = Duration::from_hours(1);

/// Certificates in an answer that are looked at.
const MOST_CERTIFICATES: usize = 8;

// RFC 6960 section 4.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
// RFC 3279 section 2.1 and RFC 5754 section 2.
const ID_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const ID_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Why an answer says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OcspFault {
    #[error("no request can be made")]
    NoRequest,
    #[error("the answer cannot be read")]
    Malformed,
    #[error("the responder says {}", status.words())]
    Refused { status: ResponseStatus },
    #[error("the answer is to another request: its nonce is not ours")]
    Nonce,
    #[error("the answer has a critical extension that is not understood here, {extension}")]
    Extension { extension: ObjectIdentifier },
    #[error("the answer is about another certificate")]
    NotAbout,
    #[error("who signed the answer may not speak for the authority")]
    Signer,
    #[error("the answer: {0}")]
    Signature(SignatureFault),
    #[error("the answer is too old")]
    Stale,
    #[error("the answer is of a time to come")]
    Early,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
pub(super) enum ResponseStatus {
    Successful = 0,
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

#[derive(Sequence)]
struct Request<'a> {
    content: RequestContent<'a>,
}

#[derive(Sequence)]
struct RequestContent<'a> {
    list: Vec<SingleRequest<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Sequence)]
struct SingleRequest<'a> {
    id: CertificateId<'a>,
}

#[derive(Sequence)]
struct CertificateId<'a> {
    hash: AlgorithmIdentifierOwned,
    issuer_name: OctetString,
    issuer_key: OctetString,
    serial: AnyRef<'a>,
}

#[derive(Sequence)]
struct Response<'a> {
    status: ResponseStatus,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    bytes: Option<ResponseBytes<'a>>,
}

#[derive(Sequence)]
struct ResponseBytes<'a> {
    kind: ObjectIdentifier,
    response: &'a OctetStringRef,
}

#[derive(Sequence)]
struct BasicResponse<'a> {
    content: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    certificates: Option<Vec<AnyRef<'a>>>,
}

#[derive(Sequence)]
struct ResponseContent<'a> {
    #[asn1(
        context_specific = "0",
        tag_mode = "EXPLICIT",
        default = "first_version"
    )]
    version: u8,
    responder: ResponderId,
    produced_at: GeneralizedTime,
    responses: Vec<SingleResponse<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Choice)]
enum ResponderId {
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Name(Name),
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    Key(OctetString),
}

#[derive(Sequence)]
struct SingleResponse<'a> {
    id: CertificateId<'a>,
    status: CertificateStatus,
    this_update: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    extensions: Option<Vec<Extension>>,
}

#[derive(Choice)]
enum CertificateStatus {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    Good(Null),
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true")]
    Revoked(Revoked),
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT")]
    Unknown(Null),
}

#[derive(Sequence)]
struct Revoked {
    since: GeneralizedTime,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    reason: Option<CrlReason>,
}

impl ResponseStatus {
    fn words(self) -> &'static str {
        match self {
            Self::Successful => "that all is well, and nothing else",
            Self::MalformedRequest => "that the request is malformed",
            Self::InternalError => "that it has an error of its own",
            Self::TryLater => "to try later",
            Self::SigRequired => "that requests have to be signed",
            Self::Unauthorized => "that it does not answer for this authority",
        }
    }
}

/// Asks about `certificate`, DER.
pub(super) fn request(
    certificate: &Certificate,
    issuer: &Certificate,
    nonce: &[u8],
) -> Result<Vec<u8>, OcspFault> {
    build(certificate, issuer, nonce).map_err(|_| OcspFault::NoRequest)
}

/// Reads the answer to such a request. It may have no nonce: many responders
/// sign ahead of time. It may not have another one.
pub(super) fn read(
    answer: &[u8],
    certificate: &Certificate,
    issuer: &Certificate,
    nonce: &[u8],
    now: UtcSeconds,
) -> Result<Answer, OcspFault> {
    let malformed = |_| OcspFault::Malformed;
    let response = Response::from_der(answer).map_err(malformed)?;
    let status = response.status;
    let bytes = match (status, response.bytes) {
        (ResponseStatus::Successful, Some(bytes)) if bytes.kind == BASIC => bytes.response,
        (ResponseStatus::Successful, Some(_)) => return Err(OcspFault::Malformed),
        (status, _) => return Err(OcspFault::Refused { status }),
    };
    let basic = BasicResponse::from_der(bytes.as_bytes()).map_err(malformed)?;
    let content: ResponseContent<'_> = basic.content.decode_as().map_err(malformed)?;
    verify_signature(&basic, &content.responder, issuer, now)?;
    if moment(content.produced_at) > now.after(SKEW) {
        return Err(OcspFault::Early);
    }
    check_extensions(content.extensions.as_deref().unwrap_or_default(), nonce)?;
    let single = content
        .responses
        .iter()
        .filter(|single| single.id.names(certificate, issuer))
        .max_by_key(|single| single.this_update.to_unix_duration())
        .ok_or(OcspFault::NotAbout)?;
    let own = single.extensions.as_deref().unwrap_or_default();
    if let Some(extension) = own.iter().find(|extension| extension.critical) {
        return Err(OcspFault::Extension {
            extension: extension.extn_id,
        });
    }
    single.answer(now)
}

fn build(certificate: &Certificate, issuer: &Certificate, nonce: &[u8]) -> der::Result<Vec<u8>> {
    let nonce = Extension {
        extn_id: NONCE,
        critical: false,
        extn_value: OctetString::new(wrapped(nonce)?)?,
    };
    let id = CertificateId {
        // A name for the issuer, not a proof: RFC 6960 responders all know
        // SHA-1 here, and few know another.
        hash: AlgorithmIdentifierOwned {
            oid: ID_SHA1,
            parameters: Some(der::Any::null()),
        },
        // Section 4.1.1: as the certificate writes it, not as the issuer does.
        issuer_name: OctetString::new(sha1(&certificate.issuer.der))?,
        issuer_key: OctetString::new(sha1(issuer.key.bytes()))?,
        serial: AnyRef::new(Tag::Integer, &certificate.serial)?,
    };
    let content = RequestContent {
        list: vec![SingleRequest { id }],
        extensions: Some(vec![nonce]),
    };
    Request { content }.to_der()
}

/// The value of a nonce extension is an OCTET STRING once more.
fn wrapped(nonce: &[u8]) -> der::Result<Vec<u8>> {
    OctetStringRef::new(nonce)?.to_der()
}

fn sha1(bytes: &[u8]) -> Vec<u8> {
    let digest = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes);
    digest.as_ref().to_vec()
}

fn first_version() -> u8 {
    0
}

/// The issuer itself, or whom it made its responder (section 4.2.2.2).
fn verify_signature(
    basic: &BasicResponse<'_>,
    responder: &ResponderId,
    issuer: &Certificate,
    now: UtcSeconds,
) -> Result<(), OcspFault> {
    let signed = Signed {
        content: basic.content,
        algorithm: basic.algorithm.clone(),
        signature: basic.signature,
    };
    if responder.is(issuer) {
        return signed.verify(&issuer.key).map_err(OcspFault::Signature);
    }
    let inside = basic.certificates.as_deref().unwrap_or_default();
    let delegate = inside
        .iter()
        .take(MOST_CERTIFICATES)
        .filter_map(|one| Certificate::parse(&one.to_der().ok()?).ok())
        .find(|one| responder.is(one) && may_answer(one, issuer, now))
        .ok_or(OcspFault::Signer)?;
    signed.verify(&delegate.key).map_err(OcspFault::Signature)
}

/// Its own revocation is not asked for: responders' certificates live days,
/// and say by id-pkix-ocsp-nocheck not to (section 4.2.2.2.1).
fn may_answer(delegate: &Certificate, issuer: &Certificate, now: UtcSeconds) -> bool {
    delegate.names_as_issuer(issuer)
        && delegate.is_for(OCSP_SIGNING)
        && delegate.may(KeyUsage::digital_signature)
        && delegate.extensions.not_understood.is_none()
        && (delegate.not_before..=delegate.not_after).contains(&now)
        && delegate.verify_signature(&issuer.key).is_ok()
}

fn check_extensions(extensions: &[Extension], nonce: &[u8]) -> Result<(), OcspFault> {
    for extension in extensions {
        if extension.extn_id == NONCE {
            let ours = wrapped(nonce).map_err(|_| OcspFault::Nonce)?;
            if extension.extn_value.as_bytes() != ours {
                return Err(OcspFault::Nonce);
            }
        } else if extension.critical {
            return Err(OcspFault::Extension {
                extension: extension.extn_id,
            });
        }
    }
    Ok(())
}

impl ResponderId {
    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => certificate.subject.is_written(name),
            Self::Key(key) => key.as_bytes() == sha1(certificate.key.bytes()),
        }
    }
}

impl CertificateId<'_> {
    fn names(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let algorithm = match self.hash.oid {
            ID_SHA1 => &SHA1_FOR_LEGACY_USE_ONLY,
            ID_SHA256 => &SHA256,
            _ => return false,
        };
        let is_hash_of = |hash: &OctetString, bytes: &[u8]| {
            hash.as_bytes() == digest::digest(algorithm, bytes).as_ref()
        };
        self.serial.value() == certificate.serial
            && is_hash_of(&self.issuer_name, &certificate.issuer.der)
            && is_hash_of(&self.issuer_key, issuer.key.bytes())
    }
}

impl SingleResponse<'_> {
    fn answer(&self, now: UtcSeconds) -> Result<Answer, OcspFault> {
        let this_update = moment(self.this_update);
        let next_update = self
            .next_update
            .map_or_else(|| this_update.after(UNDATED_IS_GOOD_FOR), moment);
        if this_update > now.after(SKEW) {
            return Err(OcspFault::Early);
        }
        if now > next_update.after(SKEW) {
            return Err(OcspFault::Stale);
        }
        let status = match &self.status {
            CertificateStatus::Good(_) => Status::Good,
            CertificateStatus::Revoked(revoked) => Status::Revoked {
                since: moment(revoked.since),
                reason: revoked.reason,
            },
            CertificateStatus::Unknown(_) => Status::Unknown,
        };
        Ok(Answer {
            status,
            this_update,
            next_update,
        })
    }
}

fn moment(time: GeneralizedTime) -> UtcSeconds {
    UtcSeconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}
