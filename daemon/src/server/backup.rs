//! Writes a backup into a pipe that came with the call.
//!
//! The daemon opens no file for anyone: whoever asks holds the other end, and
//! keeps what comes out of it wherever they may.

use std::io::{self, Read as _};
use std::time::Duration;

use cac_common::error_chain::Chain;
use cac_common::interface::{BackupReply, Refusal};
use cac_common::wire::Descriptor;
use tokio::net::unix::pipe::Sender;

use super::{Answered, Server, pin};
use crate::event::{Event, Peer};
use crate::store::Backup;

/// Whoever takes nothing for so long has gone.
const STALL: Duration = Duration::from_secs(30);

/// How long all of it may take.
const LIMIT: Duration = Duration::from_mins(10);

/// What is read from the disk at one go.
const CHUNK: usize = 256 * 1024;

impl Server {
    /// Copies what is kept, looks the copy through, and hands it over.
    pub(super) async fn backup(
        &self,
        descriptor: Option<Descriptor>,
        by: Peer,
    ) -> Result<Answered, Refusal> {
        let descriptor = descriptor.ok_or(Refusal::NoPipe)?;
        let pipe = pin::pipe_in_time(descriptor).await.ok_or(Refusal::NoPipe)?;
        // Refuses the end that is read from.
        let pipe = Sender::from_owned_fd(pipe).map_err(|_| Refusal::NoPipe)?;
        let failed = |reason| Refusal::StoreFailed { reason };
        let store = self.store.borrow().clone().map_err(failed)?;
        let backup = store
            .backup()
            .await
            .map_err(|error| failed(Chain(&error).to_string()))?;
        // Written down before the first byte is out.
        let uid = by.uid;
        self.ask(by, move |request| Event::BackedUp { request, uid })
            .await?;
        let bytes = backup.length;
        tokio::time::timeout(LIMIT, hand_over(backup, &pipe))
            .await
            .map_err(|_| Refusal::NotTaken)?
            .map_err(|error| {
                tracing::info!(%error, "backup was not taken");
                Refusal::NotTaken
            })?;
        Ok(Answered::of(&BackupReply { bytes }))
    }
}

async fn hand_over(mut backup: Backup, pipe: &Sender) -> io::Result<()> {
    loop {
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK];
            let length = backup.read(&mut chunk)?;
            chunk.truncate(length);
            Ok::<_, io::Error>((backup, chunk))
        });
        let (rest, chunk) = read.await.map_err(io::Error::other)??;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut left = &chunk[..];
        while !left.is_empty() {
            tokio::time::timeout(STALL, pipe.writable())
                .await
                .map_err(|_| io::ErrorKind::TimedOut)??;
            match pipe.try_write(left) {
                Ok(written) => left = left.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        backup = rest;
    }
}
