//! The certificates on a card: unpacked, parsed, and put into words.

use std::fmt::Write as _;
use std::io::Read as _;

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::certificate::{CertificateSummary, ChainStatus, Revocation, Slot};
use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use der::asn1::{ObjectIdentifier, Utf8StringRef};
use der::{Decode as _, Encode as _, Reader as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::facts::CardCertificate;
use super::purpose::Purposes;
use super::tlv;

/// The most a compressed certificate may become.
const LARGEST_CERTIFICATE: u64 = 10 * 1024;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANISATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
/// User principal name in an otherName (Microsoft).
const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

// Tags of ASN.1 (X.690 §8).
const INTEGER: u32 = 0x02;
const SEQUENCE: u32 = 0x30;
const VERSION: u32 = 0xA0;

/// Why an object holds no certificate we can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotACertificate {
    #[error("the object holds no certificate")]
    Missing,
    #[error("it is compressed, and cannot be unpacked")]
    Compression,
    #[error("it unpacks to more than {LARGEST_CERTIFICATE} bytes")]
    TooLarge,
    #[error("it is no X.509 certificate")]
    Malformed,
}

/// Takes a certificate out of the content of its data object, and unpacks it
/// if it is compressed (SP 800-73pt1-5 appendix A, table 15: tags 70 and 71).
pub fn unpack(object: &[u8]) -> Result<Vec<u8>, NotACertificate> {
    let value = tlv::find(object, 0x70).ok_or(NotACertificate::Missing)?;
    // What the bytes begin with says more than the flag in tag 71, which some
    // cards set wrongly.
    match value {
        [] => Err(NotACertificate::Missing),
        [0x30, ..] => Ok(value.to_vec()),
        [0x1F, 0x8B, ..] => inflate(flate2::read::GzDecoder::new(value)),
        _ => inflate(flate2::read::ZlibDecoder::new(value)),
    }
}

/// The front of a certificate, out of the front of its data object.
pub(super) struct Front<'a> {
    /// Of the whole certificate.
    pub(super) length: usize,
    /// As much of it as is there.
    pub(super) der: &'a [u8],
}

/// None if too little has come, or it is compressed.
pub(super) fn front(content: &[u8]) -> Option<Front<'_>> {
    let (0x70, length, der) = tlv::open(content).ok()? else {
        return None;
    };
    let der = der.get(..length).unwrap_or(der);
    der.starts_with(&[0x30]).then_some(Front { length, der })
}

impl Front<'_> {
    /// Serial number, issuer and dates are there: no issuer makes two
    /// certificates of one serial number (RFC 5280 §4.1.2.2).
    pub(super) fn names_it_alone(&self) -> bool {
        self.after_dates().is_some()
    }

    /// The common name of the subject, as soon as the whole subject is there.
    pub(super) fn subject(&self) -> Option<String> {
        let (subject, _) = tlv::first(self.after_dates()?).ok()?;
        (subject.tag == SEQUENCE).then_some(())?;
        let mut found = None;
        for part in tlv::elements(subject.value) {
            let (attribute, _) = tlv::first(part.ok()?.value).ok()?;
            let mut pair = tlv::elements(attribute.value);
            let (kind, text) = (pair.next()?.ok()?, pair.next()?.ok()?);
            if kind.value == COMMON_NAME.as_bytes() {
                found = std::str::from_utf8(text.value).ok().map(readable);
            }
        }
        found
    }

    /// What follows serial number, algorithm, issuer and validity (RFC 5280 §4.1).
    fn after_dates(&self) -> Option<&[u8]> {
        let (SEQUENCE, _, certificate) = tlv::open(self.der).ok()? else {
            return None;
        };
        let (SEQUENCE, _, mut rest) = tlv::open(certificate).ok()? else {
            return None;
        };
        if let Ok((element, after)) = tlv::first(rest)
            && element.tag == VERSION
        {
            rest = after;
        }
        for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE] {
            let (element, after) = tlv::first(rest).ok()?;
            (element.tag == tag).then_some(())?;
            rest = after;
        }
        Some(rest)
    }
}

/// Reads a certificate.
pub fn parse(slot: Slot, der: Vec<u8>) -> Result<CardCertificate, NotACertificate> {
    let certificate = Certificate::from_der(&der).map_err(|_| NotACertificate::Malformed)?;
    let tbs = certificate.tbs_certificate();
    let validity = tbs.validity();
    let moment = |time: &x509_cert::time::Time| {
        UtcSeconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
    };
    let purposes = Purposes::of(tbs);
    let summary = CertificateSummary {
        slot,
        role: purposes.role(),
        subject: common_name(tbs.subject()),
        issuer: common_name(tbs.issuer()),
        subject_dn: readable(&tbs.subject().to_string()),
        issuer_dn: readable(&tbs.issuer().to_string()),
        serial: hex(tbs.serial_number().as_bytes()),
        not_before: moment(&validity.not_before),
        not_after: moment(&validity.not_after),
        key: key_name(tbs.subject_public_key_info()),
        upn: upn(&certificate),
        mail: mail(&certificate),
        key_usage: purposes.usage_words(),
        extended_key_usage: purposes.extended_words(),
        policies: purposes.policy_words(),
        chain: ChainStatus::NotChecked,
        revocation: Revocation::NotChecked,
        sha256: hex(digest(&SHA256, &der).as_ref()),
    };
    Ok(CardCertificate {
        summary,
        der,
        purposes,
    })
}

