//! Varlink's framing on a Unix socket: JSON objects, each ended by a zero
//! byte, with descriptors passed beside them.
//!
//! Every message is bounded, and whoever waits for a peer does so with a limit
//! of their own.
//!
//! Any peer can pass a descriptor whose last `close` waits: a socket that
//! lingers (`SO_LINGER`, socket(7)) does so for as long as its sender chose.
//! The kernel closes what we do not take in whatever thread reads or closes
//! our end, so both happen on the blocking pool, where those who may not pass
//! descriptors can hold up only each other.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, LazyLock};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, recv, recvmsg, sendmsg, shutdown,
};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, spawn_blocking};

/// The most descriptors one message is sent with.
const MOST_DESCRIPTORS: usize = 4;

/// Room for what is read first; after that, for as much as came already.
const CHUNK: usize = 8 * 1024;
const LARGEST_CHUNK: usize = 128 * 1024;

/// Threads of the blocking pool for peers whose descriptors are not taken; the
/// daemon's pool has 192.
static FOR_STRANGERS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(128)));

/// One end of a conversation.
#[derive(Debug)]
pub struct Connection {
    stream: Arc<UnixStream>,
    received: Vec<u8>,
    /// Bytes of `received` already known to hold no end of message.
    searched: usize,
    /// What is being read; kept here, so that nothing is lost with a future.
    reading: Option<JoinHandle<io::Result<Chunk>>>,
    descriptors: Decide,
    /// The descriptor that came with the message that begins there in `received`.
    held: Option<(usize, Descriptor)>,
    longest: usize,
}

/// One message, without its zero byte, and the descriptor that came with it.
#[derive(Debug)]
pub struct Message {
    pub bytes: Vec<u8>,
    pub descriptor: Option<Descriptor>,
}

/// A descriptor from a peer. Dropping it does not wait until it is closed.
#[derive(Debug)]
pub struct Descriptor {
    descriptor: Option<OwnedFd>,
    /// Until it is closed.
    room: Option<OwnedSemaphorePermit>,
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

/// What becomes of the descriptors that a peer passes.
#[derive(Debug, Clone)]
pub enum Descriptors {
    /// The kernel is given no room for them.
    Refused,
    /// One at a time is held; of this peer there are no more, and no more
    /// threads for it, than there is room in this.
    Bounded(Arc<Semaphore>),
    /// One at a time is held.
    Taken,
}

/// What becomes of what comes next.
#[derive(Clone)]
struct Decide(Arc<dyn Fn() -> Descriptors + Send + Sync>);

impl fmt::Debug for Decide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decide")
    }
}

/// What was read at one go.
#[derive(Debug)]
struct Chunk {
    bytes: Vec<u8>,
    descriptor: Option<Descriptor>,
}

impl Connection {
    /// `longest` bounds the messages that are taken, in bytes. Descriptors are not taken.
    pub fn new(stream: UnixStream, longest: usize) -> Self {
        Self::deciding(stream, longest, || Descriptors::Refused)
    }

    /// As [`Self::new`], for a peer who may pass a descriptor with a message.
    pub fn taking_descriptors(stream: UnixStream, longest: usize) -> Self {
        Self::deciding(stream, longest, || Descriptors::Taken)
    }

    /// The same, decided whenever something has come.
    pub fn deciding(
        stream: UnixStream,
        longest: usize,
        decide: impl Fn() -> Descriptors + Send + Sync + 'static,
    ) -> Self {
        Self {
            stream: Arc::new(stream),
            received: Vec::new(),
            searched: 0,
            reading: None,
            descriptors: Decide(Arc::new(decide)),
            held: None,
            longest,
        }
    }

