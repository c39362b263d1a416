//! How commands come in and answers go out, whichever application they are for.

use cacd::card::transport::Protocol;

use super::apdu::{Command, Expected, StatusWord};
use super::habits::{AbandonedReply, ExtendedLength, Replies};
use super::{CardModel, instruction};

/// What GET RESPONSE has yet to fetch.
#[derive(Default)]
pub(super) struct Outbox(Vec<u8>);

/// Data and status word.
pub(super) type Answer = (Vec<u8>, StatusWord);

impl Outbox {
    /// Takes a command apart, and gives with it what its reply has to begin
    /// with. The error is the answer to a command that no application gets to see.
    pub(super) fn open<'a>(
        &mut self,
        model: CardModel,
        bytes: &'a [u8],
    ) -> Result<(Command<'a>, Vec<u8>), Answer> {
        let pending = std::mem::take(&mut self.0);
        let extended = model.extended;
        let has_extended = !matches!(extended, ExtendedLength::Refused | ExtendedLength::Lies);
        let Some(command) = Command::parse(model.protocol, has_extended, bytes) else {
            return Err((Vec::new(), StatusWord::WRONG_LENGTH));
        };
        if command.is_extended && extended == ExtendedLength::Breaks {
            return Err((Vec::new(), StatusWord::NO_DIAGNOSIS));
        }
        if command.ins == instruction::GET_RESPONSE && command.cla == 0 {
            return Err(self.get_response(model, &command, pending));
        }
        if pending.is_empty() || command.ins == instruction::SELECT {
            return Ok((command, Vec::new()));
        }
        match model.abandoned {
            AbandonedReply::Dropped => Ok((command, Vec::new())),
            AbandonedReply::Prepended => Ok((command, pending)),
            AbandonedReply::Answered => Err(self.reply(model, &command, pending)),
            AbandonedReply::Refused => Err((Vec::new(), StatusWord::CONDITIONS_OF_USE)),
        }
    }

    /// Gives what fits and keeps the rest for GET RESPONSE.
    pub(super) fn reply(
        &mut self,
        model: CardModel,
        command: &Command<'_>,
        mut data: Vec<u8>,
    ) -> Answer {
        if data.is_empty() {
            return (data, StatusWord::OK);
        }
        if command.is_extended && model.extended == ExtendedLength::Truncates {
            data.truncate(256);
            return (data, StatusWord::OK);
        }
        let longest = model.longest_reply;
        let room = match (command.expected, model.replies) {
            (Expected::UpTo(room), _) if command.is_extended => room,
            (
                Expected::UpTo(room) | Expected::Perhaps(room),
                Replies::Filled | Replies::Unasked,
            ) => room.min(longest),
            (Expected::Nothing, Replies::Unasked) if model.protocol == Protocol::T1 => longest,
            (Expected::Nothing, _) | (_, Replies::Announced) => 0,
        };
        self.hand_out(data, room)
    }

    fn get_response(
        &mut self,
        model: CardModel,
        command: &Command<'_>,
        pending: Vec<u8>,
    ) -> Answer {
        if pending.is_empty() {
            return (Vec::new(), StatusWord::CONDITIONS_OF_USE);
        }
        if (command.p1, command.p2) != (0, 0) {
            return (Vec::new(), StatusWord::WRONG_PARAMETERS);
        }
        let (room, must_be_right) = match command.expected {
            Expected::Nothing => return (Vec::new(), StatusWord::WRONG_LENGTH),
            Expected::Perhaps(room) => (room, true),
            Expected::UpTo(room) => (room, model.replies == Replies::Announced),
        };
        if must_be_right && room > pending.len() && room < 256 {
            let status = StatusWord::exactly(pending.len());
            self.0 = pending;
            return (Vec::new(), status);
        }
        let room = if command.is_extended {
            room
        } else {
            room.min(model.longest_reply)
        };
        self.hand_out(pending, room)
    }

    fn hand_out(&mut self, mut data: Vec<u8>, room: usize) -> Answer {
        if data.len() <= room {
            return (data, StatusWord::OK);
        }
        let rest = data.split_off(room);
        let status = StatusWord::more(rest.len());
        self.0 = rest;
        (data, status)
    }
}
