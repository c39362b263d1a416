//! A program that asks a person for us.

use std::io;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::failure::Failure;

/// Told to end when dropped, so that no prompt stays behind.
pub(super) struct Asking {
    child: Child,
}

/// The ends of its pipes.
pub(super) struct Pipes {
    pub(super) input: ChildStdin,
    pub(super) output: ChildStdout,
}

impl Asking {
    /// Starts it with pipes for its input and output.
    pub(super) fn start(mut command: Command) -> Result<(Self, Pipes), Failure> {
        let program = command
            .as_std()
            .get_program()
            .to_string_lossy()
            .into_owned();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let no = |source| Failure::NoPrompter { program, source };
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(source) => return Err(no(source)),
        };
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(no(io::ErrorKind::BrokenPipe.into()));
        };
        Ok((Self { child }, Pipes { input, output }))
    }

    /// What it complains to, if that was piped too.
    pub(super) fn complaints(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    pub(super) async fn has_succeeded(&mut self) -> io::Result<bool> {
        Ok(self.child.wait().await?.success())
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        // None once it has ended and was waited for: the number may be another's then.
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}
