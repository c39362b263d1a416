//! A card whose every answer is made of the bytes of a run, and the way to
//! write down such bytes from a card that answers as it should.

use cacd::card::transport::{Protocol, Transport, TransportError};

use super::{Input, part};

/// Where the number of bytes of an answer should stand, from here on: what
/// went wrong instead.
const FAULTS: u16 = 0xFFF8;

/// More than any piece of work may send.
const MOST_APDUS: u32 = 600;

const T0: u8 = 1;

/// The PIN that [`super::whole::sign`] signs with.
pub(super) const PIN: &str = "24681357";

/// Begins with the protocol and the ATR; then come the answers, each a part.
pub(super) struct ScriptedCard<'a> {
    input: Input<'a>,
    protocol: Protocol,
    atr: &'a [u8],
    sent: u32,
    pub(super) pins: Vec<PinSent>,
    /// The status word that the last answer to an empty VERIFY ended with.
    last_state: Option<u16>,
    /// The last command was an empty VERIFY, or fetched its answer.
    is_asked_for_state: bool,
}

/// A PIN that went to the card.
#[derive(Debug, Clone, Copy)]
pub(super) struct PinSent {
    /// What the card had last said of its PIN.
    pub(super) state_before: Option<u16>,
    /// None if no answer came.
    pub(super) status: Option<u16>,
}

impl<'a> ScriptedCard<'a> {
    pub(super) fn new(mut input: Input<'a>) -> Self {
        let protocol = if input.byte() & T0 == T0 {
            Protocol::T0
        } else {
            Protocol::T1
        };
        let atr = input.part();
        Self {
            input,
            protocol,
            atr: &atr[..atr.len().min(33)],
            sent: 0,
            pins: Vec::new(),
            last_state: None,
            is_asked_for_state: false,
        }
    }

    /// Begins another piece of work.
    pub(super) fn begin_again(&mut self) {
        self.sent = 0;
    }

    fn answer(&mut self) -> Result<Vec<u8>, TransportError> {
        if self.input.is_empty() {
            return Err(TransportError::Removed);
        }
        let length = self.input.number();
        match length.checked_sub(FAULTS) {
            None => Ok(self.input.take(usize::from(length)).to_vec()),
            Some(0) => Err(TransportError::Removed),
            Some(1) => Err(TransportError::Reset),
            Some(2) => Err(TransportError::Busy),
            Some(3) => Err(TransportError::Unresponsive),
            Some(4) => Err(TransportError::ReaderGone),
            Some(5) => Err(TransportError::ServiceGone),
            Some(6) => Err(TransportError::NotAllowed),
            Some(_) => Err(TransportError::Failed { code: 0x8010_0016 }),
        }
    }
}

impl Transport for ScriptedCard<'_> {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn atr(&self) -> &[u8] {
        self.atr
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent += 1;
        assert!(self.sent <= MOST_APDUS, "the card is asked without end");
        let answer = self.answer();
        let status = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer.last_chunk().copied())
            .map(u16::from_be_bytes);
        self.is_asked_for_state = match command {
            [0x00, 0x20, 0x00, _] | [0x00, 0x20, 0x00, _, _] => true,
            [0x00, 0xC0, ..] => self.is_asked_for_state,
            _ => false,
        };
        if self.is_asked_for_state {
            self.last_state = status;
        }
        if carries_pin(command) {
            assert!(matches!(command, [0x00, 0x20, 0x00, 0x00 | 0x80, 8, ..]));
            self.pins.push(PinSent {
                state_before: self.last_state,
                status,
            });
        }
        answer
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.answer().map(|_| ())
    }
}

fn carries_pin(command: &[u8]) -> bool {
    command
        .windows(PIN.len())
        .any(|window| window == PIN.as_bytes())
}

/// Writes down what a card answers, for a [`ScriptedCard`] to say it again.
pub(super) struct Recorder<T> {
    card: T,
    pub(super) written: Vec<u8>,
}

impl<T: Transport> Recorder<T> {
    pub(super) fn new(card: T) -> Self {
        let protocol = match card.protocol() {
            Protocol::T0 => T0,
            Protocol::T1 => 0,
        };
        let written = [&[protocol][..], &part(card.atr())].concat();
        Self { card, written }
    }
}

impl<T: Transport> Transport for Recorder<T> {
    fn protocol(&self) -> Protocol {
        self.card.protocol()
    }

    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let answer = self.card.transmit(command)?;
        self.written.extend(part(&answer));
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.written.extend(part(&[]));
        self.card.reset()
    }
}
