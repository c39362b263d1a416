//! A real terminal, with a shell on it, for the dashboard to run in.
//!
//! A test presses keys and reads the screen, as a person does, and looks
//! behind it at the modes of the terminal, which a person only gets to feel.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use cac_common::paths::SOCKET_VARIABLE;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::harness::{LIMIT, Lab, programs};
use crate::pcscd::SOCKET_VARIABLE as PCSCD_VARIABLE;
use crate::tmux::Tmux;
use crate::wait;

/// The shell, and what it shows when it waits. It edits no lines, so that the
/// modes of the terminal are as the program before left them.
const SHELL: &str = "/bin/sh";
const PROMPT: &str = "shell>";

/// What is handed on to the shell and whatever runs in it.
const CONFIGURATION: &str = "\
set -g prefix None
unbind-key -a -T root
unbind-key -a -T prefix
set -g status off
set -s escape-time 0
set -g default-terminal tmux-256color
set -g history-limit 10000
";

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: u16,
    pub rows: u16,
}

impl Size {
    /// All that a dashboard of one card has to tell fits.
    pub const ROOMY: Self = Self {
        columns: 100,
        rows: 40,
    };
}

/// How SGR 1006 (xterm's "Extended coordinates") writes the left button.
const LEFT_BUTTON: u16 = 0;

/// Which way the wheel is turned, as SGR 1006 writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wheel {
    Up = 64,
    Down = 65,
}

/// A shell on a screen that only the test looks at. Ended, with all that
/// runs in it, when dropped.
pub struct Terminal {
    tmux: Tmux,
    device: String,
    shell: Pid,
    /// As it was when the shell was alone.
    modes: String,
    folder: TempDir,
}

/// What cannot be read off the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Whether this is the screen that full-screen programs use.
    pub is_other_screen: bool,
    pub shows_cursor: bool,
    /// Whether clicks and the wheel go to the program, as SGR 1006 writes them.
    pub takes_mouse: bool,
    /// Settings of the terminal device, as `stty -a` names them.
    pub modes: String,
}

impl Behind {
    /// Whether what is typed comes back line by line and is shown, as a shell wants it,
    /// and the mouse marks text.
    pub fn is_as_a_shell_wants_it(&self) -> bool {
        let has = |mode: &str| self.modes.split_whitespace().any(|word| word == mode);
        !self.is_other_screen
            && self.shows_cursor
            && !self.takes_mouse
            && ["echo", "icanon", "isig", "icrnl", "opost"]
                .into_iter()
                .all(has)
    }
}

impl Terminal {
    /// A shell that finds `cacctl`, which asks the daemon behind `socket`.
    pub fn open(size: Size, socket: &Path) -> anyhow::Result<Self> {
        Self::open_with(size, socket, &[])
    }

    /// The same, with this in its environment: `NAME=value`.
    pub fn open_with(size: Size, socket: &Path, variables: &[String]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("cacd-terminal-")
            .tempdir()?;
        // Other users look for cacctl in there.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let programs = programs::built()?;
        fs::copy(programs.path("cacctl"), folder.path().join("cacctl"))?;
        let tmux = Tmux::start(folder.path(), CONFIGURATION)?;
        let path = format!(
            "PATH={}:/usr/sbin:/usr/bin:/sbin:/bin",
            folder.path().display()
        );
        let socket = format!("{SOCKET_VARIABLE}={}", socket.display());
        let prompt = format!("PS1={PROMPT} ");
        let (columns, rows) = (size.columns.to_string(), size.rows.to_string());
        let mut open = vec!["new-session", "-d", "-P", "-F", "#{pane_tty} #{pane_pid}"];
        open.extend(["-x", &columns, "-y", &rows]);
        open.extend(["--", "env", &path, &socket, &prompt]);
        open.extend(variables.iter().map(String::as_str));
        open.extend([SHELL, "-i"]);
        let made = tmux.ask(&open)?;
        let (device, shell) = made.split_once(' ').context("tmux names the pane")?;
        let mut terminal = Self {
            tmux,
            device: device.to_owned(),
            shell: shell
                .parse()
                .ok()
                .and_then(Pid::from_raw)
                .context("a process has a number")?,
            modes: String::new(),
            folder,
        };
        terminal.shows(&[PROMPT])?;
        terminal.modes = terminal.modes()?;
        Ok(terminal)
    }

    /// A folder that is there as long as the terminal is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Lays a program beside `cacctl`.
    pub fn add_program(&self, program: &Path) -> anyhow::Result<()> {
        let name = program.file_name().context("a program has a name")?;
        fs::copy(program, self.folder.path().join(name))?;
        Ok(())
    }

    /// Types a line for the shell.
    pub fn enter(&self, line: &str) -> anyhow::Result<()> {
        self.write(line)?;
        self.press("Enter")
    }

