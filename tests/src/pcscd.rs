//! A pcscd of one's own, with virtual readers, that touches nothing of the machine it runs on.
//!
//! It sees a private `/run`, in which its socket, its pid file and its lock
//! are kept; the socket is reached from outside through
//! `PCSCLITE_CSOCK_NAME`. That takes a mount namespace, and so root.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::wait::{self, WaitedInVain};

/// The variable that points a client at another pcscd.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// pcscd 1.9.9 has room for sixteen.
const MOST_READERS: usize = 16;

/// vpcd makes two slots of each reader entry, on a port and the one after it.
const SLOTS_PER_ENTRY: usize = 2;

/// What Debian's own entry for vpcd is called.
const READER: &str = "Virtual PCD";

/// How long pcscd may take to begin or to end.
const LIMIT: Duration = Duration::from_secs(10);

/// Other programs take a free port now and then, between our look and vpcd's.
const ATTEMPTS: usize = 5;

/// What vpcd writes when it cannot listen.
const NO_PORT: &str = "Could not initialize connection to virtual ICC";

/// Below the ports that Linux gives to outgoing connections by itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Runs in the new mount namespace, in the folder of this pcscd. When
/// standard input ends, because the test wants it or because the test is
/// gone, so does pcscd.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/pcscd
mount --no-canonicalize --bind run /run/pcscd
exec 3<&0 </dev/null
{ cat <&3 >/dev/null; kill -KILL $$; } &
exec 3<&-
exec "$0" --foreground --info --config "$PWD/conf"
"#;

/// A private pcscd could not be had.
#[derive(Debug, thiserror::Error)]
pub enum PcscdError {
    /// A program or driver of Debian is missing.
    #[error("{what} is missing: install the Debian package {package}")]
    Missing {
        /// File that was looked for.
        what: &'static str,
        /// Where it comes from.
        package: &'static str,
    },

    /// Mount namespaces are for root.
    #[error("a private pcscd takes a mount namespace: run as root")]
    NotRoot,

    /// More than pcscd has room for, or none.
    #[error("pcscd takes 1 to {MOST_READERS} readers, not {readers}")]
    ReaderCount {
        /// As asked for.
        readers: usize,
    },

    /// No two neighbouring ports are free.
    #[error("no free ports for virtual readers")]
    NoPorts,

    /// Another program listens where a virtual reader should.
    #[error("port of a virtual reader is taken by another program")]
    PortTaken,

    /// pcscd ended when it should have begun.
    #[error("pcscd ended with {status}: {log}")]
    Ended {
        /// As it ended.
        status: ExitStatus,
        /// What it wrote.
        log: String,
    },

    /// It runs, and does not get ready or does not end.
    #[error("pcscd hangs: {log}")]
    Hangs {
        /// What was waited for.
        source: WaitedInVain,
        /// What it wrote.
        log: String,
    },

    /// The file system or the process table refuses.
    #[error("cannot {doing}")]
    Io {
        /// Completes the sentence.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// pcscd in a folder of its own. Dropping it ends it and removes the folder.
pub struct PrivatePcscd {
    folder: TempDir,
    programs: Programs,
    /// Port of each reader.
    ports: Vec<u16>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// Closing it ends pcscd.
    lifeline: Option<ChildStdin>,
}

struct Programs {
    pcscd: PathBuf,
    unshare: PathBuf,
    driver: PathBuf,
}

impl PrivatePcscd {
    /// Starts pcscd with this many empty readers and returns when it is ready.
    pub fn start(readers: usize) -> Result<Self, PcscdError> {
        if !(1..=MOST_READERS).contains(&readers) {
            return Err(PcscdError::ReaderCount { readers });
        }
        let programs = Programs::find()?;
        if !rustix::process::geteuid().is_root() {
            return Err(PcscdError::NotRoot);
        }
        let folder = tempfile::Builder::new()
            .prefix("pcscd-")
            .tempdir()
            .map_err(failed("make a folder"))?;
        for part in ["run", "conf"] {
            fs::create_dir(folder.path().join(part)).map_err(failed("make a folder"))?;
        }
        let mut pcscd = Self {
            folder,
            programs,
            ports: Vec::new(),
            running: None,
        };
        let mut attempts = 1;
        loop {
            pcscd.configure(readers)?;
            match pcscd.start_again() {
                Err(PcscdError::PortTaken) if attempts < ATTEMPTS => attempts += 1,
                outcome => return outcome.map(|()| pcscd),
            }
            pcscd.kill()?;
        }
    }

    /// The socket, for `PCSCLITE_CSOCK_NAME` in the environment of a client.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/pcscd.comm")
    }

    /// Where a card for this reader connects to.
    pub fn port(&self, reader: usize) -> u16 {
        self.ports[reader]
    }

    /// How clients see this reader.
    pub fn reader_name(&self, reader: usize) -> String {
        let (entry, slot) = (reader / SLOTS_PER_ENTRY, reader % SLOTS_PER_ENTRY);
        format!("{} 00 {slot:02X}", entry_name(entry))
    }

    /// What pcscd has written so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Ends pcscd on the spot, as a crash does: socket and pid file stay behind.
    pub fn kill(&mut self) -> Result<(), PcscdError> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.end().map_err(|source| PcscdError::Hangs {
            source,
            log: self.log(),
        })
    }

