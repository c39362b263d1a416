//! Portals that cannot be reached, or break off.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use cac_common::cause::Kind;
use cac_tests::harness::LIMIT;
use cac_tests::portal::{ConnectionFault, Fault, Moment, Parting, ReferencePortal, Versions};
use cac_tests::virtual_card::samples;
use cac_tests::wait::wait_until;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::row::{Row, Then, cause};
use crate::stage::{Stage, portal};

fn parted(with: Parting, at: Moment) -> Fault {
    Fault::Connection(ConnectionFault::Parted { with, at })
}

/// The profile of a portal that is somewhere else.
fn moved(portal: &ReferencePortal, to: &str) -> String {
    portal.profile().replace(&portal.origin(), to)
}

fn rows_of_partings<'a>(portal: &'a ReferencePortal, version: &str) -> Vec<Row<'a>> {
    let row = |with: Parting, at| {
        Row::at(portal, format!("{with} at {at}, {version}")).with(parted(with, at))
    };
    [Parting::Close, Parting::Reset]
        .into_iter()
        .flat_map(|with| {
            [
                row(with, Moment::Hello).unreachable(Kind::ConnectionClosed),
                row(with, Moment::Certificate)
                    .rejected(Kind::NotSaid)
                    .saying("closed the connection as soon as it had it"),
            ]
        })
        .collect()
}

#[test]
fn s50_a_portal_that_breaks_off_is_told_by_whether_it_had_the_certificate() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let old = portal(&stage, "portal-12", |config| {
        config.versions = Versions::Tls12;
    })?;
    let new = portal(&stage, "portal-13", |config| {
        config.versions = Versions::Tls13;
    })?;

    stage.play(&rows_of_partings(&old, "TLS 1.2"))?;
    stage.play(&rows_of_partings(&new, "TLS 1.3"))?;
    let row = |portal, version: &str, with: Parting| {
        Row::at(portal, format!("{with} at request, {version}")).with(parted(with, Moment::Request))
    };
    stage.play(&[
        // As Node does, which lets the handshake end in either version.
        row(&old, "TLS 1.2", Parting::Close).rejected(Kind::NotSaid),
        row(&old, "TLS 1.2", Parting::Reset).rejected(Kind::NotSaid),
        row(&new, "TLS 1.3", Parting::Close).rejected(Kind::NotSaid),
        row(&new, "TLS 1.3", Parting::Reset).rejected(Kind::NotSaid),
        Row::at(&new, "cut in the page")
            .with(Fault::Connection(ConnectionFault::Cut { after: 600 }))
            .is("waiting", 1)
            .because(Kind::ConnectionClosed)
            .then(Then::GoesOn),
        Row::at(&new, "in dribs and drabs").with(Fault::Connection(ConnectionFault::Trickle(
            Duration::from_micros(100),
        ))),
    ])?;

    stage.close()
}

#[test]
fn s50_a_portal_that_cannot_be_reached_spends_nothing() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let nowhere = moved(&portal, "https://portal.invalid:8443");
    // Linux says of a multicast address what it says without a network.
    let no_route = moved(&portal, "https://224.0.0.1:8443");

    stage.play(&[
        Row::at(&portal, "refused")
            .with(Fault::Down)
            .unreachable(Kind::ConnectionRefused),
        Row::elsewhere("name unknown", nowhere)
            .unreachable(Kind::NameUnknown)
            .saying("The portal at portal.invalid cannot be reached: its name is not known")
            .then(Then::TriesAgain),
        Row::elsewhere("no route", no_route)
            .unreachable(Kind::NoRoute)
            .saying("no network leads there")
            .then(Then::TriesAgain),
    ])?;

    stage.close()
}

#[test]
fn s50_a_portal_that_never_answers_is_waited_for_and_spends_nothing() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    // Connections are taken by the system, and nobody ever speaks.
    let silent = TcpListener::bind(("127.0.0.1", 0))?;
    let origin = format!("https://localhost:{}", silent.local_addr()?.port());

    stage.play(&[Row::elsewhere("silent", moved(&portal, &origin))
        .unreachable(Kind::NoAnswer)
        .saying("no answer in time")
        .then(Then::TriesAgain)])?;

    stage.close()
}

#[test]
fn s50_a_machine_that_cannot_begin_is_told_as_such_and_spends_nothing() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    portal.set_fault(Fault::Down)?;
    stage.sign_in(&portal.profile())?;
    let before = stage.card.log().pin_attempts();
    let follower = stage.lab.follow()?;
    let daemon = i32::try_from(stage.lab.pid()?)?;
    let daemon = Pid::from_raw(daemon).context("it has a number")?;

    // No file can be opened beside those that are, when it is tried again.
    let none = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Nofile)
    };
    let usual = prlimit(Some(daemon), Resource::Nofile, none)?;
    let mut told = None;
    wait_until("it is told", LIMIT, || {
        told = follower.seen().last().and_then(|snapshot| {
            let card = stage.lab.card(snapshot, 0).ok()?;
            let status = stage.status(&card).ok()?;
            (status.label() == "card failed").then_some(status)
        });
        told.is_some()
    })?;
    prlimit(Some(daemon), Resource::Nofile, usual)?;

    let told = told.context("it is told")?;
    let cause = cause(&told).context("it has a cause")?;
    assert_eq!(cause.kind, Kind::FailedHere);
    assert!(cause.detail.starts_with("This machine lacks"), "{cause}");
    let advice = told.advice().unwrap_or_default();
    assert!(advice.contains("Tell your administrator"), "{advice}");
    assert_eq!(stage.card.log().pin_attempts(), before);

    portal.set_fault(Fault::Normal)?;
    stage.put_in(stage.card.clone())?;
    stage.wait_for("it is due again", |status| status.label() == "needs PIN")?;
    stage.lab.type_pin(0, samples::PIN)?;
    stage.wait_for("it is registered", |status| status.label() == "registered")?;
    stage.close()
}

#[test]
fn s50_a_server_without_tls_is_told_as_such() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let plain = TcpListener::bind(("127.0.0.1", 0))?;
    let origin = format!("https://localhost:{}", plain.local_addr()?.port());
    let server = thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = plain.accept()?;
        let mut hello = [0; 5];
        stream.read_exact(&mut hello)?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    });

    stage.play(&[
        Row::elsewhere("plain HTTP", moved(&portal, &origin)).unsupported(Kind::TlsTrouble)
    ])?;

    let end = server.join().ok().context("it has not panicked")?;
    end?;
    stage.close()
}

#[test]
fn s50_a_proxy_that_leads_nowhere_is_told_and_not_the_portal() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    // Nobody listens where somebody has just ended.
    let gone = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    stage.set_proxy(&format!("http://{gone}"))?;

    stage.play(&[Row::at(&portal, "proxy is down")
        .is("waiting", 0)
        .because(Kind::ProxyRefuses)
        .then(Then::TriesAgain)])?;

    assert_eq!(portal.connections(), 0);
    stage.close()
}
