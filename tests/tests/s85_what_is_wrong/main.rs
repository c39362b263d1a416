//! `cacctl check` beside a daemon, readers, cards and a portal that are as they
//! are: the first line that failed is the cause.

mod checked;
mod some;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use cac_common::snapshot::{PinStatus, Stage};
use cac_tests::clock;
use cac_tests::harness::{LIMIT, Lab, PORTAL, jane, john};
use cac_tests::portal::Fault;
use cac_tests::terminal::Size;
use cac_tests::virtual_card::issuer::Authority;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cac_tests::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};

use crate::checked::Checked;

const WRONG: &str = "111111";

/// The first failed line is of this check, and says this.
fn the_cause_is(lab: &Lab, check: &str, says: &str) -> anyhow::Result<Checked> {
    let checked = Checked::of(lab)?;
    let cause = checked.cause(check)?;
    ensure!(cause.contains(says), "{check}: {cause}");
    Ok(checked)
}

#[test]
fn s85_where_all_is_well_nothing_failed_and_the_card_is_seen_by_everyone() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    lab.wait_until_whole(0)?;
    let before = card.log().pin_attempts();

    let checked = Checked::of(&lab)?;

    assert_eq!(checked.failed(), [""; 0], "{checked:#?}");
    for check in [
        "service",
        "version",
        "pcscd-socket",
        "pcscd-access",
        "pcscd-protocol",
        "pcscd",
        "reader",
        "card",
        "card-read",
        "card-kind",
        "certificate",
        "certificate-dates",
        "pin-tries",
        "pkcs11-module",
        "pkcs11-card",
        "configuration",
        "portals",
        "portal-reached",
        "portal",
        "database",
    ] {
        assert_eq!(checked.verdict(check)?, "fine", "{check}: {checked:#?}");
    }
    assert_eq!(card.log().pin_attempts(), before, "no PIN is sent");
    Ok(())
}

#[test]
fn s85_from_the_card_to_the_service_each_cause_is_the_first_line_that_failed() -> anyhow::Result<()>
{
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let checked = the_cause_is(&lab, "card", "is empty")?;
    assert_eq!(checked.exit, Some(1));
    assert_eq!(checked.verdict("portal")?, "not_applicable");
    assert_eq!(checked.verdict("pkcs11-card")?, "not_applicable");

    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let checked = Checked::of(&lab)?;
    assert_eq!(checked.failed(), [""; 0], "{checked:#?}");
    assert_eq!(checked.verdict("portal")?, "warning", "it needs its PIN");
    assert_eq!(checked.exit, Some(4));
    lab.take_out(0)?;
    lab.wait_for("it is out", |it| it.readers[0].card.is_none())?;
    the_cause_is(&lab, "card", "is empty")?;

    lab.kill_pcscd()?;
    let checked = the_cause_is(&lab, "pcscd-socket", "pcscd.comm")?;
    assert_eq!(checked.verdict("pcscd")?, "failed");
    lab.start_pcscd_again(&[])?;

    // It is there and says nothing: stopped, as one that hangs.
    let daemon = lab.pid()?;
    signal(daemon, Signal::STOP)?;
    let checked = the_cause_is(&lab, "service", "")?;
    assert_eq!(checked.exit, Some(3));
    signal(daemon, Signal::CONT)?;
    lab.kill()?;
    let checked = the_cause_is(&lab, "service", "Cannot connect")?;
    assert_eq!(checked.exit, Some(3));
    assert_eq!(checked.verdict("card")?, "not_applicable");
    assert_eq!(
        checked.verdict("pcscd-access")?,
        "fine",
        "it is no daemon's"
    );
    Ok(())
}

fn signal(process: u32, signal: Signal) -> anyhow::Result<()> {
    let process = Pid::from_raw(process.try_into()?).context("it has a number")?;
    Ok(kill_process(process, signal)?)
}

