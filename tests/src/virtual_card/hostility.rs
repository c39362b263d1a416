//! Cards that mean ill, or are broken so badly that it comes to the same.

use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use super::apdu::StatusWord;
use super::instruction;
use super::objects::{self, certificate_object};
use super::piv::gzip;
use super::tlv::{take, tlv};

/// How a card that is good otherwise does harm. What becomes of objects is
/// seen in those of PIV; a `CacHostility` is for those of the other edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hostility {
    /// Objects claim to be longer than they are.
    OuterLengthTooLong,
    /// Objects claim to be shorter than they are.
    OuterLengthTooShort,
    /// Every element of an object claims to be longer than it is.
    InnerLengthsTooLong,
    /// Every element of an object claims to be shorter than it is.
    InnerLengthsTooShort,
    /// Objects claim to have sixteen megabytes.
    HugeLength,
    /// Objects have no outer tag.
    NoOuterTag,
    /// Objects have nothing in them.
    EmptyObjects,
    /// Objects are zeros.
    AllZero,
    /// Every element is there twice, and the second differs.
    DuplicateTags,
    /// Certificates end half-way, and lengths agree with that.
    CertificateCutShort,
    /// Certificates of two kilobytes that unpack to two megabytes, as much as gzip can.
    Inflates,
    /// Certificates of ten kilobytes that unpack to ten megabytes.
    InflatesFar,
    /// There is always more, and it comes.
    EndlessReply,
    /// There is always more, and nothing comes.
    EndlessPromise,
    /// Every length asked for is the wrong one.
    EndlessWrongLength,
    /// Answers have no status word.
    NoStatusWord,
    /// Every answer is one byte.
    OneByte,
    /// Every answer but that to SELECT is random, with or without sense.
    Random {
        /// For the same answers again.
        seed: u64,
    },
    /// 6F00 to everything but SELECT.
    AlwaysBroken,
    /// No card of this kind: no application is there.
    NoApplication,
    /// 9000 and nothing else to everything.
    AlwaysFine,
}

/// How much lengths are wrong.
const BY: usize = 40;

impl Hostility {
    /// Each of them.
    pub const ALL: [Self; 21] = [
        Self::OuterLengthTooLong,
        Self::OuterLengthTooShort,
        Self::InnerLengthsTooLong,
        Self::InnerLengthsTooShort,
        Self::HugeLength,
        Self::NoOuterTag,
        Self::EmptyObjects,
        Self::AllZero,
        Self::DuplicateTags,
        Self::CertificateCutShort,
        Self::Inflates,
        Self::InflatesFar,
        Self::EndlessReply,
        Self::EndlessPromise,
        Self::EndlessWrongLength,
        Self::NoStatusWord,
        Self::OneByte,
        Self::Random { seed: 1 },
        Self::AlwaysBroken,
        Self::NoApplication,
        Self::AlwaysFine,
    ];

