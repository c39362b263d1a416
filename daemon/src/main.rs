//! The daemon as a program: flags, logging, exit code.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use cac_common::paths::{Paths, SOCKET_VARIABLE};
use cacd::Parts;
use cacd::card::pcsc::PcscReaders;
use cacd::logging::{self, LogTo};
use cacd::systemd;
use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Watches the smart card readers, reads the Common Access Card that is put in
/// and registers it with the portals described in portals.d.
///
/// Started by systemd as a system service, or by a user for themselves.
#[derive(Debug, Parser)]
#[command(name = "cacd", version)]
struct Flags {
    /// Where to serve.
    #[arg(long, value_name = "PATH", env = SOCKET_VARIABLE)]
    socket: Option<PathBuf>,

    /// Where the database lies.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,

    /// Where cacd.toml, portals.d and trust lie.
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,

    /// Where the log goes. CACD_LOG says how much: info, debug, cacd=trace.
    #[arg(long, value_enum, default_value_t = LogTo::Auto)]
    log: LogTo,
}

/// Threads for work that blocks. Clients that come and go quickly have all of
/// them begun: so these are more than strangers can hold up, and so few that the
/// unit's `TasksMax=` leaves room for those of cards and sign-ins.
const MOST_BLOCKING: usize = 192;

fn main() -> ExitCode {
    match run(Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cacd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    logging::begin(flags.log)?;
    // A core file, or another process of the same user, could read a PIN.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("core files cannot be turned off")?;
    let paths = paths(flags)?;
    let socket =
        systemd::socket_of_systemd().context("what systemd hands over is no socket of ours")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(MOST_BLOCKING)
        .enable_all()
        .build()
        .context("no runtime can be started")?;
    let result = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (ask, reloads) = mpsc::channel(1);
        // In a terminal it says that the terminal is gone.
        if !io::stdin().is_terminal() {
            tokio::spawn(reload_on(signal(SignalKind::hangup())?, ask));
        }
        let parts = Parts {
            socket,
            reloads,
            ..Parts::new(paths, Arc::new(PcscReaders::default()))
        };
        cacd::run(parts, async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await?;
        Ok(())
    });
    // A sign-in that still waits for its portal is not waited for.
    runtime.shutdown_background();
    result
}

async fn reload_on(mut signal: Signal, ask: mpsc::Sender<()>) {
    while signal.recv().await.is_some() {
        // One that waits to be taken serves for this too.
        let _ = ask.try_send(());
    }
}

fn paths(flags: Flags) -> anyhow::Result<Paths> {
    let all_named = flags.socket.is_some() && flags.state.is_some() && flags.config.is_some();
    let usual = if all_named {
        Paths::of_the_system()
    } else {
        let is_root = rustix::process::geteuid().is_root();
        Paths::of_the_daemon(is_root, |name| std::env::var_os(name))?
    };
    Ok(Paths {
        socket: flags.socket.unwrap_or(usual.socket),
        state: flags.state.unwrap_or(usual.state),
        configuration: flags.config.unwrap_or(usual.configuration),
    })
}
