//! What happens is counted, given out as Prometheus reads it, and names nobody.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context as _, ensure};
use cac_common::client::Client;
use cac_common::interface::{GetHistory, Refusal};
use cac_common::reader::ServiceStatus;
use cac_tests::harness::{LIMIT, Lab, as_user, jane, refusal};
use cac_tests::promtool::check_metrics;
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait;
use cacd::metrics::catalogue;

/// `nobody` and `nogroup`.
const NOBODY: (u32, u32) = (65534, 65534);

const WRONG_PIN: &str = "00000000";

const ASKED: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn s90_from_the_card_to_the_portal_all_is_counted_and_nobody_is_named() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let folder = tempfile::tempdir()?;
    let (file, socket) = (folder.path().join("cacd.prom"), folder.path().join("sock"));
    lab.reconfigure(&format!(
        "[metrics]\ntextfile = \"{}\"\nlisten = \"unix:{}\"\n",
        file.display(),
        socket.display()
    ))?;
    wait::wait_until("the socket is there", LIMIT, || socket.exists())?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;

    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, WRONG_PIN)?;
    wait_for_line(&socket, "cacd_pins_refused_total 1")?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    let registered = lab.wait_for_status(0, "registered")?;
    let at = lab.socket();
    let refused = as_user(NOBODY.0, NOBODY.1, async || {
        let mut client = Client::connect(&at).await?;
        refusal(client.history(&GetHistory::newest(1)).await)
    })?;
    assert_eq!(refused, Refusal::NotAtTheSeat);

    let text = scrape(&socket)?;
    for line in [
        "cacd_up 1",
        "cacd_pcscd_up 1",
        "cacd_readers{status=\"card\"} 1",
        "cacd_cards{stage=\"read\"} 1",
        "cacd_registrations{portal=\"reference\",status=\"registered\"} 1",
        "cacd_sign_ins_total{portal=\"reference\",outcome=\"registered\"} 1",
        "cacd_sign_ins_total{portal=\"reference\",outcome=\"pin_refused\"} 1",
        "cacd_sign_in_duration_seconds_count{portal=\"reference\"} 2",
        "cacd_pins_refused_total 1",
        "cacd_requests_refused_total{reason=\"NotAtTheSeat\"} 1",
        "cacd_database_up 1",
        "cacd_configuration_last_load_successful 1",
    ] {
        has(&text, line)?;
    }
    assert!(value(&text, "cacd_pin_prompts_total")? >= 1.0, "{text}");
    assert!(value(&text, "cacd_history_entries")? >= 5.0, "{text}");
    assert!(value(&text, "cacd_database_size_bytes")? > 4096.0, "{text}");
    let last = registered.certificates.iter().map(|one| one.not_after.0);
    let first_end = last.min().context("it has certificates")?;
    let told = value(&text, "cacd_first_certificate_expiry_timestamp_seconds")?;
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact")]
    let left = first_end as f64 - told;
    assert!((0.0..86_400.0).contains(&left), "{left}");

    let registered_line = "cacd_registrations{portal=\"reference\",status=\"registered\"} 1";
    wait::wait_until("the file says so too", LIMIT, || {
        fs::read_to_string(&file).is_ok_and(|text| text.lines().any(|line| line == registered_line))
    })?;
    let written = fs::read_to_string(&file)?;
    let holder = registered.holder.context("the holder is known")?;
    let id = registered.id.context("the card is known")?;
    for given in [&text, &written] {
        check_metrics(given)?;
        for metric in names(given) {
            ensure!(
                catalogue::ALL.iter().any(|known| known.name == metric),
                "{metric} is in no catalogue"
            );
        }
        let of_a_person = [
            "DOE",
            "JANE",
            holder.upn.as_deref().context("she has a UPN")?,
            &holder.dod_id.context("she has a number")?.to_string(),
            &id.0,
            samples::PIN,
            &lab.reader_name(0),
        ]
        .map(str::to_lowercase);
        for word in of_a_person {
            ensure!(!given.to_lowercase().contains(&word), "{word}\n{given}");
        }
    }

    lab.kill_pcscd()?;
    lab.wait_for("pcscd is missed", |snapshot| {
        snapshot.service == ServiceStatus::Away
    })?;
    has(&scrape(&socket)?, "cacd_pcscd_up 0")?;
    lab.start_pcscd_again(&[(0, &card)])?;
    lab.wait_for_status(0, "registered")?;
    has(&scrape(&socket)?, "cacd_pcscd_restarts_total 1")?;

    lab.stop()?;
    let left = fs::read_to_string(&file)?;
    check_metrics(&left)?;
    has(&left, "cacd_up 0")?;
    assert_eq!(names(&left).len(), 1, "{left}");
    assert!(!socket.exists());
    lab.start_again()?;
    wait::wait_until("the file is written again", LIMIT, || {
        fs::read_to_string(&file).is_ok_and(|text| has(&text, "cacd_up 1").is_ok())
    })?;
    Ok(())
}

