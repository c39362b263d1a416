//! A CRL, looked through as it arrives (RFC 5280 section 5).
//!
//! Those of the DoD have megabytes, and one entry of them counts. So what has
//! arrived is hashed, looked at and dropped, element by element; only the last
//! of it, the signature, says whether any of it was true.

use aws_lc_rs::digest;
use cac_common::time::UtcSeconds;
use cac_common::x509::signature::{Scheme, SignatureFault};
use cac_common::x509::{Certificate, moment, web_address};
use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Decode as _, Sequence};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::ext::pkix::{CrlReason, IssuingDistributionPoint, KeyUsage};
use x509_cert::name::Name;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::sieve::Sieve;
use super::{Answer, SKEW, Status};

/// No element that is held whole is larger: an entry, the issuer's name, the
/// extensions.
const LARGEST_ELEMENT: usize = 64 * 1024;

// RFC 5280 sections 5.2 and 5.3.
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
const ISSUING_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
const AUTHORITY_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const EXTENSIONS: u8 = 0xA0;

/// Why a CRL says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CrlFault {
    #[error("it cannot be read")]
    Malformed,
    #[error("it ends before its end")]
    CutShort,
    #[error("it is another authority's")]
    Issuer,
    #[error("its authority may not sign it")]
    MayNotSign,
    #[error("{0}")]
    Signature(SignatureFault),
    #[error("it is not about all certificates of its kind")]
    Partial,
    #[error("it has a critical extension that is not understood here, {extension}")]
    Extension { extension: ObjectIdentifier },
    #[error("it is too old")]
    Stale,
    #[error("it is of a time to come")]
    Early,
}

/// What the next element may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    List,
    Content,
    Version,
    Algorithm,
    Issuer,
    ThisUpdate,
    NextUpdate,
    Entries,
    Entry,
    Extensions,
    EndOfContent,
    OuterAlgorithm,
    Signature,
    End,
}

/// The head of an element.
struct Head {
    tag: u8,
    /// Of the head itself.
    length: usize,
    /// Head and content.
    whole: usize,
}

#[derive(Sequence)]
struct Entry<'a> {
    serial: der::asn1::AnyRef<'a>,
    since: Time,
    #[asn1(optional = "true")]
    extensions: Option<Vec<Extension>>,
}

/// Looks for one certificate in a CRL.
pub(super) struct Scan<'a> {
    certificate: &'a Certificate,
    issuer: &'a Certificate,
    stage: Stage,
    /// What has arrived and was not looked at yet.
    waiting: Vec<u8>,
    /// Bytes that are still to come, of the whole, of what is signed, and of
    /// the entries.
    list_left: usize,
    content_left: usize,
    entries_left: usize,
    hash: Hashing,
    algorithm: Option<AlgorithmIdentifierOwned>,
    this_update: UtcSeconds,
    next_update: Option<UtcSeconds>,
    found: Option<(UtcSeconds, Option<CrlReason>)>,
    /// All that it lists.
    serials: Sieve,
    signature: Vec<u8>,
}

/// What is signed says how only after its first bytes.
enum Hashing {
    Waiting(Vec<u8>),
    Running(Scheme, digest::Context),
}

impl<'a> Scan<'a> {
    pub(super) fn new(certificate: &'a Certificate, issuer: &'a Certificate) -> Self {
        Self {
            certificate,
            issuer,
            stage: Stage::List,
            waiting: Vec::new(),
            list_left: 0,
            content_left: 0,
            entries_left: 0,
            hash: Hashing::Waiting(Vec::new()),
            algorithm: None,
            this_update: UtcSeconds::default(),
            next_update: None,
            found: None,
            serials: Sieve::of_size(0),
            signature: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), CrlFault> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend_from_slice(bytes);
        let mut rest = waiting.as_slice();
        while let Some(used) = self.step(rest)? {
            rest = rest.get(used..).ok_or(CrlFault::Malformed)?;
        }
        let used = waiting.len() - rest.len();
        waiting.drain(..used);
        self.waiting = waiting;
        Ok(())
    }

