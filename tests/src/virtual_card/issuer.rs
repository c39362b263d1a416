//! The invented authority that issues the virtual cards, in the pattern of the DoD's.
//!
//! Its organisation is plainly fake, so that no certificate of a test can be
//! taken for a real one.

mod office;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use der::DateTime;

use self::office::{EMAIL_CA, ID_CA, Office, ROOT, dod_name};
use super::card_file::{self, CardFile, CardFileError, Slot};
use super::certificate::{
    AltName, COMMON_NAME, CertificateError, KeyUsage, Name, Role, SERIAL_NUMBER, Statement, UNIT,
    Validity,
};
use super::hex::to_hex;
use super::key::{KeyAlgorithm, KeyError, PrivateKey};
use super::objects::{self, Date};
use super::person::Person;
use super::pin_block::PinBlock;
use super::tlv::tlv;

/// The organisation in every name.
pub const FAKE_ORGANISATION: &str = "Fictional Test Government";

const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
const SMARTCARD_LOGON: &str = "1.3.6.1.4.1.311.20.2.2";
const PKINIT_CLIENT: &str = "1.3.6.1.5.2.3.4";
const PIV_CARD_AUTH: &str = "2.16.840.1.101.3.6.8";

/// DoD mediumHardware with 112 bits of strength, and with 128.
const MEDIUM_HARDWARE_112: &str = "2.16.840.1.101.2.1.11.42";
const MEDIUM_HARDWARE_128: &str = "2.16.840.1.101.2.1.11.43";
const COMMON_HARDWARE: &str = "2.16.840.1.101.3.2.1.3.7";
const COMMON_AUTHENTICATION: &str = "2.16.840.1.101.3.2.1.3.13";
const COMMON_CARD_AUTHENTICATION: &str = "2.16.840.1.101.3.2.1.3.17";

/// The background investigation was complete when the card was issued: BOOLEAN FALSE.
const PIV_INTERIM: (&str, &[u8]) = ("2.16.840.1.101.3.6.9.1", &[0x01, 0x01, 0x00]);

/// A card or certificate could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The certificate at fault cannot be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),

    /// The key at fault cannot be made.
    #[error(transparent)]
    Key(#[from] KeyError),

    /// Six to eight digits are asked for.
    #[error("card cannot have this PIN")]
    Pin(#[from] super::pin_block::NotAPin),
}

/// What is to be issued, and to whom.
pub struct CardOrder<'a> {
    /// Who.
    pub person: Person,
    /// The kind of all four keys.
    pub algorithm: KeyAlgorithm,
    /// Of the card and all its certificates.
    pub validity: Validity,
    /// Six to eight digits.
    pub pin: &'a str,
}

/// A certificate for a server, with the way up to the root, and its key.
pub struct ServerCertificate {
    /// The certificate first, then its issuer; without the root.
    pub chain_pem: String,
    /// PKCS#8.
    pub key_pem: String,
}

/// A root, and below it one authority for identities and one for e-mail.
pub struct Authority {
    root: Office,
    id_ca: Office,
    email_ca: Office,
}

impl Authority {
    /// Makes three keys and three certificates that are good at `now`.
    pub fn new(now: SystemTime) -> Result<Self, IssueError> {
        let validity = Validity::of_an_authority(now);
        let root = Office::root(validity)?;
        Ok(Self {
            id_ca: root.appoint(ID_CA, validity)?,
            email_ca: root.appoint(EMAIL_CA, validity)?,
            root,
        })
    }

    /// Writes certificates and keys into a folder, which is made if it is missing.
    pub fn save(&self, folder: &Path) -> Result<(), CardFileError> {
        card_file::make_folder(folder)?;
        for issuer in [&self.root, &self.id_ca, &self.email_ca] {
            issuer.save(folder)?;
        }
        Ok(())
    }

    /// Whether `save` has been here.
    pub fn is_in(folder: &Path) -> bool {
        ROOT.files(folder).0.exists()
    }

