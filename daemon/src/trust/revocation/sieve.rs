//! The serial numbers of a CRL in few bytes: what is not among them is told
//! for certain nearly always, and what is among them is never missed.

use std::hash::{BuildHasher as _, RandomState};

/// 256 KiB: enough for a CRL of some 300 000 entries. Of a longer one more and
/// more numbers seem to be among them.
const MOST_WORDS: usize = 32 * 1024;

/// 8 KiB: of a short CRL hardly anything else seems to be among them.
const LEAST_WORDS: usize = 1024;

/// An entry has some 36 bytes, and 12 bits of the sieve are for each.
const BYTES_FOR_A_BIT: usize = 3;

/// Bits that each number sets.
const BITS_EACH: u32 = 4;

/// A Bloom filter.
pub(super) struct Sieve {
    words: Vec<u64>,
    hasher: RandomState,
}

impl Sieve {
    /// For entries of this many bytes.
    pub(super) fn of_size(entries: usize) -> Self {
        let words = (entries / BYTES_FOR_A_BIT / 64).clamp(LEAST_WORDS, MOST_WORDS);
        Self {
            words: vec![0; words],
            hasher: RandomState::new(),
        }
    }

    pub(super) fn add(&mut self, serial: &[u8]) {
        for (word, bit) in self.places(serial) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn may_hold(&self, serial: &[u8]) -> bool {
        let mut places = self.places(serial).into_iter();
        places.all(|(word, bit)| self.words.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Which word, and which bit of it.
    fn places(&self, serial: &[u8]) -> [(usize, u64); BITS_EACH as usize] {
        let hash = self.hasher.hash_one(serial);
        std::array::from_fn(|place| {
            let turned =
                hash.rotate_left(u64::BITS / BITS_EACH * u32::try_from(place).unwrap_or(0));
            let word = usize::try_from(turned >> 6).unwrap_or(usize::MAX) % self.words.len();
            (word, 1 << (turned & 63))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_it_is_found_and_most_else_is_not() {
        let serials = |from: u32| (from..from + 10_000).map(u32::to_be_bytes);
        let mut sieve = Sieve::of_size(10_000 * 36);

        for serial in serials(0) {
            sieve.add(&serial);
        }

        assert!(serials(0).all(|serial| sieve.may_hold(&serial)));
        let seeming = serials(1_000_000).filter(|serial| sieve.may_hold(serial));
        let seeming = seeming.count();
        assert!(seeming < 300, "{seeming} of 10 000");
    }

    #[test]
    fn it_is_never_larger_than_it_may_be() {
        assert_eq!(Sieve::of_size(0).words.len(), LEAST_WORDS);
        assert_eq!(Sieve::of_size(usize::MAX).words.len(), MOST_WORDS);
    }
}
