//! The demo, as `make demo` runs it: what it shows, and that it leaves nothing.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use cac_tests::wait::{wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The demo builds what it shows; that takes minutes if nothing is built yet.
const LIMIT: Duration = Duration::from_mins(20);

/// From here on nothing is built any more.
const MOMENT: Duration = Duration::from_mins(1);

const STORY: [&str; 6] = [
    "✔ The dashboard is open and waits for a card.",
    "✔ JANE DOE's card is put in: the daemon reads it and asks for the PIN.",
    "✔ The PIN is typed into the dashboard: the card signs in, the portal registers it.",
    "✔ The card is taken out and put in again: still registered, and no PIN asked.",
    "✔ The portal goes down. JOHN ROE's card is put in and the PIN typed: it waits.",
    "✔ The portal is back: JOHN ROE is registered without anyone doing anything.",
];

#[test]
fn s18_the_demo_plays_the_whole_story() {
    let scratch = TempDir::new().unwrap();

    let output = demo(&scratch, &[]).output().unwrap();

    let said = told(&output);
    assert!(output.status.success(), "{said}");
    for step in STORY {
        assert!(said.contains(step), "{step} is missing in\n{said}");
    }
    assert!(said.contains("of a private pcscd"), "{said}");
    assert!(!said.contains("FALLBACK"), "{said}");
    // The last screen, and the portal's own word.
    assert!(said.contains("registered to account john.roe"), "{said}");
    assert!(said.contains("1234567890157004@mil"), "{said}");
    assert_nothing_is_left(&scratch);
}

#[test]
fn s19_the_demo_falls_back_to_a_reader_inside_the_process() {
    let scratch = TempDir::new().unwrap();

    let output = demo(&scratch, &["--without-pcscd"]).output().unwrap();

    let said = told(&output);
    assert!(output.status.success(), "{said}");
    for step in STORY {
        assert!(said.contains(step), "{step} is missing in\n{said}");
    }
    assert!(
        said.contains("FALLBACK: asked for with --without-pcscd"),
        "{said}"
    );
    assert_nothing_is_left(&scratch);
}

#[test]
fn a_demo_that_is_told_to_stop_leaves_nothing() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let scratch = TempDir::new().unwrap();
        let mut child = demo(&scratch, &[]).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);

        assert!(lines.any(|line| line.contains(STORY[0])), "it began");
        let pid = Pid::from_child(&child);
        kill_process(pid, signal).unwrap();
        let status = wait_for("the demo has ended", MOMENT, || {
            child.try_wait().transpose()
        });

        assert_eq!(status.unwrap().unwrap().code(), Some(1), "{signal:?}");
        assert!(
            lines.any(|line| line == "Everything is stopped and removed."),
            "{signal:?}"
        );
        assert_nothing_is_left(&scratch);
    }
}

#[test]
fn a_person_plays_with_the_keys_of_the_strip() {
    let scratch = TempDir::new().unwrap();
    let terminal = Terminal::open(&scratch, (100, 36));

    terminal.shows("Press F2 to put a card in.", LIMIT);
    terminal.press("F2");
    terminal.shows("press r, type the PIN and press Enter.", MOMENT);
    terminal.shows("PIN of every card:  123456", MOMENT);
    terminal.shows("r: type the PIN", MOMENT);
    terminal.press("r");
    terminal.shows("6 to 8 digits", MOMENT);
    terminal.press("123456");
    terminal.shows("••••••_", MOMENT);
    terminal.press("Enter");
    terminal.shows("Registered. Try F3 and F2", MOMENT);
    terminal.press("F5");
    terminal.shows("Portal: off.", MOMENT);
    terminal.press("F4");
    terminal.shows("Reader: JOHN ROE's card.", MOMENT);
    for (columns, rows) in [(80, 24), (120, 36), (90, 12), (80, 24)] {
        terminal.resize(columns, rows);
        for line in [
            "PIN of every card:  123456",
            "F2 put JANE DOE's card in",
            "F10 end the demo",
            "Reader: JOHN ROE's card.",
            "> In the dashboard above, press r",
        ] {
            terminal.shows_at(line, rows, MOMENT);
        }
    }
    terminal.press("F10");

    terminal.shows("Everything is stopped and removed.", MOMENT);
    terminal.shows("exit code 0", MOMENT);
    drop(terminal);
    assert_nothing_is_left(&scratch);
}

