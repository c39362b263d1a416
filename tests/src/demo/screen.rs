//! The screen with the dashboard on it: a tmux of our own.
//!
//! It has its own socket and reads no configuration of the user's, so that it
//! works, and changes nothing, inside a tmux of theirs too.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// How long tmux, and what runs in it, may take to begin or to end.
const LIMIT: Duration = Duration::from_secs(10);

const SESSION: &str = "demo";

/// No key of tmux's own is left, and nothing that takes room or time. What a
/// program that failed had to say stays on the screen.
const CONFIGURATION: &str = "\
set -g prefix None
unbind-key -a -T root
unbind-key -a -T prefix
set -g status off
set -s escape-time 10
set -g default-terminal screen-256color
set -g remain-on-exit failed
";

/// Columns and rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) columns: u16,
    pub(super) rows: u16,
}

/// A tmux server and all that runs in it; ended when dropped.
pub(super) struct Screen {
    server: Child,
    socket: PathBuf,
    /// The pane of the dashboard.
    dashboard: String,
    log: PathBuf,
}

/// Says which package is missing, if it is.
pub(super) fn find_tmux() -> anyhow::Result<()> {
    let version = Command::new("tmux").arg("-V").output();
    version.context("tmux is missing: install the Debian package tmux")?;
    Ok(())
}

impl Screen {
    /// Opens a screen that nobody looks at yet, with this program on it.
    pub(super) fn open(folder: &Path, size: Size, dashboard: &[&str]) -> anyhow::Result<Self> {
        let (socket, log) = (folder.join("tmux.socket"), folder.join("tmux.log"));
        let configuration = folder.join("tmux.conf");
        fs::write(&configuration, CONFIGURATION)?;
        // -D: it stays a child of ours, to be waited for. In a session of its
        // own: it reads the terminal, which is for the foreground of ours only.
        let mut command = tmux_under("setsid", &socket);
        command.arg("-D").arg("-f").arg(&configuration);
        if !has_locale() {
            // cacctl takes no locale for one with UTF-8; so shall tmux.
            command.env("LC_ALL", "C.UTF-8");
        }
        let server = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .context("cannot start tmux")?;
        let mut screen = Self {
            server,
            socket,
            dashboard: String::new(),
            log,
        };
        screen.wait_until_ready()?;
        let (columns, rows) = (size.columns.to_string(), size.rows.to_string());
        let mut open = vec!["new-session", "-d", "-P", "-F", "#{pane_id}"];
        open.extend(["-s", SESSION, "-x", &columns, "-y", &rows, "--"]);
        open.extend(dashboard);
        screen.dashboard = screen.ask(&open)?;
        Ok(screen)
    }

    /// Puts a program below the dashboard, in this many rows, and returns its pane.
    pub(super) fn add_below(&self, rows: u16, program: &[&str]) -> anyhow::Result<String> {
        let rows = rows.to_string();
        let mut split = vec!["split-window", "-v", "-d", "-P", "-F", "#{pane_id}"];
        split.extend(["-l", &rows, "-t", &self.dashboard, "--"]);
        split.extend(program);
        let pane = self.ask(&split)?;
        // A terminal that changes its size changes the dashboard's, not this pane's.
        let keep = format!("resize-pane -t {pane} -y {rows}");
        self.ask(&["set-hook", "-g", "client-resized", &keep])?;
        self.ask(&["set-hook", "-g", "client-attached", &keep])?;
        // Whichever of the two ends, the other does.
        self.ask(&["set-hook", "-g", "pane-exited", "kill-session -t demo"])?;
        Ok(pane)
    }

    /// This key, wherever it is pressed, types this letter into the pane.
    pub(super) fn bind(&self, key: &str, pane: &str, letter: char) -> anyhow::Result<()> {
        let letter = letter.to_string();
        self.ask(&["bind-key", "-n", key, "send-keys", "-t", pane, &letter])?;
        Ok(())
    }

    /// Shows the screen on this terminal, until the session ends.
    pub(super) fn attach(&self) -> anyhow::Result<Child> {
        tmux(&self.socket)
            .args(["attach-session", "-t", SESSION])
            .spawn()
            .context("cannot show the screen")
    }

    /// Types text into the dashboard.
    pub(super) fn write(&self, text: &str) -> anyhow::Result<()> {
        self.ask(&["send-keys", "-t", &self.dashboard, "-l", text])?;
        Ok(())
    }

    /// Presses a key in the dashboard, by tmux's name for it.
    pub(super) fn press(&self, key: &str) -> anyhow::Result<()> {
        self.ask(&["send-keys", "-t", &self.dashboard, key])?;
        Ok(())
    }

    /// What the dashboard shows now.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        self.ask(&["capture-pane", "-p", "-t", &self.dashboard])
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let mut ended = None;
        let ready = wait::wait_until("tmux is ready", LIMIT, || {
            ended = self.server.try_wait().ok().flatten();
            ended.is_some() || UnixStream::connect(&self.socket).is_ok()
        });
        if let Some(status) = ended {
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            bail!("tmux ended with {status}: {}", said.trim_end());
        }
        Ok(ready?)
    }

    /// Does one command of tmux and returns what it says.
    fn ask(&self, command: &[&str]) -> anyhow::Result<String> {
        let output = self.output(command)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("tmux {} failed: {}", command[0], said.trim_end());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.trim_end().to_owned())
    }

    fn output(&self, command: &[&str]) -> anyhow::Result<Output> {
        tmux(&self.socket)
            .args(command)
            .stdin(Stdio::null())
            .output()
            .context("cannot start tmux")
    }

    /// The programs on the screen.
    fn programs(&self) -> Vec<Pid> {
        let Ok(list) = self.ask(&["list-panes", "-a", "-F", "#{pane_pid}"]) else {
            return Vec::new();
        };
        list.lines()
            .filter_map(|line| line.parse().ok().and_then(Pid::from_raw))
            .collect()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let programs = self.programs();
        // Hangs up; tmux, which stays, takes note of their end.
        self.output(&["kill-session", "-t", SESSION]).ok();
        let is_running = |pid: &Pid| rustix::process::test_kill_process(*pid).is_ok();
        let all_ended = || !programs.iter().any(is_running);
        if wait::wait_until("the screen's programs have ended", LIMIT, all_ended).is_err() {
            for pid in programs.iter().filter(|pid| is_running(pid)) {
                kill_process(*pid, Signal::KILL).ok();
            }
        }
        self.output(&["kill-server"]).ok();
        let has_ended = || !matches!(self.server.try_wait(), Ok(None));
        if wait::wait_until("tmux has ended", LIMIT, has_ended).is_err() {
            self.server.kill().ok();
            self.server.wait().ok();
        }
    }
}

fn tmux(socket: &Path) -> Command {
    with_socket(Command::new("tmux"), socket)
}

/// Started by a program that becomes tmux.
fn tmux_under(starter: &str, socket: &Path) -> Command {
    let mut command = Command::new(starter);
    command.arg("tmux");
    with_socket(command, socket)
}

fn with_socket(mut tmux: Command, socket: &Path) -> Command {
    tmux.arg("-u").arg("-S").arg(socket).env_remove("TMUX");
    tmux
}

fn has_locale() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .any(|value| !value.is_empty())
}
