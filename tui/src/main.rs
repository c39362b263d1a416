//! Starts `cacctl` and turns its end into an exit code.

use std::process::ExitCode;

use cacctl::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    cacctl::run(Cli::parse())
}
