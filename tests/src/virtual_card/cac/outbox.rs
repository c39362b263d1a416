//! How an answer leaves the card: at once, or through GET RESPONSE.

use crate::virtual_card::apdu::{Command, Expected, StatusWord};

/// What GET RESPONSE has yet to fetch.
#[derive(Default)]
pub(super) struct Outbox(Vec<u8>);

impl Outbox {
    /// Gives what fits and keeps the rest.
    pub(super) fn reply(&mut self, command: &Command<'_>, data: Vec<u8>) -> (Vec<u8>, StatusWord) {
        match command.expected {
            _ if data.is_empty() => (data, StatusWord::OK),
            Expected::Nothing => {
                let status = StatusWord::more(data.len());
                self.0 = data;
                (Vec::new(), status)
            }
            // The reader waits for as many bytes as P3 says (ISO/IEC 7816-3, section 10.3.3).
            Expected::Perhaps(room) if data.len() < room => {
                (Vec::new(), StatusWord::exactly(data.len()))
            }
            Expected::UpTo(room) | Expected::Perhaps(room) => self.hand_out(data, room),
        }
    }

    /// GET RESPONSE, for an answer that an `Outbox` kept.
    pub(super) fn fetch(&mut self, command: &Command<'_>) -> (Vec<u8>, StatusWord) {
        let pending = std::mem::take(&mut self.0);
        if pending.is_empty() {
            return (Vec::new(), StatusWord::CONDITIONS_OF_USE);
        }
        if (command.p1, command.p2) != (0, 0) {
            return (Vec::new(), StatusWord::WRONG_PARAMETERS);
        }
        match command.expected {
            Expected::Nothing => (Vec::new(), StatusWord::WRONG_LENGTH),
            Expected::Perhaps(room) if room > pending.len() && room < 256 => {
                let status = StatusWord::exactly(pending.len());
                self.0 = pending;
                (Vec::new(), status)
            }
            Expected::UpTo(room) | Expected::Perhaps(room) => self.hand_out(pending, room),
        }
    }

    fn hand_out(&mut self, mut data: Vec<u8>, room: usize) -> (Vec<u8>, StatusWord) {
        if data.len() <= room {
            return (data, StatusWord::OK);
        }
        let rest = data.split_off(room);
        let status = StatusWord::more(rest.len());
        self.0 = rest;
        (data, status)
    }
}
