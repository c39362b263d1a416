//! A card with a program that sends what it likes.

use std::time::Duration;

use cac_tests::virtual_card::cac::{CacHabits, Edges};
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::{CardHandle, CardModel, CardTransport, samples};
use cacd::card::transport::{Protocol, Transport};

pub(crate) const LIMIT: Duration = Duration::from_secs(10);
pub(crate) const PROTOCOLS: [Protocol; 2] = [Protocol::T0, Protocol::T1];
pub(crate) const CAC_EDGES: [Edges; 5] = [
    Edges::Cac,
    Edges::Dual,
    Edges::Alt,
    Edges::Bare,
    Edges::Cac1,
];

pub(crate) const PIV: &[u8] = &[0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0];
pub(crate) const CCC: &[u8] = &[0xA0, 0, 0, 1, 0x16, 0xDB, 0];
pub(crate) const ACA: &[u8] = &[0xA0, 0, 0, 0, 0x79, 3, 0];
pub(crate) const ALTERNATE_ACA: &[u8] = &[0xA0, 0, 0, 0, 0x79, 0x10, 0];
pub(crate) const PERSON: &[u8] = &[0xA0, 0, 0, 0, 0x79, 2, 0];
pub(crate) const PERSONNEL: &[u8] = &[0xA0, 0, 0, 0, 0x79, 2, 1];

pub(crate) const RIGHT_PIN: &[u8; 8] = b"24681357";
pub(crate) const WRONG_PIN: &[u8; 8] = b"111111\xFF\xFF";

pub(crate) const VERIFY: [u8; 4] = [0, 0x20, 0, 0];
pub(crate) const GET_PROPERTIES: [u8; 4] = [0x80, 0x56, 1, 0];
pub(crate) const GET_SERVICES: [u8; 4] = [0x80, 0x4C, 0x21, 0];

/// The types of READ BUFFER.
pub(crate) const TAGS: u8 = 1;
pub(crate) const VALUES: u8 = 2;

pub(crate) struct Bench {
    pub(crate) card: CardHandle,
    pub(crate) transport: CardTransport,
}

impl Bench {
    pub(crate) fn with(file: &CardFile, model: CardModel) -> Self {
        let card = CardHandle::new(file, model).unwrap();
        Self {
            transport: card.transport(),
            card,
        }
    }

    /// One command as it stands; data and status word of the answer.
    pub(crate) fn send(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut answer = self.transport.transmit(command).unwrap();
        let sw = answer.split_off(answer.len() - 2);
        (answer, u16::from_be_bytes([sw[0], sw[1]]))
    }

    pub(crate) fn status(&mut self, command: &[u8]) -> u16 {
        self.send(command).1
    }

    /// One command, asking for an answer in the way of the protocol, and all of the answer.
    pub(crate) fn ask(&mut self, header: [u8; 4], data: &[u8]) -> (Vec<u8>, u16) {
        let command = match (self.transport.protocol(), data) {
            (_, []) => [&header[..], &[0]].concat(),
            (Protocol::T0, _) => with_data(header, data),
            (Protocol::T1, _) => [with_data(header, data), vec![0]].concat(),
        };
        let (mut all, mut sw) = self.send(&command);
        if let [0x6C, exactly] = sw.to_be_bytes() {
            (all, sw) = self.send(&[&header[..], &[exactly]].concat());
        }
        while let [0x61, rest] = sw.to_be_bytes() {
            let (more, next) = self.send(&[0, 0xC0, 0, 0, rest]);
            all.extend(more);
            sw = next;
        }
        (all, sw)
    }

    pub(crate) fn select(&mut self, name: &[u8]) -> u16 {
        self.ask([0, 0xA4, 4, 0], name).1
    }

    pub(crate) fn select_pki(&mut self, applet: u8) -> u16 {
        self.select(&pki(applet))
    }

    pub(crate) fn verify(&mut self, pin: &[u8]) -> u16 {
        self.status(&with_data(VERIFY, pin))
    }

    pub(crate) fn tries(&mut self) -> u16 {
        self.status(&VERIFY)
    }

    pub(crate) fn read(&mut self, kind: u8, offset: u16, count: u8) -> (Vec<u8>, u16) {
        let [high, low] = offset.to_be_bytes();
        self.ask([0x80, 0x52, high, low], &[kind, count])
    }

