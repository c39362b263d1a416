//! Certificates byte by byte: a card's SubjectAltName holds what certificate libraries refuse to write.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use der::asn1::ObjectIdentifier;
use der::{DateTime, Encode};

use super::key::{KeyAlgorithm, KeyError, PrivateKey};
use super::tlv::{constructed, tlv};

const SEQUENCE: &[u8] = &[0x30];
const SET: &[u8] = &[0x31];
const BOOLEAN_TRUE: &[u8] = &[0x01, 0x01, 0xFF];

/// The certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The private or public key is at fault.
    #[error(transparent)]
    Key(#[from] KeyError),

    /// Before 1970 or after 9999.
    #[error("validity period cannot be written")]
    Validity,
}

/// From when until when a certificate is good.
#[derive(Debug, Clone, Copy)]
pub struct Validity {
    /// First moment.
    pub not_before: SystemTime,
    /// Last moment.
    pub not_after: SystemTime,
}

const DAY: Duration = Duration::from_hours(24);

impl Validity {
    /// Good since a year, and for two more.
    pub fn current(now: SystemTime) -> Self {
        Self {
            not_before: now - 365 * DAY,
            not_after: now + 730 * DAY,
        }
    }

    /// Came to its end yesterday.
    pub fn expired(now: SystemTime) -> Self {
        Self {
            not_before: now - 1095 * DAY,
            not_after: now - DAY,
        }
    }

    /// As long, and came to its end when this one began.
    pub(crate) fn of_the_card_before(self) -> Self {
        let length = self
            .not_after
            .duration_since(self.not_before)
            .unwrap_or_default();
        Self {
            not_before: self.not_before - length,
            not_after: self.not_before,
        }
    }

    /// Good since two years, and for ten more.
    pub(crate) fn of_an_authority(now: SystemTime) -> Self {
        Self {
            not_before: now - 730 * DAY,
            not_after: now + 3650 * DAY,
        }
    }
}

/// A distinguished name: the attributes in the order they are written.
#[derive(Clone)]
pub(crate) struct Name(pub(crate) Vec<(&'static str, String)>);

pub(crate) const COUNTRY: &str = "2.5.4.6";
pub(crate) const ORGANISATION: &str = "2.5.4.10";
pub(crate) const UNIT: &str = "2.5.4.11";
pub(crate) const COMMON_NAME: &str = "2.5.4.3";
pub(crate) const SERIAL_NUMBER: &str = "2.5.4.5";

/// One entry of SubjectAltName.
pub(crate) enum AltName {
    Upn(String),
    FascN([u8; 25]),
    Mail(String),
    Uri(String),
    Dns(String),
    Ip(IpAddr),
}

/// The bits of KeyUsage that are used here, as in RFC 5280, section 4.2.1.3.
#[derive(Clone, Copy)]
pub(crate) enum KeyUsage {
    DigitalSignature = 0,
    NonRepudiation = 1,
    KeyEncipherment = 2,
    KeyAgreement = 4,
    KeyCertSign = 5,
    CrlSign = 6,
}

/// Whether the subject may issue certificates itself.
pub(crate) enum Role {
    Root,
    Issuing,
    EndEntity,
}

/// All that is said about a subject, before it is signed.
pub(crate) struct Statement<'a> {
    pub(crate) subject: &'a Name,
    pub(crate) public_key: &'a [u8],
    pub(crate) serial: [u8; 16],
    pub(crate) validity: Validity,
    pub(crate) role: Role,
    pub(crate) key_usage: &'a [KeyUsage],
    pub(crate) extended_key_usage: &'a [&'static str],
    pub(crate) policies: &'a [&'static str],
    pub(crate) alt_names: &'a [AltName],
    /// Extensions of the issuer's house: OID and DER of the value.
    pub(crate) more: Vec<(&'static str, Vec<u8>)>,
    /// File name of the issuer at the places where its certificate and its revocation list would be.
    pub(crate) issuer_file: Option<&'a str>,
}

