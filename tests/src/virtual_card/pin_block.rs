//! The PIN as the card keeps it: its own secret, compared and never shown.

use zeroize::Zeroizing;

/// Six to eight digits, padded to eight bytes with FF (SP 800-73pt2-5, section 2.4.3).
pub(crate) struct PinBlock(Zeroizing<[u8; 8]>);

/// A PIN is made of other things.
#[derive(Debug, thiserror::Error)]
#[error("a PIN is six to eight digits")]
pub struct NotAPin;

impl PinBlock {
    pub(crate) fn new(digits: &str) -> Result<Self, NotAPin> {
        if digits.len() > 8 {
            return Err(NotAPin);
        }
        let mut block = Zeroizing::new([0xFF; 8]);
        block[..digits.len()].copy_from_slice(digits.as_bytes());
        Self::from_block(block.as_slice()).ok_or(NotAPin)
    }

    /// Takes a block as it stands in a command; `None` if it is not well formed.
    pub(crate) fn from_block(block: &[u8]) -> Option<Self> {
        let block = Zeroizing::new(<[u8; 8]>::try_from(block).ok()?);
        let digits = block
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let padded = block[digits..].iter().all(|byte| *byte == 0xFF);
        (digits >= 6 && padded).then_some(Self(block))
    }

    /// A second card from the same file gets the same PIN.
    pub(crate) fn same(&self) -> Self {
        Self(Zeroizing::new(*self.0))
    }

    pub(crate) fn matches(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }

    /// For the file the card is kept in.
    pub(crate) fn digits(&self) -> Zeroizing<String> {
        let digits = self.0.iter().filter(|byte| byte.is_ascii_digit());
        Zeroizing::new(digits.map(|byte| char::from(*byte)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_to_eight_padded_digits_are_a_pin() {
        for block in [
            &b"12345\xFF\xFF\xFF"[..],
            b"1234567",
            b"123456\xFF7",
            b"12345a\xFF\xFF",
            b"123456\x00\x00",
            b"123456789",
            b"",
        ] {
            assert!(PinBlock::from_block(block).is_none(), "{block:02X?}");
        }
        assert!(PinBlock::from_block(b"123456\xFF\xFF").is_some());
        assert!(PinBlock::from_block(b"12345678").is_some());
    }

    #[test]
    fn digits_and_block_are_the_same_pin() {
        let typed = PinBlock::new("1234567").unwrap();
        let sent = PinBlock::from_block(b"1234567\xFF").unwrap();

        assert!(typed.matches(&sent));
        assert_eq!(*typed.digits(), "1234567");
    }
}