    /// What the whole of it says, and what it lists.
    pub(super) fn finish(self, now: UtcSeconds) -> Result<(Answer, Sieve), CrlFault> {
        if self.stage != Stage::End {
            return Err(CrlFault::CutShort);
        }
        let Hashing::Running(scheme, context) = self.hash else {
            return Err(CrlFault::CutShort);
        };
        if !self.issuer.may(KeyUsage::crl_sign) {
            return Err(CrlFault::MayNotSign);
        }
        self.issuer
            .key
            .verify_digest(scheme, &context.finish(), &self.signature)
            .map_err(CrlFault::Signature)?;
        // RFC 5280 section 5.1.2.5 demands a next one.
        let next_update = self.next_update.ok_or(CrlFault::Stale)?;
        if self.this_update > now.after(SKEW) {
            return Err(CrlFault::Early);
        }
        if now > next_update.after(SKEW) {
            return Err(CrlFault::Stale);
        }
        let status = match self.found {
            Some((since, reason)) => Status::Revoked { since, reason },
            None => Status::Good,
        };
        let answer = Answer {
            status,
            this_update: self.this_update,
            next_update,
        };
        Ok((answer, self.serials))
    }

    /// Looks at one element, and says how many bytes it took; none while the
    /// element is not all there. An optional one that is absent takes no bytes.
    fn step(&mut self, rest: &[u8]) -> Result<Option<usize>, CrlFault> {
        match self.stage {
            Stage::NextUpdate | Stage::Entries | Stage::Extensions if self.content_left == 0 => {
                return Ok(Some(self.pass(Stage::EndOfContent)));
            }
            Stage::Entry if self.entries_left == 0 => {
                return Ok(Some(self.pass(Stage::Extensions)));
            }
            Stage::EndOfContent if self.content_left == 0 => {
                return Ok(Some(self.pass(Stage::OuterAlgorithm)));
            }
            Stage::End if rest.is_empty() => return Ok(None),
            Stage::EndOfContent | Stage::End => return Err(CrlFault::Malformed),
            Stage::List
            | Stage::Content
            | Stage::Version
            | Stage::Algorithm
            | Stage::Issuer
            | Stage::ThisUpdate
            | Stage::NextUpdate
            | Stage::Entries
            | Stage::Entry
            | Stage::Extensions
            | Stage::OuterAlgorithm
            | Stage::Signature => {}
        }
        let Some(head) = Head::read(rest)? else {
            return Ok(None);
        };
        match (self.stage, head.tag) {
            (Stage::List, SEQUENCE) => {
                self.list_left = head.whole - head.length;
                self.stage = Stage::Content;
                Ok(Some(head.length))
            }
            (Stage::Content, SEQUENCE) => {
                // All of the content has to fit into the list.
                take(&mut self.list_left, head.whole)?;
                self.content_left = head.whole - head.length;
                self.hash
                    .update(rest.get(..head.length).unwrap_or_default());
                self.stage = Stage::Version;
                Ok(Some(head.length))
            }
            (Stage::Entries, SEQUENCE) => {
                take(&mut self.content_left, head.whole)?;
                self.entries_left = head.whole - head.length;
                self.serials = Sieve::of_size(self.entries_left);
                self.hash
                    .update(rest.get(..head.length).unwrap_or_default());
                self.stage = Stage::Entry;
                Ok(Some(head.length))
            }
            (Stage::List | Stage::Content, _) => Err(CrlFault::Malformed),
            (Stage::Version, SEQUENCE) => Ok(Some(self.pass(Stage::Algorithm))),
            (Stage::NextUpdate, SEQUENCE | EXTENSIONS) => Ok(Some(self.pass(Stage::Entries))),
            (Stage::Entries, EXTENSIONS) => Ok(Some(self.pass(Stage::Extensions))),
            (_, tag) => {
                if head.whole > LARGEST_ELEMENT {
                    return Err(CrlFault::Malformed);
                }
                let Some(element) = rest.get(..head.whole) else {
                    return Ok(None);
                };
                self.element(tag, element)?;
                Ok(Some(head.whole))
            }
        }
    }

