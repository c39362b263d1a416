//! Completes what is being typed in a shell, by what the running daemon knows.
//!
//! The shell calls the program again for every word, so it answers at once or
//! not at all, and says nothing when the daemon is away. What it names, `status`
//! shows the same user.

mod shells;
mod values;

use std::ffi::OsString;
use std::io;

use clap::CommandFactory as _;
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{Shell, env};

use self::shells::{Bash, Zsh};
pub(crate) use self::values::{
    cards, categories, checks, enabled_portals, every_card, portals, readers, slots, themes,
};
use crate::cli::Cli;

/// Names the shell that asks.
const VARIABLE: &str = "CACCTL_COMPLETE";

const SHELLS: Shells<'static> = Shells(&[&Bash, &env::Elvish, &env::Fish, &env::Powershell, &Zsh]);

/// Whether it was a shell that called, which has its answer then.
pub fn answer(arguments: Vec<OsString>) -> bool {
    // Any other command is done whatever the environment says: that of a login
    // is not all root's.
    if arguments.get(1).is_none_or(|first| first != "--") {
        return false;
    }
    let asked = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .shells(SHELLS)
        .try_complete(arguments, None);
    // A shell that cannot be answered has nothing to show for it either.
    asked.unwrap_or(true)
}

/// What a shell has to read first.
pub(crate) fn registration(shell: Shell) -> io::Result<Vec<u8>> {
    let name = shell.to_string();
    let completer = SHELLS
        .completer(&name)
        .ok_or_else(|| io::Error::other(format!("{name} cannot be told")))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "cacctl", "cacctl", "cacctl", &mut script)?;
    Ok(script)
}
