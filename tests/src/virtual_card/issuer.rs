//! The invented authority that issues the virtual cards, in the pattern of the DoD's.
//!
//! Its organisation is plainly fake, so that no certificate of a test can be
//! taken for a real one.

pub mod blemish;
mod cac;
mod contents;
mod office;
mod profile;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use self::blemish::Blemish;
use self::office::{CONTENT_SIGNER, EMAIL_CA, ID_CA, Office, ROOT, dod_name};
use super::card_file::{self, CardFile, CardFileError, RetiredKey, Slot};
use super::certificate::{
    AltName, COMMON_NAME, CertificateError, KeyUsage, Role, Statement, Validity,
};
use super::hex::to_hex;
use super::key::{KeyAlgorithm, KeyError, PrivateKey};
use super::objects;
use super::person::Person;
use super::pin_block::PinBlock;

/// The organisation in every name.
pub const FAKE_ORGANISATION: &str = "Fictional Test Government";

const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";

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
    /// How many encryption keys of former cards it carries: at most twenty.
    pub retired: u8,
    /// What is wrong with it.
    pub blemishes: &'a [Blemish],
}

/// What tells this card from any other.
struct CardNumbers {
    credential: u32,
    fascn: [u8; 25],
    card_id: [u8; 16],
}

impl CardOrder<'_> {
    fn has(&self, blemish: Blemish) -> bool {
        self.blemishes.contains(&blemish)
    }
}

/// A certificate for a server, with the way up to the root, and its key.
pub struct ServerCertificate {
    /// The certificate first, then its issuer; without the root.
    pub chain_pem: String,
    /// PKCS#8.
    pub key_pem: String,
}

/// A root, below it one authority for identities and one for e-mail, and
/// whoever signs what else is on the cards.
pub struct Authority {
    root: Office,
    id_ca: Office,
    email_ca: Office,
    content_signer: Office,
}

impl Authority {
    /// Makes four keys and four certificates that are good at `now`.
    pub fn new(now: SystemTime) -> Result<Self, IssueError> {
        let validity = Validity::of_an_authority(now);
        let root = Office::root(validity)?;
        let id_ca = root.appoint(ID_CA, validity)?;
        Ok(Self {
            content_signer: id_ca.appoint_content_signer(validity)?,
            id_ca,
            email_ca: root.appoint(EMAIL_CA, validity)?,
            root,
        })
    }

    /// Writes certificates and keys into a folder, which is made if it is missing.
    pub fn save(&self, folder: &Path) -> Result<(), CardFileError> {
        card_file::make_folder(folder)?;
        for issuer in [
            &self.root,
            &self.id_ca,
            &self.email_ca,
            &self.content_signer,
        ] {
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
            content_signer: Office::load(CONTENT_SIGNER, folder)?,
        })
    }

    /// The cards it issues from now on name this OCSP responder.
    #[must_use]
    pub fn answered_by(mut self, responder: &str) -> Self {
        for office in [&mut self.id_ca, &mut self.email_ca] {
            responder.clone_into(&mut office.responder);
        }
        self
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

    /// Who signs what is on the cards beside the certificates, DER.
    pub fn content_signer_der(&self) -> &[u8] {
        &self.content_signer.certificate
    }

    /// Makes four keys, those of former cards, and all that goes with them.
    pub fn issue_card(&self, order: &CardOrder<'_>) -> Result<CardFile, IssueError> {
        let pin = PinBlock::new(order.pin)?;
        let credential = rand::random_range(1..1_000_000);
        let numbers = CardNumbers {
            credential,
            fascn: order.person.fascn(credential).encode(),
            card_id: random_uuid(),
        };

        let mut keys = BTreeMap::new();
        let mut certificates = BTreeMap::new();
        let mut objects = BTreeMap::from([
            (
                objects::CARD_CAPABILITY.to_vec(),
                objects::card_capability(&numbers.card_id),
            ),
            (
                objects::DISCOVERY.to_vec(),
                objects::discovery(objects::APPLICATION_PIN_ONLY),
            ),
            (
                objects::KEY_HISTORY.to_vec(),
                objects::key_history(order.retired, 0),
            ),
        ]);
        objects.extend(contents::signed_objects(self, order, &numbers)?);
        for slot in Slot::ALL {
            let key = PrivateKey::generate(order.algorithm)?;
            let certificate = self.certify(slot, order, &numbers, &key.public_key()?)?;
            objects.insert(slot.object().to_vec(), objects::certificate(&certificate));
            keys.insert(slot, key.to_pkcs8()?);
            certificates.insert(slot, certificate);
        }
        let mut retired = Vec::new();
        let former = CardOrder {
            person: order.person.clone(),
            validity: order.validity.of_the_card_before(),
            ..*order
        };
        for place in RetiredKey::places(order.retired) {
            let key = PrivateKey::generate(order.algorithm)?;
            let certificate =
                self.certify(Slot::Encryption, &former, &numbers, &key.public_key()?)?;
            objects.insert(place.object(), objects::certificate(&certificate));
            retired.push(RetiredKey {
                place,
                certificate,
                key: key.to_pkcs8()?,
            });
        }
        let cac = self.certify_identity(order)?;
        Ok(CardFile {
            person: order.person.clone(),
            algorithm: order.algorithm,
            card_id: numbers.card_id,
            credential,
            pin,
            objects,
            keys,
            certificates,
            retired,
            cac,
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
}

fn random_uuid() -> [u8; 16] {
    as_version_4(rand::random())
}

/// Version 4, variant RFC 4122.
pub(crate) fn as_version_4(mut bytes: [u8; 16]) -> [u8; 16] {
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
