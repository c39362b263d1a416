//! One command and its whole answer, chained both ways (ISO/IEC 7816-4, SP 800-73pt2-5 §2.3).

use std::fmt;

use super::error::{CardError, StatusWord};
use super::transport::{Protocol, Transport};

/// The most bytes one answer may have, all its parts together. The largest
/// object of a PIV card holds 12.7 kB (SP 800-73pt1-5, table 9).
const LARGEST_ANSWER: usize = 32 * 1024;

/// The most parts one answer may come in, so that a card that sends nothing
/// but `6100` comes to an end.
const MOST_PARTS: usize = 512;

/// The most data bytes in one part of a chained command.
const PART: usize = 255;

/// Set in the class byte of every part of a command but the last.
const CHAINED: u8 = 0x10;

const GET_RESPONSE: u8 = 0xC0;

/// A command, without its encoding.
///
/// `Debug` shows the header and the length, never the data.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    pub instruction: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: &'a [u8],
    /// Whether an answer with data is wanted.
    pub answers: bool,
    /// What it is called in errors.
    pub name: &'static str,
}

/// A whole answer.
pub struct Answer {
    pub data: Vec<u8>,
    pub status: StatusWord,
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} 00 {:02X} {:02X} {:02X} ({} bytes)",
            self.name,
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

/// Counts what goes over a transport while commands are sent through it.
pub struct Exchange<'a> {
    transport: &'a mut dyn Transport,
    sent: u32,
}

impl<'a> Exchange<'a> {
    pub fn new(transport: &'a mut dyn Transport) -> Self {
        Self { transport, sent: 0 }
    }

    /// APDUs sent so far.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    pub fn reset(&mut self) -> Result<(), CardError> {
        Ok(self.transport.reset()?)
    }

    /// Sends a command, in parts if it is long, and fetches the whole answer.
    pub fn send(&mut self, command: Command<'_>) -> Result<Answer, CardError> {
        let mut parts = command.data.chunks(PART).peekable();
        if parts.peek().is_none() {
            return self.send_last(command, &[]);
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return self.send_last(command, part);
            }
            let bytes = encode(CHAINED, command, part, None);
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

    /// Sends bytes that are encoded already, and expects no data back. For
    /// what has to stay in locked memory.
    pub fn send_encoded(
        &mut self,
        bytes: &[u8],
        name: &'static str,
    ) -> Result<StatusWord, CardError> {
        let (_, status) = self.transmit(bytes, name)?;
        Ok(status)
    }

    fn send_last(&mut self, command: Command<'_>, data: &[u8]) -> Result<Answer, CardError> {
        // Over T=0 a command with data cannot carry Le: the answer waits behind 61xx.
        let le = match self.transport.protocol() {
            Protocol::T0 if !data.is_empty() => None,
            Protocol::T0 | Protocol::T1 => command.answers.then_some(0),
        };
        let bytes = encode(0, command, data, le);
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
            if status.0 >> 8 != 0x61 {
                return Ok(Answer { data, status });
            }
            let fetch = [0x00, GET_RESPONSE, 0x00, 0x00, low_byte(status)];
            let (mut part, next) = self.transmit(&fetch, command.name)?;
            if next.0 >> 8 == 0x6C {
                let fetch = [0x00, GET_RESPONSE, 0x00, 0x00, low_byte(next)];
                (part, status) = self.transmit(&fetch, command.name)?;
            } else {
                status = next;
            }
            data.append(&mut part);
            if data.len() > LARGEST_ANSWER {
                break;
            }
        }
        Err(CardError::Endless {
            command: command.name,
        })
    }

    fn transmit(
        &mut self,
        bytes: &[u8],
        name: &'static str,
    ) -> Result<(Vec<u8>, StatusWord), CardError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::transport::TransportError;

    /// Answers one after the other, and keeps what was sent.
    struct Script {
        protocol: Protocol,
        sent: Vec<Vec<u8>>,
        answers: Box<dyn Iterator<Item = Vec<u8>> + Send>,
    }

    impl Transport for Script {
        fn protocol(&self) -> Protocol {
            self.protocol
        }

        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
            self.sent.push(command.to_vec());
            self.answers.next().ok_or(TransportError::Removed)
        }

        fn reset(&mut self) -> Result<(), TransportError> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_in_parts_is_put_together() {
        let mut card = script(
            Protocol::T1,
            [b"ab\x61\x02".to_vec(), b"cd\x90\x00".to_vec()],
        );

        let answer = Exchange::new(&mut card).send(get(b"x")).unwrap();

        assert_eq!(answer.data, b"abcd");
        assert_eq!(card.sent[1], [0x00, 0xC0, 0x00, 0x00, 0x02]);
    }

    #[test]
    fn over_t0_a_command_with_data_goes_without_le() {
        let mut card = script(Protocol::T0, [b"\x61\x01".to_vec(), b"a\x90\x00".to_vec()]);

        let answer = Exchange::new(&mut card).send(get(b"x")).unwrap();

        assert_eq!(answer.data, b"a");
        assert_eq!(card.sent[0], b"\x00\xCB\x3F\xFF\x01x");
    }

    #[test]
    fn a_wrong_le_is_put_right() {
        let mut card = script(
            Protocol::T1,
            [b"\x6C\x05".to_vec(), b"abcde\x90\x00".to_vec()],
        );

        let answer = Exchange::new(&mut card).send(get(b"x")).unwrap();

        assert_eq!(answer.data, b"abcde");
        assert_eq!(card.sent[1], b"\x00\xCB\x3F\xFF\x01x\x05");
    }

    #[test]
    fn a_long_command_goes_in_parts() {
        let mut card = script(Protocol::T1, [b"\x90\x00".to_vec(), b"\x90\x00".to_vec()]);

        Exchange::new(&mut card).send(get(&[7; 266])).unwrap();

        assert_eq!(card.sent[0][..5], [0x10, 0xCB, 0x3F, 0xFF, 0xFF]);
        assert_eq!(card.sent[0].len(), 5 + 255);
        assert_eq!(card.sent[1][..5], [0x00, 0xCB, 0x3F, 0xFF, 11]);
        assert_eq!(card.sent[1].len(), 5 + 11 + 1);
    }

    #[test]
    fn endless_answers_come_to_an_end() {
        for part in [
            b"\x61\x00".to_vec(),
            [vec![0; 256], b"\x61\x00".to_vec()].concat(),
        ] {
            let mut card = Script {
                protocol: Protocol::T1,
                sent: Vec::new(),
                answers: Box::new(std::iter::repeat(part)),
            };

            let ended = Exchange::new(&mut card).send(get(b"x"));

            assert!(matches!(ended, Err(CardError::Endless { .. })));
        }
    }

    #[test]
    fn debug_shows_no_data() {
        assert_eq!(
            format!("{:?}", get(b"secret")),
            "GET DATA 00 CB 3F FF (6 bytes)"
        );
    }

    fn get(data: &[u8]) -> Command<'_> {
        Command {
            instruction: 0xCB,
            p1: 0x3F,
            p2: 0xFF,
            data,
            answers: true,
            name: "GET DATA",
        }
    }

    fn script<const N: usize>(protocol: Protocol, answers: [Vec<u8>; N]) -> Script {
        Script {
            protocol,
            sent: Vec::new(),
            answers: Box::new(answers.into_iter()),
        }
    }
}
