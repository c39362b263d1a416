//! cacd as a process.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{LIMIT, Places, programs};
use crate::pcscd::SOCKET_VARIABLE;
use crate::system_bus::ADDRESS_VARIABLE;
use crate::wait;

/// Runs what comes after it where it may lock no memory: root could lock what it
/// likes, but for the second half.
pub const UNLOCKED_MEMORY: [&str; 5] = [
    "prlimit",
    "--memlock=0:0",
    "setpriv",
    "--bounding-set=-ipc_lock",
    "--inh-caps=-ipc_lock",
];

/// Where systemd listens (sd_notify(3)).
const NOTIFY_VARIABLE: &str = "NOTIFY_SOCKET";

/// Runs the rest of its arguments where the folder in the first cannot be written to.
const READ_ONLY: &str = r#"
set -e
mount --bind "$0" "$0"
mount -o remount,bind,ro "$0"
exec "$@"
"#;

/// Runs the rest of its arguments where the folder in the first is a disk of
/// its own, empty and as large as the second says.
const SMALL_DISK: &str = r#"
set -e
mount -t tmpfs -o size="$1",mode=700 tmpfs "$0"
shift
exec "$@"
"#;

/// What the daemon finds when it starts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Surroundings {
    Usual,
    StateReadOnly,
    SmallDisk {
        kilobytes: u32,
    },
    NoLockedMemory,
    /// Whoever started it listens to what it tells, as systemd does.
    Listened,
}

/// cacd, until it is dropped.
pub(super) struct Daemon {
    child: Child,
}

impl Daemon {
    /// Returns when it takes connections. Its log lands in the file of this start.
    pub(super) fn start(
        places: &Places,
        pcscd: &Path,
        surroundings: Surroundings,
        start: u32,
    ) -> anyhow::Result<Self> {
        let cacd = programs::built()?.cacd();
        let mut command = match surroundings {
            Surroundings::Usual | Surroundings::Listened => Command::new(cacd),
            Surroundings::StateReadOnly => {
                let mut command = apart(READ_ONLY);
                command.arg(places.state()).arg(cacd);
                command
            }
            Surroundings::SmallDisk { kilobytes } => {
                let mut command = apart(SMALL_DISK);
                command
                    .arg(places.state())
                    .arg(format!("{kilobytes}k"))
                    .arg(cacd);
                command
            }
            Surroundings::NoLockedMemory => {
                let [program, arguments @ ..] = UNLOCKED_MEMORY;
                let mut command = Command::new(program);
                command.args(arguments).arg(cacd);
                command
            }
        };
        // A proxy of whoever runs the tests leads to no portal of theirs.
        for name in ["https_proxy", "HTTPS_PROXY"] {
            command.env_remove(name);
        }
        let log = log_file(places, start);
        command
            .arg("--socket")
            .arg(places.socket())
            .arg("--state")
            .arg(places.state())
            .arg("--config")
            .arg(places.configuration())
            .args(["--log", "terminal"])
            .env(SOCKET_VARIABLE, pcscd)
            .env(ADDRESS_VARIABLE, &places.bus)
            .env("CACD_LOG", "trace")
            .env_remove(NOTIFY_VARIABLE)
            .env_remove("WATCHDOG_USEC")
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(File::create(&log).context("cannot make a log file")?);
        if let Surroundings::Listened = surroundings {
            command.env(NOTIFY_VARIABLE, places.notify());
        }
        let child = command.spawn().context("cacd cannot be started")?;
        let mut daemon = Self { child };
        daemon
            .wait_until_ready(&places.socket())
            .with_context(|| std::fs::read_to_string(&log).unwrap_or_default())?;
        Ok(daemon)
    }

    fn wait_until_ready(&mut self, socket: &Path) -> anyhow::Result<()> {
        let mut ended = None;
        wait::wait_until("cacd takes connections", LIMIT, || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some() || UnixStream::connect(socket).is_ok()
        })?;
        match ended {
            Some(status) => bail!("cacd has ended with {status}"),
            None => Ok(()),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .context("a process has a number")?;
        kill_process(pid, Signal::TERM)?;
        let mut status: Option<ExitStatus> = None;
        wait::wait_until("cacd has ended", LIMIT, || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        })?;
        let status = status.context("it has ended")?;
        ensure!(status.success(), "cacd has ended with {status}");
        Ok(())
    }
}

/// A script in a mount namespace of its own.
fn apart(script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script]);
    command
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended before, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where the log of the n-th start is.
pub(super) fn log_file(places: &Places, start: u32) -> PathBuf {
    places.root.join(format!("cacd-{start}.log"))
}
