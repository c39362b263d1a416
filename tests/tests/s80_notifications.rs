//! The agent tells on the desktop what happens to a card: each thing once, and
//! only what still holds.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use cac_tests::clock;
use cac_tests::harness::{Background, LIMIT, Lab, PORTAL, Plan, ScriptedPinentry, jane, john};
use cac_tests::session_bus::{ADDRESS_VARIABLE, Notified, SessionBus};
use cac_tests::terminal::Size;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait;
use rustix::process::{Pid, Signal, kill_process};

const CAN: &str = "body body-markup actions";

/// Nobody types the PIN, at once or as long as may be asked; or somebody does not want to.
const TIMEOUT: &str = "ERR 83886142 Timeout <Pinentry>\n";
const SILENCE: &str = "S WAITING\n";
const CANCELLED: &str = "ERR 83886179 Operation cancelled <Pinentry>\n";

const DAY: Duration = Duration::from_hours(24);

/// Writes down how it was started, one argument a line.
const TERMINAL: &str =
    "#!/bin/sh\nfor word; do echo \"$word\"; done >>\"$0.args\"\necho started >>\"$0.starts\"\n";

#[test]
fn s80_a_card_is_told_and_what_comes_of_its_pin_and_what_came_true_is_taken_back()
-> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    lab.welcome(samples::jane())?;
    let bus = SessionBus::with_server(CAN)?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), SILENCE)?;
    let _agent = agent(&lab, &bus, &pinentry, &["--pin-timeout", "2"])?;
    let card = jane(CardModel::T1)?;
    runs(&mut lab, &pinentry)?;

    lab.insert(0, &card)?;
    bus.wait_for("New card: DOE, JANE Q")?;
    let needed = bus.wait_for("PIN needed: DOE, JANE Q")?;
    lab.type_pin(0, samples::PIN)?;
    let registered = bus.wait_for("Registered at ")?;
    bus.wait_until_closed(needed.id)?;

    let janes = || -> anyhow::Result<Vec<_>> {
        let told = bus.notifications()?;
        let is_johns = |one: &Notified| one.summary.ends_with("ROE, JOHN");
        Ok(told.into_iter().filter(|one| !is_johns(one)).collect())
    };
    let told = janes()?;
    ensure!(told.len() == 3, "{told:?}");
    ensure!(told[0].summary == "New card: DOE, JANE Q", "{told:?}");
    ensure!(needed.replaces == told[0].id && needed.stays, "{told:?}");
    ensure!(needed.body.contains("3 tries left"), "{needed:?}");
    ensure!(
        registered.body.contains("account jane.q.doe"),
        "{registered:?}"
    );
    // Nothing is told again to who comes back with the same card, but the card.
    lab.take_out(0)?;
    let done = unix_seconds()?;
    wait::wait_until("it is over since a second", LIMIT, || {
        unix_seconds().is_ok_and(|now| now > done)
    })?;
    lab.insert(0, &card)?;
    let again = bus.wait_for("Card recognised: DOE, JANE Q")?;
    ensure!(again.body.contains("Registered at "), "{again:?}");
    lab.wait_until_whole(0)?;
    let told = janes()?;
    ensure!(told.len() == 4, "{told:?}");
    ensure!(!format!("{told:?}").contains("1234567890"), "{told:?}");
    ensure!(bus.closed()? == [needed.id], "{:?}", bus.closed());
    Ok(())
}

