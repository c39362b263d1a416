//! The digits of a PIN while they are typed, in locked memory.

use std::io;

use cac_common::locked::Locked;

/// The most digits that are kept: more than a PIN has, so that one typed too
/// long is refused rather than cut short and sent.
pub const MOST_DIGITS: usize = 16;

/// Neither `Clone` nor `Debug`; wiped when dropped.
#[derive(Default)]
pub struct PinEntry {
    /// Absent until the first digit.
    digits: Option<Locked>,
    count: usize,
}

impl PinEntry {
    /// How many digits there are now.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes one more digit; those past the most that are kept are not.
    pub fn push(&mut self, digit: u8) -> io::Result<()> {
        if self.digits.is_none() {
            self.digits = Some(Locked::new()?);
        }
        if let Some(digits) = &mut self.digits
            && self.count < MOST_DIGITS
        {
            digits.bytes_mut()[self.count] = digit;
            self.count += 1;
        }
        Ok(())
    }

    /// Wipes all but the first `count` digits.
    pub fn shorten(&mut self, count: usize) {
        if count == 0 {
            *self = Self::default();
        } else if let Some(digits) = &mut self.digits
            && count < self.count
        {
            digits.bytes_mut()[count..self.count].fill(0);
            self.count = count;
        }
    }

    /// Gives the digits away, with their number; nothing is left here.
    pub fn take(&mut self) -> Option<(Locked, usize)> {
        let Self { digits, count } = std::mem::take(self);
        Some((digits?, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_erased_is_wiped() {
        let mut entry = PinEntry::default();
        for digit in *b"123456" {
            entry.push(digit).unwrap();
        }

        entry.shorten(4);

        let (digits, count) = entry.take().unwrap();
        assert_eq!(count, 4);
        assert_eq!(&digits.bytes()[..8], b"1234\0\0\0\0");
    }

    #[test]
    fn a_pin_given_away_leaves_nothing_behind() {
        let mut entry = PinEntry::default();
        entry.push(b'1').unwrap();

        entry.take();

        assert_eq!(entry.count(), 0);
        assert!(entry.take().is_none());
    }
}
