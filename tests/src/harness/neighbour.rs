//! Another program that uses the card at the same time, told step by step.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use anyhow::{Context as _, ensure};

use super::{LIMIT, Lab};
use crate::pcscd::SOCKET_VARIABLE;
use crate::wait::wait_until;

/// What `pcsc-client` says to a command that was done.
const DONE: &str = "ok";

/// A connection to pcscd that does as it is told, until it is dropped.
pub struct Neighbour {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
}

impl Lab {
    /// Starts the program `pcsc-client`, which lies at `path`, for a reader.
    pub fn neighbour(&self, path: &Path, reader: usize) -> anyhow::Result<Neighbour> {
        let mut child = Command::new(path)
            .arg(self.reader_name(reader))
            .env(SOCKET_VARIABLE, self.pcscd.socket())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", path.display()))?;
        let orders = child.stdin.take().context("it is piped")?;
        let answered = child.stdout.take().context("it is piped")?;
        let (send, answers) = mpsc::channel();
        // Ends with the program.
        std::thread::spawn(move || {
            for line in BufReader::new(answered).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Neighbour {
            child,
            orders,
            answers,
        })
    }
}

impl Neighbour {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What comes of one command.
    pub fn ask(&mut self, command: &str) -> anyhow::Result<String> {
        writeln!(self.orders, "{command}")?;
        let answer = self.answers.recv_timeout(LIMIT);
        answer.with_context(|| format!("another program's {command:?} came to no end"))
    }

    /// The same, of one that has to be done.
    pub fn tell(&mut self, command: &str) -> anyhow::Result<()> {
        let answer = self.ask(command)?;
        ensure!(answer == DONE, "another program's {command:?}: {answer}");
        Ok(())
    }

    /// Whether it could be done.
    pub fn try_to(&mut self, command: &str) -> anyhow::Result<bool> {
        Ok(self.ask(command)? == DONE)
    }

    /// Has the card for itself. The daemon may have it open for a moment.
    pub fn hold(&mut self) -> anyhow::Result<()> {
        let mut done = Ok(false);
        wait_until("the other program has the card for itself", LIMIT, || {
            done = self.try_to("exclusive");
            !matches!(done, Ok(false))
        })?;
        done.map(|_| ())
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // It may have ended before, which is what is wanted.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
