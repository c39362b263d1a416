//! What crossed between card and reader: headers and status words, never data.

use super::apdu::StatusWord;
use super::instruction;

/// One command and how the card answered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoggedApdu {
    /// Class byte; 10 in the parts of a chain but the last.
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// Number of data bytes.
    pub lc: u16,
    /// The command brought a PIN for the card to compare.
    pub carries_pin: bool,
    /// The answer.
    pub sw: StatusWord,
    /// Bytes of the command and of the answer with its status word.
    pub bytes: usize,
}

/// All commands since the log was begun, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApduLog {
    entries: Vec<LoggedApdu>,
}

impl LoggedApdu {
    pub(super) fn new(command: &[u8], sw: StatusWord, answer: &[u8]) -> Self {
        let byte = |at: usize| command.get(at).copied().unwrap_or_default();
        let ins = byte(1);
        let lc = match command.len() {
            0..=5 => 0,
            // A zero before more than two bytes begins an extended length.
            8.. if byte(4) == 0 => u16::from_be_bytes([byte(5), byte(6)]),
            _ => u16::from(byte(4)),
        };
        Self {
            cla: byte(0),
            ins,
            p1: byte(2),
            p2: byte(3),
            lc,
            carries_pin: lc > 0
                && matches!(
                    ins,
                    instruction::VERIFY | instruction::CHANGE_REFERENCE_DATA
                ),
            sw,
            bytes: command.len() + answer.len(),
        }
    }
}

impl ApduLog {
    /// Command by command.
    pub fn entries(&self) -> &[LoggedApdu] {
        &self.entries
    }

    /// How many commands there were.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// How many bytes there were, in both directions.
    pub fn bytes(&self) -> usize {
        self.entries.iter().map(|apdu| apdu.bytes).sum()
    }

    /// How often a PIN was given to the card to compare, rightly or wrongly.
    pub fn pin_attempts(&self) -> usize {
        self.entries.iter().filter(|apdu| apdu.carries_pin).count()
    }

    /// How often a private key was used; the parts of a chain are one use.
    pub fn key_operations(&self) -> usize {
        self.entries
            .iter()
            .filter(|apdu| match apdu.ins {
                instruction::GENERAL_AUTHENTICATE => apdu.cla == 0,
                instruction::SIGN_DECRYPT => apdu.p1 == 0,
                _ => false,
            })
            .filter(|apdu| matches!(apdu.sw.0, 0x9000 | 0x6100..=0x61FF))
            .count()
    }

    pub(super) fn push(&mut self, apdu: LoggedApdu) {
        self.entries.push(apdu);
    }
}
