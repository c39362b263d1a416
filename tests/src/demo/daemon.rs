//! The daemon of the demo: the real program, or its library where the reader
//! is inside this process.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cac_common::paths::Paths;
use cacd::{Parts, RunError};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::oneshot;

use super::inside::InsideReader;
use super::reader::Reader;
use crate::pcscd::{PrivatePcscd, SOCKET_VARIABLE};
use crate::wait;

/// How long it may take to end.
const LIMIT: Duration = Duration::from_secs(5);

/// Stopped, and waited for, when dropped.
pub(super) enum Daemon {
    Program(Child),
    Inside {
        shutdown: Option<oneshot::Sender<()>>,
        thread: Option<JoinHandle<anyhow::Result<()>>>,
    },
}

impl Daemon {
    /// `log` gets what the program logs; inside this process the log goes
    /// where the rest of ours goes.
    pub(super) fn start(
        reader: &Reader,
        cacd: &Path,
        paths: Paths,
        log: &Path,
    ) -> anyhow::Result<Self> {
        match reader {
            Reader::OfPcscd { pcscd, .. } => program(pcscd, cacd, &paths, log),
            Reader::Inside(reader) => inside(Arc::clone(reader), paths),
        }
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Program(_) => "cacd, with a socket and a database of its own",
            Self::Inside { .. } => "cacd's own code, inside this program",
        }
    }

    /// Why it ended, if it did.
    pub(super) fn has_ended(&mut self) -> Option<anyhow::Error> {
        match self {
            Self::Program(child) => match child.try_wait() {
                Ok(None) => None,
                Ok(Some(status)) => Some(anyhow!("cacd ended with {status}")),
                Err(error) => Some(error.into()),
            },
            Self::Inside { thread, .. } => {
                let ended = thread.take_if(|thread| thread.is_finished())?;
                Some(match ended.join() {
                    Ok(Ok(())) => anyhow!("the daemon ended"),
                    Ok(Err(error)) => error,
                    Err(_) => anyhow!("the daemon panicked"),
                })
            }
        }
    }
}

fn program(pcscd: &PrivatePcscd, cacd: &Path, paths: &Paths, log: &Path) -> anyhow::Result<Daemon> {
    let child = Command::new(cacd)
        .arg("--socket")
        .arg(&paths.socket)
        .arg("--state")
        .arg(&paths.state)
        .arg("--config")
        .arg(&paths.configuration)
        .args(["--log", "terminal"])
        .env(SOCKET_VARIABLE, pcscd.socket())
        // Ctrl-C is for the demo, which stops its parts in order.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(log)?)
        .spawn()
        .with_context(|| format!("cannot start {}", cacd.display()))?;
    Ok(Daemon::Program(child))
}

fn inside(reader: Arc<InsideReader>, paths: Paths) -> anyhow::Result<Daemon> {
    if let Some(folder) = paths.socket.parent() {
        fs::create_dir_all(folder)?;
    }
    let (shutdown, is_over) = oneshot::channel::<()>();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let thread = thread::Builder::new()
        .name("daemon".to_owned())
        .spawn(move || {
            let parts = Parts::new(paths, reader);
            let outcome: Result<(), RunError> = runtime.block_on(cacd::run(parts, async {
                // A sender that is gone asks for the end too.
                is_over.await.ok();
            }));
            // A sign-in that still waits for its portal is not waited for.
            runtime.shutdown_background();
            Ok(outcome?)
        })?;
    Ok(Daemon::Inside {
        shutdown: Some(shutdown),
        thread: Some(thread),
    })
}

impl Drop for Daemon {
    fn drop(&mut self) {
        match self {
            Self::Program(child) => {
                if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                    // It may have ended by itself.
                    kill_process(pid, Signal::TERM).ok();
                }
                let has_ended = || !matches!(child.try_wait(), Ok(None));
                if wait::wait_until("cacd has ended", LIMIT, has_ended).is_err() {
                    child.kill().ok();
                    child.wait().ok();
                }
            }
            Self::Inside { shutdown, thread } => {
                drop(shutdown.take());
                if let Some(thread) = thread.take() {
                    // What it had to say has been logged.
                    thread.join().ok();
                }
            }
        }
    }
}
