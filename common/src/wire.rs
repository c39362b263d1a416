//! Varlink's framing on a Unix socket: JSON objects, each ended by a zero
//! byte, with descriptors passed beside them.
//!
//! Every message is bounded, and whoever waits for a peer does so with a limit
//! of their own.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// The most descriptors one peer may have waiting; more are closed at once.
const MOST_DESCRIPTORS: usize = 4;

const CHUNK: usize = 8 * 1024;

/// One end of a conversation.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    received: Vec<u8>,
    /// Bytes of `received` already known to hold no end of message.
    searched: usize,
    descriptors: VecDeque<OwnedFd>,
    longest: usize,
}

/// One message, without its zero byte, and the descriptors that came with it.
#[derive(Debug)]
pub struct Message {
    pub bytes: Vec<u8>,
    pub descriptors: Vec<OwnedFd>,
}

/// The conversation is over.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("connection failed")]
    Io(#[from] io::Error),
    #[error("message is longer than {0} bytes")]
    TooLong(usize),
    #[error("connection ended in the middle of a message")]
    CutShort,
}

impl Connection {
    /// `longest` bounds the messages that are taken, in bytes.
    pub fn new(stream: UnixStream, longest: usize) -> Self {
        Self {
            stream,
            received: Vec::new(),
            searched: 0,
            descriptors: VecDeque::new(),
            longest,
        }
    }

    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// The next message, or `None` when the peer has closed the connection.
    /// Nothing is lost if the future is dropped before it is ready.
    pub async fn receive(&mut self) -> Result<Option<Message>, WireError> {
        loop {
            if let Some(bytes) = self.take_message() {
                let descriptors = self.descriptors.drain(..).collect();
                return Ok(Some(Message { bytes, descriptors }));
            }
            if self.received.len() > self.longest {
                return Err(WireError::TooLong(self.longest));
            }
            if self.read_some().await? == 0 {
                return if self.received.is_empty() {
                    Ok(None)
                } else {
                    Err(WireError::CutShort)
                };
            }
        }
    }

    /// Sends one message; `descriptors` travel with its first byte.
    pub async fn send(
        &mut self,
        message: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), WireError> {
        let mut framed = Vec::with_capacity(message.len() + 1);
        framed.extend_from_slice(message);
        framed.push(0);
        let mut rest: &[u8] = &framed;
        let mut passing = descriptors;
        while !rest.is_empty() {
            let sent = self
                .stream
                .async_io(Interest::WRITABLE, || {
                    send_once(&self.stream, rest, passing)
                })
                .await?;
            passing = &[];
            rest = &rest[sent..];
        }
        Ok(())
    }

    fn take_message(&mut self) -> Option<Vec<u8>> {
        let end = self.received[self.searched..]
            .iter()
            .position(|byte| *byte == 0)
            .map(|at| at + self.searched);
        let Some(end) = end else {
            self.searched = self.received.len();
            return None;
        };
        self.searched = 0;
        if end > self.longest {
            return None;
        }
        let mut message: Vec<u8> = self.received.drain(..=end).collect();
        message.pop();
        Some(message)
    }

    async fn read_some(&mut self) -> io::Result<usize> {
        let stream = &self.stream;
        let (bytes, descriptors) = stream
            .async_io(Interest::READABLE, || receive_once(stream))
            .await?;
        self.received.extend_from_slice(&bytes);
        for descriptor in descriptors {
            if self.descriptors.len() < MOST_DESCRIPTORS {
                self.descriptors.push_back(descriptor);
            }
        }
        Ok(bytes.len())
    }
}

fn send_once(
    stream: &UnixStream,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(sendmsg(
        stream,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else the kernel sends beside the bytes is dropped"
)]
fn receive_once(stream: &UnixStream) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; CHUNK];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    bytes.truncate(received.bytes);
    let descriptors = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    Ok((bytes, descriptors))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    use super::*;

    #[tokio::test]
    async fn messages_arrive_whole_and_in_order_however_they_are_cut() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut theirs = theirs.into_std().unwrap();
        theirs.set_nonblocking(false).unwrap();
        let mut ours = Connection::new(ours, 64);

        for part in [&b"{\"a\""[..], b":1}\0{\"b\":2}\0", b"{\"c\":3}", b"\0"] {
            theirs.write_all(part).unwrap();
        }
        drop(theirs);

        for expected in [&b"{\"a\":1}"[..], b"{\"b\":2}", b"{\"c\":3}"] {
            let message = ours.receive().await.unwrap().unwrap();
            assert_eq!(message.bytes, expected);
        }
        assert!(ours.receive().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_message_that_never_ends_is_refused() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut ours = Connection::new(ours, 1000);
        let writer = tokio::spawn(async move {
            let mut theirs = Connection::new(theirs, 0);
            theirs.send(&vec![b'x'; 10_000_000], &[]).await
        });

        let refused = ours.receive().await.unwrap_err();

        assert!(matches!(refused, WireError::TooLong(1000)));
        drop(ours);
        assert!(writer.await.unwrap().is_err());
    }

    #[tokio::test]
    async fn half_a_message_is_told_from_a_finished_conversation() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut ours = Connection::new(ours, 64);
        let mut theirs = theirs.into_std().unwrap();
        theirs.write_all(b"{\"a\"").unwrap();
        drop(theirs);

        assert!(matches!(
            ours.receive().await.unwrap_err(),
            WireError::CutShort
        ));
    }

    #[tokio::test]
    async fn a_pipe_travels_with_its_message() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut ours, mut theirs) = (Connection::new(ours, 64), Connection::new(theirs, 64));
        let (read_end, write_end) = io::pipe().unwrap();
        (&write_end).write_all(b"123456").unwrap();
        drop(write_end);

        ours.send(b"{}", &[read_end.as_fd()]).await.unwrap();
        let message = theirs.receive().await.unwrap().unwrap();

        let mut text = String::new();
        let descriptor = message.descriptors.into_iter().next().unwrap();
        std::fs::File::from(descriptor)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "123456");
    }
}
