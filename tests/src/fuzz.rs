//! What is fuzzed: every parser of bytes that come from outside, each as a
//! function of bytes that panics where something is not as it has to be.
//!
//! `make fuzz` runs them with libFuzzer (`tests/fuzz`); the tests run each over
//! its seeds, so that they go on meaning something.

mod objects;
mod page;
mod scripted;
pub mod seeds;
mod text;
mod trust;
mod whole;

use cac_common::time::UtcSeconds;

/// A parser under fuzz.
#[derive(Clone, Copy)]
pub struct Target {
    /// As the folder of its seeds is called.
    pub name: &'static str,
    /// Panics where a promise is broken. Says whether the bytes were taken for
    /// what they should be, which a seed has to be.
    pub run: fn(&[u8]) -> bool,
}

/// All of them, by name.
pub const TARGETS: [Target; 27] = [
    target("archive", trust::archive),
    target("atr", objects::atr),
    target("bundle", trust::bundle),
    target("bus", text::bus),
    target("ccc", objects::ccc),
    target("certificate", objects::certificate),
    target("chuid", objects::chuid),
    target("cms", trust::cms),
    target("config", text::config),
    target("crl", trust::crl),
    target("discovery", objects::discovery),
    target("facts", whole::facts),
    target("fascn", objects::fascn),
    target("front", whole::front),
    target("key_history", objects::key_history),
    target("message", text::message),
    target("names", text::names),
    target("ocsp", trust::ocsp),
    target("page", page::page),
    target("printed", objects::printed),
    target("profile", text::profile),
    target("read", whole::read),
    target("security_object", objects::security_object),
    target("sign", whole::sign),
    target("simple_tlv", objects::simple_tlv),
    target("status", whole::status),
    target("tlv", objects::tlv),
];

const fn target(name: &'static str, run: fn(&[u8]) -> bool) -> Target {
    Target { name, run }
}

/// An hour after what lies in `tests/data/openssl` was made.
const NOW: UtcSeconds = UtcSeconds(1_795_737_673);

/// Takes the bytes of one run apart. Where they end, everything is empty.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// Two bytes, the low one first.
    fn number(&mut self) -> u16 {
        let low = self.byte();
        u16::from_le_bytes([low, self.byte()])
    }

    /// A number, and as many bytes.
    fn part(&mut self) -> &'a [u8] {
        let length = self.number();
        self.take(usize::from(length))
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Bytes as [`Input::part`] takes them.
fn part(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a part is short");
    [&length.to_le_bytes()[..], bytes].concat()
}
