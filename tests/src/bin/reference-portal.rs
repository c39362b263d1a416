//! Runs the reference portal by itself, to try cacd against and to break by hand.
//!
//! Each line on standard input sets a fault and is answered with one line.

use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use axum::http::StatusCode;
use cac_tests::portal::{
    Demand, Fault, Given, Host, Layout, Lockout, NotAFault, PersonEntry, PortalConfig,
    ReferencePortal, Renewal, Resumption, ServerIdentity, Terms, TiedBy, Versions, duration,
};
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// No fault takes that many bytes to say.
const LONGEST_LINE: u64 = 1024;

/// A portal that lets people in by client certificate and ties their cards to
/// their accounts.
///
/// Reads from standard input what to do and answers each line. Ends with its
/// input or on SIGTERM.
#[derive(Parser)]
#[command(after_help = said_on_standard_input())]
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

    /// `LAST.FIRST.MIDDLE.EDIPI:UPN[:account=NAME][:password=WORD][:category=WORD][:forbidden]`
    #[arg(long = "person", value_name = "PERSON")]
    people: Vec<PersonEntry>,

    #[arg(long, value_enum, default_value_t = Tls::Both)]
    tls: Tls,

    /// Answer with a page, instead of failing TLS, if no certificate comes.
    #[arg(long)]
    certificate_optional: bool,

    /// The same if one comes that will not do.
    #[arg(long)]
    certificate_unverified: bool,

    /// Let a connection take up an earlier TLS session.
    #[arg(long)]
    resumption: bool,

    /// One host, or one that asks for the card and one that has the accounts,
    /// with a token that travels in an address or in a form.
    #[arg(long, value_enum, default_value_t = Hosts::One)]
    hosts: Hosts,

    /// The port of the host that has the accounts, if there are two; 0 takes a free one.
    #[arg(long, default_value_t = 8444)]
    account_port: u16,

    /// What that host is called; the server's certificate has to cover it.
    #[arg(long, default_value = "localhost")]
    account_name: String,

    /// What the account of a card is found by.
    #[arg(long, value_enum, default_value_t = Tied::Upn)]
    tied_by: Tied,

    /// Whether another card of the same account is registered by itself, or
    /// refused until it is registered by hand.
    #[arg(long, value_enum, default_value_t = Renewed::ByItself)]
    renewal: Renewed,

    /// How many cards an account may have.
    #[arg(long)]
    most_cards: Option<u32>,

    /// How many wrong passwords in a row lock an account.
    #[arg(long, default_value_t = Lockout::default().after)]
    lock_after: u32,

    /// For how long, such as 90s or 15m.
    #[arg(long, default_value = "15m", value_parser = duration)]
    lock_for: Duration,

    /// The HTTP status of the page that says so, such as 200 or 423.
    #[arg(long, default_value = "200")]
    lock_status: StatusCode,

    /// A text to be accepted before signing in.
    #[arg(long)]
    notice: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Hosts {
    One,
    Two,
    TwoByForm,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tied {
    Upn,
    Edipi,
    Subject,
}

#[derive(Clone, Copy, ValueEnum)]
enum Renewed {
    ByItself,
    ByHand,
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
            if let Some(password) = &entry.password {
                portal.set_password(account, password)?;
            }
        }
    }
    let profile = arguments.folder.join("reference.toml");
    fs::write(&profile, portal.full_profile())
        .with_context(|| format!("cannot write {}", profile.display()))?;

    let mut out = io::stdout();
    writeln!(out, "origin {}", portal.origin())?;
    writeln!(out, "database {}", portal.database().display())?;
    writeln!(out, "profile {}", profile.display())?;
    match arguments.hosts {
        Hosts::One => {}
        Hosts::Two | Hosts::TwoByForm => {
            writeln!(out, "account {}", portal.origin_of(Host::Account))?;
        }
    }
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
        demand: match (
            arguments.certificate_unverified,
            arguments.certificate_optional,
        ) {
            (true, _) => Demand::Unverified,
            (false, true) => Demand::Optional,
            (false, false) => Demand::Required,
        },
        resumption: if arguments.resumption {
            Resumption::On
        } else {
            Resumption::Off
        },
        layout: match arguments.hosts {
            Hosts::One => Layout::OneOrigin,
            Hosts::Two => Layout::TwoOrigins,
            Hosts::TwoByForm => Layout::TwoOriginsByForm,
        },
        account_port: arguments.account_port,
        account_name: arguments.account_name.clone(),
        terms: terms(arguments),
        notice: arguments.notice.clone(),
        ..config
    })
}

fn terms(arguments: &Arguments) -> Terms {
    Terms {
        tied_by: match arguments.tied_by {
            Tied::Upn => TiedBy::Upn,
            Tied::Edipi => TiedBy::Edipi,
            Tied::Subject => TiedBy::Subject,
        },
        renewal: match arguments.renewal {
            Renewed::ByItself => Renewal::ByItself,
            Renewed::ByHand => Renewal::ByHand,
        },
        most_cards: arguments.most_cards,
        lockout: Lockout {
            after: arguments.lock_after,
            lasts: arguments.lock_for,
            status: arguments.lock_status,
        },
        given: Given::default(),
    }
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
    match told(portal, line) {
        Ok(done) => format!("ok: {done}"),
        Err(error) => format!("error: {error:#}"),
    }
}

/// Does one thing, and says what it was.
fn told(portal: &ReferencePortal, line: &str) -> anyhow::Result<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["pass", time] => {
            let time = duration(time).context("expected a time, such as 10m")?;
            portal.let_pass(time);
            Ok(format!("pass {}s", time.as_secs()))
        }
        ["lock", account, time] => {
            let time = duration(time).context("expected a time, such as 10m")?;
            portal.lock(account, time)?;
            Ok(format!("lock {account} {}s", time.as_secs()))
        }
        ["notice", text @ ..] => {
            let text = text.join(" ");
            portal.set_notice(Some(text.as_str()).filter(|text| !text.is_empty()));
            Ok(format!("notice {text}"))
        }
        ["at", host, fault @ ..] => {
            let host: Host = host.parse()?;
            let fault: Fault = fault.join(" ").parse()?;
            portal.set_fault_at(host, fault)?;
            Ok(format!("at {host} {fault}"))
        }
        _ => {
            let fault: Fault = line.parse()?;
            portal.set_fault(fault)?;
            Ok(fault.to_string())
        }
    }
}

fn said_on_standard_input() -> String {
    format!(
        "On standard input, one a line:\n  \
         a fault: {}\n  \
         at sign-in|account FAULT: the same at one of two hosts\n  \
         pass 10m: the portal's clock goes forward\n  \
         lock ACCOUNT 10m: as too many wrong passwords do\n  \
         notice [TEXT]: what has to be accepted before signing in, if anything",
        NotAFault::words()
    )
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
