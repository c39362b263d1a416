//! A Debian 13 that is broken by commands, one way after another: `cacctl check`
//! names the true cause first, and a machine that was mended is fine again.
#![expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is looked at"
)]

mod broken;
mod checked;

use std::time::Instant;

use anyhow::{Context as _, ensure};
use cac_tests::harness::{LIMIT, john};
use cac_tests::system::{ADMINISTRATOR, STRANGER, System};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait::wait_until;

use crate::broken::{BROKEN, Broken};
use crate::checked::Checked;

/// A machine that was just mended may take a moment until all is right again.
fn is_right_again(system: &System, what: &str) -> anyhow::Result<()> {
    let mut last = Ok(());
    wait_until(what, LIMIT, || {
        let checked = Checked::on(system, ADMINISTRATOR, &[]);
        // Nothing is waited for that takes too long.
        let ends = !matches!(&checked, Ok(checked) if checked.failed().next().is_some());
        last = checked.map(|_| ());
        ends
    })?;
    last
}

/// At the first look.
fn is_told(system: &System, broken: &Broken) -> anyhow::Result<()> {
    let checked = Checked::on(system, broken.user, broken.with)?;
    ensure!(checked.tells(broken), "{:#?}", checked.lines);
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s95_each_of_twenty_broken_machines_is_told_by_its_true_cause() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::john())?;
    let session = system.session(ADMINISTRATOR)?;
    system.loginctl(&["activate", &session.id])?;
    system.wait_for_session(&session, "Active", "yes")?;
    system.does(&["gpasswd", "--add", STRANGER, "cacd-admin"])?;
    let card = john(CardModel::T1)?;
    system.register(0, &card, samples::PIN)?;
    system.write("/root/root.pem", &samples::authority().root_pem())?;
    is_right_again(&system, "a machine with everything right")?;

    let mut wrong = Vec::new();
    for broken in BROKEN {
        forget_starts(&system)?;
        let told = system.does(&["sh", "-c", broken.breaks]);
        let told = told.and_then(|_| is_told(&system, &broken));
        if let Err(error) = told {
            wrong.push(format!("{}: {error:#}", broken.name));
        }
        forget_starts(&system)?;
        system.run(&["sh", "-c", broken.mends])?;
        if [broken.breaks, broken.mends]
            .iter()
            .any(|it| it.contains("pcscd"))
        {
            // The reader is another, and the card was in the one before.
            system.take_out(0);
            system.wait_for("the readers are back", |it| it.readers.len() == 2)?;
            system.insert(0, &card)?;
        }
        let mended = is_right_again(&system, broken.name);
        if let Err(error) = mended {
            wrong.push(format!("mending {}: {error:#}", broken.name));
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// systemd starts nothing too often, and this is.
fn forget_starts(system: &System) -> anyhow::Result<()> {
    let units = [
        "pcscd.socket",
        "pcscd.service",
        "cacd.socket",
        "cacd.service",
        "polkit.service",
    ];
    system.run(&[&["systemctl", "reset-failed"], &units[..]].concat())?;
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s95_a_bare_machine_is_told_what_to_install() -> anyhow::Result<()> {
    let system = System::boot()?;
    system.does(&["sh", "-c", "cp /usr/src/built/*/cacctl /usr/bin/"])?;
    system.does(&["systemctl", "stop", "pcscd.socket", "pcscd.service"])?;
    let begun = Instant::now();
    let output = system.run_as(STRANGER, &["cacctl", "check", "--json"])?;
    let checked =
        Checked::read(&output.stdout, begun.elapsed()).with_context(|| format!("{output:?}"))?;

    let failed: Vec<&str> = checked.failed().map(|line| &line.check[..]).collect();
    assert_eq!(failed.first(), Some(&"unit"), "{failed:?}");
    assert!(failed.contains(&"pcscd-socket"), "{failed:?}");
    assert_eq!(output.status.code(), Some(3), "{:#?}", checked.lines);
    Ok(())
}