#[test]
fn s90_the_configuration_says_where_metrics_are_given_out() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let folder = tempfile::tempdir()?;
    let (later, socket) = (folder.path().join("later"), folder.path().join("sock"));
    let (first, second) = (folder.path().join("first.prom"), later.join("second.prom"));
    let textfile = |path: &Path| format!("[metrics]\ntextfile = \"{}\"\n", path.display());

    lab.reconfigure(&textfile(&first))?;
    wait::wait_until("the file is written", LIMIT, || first.exists())?;

    // The folder is not there yet.
    let both = format!(
        "{}listen = \"unix:{}\"\n",
        textfile(&second),
        socket.display()
    );
    lab.reconfigure(&both)?;
    wait::wait_until("the first file is gone", LIMIT, || !first.exists())?;
    lab.wait_for_log("metrics are not written")?;
    let text = scrape(&socket)?;
    has(&text, "cacd_configuration_last_load_successful 1")?;
    fs::create_dir(&later)?;
    // Something happens, after which it is tried again.
    let profile = lab.portal().profile();
    let third = profile.replace("name = \"reference\"", "name = \"third\"");
    lab.write_profile("third", &third)?;
    wait::wait_until("the second file is written", LIMIT, || second.exists())?;
    lab.wait_for_log("metrics can be written again")?;
    assert_eq!(lab.log().matches("metrics are not written").count(), 1);

    // One that is refused leaves what was in force.
    lab.remove_profile("third")?;
    fs::write(
        lab.folder().join("config/cacd.toml"),
        "[metrics]\nlisten = \"0.0.0.0:9811\"\n",
    )?;
    let told = lab.wait_for("the address is refused", |snapshot| {
        !snapshot.problems.is_empty()
    })?;
    assert!(
        told.problems[0].contains("cacd.toml:2:10: metrics.listen stays on this machine"),
        "{told:#?}"
    );
    has(
        &scrape(&socket)?,
        "cacd_configuration_last_load_successful 0",
    )?;

    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    lab.reconfigure(&format!("[metrics]\nlisten = \"{free}\"\n"))?;
    wait::wait_until("the port is there", LIMIT, || {
        TcpStream::connect(free).is_ok()
    })?;
    let answer = ask(TcpStream::connect(free)?, ASKED)?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!socket.exists() && !second.exists());

    lab.reconfigure("")?;
    wait::wait_until("the port is closed", LIMIT, || {
        TcpStream::connect(free).is_err()
    })?;
    Ok(())
}

#[test]
fn s90_who_asks_badly_is_refused_and_holds_up_nobody_for_long() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    lab.reconfigure(&format!("[metrics]\nlisten = \"{free}\"\n"))?;
    wait::wait_until("the port is there", LIMIT, || {
        TcpStream::connect(free).is_ok()
    })?;
    let endless = format!("GET /metrics HTTP/1.1\r\nA: {}", "a".repeat(20_000));

    for (request, status) in [
        ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
        ("GET /socket HTTP/1.1\r\n\r\n", "404"),
        (
            "GET /metrics HTTP/1.1\r\nHost: portal.example\r\n\r\n",
            "421",
        ),
        ("HELO localhost\r\n\r\n", "400"),
    ] {
        let answer = ask(TcpStream::connect(free)?, request)?;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    let mut stream = TcpStream::connect(free)?;
    // It may close before all of it is sent.
    let _ = stream.write_all(endless.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.len() < 200 && !answer.starts_with(b"HTTP/1.1 200"));

    // More of them than are served at one time, and none of them says anything.
    let silent: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(free))
        .collect::<Result<_, _>>()?;
    let answer = ask(TcpStream::connect(free)?, ASKED)?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    drop(silent);
    lab.snapshot()?;
    Ok(())
}

fn ask(mut stream: impl Read + Write, request: &str) -> anyhow::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn scrape(socket: &Path) -> anyhow::Result<String> {
    let answer = ask(UnixStream::connect(socket)?, ASKED)?;
    let (head, text) = answer.split_once("\r\n\r\n").context("it has a body")?;
    ensure!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    ensure!(head.contains("text/plain; version=0.0.4"), "{head}");
    ensure!(
        head.contains(&format!("Content-Length: {}\r\n", text.len())),
        "{head}"
    );
    Ok(text.to_owned())
}

fn wait_for_line(socket: &Path, line: &str) -> anyhow::Result<()> {
    wait::wait_until(line, LIMIT, || {
        scrape(socket).is_ok_and(|text| has(&text, line).is_ok())
    })?;
    Ok(())
}

fn has(text: &str, line: &str) -> anyhow::Result<()> {
    ensure!(text.lines().any(|found| found == line), "{line}\n{text}");
    Ok(())
}

fn value(text: &str, name: &str) -> anyhow::Result<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(line.with_context(|| format!("{name}\n{text}"))?.parse()?)
}

fn names(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect()
}
