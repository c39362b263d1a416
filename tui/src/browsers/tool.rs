//! Programs of others, run to their end with a limit on time and output.

use std::ffi::OsStr;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use cac_common::identity::readable;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// With this in its environment a program finds no pcscd. NSS's tools load each
/// module that a database lists, which would read the card at every call, and
/// wait where another program holds it.
pub(crate) const NO_CARD: (&str, &str) = ("PCSCLITE_CSOCK_NAME", "/dev/null");

/// A module that is added is loaded.
const LIMIT: Duration = Duration::from_secs(30);

/// The certificates of the DoD's bundle have 120 kB.
const LARGEST_OUTPUT: u64 = 4 * 1024 * 1024;

/// Of what it says is wrong, for a sentence.
const LONGEST_SAID: usize = 300;

#[derive(Debug, thiserror::Error)]
pub enum ToolFault {
    #[error("{program} is not installed")]
    Missing { program: String },
    #[error("{program} cannot be run")]
    Io {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} had not ended after {} s", LIMIT.as_secs())]
    TooLong { program: String },
    #[error("{program} says too much")]
    TooMuch { program: String },
    #[error("{program} says: {said}")]
    Failed { program: String, said: String },
}

/// What it writes to standard output, if it ends well. It reads nothing.
pub(crate) async fn run<A: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<Vec<u8>, ToolFault> {
    let io = |source| ToolFault::Io {
        program: program.to_owned(),
        source,
    };
    let mut child = Command::new(program)
        .args(arguments)
        // What it says is read here.
        .env("LC_ALL", "C")
        // OpenSC would make a folder at home for copies of certificates.
        .env("XDG_CACHE_HOME", "/dev/null")
        .env(NO_CARD.0, NO_CARD.1)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                return ToolFault::Missing {
                    program: program.to_owned(),
                };
            }
            io(source)
        })?;
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let ended = tokio::time::timeout(LIMIT, async {
        let (output, errors) = tokio::join!(take(output), take(errors));
        Ok::<_, io::Error>((output?, errors?, child.wait().await?))
    });
    let (output, errors, status) = match ended.await {
        Ok(ended) => ended.map_err(io)?,
        Err(_) => {
            return Err(ToolFault::TooLong {
                program: program.to_owned(),
            });
        }
    };
    let (Some(output), Some(errors)) = (output, errors) else {
        return Err(ToolFault::TooMuch {
            program: program.to_owned(),
        });
    };
    if status.success() {
        return Ok(output);
    }
    let said = [errors, output].concat();
    Err(ToolFault::Failed {
        program: program.to_owned(),
        said: in_a_sentence(&said),
    })
}

/// None where it is too much.
async fn take(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let mut pipe = pipe.take(LARGEST_OUTPUT + 1);
        pipe.read_to_end(&mut bytes).await?;
    }
    Ok((bytes.len() as u64 <= LARGEST_OUTPUT).then_some(bytes))
}

fn in_a_sentence(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let words: Vec<&str> = said.split_whitespace().collect();
    let said: String = words.join(" ").chars().take(LONGEST_SAID).collect();
    if said.is_empty() {
        return "nothing, and failed".into();
    }
    readable(&said)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str) -> Result<Vec<u8>, ToolFault> {
        run("sh", ["-c", script]).await
    }

    #[tokio::test]
    async fn what_a_program_writes_is_given_back() {
        assert_eq!(sh("printf a; printf b >&2").await.unwrap(), b"a");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_quoted() {
        let fault = sh("echo 'no  such'; echo thing >&2; exit 3").await;

        assert_eq!(fault.unwrap_err().to_string(), "sh says: thing no such");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_missing() {
        let fault = run("cacctl-no-such-program", [""; 0]).await;

        assert!(matches!(fault, Err(ToolFault::Missing { .. })));
    }

    #[tokio::test]
    async fn a_program_that_says_too_much_is_not_listened_to() {
        let fault = sh("head -c 5000000 /dev/zero").await;

        assert!(matches!(fault, Err(ToolFault::TooMuch { .. })));
    }
}
