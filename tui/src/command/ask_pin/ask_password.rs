//! A PIN through systemd-ask-password: whatever agent is there shows the
//! question (password agents specification, systemd.io/PASSWORD_AGENTS).

use std::process::Stdio;
use std::time::Duration;

use cac_common::identity::readable;
use cac_common::locked::CAPACITY;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::program::{Asking, Pipes};
use super::{Question, Typed};
use crate::failure::Failure;

const PROGRAM: &str = "systemd-ask-password";

/// It takes its question back by itself so much later than we would have it do.
const GRACE: Duration = Duration::from_secs(5);

/// To say what it can do it needs no longer than this.
const HELP: Duration = Duration::from_secs(5);

/// The most that is read of what it complains about.
const COMPLAINTS: u64 = 1024;

pub(super) async fn ask(question: &Question, limit: Duration) -> Result<Typed, Failure> {
    let mut command = Command::new(PROGRAM);
    if !rustix::process::geteuid().is_root() {
        if !knows_agents_of_users().await? {
            return Err(Failure::NoUserAgents);
        }
        command.arg("--user");
    }
    command
        .args(["--no-tty", "-n", "--icon=auth-smartcard", "--id=cacd:pin"])
        .arg(format!("--timeout={}", (limit + GRACE).as_secs()))
        // Its arguments, and the file that agents find, are seen by everyone.
        .arg(question.nameless())
        .stderr(Stdio::piped());
    let (mut asking, pipes) = Asking::start(command)?;
    tokio::time::timeout(limit, answer(&mut asking, pipes))
        .await
        .unwrap_or(Err(Failure::PinTooLate {
            seconds: limit.as_secs(),
        }))
}

async fn answer(asking: &mut Asking, pipes: Pipes) -> Result<Typed, Failure> {
    let Pipes { input, mut output } = pipes;
    drop(input);
    let mut typed = Typed::new()?;
    while typed.length < CAPACITY {
        // Straight from the pipe to its place.
        let free = &mut typed.text.bytes_mut()[typed.length..];
        match output.read(free).await.map_err(Failure::PinUnreadable)? {
            0 => break,
            read => typed.length += read,
        }
    }
    // It is not to wait for us any more.
    drop(output);
    let mut complaints = String::new();
    if let Some(told) = asking.complaints() {
        // What is no text is nothing to tell.
        let _ = told.take(COMPLAINTS).read_to_string(&mut complaints).await;
    }
    let has_succeeded = asking.has_succeeded().await;
    if has_succeeded.map_err(Failure::PinUnreadable)? || typed.length == CAPACITY {
        Ok(typed)
    } else {
        Err(Failure::PinNotGiven {
            reason: readable(&complaints),
        })
    }
}

/// Since systemd 257 agents of a user can be asked.
async fn knows_agents_of_users() -> Result<bool, Failure> {
    let mut command = Command::new(PROGRAM);
    command
        .arg("--help")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let no = |source| Failure::NoPrompter {
        program: PROGRAM.into(),
        source,
    };
    let help = tokio::time::timeout(HELP, command.output())
        .await
        .unwrap_or(Err(std::io::ErrorKind::TimedOut.into()))
        .map_err(no)?;
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    Ok(help.split_whitespace().any(|word| word == "--user"))
}