    /// Types text.
    pub fn write(&self, text: &str) -> anyhow::Result<()> {
        self.tmux.ask(&["send-keys", "-l", "--", text])?;
        Ok(())
    }

    /// Types a PIN where the dashboard asks for one, and sends it.
    pub fn type_pin(&self, pin: &str) -> anyhow::Result<()> {
        self.shows(&["6 to 8 digits"])?;
        self.write(pin)?;
        self.shows(&[&format!("{}_", "•".repeat(pin.len()))])?;
        self.press("Enter")
    }

    /// Presses a key, by tmux's name for it.
    pub fn press(&self, key: &str) -> anyhow::Result<()> {
        self.tmux.ask(&["send-keys", "--", key])?;
        Ok(())
    }

    /// Clicks where this stands on the screen, at the first place if there are several.
    pub fn click(&self, text: &str) -> anyhow::Result<()> {
        let (column, row) = self.place_of(text)?;
        // Pressed, and let go.
        let at = format!("\x1b[<{LEFT_BUTTON};{column};{row}");
        self.mouse(&format!("{at}M{at}m"))
    }

    /// Turns the wheel by one notch over where this stands on the screen.
    pub fn wheel(&self, towards: Wheel, text: &str) -> anyhow::Result<()> {
        let (column, row) = self.place_of(text)?;
        self.mouse(&format!("\x1b[<{};{column};{row}M", towards as u16))
    }

    /// Column and row, counted from 1.
    fn place_of(&self, text: &str) -> anyhow::Result<(usize, usize)> {
        let screen = self.shows(&[text])?;
        let mut lines = screen.lines().enumerate();
        let place = lines.find_map(|(row, line)| {
            let (before, _) = line.split_once(text)?;
            Some((before.chars().count() + 1, row + 1))
        });
        place.with_context(|| format!("{text:?} goes over several lines:\n{screen}"))
    }

    /// A terminal tells nothing of the mouse to who has not asked for it.
    fn mouse(&self, told: &str) -> anyhow::Result<()> {
        ensure!(self.behind()?.takes_mouse, "nobody has asked for the mouse");
        self.write(told)
    }

    pub fn resize(&self, size: Size) -> anyhow::Result<()> {
        let (columns, rows) = (size.columns.to_string(), size.rows.to_string());
        self.tmux
            .ask(&["resize-window", "-x", &columns, "-y", &rows])?;
        Ok(())
    }

    /// What the screen shows now, without the spaces at the ends of lines.
    pub fn text(&self) -> anyhow::Result<String> {
        self.tmux.ask(&["capture-pane", "-p"])
    }

    /// The screen, with the colours as escape sequences.
    pub fn picture(&self) -> anyhow::Result<String> {
        self.tmux.ask(&["capture-pane", "-e", "-N", "-p"])
    }

    /// From now on all that is written to the screen goes into this file or
    /// pipe too, as it is written.
    pub fn copy_output_to(&self, file: &Path) -> anyhow::Result<()> {
        let command = format!("exec cat >'{}'", file.display());
        self.tmux.ask(&["pipe-pane", "-O", &command])?;
        Ok(())
    }

    /// All that can still be scrolled back to, and what lies beneath the other screen.
    pub fn all_text(&self) -> anyhow::Result<String> {
        let scrolled = self
            .tmux
            .ask(&["capture-pane", "-p", "-S", "-", "-E", "-"])?;
        // -q: there may be nothing beneath.
        let beneath = self.tmux.ask(&["capture-pane", "-p", "-a", "-q"])?;
        Ok(format!("{scrolled}\n{beneath}"))
    }

    pub fn behind(&self) -> anyhow::Result<Behind> {
        const FLAGS: &str = "#{alternate_on} #{cursor_flag} #{mouse_any_flag} #{mouse_standard_flag}#{mouse_sgr_flag}";
        let flags = self.tmux.ask(&["display-message", "-p", FLAGS])?;
        let flags: Vec<&str> = flags.split(' ').collect();
        let [other, cursor, any_mouse, our_mouse] = flags[..] else {
            bail!("tmux says four flags, and not {flags:?}");
        };
        ensure!(
            matches!((any_mouse, our_mouse), ("0", "00") | ("1", "11")),
            "half a mouse: {any_mouse} {our_mouse}"
        );
        Ok(Behind {
            is_other_screen: other == "1",
            shows_cursor: cursor == "1",
            takes_mouse: any_mouse == "1",
            modes: self.modes()?,
        })
    }