/// The organisational units of the subject, outermost first.
pub fn organisational_units(der: &[u8]) -> Vec<String> {
    Certificate::from_der(der)
        .map(|certificate| attributes(certificate.tbs_certificate().subject(), ORGANISATIONAL_UNIT))
        .unwrap_or_default()
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes what it is given");
            text
        })
}

fn inflate(packed: impl std::io::Read) -> Result<Vec<u8>, NotACertificate> {
    let mut bytes = Vec::new();
    packed
        .take(LARGEST_CERTIFICATE + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| NotACertificate::Compression)?;
    if bytes.len() as u64 > LARGEST_CERTIFICATE {
        return Err(NotACertificate::TooLarge);
    }
    Ok(bytes)
}

/// The whole name where it has no common name.
fn common_name(name: &Name) -> String {
    attributes(name, COMMON_NAME)
        .pop()
        .unwrap_or_else(|| readable(&name.to_string()))
}

fn attributes(name: &Name, kind: ObjectIdentifier) -> Vec<String> {
    name.iter()
        .filter(|attribute| attribute.oid == kind)
        .filter_map(|attribute| std::str::from_utf8(attribute.value.value()).ok())
        .map(readable)
        .collect()
}

fn upn(certificate: &Certificate) -> Option<String> {
    alt_names(certificate).iter().find_map(|name| {
        let GeneralName::OtherName(other) = name else {
            return None;
        };
        if other.type_id != UPN {
            return None;
        }
        let text = other.value.decode_as::<Utf8StringRef<'_>>().ok()?;
        Some(readable(text.as_str())).filter(|text| !text.is_empty())
    })
}

fn mail(certificate: &Certificate) -> Vec<String> {
    let mut found = Vec::new();
    for name in alt_names(certificate) {
        if let GeneralName::Rfc822Name(address) = name {
            found.push(readable(address.as_str()));
        }
    }
    found
}

fn alt_names(certificate: &Certificate) -> Vec<GeneralName> {
    match certificate
        .tbs_certificate()
        .get_extension::<SubjectAltName>()
    {
        Ok(Some((_, names))) => names.0,
        Ok(None) | Err(_) => Vec::new(),
    }
}

fn key_name(key: &SubjectPublicKeyInfoOwned) -> String {
    let oid = key.algorithm.oid;
    if oid == RSA {
        let bits = rsa_bits(key.subject_public_key.raw_bytes());
        return bits.map_or_else(|| "RSA".into(), |bits| format!("RSA-{bits}"));
    }
    let curve = || {
        let parameters = key.algorithm.parameters.as_ref()?.to_der().ok()?;
        ObjectIdentifier::from_der(&parameters).ok()
    };
    match (oid == EC).then(curve).flatten() {
        Some(P256) => "P-256".into(),
        Some(P384) => "P-384".into(),
        Some(other) => other.to_string(),
        None => oid.to_string(),
    }
}

/// The bits of the modulus in an RSAPublicKey (RFC 8017 §A.1.1).
fn rsa_bits(key: &[u8]) -> Option<u32> {
    let mut reader = der::SliceReader::new(key).ok()?;
    let modulus: der::asn1::Uint = reader
        .sequence(|body| {
            let modulus = body.decode()?;
            let _: der::asn1::Uint = body.decode()?;
            Ok::<_, der::Error>(modulus)
        })
        .ok()?;
    let bytes = modulus.as_bytes();
    let leading = bytes.first()?.leading_zeros();
    u32::try_from(bytes.len() * 8).ok()?.checked_sub(leading)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_certificate_is_unpacked_by_what_it_begins_with() {
        let packed = gzip(b"\x30\x03abc");

        for (value, flag) in [(&b"\x30\x03abc"[..], 1), (&packed, 0), (&packed, 1)] {
            let object = [tlv::write(0x70, value), tlv::write(0x71, &[flag])].concat();

            assert_eq!(unpack(&object).unwrap(), b"\x30\x03abc");
        }
    }

    #[test]
    fn what_unpacks_without_end_is_refused() {
        let object = tlv::write(0x70, &gzip(&vec![0; 10_000_000]));

        assert_eq!(unpack(&object), Err(NotACertificate::TooLarge));
    }

    #[test]
    fn an_empty_or_broken_object_is_told() {
        assert_eq!(unpack(b""), Err(NotACertificate::Missing));
        assert_eq!(unpack(b"\x70\x00"), Err(NotACertificate::Missing));
        assert_eq!(
            unpack(b"\x70\x02\xFF\xFF"),
            Err(NotACertificate::Compression)
        );
        assert_eq!(
            parse(Slot::Authentication, b"\x30\x03abc".to_vec()),
            Err(NotACertificate::Malformed)
        );
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }
}
