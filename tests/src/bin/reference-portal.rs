//! Runs the reference portal by itself, to try cacd against and to break by hand.
//!
//! Each line on standard input sets a fault and is answered with one line.

use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anyhow::Context;
use cac_tests::portal::{
    Demand, Fault, PersonEntry, PortalConfig, ReferencePortal, Resumption, ServerIdentity, Versions,
};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// No fault takes that many bytes to say.
const LONGEST_LINE: u64 = 1024;

/// A portal that lets people in by client certificate and ties their cards to
/// their accounts.
///
/// Reads from standard input what to do: normal (or up), down, slow 5s,
/// status 503 [retry-after 30s], stale. Ends with its input or on SIGTERM.
#[derive(Parser)]
struct Arguments {
    /// Where the database, the trust anchor and the profile go.
    #[arg(long)]
    folder: PathBuf,

    /// On 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8443)]
    port: u16,

    /// The server's certificate and those above it, PEM.
    #[arg(long)]
    server_cert: PathBuf,

    /// PEM.
    #[arg(long)]
    server_key: PathBuf,

    /// What cacd has to trust, PEM; without it, the server's certificate itself.
    #[arg(long)]
    server_ca: Option<PathBuf>,

    /// Who may have issued a client certificate, PEM.
    #[arg(long)]
    client_ca: PathBuf,

    /// `LAST.FIRST.MIDDLE.EDIPI:UPN[:account=NAME][:category=WORD][:forbidden]`
    #[arg(long = "person", value_name = "PERSON")]
    people: Vec<PersonEntry>,

    #[arg(long, value_enum, default_value_t = Tls::Both)]
    tls: Tls,

    /// Answer with a page, instead of failing TLS, if no certificate comes.
    #[arg(long)]
    certificate_optional: bool,

    /// Let a connection take up an earlier TLS session.
    #[arg(long)]
    resumption: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tls {
    #[value(name = "1.2")]
    Only12,
    #[value(name = "1.3")]
    Only13,
    Both,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reference-portal: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let portal = ReferencePortal::start(&config(arguments)?).context("cannot start")?;
    for entry in &arguments.people {
        let upn = &entry.person.upn;
        portal
            .add_person(&entry.person)
            .with_context(|| format!("cannot add {upn}"))?;
        if let Some(account) = &entry.account {
            portal
                .add_account(account, upn)
                .with_context(|| format!("cannot add account {account}"))?;
        }
    }
    let profile = arguments.folder.join("reference.toml");
    fs::write(&profile, portal.profile())
        .with_context(|| format!("cannot write {}", profile.display()))?;

    let mut out = io::stdout();
    writeln!(out, "origin {}", portal.origin())?;
    writeln!(out, "database {}", portal.database().display())?;
    writeln!(out, "profile {}", profile.display())?;
    out.flush()?;

    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(obey(&portal))
}

fn config(arguments: &Arguments) -> anyhow::Result<PortalConfig> {
    let server_ca = arguments
        .server_ca
        .as_deref()
        .unwrap_or(&arguments.server_cert);
    let identity = ServerIdentity {
        chain: read(&arguments.server_cert)?,
        key: read(&arguments.server_key)?,
        anchor: read(server_ca)?,
    };
    let config = PortalConfig::new(&arguments.folder, identity, read(&arguments.client_ca)?);
    Ok(PortalConfig {
        port: arguments.port,
        versions: match arguments.tls {
            Tls::Only12 => Versions::Tls12,
            Tls::Only13 => Versions::Tls13,
            Tls::Both => Versions::Both,
        },
        demand: if arguments.certificate_optional {
            Demand::Optional
        } else {
            Demand::Required
        },
        resumption: if arguments.resumption {
            Resumption::On
        } else {
            Resumption::Off
        },
        ..config
    })
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Does what each line says until there are no more, or SIGTERM or SIGINT comes.
async fn obey(portal: &ReferencePortal) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let (lines, mut inbox) = mpsc::channel(1);
    // Reading standard input cannot be given up, so it gets a thread that the
    // end of the program ends.
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = next_line(&mut input) {
            if lines.blocking_send(line).is_err() {
                break;
            }
        }
    });
    loop {
        tokio::select! {
            line = inbox.recv() => match line {
                Some(Ok(line)) if line.trim().is_empty() => {}
                Some(Ok(line)) => {
                    let mut out = io::stdout();
                    writeln!(out, "{}", answer(portal, &line))?;
                    out.flush()?;
                }
                Some(Err(error)) => return Err(error).context("cannot read standard input"),
                None => return Ok(()),
            },
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
        }
    }
}

fn answer(portal: &ReferencePortal, line: &str) -> String {
    let fault: Fault = match line.parse() {
        Ok(fault) => fault,
        Err(error) => return format!("error: {error}"),
    };
    match portal.set_fault(fault) {
        Ok(()) => format!("ok: {fault}"),
        Err(error) => format!("error: {:#}", anyhow::Error::from(error)),
    }
}

/// Nothing at the end of the input.
fn next_line(input: &mut impl BufRead) -> Option<io::Result<String>> {
    let mut line = Vec::new();
    match input.take(LONGEST_LINE).read_until(b'\n', &mut line) {
        Ok(0) => None,
        Ok(_) => Some(Ok(String::from_utf8_lossy(&line).into_owned())),
        Err(error) => Some(Err(error)),
    }
}