    fn modes(&self) -> anyhow::Result<String> {
        let output = Command::new("stty")
            .args(["-a", "-F", &self.device])
            .output()?;
        ensure!(
            output.status.success(),
            "stty: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = String::from_utf8(output.stdout)?;
        // The first line tells the size, which may change.
        let (_, modes) = said.split_once('\n').context("stty says several lines")?;
        Ok(modes.replace(';', ""))
    }

    /// Waits until the screen is as told, and gives it.
    pub fn wait_for(
        &self,
        what: &str,
        mut fits: impl FnMut(&str) -> bool,
    ) -> anyhow::Result<String> {
        self.wait_for_at_most(LIMIT, what, |text| Ok(fits(text)))
    }

    fn wait_for_at_most(
        &self,
        limit: Duration,
        what: &str,
        mut fits: impl FnMut(&str) -> anyhow::Result<bool>,
    ) -> anyhow::Result<String> {
        let mut last = String::new();
        let found = wait::wait_for(what, limit, || {
            let looked = self.text().and_then(|text| {
                let is_so = fits(&text)?;
                last.clone_from(&text);
                Ok(is_so.then_some(text))
            });
            looked.transpose()
        });
        found.with_context(|| format!("the screen shows:\n{last}"))?
    }

    /// Waits until all of this is on the screen.
    pub fn shows(&self, texts: &[&str]) -> anyhow::Result<String> {
        let what = format!("the screen shows {}", texts.join(" and "));
        self.wait_for(&what, |screen| {
            texts.iter().all(|text| screen.contains(text))
        })
    }

    /// Waits until none of this is on the screen any more.
    pub fn hides(&self, texts: &[&str]) -> anyhow::Result<String> {
        let what = format!("the screen shows no {} any more", texts.join(" nor "));
        self.wait_for(&what, |screen| {
            !texts.iter().any(|text| screen.contains(text))
        })
    }

    /// Waits until the shell has the terminal again, exactly as it had it before.
    pub fn is_the_shells_again(&self) -> anyhow::Result<String> {
        let mut behind = None;
        self.wait_for_at_most(LIMIT, "the shell has its terminal back", |screen| {
            let now = self.behind()?;
            let is_back = now.is_as_a_shell_wants_it() && now.modes == self.modes;
            behind = Some(now);
            let waits = screen.lines().last() == Some(PROMPT);
            Ok(is_back && waits)
        })
        .with_context(|| format!("{behind:#?}"))?;
        // Whatever else is wrong shows when it is used.
        self.enter("echo two words | tr a-z A-Z")?;
        self.shows(&["echo two words | tr a-z A-Z\nTWO WORDS\n"])
    }

    /// The program that the shell runs.
    pub fn program(&self) -> anyhow::Result<Pid> {
        let shell = self.shell.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"))?;
        children
            .split_whitespace()
            .last()
            .and_then(|number| number.parse().ok())
            .and_then(Pid::from_raw)
            .context("the shell runs nothing")
    }

    /// Sends a signal to the program that the shell runs.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(self.program()?, signal)?)
    }
}

impl Lab {
    /// A terminal on this machine.
    pub fn terminal(&self, size: Size) -> anyhow::Result<Terminal> {
        let pcscd = self.pcscd_socket();
        let pcscd = format!("{PCSCD_VARIABLE}={}", pcscd.display());
        let home = format!("HOME={}", self.home()?.display());
        Terminal::open_with(size, &self.socket(), &[pcscd, home])
    }

    /// The dashboard, opened in one.
    pub fn dashboard(&self, size: Size) -> anyhow::Result<Terminal> {
        let terminal = self.terminal(size)?;
        terminal.enter("cacctl")?;
        terminal.shows(&["Readers", "q quit"])?;
        Ok(terminal)
    }
}

/// The lines of a dashboard that do not change with time alone.
pub fn without_clocks(screen: &str) -> Vec<&str> {
    // The first line tells the time.
    let lines = screen.lines().skip(1);
    // The last names what else runs on this machine.
    let passing = ["days left", "just now", " ago", "no program keeps the card"];
    lines
        .filter(|line| !passing.iter().any(|it| line.contains(it)))
        .collect()
}

/// The lines within the frame of the pane whose title begins so; none if it is not there.
pub fn pane_of(screen: &str, title: &str) -> Vec<String> {
    let lines: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
    let corners = ['┌', '┏', '╔'].map(|corner| format!("{corner} {title}"));
    let found = screen.lines().enumerate().find_map(|(top, line)| {
        let before = corners.iter().find_map(|corner| line.split_once(corner))?.0;
        Some((top, before.chars().count()))
    });
    let Some((top, left)) = found else {
        return Vec::new();
    };
    let is_right_corner = |c: &char| ['┐', '┓', '╗'].contains(c);
    let width = lines[top][left..].iter().position(is_right_corner);
    let is_beside = |line: &&Vec<char>| line.get(left).is_some_and(|c| "│┃║".contains(*c));
    let within = lines[top + 1..].iter().take_while(is_beside);
    within
        .map(|line| {
            let row = line.iter().skip(left + 1);
            row.take(width.unwrap_or(line.len()).saturating_sub(1))
                .collect()
        })
        .collect()
}

/// Builds an example of cacctl, and gives its path.
pub fn example(name: &str) -> anyhow::Result<PathBuf> {
    programs::example("cacctl", name)
}
