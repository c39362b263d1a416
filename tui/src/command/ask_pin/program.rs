//! A program that asks a person for us.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::failure::Failure;

/// A program that is told to end has so long for it.
const GIVES_BACK: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// Told to end when dropped, so that no prompt stays behind; when it is gone,
/// the terminal is ours again.
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
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            return;
        };
        // Not waited for yet, so that the number is still its own.
        let end = pidfd_open(pid, PidfdFlags::empty());
        let _ = kill_process(pid, Signal::TERM);
        // It gives the terminal back as it ends, and takes along what was written before.
        let has_ended = end.is_ok_and(|end| becomes_readable(&end, GIVES_BACK));
        if !has_ended {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// An interrupted wait counts as one that was in vain.
fn becomes_readable(end: &OwnedFd, limit: Timespec) -> bool {
    let mut ends = [PollFd::new(end, PollFlags::IN)];
    poll(&mut ends, Some(&limit)).is_ok_and(|ready| ready > 0)
}