#[test]
fn quitting_the_dashboard_ends_the_demo() {
    let scratch = TempDir::new().unwrap();
    let terminal = Terminal::open(&scratch, (80, 24));

    terminal.shows("No card is in this reader.", LIMIT);
    terminal.press("q");

    terminal.shows("Everything is stopped and removed.", MOMENT);
    terminal.shows("exit code 0", MOMENT);
    drop(terminal);
    assert_nothing_is_left(&scratch);
}

#[test]
fn a_terminal_that_is_closed_takes_the_demo_with_it() {
    let scratch = TempDir::new().unwrap();
    let terminal = Terminal::open(&scratch, (80, 24));
    terminal.shows("Press F2 to put a card in.", LIMIT);

    drop(terminal);

    assert_nothing_is_left(&scratch);
}

/// The demo, without a terminal, with its temporary files in the scratch folder.
fn demo(scratch: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command
        .args(arguments)
        .env("TMPDIR", scratch.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

/// No file, and no process that was started for it.
fn assert_nothing_is_left(scratch: &TempDir) {
    let files = || -> Vec<_> {
        fs::read_dir(scratch.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect()
    };
    let outcome = wait_until("nothing is left", MOMENT, || {
        files().is_empty() && processes(scratch.path()).is_empty()
    });
    assert!(
        outcome.is_ok(),
        "left behind: {:?}, {:#?}",
        files(),
        processes(scratch.path())
    );
}

/// The command lines of those that name the folder there or in their environment.
fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let text = |path: &Path| {
        // It may end while we look.
        let bytes = fs::read(path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|process| {
            ["cmdline", "environ"]
                .iter()
                .any(|file| text(&process.join(file)).contains(folder))
        })
        .map(|process| text(&process.join("cmdline")))
        .collect()
}

/// A terminal with the demo in it; closed when dropped.
struct Terminal {
    folder: TempDir,
}

impl Terminal {
    fn open(scratch: &TempDir, (columns, rows): (u16, u16)) -> Self {
        let terminal = Self {
            folder: TempDir::new().unwrap(),
        };
        let demo = format!(
            "TMPDIR={} {}; echo exit code $?",
            scratch.path().display(),
            env!("CARGO_BIN_EXE_demo")
        );
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let set = ["set", "-g", "remain-on-exit", "on", ";"];
        let open = ["new-session", "-d", "-x", &columns, "-y", &rows, &demo];
        terminal.tmux(&[&set[..], &open[..]].concat());
        terminal
    }

    /// Waits for the text.
    fn shows(&self, text: &str, limit: Duration) {
        let screen = || self.tmux(&["capture-pane", "-p"]);
        let outcome = wait_until(text, limit, || screen().contains(text));
        assert!(outcome.is_ok(), "{text} is not to be seen on\n{}", screen());
    }

    /// Waits for the text on one of the last lines of so many.
    fn shows_at(&self, text: &str, rows: u16, limit: Duration) {
        let screen = || self.tmux(&["capture-pane", "-p"]);
        let outcome = wait_until(text, limit, || {
            let screen = screen();
            let strip = usize::from(rows).saturating_sub(5);
            screen.lines().count() == usize::from(rows)
                && screen.lines().skip(strip).any(|line| line.contains(text))
        });
        assert!(outcome.is_ok(), "{text} is not to be seen on\n{}", screen());
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    fn tmux(&self, command: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(self.folder.path().join("socket"))
            .args(command)
            .env_remove("TMUX")
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {command:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        Command::new("tmux")
            .arg("-S")
            .arg(self.folder.path().join("socket"))
            .arg("kill-server")
            .output()
            .ok();
    }
}
