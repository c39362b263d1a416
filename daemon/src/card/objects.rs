//! The data objects of a PIV card by their tags (SP 800-73pt1-5, table 3), and
//! where its certificates lie.

use cac_common::certificate::{Applet, Slot};

/// Right-truncated application identifier of PIV (SP 800-73pt1-5 §2.2).
pub const PIV_AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];

/// Applications that a CAC may hold beside PIV; to select one is to log out of
/// PIV. The Access Control Applet and the card capability container of GSC-IS
/// 2.1, and the card's own manager (GlobalPlatform 2.3 §H.1.3).
pub const OTHER_AIDS: [&[u8]; 3] = [
    &[0xA0, 0x00, 0x00, 0x00, 0x79, 0x03, 0x00],
    &[0xA0, 0x00, 0x00, 0x01, 0x16, 0xDB, 0x00],
    &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00],
];

/// The last byte of the tag of the first retired certificate.
const FIRST_RETIRED: u8 = 0x0D;

/// A data object that GET DATA can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// What GET DATA names it by: three bytes, or fewer, with zeros before them.
    pub tag: u32,
    pub name: &'static str,
}

impl Object {
    /// The tag that its answer begins with: its own for a Discovery Object,
    /// 53 for all others (SP 800-73pt2-5 §3.1.2).
    pub fn outer_tag(self) -> u32 {
        if self == DISCOVERY { self.tag } else { 0x53 }
    }

    /// The tag as GET DATA takes it.
    pub fn tag_bytes(self) -> Vec<u8> {
        let bytes = self.tag.to_be_bytes();
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes[zeros..].to_vec()
    }
}

pub const CHUID: Object = Object {
    tag: 0x5F_C102,
    name: "CHUID",
};

pub const CAPABILITIES: Object = Object {
    tag: 0x5F_C107,
    name: "CCC",
};

pub const DISCOVERY: Object = Object {
    tag: 0x7E,
    name: "Discovery Object",
};

pub const KEY_HISTORY: Object = Object {
    tag: 0x5F_C10C,
    name: "Key History",
};

pub const SECURITY: Object = Object {
    tag: 0x5F_C106,
    name: "Security Object",
};

/// Printed Information, which wants a PIN first.
pub const PRINTED: Object = Object {
    tag: 0x5F_C109,
    name: "Printed Information",
};

/// The certificate that belongs to the key in a slot; none for what is no
/// place of PIV.
pub fn certificate(slot: Slot) -> Option<Object> {
    let (last, name) = match slot {
        Slot::Authentication => (0x05, "Authentication certificate"),
        Slot::Signature => (0x0A, "Signature certificate"),
        Slot::KeyManagement => (0x0B, "Encryption certificate"),
        Slot::CardAuthentication => (0x01, "Card certificate"),
        Slot::Retired(retired) => (FIRST_RETIRED - 1 + retired.number(), "Retired certificate"),
        Slot::Applet(_) => return None,
    };
    Some(Object {
        tag: 0x5F_C100 | u32::from(last),
        name,
    })
}

/// An applet of the CAC edge, by its object identifier (GSC-IS 2.1). No GET
/// DATA names it: it marks on record that the applet was looked into.
pub fn of_applet(applet: Applet) -> Object {
    Object {
        tag: u32::from(Slot::Applet(applet).number()),
        name: "CAC certificate",
    }
}
