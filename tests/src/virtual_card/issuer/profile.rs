//! What each certificate on a card says, by the key that it is for.

use super::office::{Office, dod_name};
use super::{Authority, CardNumbers, CardOrder, IssueError, uuid_text};
use crate::virtual_card::card_file::Slot;
use crate::virtual_card::certificate::{
    self, AltName, COMMON_NAME, KeyUsage, Name, Role, SERIAL_NUMBER, Statement, UNIT, Validity,
};
use crate::virtual_card::key::KeyAlgorithm;
use crate::virtual_card::tlv::tlv;

const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
const SMARTCARD_LOGON: &str = "1.3.6.1.4.1.311.20.2.2";
const PKINIT_CLIENT: &str = "1.3.6.1.5.2.3.4";
const PIV_CARD_AUTH: &str = "2.16.840.1.101.3.6.8";

/// DoD mediumHardware with 112 bits of strength, with 128, and with 192.
const MEDIUM_HARDWARE_112: &str = "2.16.840.1.101.2.1.11.42";
const MEDIUM_HARDWARE_128: &str = "2.16.840.1.101.2.1.11.43";
const MEDIUM_HARDWARE_192: &str = "2.16.840.1.101.2.1.11.44";
const COMMON_HARDWARE: &str = "2.16.840.1.101.3.2.1.3.7";
const COMMON_AUTHENTICATION: &str = "2.16.840.1.101.3.2.1.3.13";
const COMMON_CARD_AUTHENTICATION: &str = "2.16.840.1.101.3.2.1.3.17";

/// The background investigation was complete when the card was issued: BOOLEAN FALSE.
const PIV_INTERIM: (&str, &[u8]) = ("2.16.840.1.101.3.6.9.1", &[0x01, 0x01, 0x00]);

impl Authority {
    pub(super) fn certify(
        &self,
        slot: Slot,
        order: &CardOrder<'_>,
        numbers: &CardNumbers,
        public_key: &[u8],
    ) -> Result<Vec<u8>, IssueError> {
        let holder = dod_name(&[
            (UNIT, &order.person.ou),
            (COMMON_NAME, &order.person.common_name()),
        ]);
        let uuid = uuid_text(&numbers.card_id);
        let card = dod_name(&[(UNIT, &order.person.ou), (SERIAL_NUMBER, &uuid)]);
        let card_uri = || AltName::Uri(format!("urn:uuid:{uuid}"));
        let mail = || AltName::Mail(order.person.mail());
        let profile = match slot {
            Slot::Authentication => Profile {
                issuer: &self.id_ca,
                subject: holder,
                key_usage: vec![KeyUsage::DigitalSignature],
                extended_key_usage: vec![CLIENT_AUTH, SMARTCARD_LOGON, PKINIT_CLIENT],
                policies: vec![medium_hardware(order.algorithm), COMMON_AUTHENTICATION],
                alt_names: vec![
                    AltName::Upn(order.person.upn()),
                    AltName::FascN(numbers.fascn),
                    card_uri(),
                ],
            },
            Slot::Signature => Profile {
                issuer: &self.email_ca,
                subject: holder,
                key_usage: vec![KeyUsage::DigitalSignature, KeyUsage::NonRepudiation],
                extended_key_usage: vec![EMAIL_PROTECTION],
                policies: vec![medium_hardware(order.algorithm), COMMON_HARDWARE],
                alt_names: vec![mail()],
            },
            Slot::Encryption => Profile {
                issuer: &self.email_ca,
                subject: holder,
                key_usage: vec![match order.algorithm {
                    KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 => KeyUsage::KeyEncipherment,
                    KeyAlgorithm::P256 | KeyAlgorithm::P384 => KeyUsage::KeyAgreement,
                }],
                extended_key_usage: vec![EMAIL_PROTECTION],
                policies: vec![medium_hardware(order.algorithm), COMMON_HARDWARE],
                alt_names: vec![mail()],
            },
            Slot::CardAuthentication => Profile {
                issuer: &self.id_ca,
                subject: card,
                key_usage: vec![KeyUsage::DigitalSignature],
                extended_key_usage: vec![PIV_CARD_AUTH],
                policies: vec![COMMON_CARD_AUTHENTICATION],
                alt_names: vec![AltName::FascN(numbers.fascn), card_uri()],
            },
        };
        profile.sign(order.validity, public_key)
    }
}

/// What sets the certificates of a card apart.
pub(super) struct Profile<'a> {
    pub(super) issuer: &'a Office,
    pub(super) subject: Name,
    pub(super) key_usage: Vec<KeyUsage>,
    pub(super) extended_key_usage: Vec<&'static str>,
    pub(super) policies: Vec<&'static str>,
    pub(super) alt_names: Vec<AltName>,
}

impl Profile<'_> {
    pub(super) fn sign(self, validity: Validity, public_key: &[u8]) -> Result<Vec<u8>, IssueError> {
        Ok(self.issuer.sign(Statement {
            subject: &self.subject,
            public_key,
            serial: rand::random(),
            validity,
            role: Role::EndEntity,
            key_usage: &self.key_usage,
            extended_key_usage: &self.extended_key_usage,
            policies: &self.policies,
            alt_names: &self.alt_names,
            more: vec![
                (PIV_INTERIM.0, PIV_INTERIM.1.to_vec()),
                citizenship(),
                notice(),
            ],
            issuer_file: Some(self.issuer.title.published_as),
        })?)
    }
}

pub(super) fn medium_hardware(algorithm: KeyAlgorithm) -> &'static str {
    match algorithm {
        KeyAlgorithm::Rsa2048 => MEDIUM_HARDWARE_112,
        KeyAlgorithm::Rsa3072 | KeyAlgorithm::P256 => MEDIUM_HARDWARE_128,
        KeyAlgorithm::P384 => MEDIUM_HARDWARE_192,
    }
}

/// SubjectDirectoryAttributes with the country of citizenship (RFC 3739, section 3.3.2).
fn citizenship() -> (&'static str, Vec<u8>) {
    let country = tlv(&[0x31], &tlv(&[0x13], b"US"));
    let attribute = [certificate::oid("1.3.6.1.5.5.7.9.4"), country].concat();
    ("2.5.29.9", tlv(&[0x30], &tlv(&[0x30], &attribute)))
}

/// A Netscape comment: says what this is, and brings the certificate to the size of a real one.
fn notice() -> (&'static str, Vec<u8>) {
    let text =
        b"Made for tests by software that plays a card. It names nobody, vouches for nothing, \
        and is not issued by any government. Whoever meets it outside of a test may throw it away: \
        the authority above it keeps no list of it and answers no questions.";
    ("2.16.840.1.113730.1.13", tlv(&[0x16], text))
}