#[test]
fn s85_what_is_wrong_with_a_portal_is_told() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let good = lab.portal().profile();

    lab.portal().set_fault(Fault::Down)?;
    the_cause_is(&lab, "portal-reached", "nothing listens at localhost:")?;
    lab.portal().set_fault(Fault::Normal)?;

    let other = Authority::new(clock::now())?.root_pem();
    let anchor = lab.folder().join("other.pem");
    fs::write(&anchor, other)?;
    let named = good.lines().find(|line| line.starts_with("trust_anchors"));
    let own = named.and_then(|line| line.split('"').nth(1));
    let own = PathBuf::from(own.context("the profile names an anchor")?);
    let with = |anchors: &[&Path]| {
        let named = good.lines().map(|line| {
            if line.starts_with("trust_anchors") {
                format!("trust_anchors = {anchors:?}")
            } else {
                line.to_owned()
            }
        });
        named.collect::<Vec<String>>().join("\n")
    };
    lab.write_profile(PORTAL, &with(&[&anchor]))?;
    lab.reconfigure("")?;
    the_cause_is(&lab, "portal-reached", "is not trusted")?;
    lab.write_profile(PORTAL, &with(&[&own, &anchor]))?;
    lab.reconfigure("")?;
    assert_eq!(Checked::of(&lab)?.verdict("portal-reached")?, "fine");

    lab.write_profile(PORTAL, &good.replace("start = \"/sign-in\"", "start = 5"))?;
    lab.wait_for("the fault is told", |it| !it.problems.is_empty())?;
    the_cause_is(&lab, "configuration", "reference.toml")?;

    lab.remove_profile(PORTAL)?;
    lab.remove_profile("mark")?;
    lab.wait_for("it is gone", |it| it.portals.is_empty())?;
    let checked = the_cause_is(&lab, "portals", "none is")?;
    assert_eq!(checked.verdict("portal")?, "not_applicable");

    let nowhere = good.replace("https://localhost:", "https://no-such-host.invalid:");
    lab.write_profile(PORTAL, &nowhere)?;
    lab.wait_for("it is back", |it| !it.portals.is_empty())?;
    the_cause_is(&lab, "portal-reached", "is not known")?;
    Ok(())
}

#[test]
fn s85_an_expired_card_and_a_blocked_pin_are_told() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let expired = CardHandle::new(samples::expired(), CardModel::T1)?;
    lab.insert(0, &expired)?;
    lab.wait_until_whole(0)?;
    let checked = Checked::of(&lab)?;
    let cause = checked
        .cause("certificate")
        .or_else(|_| checked.cause("certificate-dates"));
    assert!(cause.is_ok(), "{checked:#?}");
    assert_eq!(checked.verdict("card-expiry")?, "failed");

    let blocked = john(CardModel::T1)?;
    // pcscd may miss a card that is swapped while it is busy.
    lab.take_out(0)?;
    lab.insert(0, &blocked)?;
    lab.wait_for_status(0, "needs PIN")?;
    for left in [2, 1] {
        lab.type_pin(0, WRONG)?;
        lab.wait_for_card(0, "a try is gone", |card| {
            card.pin
                == PinStatus::Ready {
                    tries_left: Some(left),
                }
        })?;
    }
    let checked = Checked::of(&lab)?;
    assert_eq!(checked.verdict("pin-tries")?, "warning");
    // Another program spends the last.
    lab.outsider_sends(0, &[cac_tests::harness::select_piv(), wrong_pin()])?;
    lab.take_out(0)?;
    lab.insert(0, &blocked)?;
    lab.wait_for_card(0, "it is blocked", |card| card.pin == PinStatus::Blocked)?;
    lab.wait_until_whole(0)?;
    let checked = the_cause_is(&lab, "pin-tries", "blocked")?;
    assert_eq!(checked.verdict("portal")?, "not_applicable");
    Ok(())
}

/// VERIFY with the application PIN (SP 800-73pt2-5, 3.2.1).
fn wrong_pin() -> Vec<u8> {
    let mut command = vec![0, 0x20, 0, 0x80, 8];
    command.extend(WRONG.bytes());
    command.extend([0xFF, 0xFF]);
    command
}

#[test]
fn s85_whoever_keeps_the_card_is_named() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.kill()?;
    lab.insert(0, &card)?;
    let program = Path::new(env!("CARGO_BIN_EXE_pcsc-client"));
    let mut holder = lab.neighbour(program, 0)?;
    holder.hold()?;
    lab.start_again()?;
    is_held(&lab)?;
    let named = format!("pcsc-client (process {})", holder.pid());
    let checked = the_cause_is(&lab, "card-held", &named)?;
    assert_eq!(checked.verdict("card-read")?, "failed");
    holder.tell("close")?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let checked = Checked::of(&lab)?;
    assert_eq!(checked.failed(), [""; 0], "{checked:#?}");
    Ok(())
}