    /// Starts pcscd after `kill`, with the same readers at the same ports.
    pub fn start_again(&mut self) -> Result<(), PcscdError> {
        self.kill()?;
        let log = File::create(self.log_file()).map_err(failed("make a log file"))?;
        let errors = log.try_clone().map_err(failed("make a log file"))?;
        let mut child = Command::new(&self.programs.unshare)
            .args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT])
            .arg(&self.programs.pcscd)
            .current_dir(self.folder.path())
            // What a terminal sends to our group when it is closed would end
            // the one that watches standard input, and not pcscd.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(failed("start unshare"))?;
        let lifeline = child.stdin.take();
        self.running = Some(Running { child, lifeline });

        let begun = wait::wait_for("pcscd is ready", LIMIT, || self.look_at_start());
        begun.unwrap_or_else(|source| {
            Err(PcscdError::Hangs {
                source,
                log: self.log(),
            })
        })
    }

    /// How the start ended; `None` while it goes on.
    fn look_at_start(&mut self) -> Option<Result<(), PcscdError>> {
        let log = self.log();
        if log.contains(NO_PORT) {
            return Some(Err(PcscdError::PortTaken));
        }
        let child = &mut self.running.as_mut()?.child;
        if let Ok(Some(status)) = child.try_wait() {
            return Some(Err(PcscdError::Ended { status, log }));
        }
        let is_ready = UnixStream::connect(self.socket()).is_ok()
            && self.ports.iter().all(|port| listens(*port));
        is_ready.then_some(Ok(()))
    }

    /// Writes one reader entry for each two readers, at ports that are free now.
    fn configure(&mut self, readers: usize) -> Result<(), PcscdError> {
        let ports = free_ports(readers.div_ceil(SLOTS_PER_ENTRY)).ok_or(PcscdError::NoPorts)?;
        let folder = self.folder.path();
        for (entry, port) in ports.iter().enumerate() {
            // The driver keeps its slots in static memory: an entry takes a copy of its own.
            let driver = folder.join(format!("vpcd-{entry}.so"));
            fs::copy(&self.programs.driver, &driver).map_err(failed("copy the reader driver"))?;
            let text = format!(
                "FRIENDLYNAME \"{}\"\nDEVICENAME /dev/null:0x{port:04X}\nLIBPATH {}\nCHANNELID 0x{port:04X}\n",
                entry_name(entry),
                driver.display(),
            );
            fs::write(folder.join(format!("conf/{entry:02}")), text)
                .map_err(failed("write a reader entry"))?;
        }
        self.ports = ports.iter().flat_map(|port| [*port, *port + 1]).collect();
        Ok(())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for PrivatePcscd {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            // There is nobody left to tell; the lifeline is cut in any case.
            running.end().ok();
        }
    }
}

impl Running {
    fn end(&mut self) -> Result<(), WaitedInVain> {
        drop(self.lifeline.take());
        let ended = wait::wait_until("pcscd has ended", LIMIT, || {
            !matches!(self.child.try_wait(), Ok(None))
        });
        if ended.is_err() {
            self.child.kill().ok();
        }
        ended
    }
}

impl Programs {
    fn find() -> Result<Self, PcscdError> {
        let look = |what, package, places: &[&str]| {
            places
                .iter()
                .map(PathBuf::from)
                .find(|path| path.exists())
                .ok_or(PcscdError::Missing { what, package })
        };
        Ok(Self {
            pcscd: look("pcscd", "pcscd", &["/usr/sbin/pcscd", "/sbin/pcscd"])?,
            unshare: look(
                "unshare",
                "util-linux",
                &["/usr/bin/unshare", "/bin/unshare"],
            )?,
            driver: look(
                "libifdvpcd.so",
                "vsmartcard-vpcd",
                &[
                    "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
                    "/usr/lib/x86_64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so",
                    "/usr/lib/aarch64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so",
                ],
            )?,
        })
    }
}

/// pcscd tells readers of one driver apart by number; each copy of ours is a driver to it.
fn entry_name(entry: usize) -> String {
    match entry {
        0 => READER.to_owned(),
        _ => format!("{READER} {}", entry + 1),
    }
}

/// The first of two free neighbours, as many times as asked for.
fn free_ports(pairs: usize) -> Option<Vec<u16>> {
    let is_free = |port| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
    let mut found = Vec::new();
    for _ in 0..1000 {
        if found.len() == pairs {
            break;
        }
        let port = rand::random_range(PORTS) & !1;
        if !found.contains(&port) && is_free(port) && is_free(port + 1) {
            found.push(port);
        }
    }
    (found.len() == pairs).then_some(found)
}

/// Asks the kernel's table: to connect would be to put in a card.
fn listens(port: u16) -> bool {
    const LISTEN: &str = "0A";
    let has_port = |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = fields.next().and_then(|address| address.rsplit_once(':'));
        let state = fields.nth(1);
        state == Some(LISTEN)
            && local.is_some_and(|(_, hex)| u16::from_str_radix(hex, 16) == Ok(port))
    };
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(Path::new(table)).ok())
        .any(|table| table.lines().any(has_port))
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> PcscdError {
    move |source| PcscdError::Io { doing, source }
}
