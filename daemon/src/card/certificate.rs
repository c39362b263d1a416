//! The certificates on a card: unpacked, parsed, and put into words.

mod front;

use std::fmt::Write as _;
use std::io::Read as _;

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::certificate::{CertificateSummary, ChainStatus, Revocation, Slot};
use cac_common::fascn::{Decoded, FascN, NotAFascN};
use cac_common::identity::readable;
use cac_common::time::UtcSeconds;
use der::asn1::{ObjectIdentifier, OctetString, Utf8StringRef};
use der::{Decode as _, Encode as _, Reader as _};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use super::facts::CardCertificate;
use super::purpose::Purposes;
use super::simple_tlv;
use super::tlv;

pub(super) use front::{front, front_in_values};

/// The most a compressed certificate may become.
const LARGEST_CERTIFICATE: u64 = 10 * 1024;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANISATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
/// User principal name in an otherName (Microsoft).
const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
/// FASC-N in an otherName (FIPS 201-3 §4.2.2).
const FASC_N: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.6.6");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

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
    inflated(tlv::find(object, 0x70).ok_or(NotACertificate::Missing)?)
}

/// Takes a certificate out of the contents of both buffers of a PKI applet of
/// the CAC edge, and unpacks it (GSC-IS 2.1: tags 70 and 71).
pub fn unpack_buffers(tags: &[u8], values: &[u8]) -> Result<Vec<u8>, NotACertificate> {
    // Some keep the whole object among the values.
    if tags.is_empty() {
        return unpack(values);
    }
    let value = simple_tlv::elements(tags, values)
        .map_while(Result::ok)
        .find(|element| element.tag == 0x70)
        .ok_or(NotACertificate::Missing)?
        .value;
    inflated(value)
}