    /// A whole buffer of the selected object, without its length.
    pub(crate) fn buffer(&mut self, kind: u8) -> Vec<u8> {
        let (length, sw) = self.read(kind, 0, 2);
        assert_eq!(sw, 0x9000);
        let length = u16::from_le_bytes([length[0], length[1]]);
        let mut all = Vec::new();
        while all.len() < usize::from(length) {
            let rest = usize::from(length) - all.len();
            let offset = u16::try_from(all.len() + 2).unwrap();
            let count = u8::try_from(rest.min(255)).unwrap();
            let (part, sw) = self.read(kind, offset, count);
            assert_eq!((part.len(), sw), (usize::from(count), 0x9000));
            all.extend(part);
        }
        all
    }

    /// The selected object: tags and values.
    pub(crate) fn object(&mut self) -> Vec<(u8, Vec<u8>)> {
        let tags = self.buffer(TAGS);
        let values = self.buffer(VALUES);
        let mut elements = Vec::new();
        let (mut tags, mut values) = (&tags[..], &values[..]);
        while let [tag, rest @ ..] = tags {
            let (length, after) = match rest {
                [0xFF, low, high, after @ ..] => (u16::from_le_bytes([*low, *high]), after),
                [short, after @ ..] => (u16::from(*short), after),
                [] => panic!("tag {tag:02X} without a length"),
            };
            let (value, others) = values.split_at(usize::from(length));
            elements.push((*tag, value.to_vec()));
            (tags, values) = (after, others);
        }
        assert!(values.is_empty(), "values without a tag");
        elements
    }

    /// GET CERTIFICATE to the end: certificate information and certificate.
    pub(crate) fn get_certificate(&mut self) -> Vec<u8> {
        let mut le = 100;
        let mut all = Vec::new();
        loop {
            let (part, sw) = self.send(&[0x80, 0x36, 0, 0, le]);
            all.extend(part);
            let [0x63, rest] = sw.to_be_bytes() else {
                assert_eq!(sw, 0x9000);
                return all;
            };
            le = rest;
        }
    }

    /// SIGN/DECRYPT in parts of at most 240 bytes.
    pub(crate) fn use_key(&mut self, block: &[u8]) -> (Vec<u8>, u16) {
        let (parts, last) = block.split_at((block.len().max(1) - 1) / 240 * 240);
        for part in parts.chunks(240) {
            let (data, sw) = self.ask([0x80, 0x42, 0x80, 0], part);
            if sw != 0x9000 {
                return (data, sw);
            }
        }
        self.ask([0x80, 0x42, 0, 0], last)
    }
}

/// Jane's card with these edges.
pub(crate) fn jane(edges: Edges, protocol: Protocol) -> Bench {
    Bench::with(samples::janes_cac(), over(edges, protocol))
}

/// The same with a habit.
pub(crate) fn jane_with(edges: Edges, protocol: Protocol, cac: CacHabits) -> Bench {
    let model = CardModel {
        cac,
        ..over(edges, protocol)
    };
    Bench::with(samples::janes_cac(), model)
}

pub(crate) fn over(edges: Edges, protocol: Protocol) -> CardModel {
    CardModel {
        protocol,
        edges,
        ..CardModel::T1
    }
}

pub(crate) fn pki(applet: u8) -> [u8; 7] {
    [0xA0, 0, 0, 0, 0x79, 1, applet]
}

/// These edges over both protocols.
pub(crate) fn over_both(edges: &[Edges]) -> impl Iterator<Item = (Edges, Protocol)> {
    edges
        .iter()
        .flat_map(|edges| PROTOCOLS.map(|protocol| (*edges, protocol)))
}

/// Header, length, data.
pub(crate) fn with_data(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let lc = u8::try_from(data.len()).unwrap();
    [&header[..], &[lc], data].concat()
}

/// The value of the first element with this tag.
pub(crate) fn element(elements: &[(u8, Vec<u8>)], tag: u8) -> &[u8] {
    let found = elements.iter().find(|(other, _)| *other == tag);
    &found.unwrap_or_else(|| panic!("no {tag:02X}")).1
}