impl Statement<'_> {
    /// The certificate, DER; the issuer's OCSP responder is told where its files are.
    pub(crate) fn sign(
        self,
        issuer: &Name,
        key: &PrivateKey,
        responder: &str,
    ) -> Result<Vec<u8>, CertificateError> {
        let algorithm = signature_algorithm(key.algorithm());
        let issuer_public_key = key.public_key()?;
        let body = constructed(
            SEQUENCE,
            &[
                tlv(&[0xA0], &[0x02, 0x01, 0x02]),
                positive_integer(&self.serial),
                algorithm.clone(),
                issuer.encode(),
                constructed(
                    SEQUENCE,
                    &[
                        time(self.validity.not_before)?,
                        time(self.validity.not_after)?,
                    ],
                ),
                self.subject.encode(),
                self.public_key.to_vec(),
                tlv(
                    &[0xA3],
                    &constructed(SEQUENCE, &self.extensions(&issuer_public_key, responder)),
                ),
            ],
        );
        let signature = key.sign(&body)?;
        Ok(constructed(
            SEQUENCE,
            &[body, algorithm, bit_string(&signature, 0)],
        ))
    }

    fn extensions(self, issuer_public_key: &[u8], responder: &str) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let authority = tlv(&[0x80], &key_identifier(issuer_public_key));
        all.push(extension("2.5.29.35", &[], &tlv(SEQUENCE, &authority)));
        all.push(extension(
            "2.5.29.14",
            &[],
            &tlv(&[0x04], &key_identifier(self.public_key)),
        ));
        all.push(extension(
            "2.5.29.15",
            BOOLEAN_TRUE,
            &key_usage_bits(self.key_usage),
        ));
        match self.role {
            Role::Root => all.push(extension(
                "2.5.29.19",
                BOOLEAN_TRUE,
                &tlv(SEQUENCE, BOOLEAN_TRUE),
            )),
            Role::Issuing => {
                let no_further_authority = [BOOLEAN_TRUE, &[0x02, 0x01, 0x00]].concat();
                all.push(extension(
                    "2.5.29.19",
                    BOOLEAN_TRUE,
                    &tlv(SEQUENCE, &no_further_authority),
                ));
            }
            Role::EndEntity => {}
        }
        if !self.policies.is_empty() {
            let policies: Vec<_> = self
                .policies
                .iter()
                .map(|policy| tlv(SEQUENCE, &oid(policy)))
                .collect();
            all.push(extension(
                "2.5.29.32",
                &[],
                &constructed(SEQUENCE, &policies),
            ));
        }
        if !self.extended_key_usage.is_empty() {
            let purposes: Vec<_> = self
                .extended_key_usage
                .iter()
                .map(|purpose| oid(purpose))
                .collect();
            all.push(extension(
                "2.5.29.37",
                &[],
                &constructed(SEQUENCE, &purposes),
            ));
        }
        if !self.alt_names.is_empty() {
            let names: Vec<_> = self.alt_names.iter().map(AltName::encode).collect();
            all.push(extension("2.5.29.17", &[], &constructed(SEQUENCE, &names)));
        }
        if let Some(file) = self.issuer_file {
            all.push(extension(
                "1.3.6.1.5.5.7.1.1",
                &[],
                &issuer_access(file, responder),
            ));
            all.push(extension("2.5.29.31", &[], &revocation_list(file)));
        }
        for (id, value) in self.more {
            all.push(extension(id, &[], &value));
        }
        all
    }
}

impl Name {
    fn encode(&self) -> Vec<u8> {
        let parts: Vec<_> = self
            .0
            .iter()
            .map(|(attribute, value)| {
                let text = tlv(&[string_type(value)], value.as_bytes());
                tlv(SET, &constructed(SEQUENCE, &[oid(attribute), text]))
            })
            .collect();
        constructed(SEQUENCE, &parts)
    }
}

impl AltName {
    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Upn(name) => other_name("1.3.6.1.4.1.311.20.2.3", &tlv(&[0x0C], name.as_bytes())),
            Self::FascN(number) => other_name("2.16.840.1.101.3.6.6", &tlv(&[0x04], number)),
            Self::Mail(address) => tlv(&[0x81], address.as_bytes()),
            Self::Dns(name) => tlv(&[0x82], name.as_bytes()),
            Self::Uri(uri) => tlv(&[0x86], uri.as_bytes()),
            Self::Ip(IpAddr::V4(address)) => tlv(&[0x87], &address.octets()),
            Self::Ip(IpAddr::V6(address)) => tlv(&[0x87], &address.octets()),
        }
    }
}