    /// Reads what `save` wrote.
    pub fn load(folder: &Path) -> Result<Self, CardFileError> {
        Ok(Self {
            root: Office::load(ROOT, folder)?,
            id_ca: Office::load(ID_CA, folder)?,
            email_ca: Office::load(EMAIL_CA, folder)?,
        })
    }

    /// The certificate to trust.
    pub fn root_pem(&self) -> String {
        card_file::pem("CERTIFICATE", &self.root.certificate)
    }

    /// The certificate to trust, DER.
    pub fn root_der(&self) -> &[u8] {
        &self.root.certificate
    }

    /// The issuers below the root: identities first, then e-mail.
    pub fn issuing_pem(&self) -> String {
        [&self.id_ca, &self.email_ca]
            .map(|issuer| card_file::pem("CERTIFICATE", &issuer.certificate))
            .concat()
    }

    /// The issuer of the certificates for authentication, DER.
    pub fn id_ca_der(&self) -> &[u8] {
        &self.id_ca.certificate
    }

    /// The issuer of the certificates for signature and encryption, DER.
    pub fn email_ca_der(&self) -> &[u8] {
        &self.email_ca.certificate
    }

    /// Makes four keys and all that goes with them.
    pub fn issue_card(&self, order: &CardOrder<'_>) -> Result<CardFile, IssueError> {
        let pin = PinBlock::new(order.pin)?;
        let credential = rand::random_range(1..1_000_000);
        let card_id = random_uuid();
        let day = last_day(order.validity)?;
        let fascn = order.person.fascn(credential).encode();

        let mut keys = BTreeMap::new();
        let mut certificates = BTreeMap::new();
        let mut objects = BTreeMap::from([
            (
                objects::CHUID.to_vec(),
                objects::chuid(&fascn, &card_id, &day),
            ),
            (
                objects::CARD_CAPABILITY.to_vec(),
                objects::card_capability(&card_id),
            ),
            (objects::DISCOVERY.to_vec(), objects::discovery()),
            (objects::KEY_HISTORY.to_vec(), objects::key_history()),
            (
                objects::PRINTED_INFORMATION.to_vec(),
                printed_information(&order.person, &day, credential),
            ),
        ]);
        for slot in Slot::ALL {
            let key = PrivateKey::generate(order.algorithm)?;
            let certificate = self.certify(slot, order, &fascn, &card_id, &key)?;
            objects.insert(slot.object().to_vec(), objects::certificate(&certificate));
            keys.insert(slot, key.to_pkcs8()?);
            certificates.insert(slot, certificate);
        }
        Ok(CardFile {
            person: order.person.clone(),
            algorithm: order.algorithm,
            card_id,
            credential,
            pin,
            objects,
            keys,
            certificates,
        })
    }

    /// For a server reachable under these DNS names and addresses.
    pub fn issue_server_certificate(
        &self,
        names: &[&str],
        validity: Validity,
    ) -> Result<ServerCertificate, IssueError> {
        let key = PrivateKey::generate(KeyAlgorithm::P256)?;
        let alt_names: Vec<_> = names
            .iter()
            .map(|name| match name.parse::<IpAddr>() {
                Ok(address) => AltName::Ip(address),
                Err(_) => AltName::Dns((*name).to_owned()),
            })
            .collect();
        let common_name = names.first().copied().unwrap_or("localhost");
        let certificate = self.id_ca.sign(Statement {
            subject: &dod_name(&[(COMMON_NAME, common_name)]),
            public_key: &key.public_key()?,
            serial: rand::random(),
            validity,
            role: Role::EndEntity,
            key_usage: &[KeyUsage::DigitalSignature],
            extended_key_usage: &[SERVER_AUTH],
            policies: &[],
            alt_names: &alt_names,
            more: Vec::new(),
            issuer_file: None,
        })?;
        Ok(ServerCertificate {
            chain_pem: [&certificate, &self.id_ca.certificate]
                .map(|der| card_file::pem("CERTIFICATE", der))
                .concat(),
            key_pem: card_file::pem("PRIVATE KEY", &key.to_pkcs8()?),
        })
    }

