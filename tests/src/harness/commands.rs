//! Other programs, run with a limit.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, Output, Stdio};

use anyhow::Context as _;

use super::LIMIT;
use super::traces::appears_in;
use crate::wait::{self, WaitedInVain};

/// Runs a program to its end, with `input` on its standard input.
pub(crate) fn run(mut command: Command, input: &[u8]) -> anyhow::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    // Files, since a pipe that nobody reads would stop the program.
    let mut files = [
        tempfile::tempfile()?,
        tempfile::tempfile()?,
        tempfile::tempfile()?,
    ];
    files[0].write_all(input)?;
    files[0].rewind()?;
    let child = command
        .stdin(files[0].try_clone()?)
        .stdout(files[1].try_clone()?)
        .stderr(files[2].try_clone()?)
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    let mut child = KilledOnDrop(child);
    let mut status = None;
    wait::wait_until(&format!("{name} has ended"), LIMIT, || {
        status = child.0.try_wait().ok().flatten();
        status.is_some()
    })?;
    let [_, mut stdout, mut stderr] = files;
    let mut output = Output {
        status: status.context("it has ended")?,
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    stdout.rewind()?;
    stdout.read_to_end(&mut output.stdout)?;
    stderr.rewind()?;
    stderr.read_to_end(&mut output.stderr)?;
    Ok(output)
}

/// A program that goes on until this is dropped.
pub struct Background {
    child: KilledOnDrop,
    said: File,
}

impl Background {
    pub(crate) fn start(mut command: Command) -> anyhow::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let said = tempfile::tempfile()?;
        let child = command
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said.try_clone()?)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        Ok(Self {
            child: KilledOnDrop(child),
            said,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// What it has written so far.
    pub fn said(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.said.metadata()?.len()).unwrap_or(usize::MAX)];
        // The place where the program goes on to write is not moved.
        self.said.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Waits until it has written this.
    pub fn wait_until_it_says(&self, text: &str) -> Result<(), WaitedInVain> {
        wait::wait_until(&format!("{text:?} is said"), LIMIT, || {
            self.said()
                .is_ok_and(|said| appears_in(text.as_bytes(), &said))
        })
    }
}

struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // It has ended by itself, most of the time.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