    /// Over an optional element that is absent.
    fn pass(&mut self, to: Stage) -> usize {
        self.stage = to;
        0
    }

    /// An element that is there whole.
    fn element(&mut self, tag: u8, element: &[u8]) -> Result<(), CrlFault> {
        let left = match self.stage {
            Stage::Entry => &mut self.entries_left,
            Stage::OuterAlgorithm | Stage::Signature => &mut self.list_left,
            Stage::List
            | Stage::Content
            | Stage::Version
            | Stage::Algorithm
            | Stage::Issuer
            | Stage::ThisUpdate
            | Stage::NextUpdate
            | Stage::Entries
            | Stage::Extensions
            | Stage::EndOfContent
            | Stage::End => &mut self.content_left,
        };
        take(left, element.len())?;
        if !matches!(self.stage, Stage::OuterAlgorithm | Stage::Signature) {
            self.hash.update(element);
        }
        self.stage = match (self.stage, tag) {
            (Stage::Version, INTEGER) => Stage::Algorithm,
            (Stage::Algorithm, SEQUENCE) => {
                let algorithm = decode::<AlgorithmIdentifierOwned>(element)?;
                let scheme = Scheme::of(algorithm.oid).map_err(CrlFault::Signature)?;
                self.hash.start(scheme);
                self.algorithm = Some(algorithm);
                Stage::Issuer
            }
            (Stage::Issuer, SEQUENCE) => {
                if !self.issuer.subject.is_written(&decode::<Name>(element)?) {
                    return Err(CrlFault::Issuer);
                }
                Stage::ThisUpdate
            }
            (Stage::ThisUpdate, UTC_TIME | GENERALIZED_TIME) => {
                self.this_update = moment(decode::<Time>(element)?);
                Stage::NextUpdate
            }
            (Stage::NextUpdate, UTC_TIME | GENERALIZED_TIME) => {
                self.next_update = Some(moment(decode::<Time>(element)?));
                Stage::Entries
            }
            (Stage::Entry, SEQUENCE) => {
                self.entry(element)?;
                Stage::Entry
            }
            (Stage::Extensions, EXTENSIONS) => {
                self.extensions(element)?;
                Stage::EndOfContent
            }
            (Stage::OuterAlgorithm, SEQUENCE) => {
                let algorithm = decode::<AlgorithmIdentifierOwned>(element)?;
                if self.algorithm.as_ref() != Some(&algorithm) {
                    return Err(CrlFault::Malformed);
                }
                Stage::Signature
            }
            (Stage::Signature, BIT_STRING) if self.list_left == 0 => {
                let signature = BitStringRef::from_der(element).ok();
                let bytes = signature.and_then(|bits| bits.as_bytes());
                self.signature = bytes.ok_or(CrlFault::Malformed)?.to_vec();
                Stage::End
            }
            _ => return Err(CrlFault::Malformed),
        };
        Ok(())
    }

    fn entry(&mut self, element: &[u8]) -> Result<(), CrlFault> {
        let entry = Head::read(element)?.ok_or(CrlFault::Malformed)?;
        let content = element.get(entry.length..).unwrap_or_default();
        let serial = Head::read(content)?.ok_or(CrlFault::Malformed)?;
        let number = content
            .get(serial.length..serial.whole)
            .ok_or(CrlFault::Malformed)?;
        if serial.tag != INTEGER {
            return Ok(());
        }
        self.serials.add(number);
        if number != self.certificate.serial {
            return Ok(());
        }
        let entry = Entry::from_der(element).map_err(|_| CrlFault::Malformed)?;
        let mut reason = None;
        for extension in entry.extensions.unwrap_or_default() {
            match extension.extn_id {
                REASON => reason = CrlReason::from_der(extension.extn_value.as_bytes()).ok(),
                INVALIDITY_DATE => {}
                name => refuse_critical(name, &extension)?,
            }
        }
        self.found = Some((moment(entry.since), reason));
        Ok(())
    }

