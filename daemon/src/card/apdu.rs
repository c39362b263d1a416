//! One command and its answer, chained both ways (ISO/IEC 7816-4, SP 800-73pt2-5 §2.3).
//!
//! An answer that comes in parts can be left once enough of it is there. The
//! standard neither forbids nor promises that, so what comes after it has to
//! fit the command that asked for it; where it does not, the application is
//! selected again, the command sent again, and no answer of such a card left
//! unread any more.

mod selecting;
#[cfg(test)]
mod tests;

use std::fmt;

use super::atr;
use super::error::{CardError, StatusWord};
use super::habits::{Habit, Habits};
use super::objects::PIV_AID;
use super::tlv;
use super::transport::{Protocol, Transport, TransportError};
use selecting::Selected;

/// The most bytes one answer may have, all its parts together. The largest
/// that we ask for is a CHUID of 2.9 kB (SP 800-73pt1-5, table 9).
const LARGEST_ANSWER: usize = 16 * 1024;

/// The most parts one answer may come in, so that a card that sends nothing
/// but `6100` comes to an end.
const MOST_PARTS: usize = 128;

/// The most APDUs for one piece of work. A card with 24 certificates takes
/// some 250; one that is never done is left after some ten seconds.
const MOST_APDUS: u32 = 600;

/// The most data bytes in one part of a chained command.
const PART: usize = 255;

/// Set in the class byte of every part of a command but the last.
const CHAINED: u8 = 0x10;

const SELECT: u8 = 0xA4;
const GET_RESPONSE: u8 = 0xC0;

/// Instructions that change nothing where they are sent twice: SELECT, VERIFY,
/// GET ACR, READ BUFFER, GET DATA. A PIN never comes in a [`Command`].
const HARMLESS: [u8; 5] = [SELECT, 0x20, 0x4C, 0x52, 0xCB];

/// A command, without its encoding.
///
/// `Debug` shows the header and the length, never the data.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    pub class: u8,
    pub instruction: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: &'a [u8],
    pub expects: Expects,
    /// What it is called in errors.
    pub name: &'static str,
}

/// What an answer to a command looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// No data.
    Nothing,
    /// Data of any form.
    Data,
    /// One BER-TLV element with this tag.
    Object(u32),
}

/// An answer: the whole, or as much as was enough.
pub struct Answer {
    pub data: Vec<u8>,
    /// Of the last part that was fetched.
    pub status: StatusWord,
    /// Nothing of it was left unread.
    pub is_whole: bool,
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {:02X} {:02X} {:02X} {:02X} ({} bytes)",
            self.name,
            self.class,
            self.instruction,
            self.p1,
            self.p2,
            self.data.len()
        )
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.data.len())
    }
}

impl Answer {
    /// Whether it can be the answer to a command that expects this.
    fn fits(&self, expects: Expects) -> bool {
        match expects {
            Expects::Nothing => {
                let is_of_verify = matches!(self.status.0, 0x9000 | 0x6300..=0x63FF | 0x6983);
                self.data.is_empty() && is_of_verify
            }
            Expects::Data => true,
            Expects::Object(_) if self.data.is_empty() => {
                matches!(self.status, StatusWord::NOT_FOUND | StatusWord::SECURITY)
            }
            Expects::Object(tag) => tlv::open(&self.data).is_ok_and(|(found, length, value)| {
                found == tag
                    && if self.is_whole {
                        value.len() == length
                    } else {
                        value.len() < length
                    }
            }),
        }
    }
}

/// Counts what goes over a transport while commands are sent through it.
pub struct Exchange<'a> {
    transport: &'a mut dyn Transport,
    habits: &'a Habits,
    atr: Vec<u8>,
    sent: u32,
    /// The card may still hold a part of its last answer.
    left_unread: bool,
    selected: Option<Selected>,
    /// Instructions that it answers alike when it is selected again.
    unknown: Vec<u8>,
    /// A part of the last answer came by a command of its own.
    was_fetched: bool,
}

impl<'a> Exchange<'a> {
    pub fn new(transport: &'a mut dyn Transport, habits: &'a Habits) -> Self {
        Self {
            atr: transport.atr().to_vec(),
            transport,
            habits,
            sent: 0,
            left_unread: false,
            selected: None,
            unknown: Vec::new(),
            was_fetched: false,
        }
    }

