//! What a card says when the power comes (ISO/IEC 7816-3): a product, and what it can.

use cacd::card::transport::Protocol;

use super::CardModel;
use super::cac::Edges;
use super::habits::{ExtendedLength, Interface};

/// T=1 only (IDEMIA ID-One PIV).
const T1: &[u8] = &[
    0x3B, 0xD6, 0x96, 0x00, 0x81, 0xB1, 0xFE, 0x45, 0x1F, 0x87, 0x80, 0x31, 0xC1, 0x52, 0x41, 0x1A,
    0x2A,
];

/// T=0 only (G+D SmartCafe Expert 7, CAC).
const T0: &[u8] = &[
    0x3B, 0xF9, 0x18, 0x00, 0x00, 0x00, 0x53, 0x43, 0x45, 0x37, 0x20, 0x03, 0x00, 0x20, 0x46,
];

/// T=1, with card capabilities (tag 7, three bytes): the third says that Lc and
/// Le may be extended (ISO/IEC 7816-4, section 12.1.1.9).
const T1_EXTENDED: &[u8] = &[
    0x3B, 0xD7, 0x96, 0x00, 0x81, 0xB1, 0xFE, 0x45, 0x1F, 0x87, 0x80, 0x31, 0xC1, 0x73, 0xC0, 0x21,
    0x40, 0xF0,
];

/// By air (ID-One PIV): the reader makes it up (PC/SC part 3, section 3.1.3.2.3).
const CONTACTLESS: &[u8] = &[
    0x3B, 0x86, 0x80, 0x01, 0x80, 0x31, 0xC1, 0x52, 0x41, 0x1A, 0x7E,
];

pub(super) const YUBIKEY_5: &[u8] = &[
    0x3B, 0xFD, 0x13, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x15, 0x80, 0x73, 0xC0, 0x21, 0xC0, 0x57, 0x59,
    0x75, 0x62, 0x69, 0x4B, 0x65, 0x79, 0x40,
];

pub(super) const YUBIKEY_NEO: &[u8] = &[
    0x3B, 0xFC, 0x13, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x15, 0x59, 0x75, 0x62, 0x69, 0x6B, 0x65, 0x79,
    0x4E, 0x45, 0x4F, 0x72, 0x33, 0xE1,
];

/// CAC: Oberthur Cosmo v5.2D.
const CAC_T0: &[u8] = &[
    0x3B, 0xDB, 0x96, 0x00, 0x80, 0x1F, 0x03, 0x00, 0x31, 0xC0, 0x64, 0x77, 0xE3, 0x03, 0x00, 0x82,
    0x90, 0x00, 0xC1,
];

/// Token: IDEMIA Cosmo v8, as the CAC that speaks T=0 only.
const TOKEN_T0: &[u8] = &[
    0x3B, 0xD8, 0x18, 0x00, 0x80, 0x1F, 0x07, 0x80, 0x31, 0xC1, 0x64, 0x08, 0x06, 0x92, 0x0F, 0xDF,
];

/// Token: IDEMIA Cosmo v8, alternate token, with T=0 and T=1.
const TOKEN_T1: &[u8] = &[
    0x3B, 0xD8, 0x18, 0x00, 0x80, 0xB1, 0xFE, 0x45, 0x1F, 0x07, 0x80, 0x31, 0xC1, 0x64, 0x08, 0x06,
    0x92, 0x0F, 0xD5,
];

/// PKI applets alone: Gemalto GCX4 72K.
const BARE_T0: &[u8] = &[
    0x3B, 0x7D, 0x96, 0x00, 0x00, 0x80, 0x31, 0x80, 0x65, 0xB0, 0x83, 0x11, 0x13, 0xAC, 0x83, 0x00,
    0x90, 0x00,
];

/// CAC-1: a card of the first generation.
const CAC1_T0: &[u8] = &[
    0x3B, 0x7F, 0x11, 0x00, 0x00, 0x00, 0x31, 0xC0, 0x53, 0xCA, 0xC4, 0x01, 0x64, 0x52, 0xD9, 0x04,
    0x00, 0x82, 0x90, 0x00,
];

