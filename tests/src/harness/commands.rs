//! Other programs, run with a limit.

use std::io::{Read as _, Seek as _, Write as _};
use std::process::{Child, Command, Output};

use anyhow::Context as _;

use super::LIMIT;
use crate::wait;

/// Runs a program to its end, with `input` on its standard input.
pub(super) fn run(mut command: Command, input: &[u8]) -> anyhow::Result<Output> {
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

struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // It has ended by itself, most of the time.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