#[test]
fn s85_gnupgs_scdaemon_is_named_and_lets_go_when_it_is_told() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.kill()?;
    lab.insert(0, &card)?;
    let gnupg = GnuPg::at(&lab)?;
    gnupg.take_the_card()?;
    lab.start_again()?;
    is_held(&lab)?;

    the_cause_is(&lab, "card-held", "scdaemon (process ")?;

    gnupg.tell("gpgconf", &["--kill", "scdaemon"])?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let checked = Checked::of(&lab)?;
    assert_eq!(checked.failed(), [""; 0], "{checked:#?}");
    Ok(())
}

/// GnuPG with a home of its own, which ends with it.
struct GnuPg {
    home: PathBuf,
    pcscd: PathBuf,
}

impl GnuPg {
    fn at(lab: &Lab) -> anyhow::Result<Self> {
        let home = lab.home()?.join(".gnupg");
        fs::create_dir_all(&home)?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&home, mode)?;
        fs::write(home.join("scdaemon.conf"), "disable-ccid\n")?;
        Ok(Self {
            home,
            pcscd: lab.pcscd_socket(),
        })
    }

    fn tell(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(program)
            .args(arguments)
            .env("GNUPGHOME", &self.home)
            .env(cac_tests::pcscd::SOCKET_VARIABLE, &self.pcscd)
            .output()
            .with_context(|| format!("{program} cannot be started"))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// It does not know the card, and keeps it all the same.
    fn take_the_card(&self) -> anyhow::Result<()> {
        // pcscd may not have noticed the card yet.
        wait_until("scdaemon has the card", LIMIT, || {
            let said = self.tell("gpg-connect-agent", &["scd serialno undefined", "/bye"]);
            said.is_ok_and(|said| said.contains("SERIALNO"))
        })?;
        Ok(())
    }
}

impl Drop for GnuPg {
    fn drop(&mut self) {
        let _ = self.tell("gpgconf", &["--kill", "all"]);
    }
}

fn is_held(lab: &Lab) -> anyhow::Result<()> {
    lab.wait_for_card(0, "held by another program", |card| {
        card.stage == Stage::Held
    })?;
    Ok(())
}

#[test]
fn s85_the_report_names_nobody() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    let card = lab.wait_for_status(0, "registered")?;
    let holder = card.holder.context("it is read")?;
    let host = lab.snapshot()?.daemon.host;

    let output = lab.cacctl(&["check", "--report"])?;

    let report = String::from_utf8(output.stdout)?;
    for line in [
        "cacctl   ",
        "cacd     ",
        "system   ",
        "fine      card-read ",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
    let upn = holder.upn.context("it has one")?;
    let id = card.id.context("it is read")?.0;
    for personal in ["DOE", "JANE", "1234567890", "7890", &upn, &id, &host] {
        assert!(!report.contains(personal), "{personal}: {report}");
    }
    Ok(())
}

#[test]
fn s85_in_a_terminal_each_line_turns_into_what_it_comes_to() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let terminal = lab.terminal(Size::ROOMY)?;
    terminal.enter("cacctl check; echo ended with $?")?;
    terminal.shows(&["Mend this first: ", "is empty.", "ended with 1"])?;
    let all = terminal.all_text()?;
    assert!(!all.contains("running"), "{all}");
    for line in [
        "✔ fine      cacd answers",
        "✖ failed    a card is in, and answers",
        "more: cacctl check --explain card",
    ] {
        assert_eq!(all.matches(line).count(), 1, "{line}: {all}");
    }

    // The same texts in a pipe, in the same order.
    let piped = lab.cacctl(&["check"])?;
    let piped = String::from_utf8(piped.stdout)?;
    let of = |text: &str| {
        let lines = text
            .lines()
            .filter(|line| line.starts_with(['✔', '✖', '!', '·', '?']));
        lines
            .map(|line| line.chars().skip(12).take(30).collect())
            .collect::<Vec<String>>()
    };
    assert_eq!(of(&all), of(&piped));
    Ok(())
}
