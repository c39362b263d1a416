//! A password on its way from the keyboard to a portal.

use crate::locked::{CAPACITY, Locked};

/// The most bytes that are ever read of one: one more than it may have.
pub const LONGEST: usize = CAPACITY;

/// One byte or more in locked memory, wiped when dropped.
///
/// Neither `Clone` nor `Debug`: a wrong one may lock the account, so what is
/// typed is sent at most once, and whoever sends it takes it by value.
pub struct Password {
    bytes: Locked,
    length: usize,
}

/// It is empty or too long; the portal has not been asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password is 1 to {} bytes", LONGEST - 1)]
pub struct NotAPassword;

impl Password {
    /// Takes the first `length` bytes.
    pub fn new(bytes: Locked, length: usize) -> Result<Self, NotAPassword> {
        if (1..LONGEST).contains(&length) {
            Ok(Self { bytes, length })
        } else {
            Err(NotAPassword)
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes.bytes()[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_too_much_are_no_password() {
        for (length, is_one) in [(0, false), (1, true), (255, true), (256, false)] {
            let made = Password::new(Locked::new().unwrap(), length);

            assert_eq!(made.is_ok(), is_one, "{length}");
        }
    }
}