    fn certify(
        &self,
        slot: Slot,
        order: &CardOrder<'_>,
        fascn: &[u8; 25],
        card_id: &[u8; 16],
        key: &PrivateKey,
    ) -> Result<Vec<u8>, IssueError> {
        let holder = dod_name(&[
            (UNIT, &order.person.ou),
            (COMMON_NAME, &order.person.common_name()),
        ]);
        let uuid = uuid_text(card_id);
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
                    AltName::FascN(*fascn),
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
                    KeyAlgorithm::Rsa2048 => KeyUsage::KeyEncipherment,
                    KeyAlgorithm::P256 => KeyUsage::KeyAgreement,
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
                alt_names: vec![AltName::FascN(*fascn), card_uri()],
            },
        };
        Ok(profile.issuer.sign(Statement {
            subject: &profile.subject,
            public_key: &key.public_key()?,
            serial: rand::random(),
            validity: order.validity,
            role: Role::EndEntity,
            key_usage: &profile.key_usage,
            extended_key_usage: &profile.extended_key_usage,
            policies: &profile.policies,
            alt_names: &profile.alt_names,
            more: vec![
                (PIV_INTERIM.0, PIV_INTERIM.1.to_vec()),
                citizenship(),
                notice(),
            ],
            issuer_file: Some(profile.issuer.title.published_as),
        })?)
    }
}

/// What sets the four certificates of a card apart.
struct Profile<'a> {
    issuer: &'a Office,
    subject: Name,
    key_usage: Vec<KeyUsage>,
    extended_key_usage: Vec<&'static str>,
    policies: Vec<&'static str>,
    alt_names: Vec<AltName>,
}

fn medium_hardware(algorithm: KeyAlgorithm) -> &'static str {
    match algorithm {
        KeyAlgorithm::Rsa2048 => MEDIUM_HARDWARE_112,
        KeyAlgorithm::P256 => MEDIUM_HARDWARE_128,
    }
}

/// SubjectDirectoryAttributes with the country of citizenship (RFC 3739, section 3.3.2).
fn citizenship() -> (&'static str, Vec<u8>) {
    let country = tlv(&[0x31], &tlv(&[0x13], b"US"));
    let attribute = [super::certificate::oid("1.3.6.1.5.5.7.9.4"), country].concat();
    ("2.5.29.9", tlv(&[0x30], &tlv(&[0x30], &attribute)))
}

/// A Netscape comment: says what this is, and brings the certificate to the size of a real one.
fn notice() -> (&'static str, Vec<u8>) {
    let text =
        b"Made for tests by software that plays a card. It names nobody, vouches for nothing, \
        and is not issued by any government.";
    ("2.16.840.1.113730.1.13", tlv(&[0x16], text))
}

fn printed_information(person: &Person, day: &Date, credential: u32) -> Vec<u8> {
    let middle = person.middle.as_deref().unwrap_or_default();
    let name = format!("{}, {} {middle}", person.last, person.first);
    let affiliation = match person.poa {
        4 => "UNIFORMED SERVICE",
        5 => "CONTRACTOR",
        _ => "CIVILIAN",
    };
    objects::printed_information(name.trim_end(), affiliation, day, credential)
}

fn last_day(validity: Validity) -> Result<Date, CertificateError> {
    let end =
        DateTime::from_system_time(validity.not_after).map_err(|_| CertificateError::Validity)?;
    Ok(Date {
        year: end.year(),
        month: end.month(),
        day: end.day(),
    })
}

/// Version 4, variant RFC 4122.
fn random_uuid() -> [u8; 16] {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    bytes
}

pub(crate) fn uuid_text(bytes: &[u8; 16]) -> String {
    let hex = to_hex(bytes).to_lowercase();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
