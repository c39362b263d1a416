//! Another program's answer, within a time and a length.

use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// No more is read of what a program says.
const LONGEST: u64 = 256 * 1024;

/// What it said on standard output and standard error, and whether all was well.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) is_fine: bool,
    pub(crate) text: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChildError {
    #[error("it is not installed")]
    NotThere,
    #[error("it cannot be started")]
    NotStarted(#[source] io::Error),
    #[error("it did not end within {} s", .0.as_secs())]
    TooLong(Duration),
}

/// Runs it in no language but English, without standard input, and kills it
/// where it takes longer than `limit`.
pub(crate) fn said(mut command: Command, limit: Duration) -> Result<Said, ChildError> {
    let (answer, writer) = io::pipe().map_err(ChildError::NotStarted)?;
    let errors = writer.try_clone().map_err(ChildError::NotStarted)?;
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command.stdout(writer).stderr(errors);
    let mut child = command.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            ChildError::NotThere
        } else {
            ChildError::NotStarted(error)
        }
    })?;
    // With it our ends of the pipe are closed.
    drop(command);
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let handle = id.and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok());
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        // What came until then is what it said.
        let _ = answer.take(LONGEST).read_to_end(&mut text);
        let is_fine = child.wait().is_ok_and(|status| status.success());
        let text = String::from_utf8_lossy(&text).into_owned();
        // It was given up meanwhile.
        let _ = tell.send(Said { is_fine, text });
    });
    told.recv_timeout(limit).map_err(|_| {
        if let Some(handle) = handle {
            // It may have ended just now.
            let _ = pidfd_send_signal(handle, Signal::KILL);
        }
        ChildError::TooLong(limit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_and_the_end_are_told() {
        let fine = said(shell("echo one; echo two >&2"), LIMIT).unwrap();
        let failed = said(shell("echo no; exit 3"), LIMIT).unwrap();

        assert_eq!((fine.is_fine, &*fine.text), (true, "one\ntwo\n"));
        assert_eq!((failed.is_fine, &*failed.text), (false, "no\n"));
    }

    #[test]
    fn one_that_is_not_there_and_one_that_never_ends_are_told_apart() {
        let none = said(Command::new("/nonexistent/program"), LIMIT);
        let endless = said(shell("exec tail -f /dev/null"), Duration::from_millis(50));

        assert!(matches!(none, Err(ChildError::NotThere)), "{none:?}");
        assert!(
            matches!(endless, Err(ChildError::TooLong(_))),
            "{endless:?}"
        );
    }

    #[test]
    fn one_that_says_more_than_anyone_reads_ends_all_the_same() {
        let said = said(shell("exec yes"), LIMIT).unwrap();

        assert_eq!(u64::try_from(said.text.len()).unwrap(), LONGEST);
        assert!(!said.is_fine);
    }
}
