//! The dashboard in a pseudoterminal, of which only the time and the bytes of
//! what is drawn are looked at.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use cac_common::paths::SOCKET_VARIABLE;
use cac_tests::clock;
use cac_tests::harness::{LIMIT, cacctl};
use cac_tests::pseudoterminal::Pseudoterminal;
use cac_tests::terminal::Size;
use tempfile::TempDir;

pub(super) const SIZE: Size = Size {
    columns: 200,
    rows: 60,
};

/// Nothing more comes of a frame after this.
const QUIET: Duration = Duration::from_millis(100);

/// Ended when dropped.
pub(super) struct Window {
    child: Child,
    keyboard: File,
    drawn: Receiver<Drawn>,
    /// What came and was not asked for yet.
    last: Option<Drawn>,
    _home: TempDir,
}

/// What came, and when the last of it did.
pub(super) struct Drawn {
    pub(super) bytes: Vec<u8>,
    pub(super) at: Instant,
}

impl Window {
    pub(super) fn open(socket: &Path) -> anyhow::Result<Self> {
        let program = cacctl()?;
        let home = tempfile::tempdir()?;
        let Pseudoterminal { mut ours, theirs } = Pseudoterminal::open(SIZE)?;
        // It leads no group of its own yet, so setsid becomes it without a fork.
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(program)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm-256color")
            .env("HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env(SOCKET_VARIABLE, socket)
            .stdin(theirs.try_clone()?)
            .stdout(theirs.try_clone()?)
            .stderr(theirs)
            .spawn()
            .context("setsid cannot be started")?;
        let (tell, drawn) = channel();
        let keyboard = ours.try_clone()?;
        std::thread::spawn(move || {
            let mut chunk = vec![0; 64 * 1024];
            // It fails when the dashboard has gone.
            while let Ok(count @ 1..) = ours.read(&mut chunk) {
                let drawn = Drawn {
                    bytes: chunk[..count].to_vec(),
                    at: clock::instant(),
                };
                if tell.send(drawn).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            keyboard,
            drawn,
            last: None,
            _home: home,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types keys, as a terminal sends them.
    pub(super) fn press(&mut self, keys: &str) -> anyhow::Result<()> {
        Ok(self.keyboard.write_all(keys.as_bytes())?)
    }

    /// Waits until this text has been drawn; what came until then is for [`Self::settles`].
    pub(super) fn shows(&mut self, text: &str) -> anyhow::Result<()> {
        let mut came = Vec::new();
        loop {
            let drawn = self.drawn.recv_timeout(LIMIT);
            let drawn = drawn.with_context(|| format!("the dashboard does not show {text}"))?;
            came.extend_from_slice(&drawn.bytes);
            let at = drawn.at;
            let is_there = came.windows(text.len()).any(|part| part == text.as_bytes());
            if is_there {
                self.last = Some(Drawn { bytes: came, at });
                return Ok(());
            }
        }
    }

    /// Waits until nothing more comes, and gives what came.
    pub(super) fn settles(&mut self) -> anyhow::Result<Drawn> {
        let mut all = match self.last.take() {
            Some(last) => last,
            None => self.drawn.recv_timeout(LIMIT).context("nothing is drawn")?,
        };
        loop {
            match self.drawn.recv_timeout(QUIET) {
                Ok(more) => {
                    all.bytes.extend_from_slice(&more.bytes);
                    all.at = more.at;
                }
                Err(RecvTimeoutError::Timeout) => return Ok(all),
                Err(RecvTimeoutError::Disconnected) => bail!("the dashboard has ended"),
            }
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
