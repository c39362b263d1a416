//! A session bus of one's own, with a notification server that comes, goes and
//! hangs as it is told: Debian's dbus-daemon, and python3-dbusmock.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::system_bus::{OPEN, Running};
use crate::wait;

/// The variable that points a client at another session bus.
pub const ADDRESS_VARIABLE: &str = "DBUS_SESSION_BUS_ADDRESS";

const LIMIT: Duration = Duration::from_secs(30);

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const MOCK: &str = "org.freedesktop.DBus.Mock";

/// A bus, and who shows notifications on it, until they are dropped.
pub struct SessionBus {
    // The order is that of the end.
    server: Option<Running>,
    bus: Option<Running>,
    folder: TempDir,
}

/// A notification, as the server was asked to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notified {
    /// The server's number.
    pub id: u64,
    pub replaces: u64,
    pub summary: String,
    pub body: String,
    /// Names of actions, each followed by what people read.
    pub actions: Vec<String>,
    /// Whether it stays until it is closed.
    pub stays: bool,
}

impl SessionBus {
    /// Nothing runs yet.
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("session-").tempdir()?;
        let listen = format!(
            "  <listen>unix:path={}/socket</listen>\n",
            folder.path().display()
        );
        let open = OPEN.replace("<type>system</type>", "<type>session</type>");
        fs::write(
            folder.path().join("bus.conf"),
            format!("{open}{listen}</busconfig>\n"),
        )?;
        Ok(Self {
            server: None,
            bus: None,
            folder,
        })
    }

    /// A bus, and a server that can do this.
    pub fn with_server(capabilities: &str) -> anyhow::Result<Self> {
        let mut bus = Self::new()?;
        bus.start()?;
        bus.start_server(capabilities)?;
        Ok(bus)
    }

    /// As [`ADDRESS_VARIABLE`] has it.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket().display())
    }

    pub fn start(&mut self) -> anyhow::Result<()> {
        let configuration = self.folder.path().join("bus.conf");
        let configuration = configuration.to_str().context("a plain path")?;
        let arguments = ["--nofork", "--config-file", configuration];
        self.bus = Some(self.run(("/usr/bin/dbus-daemon", "dbus"), &arguments)?);
        wait::wait_until("the bus listens", LIMIT, || self.socket().exists())?;
        Ok(())
    }

    /// It has shown nothing yet.
    pub fn start_server(&mut self, capabilities: &str) -> anyhow::Result<()> {
        let parameters = serde_json::json!({ "capabilities": capabilities }).to_string();
        let template = [
            "-m",
            "dbusmock",
            "--session",
            "--template",
            "notification_daemon",
        ];
        let arguments = [&template[..], &["--parameters", &parameters]].concat();
        self.server = Some(self.run(("/usr/bin/python3", "python3-dbusmock"), &arguments)?);
        let answers = || self.call(SERVICE, "GetServerInformation", &[]).is_ok();
        wait::wait_until("the server answers", LIMIT, answers).with_context(|| self.log())?;
        Ok(())
    }

    pub fn end_server(&mut self) {
        self.server = None;
    }

    /// The server answers nobody any more, or goes on where it was.
    pub fn hang_server(&self, hangs: bool) -> anyhow::Result<()> {
        let server = self.server.as_ref().context("a server runs")?;
        let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
        let signal = if hangs { Signal::STOP } else { Signal::CONT };
        Ok(kill_process(
            pid.context("a process has a number")?,
            signal,
        )?)
    }

    /// All that the server was asked to show, in order.
    pub fn notifications(&self) -> anyhow::Result<Vec<Notified>> {
        let mut next = 1;
        let calls = self.calls("Notify")?;
        let notified = calls.iter().map(|arguments| {
            let replaces = number(&arguments[1])?;
            let id = if replaces == 0 { next } else { replaces };
            next = next.max(id + 1);
            let actions = arguments[5].as_array().context("actions are a list")?;
            Ok(Notified {
                id,
                replaces,
                summary: text(&arguments[3])?,
                body: text(&arguments[4])?,
                actions: actions.iter().map(text).collect::<anyhow::Result<_>>()?,
                stays: arguments[7].as_i64() == Some(0),
            })
        });
        notified.collect()
    }

    /// The first that begins so, once it is there.
    pub fn wait_for(&self, summary: &str) -> anyhow::Result<Notified> {
        let found = wait::wait_for(&format!("{summary:?} is told"), LIMIT, || {
            let all = self.notifications().ok()?;
            all.into_iter().find(|one| one.summary.starts_with(summary))
        });
        found.with_context(|| format!("{:?}", self.notifications()))
    }

    /// Which ones the server was asked to close, in order.
    pub fn closed(&self) -> anyhow::Result<Vec<u64>> {
        let calls = self.calls("CloseNotification")?;
        calls
            .iter()
            .map(|arguments| number(&arguments[0]))
            .collect()
    }

    pub fn wait_until_closed(&self, id: u64) -> anyhow::Result<()> {
        Ok(wait::wait_until("it is closed", LIMIT, || {
            self.closed().is_ok_and(|closed| closed.contains(&id))
        })?)
    }

    /// Somebody clicks.
    pub fn invoke(&self, id: u64, action: &str) -> anyhow::Result<()> {
        let arguments = ["us", "2", "u", &id.to_string(), "s", action];
        self.tell("ActionInvoked", &arguments)
    }

    /// Somebody has closed it.
    pub fn dismiss(&self, id: u64) -> anyhow::Result<()> {
        let arguments = ["uu", "2", "u", &id.to_string(), "u", "2"];
        self.tell("NotificationClosed", &arguments)
    }

    fn tell(&self, signal: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let arguments = [&["sssav", SERVICE, signal], arguments].concat();
        self.call(MOCK, "EmitSignal", &arguments).map(|_| ())
    }

    /// The arguments of each call of a method.
    fn calls(&self, method: &str) -> anyhow::Result<Vec<Vec<Value>>> {
        let answer = self.call(MOCK, "GetMethodCalls", &["s", method])?;
        // {"type":"a(tav)","data":[[[MOMENT,[{"type":T,"data":ARGUMENT}]]]]}
        let calls = answer["data"][0].as_array().context("calls are a list")?;
        let arguments = calls.iter().map(|call| {
            let arguments = call[1].as_array().context("arguments are a list")?;
            Ok(arguments.iter().map(|one| one["data"].clone()).collect())
        });
        arguments.collect()
    }

    fn call(&self, interface: &str, method: &str, arguments: &[&str]) -> anyhow::Result<Value> {
        ensure!(self.server.is_some(), "no server runs");
        let output = Command::new("busctl")
            .arg(format!("--address={}", self.address()))
            .args(["--json=short", "call", SERVICE, PATH, interface, method])
            .args(arguments)
            .output()
            .context("busctl cannot be started: install the Debian package systemd")?;
        if !output.status.success() {
            bail!("{method}: {}", String::from_utf8_lossy(&output.stderr));
        }
        if output.stdout.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn run(&self, program: (&str, &str), arguments: &[&str]) -> anyhow::Result<Running> {
        let bus = (ADDRESS_VARIABLE, self.address());
        Running::start(program, arguments, bus, &self.folder.path().join("log"))
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn number(value: &Value) -> anyhow::Result<u64> {
    value.as_u64().context("a number is there")
}

fn text(value: &Value) -> anyhow::Result<String> {
    Ok(value.as_str().context("a text is there")?.to_owned())
}