    /// What the program `virtual-card` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OuterLengthTooLong => "outer-length-too-long",
            Self::OuterLengthTooShort => "outer-length-too-short",
            Self::InnerLengthsTooLong => "inner-lengths-too-long",
            Self::InnerLengthsTooShort => "inner-lengths-too-short",
            Self::HugeLength => "huge-length",
            Self::NoOuterTag => "no-outer-tag",
            Self::EmptyObjects => "empty-objects",
            Self::AllZero => "all-zero",
            Self::DuplicateTags => "duplicate-tags",
            Self::CertificateCutShort => "certificate-cut-short",
            Self::Inflates => "inflates",
            Self::InflatesFar => "inflates-far",
            Self::EndlessReply => "endless-reply",
            Self::EndlessPromise => "endless-promise",
            Self::EndlessWrongLength => "endless-wrong-length",
            Self::NoStatusWord => "no-status-word",
            Self::OneByte => "one-byte",
            Self::Random { .. } => "random",
            Self::AlwaysBroken => "always-broken",
            Self::NoApplication => "no-application",
            Self::AlwaysFine => "always-fine",
        }
    }

    /// What becomes of an object.
    pub(super) fn spoil(self, object: &[u8]) -> Vec<u8> {
        let content = objects::content(object);
        let tag = object.first().copied().unwrap_or_default();
        match self {
            Self::OuterLengthTooLong => claim(tag, content.len() + BY, content),
            Self::OuterLengthTooShort => claim(tag, content.len().saturating_sub(BY), content),
            Self::InnerLengthsTooLong => tlv(
                &[tag],
                &each_element(content, |tag, value| claim(tag, value.len() + BY, value)),
            ),
            Self::InnerLengthsTooShort => tlv(
                &[tag],
                &each_element(content, |tag, value| {
                    claim(tag, value.len().saturating_sub(BY), value)
                }),
            ),
            Self::HugeLength => [&[tag, 0x83, 0xFF, 0xFF, 0xFF], content].concat(),
            Self::NoOuterTag => content.to_vec(),
            Self::EmptyObjects => tlv(&[tag], &[]),
            Self::AllZero => vec![0; object.len()],
            Self::DuplicateTags => tlv(
                &[tag],
                &each_element(content, |tag, value| {
                    let mut other = value.to_vec();
                    if let Some(last) = other.last_mut() {
                        *last ^= 0xFF;
                    }
                    [tlv(&[tag], value), tlv(&[tag], &other)].concat()
                }),
            ),
            Self::CertificateCutShort => match certificate_in(content) {
                Some(der) => certificate_object(&der[..der.len() / 2], 0x00),
                None => object.to_vec(),
            },
            Self::Inflates => inflating(object, content, 2_000_000),
            Self::InflatesFar => inflating(object, content, 10_000_000),
            Self::EndlessReply
            | Self::EndlessPromise
            | Self::EndlessWrongLength
            | Self::NoStatusWord
            | Self::OneByte
            | Self::Random { .. }
            | Self::AlwaysBroken
            | Self::NoApplication
            | Self::AlwaysFine => object.to_vec(),
        }
    }

    /// The answer to a command that the card does not even look at.
    pub(super) fn instead(self, command: &[u8]) -> Option<StatusWord> {
        let is_select = command.get(1) == Some(&instruction::SELECT);
        match (self, is_select) {
            // What SELECT answers may have to be fetched.
            (Self::AlwaysBroken, false) if !fetches(command) => Some(StatusWord::NO_DIAGNOSIS),
            (Self::NoApplication, true) => Some(StatusWord::NOT_FOUND),
            (Self::AlwaysFine, _) => Some(StatusWord::OK),
            _ => None,
        }
    }

    /// What becomes of an answer, status word included. `count` is the number of the command.
    pub(super) fn distort(self, command: &[u8], count: u64, answer: Vec<u8>) -> Vec<u8> {
        let reads = matches!(
            command.get(1),
            Some(
                &(instruction::GET_RESPONSE
                    | instruction::GET_DATA
                    | instruction::READ_BUFFER
                    | instruction::GET_CERTIFICATE)
            )
        );
        match (self, reads) {
            // Over T=0 an answer begins with the next command.
            (Self::EndlessReply, true) if answer.len() > 2 || fetches(command) => {
                let mut answer = answer;
                answer.truncate(answer.len().saturating_sub(2));
                answer.resize(256, 0);
                answer.extend([0x61, 0x00]);
                answer
            }
            (Self::EndlessPromise, true) => vec![0x61, 0x10],
            (Self::EndlessWrongLength, true) => vec![0x6C, 0x10],
            (Self::NoStatusWord, _) => {
                let mut answer = answer;
                answer.truncate(answer.len().saturating_sub(2));
                answer
            }
            (Self::OneByte, _) => vec![0x90],
            (Self::Random { seed }, _) if command.get(1) != Some(&instruction::SELECT) => {
                random(seed.wrapping_add(count))
            }
            _ => answer,
        }
    }
}

fn fetches(command: &[u8]) -> bool {
    command.get(1) == Some(&instruction::GET_RESPONSE)
}

/// An element that says it has this length.
fn claim(tag: u8, length: usize, value: &[u8]) -> Vec<u8> {
    let header = tlv(&[tag], &vec![0; length]);
    [&header[..header.len() - length], value].concat()
}

/// All elements of an object, each made into something else.
fn each_element(content: &[u8], make: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = content;
    while let Some((tag, value, next)) = take(rest) {
        all.extend(make(tag, value));
        rest = next;
    }
    // An element with a longer tag stays as it is.
    [all, rest.to_vec()].concat()
}

fn certificate_in(content: &[u8]) -> Option<&[u8]> {
    take(content).and_then(|(tag, der, _)| (tag == 0x70).then_some(der))
}

fn inflating(object: &[u8], content: &[u8], size: usize) -> Vec<u8> {
    match certificate_in(content) {
        Some(_) => certificate_object(&gzip(&vec![0; size]), 0x01),
        None => object.to_vec(),
    }
}

/// Up to 258 bytes; every fourth ends with 9000, and every fourth with 6100.
fn random(seed: u64) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(seed);
    let length = usize::try_from(random.next_u32() % 257).unwrap_or_default();
    let mut answer = vec![0; length];
    random.fill_bytes(&mut answer);
    match random.next_u32() % 4 {
        0 => answer.extend([0x90, 0x00]),
        1 => answer.extend([0x61, 0x00]),
        _ => {}
    }
    answer
}