/// DER of an object identifier. The text is one of our own constants.
pub(crate) fn oid(text: &str) -> Vec<u8> {
    ObjectIdentifier::new(text)
        .ok()
        .and_then(|id| id.to_der().ok())
        .expect("object identifiers in this crate are well formed")
}

/// PrintableString, as the DoD's authorities write names, or UTF8String where that is too narrow.
fn string_type(text: &str) -> u8 {
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    if text.bytes().all(printable) {
        0x13
    } else {
        0x0C
    }
}

fn other_name(id: &str, value: &[u8]) -> Vec<u8> {
    constructed(&[0xA0], &[oid(id), tlv(&[0xA0], value)])
}

fn extension(id: &str, critical: &[u8], value: &[u8]) -> Vec<u8> {
    constructed(SEQUENCE, &[oid(id), critical.to_vec(), tlv(&[0x04], value)])
}

fn key_usage_bits(usages: &[KeyUsage]) -> Vec<u8> {
    let bits = usages
        .iter()
        .fold(0u8, |bits, usage| bits | 0x80 >> (*usage as u8));
    bit_string(
        &[bits],
        u8::try_from(bits.trailing_zeros()).unwrap_or_default(),
    )
}

fn issuer_access(file: &str, responder: &str) -> Vec<u8> {
    let certificate = format!("http://crl.test.invalid/sign/{file}.cer");
    let entry = |method: &str, uri: &str| {
        constructed(SEQUENCE, &[oid(method), tlv(&[0x86], uri.as_bytes())])
    };
    constructed(
        SEQUENCE,
        &[
            entry("1.3.6.1.5.5.7.48.2", &certificate),
            entry("1.3.6.1.5.5.7.48.1", responder),
        ],
    )
}

fn revocation_list(file: &str) -> Vec<u8> {
    let uri = format!("http://crl.test.invalid/crl/{file}.crl");
    let full_name = tlv(&[0xA0], &tlv(&[0x86], uri.as_bytes()));
    let point = tlv(SEQUENCE, &tlv(&[0xA0], &full_name));
    tlv(SEQUENCE, &point)
}

pub(crate) fn signature_algorithm(key: KeyAlgorithm) -> Vec<u8> {
    match key {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 => {
            constructed(SEQUENCE, &[oid("1.2.840.113549.1.1.11"), vec![0x05, 0x00]])
        }
        KeyAlgorithm::P256 => tlv(SEQUENCE, &oid("1.2.840.10045.4.3.2")),
        KeyAlgorithm::P384 => tlv(SEQUENCE, &oid("1.2.840.10045.4.3.3")),
    }
}

/// RFC 7093, section 2, method 1: the hash of the public key, cut to twenty bytes.
fn key_identifier(public_key: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, public_key).as_ref()[..20].to_vec()
}

fn positive_integer(bytes: &[u8; 16]) -> Vec<u8> {
    let mut bytes = *bytes;
    // Neither negative nor with a leading zero byte.
    bytes[0] = bytes[0] & 0x7F | 0x40;
    tlv(&[0x02], &bytes)
}

fn bit_string(bytes: &[u8], unused_bits: u8) -> Vec<u8> {
    tlv(&[0x03], &[&[unused_bits], bytes].concat())
}

/// UTCTime until 2049, GeneralizedTime after (RFC 5280, section 4.1.2.5).
fn time(moment: SystemTime) -> Result<Vec<u8>, CertificateError> {
    let t = DateTime::from_system_time(moment).map_err(|_| CertificateError::Validity)?;
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        t.month(),
        t.day(),
        t.hour(),
        t.minutes(),
        t.seconds()
    );
    Ok(match t.year() {
        1950..=2049 => tlv(&[0x17], format!("{:02}{rest}", t.year() % 100).as_bytes()),
        _ => tlv(&[0x18], format!("{:04}{rest}", t.year()).as_bytes()),
    })
}
