//! A daemon's side of the socket that sends pictures when it is told to. They
//! are made before, so that nothing but the dashboard is measured.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::ensure;
use cac_common::interface::{Call, LONGEST_REQUEST, Reply, SnapshotReply, method};
use cac_common::time::UtcSeconds;
use tempfile::TempDir;

use super::scene::{self, Scale};

pub(super) struct Desk {
    scale: Scale,
    now: UtcSeconds,
    socket: PathBuf,
    shared: Arc<Mutex<Shared>>,
    _folder: TempDir,
}

/// The picture as it crosses the socket, and who follows it.
struct Shared {
    picture: Vec<u8>,
    followers: Vec<UnixStream>,
}

impl Desk {
    pub(super) fn start(scale: Scale) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let socket = folder.path().join("cacd.sock");
        let now = scene::now();
        let shared = Arc::new(Mutex::new(Shared {
            picture: framed(scale, 0, now)?,
            followers: Vec::new(),
        }));
        let listener = UnixListener::bind(&socket)?;
        let theirs = Arc::clone(&shared);
        // Ends with the program, which has no more than a few desks.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let theirs = Arc::clone(&theirs);
                std::thread::spawn(move || {
                    if let Err(error) = answer(stream, &theirs) {
                        eprintln!("bench: the desk's socket: {error:#}");
                    }
                });
            }
        });
        Ok(Self {
            scale,
            now,
            socket,
            shared,
            _folder: folder,
        })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The message with the desk at its `turn`th change.
    pub(super) fn picture(&self, turn: u8) -> anyhow::Result<Vec<u8>> {
        Ok(framed(self.scale, turn, self.now)?)
    }

    pub(super) fn show(&self, picture: Vec<u8>) -> anyhow::Result<()> {
        let mut shared = lock(&self.shared);
        let Shared {
            picture: shown,
            followers,
        } = &mut *shared;
        *shown = picture;
        // Those who have gone do not follow any more.
        followers.retain_mut(|follower| follower.write_all(shown).is_ok());
        ensure!(!followers.is_empty(), "nobody follows the desk");
        Ok(())
    }
}

fn answer(stream: UnixStream, shared: &Mutex<Shared>) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    loop {
        let mut message = Vec::new();
        reader.read_until(0, &mut message)?;
        if message.pop().is_none() {
            return Ok(());
        }
        ensure!(message.len() <= LONGEST_REQUEST, "a request is too long");
        let call: Call = serde_json::from_slice(&message)?;
        let mut shared = lock(shared);
        writer.write_all(&shared.picture)?;
        if call.method == method::MONITOR {
            shared.followers.push(writer);
            return Ok(());
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn framed(scale: Scale, turn: u8, now: UtcSeconds) -> io::Result<Vec<u8>> {
    let reply = SnapshotReply {
        snapshot: scene::desk(scale, turn, now),
    };
    let mut bytes = serde_json::to_vec(&Reply {
        error: None,
        parameters: serde_json::to_value(reply)?,
        continues: true,
    })?;
    bytes.push(0);
    Ok(bytes)
}