/// The same three with T=1, which no such card ever spoke: their historical
/// bytes behind other interface bytes.
const CAC_T1: &[u8] = &[
    0x3B, 0x8B, 0x81, 0x31, 0xFE, 0x45, 0x00, 0x31, 0xC0, 0x64, 0x77, 0xE3, 0x03, 0x00, 0x82, 0x90,
    0x00, 0x90,
];
const BARE_T1: &[u8] = &[
    0x3B, 0x8D, 0x81, 0x31, 0xFE, 0x45, 0x80, 0x31, 0x80, 0x65, 0xB0, 0x83, 0x11, 0x13, 0xAC, 0x83,
    0x00, 0x90, 0x00, 0x5C,
];
const CAC1_T1: &[u8] = &[
    0x3B, 0x8F, 0x81, 0x31, 0xFE, 0x45, 0x00, 0x31, 0xC0, 0x53, 0xCA, 0xC4, 0x01, 0x64, 0x52, 0xD9,
    0x04, 0x00, 0x82, 0x90, 0x00, 0xD0,
];

impl CardModel {
    /// Its own, or what its edges, protocol, interface and habits make of it.
    pub fn atr(&self) -> &'static [u8] {
        let says_nothing = self.extended == ExtendedLength::Refused;
        if let Some(own) = self.own_atr {
            return own;
        }
        if self.interface != Interface::Contact {
            return CONTACTLESS;
        }
        match (self.edges, self.protocol) {
            (Edges::Piv | Edges::Dual, Protocol::T0) => T0,
            (Edges::Piv | Edges::Dual, Protocol::T1) if says_nothing => T1,
            (Edges::Piv | Edges::Dual, Protocol::T1) => T1_EXTENDED,
            (Edges::Cac, Protocol::T0) => CAC_T0,
            (Edges::Cac, Protocol::T1) => CAC_T1,
            (Edges::Alt, Protocol::T0) => TOKEN_T0,
            (Edges::Alt, Protocol::T1) => TOKEN_T1,
            (Edges::Bare, Protocol::T0) => BARE_T0,
            (Edges::Bare, Protocol::T1) => BARE_T1,
            (Edges::Cac1, Protocol::T0) => CAC1_T0,
            (Edges::Cac1, Protocol::T1) => CAC1_T1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const EDGES: [Edges; 5] = [Edges::Piv, Edges::Cac, Edges::Alt, Edges::Bare, Edges::Cac1];

    fn over(edges: Edges, protocol: Protocol) -> &'static [u8] {
        let model = CardModel {
            protocol,
            edges,
            ..CardModel::T1
        };
        model.atr()
    }

    /// The protocols that the interface bytes offer, and whether a check byte has to come.
    fn offered(atr: &[u8]) -> (Vec<u8>, usize) {
        let mut protocols = Vec::new();
        let mut at = 1;
        let mut present = atr[at];
        loop {
            at += (present >> 4).count_ones() as usize;
            if present & 0x80 == 0 {
                break;
            }
            present = atr[at];
            protocols.push(present & 0x0F);
        }
        if protocols.is_empty() {
            protocols.push(0);
        }
        (protocols, at + 1 + usize::from(atr[1] & 0x0F))
    }

    #[test]
    fn each_kind_of_card_has_its_own_over_each_protocol() {
        let all: BTreeSet<_> = EDGES
            .iter()
            .flat_map(|edges| [Protocol::T0, Protocol::T1].map(|protocol| over(*edges, protocol)))
            .collect();

        assert_eq!(all.len(), 2 * EDGES.len());
    }

    #[test]
    fn each_is_well_formed_and_offers_its_protocol() {
        for edges in EDGES {
            for (protocol, number) in [(Protocol::T0, 0), (Protocol::T1, 1)] {
                let atr = over(edges, protocol);

                let (protocols, end) = offered(atr);

                assert!(protocols.contains(&number), "{edges:?} {protocol:?}");
                assert!(number == 1 || !protocols.contains(&1), "{edges:?}");
                if protocols.iter().all(|protocol| *protocol == 0) {
                    assert_eq!(atr.len(), end, "{edges:?} {protocol:?}");
                } else {
                    assert_eq!(atr.len(), end + 1, "{edges:?} {protocol:?}");
                    let check = atr[1..].iter().fold(0, |all, byte| all ^ byte);
                    assert_eq!(check, 0, "{edges:?} {protocol:?}");
                }
            }
        }
    }
}