/// Unpacks a certificate that lies there by itself.
pub fn inflated(value: &[u8]) -> Result<Vec<u8>, NotACertificate> {
    // What the bytes begin with says more than the flag in tag 71, which some
    // cards set wrongly.
    match value {
        [] => Err(NotACertificate::Missing),
        [0x30, ..] => Ok(value.to_vec()),
        [0x1F, 0x8B, ..] => inflate(flate2::read::GzDecoder::new(value)),
        _ => inflate(flate2::read::ZlibDecoder::new(value)),
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

/// Which card a certificate says it was made for (FIPS 201-3 §4.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardNumbers {
    pub fascn: Option<Result<Decoded, NotAFascN>>,
    pub uuid: Option<[u8; 16]>,
}

/// Reads them from the SubjectAltName.
pub fn card_numbers(der: &[u8]) -> CardNumbers {
    let mut numbers = CardNumbers::default();
    let Ok(certificate) = Certificate::from_der(der) else {
        return numbers;
    };
    for name in alt_names(&certificate) {
        match name {
            GeneralName::OtherName(other) if other.type_id == FASC_N => {
                let bytes = other.value.decode_as::<OctetString>();
                numbers.fascn = bytes.ok().map(|bytes| FascN::decode(bytes.as_bytes()));
            }
            GeneralName::UniformResourceIdentifier(uri) => {
                numbers.uuid = numbers.uuid.or_else(|| uuid(uri.as_str()));
            }
            GeneralName::OtherName(_)
            | GeneralName::Rfc822Name(_)
            | GeneralName::DnsName(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::IpAddress(_)
            | GeneralName::RegisteredId(_) => {}
        }
    }
    numbers
}

/// The size of an RSA key, in bits; none for any other.
pub fn rsa_key_bits(der: &[u8]) -> Option<u32> {
    let certificate = Certificate::from_der(der).ok()?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    if key.algorithm.oid != RSA {
        return None;
    }
    rsa_bits(key.subject_public_key.raw_bytes())
}

/// `urn:uuid:00112233-4455-4677-8899-aabbccddeeff` (RFC 4122 §3).
fn uuid(uri: &str) -> Option<[u8; 16]> {
    let uri = uri.to_ascii_lowercase();
    let digits = uri.strip_prefix("urn:uuid:")?.replace('-', "");
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16)
        .ok()
        .map(u128::to_be_bytes)
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

    use proptest::prelude::*;

    use super::super::fixtures::{Draft, Key};
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

    #[test]
    fn the_buffers_of_an_applet_hold_a_certificate_too() {
        let packed = gzip(b"\x30\x03abc");
        let length = u8::try_from(packed.len()).unwrap();

        for (tags, values) in [
            (
                vec![0x71, 1, 0x70, 5, 0x72, 2, 0xFE, 0],
                b"\x00\x30\x03abcID".to_vec(),
            ),
            (vec![0x71, 1, 0x70, length], [&[1], &packed[..]].concat()),
        ] {
            assert_eq!(unpack_buffers(&tags, &values).unwrap(), b"\x30\x03abc");
        }
        assert_eq!(
            unpack_buffers(b"\x71\x01\x70\x05", b"\x00\x30"),
            Err(NotACertificate::Missing)
        );
    }

    #[test]
    fn what_a_certificate_says_is_put_into_words() {
        let certificate = Draft::authentication().certificate();

        let summary = certificate.summary;
        assert_eq!(summary.subject, "DOE.JANE.Q.1234567890");
        assert_eq!(
            summary.subject_dn,
            "CN=DOE.JANE.Q.1234567890,OU=USAF,OU=PKI,OU=DoD,O=Example Government,C=US"
        );
        assert_eq!(summary.issuer, "DOD ID CA-9901");
        assert_eq!(summary.upn.as_deref(), Some("1234567890157004@mil"));
        assert_eq!(summary.key, "RSA-2048");
        assert_eq!(
            organisational_units(&certificate.der),
            ["DoD", "PKI", "USAF"]
        );
    }

    #[test]
    fn what_has_a_meaning_in_a_name_is_escaped() {
        let mut draft = Draft::authentication();
        draft.subject = "ROE, JR+\"X\"".into();

        let subject = draft.certificate().summary.subject_dn;

        assert!(subject.starts_with(r#"CN=ROE\, JR\+\"X\","#), "{subject}");
    }

    #[test]
    fn a_certificate_says_which_card_it_was_made_for() {
        let numbers = card_numbers(&Draft::authentication().der());
        let none = card_numbers(&Draft::signature().der());

        let fascn = numbers.fascn.unwrap().unwrap().fascn;
        assert_eq!(fascn.identifier(), "9700-1234-123456");
        assert_eq!(
            numbers.uuid.map(|uuid| uuid[0..2].to_vec()),
            Some(vec![0x00, 0x11])
        );
        assert_eq!(none, CardNumbers::default());
        assert_eq!(card_numbers(b"\x30\x00"), CardNumbers::default());
    }

    #[test]
    fn only_a_uuid_is_taken_for_one() {
        assert!(uuid("URN:UUID:00112233-4455-4677-8899-AABBCCDDEEFF").is_some());
        for uri in [
            "",
            "urn:uuid:",
            "urn:uuid:+0112233-4455-4677-8899-aabbccddeeff",
            "http://example.com/00112233445546778899aabbccddeeff",
        ] {
            assert_eq!(uuid(uri), None, "{uri}");
        }
    }

    #[test]
    fn the_size_of_an_rsa_key_is_known() {
        let mut draft = Draft::authentication();
        for bits in [1024, 2048, 3072] {
            draft.key = Key::Rsa(bits);
            assert_eq!(rsa_key_bits(&draft.der()), Some(bits));
        }
        draft.key = Key::P256;
        assert_eq!(rsa_key_bits(&draft.der()), None);
        assert_eq!(draft.certificate().summary.key, "P-256");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            at in 0..700_usize,
            flipped in 1..=u8::MAX,
        ) {
            let mut certificate = Draft::authentication().der();
            let at = at % certificate.len();
            certificate[at] ^= flipped;
            for bytes in [bytes, certificate] {
                let _ = (unpack(&bytes), unpack_buffers(&bytes, &bytes));
                let _ = (card_numbers(&bytes), rsa_key_bits(&bytes));
                let _ = parse(Slot::Authentication, bytes);
            }
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }
}
