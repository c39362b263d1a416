//! One applet: under which names it is selected, and what it has to show.

use rsa::RsaPrivateKey;
use rsa::traits::PublicKeyParts;

use super::buffer::{Buffers, simple_tlv};

/// Registered application provider (five bytes) and application (two).
pub(super) type Aid = [u8; 7];

pub(super) const CCC: Aid = [0xA0, 0x00, 0x00, 0x01, 0x16, 0xDB, 0x00];
pub(super) const ACA: Aid = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x03, 0x00];
pub(super) const ALTERNATE_ACA: Aid = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x10, 0x00];
pub(super) const PERSON_INSTANCE: Aid = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x02, 0x00];
pub(super) const PERSONNEL: Aid = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x02, 0x01];

/// Family and version of every applet, as GET PROPERTIES and the service table begin.
pub(super) const FAMILY: [u8; 5] = [0x10, 0x02, 0x06, 0x02, 0x03];

/// The PKI applet with this number.
pub(super) fn pki(index: u8) -> Aid {
    [0xA0, 0x00, 0x00, 0x00, 0x79, 0x01, index]
}

pub(super) struct Applet {
    /// The first is its own, the others lead to it too.
    pub(super) names: Vec<Aid>,
    pub(super) contents: Contents,
}

pub(super) enum Contents {
    /// CCC: what else is on the card.
    Capabilities(Object),
    /// ACA: who may do what. Holds the service table as GET ACR gives it.
    AccessControl { services: Vec<u8> },
    Pki {
        object: Object,
        /// As GET CERTIFICATE gives it: certificate information, then the certificate.
        certificate: Vec<u8>,
        key: Box<RsaPrivateKey>,
    },
    /// Facts about the holder.
    Person(Object),
}

pub(super) struct Object {
    pub(super) id: [u8; 2],
    pub(super) buffers: Buffers,
    pub(super) is_simple_tlv: bool,
}

impl Applet {
    pub(super) fn name(&self) -> Aid {
        self.names.first().copied().unwrap_or_default()
    }

    pub(super) fn object(&self) -> Option<&Object> {
        match &self.contents {
            Contents::Capabilities(object)
            | Contents::Person(object)
            | Contents::Pki { object, .. } => Some(object),
            Contents::AccessControl { .. } => None,
        }
    }

    /// What GET PROPERTIES answers (GSC-IS 2.1, section 5.3.3.4).
    pub(super) fn properties(&self) -> Vec<u8> {
        let mut out = simple_tlv(0x01, &FAMILY);
        if self.object().is_some() {
            out.extend(simple_tlv(0x40, &[1]));
        }
        match &self.contents {
            Contents::Capabilities(object) | Contents::Person(object) => {
                out.extend(simple_tlv(0x50, &object.properties()));
            }
            Contents::Pki { object, key, .. } => {
                let key = simple_tlv(0x43, &key_properties(key));
                out.extend(simple_tlv(0x51, &[object.properties(), key].concat()));
            }
            Contents::AccessControl { .. } => {}
        }
        out
    }
}

impl Object {
    fn properties(&self) -> Vec<u8> {
        let kind = u8::from(!self.is_simple_tlv);
        let buffers = [&[kind][..], &self.buffers.lengths()].concat();
        [simple_tlv(0x41, &self.id), simple_tlv(0x42, &buffers)].concat()
    }
}

/// Algorithm, length of the key in units of 64 bits, and that both halves are there.
fn key_properties(key: &RsaPrivateKey) -> [u8; 4] {
    let algorithm = if key.size() > 128 { 0x07 } else { 0x06 };
    let length = u8::try_from(key.size() / 8).unwrap_or(u8::MAX);
    [algorithm, length, 0x01, 0x01]
}

/// What SELECT by name answers where it is asked to: the name again.
pub(super) fn file_control_information(name: Aid) -> Vec<u8> {
    let name = [&[0x84, 0x07][..], &name].concat();
    [&[0x6F, 0x0B][..], &name, &[0xA5, 0x00]].concat()
}
