//! The life of the service: started by its socket or without one, before pcscd
//! and without it, for one user, reloaded, and told of in the journal.

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_common::reader::ServiceStatus;
use cac_tests::harness::{LIMIT, jane};
use cac_tests::portal::Fault;
use cac_tests::system::{ADMINISTRATOR, SERVICE, STRANGER, System};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait;
use rustix::fs::OFlags;
use rustix::time::{ClockId, clock_gettime};

const SOCKET: &str = "cacd.socket";

/// Of `daemon/src/journal.rs`.
const READY: &str = "24bf271ca5694863a1a3e32320ae6411";
const LEFT_UNDONE: &str = "8dc791a45b4e42e0b9fae537764005a6";
const OTHERS_DATA_SEEN: &str = "6211efd8d459070cdd725eb1b1a45d0f";
const REQUEST_REFUSED: &str = "e582a05bcff14a4aa51f57f53f9efb99";
const REGISTERED: &str = "11e0c4d9c2e34c12ab6439afdfc67150";
const CONFIGURATION_REFUSED: &str = "635917e786694879a59cd0137df06e78";

/// The same unit, which waits less long for a start.
const IMPATIENT: &str = "[Service]\nTimeoutStartSec=8s\nRestart=no\n";
const PATIENCE: Duration = Duration::from_secs(8);

