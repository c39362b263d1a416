//! A system bus of one's own, with a logind on it that does what it is told:
//! Debian's dbus-daemon, and the logind of python3-dbusmock.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::wait;

/// The variable that points a client at another system bus.
pub const ADDRESS_VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";

const LIMIT: Duration = Duration::from_secs(30);

const LOGIND: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";
const MOCK: &str = "org.freedesktop.DBus.Mock";
const MANAGER_PATH: &str = "/org/freedesktop/login1";

/// When standard input ends, because the test wants it or because the test is
/// gone, so does the program.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
{ cat <&3 >/dev/null; kill -KILL $$; } &
exec 3<&-
exec "$0" "$@"
"#;

/// Everybody may say everything.
pub(crate) const OPEN: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true"/>
    <allow receive_type="method_call"/>
    <allow receive_type="signal"/>
    <allow receive_requested_reply="true"/>
  </policy>
"#;

/// A bus and a logind, until they are dropped.
pub struct SystemBus {
    // The order is that of the end.
    logind: Option<Running>,
    bus: Option<Running>,
    folder: TempDir,
}

/// A program that ends with this.
pub(crate) struct Running {
    child: Child,
    /// Closing it ends the program.
    lifeline: Option<ChildStdin>,
}

impl SystemBus {
    /// Returns when logind answers; it knows no session.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bus-").tempdir()?;
        let socket = folder.path().join("socket");
        let listen = format!("  <listen>unix:path={}</listen>\n", socket.display());
        fs::write(
            folder.path().join("bus.conf"),
            format!("{OPEN}{listen}</busconfig>\n"),
        )?;
        let mut bus = Self {
            logind: None,
            bus: None,
            folder,
        };
        bus.start_again()?;
        Ok(bus)
    }

    /// The same after an end, at the same place.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let configuration = self.folder.path().join("bus.conf");
        let configuration = configuration.to_str().context("a plain path")?;
        let arguments = ["--nofork", "--config-file", configuration];
        self.bus = Some(self.run("/usr/bin/dbus-daemon", "dbus", &arguments)?);
        let socket = self.folder.path().join("socket");
        wait::wait_until("the bus listens", LIMIT, || socket.exists())?;
        let arguments = ["-m", "dbusmock", "--system", "--template", "logind"];
        self.logind = Some(self.run("/usr/bin/python3", "python3-dbusmock", &arguments)?);
        let answers = || {
            self.call(MANAGER_PATH, MANAGER, "ListSessions", &[])
                .is_ok()
        };
        wait::wait_until("logind answers", LIMIT, answers).with_context(|| self.log())?;
        Ok(())
    }

    /// Ends all of it on the spot.
    pub fn kill(&mut self) {
        self.logind = None;
        self.bus = None;
    }

    /// As [`ADDRESS_VARIABLE`] has it.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("socket").display())
    }

    /// How many have asked that a sleep waits for them.
    pub fn inhibitors(&self) -> anyhow::Result<usize> {
        let list = self.call(MANAGER_PATH, MANAGER, "ListInhibitors", &[])?;
        let count = list.split_ascii_whitespace().nth(1);
        Ok(count.context("a list has a length")?.parse()?)
    }

    /// Waits until cacd has looked at every session, and asked sleep to wait.
    pub fn wait_until_followed(&self) -> anyhow::Result<()> {
        Ok(wait::wait_until("logind is followed", LIMIT, || {
            self.inhibitors().is_ok_and(|count| count == 1)
        })?)
    }

    /// A session at the seat, that nobody is told of.
    pub fn add_session(&self, id: &str, uid: u32, name: &str) -> anyhow::Result<()> {
        let uid = uid.to_string();
        let arguments = ["ssusb", id, "seat0", &uid, name, "true"];
        self.call(MANAGER_PATH, MOCK, "AddSession", &arguments)?;
        Ok(())
    }

    /// A session begins.
    pub fn begin_session(&self, id: &str, uid: u32, name: &str) -> anyhow::Result<()> {
        self.add_session(id, uid, name)?;
        self.tell(
            MANAGER_PATH,
            MANAGER,
            &["SessionNew", "so", "2", "s", id, "o", &path(id)],
        )
    }

    /// A session ends.
    pub fn end_session(&self, id: &str) -> anyhow::Result<()> {
        self.call(MANAGER_PATH, MOCK, "RemoveObject", &["s", &path(id)])?;
        let removed = ["SessionRemoved", "so", "2", "s", id, "o", &path(id)];
        self.tell(MANAGER_PATH, MANAGER, &removed)
    }

    /// `loginctl lock-session`, to a desktop that does not say whether it is locked.
    pub fn lock(&self, id: &str) -> anyhow::Result<()> {
        self.call(&path(id), SESSION, "Lock", &[]).map(|_| ())
    }

    pub fn unlock(&self, id: &str) -> anyhow::Result<()> {
        self.call(&path(id), SESSION, "Unlock", &[]).map(|_| ())
    }

    /// A desktop has locked itself, or unlocked.
    pub fn set_locked(&self, id: &str, is_locked: bool) -> anyhow::Result<()> {
        let arguments = ["b", &is_locked.to_string()];
        self.call(&path(id), SESSION, "SetLockedHint", &arguments)?;
        Ok(())
    }

    /// Another session comes to the front of the seat.
    pub fn leave_seat(&self, id: &str) -> anyhow::Result<()> {
        self.set_active(id, false)
    }

    /// This one does.
    pub fn come_to_front(&self, id: &str) -> anyhow::Result<()> {
        self.set_active(id, true)
    }

    fn set_active(&self, id: &str, is_active: bool) -> anyhow::Result<()> {
        let is_active = is_active.to_string();
        let arguments = ["sa{sv}", SESSION, "1", "Active", "b", &is_active];
        self.call(&path(id), MOCK, "UpdateProperties", &arguments)?;
        Ok(())
    }

    /// The machine goes to sleep, or wakes.
    pub fn sleep(&self, begins: bool) -> anyhow::Result<()> {
        let begins = begins.to_string();
        self.tell(
            MANAGER_PATH,
            MANAGER,
            &["PrepareForSleep", "b", "1", "b", &begins],
        )
    }

    /// Has logind send a signal.
    fn tell(&self, path: &str, interface: &str, signal: &[&str]) -> anyhow::Result<()> {
        let arguments = [&["sssav", interface], signal].concat();
        self.call(path, MOCK, "EmitSignal", &arguments).map(|_| ())
    }

    fn call(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &[&str],
    ) -> anyhow::Result<String> {
        let output = Command::new("busctl")
            .arg(format!("--address={}", self.address()))
            .args(["call", LOGIND, path, interface, method])
            .args(arguments)
            .output()
            .context("busctl cannot be started: install the Debian package systemd")?;
        if !output.status.success() {
            bail!("{method}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn run(&self, program: &str, package: &str, arguments: &[&str]) -> anyhow::Result<Running> {
        let bus = (ADDRESS_VARIABLE, self.address());
        Running::start((program, package), arguments, bus, &self.log_file())
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }
}

impl Running {
    /// A program of a Debian package, which is told where the bus is.
    pub(crate) fn start(
        (program, package): (&str, &str),
        arguments: &[&str],
        (variable, address): (&str, String),
        log: &Path,
    ) -> anyhow::Result<Self> {
        ensure!(
            Path::new(program).exists(),
            "{program} is missing: install the Debian package {package}"
        );
        let log = File::options().append(true).create(true).open(log)?;
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, program])
            .args(arguments)
            .env(variable, address)
            // What a terminal sends to our group would end the one that
            // watches standard input, and not the program.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{program} cannot be started"))?;
        let lifeline = child.stdin.take();
        Ok(Self { child, lifeline })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // It is killed by the one that watches its standard input.
        self.child.wait().ok();
    }
}

fn path(id: &str) -> String {
    format!("{MANAGER_PATH}/session/{id}")
}
