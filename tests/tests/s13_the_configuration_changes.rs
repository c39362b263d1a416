//! Settings and profiles are changed while the daemon runs.

use std::fs;

use anyhow::Context as _;
use cac_common::snapshot::Snapshot;
use cac_tests::harness::{Lab, PORTAL, john};
use cac_tests::virtual_card::{CardModel, samples};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn s13_a_broken_profile_is_told_with_its_line_and_the_last_good_one_stays() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    let good = lab.portal().profile();
    let broken = good.replace("start = \"/sign-in\"", "start = 5");
    let line = 1 + broken
        .lines()
        .position(|line| line == "start = 5")
        .unwrap_or_default();

    lab.write_profile(PORTAL, &broken)?;
    let told = lab.wait_for("the fault is told", |snapshot| {
        !snapshot.problems.is_empty()
    })?;

    assert_eq!(told.problems.len(), 1);
    let problem = &told.problems[0];
    assert!(
        problem.contains(&format!("reference.toml:{line}:")),
        "{problem}"
    );
    assert!(
        problem.contains("start = 5") && problem.contains('^'),
        "{problem}"
    );
    assert_eq!(titles(&told), ["Reference portal"]);
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(
        lab.portal().registrations()?.len(),
        1,
        "by the last good one"
    );

    lab.write_profile(PORTAL, &good)?;
    lab.wait_for("the fault is gone", |snapshot| snapshot.problems.is_empty())?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(lab.wait_for_entries("reference.toml", 1)?.len(), 1);
    Ok(())
}

#[test]
fn s13_a_new_portal_appears_and_one_taken_away_goes() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;

    lab.write_profile("second", &another(&lab, "second"))?;
    let shown = lab.wait_for("the new portal is shown", |snapshot| {
        labels(&lab, snapshot) == ["registered", "needs PIN"]
    })?;
    assert_eq!(titles(&shown), ["Reference portal", "Portal second"]);
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for("both know the card", |snapshot| {
        labels(&lab, snapshot) == ["registered", "registered"]
    })?;

    lab.remove_profile("second")?;
    let shown = lab.wait_for("it is gone", |snapshot| snapshot.portals.len() == 1)?;
    assert_eq!(titles(&shown), ["Reference portal"]);
    assert_eq!(labels(&lab, &shown), ["registered"]);
    Ok(())
}

#[test]
fn s13_how_long_a_pin_is_kept_can_be_changed() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    // As it comes, a PIN is kept for the sign-in alone.
    lab.write_profile("second", &another(&lab, "second"))?;
    lab.wait_for("the second portal wants a PIN", |snapshot| {
        labels(&lab, snapshot) == ["registered", "needs PIN"]
    })?;
    assert_eq!(card.log().pin_attempts(), 1);

    lab.reconfigure("[pin]\nkeep = \"visit\"\n")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for("the second portal has it", |snapshot| {
        labels(&lab, snapshot) == ["registered", "registered"]
    })?;
    lab.write_profile("third", &another(&lab, "third"))?;
    lab.wait_for("the third portal needs nobody", |snapshot| {
        labels(&lab, snapshot) == ["registered"; 3]
    })?;
    assert_eq!(card.log().pin_attempts(), 3);
    assert_eq!(lab.wait_for_entries("PIN typed", 2)?.len(), 2);

    Ok(())
}

#[test]
fn s13_what_is_read_comes_into_force_as_a_whole_or_not_at_all() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let settings = lab.folder().join("config/cacd.toml");

    fs::write(&settings, "[pin]\nkeep = \"for ever\"\n")?;
    let told = lab.wait_for("a setting that cannot be is told", |snapshot| {
        !snapshot.problems.is_empty()
    })?;
    assert!(told.problems[0].contains("cacd.toml:2:8"), "{told:#?}");
    lab.write_profile("second", &another(&lab, "second"))?;
    lab.remove_profile("reference")?;
    hang_up(&lab)?;
    lab.wait_for_log("configuration was refused")?;
    let refused = lab.wait_for("it is still told", |snapshot| !snapshot.problems.is_empty())?;
    assert_eq!(titles(&refused), ["Reference portal"], "as before");

    fs::write(&settings, "[pin]\nkeep = \"visit\"\n")?;
    hang_up(&lab)?;
    let taken = lab.wait_for("all of it is in force", |snapshot| {
        titles(snapshot) == ["Portal second"]
    })?;
    assert_eq!(taken.problems, Vec::<String>::new());
    Ok(())
}

/// Asks for the configuration to be read again.
fn hang_up(lab: &Lab) -> anyhow::Result<()> {
    let pid = i32::try_from(lab.pid()?).ok().and_then(Pid::from_raw);
    Ok(kill_process(
        pid.context("a process has a number")?,
        Signal::HUP,
    )?)
}

/// The same portal under another name.
fn another(lab: &Lab, name: &str) -> String {
    lab.portal()
        .profile()
        .replace("name = \"reference\"", &format!("name = \"{name}\""))
        .replace(
            "title = \"Reference portal\"",
            &format!("title = \"Portal {name}\""),
        )
}

fn titles(snapshot: &Snapshot) -> Vec<&str> {
    let portals = snapshot.portals.iter();
    portals.map(|portal| portal.title.as_str()).collect()
}

/// Where the card stands, the reference portal first.
fn labels(lab: &Lab, snapshot: &Snapshot) -> Vec<&'static str> {
    let Ok(card) = lab.card(snapshot, 0) else {
        return Vec::new();
    };
    let (first, rest): (Vec<_>, Vec<_>) = card
        .registrations
        .iter()
        .partition(|registration| registration.portal == PORTAL);
    first
        .into_iter()
        .chain(rest)
        .map(|registration| registration.status.label())
        .collect()
}