/// Of the unit, for one that works for its user.
const USER_UNIT: &str = "/usr/share/doc/cacd/examples/user-cacd.service";

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_the_first_who_connects_starts_the_service_and_its_restart_is_waited_for()
-> anyhow::Result<()> {
    let system = System::with_cacd()?;
    let socket = system.path("/run/cacd/socket");
    let inode = socket.metadata()?.ino();
    assert_eq!(system.property(SOCKET, "ActiveState")?, "active");

    system.does(&["systemctl", "stop", SERVICE])?;
    assert_eq!(system.property(SERVICE, "ActiveState")?, "inactive");
    system.does(&["cacctl", "status", "--quiet"])?;
    assert_eq!(system.property(SERVICE, "ActiveState")?, "active");

    // Again and again, while the service comes and goes.
    let asks = "for i in $(seq 20); do cacctl status --quiet || exit 1; done";
    let restarts = "for i in $(seq 3); do systemctl restart cacd.service || exit 1; done";
    system.does(&["sh", "-ec", &format!("({asks}) & {restarts}; wait $!")])?;

    assert_eq!(socket.metadata()?.ino(), inode, "it is the same all along");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_a_database_that_takes_longer_than_systemd_waits_for_a_start_is_given_the_time()
-> anyhow::Result<()> {
    let system = System::with_cacd()?;
    system.does(&["systemctl", "stop", SERVICE])?;
    // Opening it lasts until somebody reads.
    let database = "/var/lib/cacd/cacd.db";
    system.does(&[
        "sh",
        "-ec",
        &format!("rm {database}; mkfifo {database}; chown cacd: {database}"),
    ])?;
    system.write("/run/systemd/system/cacd.service.d/test.conf", IMPATIENT)?;
    system.does(&["systemctl", "daemon-reload"])?;

    system.does(&["systemctl", "start", "--no-block", SERVICE])?;
    system.wait_for_property(SERVICE, "ActiveState", |state| state == "activating")?;
    let began = system.property(SERVICE, "ExecMainStartTimestampMonotonic")?;
    let given_up = Duration::from_micros(began.parse()?) + PATIENCE + PATIENCE / 2;
    wait::wait_until("systemd would have given up", LIMIT, || {
        Duration::try_from(clock_gettime(ClockId::Monotonic)).is_ok_and(|now| now > given_up)
    })?;
    assert_eq!(system.property(SERVICE, "ActiveState")?, "activating");
    let _read = File::options()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(system.path(database))?;

    system.wait_for_property(SERVICE, "SubState", |state| state == "running")?;
    assert_eq!(system.property(SERVICE, "NRestarts")?, "0");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_without_the_unit_of_its_socket_the_service_makes_one() -> anyhow::Result<()> {
    let system = System::with_cacd()?;
    let socket = system.path("/run/cacd/socket");
    let inode = socket.metadata()?.ino();
    system.does(&["systemctl", "mask", "--now", SOCKET])?;
    system.does(&["systemctl", "stop", SERVICE])?;

    system.does(&["systemctl", "start", SERVICE])?;
    let status = system.run_as(STRANGER, &["cacctl", "status"])?;
    assert!(status.status.success(), "{status:?}");
    assert_ne!(socket.metadata()?.ino(), inode, "it is another one");

    system.does(&["systemctl", "stop", SERVICE])?;
    assert!(!socket.exists());
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_started_before_pcscd_it_finds_it_later_and_goes_on_without_it() -> anyhow::Result<()> {
    const PCSCD: [&str; 2] = ["pcscd.socket", "pcscd.service"];
    let system = System::boot()?;
    system.install()?;
    system.does(&[&["systemctl", "mask", "--now"][..], &PCSCD].concat())?;

    system.start()?;
    system.wait_for("nobody answers", |snapshot| {
        snapshot.service == ServiceStatus::Away
    })?;
    let status = system.wait_for_property(SERVICE, "StatusText", |status| {
        status.contains("pcscd does not answer")
    })?;
    assert!(status.starts_with("0 readers, 0 cards"), "{status}");
    let daemon = system.property(SERVICE, "MainPID")?;
    system.does(&[&["systemctl", "unmask"][..], &PCSCD].concat())?;
    system.does(&["systemctl", "start", PCSCD[0]])?;
    system.wait_for("the readers are found", |snapshot| {
        snapshot.readers.len() == 2
    })?;

    system.wait_for_property(SERVICE, "StatusText", |status| {
        status == "2 readers, 0 cards, 0 need a PIN"
    })?;
    assert_eq!(system.property(SERVICE, "MainPID")?, daemon);
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_a_reload_with_a_broken_file_changes_nothing_and_says_the_line() -> anyhow::Result<()> {
    let system = System::with_cacd()?;
    let daemon = system.property(SERVICE, "MainPID")?;
    system.write("/etc/cacd/cacd.toml", "[pin]\nkeep = \"for ever\"\n")?;
    system.does(&["rm", "/etc/cacd/portals.d/reference.toml"])?;

    system.does(&["systemctl", "reload", SERVICE])?;
    let status = system.property(SERVICE, "StatusText")?;
    assert!(
        status.contains("configuration at fault: /etc/cacd/cacd.toml:2:8:"),
        "{status}"
    );
    let kept = system.wait_for("the fault is told", |snapshot| {
        !snapshot.problems.is_empty()
    })?;
    assert_eq!(kept.portals.len(), 1, "as before");
    assert_eq!(system.property(SERVICE, "ActiveState")?, "active");
    let explained = explained(&system, CONFIGURATION_REFUSED)?;
    assert!(
        explained.contains("so nothing of it came into force"),
        "{explained}"
    );

    system.write("/etc/cacd/cacd.toml", "[pin]\nkeep = \"visit\"\n")?;
    system.does(&["systemctl", "reload", SERVICE])?;
    let status = system.property(SERVICE, "StatusText")?;
    assert!(!status.contains("fault"), "{status}");
    system.wait_for("all of it is in force", |snapshot| {
        snapshot.problems.is_empty() && snapshot.portals.is_empty()
    })?;
    assert_eq!(system.property(SERVICE, "MainPID")?, daemon);
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_what_happens_is_told_the_journal_in_fields_and_names_nobody() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    system.register(0, &card, samples::PIN)?;
    // cacctl would not even ask.
    let ask = ["varlinkctl", "call", "unix:/run/cacd/socket"];
    let asked = ["org.cacd1.GetHistory", r#"{"limit": 1}"#];
    let refused = system.run_as(STRANGER, &[&ask[..], &asked].concat())?;
    ensure!(!refused.status.success(), "{refused:?}");

    let ready = entry(&system, READY)?;
    assert_eq!(ready["SOCKET"], "/run/cacd/socket");
    let registered = entry(&system, REGISTERED)?;
    assert_eq!(registered["PORTAL"], "reference");
    let edipi = format!("{:010}", samples::jane().person.edipi);
    assert_eq!(registered["DOD_ID_TAIL"], edipi[6..]);
    assert!(!registered.to_string().contains(&edipi), "{registered}");
    assert!(!registered.to_string().contains("DOE"), "{registered}");
    // Whoever installs and asks here is root.
    let tail = format!("DOD_ID_TAIL={}", &edipi[6..]);
    let seen = entry_with(&system, OTHERS_DATA_SEEN, &[&tail])?;
    assert_eq!(seen["UID"], "0");
    assert!(seen["CARD"].is_string(), "{seen}");
    assert!(!seen.to_string().contains(&edipi), "{seen}");
    assert!(!seen.to_string().contains("DOE"), "{seen}");
    let refused = entry(&system, REQUEST_REFUSED)?;
    let stranger = system.does(&["id", "--user", STRANGER])?;
    assert_eq!(refused["UID"], stranger);
    assert_eq!(refused["REQUEST"], "org.cacd1.GetHistory");
    let explained = explained(&system, REQUEST_REFUSED)?;
    let says = format!("number {stranger} asked for org.cacd1.GetHistory");
    assert!(explained.contains(&says), "{explained}");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_it_stops_at_once_and_tells_what_it_leaves_undone() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::jane())?;
    system.wait_for("the readers are seen", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    let card = jane(CardModel::T1)?;
    system.insert(0, &card)?;
    system.wait_for_status(0, "needs PIN")?;
    system
        .portal()
        .set_fault(Fault::Slow(Duration::from_mins(1)))?;
    system.type_pin(0, samples::PIN)?;
    system.wait_for_status(0, "signing in")?;

    // Whatever takes longer is killed, and the unit has failed.
    let quick = "[Service]\nTimeoutStopSec=2s\n";
    system.write("/run/systemd/system/cacd.service.d/quick.conf", quick)?;
    system.does(&["systemctl", "daemon-reload"])?;
    system.does(&["systemctl", "stop", SERVICE])?;

    assert_eq!(system.property(SERVICE, "Result")?, "success");
    let undone = entry(&system, LEFT_UNDONE)?;
    assert_eq!(undone["PORTAL"], "reference");
    assert_eq!(undone["MESSAGE"], "signing in is given up");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s75_a_user_runs_it_for_themselves() -> anyhow::Result<()> {
    let system = System::boot()?;
    system.install()?;
    let session = system.session(STRANGER)?;
    system.loginctl(&["activate", &session.id])?;
    system.wait_for_session(&session, "Active", "yes")?;
    let uid = system.does(&["id", "--user", STRANGER])?;
    let folder = format!("XDG_RUNTIME_DIR=/run/user/{uid}");
    let does = |command: &[&str]| {
        let output = system.run_as(STRANGER, &[&["env", &folder], command].concat())?;
        ensure!(output.status.success(), "{command:?}: {output:?}");
        Ok(String::from_utf8(output.stdout)?)
    };

    let units = format!("/home/{STRANGER}/.config/systemd/user");
    does(&[
        "install",
        "-D",
        "-m",
        "0644",
        USER_UNIT,
        &format!("{units}/cacd.service"),
    ])?;
    does(&["systemctl", "--user", "daemon-reload"])?;
    does(&["systemctl", "--user", "enable", "--now", "cacd.service"])?;
    let waited = does(&[
        "cacctl",
        "status",
        "--wait-for",
        "no-card",
        "--timeout",
        "20",
    ])?;
    assert!(waited.contains("Virtual PCD 00 00"), "{waited}");
    does(&["systemctl", "--user", "reload", "cacd.service"])?;

    let state = format!("/home/{STRANGER}/.local/state/cacd/cacd.db");
    assert!(system.path(&state).exists());
    assert_eq!(system.property(SERVICE, "ActiveState")?, "inactive");
    does(&["systemctl", "--user", "stop", "cacd.service"])?;
    assert!(!system.path(&format!("/run/user/{uid}/cacd")).exists());
    let others = system.run_as(ADMINISTRATOR, &["cacctl", "status"])?;
    assert!(!others.status.success(), "it was for its user alone");
    Ok(())
}

/// The last entry of the service with this number, with all its fields.
fn entry(system: &System, message: &str) -> anyhow::Result<serde_json::Value> {
    entry_with(system, message, &[])
}

/// And with these fields.
fn entry_with(
    system: &System,
    message: &str,
    fields: &[&str],
) -> anyhow::Result<serde_json::Value> {
    system.does(&["journalctl", "--sync"])?;
    let id = format!("MESSAGE_ID={message}");
    let last = ["--boot", "--all", "--output=json", "--lines=1", &id];
    let line = system.does(&[&["journalctl", "--unit", SERVICE][..], &last, fields].concat())?;
    serde_json::from_str(&line).with_context(|| format!("no entry {message}: {line:?}"))
}

/// What `journalctl -x` says of the last of them.
fn explained(system: &System, message: &str) -> anyhow::Result<String> {
    system.does(&["journalctl", "--sync"])?;
    let id = format!("MESSAGE_ID={message}");
    let last = ["--boot", "--catalog", "--lines=1", "--no-pager", &id];
    system.does(&[&["journalctl", "--unit", SERVICE][..], &last].concat())
}
