//! Takes a PIN, or another secret, out of the pipe it travels in, straight into locked memory.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use cac_common::interface::{Refusal, SubmitPin};
use cac_common::locked::Locked;
use cac_common::pin::{LONGEST, LONGEST_PAIR, NewPin, Pin, PinFor};
use cac_common::wire::Descriptor;
use rustix::fs::{FileType, fstat};
use serde_json::Value;
use tokio::net::unix::pipe::Receiver;

use super::{Answered, Server, parameters};
use crate::event::{Event, Peer, PinChangeEvent};
use crate::unlocked;

/// The PIN is in the pipe before the call is sent; more time than this is not needed.
const LIMIT: Duration = Duration::from_secs(5);

/// What was in a pipe, in locked memory.
pub(super) struct Taken {
    pub(super) bytes: Locked,
    pub(super) length: usize,
}

impl Taken {
    pub(super) fn typed_for(self, typed_for: PinFor) -> Result<Pin, Refusal> {
        Pin::new(self.bytes, self.length, typed_for).map_err(|_| Refusal::MalformedPin)
    }
}

/// Reads the PIN that came with a call.
pub(super) async fn read(
    asked: SubmitPin,
    descriptor: Option<Descriptor>,
    uid: u32,
) -> Result<Pin, Refusal> {
    take(descriptor, LONGEST)
        .await?
        .typed_for(typed_for(asked, uid))
}

impl Server {
    pub(super) async fn change_pin(
        &self,
        asked: Value,
        descriptor: Option<Descriptor>,
        peer: Peer,
    ) -> Result<Answered, Refusal> {
        self.sight(peer)?;
        let asked: SubmitPin = parameters(asked)?;
        let (pin, new) = read_both(asked, descriptor, peer.uid).await?;
        let asked = move |request| PinChangeEvent::Asked { request, pin, new };
        self.ask(peer, move |request| Event::PinChange(asked(request)))
            .await
    }
}

/// Reads the PIN that came with a call, and after a line feed the one that is to
/// replace it.
async fn read_both(
    asked: SubmitPin,
    descriptor: Option<Descriptor>,
    uid: u32,
) -> Result<(Pin, NewPin), Refusal> {
    let Taken { bytes, length } = take(descriptor, LONGEST_PAIR).await?;
    let both = &bytes.bytes()[..length];
    let feed = both.iter().position(|byte| *byte == b'\n');
    let feed = feed.ok_or(Refusal::MalformedPin)?;
    let new = locked_copy(&both[feed + 1..])?;
    let old = Taken {
        bytes: locked_copy(&both[..feed])?,
        length: feed,
    };
    let new = NewPin::new(new, length - feed - 1).map_err(|_| Refusal::MalformedPin)?;
    Ok((old.typed_for(typed_for(asked, uid))?, new))
}

fn page() -> Result<Locked, Refusal> {
    unlocked::page().map_err(|_| Refusal::NoLockedMemory)
}

fn locked_copy(secret: &[u8]) -> Result<Locked, Refusal> {
    let mut copy = page()?;
    copy.bytes_mut()[..secret.len()].copy_from_slice(secret);
    Ok(copy)
}

fn typed_for(asked: SubmitPin, uid: u32) -> PinFor {
    PinFor {
        uid,
        card: asked.card,
        visit: asked.visit,
        even_the_last_try: asked.even_the_last_try,
        by_login: false,
    }
}

/// Reads what came through a pipe with a call, up to its end or `longest` bytes.
pub(super) async fn take(descriptor: Option<Descriptor>, longest: usize) -> Result<Taken, Refusal> {
    let descriptor = descriptor.ok_or(Refusal::NoPin)?;
    let pipe = pipe_in_time(descriptor).await.ok_or(Refusal::NoPin)?;
    // Refuses the end that is written to.
    let pipe = Receiver::from_owned_fd(pipe).map_err(|_| Refusal::NoPin)?;
    let mut bytes = page()?;
    let length = tokio::time::timeout(LIMIT, fill(&pipe, &mut bytes.bytes_mut()[..longest]))
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or(Refusal::NoPin)?;
    if length == 0 {
        return Err(Refusal::NoPin);
    }
    Ok(Taken { bytes, length })
}

/// What came with a call, if it is a pipe and says so in time.
pub(super) async fn pipe_in_time(descriptor: Descriptor) -> Option<OwnedFd> {
    let found = tokio::time::timeout(LIMIT, pipe(descriptor)).await;
    found.ok().flatten()
}

/// Takes a pipe and nothing else. What a peer passes may be slow to say what
/// it is, as it may be slow to close.
async fn pipe(descriptor: Descriptor) -> Option<OwnedFd> {
    tokio::task::spawn_blocking(move || {
        let found = fstat(&descriptor).ok()?;
        let is_pipe = FileType::from_raw_mode(found.st_mode) == FileType::Fifo;
        is_pipe.then(|| descriptor.into_inner())
    })
    .await
    .ok()
    .flatten()
}

/// Reads up to the end of the pipe, or of the room.
async fn fill(pipe: &Receiver, room: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < room.len() {
        pipe.readable().await?;
        match pipe.try_read(&mut room[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
