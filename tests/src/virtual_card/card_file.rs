//! A card in a folder, so that one program can issue it and another insert it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use x509_cert::der::pem::{self, LineEnding};
use zeroize::Zeroizing;

use super::cac::{Credential, PkiSlot};
use super::hex::{from_hex, to_hex};
use super::issuer::uuid_text;
use super::key::{KeyAlgorithm, KeyError};
use super::objects::{self, Tag};
use super::person::Person;
use super::pin_block::PinBlock;

/// Contents of a card beside its certificates and keys.
const INDEX: &str = "card.json";

/// The digits alone, in a file of their own.
const PIN: &str = "pin";

/// The four key slots of a card as it is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// 9A: logging in.
    Authentication = 0x9A,
    /// 9C: signing documents and e-mail.
    Signature = 0x9C,
    /// 9D: decrypting e-mail.
    Encryption = 0x9D,
    /// 9E: proves the card, not its holder.
    CardAuthentication = 0x9E,
}

/// A folder with a card or an authority cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CardFileError {
    /// The file system refuses.
    #[error("cannot read or write {path}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },

    /// The file is there, and is not what it should be.
    #[error("{path} is not {expected}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What belongs there.
        expected: &'static str,
    },

    /// A key in the folder is at fault.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A card as it left the authority, PIN and private keys included.
pub struct CardFile {
    /// To whom it was issued.
    pub person: Person,
    /// The kind of its keys.
    pub algorithm: KeyAlgorithm,
    /// Card UUID, as in the CHUID and the certificates.
    pub card_id: [u8; 16],
    /// Credential number within the FASC-N.
    pub credential: u32,
    pub(crate) pin: PinBlock,
    pub(crate) objects: BTreeMap<Tag, Vec<u8>>,
    pub(crate) keys: BTreeMap<Slot, Zeroizing<Vec<u8>>>,
    pub(crate) certificates: BTreeMap<Slot, Vec<u8>>,
    pub(crate) retired: Vec<RetiredKey>,
    /// What the CAC edge has for itself.
    pub(crate) cac: BTreeMap<PkiSlot, Credential>,
}

/// The encryption key of a former card, kept so that old mail can be read.
pub(crate) struct RetiredKey {
    pub(crate) place: RetiredPlace,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Zeroizing<Vec<u8>>,
}

/// Where it lies: 0 to 19.
#[derive(Clone, Copy)]
pub(crate) struct RetiredPlace(u8);

impl RetiredKey {
    /// The first places, of the twenty that there are (SP 800-73pt1-5, table 3).
    pub(crate) fn places(number: u8) -> impl Iterator<Item = RetiredPlace> {
        (0..number.min(20)).map(RetiredPlace)
    }
}

impl RetiredPlace {
    /// The key reference of GENERAL AUTHENTICATE: 82 to 95.
    pub(crate) fn reference(self) -> u8 {
        0x82 + self.0
    }

    /// The data object that holds the certificate.
    pub(crate) fn object(self) -> Tag {
        vec![0x5F, 0xC1, 0x0D + self.0]
    }
}

#[derive(Serialize, Deserialize)]
struct Index {
    person: Person,
    algorithm: KeyAlgorithm,
    card_id: [u8; 16],
    credential: u32,
    /// Keys of former cards.
    retired: u8,
    /// Tag and contents in hex, as GET DATA answers them, without the certificates.
    objects: BTreeMap<String, String>,
    #[serde(default)]
    cac: Vec<PkiSlot>,
}

impl Slot {
    /// All four, in the order of their numbers.
    pub const ALL: [Self; 4] = [
        Self::Authentication,
        Self::Signature,
        Self::Encryption,
        Self::CardAuthentication,
    ];

    /// The key reference of GENERAL AUTHENTICATE.
    pub fn reference(self) -> u8 {
        self as u8
    }

    /// The data object that holds the certificate.
    pub const fn object(self) -> [u8; 3] {
        let last = match self {
            Self::Authentication => 0x05,
            Self::Signature => 0x0A,
            Self::Encryption => 0x0B,
            Self::CardAuthentication => 0x01,
        };
        [0x5F, 0xC1, last]
    }
}

/// Certificate and key of a key reference.
fn files(reference: u8, folder: &Path) -> (PathBuf, PathBuf) {
    (
        folder.join(format!("{reference:02x}.crt")),
        folder.join(format!("{reference:02x}.key")),
    )
}

impl CardFile {
    /// The certificate in a slot, DER.
    pub fn certificate(&self, slot: Slot) -> &[u8] {
        &self.certificates[&slot]
    }

    /// The certificate in a slot, PEM.
    pub fn certificate_pem(&self, slot: Slot) -> String {
        pem("CERTIFICATE", self.certificate(slot))
    }

    /// Every certificate on the card, DER, with the reference of its key: the
    /// four slots, then those of former cards.
    pub fn all_certificates(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let slots = self.certificates.iter();
        let retired = self.retired.iter();
        slots
            .map(|(slot, der)| (slot.reference(), &der[..]))
            .chain(retired.map(|key| (key.place.reference(), &key.certificate[..])))
    }

    /// Card UUID in the usual form with hyphens.
    pub fn card_uuid(&self) -> String {
        uuid_text(&self.card_id)
    }

    /// What GET DATA answers for a tag.
    pub fn object(&self, tag: &[u8]) -> Option<&[u8]> {
        self.objects.get(tag).map(Vec::as_slice)
    }

