//! A card, a program that talks to it, and the commands it sends.

use std::time::Duration;

use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::{CardHandle, CardModel, CardTransport, samples};
use cacd::card::transport::Transport;

pub(crate) const LIMIT: Duration = Duration::from_secs(10);
pub(crate) const SELECT_PIV: [u8; 14] = [0, 0xA4, 4, 0, 9, 0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0];
pub(crate) const ASK_TRIES: [u8; 4] = [0, 0x20, 0, 0x80];
pub(crate) const LOG_OUT: [u8; 4] = [0, 0x20, 0xFF, 0x80];
pub(crate) const RIGHT_PIN: &[u8; 8] = b"24681357";
pub(crate) const WRONG_PIN: &[u8; 8] = b"111111\xFF\xFF";
pub(crate) const CHUID: [u8; 3] = [0x5F, 0xC1, 0x02];
pub(crate) const PRINTED_INFORMATION: [u8; 3] = [0x5F, 0xC1, 0x09];

/// A card with a program that has just selected PIV.
pub(crate) struct Bench {
    pub(crate) card: CardHandle,
    pub(crate) transport: CardTransport,
}

impl Bench {
    pub(crate) fn with(file: &CardFile, model: CardModel) -> Self {
        let card = CardHandle::new(file, model).unwrap();
        let mut bench = Self {
            transport: card.transport(),
            card,
        };
        let (_, sw) = bench.send(&SELECT_PIV);
        assert!(sw == 0x9000 || sw >> 8 == 0x61, "SELECT answers {sw:04X}");
        bench
    }

    /// One command; data and status word of the answer.
    pub(crate) fn send(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        let mut answer = self.transport.transmit(command).unwrap();
        let sw = answer.split_off(answer.len() - 2);
        (answer, u16::from_be_bytes([sw[0], sw[1]]))
    }

    pub(crate) fn status(&mut self, command: &[u8]) -> u16 {
        self.send(command).1
    }

    pub(crate) fn verify(&mut self, pin: &[u8]) -> u16 {
        self.status(&case3([0, 0x20, 0, 0x80], pin))
    }

    /// A challenge for a key with P-256: fits into one command.
    pub(crate) fn use_key(&mut self, slot: Slot) -> u16 {
        self.status(&general_authenticate(0, 0x11, slot, &ecc_challenge()))
    }
}

pub(crate) fn john(model: CardModel) -> Bench {
    Bench::with(samples::john(), model)
}

pub(crate) fn jane(model: CardModel) -> Bench {
    Bench::with(samples::jane(), model)
}

/// Header, length, data.
pub(crate) fn case3(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let lc = u8::try_from(data.len()).unwrap();
    [&header[..], &[lc], data].concat()
}

/// The same, asking for an answer.
pub(crate) fn case4(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    [case3(header, data), vec![0]].concat()
}

pub(crate) fn get_data(tag: &[u8]) -> Vec<u8> {
    let length = u8::try_from(tag.len()).unwrap();
    case3([0, 0xCB, 0x3F, 0xFF], &[&[0x5C, length], tag].concat())
}

pub(crate) fn with_le(mut command: Vec<u8>) -> Vec<u8> {
    command.push(0);
    command
}

pub(crate) fn select(aid: &[u8]) -> Vec<u8> {
    case3([0, 0xA4, 4, 0], aid)
}

pub(crate) fn general_authenticate(cla: u8, algorithm: u8, slot: Slot, data: &[u8]) -> Vec<u8> {
    let header = [cla, 0x87, algorithm, slot.reference()];
    if cla == 0 {
        case4(header, data)
    } else {
        case3(header, data)
    }
}

pub(crate) fn ecc_challenge() -> Vec<u8> {
    hash_challenge(&[0x5A; 32])
}

/// For a hash or whatever else is short.
pub(crate) fn hash_challenge(hash: &[u8]) -> Vec<u8> {
    let length = u8::try_from(hash.len()).unwrap();
    [&[0x7C, length + 4, 0x82, 0x00, 0x81, length], hash].concat()
}

/// A command in parts of 255 bytes with one answer in parts of 256; data and last status word.
pub(crate) fn whole(bench: &mut Bench, header: [u8; 4], data: &[u8]) -> (Vec<u8>, u16) {
    let [_, ins, p1, p2] = header;
    let parts: Vec<&[u8]> = data.chunks(255).collect();
    let (last, before) = parts.split_last().unwrap();
    for part in before {
        assert_eq!(bench.status(&case3([0x10, ins, p1, p2], part)), 0x9000);
    }
    let (mut answer, mut sw) = bench.send(&case4(header, last));
    while sw >> 8 == 0x61 {
        let (data, next) = bench.send(&[0, 0xC0, 0, 0, 0]);
        answer.extend(data);
        sw = next;
    }
    (answer, sw)
}

pub(crate) fn rsa_challenge(block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap();
    [
        &[0x7C, 0x82][..],
        &(length + 6).to_be_bytes(),
        &[0x82, 0x00, 0x81, 0x82],
        &length.to_be_bytes(),
        block,
    ]
    .concat()
}

/// Below any modulus, since its first byte is zero.
pub(crate) fn rsa_block() -> Vec<u8> {
    [&[0x00, 0x01][..], &[0xFF; 254]].concat()
}

/// What stands inside an object, element by element, with one-byte tags.
pub(crate) struct Elements<'a>(Vec<(u8, &'a [u8])>);

impl<'a> Elements<'a> {
    pub(crate) fn of(object: &'a [u8]) -> Self {
        let mut rest = Self::inside(object);
        let mut elements = Vec::new();
        while !rest.is_empty() {
            let (tag, value, next) = element(rest);
            elements.push((tag, value));
            rest = next;
        }
        Self(elements)
    }

    /// The content of the outer tag.
    pub(crate) fn inside(object: &'a [u8]) -> &'a [u8] {
        let (_, inside, rest) = element(object);
        assert!(rest.is_empty(), "{} bytes too many", rest.len());
        inside
    }

    pub(crate) fn value(&self, wanted: u8) -> &'a [u8] {
        let found = self.0.iter().find(|(tag, _)| *tag == wanted);
        found.unwrap_or_else(|| panic!("no {wanted:02X}")).1
    }

    pub(crate) fn values(&self, wanted: u8) -> impl Iterator<Item = &'a [u8]> {
        let all = self.0.iter();
        all.filter(move |(tag, _)| *tag == wanted)
            .map(|(_, value)| *value)
    }

    /// All elements but one, as they were written: those have short lengths.
    pub(crate) fn without(&self, unwanted: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (tag, value) in self.0.iter().filter(|(tag, _)| *tag != unwanted) {
            bytes.extend([*tag, u8::try_from(value.len()).unwrap()]);
            bytes.extend_from_slice(value);
        }
        bytes
    }
}

fn element(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, header) = match bytes[1] {
        0x81 => (usize::from(bytes[2]), 3),
        0x82 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
        short => (usize::from(short), 2),
    };
    let (value, rest) = bytes[header..].split_at(length);
    (bytes[0], value, rest)
}
