//! A conversation with the system bus.
//!
//! Any user may send us a signal past all match rules: whose word a message is
//! stands in its sender, which the bus fills in. And any user may send a
//! descriptor along whose last `close` waits as long as they like: so a
//! connection that takes descriptors has a thread of its own.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::address::Address;
use super::message::{self, HEAD, LONGEST, Malformed, Message, Method};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A line of the handshake is no longer (ours are half of it at most).
const LONGEST_LINE: usize = 256;

/// Signals that may come while an answer is waited for.
const MOST_WAITING: usize = 1024;

/// Descriptors that may come at once.
const MOST_DESCRIPTORS: usize = 4;

const CHUNK: usize = 4 * 1024;

/// The bus itself.
pub(super) const BUS: &str = "org.freedesktop.DBus";

/// Why the bus cannot be used, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum BusError {
    #[error("system bus cannot be reached")]
    Io(#[from] io::Error),
    #[error("system bus ended the conversation")]
    Ended,
    #[error("system bus does not let us in")]
    NotLetIn,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("call was refused: {name}")]
    Refused { name: String },
    #[error("too much came while an answer was waited for")]
    TooMuch,
}

/// Whether descriptors are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Descriptors {
    /// The bus delivers no message with one.
    Refused,
    Taken,
}

/// One end of a conversation.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    descriptors: Descriptors,
    received: Vec<u8>,
    passed: VecDeque<OwnedFd>,
    serial: u32,
    waiting: VecDeque<Message>,
}

impl Connection {
    pub(super) fn new(address: &Address, descriptors: Descriptors) -> Result<Self, BusError> {
        let stream = address.connect()?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            descriptors,
            received: Vec::new(),
            passed: VecDeque::new(),
            serial: 0,
            waiting: VecDeque::new(),
        })
    }

    /// Introduces ourselves by our user ID.
    pub(super) fn begin(&mut self) -> Result<(), BusError> {
        self.authenticate()?;
        self.call(&of_the_bus("Hello"), &[])?;
        Ok(())
    }

    /// Ends the conversation from elsewhere.
    pub(super) fn handle(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }

    /// Calls a method, and waits for its answer.
    pub(super) fn call(
        &mut self,
        method: &Method<'_>,
        arguments: &[&str],
    ) -> Result<Message, BusError> {
        Ok(self.call_for_descriptors(method, arguments)?.0)
    }

    /// The same, with the descriptors that the answer brought.
    pub(super) fn call_for_descriptors(
        &mut self,
        method: &Method<'_>,
        arguments: &[&str],
    ) -> Result<(Message, Vec<OwnedFd>), BusError> {
        self.serial += 1;
        let call = message::call(self.serial, method, arguments);
        self.stream.write_all(&call)?;
        loop {
            let (message, descriptors) = self.receive()?;
            if message.reply_to == Some(self.serial) && message.sender == method.destination {
                return match message.error {
                    None => Ok((message, descriptors)),
                    Some(name) => Err(BusError::Refused { name }),
                };
            }
            // Anyone may send us signals; theirs count for nothing.
            if message.sender != BUS && message.sender != method.destination {
                continue;
            }
            if self.waiting.len() == MOST_WAITING {
                return Err(BusError::TooMuch);
            }
            self.waiting.push_back(message);
        }
    }

    /// Waits for the next signal, however long that takes.
    pub(super) fn signal(&mut self) -> Result<Message, BusError> {
        if let Some(message) = self.waiting.pop_front() {
            return Ok(message);
        }
        self.stream.set_read_timeout(None)?;
        let (message, _) = self.receive()?;
        self.stream.set_read_timeout(Some(PATIENCE))?;
        Ok(message)
    }

    /// SASL EXTERNAL (D-Bus specification, "Authentication Protocol"): the
    /// kernel tells the bus who we are.
    fn authenticate(&mut self) -> Result<(), BusError> {
        let mut hello = "\0AUTH EXTERNAL ".to_owned();
        for digit in rustix::process::geteuid().as_raw().to_string().bytes() {
            let _ = write!(hello, "{digit:02x}");
        }
        hello.push_str("\r\n");
        self.stream.write_all(hello.as_bytes())?;
        if !self.line()?.starts_with(b"OK ") {
            return Err(BusError::NotLetIn);
        }
        if self.descriptors == Descriptors::Taken {
            self.stream.write_all(b"NEGOTIATE_UNIX_FD\r\n")?;
            if !self.line()?.starts_with(b"AGREE_UNIX_FD") {
                return Err(BusError::NotLetIn);
            }
        }
        self.stream.write_all(b"BEGIN\r\n")?;
        Ok(())
    }

    fn line(&mut self) -> Result<Vec<u8>, BusError> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                return Ok(self.received.drain(..=end).collect());
            }
            if self.received.len() > LONGEST_LINE {
                return Err(BusError::NotLetIn);
            }
            self.read()?;
        }
    }

    fn receive(&mut self) -> Result<(Message, Vec<OwnedFd>), BusError> {
        let length = loop {
            let Some(head) = self.received.first_chunk::<HEAD>() else {
                self.read()?;
                continue;
            };
            let length = Message::length(head)?;
            if length <= LONGEST {
                break length;
            }
            // Nothing that we ask for is so long; anyone may send it.
            self.skip(length)?;
        };
        while self.received.len() < length {
            self.read()?;
        }
        let rest = self.received.split_off(length);
        let bytes = std::mem::replace(&mut self.received, rest);
        let message = Message::parse(&bytes)?;
        let count = usize::try_from(message.descriptors).unwrap_or(usize::MAX);
        let count = count.min(self.passed.len());
        Ok((message, self.passed.drain(..count).collect()))
    }

    fn skip(&mut self, length: usize) -> Result<(), BusError> {
        let mut left = length;
        loop {
            let there = left.min(self.received.len());
            self.received.drain(..there);
            left -= there;
            if left == 0 {
                self.passed.clear();
                return Ok(());
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<(), BusError> {
        let mut chunk = [0; CHUNK];
        let count = match self.descriptors {
            Descriptors::Refused => self.stream.read(&mut chunk)?,
            Descriptors::Taken => self.read_with_descriptors(&mut chunk)?,
        };
        match chunk.get(..count) {
            None | Some([]) => Err(BusError::Ended),
            Some(read) => {
                self.received.extend_from_slice(read);
                Ok(())
            }
        }
    }

    fn read_with_descriptors(&mut self, chunk: &mut [u8]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let read = recvmsg(
            &self.stream,
            &mut [IoSliceMut::new(chunk)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.passed.extend(descriptors);
            }
        }
        Ok(read.bytes)
    }
}

/// A method of the bus itself.
pub(super) fn of_the_bus(member: &str) -> Method<'_> {
    Method {
        destination: BUS,
        path: "/org/freedesktop/DBus",
        interface: BUS,
        member,
    }
}
