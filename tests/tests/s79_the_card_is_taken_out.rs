//! What becomes of a session of a real logind when its card is taken out of the
//! reader: locked or ended after the time of grace, with a rule for polkit; and
//! left alone by all that only looks like it.

use anyhow::{Context as _, ensure};
use cac_common::reader::ReaderStatus;
use cac_tests::harness::jane;
use cac_tests::system::{STRANGER, Session, System};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait;

const LIMIT: std::time::Duration = cac_tests::harness::LIMIT;

const RULE: &str = "/usr/share/doc/cacd/cacd-session.rules";

/// What a desktop does: it locks itself when it is told to, and says so. That it
/// listens is known when the bus has taken its name away, as it does from monitors.
const DESKTOP: &str = r#"
dbus-monitor --system "type='signal',interface='org.freedesktop.login1.Session',member='Lock',path='$1'" |
while read -r line; do
    case $line in
        *member=NameLost*) touch /run/desktop-listens ;;
        *member=Lock*)
            busctl call org.freedesktop.login1 "$1" org.freedesktop.login1.Session SetLockedHint b true ;;
    esac
done
"#;

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s79_the_session_whose_card_is_taken_out_is_locked_after_the_grace() -> anyhow::Result<()> {
    let mut system = with_settings("on_removal = \"lock\"\nremoval_grace = \"3s\"")?;
    system.does(&["cp", RULE, "/etc/polkit-1/rules.d/"])?;
    let (session, card) = registered_in_a_session(&mut system)?;

    // Back in time, and nothing has happened: shown by what happens next.
    system.take_out(0);
    system.wait_for("the card is out", |seen| {
        let mut readers = seen.readers.iter();
        readers.all(|reader| reader.status == ReaderStatus::Empty)
    })?;
    system.insert(0, &card)?;
    system.wait_for_status(0, "registered")?;
    let before = system.loginctl(&[
        "show-session",
        "--value",
        "--property=LockedHint",
        &session.id,
    ])?;
    // pcscd goes and comes, with the card in it: no removal either.
    system.does(&["systemctl", "restart", "pcscd.service"])?;
    system.wait_for("pcscd is there again, with empty readers", |seen| {
        let mut readers = seen.readers.iter();
        readers.len() == 2 && readers.all(|reader| reader.status == ReaderStatus::Empty)
    })?;
    system.insert(0, &card)?;
    system.wait_for_status(0, "registered")?;
    desktop(&system, &session)?;

    system.take_out(0);

    system.wait_for_session(&session, "LockedHint", "yes")?;
    assert_eq!(before, "no");
    wait::wait_until("it is told", LIMIT, || {
        told(&system).is_ok_and(|told| told.contains("was locked"))
    })?;
    let told = told(&system)?;
    assert_eq!(told.matches("was locked").count(), 1, "{told}");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s79_without_the_rule_nothing_is_done_and_that_is_told() -> anyhow::Result<()> {
    let mut system = with_settings("on_removal = \"terminate\"\nremoval_grace = \"0s\"")?;
    let (session, card) = registered_in_a_session(&mut system)?;

    system.take_out(0);

    wait::wait_until("it is told", LIMIT, || {
        told(&system)
            .is_ok_and(|told| told.contains("could not be ended: polkit does not let cacd"))
    })?;
    let state = system.loginctl(&["show-session", "--value", "--property=State", &session.id])?;
    assert_eq!(state, "active");

    // With it the session ends.
    system.does(&["cp", RULE, "/etc/polkit-1/rules.d/"])?;
    system.does(&["systemctl", "restart", "polkit.service"])?;
    register(&mut system, &card)?;
    system.take_out(0);
    system.wait_for_property(&session.unit, "ActiveState", |state| state != "active")?;
    Ok(())
}

fn with_settings(settings: &str) -> anyhow::Result<System> {
    let system = System::boot()?;
    system.install()?;
    system.introduce_portal()?;
    system.write("/etc/cacd/cacd.toml", &format!("[session]\n{settings}\n"))?;
    system.start()?;
    system.welcome(samples::jane())?;
    Ok(system)
}

/// Somebody at the seat puts a card in and types its PIN.
fn registered_in_a_session(system: &mut System) -> anyhow::Result<(Session, CardHandle)> {
    system.wait_for("the readers are at their seat", |seen| {
        seen.readers.len() == 2 && seen.readers.iter().all(|reader| reader.seat.is_some())
    })?;
    let session = system.session(STRANGER)?;
    system.loginctl(&["activate", &session.id])?;
    system.wait_for_session(&session, "Active", "yes")?;
    let card = jane(CardModel::T1)?;
    register(system, &card)?;
    Ok((session, card))
}

/// With a PIN of theirs, whether or not it is registered already.
fn register(system: &mut System, card: &CardHandle) -> anyhow::Result<()> {
    system.run(&["cacctl", "clear", "--portal", "reference", "--yes"])?;
    system.insert(0, card)?;
    system.wait_for_status(0, "needs PIN")?;
    let types = format!("echo {} | cacctl register", samples::PIN);
    let output = system.run_as(STRANGER, &["sh", "-c", &types])?;
    ensure!(output.status.success(), "{output:?}");
    system.wait_for_status(0, "registered")?;
    Ok(())
}

fn desktop(system: &System, session: &Session) -> anyhow::Result<()> {
    let manager = ["org.freedesktop.login1", "/org/freedesktop/login1"];
    let method = [
        "org.freedesktop.login1.Manager",
        "GetSession",
        "s",
        &session.id,
    ];
    let said = system.does(&[&["busctl", "call"][..], &manager, &method].concat())?;
    // `o "/org/freedesktop/login1/session/c1"`
    let path = said.split('"').nth(1).context("a path is told")?.to_owned();
    let unit = ["systemd-run", "--quiet", "--unit=desktop"];
    system.does(&[&unit[..], &["sh", "-c", DESKTOP, "sh", &path]].concat())?;
    wait::wait_until("the desktop listens", LIMIT, || {
        system.does(&["test", "-e", "/run/desktop-listens"]).is_ok()
    })?;
    Ok(())
}

/// The history, as root sees it.
fn told(system: &System) -> anyhow::Result<String> {
    system.does(&["cacctl", "history", "--json"])
}
