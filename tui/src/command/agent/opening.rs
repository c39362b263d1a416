//! Opens the dashboard in a terminal of the session.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, Command};

use crate::cli::Place;

/// How the token is handed on that lets a window come to the front
/// (XDG Activation protocol).
const ACTIVATION: &str = "XDG_ACTIVATION_TOKEN";

/// Why no terminal was opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotOpened {
    #[error("no terminal is there: {}", tried.join(", "))]
    NoTerminal { tried: Vec<String> },
    #[error("{program} cannot be started")]
    Failed {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("{program} has ended with {status}")]
    Ended { program: String, status: ExitStatus },
}

/// A terminal that was started.
pub(super) struct Opened {
    pub(super) program: String,
    pub(super) child: Child,
}

/// The programs that open a terminal, each with what goes before the command,
/// in the order in which they are tried.
pub(super) fn terminals(
    chosen: Option<&[String]>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Vec<Vec<OsString>> {
    if let Some(chosen) = chosen {
        return vec![chosen.iter().map(OsString::from).collect()];
    }
    let usual = [&["xdg-terminal-exec"][..], &["x-terminal-emulator", "-e"]];
    let usual = usual.map(|words| words.iter().map(OsString::from).collect());
    let own = variable("TERMINAL").filter(|name| !name.is_empty());
    let own = own.map(|name| vec![name, "-e".into()]);
    usual.into_iter().chain(own).collect()
}

/// This program: where it was started from, or by name if another lies there now.
fn ourselves() -> PathBuf {
    let ourselves = std::env::current_exe();
    let ourselves = ourselves.ok().filter(|path| path.exists());
    ourselves.unwrap_or_else(|| "cacctl".into())
}

pub(super) fn open(
    terminals: &[Vec<OsString>],
    socket: &Path,
    place: &Place,
    activation: Option<&str>,
) -> Result<Opened, NotOpened> {
    let mut tried = Vec::new();
    for words in terminals {
        let Some((program, before)) = words.split_first() else {
            continue;
        };
        let mut command = Command::new(program);
        command
            .args(before)
            .arg(ourselves())
            .arg("--socket")
            .arg(socket)
            // What comes from a card cannot be taken for an option so.
            .args(place.card.iter().map(|card| format!("--card={card}")))
            .args(place.portal.iter().map(|name| format!("--portal={name}")))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        match activation {
            Some(token) => command.env(ACTIVATION, token),
            None => command.env_remove(ACTIVATION),
        };
        let program = program.to_string_lossy().into_owned();
        match command.spawn() {
            Ok(child) => return Ok(Opened { program, child }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => tried.push(program),
            Err(source) => return Err(NotOpened::Failed { program, source }),
        }
    }
    Err(NotOpened::NoTerminal { tried })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terminal_that_was_chosen_is_the_only_one() {
        let none = |_: &str| None;
        let own = |name: &str| (name == "TERMINAL").then(|| OsString::from("foot"));
        let chosen = ["kitty".to_owned(), "--hold".to_owned()];

        assert_eq!(terminals(Some(&chosen), own), [["kitty", "--hold"]]);
        assert_eq!(terminals(None, none).len(), 2);
        assert_eq!(terminals(None, own)[2], ["foot", "-e"]);
    }
}
