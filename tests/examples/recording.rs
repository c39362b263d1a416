//! Records the main job, from putting the card in to registered, as an
//! asciicast of version 2 (https://docs.asciinema.org/manual/asciicast/v2/):
//! `recording >FILE`.
//!
//! What is recorded is what the terminal was sent. The times are the real
//! ones where cacd is at work, with a pause for the reader after each step.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cac_tests::harness::{Lab, jane};
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::{CardModel, samples};
use serde_json::json;

const SIZE: Size = Size {
    columns: 80,
    rows: 24,
};

/// Nothing happens for longer than this.
const LONGEST: Duration = Duration::from_secs(2);

/// How long a person takes to look at what is new.
const LOOK: Duration = Duration::from_millis(1800);
const KEY: Duration = Duration::from_millis(180);

fn main() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let terminal = lab.terminal(SIZE)?;
    terminal.enter("PS1='$ '; clear")?;
    terminal.wait_for("a prompt alone", |screen| screen.trim() == "$")?;

    let mut recording = Recording::begin(&terminal)?;
    recording.pause(KEY)?;
    for letter in "cacctl".chars() {
        terminal.write(&letter.to_string())?;
        recording.pause(KEY)?;
    }
    terminal.press("Enter")?;
    terminal.shows(&["Put yours in", "q quit"])?;
    recording.pause(LOOK)?;
    lab.insert(0, &card)?;
    terminal.shows(&["r: type the PIN", "3 tries left"])?;
    recording.pause(LOOK)?;
    terminal.write("r")?;
    terminal.shows(&["6 to 8 digits"])?;
    recording.pause(LOOK)?;
    for (at, digit) in samples::PIN.char_indices() {
        terminal.write(&digit.to_string())?;
        terminal.shows(&[&format!("{}_", "•".repeat(at + 1))])?;
        recording.pause(KEY)?;
    }
    recording.pause(KEY)?;
    terminal.press("Enter")?;
    terminal.shows(&["✔ registered", "account jane.q.doe"])?;
    recording.pause(LOOK)?;
    terminal.write("q")?;
    terminal.wait_for("the shell is back", |screen| screen.ends_with('$'))?;
    recording.pause(LOOK)?;
    let written = recording.end(terminal)?;
    io::stdout().write_all(written.as_bytes())?;
    Ok(())
}

/// What the terminal is sent, as it comes.
struct Recording {
    chunks: Receiver<(Instant, Vec<u8>)>,
    at: Duration,
    last: Instant,
    /// The start of a character whose end is yet to come.
    half: Vec<u8>,
    lines: String,
    /// All of the output alone.
    output: String,
}

impl Recording {
    fn begin(terminal: &Terminal) -> anyhow::Result<Self> {
        let pipe = terminal.folder().join("output");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )?;
        terminal.copy_output_to(&pipe)?;
        let (sender, chunks) = mpsc::channel();
        // Opened once there is somebody at the other end.
        let mut output = File::open(&pipe)?;
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length @ 1..) = output.read(&mut buffer) {
                let Some(chunk) = buffer.get(..length) else {
                    return;
                };
                #[expect(clippy::disallowed_methods, reason = "it records when")]
                let now = Instant::now();
                if sender.send((now, chunk.to_vec())).is_err() {
                    return;
                }
            }
        });
        #[expect(clippy::disallowed_methods, reason = "it records when")]
        let last = Instant::now();
        let header = json!({
            "version": 2,
            "width": SIZE.columns,
            "height": SIZE.rows,
            "title": "cacd: card in, PIN, registered",
            "env": { "TERM": "xterm-256color" },
        });
        let mut recording = Self {
            chunks,
            at: Duration::ZERO,
            last,
            half: Vec::new(),
            lines: format!("{header}\n"),
            output: String::new(),
        };
        recording.write(b"$ ")?;
        Ok(recording)
    }

    /// Takes what has come, and lets that much time go by in the recording.
    fn pause(&mut self, span: Duration) -> anyhow::Result<()> {
        // What a key brought about may be on its way for a moment longer.
        while let Ok((at, chunk)) = self.chunks.recv_timeout(Duration::from_millis(100)) {
            let since = at.saturating_duration_since(self.last);
            self.at += since.min(LONGEST);
            self.last = at;
            self.write(&chunk)?;
        }
        self.at += span;
        #[expect(clippy::disallowed_methods, reason = "it records when")]
        let now = Instant::now();
        self.last = now;
        Ok(())
    }

    fn write(&mut self, chunk: &[u8]) -> anyhow::Result<()> {
        self.half.extend_from_slice(chunk);
        let whole = match std::str::from_utf8(&self.half) {
            Ok(text) => text.len(),
            Err(error) => {
                ensure!(error.error_len().is_none(), "cacctl writes UTF-8");
                error.valid_up_to()
            }
        };
        let rest = self.half.split_off(whole);
        let text = String::from_utf8(std::mem::replace(&mut self.half, rest))?;
        if !text.is_empty() {
            self.output.push_str(&text);
            let event = json!([seconds(self.at), "o", text]);
            writeln!(self.lines, "{event}")?;
        }
        Ok(())
    }

    /// The whole recording. No three digits of the PIN stand in it.
    fn end(mut self, terminal: Terminal) -> anyhow::Result<String> {
        drop(terminal);
        self.pause(Duration::ZERO)?;
        let event = json!([seconds(self.at), "o", ""]);
        writeln!(self.lines, "{event}")?;
        for part in samples::PIN.as_bytes().windows(3) {
            let part = std::str::from_utf8(part).context("digits")?;
            ensure!(!self.output.contains(part), "{part} is in the recording");
        }
        Ok(self.lines)
    }
}

/// To the millisecond.
fn seconds(at: Duration) -> f64 {
    (at.as_secs_f64() * 1000.0).round() / 1000.0
}
