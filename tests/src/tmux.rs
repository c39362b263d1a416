//! A tmux server of our own: it has its own socket, and neither reads nor
//! changes anything of the user's, inside a tmux of theirs either.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::wait;

/// How long tmux, and what runs in it, may take to begin or to end.
const LIMIT: Duration = Duration::from_secs(10);

/// The server, with all that runs in it; ended when dropped.
pub(crate) struct Tmux {
    server: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Tmux {
    /// Starts it in a folder of the caller's, and returns when it answers.
    pub(crate) fn start(folder: &Path, configuration: &str) -> anyhow::Result<Self> {
        let (socket, log) = (folder.join("tmux.socket"), folder.join("tmux.log"));
        let file = folder.join("tmux.conf");
        fs::write(&file, configuration)?;
        // In a session of its own: it reads the terminal, which is for the
        // foreground of ours only. -D: it stays a child of ours.
        let mut command = under("setsid", &socket);
        command.arg("-D").arg("-f").arg(&file);
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
        let mut tmux = Self {
            server,
            socket,
            log,
        };
        tmux.wait_until_ready()?;
        Ok(tmux)
    }

    /// Does one command and returns what it says, without the white space at its end.
    pub(crate) fn ask(&self, command: &[&str]) -> anyhow::Result<String> {
        let output = self.output(command)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("tmux {} failed: {}", command[0], said.trim_end());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.trim_end().to_owned())
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

    /// A client of this server, yet to be told what to do.
    pub(crate) fn command(&self) -> Command {
        with_socket(Command::new("tmux"), &self.socket)
    }

    fn output(&self, command: &[&str]) -> anyhow::Result<Output> {
        self.command()
            .args(command)
            .stdin(Stdio::null())
            .output()
            .context("cannot start tmux")
    }

    /// What was started in the panes.
    fn programs(&self) -> Vec<Pid> {
        let Ok(list) = self.ask(&["list-panes", "-a", "-F", "#{pane_pid}"]) else {
            return Vec::new();
        };
        list.lines()
            .filter_map(|line| line.parse().ok().and_then(Pid::from_raw))
            .collect()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let programs = self.programs();
        // Hangs up; tmux, which stays, takes note of their end.
        self.output(&["kill-session", "-a"]).ok();
        self.output(&["kill-session"]).ok();
        let is_running = |pid: &Pid| test_kill_process(*pid).is_ok();
        let all_ended = || !programs.iter().any(is_running);
        if wait::wait_until("tmux's programs have ended", LIMIT, all_ended).is_err() {
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

/// tmux, started by a program that becomes it.
fn under(starter: &str, socket: &Path) -> Command {
    let mut command = Command::new(starter);
    command.arg("tmux");
    with_socket(command, socket)
}

fn with_socket(mut tmux: Command, socket: &Path) -> Command {
    tmux.arg("-u").arg("-S").arg(socket);
    // What is set around a test says nothing about the terminal inside.
    for variable in ["TMUX", "NO_COLOR", "RUST_BACKTRACE", "CACD_SOCKET"] {
        tmux.env_remove(variable);
    }
    tmux
}

fn has_locale() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(std::env::var_os)
        .any(|value| !value.is_empty())
}
