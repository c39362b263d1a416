//! A screen that nobody sees, and its keyboard.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

pub(crate) struct Screen {
    server: Child,
    pub(crate) display: String,
}

impl Screen {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-noreset"])
            .args(["-screen", "0", "1280x800x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("Xvfb cannot be started: install the Debian package xvfb")?;
        let output = server.stdout.take().context("it has an output")?;
        let mut number = String::new();
        // It says which it took as soon as it can be drawn on.
        BufReader::new(output).read_line(&mut number)?;
        ensure!(!number.is_empty(), "Xvfb takes no display");
        let screen = Self {
            server,
            display: format!(":{}", number.trim()),
        };
        screen.xdotool(&["version"])?;
        Ok(screen)
    }

    /// The number of a window, by a part of its title.
    pub(crate) fn window(&self, title: &str) -> Option<String> {
        let mut windows = self.windows().into_iter();
        let found = windows.find(|(_, its)| its.contains(title));
        found.map(|(number, _)| number)
    }

    /// Number and title of each. What xdotool itself looks for titles in is
    /// older than titles that are not ASCII.
    pub(crate) fn windows(&self) -> Vec<(String, String)> {
        let numbers = self.xdotool(&["search", "--name", "."]).ok().flatten();
        let numbers = numbers.unwrap_or_default();
        let windows = numbers.lines().filter_map(|number| {
            let title = self.xdotool(&["getwindowname", number]).ok().flatten()?;
            Some((number.to_owned(), title.trim_end().to_owned()))
        });
        windows.collect()
    }

    /// Whether the window was there to type into. One that is not drawn yet takes no
    /// key.
    pub(crate) fn type_into(&self, window: &str, keys: &[&[&str]]) -> anyhow::Result<bool> {
        self.xdotool(&["windowfocus", window])?;
        let focused = self.xdotool(&["getwindowfocus", "-f"])?;
        let mut done = focused.is_some_and(|focused| focused.trim_end() == window);
        for keys in keys {
            done = done && self.xdotool(keys)?.is_some();
        }
        Ok(done)
    }

    /// What xdotool says, if it found or did it.
    fn xdotool<S: AsRef<OsStr>>(&self, arguments: &[S]) -> anyhow::Result<Option<String>> {
        let done = Command::new("timeout")
            .args(["10", "xdotool"])
            .args(arguments)
            .env("DISPLAY", &self.display)
            .output()
            .context("timeout cannot be started")?;
        ensure!(
            done.status.code() != Some(127),
            "xdotool cannot be started: install the Debian package xdotool"
        );
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        Ok(done.status.success().then_some(said))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody looks at it any more.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