#[test]
fn s80_whoever_cancels_is_not_told_that_a_pin_is_needed() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    let bus = SessionBus::with_server(CAN)?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), TIMEOUT)?;
    let agent = agent(&lab, &bus, &pinentry, &[])?;
    let john = runs(&mut lab, &pinentry)?;
    let first = bus.wait_for("PIN needed: ROE, JOHN")?;

    pinentry.answer(CANCELLED)?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    bus.wait_for("New card: DOE, JANE Q")?;
    agent.wait_until_it_says("the prompt was cancelled")?;
    pinentry.answer(TIMEOUT)?;
    lab.take_out(1)?;
    bus.wait_until_closed(first.id)?;
    lab.insert(1, &john)?;
    let needed = wait::wait_for("the other one is needed again", LIMIT, || {
        let told = bus.notifications().ok()?;
        let of_john = |one: &Notified| one.summary == first.summary && one.id != first.id;
        told.into_iter().find(of_john)
    })?;

    let told = bus.notifications()?;
    ensure!(
        !told
            .iter()
            .any(|one| one.summary == "PIN needed: DOE, JANE Q"),
        "{told:?}"
    );
    // Nobody could take it back later.
    let pid = i32::try_from(agent.pid()).ok().and_then(Pid::from_raw);
    kill_process(pid.context("a process has a number")?, Signal::TERM)?;
    bus.wait_until_closed(needed.id)?;
    Ok(())
}

#[test]
fn s80_open_starts_a_terminal_at_the_right_place_and_never_a_second_dashboard() -> anyhow::Result<()>
{
    let mut lab = Lab::start()?;
    let bus = SessionBus::with_server(CAN)?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), CANCELLED)?;
    let script = scripted_terminal(lab.folder())?;
    lab.set_for_the_user(&format!("terminal = [\"{}\", \"--\"]\n", script.display()))?;
    let agent = agent(&lab, &bus, &pinentry, &[])?;
    lab.insert(0, &john(CardModel::T1)?)?;
    let card = lab.wait_for_status(0, "needs PIN")?;
    agent.wait_until_it_says("the prompt was cancelled")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "not found")?;

    let failed = wait::wait_for("it is told", LIMIT, || {
        let told = bus.notifications().ok()?;
        told.into_iter()
            .find(|one| one.summary.ends_with(": not found"))
    })?;
    ensure!(failed.body.contains("does not know you"), "{failed:?}");
    ensure!(
        failed.actions
            == [
                "default",
                "Open",
                "open",
                "Open",
                "tomorrow",
                "Remind me tomorrow"
            ],
        "{failed:?}"
    );
    // What is none of ours, or no action, starts nothing.
    bus.invoke(4711, "open")?;
    bus.invoke(failed.id, "rm -rf")?;
    bus.invoke(failed.id, "open")?;

    let beside = |ending: &str| fs::read_to_string(script.with_extension(ending));
    wait::wait_until("the terminal is started", LIMIT, || {
        beside("starts").is_ok()
    })?;
    let arguments = beside("args")?;
    let words: Vec<&str> = arguments.lines().collect();
    let id = card.id.context("the card has an ID")?;
    let place = [format!("--card={id}"), format!("--portal={PORTAL}")];
    ensure!(
        words[0] == "--" && words[1].ends_with("/cacctl"),
        "{words:?}"
    );
    ensure!(
        words[2] == "--socket" && Path::new(words[3]) == lab.socket(),
        "{words:?}"
    );
    ensure!(words[4..] == place, "{words:?}");

    // What was started so shows the right thing.
    let terminal = lab.terminal(Size {
        columns: 100,
        rows: 30,
    })?;
    let runtime = lab.folder().display();
    terminal.enter(&format!(
        "XDG_RUNTIME_DIR={runtime} {}",
        words[1..].join(" ")
    ))?;
    terminal.shows(&["not found", "does not know you", "555-0100"])?;
    bus.invoke(failed.id, "default")?;
    bus.wait_for("The dashboard is open already")?;
    terminal.write("q")?;
    terminal.is_the_shells_again()?;
    ensure!(beside("starts")?.lines().count() == 1, "a second one");

    // A terminal that is not there is told.
    fs::remove_file(&script)?;
    bus.invoke(failed.id, "default")?;
    let absent = bus.wait_for("The dashboard cannot be opened")?;
    ensure!(absent.body.contains("type cacctl"), "{absent:?}");
    Ok(())
}