    /// Writes the card into a folder that only the owner may enter.
    pub fn save(&self, folder: &Path) -> Result<(), CardFileError> {
        make_folder(folder)?;
        for (reference, certificate) in self.all_certificates() {
            let (path, _) = files(reference, folder);
            write(&path, pem("CERTIFICATE", certificate).as_bytes())?;
        }
        let retired = self.retired.iter();
        let keys = self.keys.iter();
        for (reference, key) in keys
            .map(|(slot, key)| (slot.reference(), key))
            .chain(retired.map(|key| (key.place.reference(), &key.key)))
        {
            let (_, path) = files(reference, folder);
            write(&path, pem("PRIVATE KEY", key).as_bytes())?;
        }
        for (slot, credential) in &self.cac {
            let (certificate, key) = slot.files(folder);
            write(
                &certificate,
                pem("CERTIFICATE", &credential.certificate).as_bytes(),
            )?;
            write(&key, pem("PRIVATE KEY", &credential.key).as_bytes())?;
        }
        let retired = self.retired.iter();
        let certificates: Vec<Tag> = Slot::ALL
            .iter()
            .map(|slot| slot.object().to_vec())
            .chain(retired.map(|key| key.place.object()))
            .collect();
        let index = Index {
            person: self.person.clone(),
            algorithm: self.algorithm,
            card_id: self.card_id,
            credential: self.credential,
            retired: u8::try_from(self.retired.len()).unwrap_or(u8::MAX),
            objects: self
                .objects
                .iter()
                .filter(|(tag, _)| !certificates.contains(tag))
                .map(|(tag, contents)| (to_hex(tag), to_hex(contents)))
                .collect(),
            cac: self.cac.keys().copied().collect(),
        };
        let path = folder.join(INDEX);
        let text =
            serde_json::to_vec_pretty(&index).map_err(|error| failed(&path, error.into()))?;
        write(&path, &text)?;
        write(&folder.join(PIN), self.pin.digits().as_bytes())
    }

    /// Reads what `save` wrote.
    pub fn load(folder: &Path) -> Result<Self, CardFileError> {
        let path = folder.join(INDEX);
        let malformed = || CardFileError::Malformed {
            path: path.clone(),
            expected: "the index of a virtual card",
        };
        let index: Index = serde_json::from_slice(&read(&path)?).map_err(|_| malformed())?;
        let mut objects = BTreeMap::new();
        for (tag, contents) in &index.objects {
            let tag = from_hex(tag).ok_or_else(malformed)?;
            objects.insert(tag, from_hex(contents).ok_or_else(malformed)?);
        }
        let mut keys = BTreeMap::new();
        let mut certificates = BTreeMap::new();
        for slot in Slot::ALL {
            let (certificate, key) = files(slot.reference(), folder);
            let certificate = read_pem(&certificate)?;
            objects.insert(slot.object().to_vec(), objects::certificate(&certificate));
            certificates.insert(slot, certificate);
            keys.insert(slot, Zeroizing::new(read_pem(&key)?));
        }
        let mut retired = Vec::new();
        for place in RetiredKey::places(index.retired) {
            let (certificate, key) = files(place.reference(), folder);
            let certificate = read_pem(&certificate)?;
            objects.insert(place.object(), objects::certificate(&certificate));
            retired.push(RetiredKey {
                place,
                certificate,
                key: Zeroizing::new(read_pem(&key)?),
            });
        }
        let mut cac = BTreeMap::new();
        for slot in index.cac {
            let (certificate, key) = slot.files(folder);
            let credential = Credential {
                certificate: read_pem(&certificate)?,
                key: Zeroizing::new(read_pem(&key)?),
            };
            cac.insert(slot, credential);
        }
        Ok(Self {
            person: index.person,
            algorithm: index.algorithm,
            card_id: index.card_id,
            credential: index.credential,
            pin: read_pin(&folder.join(PIN))?,
            objects,
            keys,
            certificates,
            retired,
            cac,
        })
    }
}

impl PkiSlot {
    fn files(self, folder: &Path) -> (PathBuf, PathBuf) {
        let name = format!("cac-01{:02x}", self.index());
        (
            folder.join(format!("{name}.crt")),
            folder.join(format!("{name}.key")),
        )
    }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    pem::encode_string(label, LineEnding::LF, der).expect("labels in this crate are well formed")
}

pub(crate) fn read_pem(path: &Path) -> Result<Vec<u8>, CardFileError> {
    let text = Zeroizing::new(read(path)?);
    let (_, der) = pem::decode_vec(&text).map_err(|_| CardFileError::Malformed {
        path: path.to_owned(),
        expected: "PEM",
    })?;
    Ok(der)
}

/// Makes a folder that only the owner may enter.
pub fn make_folder(path: &Path) -> Result<(), CardFileError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| failed(path, source))
}

/// Writes a file that only the owner may read.
pub fn write(path: &Path, contents: &[u8]) -> Result<(), CardFileError> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(contents))
        .map_err(|source| failed(path, source))
}

fn read_pin(path: &Path) -> Result<PinBlock, CardFileError> {
    let bytes = Zeroizing::new(read(path)?);
    std::str::from_utf8(&bytes)
        .ok()
        .and_then(|digits| PinBlock::new(digits).ok())
        .ok_or_else(|| CardFileError::Malformed {
            path: path.to_owned(),
            expected: "a PIN of six to eight digits",
        })
}

fn read(path: &Path) -> Result<Vec<u8>, CardFileError> {
    fs::read(path).map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: io::Error) -> CardFileError {
    CardFileError::Io {
        path: path.to_owned(),
        source,
    }
}
