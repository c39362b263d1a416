//! The dashboard and the command line of cacd: without a subcommand the
//! dashboard opens, with one it does that and ends.
//!
//! Opens no database and no reader: all it knows of cards and portals comes over the
//! daemon's socket.

pub mod app;
pub mod ascii;
mod browsers;
pub mod calls;
pub mod changes;
pub mod check;
pub mod clearing;
pub mod cli;
pub mod clock;
pub mod command;
pub mod completion;
pub mod confirmation;
pub mod dashboard;
pub mod failure;
pub mod feed;
mod folders;
pub mod fuzzy;
pub mod glossary;
mod hang_up;
pub mod happening;
mod holders;
pub mod keys;
pub mod outlook;
pub mod paper;
pub mod patience;
pub mod phrase;
pub mod plain;
pub mod possible;
pub mod presence;
pub mod print;
pub mod secret_entry;
pub mod settings;
pub mod setup;
pub mod sheet;
pub mod terminal;
pub mod theme;
pub mod trust;
pub mod update;
pub mod users;
pub mod view;
pub mod waiting;

#[cfg(test)]
#[path = "../tests/support/invented.rs"]
mod invented;

use std::process::ExitCode;

use cac_common::paths::{Paths, socket_to_ask};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::cli::{Cli, Command, Place};
use crate::failure::{Exit, Failure};
use crate::settings::Settings;
use crate::sheet::Sheet;

/// Does what the command line asks for, and says on standard error why it could not.
pub fn run(cli: Cli) -> ExitCode {
    // A PIN passes through here. Where the kernel refuses, its page is still
    // locked and left out of core files.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let is_quiet = cli.bounds.quiet;
    match start(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if failure.is_closed_pipe() {
                return Exit::Fine.into();
            }
            let mut errors = std::io::stderr().lock();
            if is_quiet {
                failure.tell_briefly(&mut errors);
            } else {
                failure.tell(&mut errors);
            }
            failure.exit().into()
        }
    }
}

fn start(cli: Cli) -> Result<Exit, Failure> {
    let Cli {
        options,
        bounds,
        place,
        command,
    } = cli;
    if command.is_some() && place != Place::default() {
        return Err(Failure::PlaceElsewhere);
    }
    if command.is_some() && options.plain {
        return Err(Failure::PlainElsewhere);
    }
    let limit = bounds.limit();
    if limit.is_some() && matches!(command, None | Some(Command::Agent(_))) {
        return Err(Failure::Endless);
    }
    let sheet = Sheet::of_output(&options, bounds, |name| std::env::var_os(name));
    users::learn();
    let socket = socket_to_ask(
        options.socket.clone(),
        |name| std::env::var_os(name),
        std::path::Path::exists,
    );
    if options.theme.as_deref() == Some("list") {
        theme::list(&mut std::io::stdout().lock(), |name| std::env::var_os(name))?;
        return Ok(Exit::Fine);
    }
    theme::check(&options, |name| std::env::var_os(name))?;
    if theme::only_ascii(&options, |name| std::env::var_os(name)) {
        ascii::want();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let ended = runtime.block_on(patience::within(limit, async {
        match command {
            None if options.plain => command::plain::run(socket).await,
            None => {
                let settings = Settings::of_the_user(|name| std::env::var_os(name));
                let settings = settings.map_err(Failure::Settings)?;
                let setting = settings.theme.as_deref();
                let theme = theme::Theme::chosen(&options, setting, |name| std::env::var_os(name))?;
                dashboard::run(socket, theme, place).await
            }
            Some(Command::Status(wanted)) => {
                command::status::run(&socket, &wanted, bounds, sheet).await
            }
            Some(Command::Watch(wanted)) => command::watch::run(socket, &wanted, sheet).await,
            Some(Command::Register(wanted)) => command::register::run(&socket, wanted, sheet).await,
            Some(Command::Wizard(wanted)) => {
                let theme = theme::Theme::bare(&options, |name| std::env::var_os(name));
                command::wizard::run(&socket, wanted, theme, sheet).await
            }
            Some(Command::Agent(wanted)) => command::agent::run(socket, wanted).await,
            Some(Command::Login(wanted)) => {
                // What is in the environment of a login is not all root's.
                let socket = options.socket.unwrap_or(Paths::of_the_system().socket);
                Ok(command::login::run(&socket, &wanted).await)
            }
            Some(Command::Card(wanted)) => command::card::run(&socket, wanted, sheet).await,
            Some(Command::Pin(wanted)) => command::pin::run(&socket, wanted, sheet).await,
            Some(Command::Portal(wanted)) => command::portal::run(&socket, wanted, sheet).await,
            Some(Command::Check(wanted)) => command::check::run(socket, wanted, sheet).await,
            Some(Command::Trust(wanted)) => command::trust::run(&socket, wanted, sheet).await,
            Some(Command::Eligibility(wanted)) => {
                command::eligibility::run(&socket, wanted, sheet).await
            }
            Some(Command::History(wanted)) => command::history::run(&socket, wanted, sheet).await,
            Some(Command::Clear(wanted)) => command::clear::run(&socket, wanted, sheet).await,
            Some(Command::Backup(wanted)) => command::backup::run(&socket, wanted, sheet).await,
            Some(Command::Setup(wanted)) => command::setup::run(socket, wanted, sheet).await,
            Some(Command::Completions { shell }) => command::manual::completions(shell),
            Some(Command::Man { folder }) => command::manual::pages(&folder),
        }
    }));
    // A thread that waits for a line of standard input would keep us here.
    runtime.shutdown_background();
    ended
}