#[test]
fn s80_an_end_is_told_once_by_two_agents() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    let bus = SessionBus::with_server(CAN)?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), CANCELLED)?;
    // At noon, as days are counted by the calendar.
    let today = clock::now() - Duration::from_secs(unix_seconds()? % DAY.as_secs());
    let ending = Validity {
        not_before: today - 300 * DAY,
        not_after: today + 13 * DAY + DAY / 2,
    };
    let order = samples::order(Person::jane_doe(), KeyAlgorithm::P256, ending);
    let file = samples::authority().issue_card(&order)?;
    lab.insert(0, &CardHandle::new(&file, CardModel::T1)?)?;
    lab.wait_until_whole(0)?;
    let kept = lab.state_of_the_user().join("cacctl/told.json");

    let first = agent(&lab, &bus, &pinentry, &["--notify", "expiry"])?;
    let told = bus.wait_for("DOE, JANE Q: ")?;
    wait::wait_until("it is written down", LIMIT, || kept.exists())?;
    wait::wait_until("its PIN was asked for", LIMIT, || pinentry.starts() == 1)?;
    drop(first);
    let asked = pinentry.starts();
    let _second = agent(&lab, &bus, &pinentry, &["--notify", "card,expiry"])?;
    wait::wait_until("the other one runs", LIMIT, || pinentry.starts() > asked)?;
    lab.insert(1, &john(CardModel::T1)?)?;
    bus.wait_for("New card: ROE, JOHN")?;

    ensure!(told.summary.contains(" in 13 days"), "{told:?}");
    ensure!(
        told.body.contains("9A Authentication: ends in 13 days"),
        "{told:?}"
    );
    ensure!(
        told.stays && told.actions.contains(&"tomorrow".to_owned()),
        "{told:?}"
    );
    let all = bus.notifications()?;
    let jane = all
        .iter()
        .filter(|one| one.summary.starts_with("DOE, JANE Q: "));
    ensure!(jane.count() == 1, "{all:?}");
    let mode = fs::metadata(&kept)?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "{mode:o}");
    let text = fs::read_to_string(&kept)?;
    for word in ["DOE", "JANE", "1234567890"] {
        ensure!(!text.contains(word), "{word} in {text}");
    }
    Ok(())
}

#[test]
fn s80_in_quiet_hours_nothing_pops_up_and_what_still_holds_is_told_then() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let bus = SessionBus::with_server(CAN)?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), TIMEOUT)?;
    // They end with this minute, or the next if this one is nearly over.
    let seconds = unix_seconds()?;
    let end = (seconds + 20).div_euclid(60) + 1;
    let of_the_day = |minute: u64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let quiet = format!("{}-{}", of_the_day(end - 60), of_the_day(end));
    let agent = agent(&lab, &bus, &pinentry, &["--quiet-hours", &quiet])?;

    lab.insert(0, &jane(CardModel::T1)?)?;
    // It is asked for all the same.
    agent.wait_until_it_says("nobody typed the PIN")?;
    let before = bus.notifications()?;
    let was_quiet = unix_seconds()? < end * 60;
    ensure!(before.is_empty() || !was_quiet, "{before:?}");
    let needed = wait::wait_for("they are over", Duration::from_secs(100), || {
        bus.notifications().ok()?.pop()
    })?;

    let now = unix_seconds()?;
    ensure!(now >= end * 60, "too early");
    ensure!(needed.summary == "PIN needed: DOE, JANE Q", "{needed:?}");
    ensure!(bus.notifications()?.len() == 1, "{:?}", bus.notifications());
    Ok(())
}