    fn extensions(&self, element: &[u8]) -> Result<(), CrlFault> {
        let head = Head::read(element)?.ok_or(CrlFault::Malformed)?;
        let inner = element.get(head.length..).unwrap_or_default();
        for extension in decode::<Vec<Extension>>(inner)? {
            match extension.extn_id {
                ISSUING_POINT => self.check_point(extension.extn_value.as_bytes())?,
                CRL_NUMBER | AUTHORITY_KEY_ID => {}
                name => refuse_critical(name, &extension)?,
            }
        }
        Ok(())
    }

    /// A CRL that does not list certificates like ours would call every one
    /// of them good (section 6.3.3 b).
    fn check_point(&self, value: &[u8]) -> Result<(), CrlFault> {
        let point = decode::<IssuingDistributionPoint>(value)?;
        let is_authority = self.certificate.extensions.is_authority;
        let leaves_out = point.indirect_crl
            || point.only_some_reasons.is_some()
            || point.only_contains_attribute_certs
            || (point.only_contains_user_certs && is_authority)
            || (point.only_contains_ca_certs && !is_authority);
        let is_ours = match &point.distribution_point {
            None => true,
            Some(DistributionPointName::FullName(names)) => names
                .iter()
                .filter_map(web_address)
                .any(|address| self.certificate.extensions.crls.contains(&address)),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => false,
        };
        if leaves_out || !is_ours {
            return Err(CrlFault::Partial);
        }
        Ok(())
    }
}

impl Hashing {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Waiting(waiting) => waiting.extend_from_slice(bytes),
            Self::Running(_, context) => context.update(bytes),
        }
    }

    fn start(&mut self, scheme: Scheme) {
        if let Self::Waiting(waiting) = self {
            let mut context = digest::Context::new(scheme.hash.algorithm());
            context.update(waiting);
            *self = Self::Running(scheme, context);
        }
    }
}

impl Head {
    /// None where it is not all there. Lengths are those of DER.
    fn read(bytes: &[u8]) -> Result<Option<Self>, CrlFault> {
        let [tag, first, rest @ ..] = bytes else {
            return Ok(None);
        };
        let (more, content) = match *first {
            short @ 0..=0x7F => (0, usize::from(short)),
            long @ 0x81..=0x84 => {
                let more = usize::from(long & 0x7F);
                let Some(digits) = rest.get(..more) else {
                    return Ok(None);
                };
                let length = digits
                    .iter()
                    .fold(0_usize, |length, digit| length << 8 | usize::from(*digit));
                (more, length)
            }
            _ => return Err(CrlFault::Malformed),
        };
        let length = 2 + more;
        Ok(Some(Self {
            tag: *tag,
            length,
            whole: length.checked_add(content).ok_or(CrlFault::Malformed)?,
        }))
    }
}

fn take(left: &mut usize, bytes: usize) -> Result<(), CrlFault> {
    *left = left.checked_sub(bytes).ok_or(CrlFault::Malformed)?;
    Ok(())
}

fn decode<T>(der: &[u8]) -> Result<T, CrlFault>
where
    T: for<'d> der::Decode<'d>,
{
    T::from_der(der).map_err(|_| CrlFault::Malformed)
}

fn refuse_critical(name: ObjectIdentifier, extension: &Extension) -> Result<(), CrlFault> {
    if extension.critical {
        return Err(CrlFault::Extension { extension: name });
    }
    Ok(())
}
