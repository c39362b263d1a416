//! `cacctl completions` and `cacctl man`: what a package installs beside the program.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::completion;
use crate::failure::{Exit, Failure};

pub fn completions(shell: Shell) -> Result<Exit, Failure> {
    let script = completion::registration(shell).map_err(Failure::Output)?;
    crate::print::bytes(&mut io::stdout().lock(), &script)?;
    Ok(Exit::Fine)
}

/// One page for `cacctl` and one for each subcommand.
pub fn pages(folder: &Path) -> Result<Exit, Failure> {
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|source| Failure::File {
        path: folder.to_owned(),
        source,
    })?;
    Ok(Exit::Fine)
}