#[test]
fn s80_a_bus_and_a_server_that_come_late_go_and_hang_are_found_again() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    let mut bus = SessionBus::new()?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), TIMEOUT)?;
    let agent = agent(&lab, &bus, &pinentry, &["--notify", "pin"])?;
    let needed = "PIN needed: DOE, JANE Q";

    lab.insert(0, &jane(CardModel::T1)?)?;
    agent.wait_until_it_says("the session bus cannot be used")?;
    bus.start()?;
    agent.wait_until_it_says("no notification server is there")?;
    bus.start_server("")?;
    let plain = bus.wait_for(needed)?;
    ensure!(
        plain.body.is_empty() && plain.actions.is_empty(),
        "{plain:?}"
    );
    bus.end_server();
    bus.start_server("body body-markup")?;
    bus.wait_for(needed)?;
    // What somebody has closed is not shown by the next one.
    bus.dismiss(1)?;
    lab.insert(1, &john(CardModel::T1)?)?;
    let other = bus.wait_for("PIN needed: ROE, JOHN")?;
    bus.end_server();
    bus.start_server("body")?;
    bus.wait_for("PIN needed: ROE, JOHN")?;
    ensure!(bus.notifications()?.len() == 1, "{:?}", bus.notifications());

    bus.hang_server(true)?;
    lab.take_out(1)?;
    agent.wait_until_it_says("the notification server does not answer")?;
    bus.hang_server(false)?;
    bus.wait_until_closed(1)?;
    lab.insert(1, &john(CardModel::T1)?)?;
    wait::wait_until("it is told again", LIMIT, || {
        let told = bus.notifications().unwrap_or_default();
        told.iter()
            .filter(|one| one.summary == other.summary)
            .count()
            == 2
    })?;
    let said = String::from_utf8(agent.said()?)?;
    for once in [
        "the session bus cannot be used",
        "the notification server does not answer",
    ] {
        ensure!(said.matches(once).count() == 1, "{said}");
    }
    Ok(())
}

#[test]
fn s80_a_server_that_was_held_up_shows_nothing_twice() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    let bus = SessionBus::with_server(CAN)?;
    let pinentry = ScriptedPinentry::in_folder(lab.folder(), TIMEOUT)?;
    let agent = agent(&lab, &bus, &pinentry, &[])?;
    runs(&mut lab, &pinentry)?;
    bus.wait_for("PIN needed: ROE, JOHN")?;

    bus.hang_server(true)?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    agent.wait_until_it_says("the notification server does not answer")?;
    bus.hang_server(false)?;
    let needed = bus.wait_for("PIN needed: DOE, JANE Q")?;
    lab.take_out(0)?;
    bus.wait_until_closed(needed.id)?;

    let told = bus.notifications()?;
    for summary in ["New card: DOE, JANE Q", "PIN needed: DOE, JANE Q"] {
        let times = told.iter().filter(|one| one.summary == summary).count();
        ensure!(times <= 1, "{summary} {times} times: {told:?}");
    }
    Ok(())
}

#[test]
fn s80_settings_that_cannot_be_used_are_shown_with_their_line() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    lab.set_for_the_user("[notifications]\ndays = [0]\n")?;

    let output = lab.cacctl(&["agent"])?;

    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(2), "{output:?}");
    ensure!(
        said.contains("cacctl.toml:2:8: notifications.days"),
        "{said}"
    );
    Ok(())
}

fn agent(
    lab: &Lab,
    bus: &SessionBus,
    pinentry: &ScriptedPinentry,
    more: &[&str],
) -> anyhow::Result<Background> {
    let program = pinentry.program().display().to_string();
    let arguments = [&["agent", "--pinentry", &program], more].concat();
    let address = bus.address();
    let variables = [(ADDRESS_VARIABLE, address.as_str()), ("TZ", "UTC")];
    lab.cacctl_in_background_with(&arguments, &variables)
}

/// Waits until the agent is there: what happened before is no news to it. John's
/// card in the other reader is what it asks about.
fn runs(lab: &mut Lab, pinentry: &ScriptedPinentry) -> anyhow::Result<CardHandle> {
    let card = john(CardModel::T1)?;
    lab.insert(1, &card)?;
    wait::wait_until("the agent asks", LIMIT, || pinentry.starts() == 1)?;
    Ok(card)
}

fn unix_seconds() -> anyhow::Result<u64> {
    Ok(clock::now().duration_since(UNIX_EPOCH)?.as_secs())
}

fn scripted_terminal(folder: &Path) -> anyhow::Result<PathBuf> {
    let script = folder.join("scripted-terminal");
    fs::write(&script, TERMINAL)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}
