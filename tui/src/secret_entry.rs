//! A PIN or a password while it is typed, in locked memory.

use std::io;

use cac_common::locked::{CAPACITY, Locked};

/// The most digits of a PIN that are kept: more than it has, so that one typed
/// too long is refused rather than cut short and sent.
pub const MOST_DIGITS: usize = 16;

/// The most bytes of a password; one with more is refused, too.
pub const MOST_BYTES: usize = CAPACITY - 1;

/// Neither `Clone` nor `Debug`; wiped when dropped.
#[derive(Default)]
pub struct SecretEntry {
    /// UTF-8; absent until the first character.
    bytes: Option<Locked>,
    length: usize,
}

impl SecretEntry {
    /// How many characters there are now.
    pub fn count(&self) -> usize {
        self.bytes.as_ref().map_or(0, |bytes| {
            let typed = &bytes.bytes()[..self.length];
            typed.iter().filter(|byte| begins(**byte)).count()
        })
    }

    /// Takes one more character, unless that makes more than `most` bytes;
    /// whether it did.
    pub fn push(&mut self, c: char, most: usize) -> io::Result<bool> {
        let bytes = match &mut self.bytes {
            Some(bytes) => bytes,
            none => none.insert(Locked::new()?),
        };
        let end = self.length + c.len_utf8();
        let has_room = end <= most.min(CAPACITY);
        if has_room {
            c.encode_utf8(&mut bytes.bytes_mut()[self.length..end]);
            self.length = end;
        }
        Ok(has_room)
    }

    /// Wipes all but the first `count` characters.
    pub fn shorten(&mut self, count: usize) {
        if count == 0 {
            *self = Self::default();
        } else if let Some(bytes) = &mut self.bytes {
            let typed = &bytes.bytes()[..self.length];
            let mut starts = (0..self.length).filter(|at| begins(typed[*at]));
            let end = starts.nth(count).unwrap_or(self.length);
            bytes.bytes_mut()[end..self.length].fill(0);
            self.length = end;
        }
    }

    /// Gives it away, with its length in bytes; nothing is left here.
    pub fn take(&mut self) -> Option<(Locked, usize)> {
        let Self { bytes, length } = std::mem::take(self);
        Some((bytes?, length))
    }
}

/// The byte is the first of a character.
fn begins(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str, most: usize) -> SecretEntry {
        let mut entry = SecretEntry::default();
        for c in text.chars() {
            entry.push(c, most).unwrap();
        }
        entry
    }

    #[test]
    fn what_is_erased_is_wiped() {
        let mut entry = typed("123456", MOST_DIGITS);

        entry.shorten(4);

        let (digits, length) = entry.take().unwrap();
        assert_eq!(length, 4);
        assert_eq!(&digits.bytes()[..8], b"1234\0\0\0\0");
    }

    #[test]
    fn a_character_of_several_bytes_is_erased_whole() {
        let mut entry = typed("pässw\u{1f511}", MOST_BYTES);
        assert_eq!(entry.count(), 6);

        entry.shorten(5);
        entry.shorten(2);

        assert_eq!(entry.count(), 2);
        let (bytes, length) = entry.take().unwrap();
        assert_eq!(&bytes.bytes()[..length], "pä".as_bytes());
        assert!(bytes.bytes()[length..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_is_too_long_is_not_taken_and_seen_to_be_too_long() {
        let pin = typed(&"1".repeat(40), MOST_DIGITS);
        let mut password = typed(&"ä".repeat(200), MOST_BYTES);

        assert_eq!(pin.count(), MOST_DIGITS);
        assert_eq!(password.count(), MOST_BYTES / 2);
        assert!(!password.push('ä', MOST_BYTES).unwrap());
        assert!(password.push('a', MOST_BYTES).unwrap());
    }

    #[test]
    fn a_pin_given_away_leaves_nothing_behind() {
        let mut entry = typed("1", MOST_DIGITS);

        entry.take();

        assert_eq!(entry.count(), 0);
        assert!(entry.take().is_none());
    }
}
