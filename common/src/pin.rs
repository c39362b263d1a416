//! A PIN on its way from the keyboard to the card.

use std::io;

use crate::identity::CardId;
use crate::locked::Locked;
use crate::snapshot::Visit;

/// The most bytes that are ever read of a PIN that someone sends: one more
/// than a PIN may have, so that a longer one is seen to be too long.
pub const LONGEST: usize = 9;

/// The most bytes that are ever read of a PIN and the one that is to replace
/// it: both, a line feed between them, and one more.
pub const LONGEST_PAIR: usize = 2 * BLOCK + 2;

/// The block VERIFY wants is eight bytes (SP 800-73pt2-5 §2.4.3).
const BLOCK: usize = 8;

/// For whom and for what a PIN was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinFor {
    /// Who typed it.
    pub uid: u32,
    /// The card it was typed for.
    pub card: CardId,
    /// The visit of that card it was typed in.
    pub visit: Visit,
    /// The person knows that it may be the last try, and wants it spent.
    pub even_the_last_try: bool,
    /// The card has just accepted it from the program that let its holder in to
    /// the machine: if somebody is logged in to the card still, it is that one.
    pub by_login: bool,
}

/// Six to eight digits in locked memory, wiped when dropped.
///
/// Neither `Clone` nor `Debug`: a wrong PIN costs one of the few tries a card
/// allows, so VERIFY takes the `Pin` by value, and an [`AcceptedPin`] comes
/// back only if the card said 9000; after any other answer it is gone.
pub struct Pin {
    digits: Locked,
    length: usize,
    typed_for: PinFor,
}

/// What is to replace the PIN of a card: six to eight digits, held in the same way.
pub struct NewPin {
    digits: Locked,
    length: usize,
}

/// A PIN that the card in this visit answered with 9000.
pub struct AcceptedPin(Pin);

/// The text cannot be a PIN; the card has not been asked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN is six to eight digits")]
pub struct NotAPin;

impl Pin {
    /// Takes the first `length` bytes of `digits`, if they are six to eight digits.
    pub fn new(digits: Locked, length: usize, typed_for: PinFor) -> Result<Self, NotAPin> {
        if is_a_pin(&digits, length) {
            Ok(Self {
                digits,
                length,
                typed_for,
            })
        } else {
            Err(NotAPin)
        }
    }

    /// For whom and for which card and visit it was typed.
    pub fn typed_for(&self) -> &PinFor {
        &self.typed_for
    }

    /// `header`, then the eight bytes VERIFY wants: the digits, then FF
    /// (SP 800-73pt2-5 §2.4.3); in locked memory, with its length.
    pub fn command(&self, header: [u8; 5]) -> io::Result<(Locked, usize)> {
        command(header, &[self.typed()])
    }

    /// `header`, then the sixteen bytes CHANGE REFERENCE DATA wants: this PIN and
    /// the new one, each as VERIFY wants it (SP 800-73pt2-5 §3.2.2).
    pub fn command_to_change(&self, header: [u8; 5], new: &NewPin) -> io::Result<(Locked, usize)> {
        command(header, &[self.typed(), new.typed()])
    }

    /// Whether `new` would leave everything as it is.
    pub fn is_same(&self, new: &NewPin) -> bool {
        self.typed() == new.typed()
    }

    fn typed(&self) -> &[u8] {
        &self.digits.bytes()[..self.length]
    }

    /// To be called by the card edge alone, after a 9000 to this very PIN.
    pub fn accepted(self) -> AcceptedPin {
        AcceptedPin(self)
    }
}

impl NewPin {
    /// Takes the first `length` bytes of `digits`, if they are six to eight digits.
    pub fn new(digits: Locked, length: usize) -> Result<Self, NotAPin> {
        if is_a_pin(&digits, length) {
            Ok(Self { digits, length })
        } else {
            Err(NotAPin)
        }
    }

    fn typed(&self) -> &[u8] {
        &self.digits.bytes()[..self.length]
    }
}

fn is_a_pin(digits: &Locked, length: usize) -> bool {
    (6..=BLOCK).contains(&length) && digits.bytes()[..length].iter().all(u8::is_ascii_digit)
}

/// A header, and a block for each PIN.
fn command(header: [u8; 5], pins: &[&[u8]]) -> io::Result<(Locked, usize)> {
    let mut command = Locked::new()?;
    let whole = header.len() + pins.len() * BLOCK;
    let (start, blocks) = command.bytes_mut()[..whole].split_at_mut(header.len());
    start.copy_from_slice(&header);
    blocks.fill(0xFF);
    for (block, pin) in blocks.chunks_exact_mut(BLOCK).zip(pins) {
        block[..pin.len()].copy_from_slice(pin);
    }
    Ok((command, whole))
}

impl AcceptedPin {
    pub fn typed_for(&self) -> &PinFor {
        &self.0.typed_for
    }

    /// To be verified once more for the same card in the same visit.
    pub fn again(self) -> Pin {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_pin_is_padded() {
        let pin = pin(b"123456").unwrap();

        let (command, length) = pin.command([0x00, 0x20, 0x00, 0x80, 0x08]).unwrap();

        assert_eq!(
            command.bytes()[..length],
            *b"\x00\x20\x00\x80\x08123456\xFF\xFF"
        );
    }

    #[test]
    fn only_six_to_eight_digits_are_a_pin() {
        for text in ["", "12345", "123456789", "12345a", "12345\u{663}"] {
            assert!(pin(text.as_bytes()).is_err(), "{text}");
            assert!(new_pin(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn to_be_changed_both_are_padded() {
        let (old, new) = (pin(b"123456").unwrap(), new_pin(b"87654321").unwrap());

        let (command, length) = old
            .command_to_change([0x00, 0x24, 0x00, 0x80, 0x10], &new)
            .unwrap();

        assert_eq!(
            command.bytes()[..length],
            *b"\x00\x24\x00\x80\x10123456\xFF\xFF87654321"
        );
        assert!(!old.is_same(&new));
        assert!(old.is_same(&new_pin(b"123456").unwrap()));
        assert!(!old.is_same(&new_pin(b"1234567").unwrap()));
    }

    fn new_pin(digits: &[u8]) -> Result<NewPin, NotAPin> {
        NewPin::new(locked(digits), digits.len())
    }

    fn locked(digits: &[u8]) -> Locked {
        let mut locked = Locked::new().unwrap();
        locked.bytes_mut()[..digits.len()].copy_from_slice(digits);
        locked
    }

    fn pin(digits: &[u8]) -> Result<Pin, NotAPin> {
        Pin::new(
            locked(digits),
            digits.len(),
            PinFor {
                uid: 1000,
                card: CardId("test".into()),
                visit: Visit(1),
                even_the_last_try: false,
                by_login: false,
            },
        )
    }
}
