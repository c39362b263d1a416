//! The daemon's socket, as callers of every kind use it.

use std::io::{self, PipeReader, Write as _};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cac_common::client::{Client, ClientError};
use cac_common::interface::{Call, LONGEST_REPLY, Refusal, Reply, SubmitPin};
use cac_common::locked::Locked;
use cac_common::snapshot::Snapshot;
use cac_common::wire::Connection;
use rustix::process::{Gid, Uid};
use serde::Serialize;
use tokio::net::UnixStream;

use super::LIMIT;
use crate::wait::WaitedInVain;

/// A conversation that keeps every byte that crossed the socket, both ways.
pub struct Recorded {
    connection: Connection,
    crossed: Vec<u8>,
}

impl Recorded {
    pub async fn connect(socket: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            connection: Connection::new(UnixStream::connect(socket).await?, LONGEST_REPLY),
            crossed: Vec::new(),
        })
    }

    /// Sends a call as it stands, with what is passed along, and takes the answer.
    pub async fn call(
        &mut self,
        message: &str,
        descriptors: &[BorrowedFd<'_>],
    ) -> anyhow::Result<Reply> {
        self.crossed.extend_from_slice(message.as_bytes());
        self.connection
            .send(message.as_bytes(), descriptors)
            .await?;
        self.next().await
    }

    /// The next message.
    pub async fn next(&mut self) -> anyhow::Result<Reply> {
        let message = tokio::time::timeout(LIMIT, self.connection.receive())
            .await
            .context("no answer came")??
            .context("the daemon closed the connection")?;
        self.crossed.extend_from_slice(&message.bytes);
        Ok(serde_json::from_slice(&message.bytes)?)
    }

    /// All that crossed.
    pub fn crossed(&self) -> &[u8] {
        &self.crossed
    }
}

/// A call as it stands on the wire.
pub fn message(method: &str, parameters: impl Serialize) -> anyhow::Result<String> {
    let call = Call {
        method: method.to_owned(),
        parameters: serde_json::to_value(parameters)?,
        more: false,
        oneway: false,
    };
    Ok(serde_json::to_string(&call)?)
}

/// A pipe that holds this and then ends.
pub fn pipe_with(text: &str) -> io::Result<PipeReader> {
    let (read_end, mut write_end) = io::pipe()?;
    write_end.write_all(text.as_bytes())?;
    Ok(read_end)
}

/// What the daemon refused, if it did.
pub fn refusal<T>(result: Result<T, ClientError>) -> anyhow::Result<Refusal> {
    match result {
        Ok(_) => Err(anyhow!("it was not refused")),
        Err(ClientError::Refused(refusal)) => Ok(refusal),
        Err(error) => Err(error.into()),
    }
}

/// Does something as another user: on a thread of its own, whose credentials
/// are what the kernel shows to the other end of a socket.
pub fn as_user<T: Send>(
    uid: u32,
    gid: u32,
    act: impl AsyncFnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::thread::set_thread_groups(&[])?;
            rustix::thread::set_thread_res_gid(gid, gid, gid)?;
            rustix::thread::set_thread_res_uid(uid, uid, uid)?;
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?
                .block_on(act())
        });
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

pub(crate) async fn wait_for(
    socket: &Path,
    limit: Duration,
    what: &str,
    mut condition: impl FnMut(&Snapshot) -> bool,
) -> anyhow::Result<Snapshot> {
    let mut last = None;
    let waited = tokio::time::timeout(limit, async {
        let mut monitor = Client::connect(socket).await?.monitor().await?;
        loop {
            let snapshot = monitor.next().await?;
            if condition(&snapshot) {
                return Ok::<_, ClientError>(snapshot);
            }
            last = Some(snapshot);
        }
    })
    .await;
    match waited {
        Ok(result) => Ok(result?),
        Err(_) => Err(WaitedInVain {
            what: what.to_owned(),
            limit,
        })
        .with_context(|| format!("{last:#?}")),
    }
}

pub(crate) async fn submit(
    socket: &Path,
    request: SubmitPin,
    pin: &str,
) -> Result<(), ClientError> {
    let mut client = Client::connect(socket).await?;
    let mut digits = Locked::new().map_err(ClientError::Pipe)?;
    digits.bytes_mut()[..pin.len()].copy_from_slice(pin.as_bytes());
    client.submit_pin(request, digits, pin.len()).await
}
