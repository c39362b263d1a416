//! Files of certificates: PEM with any number of them, a single one in DER,
//! and PKCS #7 bundles, as PEM or DER.
//!
//! What a file is, its content says. Its name does not: `.cer` and `.crt` are
//! both written in both ways.

pub mod archive;
pub mod cms;

use std::borrow::Cow;

use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use self::cms::{MessageFault, SignedData};
use crate::x509::{Certificate, NotACertificate};

/// A file larger than this is not read; a bundle of every DoD CA has about 300 kB.
pub const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// What the names of files of authorities end in.
pub const ENDINGS: [&str; 6] = ["pem", "crt", "cer", "der", "p7b", "p7c"];

/// Certificates of one file: a bundle of PEM may hold bundles.
pub const MOST_CERTIFICATES: usize = cms::MOST_CERTIFICATES;

/// The labels of PKCS #7 in PEM: RFC 7468 section 8, and the newer of section 9.
const BUNDLE_LABELS: [&str; 2] = ["PKCS7", "CMS"];

/// Why a file of certificates is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    #[error("it holds no certificate")]
    Empty,
    #[error("part {number} of it is no PEM")]
    Pem { number: usize },
    #[error("part {number} of it is no bundle of certificates: {fault}")]
    Bundle { number: usize, fault: MessageFault },
    #[error("certificate {number} cannot be used: {fault}")]
    Certificate {
        number: usize,
        fault: NotACertificate,
    },
    #[error("it holds more than {MOST_CERTIFICATES} certificates")]
    TooMany,
}

/// Every certificate of a file, in its order. All have to be good: one left
/// out would show only as a card that is not trusted.
pub fn read(bytes: &[u8]) -> Result<Vec<Certificate>, BundleFault> {
    let mut certificates = Vec::new();
    if is_pem(bytes) {
        let text = with_one_label(bytes);
        for (at, part) in CertificateDer::pem_slice_iter(&text).enumerate() {
            let number = at + 1;
            let part = part.map_err(|_| BundleFault::Pem { number })?;
            add_part(&mut certificates, number, &part)?;
        }
    } else if !bytes.is_empty() {
        add_part(&mut certificates, 1, bytes)?;
    }
    if certificates.is_empty() {
        return Err(BundleFault::Empty);
    }
    Ok(certificates)
}

/// SHA-256, hexadecimal: what people compare files and certificates by.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(digest::digest(&digest::SHA256, bytes).as_ref())
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    digits.collect()
}

fn add_part(
    certificates: &mut Vec<Certificate>,
    number: usize,
    der: &[u8],
) -> Result<(), BundleFault> {
    if is_bundle(der) {
        let inside =
            SignedData::parse(der).map_err(|fault| BundleFault::Bundle { number, fault })?;
        for der in inside.certificates {
            add(certificates, der)?;
        }
        return Ok(());
    }
    add(certificates, der)
}

fn add(certificates: &mut Vec<Certificate>, der: &[u8]) -> Result<(), BundleFault> {
    let number = certificates.len() + 1;
    if number > MOST_CERTIFICATES {
        return Err(BundleFault::TooMany);
    }
    let certificate =
        Certificate::parse(der).map_err(|fault| BundleFault::Certificate { number, fault })?;
    certificates.push(certificate);
    Ok(())
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(10).any(|window| window == b"-----BEGIN")
}

/// Bundles under the label that is looked for; what each part is, its first
/// bytes say.
fn with_one_label(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Cow::Borrowed(bytes);
    };
    if !BUNDLE_LABELS.iter().any(|label| text.contains(label)) {
        return Cow::Borrowed(bytes);
    }
    let mut text = text.to_owned();
    for label in BUNDLE_LABELS {
        for edge in ["BEGIN", "END"] {
            let own = format!("-----{edge} {label}-----");
            text = text.replace(&own, &format!("-----{edge} CERTIFICATE-----"));
        }
    }
    Cow::Owned(text.into_bytes())
}

/// A message of CMS begins with an OID, a certificate with another SEQUENCE.
fn is_bundle(der: &[u8]) -> bool {
    let first = match der {
        [0x30, length, rest @ ..] if *length < 0x80 => rest.first(),
        [0x30, length, rest @ ..] => rest.get(usize::from(length & 0x7F)),
        _ => None,
    };
    first == Some(&0x06)
}
