//! The screen with the dashboard on it: a tmux of our own.
//!
//! It has its own socket and reads no configuration of the user's, so that it
//! works, and changes nothing, inside a tmux of theirs too.

use std::path::Path;
use std::process::{Child, Command};

use anyhow::Context as _;

use crate::tmux::Tmux;

const SESSION: &str = "demo";

/// No key of tmux's own is left, and nothing that takes room or time.
const CONFIGURATION: &str = "\
set -g prefix None
unbind-key -a -T root
unbind-key -a -T prefix
set -g status off
set -s escape-time 10
set -g default-terminal screen-256color
";

/// Runs the dashboard. When it ends well, the screen ends with it; what it had
/// to say when it failed stays to be read. tmux's own `remain-on-exit failed`
/// loses the exit status now and then, and keeps the screen for nothing.
const RUN: &str = "\"$@\" && exec tmux kill-session; exec tail -f /dev/null";

/// Columns and rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) columns: u16,
    pub(super) rows: u16,
}

/// A tmux and all that runs in it; ended when dropped.
pub(super) struct Screen {
    tmux: Tmux,
    /// The pane of the dashboard.
    dashboard: String,
}

/// Says which package is missing, if it is.
pub(super) fn find_tmux() -> anyhow::Result<()> {
    let version = Command::new("tmux").arg("-V").output();
    version.context("tmux is missing: install the Debian package tmux")?;
    Ok(())
}

impl Screen {
    /// Opens a screen that nobody looks at yet, with this program on it.
    pub(super) fn open(folder: &Path, size: Size, dashboard: &[String]) -> anyhow::Result<Self> {
        let tmux = Tmux::start(folder, CONFIGURATION)?;
        let (columns, rows) = (size.columns.to_string(), size.rows.to_string());
        let mut open = vec!["new-session", "-d", "-P", "-F", "#{pane_id}"];
        open.extend(["-s", SESSION, "-x", &columns, "-y", &rows, "--"]);
        open.extend(["sh", "-c", RUN, "sh"]);
        open.extend(dashboard.iter().map(String::as_str));
        let dashboard = tmux.ask(&open)?;
        Ok(Self { tmux, dashboard })
    }

    /// Puts a program below the dashboard, in this many rows, and returns its pane.
    pub(super) fn add_below(&self, rows: u16, program: &[&str]) -> anyhow::Result<String> {
        let rows = rows.to_string();
        let mut split = vec!["split-window", "-v", "-d", "-P", "-F", "#{pane_id}"];
        split.extend(["-l", &rows, "-t", &self.dashboard, "--"]);
        split.extend(program);
        let pane = self.tmux.ask(&split)?;
        // A terminal that changes its size changes the dashboard's, not this pane's:
        // told once the window has its new size, not when the terminal has.
        let keep = format!("resize-pane -t {pane} -y {rows}");
        self.tmux
            .ask(&["set-hook", "-g", "window-resized", &keep])?;
        // Whichever of the two ends, the other does.
        self.tmux
            .ask(&["set-hook", "-g", "pane-exited", "kill-session -t demo"])?;
        Ok(pane)
    }

    /// This key, wherever it is pressed, types this letter into the pane.
    pub(super) fn bind(&self, key: &str, pane: &str, letter: char) -> anyhow::Result<()> {
        let letter = letter.to_string();
        self.tmux
            .ask(&["bind-key", "-n", key, "send-keys", "-t", pane, &letter])?;
        Ok(())
    }

    /// Shows the screen on this terminal, until the session ends.
    pub(super) fn attach(&self) -> anyhow::Result<Child> {
        self.tmux
            .command()
            .args(["attach-session", "-t", SESSION])
            .spawn()
            .context("cannot show the screen")
    }

    /// Types text into the dashboard.
    pub(super) fn write(&self, text: &str) -> anyhow::Result<()> {
        self.tmux
            .ask(&["send-keys", "-t", &self.dashboard, "-l", text])?;
        Ok(())
    }

    /// Presses a key in the dashboard, by tmux's name for it.
    pub(super) fn press(&self, key: &str) -> anyhow::Result<()> {
        self.tmux.ask(&["send-keys", "-t", &self.dashboard, key])?;
        Ok(())
    }

    /// What the dashboard shows now.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        self.tmux
            .ask(&["capture-pane", "-p", "-t", &self.dashboard])
    }
}