    /// APDUs sent so far.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    pub fn has_keypad(&self) -> bool {
        self.transport.has_keypad()
    }

    pub fn reset(&mut self) -> Result<(), CardError> {
        self.left_unread = false;
        self.selected = None;
        Ok(self.transport.reset()?)
    }

    /// Leaves nothing unread for whoever uses the card next.
    pub fn settle(&mut self) {
        if std::mem::take(&mut self.left_unread)
            && let Err(error) = self.select_piv()
        {
            tracing::debug!(%error, "an answer may have been left unread");
        }
    }

    /// Sends a command, in parts if it is long, and fetches the whole answer.
    pub fn send(&mut self, command: Command<'_>) -> Result<Answer, CardError> {
        self.ask(command, &mut |_| false)
    }

    /// Sends a command of one part, and fetches its answer until what has come
    /// of it is enough. Where the card keeps what is left unread, all of it.
    pub fn send_for_head(
        &mut self,
        command: Command<'_>,
        is_enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Answer, CardError> {
        let keeps_replies = self.habit().keeps_replies;
        // It is looked at all the same: whoever watches the parts come sees them.
        self.ask(command, &mut |so_far| is_enough(so_far) && !keeps_replies)
    }

    /// Sends bytes that are encoded already, and expects no data back. For
    /// what has to stay in locked memory.
    pub fn send_encoded(
        &mut self,
        bytes: &[u8],
        name: &'static str,
    ) -> Result<StatusWord, CardError> {
        self.settle();
        let (_, status) = self.transmit(bytes, name)?;
        Ok(status)
    }

    /// Sends bytes as they are, and gives the answer as it is but for a wrong
    /// Le, which is put right: for commands older than chaining.
    pub fn send_plain(
        &mut self,
        bytes: [u8; 5],
        name: &'static str,
    ) -> Result<(Vec<u8>, StatusWord), CardError> {
        let (data, status) = self.transmit(&bytes, name)?;
        if status.0 >> 8 != 0x6C {
            return Ok((data, status));
        }
        let mut again = bytes;
        again[4] = low_byte(status);
        self.transmit(&again, name)
    }

    fn habit(&self) -> Habit {
        self.habits.of(&self.atr)
    }

    fn ask_selected(
        &mut self,
        command: Command<'_>,
        is_enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Answer, CardError> {
        let after_unread = std::mem::take(&mut self.left_unread);
        let answer = self.ask_once(command, is_enough);
        let fits = match &answer {
            Ok(answer) => answer.fits(command.expects),
            Err(CardError::Transport(_)) => true,
            Err(_) => false,
        };
        if !after_unread || fits {
            let has_failed = answer
                .as_ref()
                .is_ok_and(|answer| answer.status.is_failure_of_the_card());
            if !has_failed || !HARMLESS.contains(&command.instruction) {
                return answer;
            }
            tracing::debug!(?command, "the card failed, and is asked once more");
            return self.ask_once(command, is_enough);
        }
        tracing::debug!(?command, "the answer may belong to an earlier command");
        self.left_unread = false;
        self.select_piv()?;
        let again = self.ask_once(command, is_enough)?;
        if again.fits(command.expects) {
            self.habits
                .learn(&self.atr, |habit| habit.keeps_replies = true);
        }
        Ok(again)
    }

    fn ask_once(
        &mut self,
        command: Command<'_>,
        is_enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Answer, CardError> {
        if self.may_be_extended(command) {
            if let Some(answer) = self.ask_extended(command)? {
                // One part, which is the whole.
                is_enough(&answer.data);
                return Ok(answer);
            }
            self.habits
                .learn(&self.atr, |habit| habit.refuses_extended = true);
        }
        let mut parts = command.data.chunks(PART).peekable();
        if parts.peek().is_none() {
            return self.send_last(command, &[], is_enough);
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return self.send_last(command, part, is_enough);
            }
            let bytes = encode(command.class | CHAINED, command, part, None);
            let (_, status) = self.transmit(&bytes, command.name)?;
            if status != StatusWord::SUCCESS {
                return Err(CardError::Refused {
                    command: command.name,
                    status,
                });
            }
        }
        unreachable!("the loop returns with the last part")
    }

    fn may_be_extended(&self, command: Command<'_>) -> bool {
        matches!(command.expects, Expects::Object(_))
            && self.transport.protocol() == Protocol::T1
            && atr::says_extended_length(&self.atr)
            && !self.habit().refuses_extended
    }

    /// The whole object in one answer; none where the card, or its reader,
    /// leaves the least doubt that it can.
    fn ask_extended(&mut self, command: Command<'_>) -> Result<Option<Answer>, CardError> {
        let mut bytes = vec![
            command.class,
            command.instruction,
            command.p1,
            command.p2,
            0,
        ];
        let length = u16::try_from(command.data.len()).expect("what we send to a card is short");
        bytes.extend(length.to_be_bytes());
        bytes.extend_from_slice(command.data);
        bytes.extend([0, 0]);
        let (data, status) = match self.transmit(&bytes, command.name) {
            Ok(answer) => answer,
            Err(CardError::Transport(
                TransportError::Unresponsive | TransportError::Failed { .. },
            )) => return Ok(None),
            Err(error) => return Err(error),
        };
        let answer = Answer {
            data,
            status,
            is_whole: true,
        };
        let is_right = answer.fits(command.expects)
            && answer.data.len() <= LARGEST_ANSWER
            && (answer.data.is_empty() || status == StatusWord::SUCCESS);
        if !is_right && status.0 >> 8 == 0x61 {
            // The rest of what was not right is not to come for something else.
            self.select_piv()?;
        }
        Ok(is_right.then_some(answer))
    }

    fn send_last(
        &mut self,
        command: Command<'_>,
        data: &[u8],
        is_enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Answer, CardError> {
        // Over T=0 a command with data cannot carry Le: the answer waits behind 61xx.
        let le = match self.transport.protocol() {
            Protocol::T0 if !data.is_empty() => None,
            Protocol::T0 | Protocol::T1 => (command.expects != Expects::Nothing).then_some(0),
        };
        let bytes = encode(command.class, command, data, le);
        self.was_fetched = false;
        let (mut data, mut status) = self.transmit(&bytes, command.name)?;
        if status.0 >> 8 == 0x6C {
            let mut again = bytes;
            if le.is_some() {
                again.pop();
            }
            again.push(low_byte(status));
            (data, status) = self.transmit(&again, command.name)?;
        }
        for _ in 0..MOST_PARTS {
            let is_whole = status.0 >> 8 != 0x61;
            let is_enough = !data.is_empty() && is_enough(&data);
            if is_whole || is_enough {
                self.left_unread = !is_whole;
                return Ok(Answer {
                    data,
                    status,
                    is_whole,
                });
            }
            let fetch = [0x00, GET_RESPONSE, 0x00, 0x00, low_byte(status)];
            let (mut part, next) = self.transmit(&fetch, command.name)?;
            if next.0 >> 8 == 0x6C {
                let fetch = [0x00, GET_RESPONSE, 0x00, 0x00, low_byte(next)];
                (part, status) = self.transmit(&fetch, command.name)?;
            } else {
                status = next;
            }
            self.was_fetched = true;
            data.append(&mut part);
            if data.len() > LARGEST_ANSWER {
                break;
            }
        }
        self.left_unread = true;
        Err(CardError::Endless {
            command: command.name,
        })
    }

    fn select_piv(&mut self) -> Result<(), CardError> {
        let select = Command {
            class: 0x00,
            instruction: SELECT,
            p1: 0x04,
            p2: 0x00,
            data: &PIV_AID,
            expects: Expects::Data,
            name: "SELECT",
        };
        self.send_last(select, &PIV_AID, &mut |_| false).map(|_| ())
    }

    fn transmit(
        &mut self,
        bytes: &[u8],
        name: &'static str,
    ) -> Result<(Vec<u8>, StatusWord), CardError> {
        if self.sent >= MOST_APDUS {
            return Err(CardError::Endless { command: name });
        }
        self.sent += 1;
        let mut answer = self.transport.transmit(bytes)?;
        let (Some(sw2), Some(sw1)) = (answer.pop(), answer.pop()) else {
            return Err(CardError::Malformed {
                object: name,
                fault: "the answer has no status word",
            });
        };
        let status = StatusWord(u16::from_be_bytes([sw1, sw2]));
        tracing::trace!(
            command = name,
            length = bytes.len(),
            answer = answer.len(),
            %status,
            "APDU"
        );
        Ok((answer, status))
    }
}

fn encode(class: u8, command: Command<'_>, data: &[u8], le: Option<u8>) -> Vec<u8> {
    let mut bytes = vec![class, command.instruction, command.p1, command.p2];
    if !data.is_empty() {
        bytes.push(u8::try_from(data.len()).expect("a part has at most 255 bytes"));
        bytes.extend_from_slice(data);
    }
    bytes.extend(le);
    bytes
}

fn low_byte(status: StatusWord) -> u8 {
    status.0.to_be_bytes()[1]
}
