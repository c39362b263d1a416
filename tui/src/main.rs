//! Starts `cacctl` and turns its end into an exit code.

use std::process::ExitCode;

use cacctl::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    if cacctl::completion::answer(std::env::args_os().collect()) {
        return ExitCode::SUCCESS;
    }
    cacctl::run(Cli::parse())
}