    /// The next message, or `None` when the peer has closed the connection.
    /// Nothing is lost if the future is dropped before it is ready.
    pub async fn receive(&mut self) -> Result<Option<Message>, WireError> {
        loop {
            if let Some(message) = self.take_message() {
                return Ok(Some(message));
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

    /// Ends the conversation, which the peer sees at once, and waits until
    /// all that it sent is closed, however long that takes.
    pub async fn close(self) {
        end(&self.stream);
        if let Some(reading) = self.reading {
            // What came is thrown away.
            let _ = reading.await;
        }
        let room = room(&(self.descriptors.0)()).await;
        let _ = spawn_blocking(move || drop((self.stream, room))).await;
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

    fn take_message(&mut self) -> Option<Message> {
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
        let after = self.received.split_off(end + 1);
        let mut bytes = std::mem::replace(&mut self.received, after);
        bytes.pop();
        let descriptor = match self.held.take() {
            Some((0, descriptor)) => Some(descriptor),
            later => {
                self.held = later.map(|(at, descriptor)| (at - end - 1, descriptor));
                None
            }
        };
        Some(Message { bytes, descriptor })
    }

    async fn read_some(&mut self) -> io::Result<usize> {
        loop {
            if self.reading.is_none() {
                self.something_comes().await?;
            }
            let (stream, descriptors) = (&self.stream, &self.descriptors);
            let most = self.received.len().clamp(CHUNK, LARGEST_CHUNK);
            let reading = self.reading.get_or_insert_with(|| {
                tokio::spawn(read_apart(Arc::clone(stream), descriptors.clone(), most))
            });
            let read = reading.await.map_err(io::Error::other);
            self.reading = None;
            match read? {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(chunk) => return Ok(self.keep(chunk)),
            }
        }
    }

    /// Waits until there is something to read. What is only looked at is not
    /// closed, and what becomes of it is decided now and not before.
    async fn something_comes(&self) -> io::Result<()> {
        self.stream
            .async_io(Interest::READABLE, || {
                let mut byte = [0; 1];
                let (_, _) = recv(&*self.stream, &mut byte, RecvFlags::PEEK)?;
                Ok(())
            })
            .await
    }

    /// Whoever sends a descriptor with a message sends nothing after the
    /// message in the same call, and the kernel reads nothing past such a
    /// call: it belongs to the message that is the last in its chunk.
    fn keep(&mut self, chunk: Chunk) -> usize {
        self.received.extend_from_slice(&chunk.bytes);
        if self.held.is_none()
            && let Some(descriptor) = chunk.descriptor
            && let Some((_, before)) = self.received.split_last()
        {
            let begins = before.iter().rposition(|byte| *byte == 0);
            self.held = Some((begins.map_or(0, |at| at + 1), descriptor));
        }
        chunk.bytes.len()
    }
}

impl Descriptor {
    pub fn into_inner(mut self) -> OwnedFd {
        let taken = self.descriptor.take();
        taken.expect("it is taken only here and by drop")
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let held = self.descriptor.as_ref();
        held.expect("it is taken only with all of it").as_fd()
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let room = self.room.take();
        if let (Some(descriptor), Ok(runtime)) = (self.descriptor.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop((descriptor, room)));
        }
    }
}

/// Closes a connection nothing was read from; the peer sees it at once.
pub async fn close(stream: UnixStream) {
    end(&stream);
    let _ = spawn_blocking(move || drop(stream)).await;
}

/// Nothing more is let in, and the peer is told.
fn end(stream: &UnixStream) {
    // It fails only where the peer ended it first.
    let _ = shutdown(stream, Shutdown::Both);
}

async fn room(descriptors: &Descriptors) -> Option<OwnedSemaphorePermit> {
    let room = match descriptors {
        Descriptors::Taken => return None,
        Descriptors::Bounded(room) => room,
        Descriptors::Refused => &*FOR_STRANGERS,
    };
    Arc::clone(room).acquire_owned().await.ok()
}

async fn read_apart(stream: Arc<UnixStream>, decide: Decide, most: usize) -> io::Result<Chunk> {
    let descriptors = (decide.0)();
    let room = room(&descriptors).await;
    spawn_blocking(move || {
        let mut chunk = stream.try_io(Interest::READABLE, || {
            receive_once(&stream, &descriptors, most)
        })?;
        if let Some(descriptor) = &mut chunk.descriptor {
            descriptor.room = room;
        }
        Ok(chunk)
    })
    .await
    .map_err(io::Error::other)?
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
fn receive_once(stream: &UnixStream, taken: &Descriptors, most: usize) -> io::Result<Chunk> {
    let mut bytes = vec![0; most];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = match taken {
        Descriptors::Refused => RecvAncillaryBuffer::default(),
        Descriptors::Bounded(_) | Descriptors::Taken => RecvAncillaryBuffer::new(&mut space),
    };
    let received = recvmsg(
        stream,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    bytes.truncate(received.bytes);
    // For alignment there is room for two; the second is closed here.
    let descriptor = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .next()
        .map(|descriptor| Descriptor {
            descriptor: Some(descriptor),
            room: None,
        });
    Ok(Chunk { bytes, descriptor })
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
        let (mut ours, mut theirs) = (
            Connection::new(ours, 64),
            Connection::taking_descriptors(theirs, 64),
        );
        let (read_end, write_end) = io::pipe().unwrap();
        (&write_end).write_all(b"123456").unwrap();
        drop(write_end);

        ours.send(b"{}", &[read_end.as_fd()]).await.unwrap();
        let message = theirs.receive().await.unwrap().unwrap();

        let mut text = String::new();
        let descriptor = message.descriptor.unwrap();
        std::fs::File::from(descriptor.into_inner())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "123456");
    }

    #[tokio::test]
    async fn a_descriptor_comes_with_its_own_message_and_no_other() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut ours = Connection::new(ours, 64);
        let mut theirs = Connection::taking_descriptors(theirs, 64);
        let (read_end, _write_end) = io::pipe().unwrap();

        // All of it waits before the first is read.
        ours.send(b"before", &[]).await.unwrap();
        ours.send(b"with", &[read_end.as_fd(), read_end.as_fd()])
            .await
            .unwrap();
        ours.send(b"after", &[]).await.unwrap();

        for (expected, has_one) in [(&b"before"[..], false), (b"with", true), (b"after", false)] {
            let message = theirs.receive().await.unwrap().unwrap();
            assert_eq!(message.bytes, expected);
            assert_eq!(message.descriptor.is_some(), has_one);
        }
    }

    #[tokio::test]
    async fn a_descriptor_nobody_asked_for_is_dropped_and_its_message_read() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut ours, mut theirs) = (Connection::new(ours, 64), Connection::new(theirs, 64));
        let (read_end, write_end) = io::pipe().unwrap();

        ours.send(b"{}", &[read_end.as_fd()]).await.unwrap();
        drop(read_end);
        let message = theirs.receive().await.unwrap().unwrap();

        assert_eq!(message.bytes, b"{}");
        assert!(message.descriptor.is_none());
        let nobody_reads = (&write_end).write_all(b"1").unwrap_err();
        assert_eq!(nobody_reads.kind(), io::ErrorKind::BrokenPipe);
    }
}
