//! A Debian 13 on which an administrator installs cacd, and takes it away again.

use std::collections::BTreeSet;
use std::fs;

use anyhow::ensure;
use cac_tests::harness::{appears_in, files_below, jane};
use cac_tests::system::{ADMINISTRATOR, SERVICE, System};
use cac_tests::terminal::Size;
use cac_tests::virtual_card::{CardModel, samples};

const SIZE: Size = Size {
    columns: 100,
    rows: 24,
};

/// As `scripts/verify-unit` has it: 1.2 of 10.
const WORST_EXPOSURE: &str = "--threshold=12";

/// What cacd may leave behind: what `make uninstall` says, and the files in
/// which Debian keeps users, with the copies it makes of them.
const MAY_STAY: [&str; 2] = ["/etc/cacd/", "/var/lib/cacd/"];

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s70_installed_as_an_administrator_does_a_card_is_registered_and_outlives_a_kill()
-> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    assert_eq!(system.property(SERVICE, "Type")?, "notify-reload");
    assert_eq!(system.property(SERVICE, "ActiveState")?, "active");
    assert_eq!(system.property(SERVICE, "SubState")?, "running");
    is_at_peace_with_its_unit(&system)?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    system.wait_for("the readers are seen", |snapshot| {
        snapshot.readers.len() == 2
    })?;

    system.insert(0, &card)?;
    system.wait_for_status(0, "needs PIN")?;
    system.wait_for_property(SERVICE, "StatusText", |status| {
        status == "2 readers, 1 card, 1 needs a PIN"
    })?;
    let terminal = system.terminal(ADMINISTRATOR, SIZE)?;
    terminal.enter("inside cacctl register")?;
    terminal.shows(&["PIN"])?;
    terminal.enter(samples::PIN)?;
    terminal.shows(&["registered"])?;
    let registered = system.wait_for_status(0, "registered")?;

    let at_the_portal = system.portal().registrations()?;
    assert_eq!(at_the_portal.len(), 1, "{at_the_portal:?}");
    assert_eq!(card.log().pin_attempts(), 1);
    assert!(!terminal.all_text()?.contains(samples::PIN));

    let warnings = ["journalctl", "--quiet", "--priority=warning", "--unit"];
    let warnings = system.does(&[&warnings[..], &[SERVICE]].concat())?;
    assert_eq!(warnings, "", "nothing was wrong");
    let before = system.property(SERVICE, "MainPID")?;
    system.does(&["systemctl", "kill", "--signal=KILL", SERVICE])?;
    system.wait_for_property(SERVICE, "NRestarts", |count| count == "1")?;
    let after = system.wait_for_status(0, "registered")?;

    assert_ne!(system.property(SERVICE, "MainPID")?, before);
    assert_eq!(after.registrations, registered.registrations);
    assert_eq!(card.log().pin_attempts(), 1, "nobody is asked again");
    assert_eq!(system.portal().registrations()?.len(), 1);
    assert_eq!(system.portal().sign_ins(), 1);
    system.journal_names_nobody(samples::jane())?;
    let tells = system.journal()?.contains("signing in");
    ensure!(tells, "the journal does not tell what was done");
    for folder in ["/var/lib/cacd", "/run/cacd", "/etc/cacd"] {
        for file in files_below(&system.path(folder))? {
            let is_there = appears_in(samples::PIN.as_bytes(), &fs::read(&file)?);
            assert!(!is_there, "the PIN is in {}", file.display());
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s70_what_is_uninstalled_leaves_nothing_but_what_it_says() -> anyhow::Result<()> {
    let system = System::boot()?;
    let before = files(&system)?;
    system.install()?;
    system.introduce_portal()?;
    system.start()?;
    let installed = files(&system)?;
    for file in ["/usr/bin/cacd", "/var/lib/cacd/cacd.db"] {
        assert!(installed.contains(file), "{file} is not there");
    }

    let said = system.make("uninstall")?;

    assert!(
        said.contains("/etc/cacd and /var/lib/cacd are left"),
        "{said}"
    );
    let left: Vec<String> = files(&system)?.difference(&before).cloned().collect();
    let unexpected: Vec<&String> = left
        .iter()
        .filter(|path| !MAY_STAY.iter().any(|place| path.starts_with(place)))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?} are left");
    for file in ["/etc/cacd/cacd.toml", "/var/lib/cacd/cacd.db"] {
        assert!(left.iter().any(|path| path == file), "{file} is gone");
    }
    assert!(!system.path("/run/cacd").exists());
    assert_eq!(system.property(SERVICE, "LoadState")?, "not-found");
    system.does(&["id", "cacd"])?;
    Ok(())
}

/// The systemd that runs it finds nothing wrong with the unit, nor much exposed.
fn is_at_peace_with_its_unit(system: &System) -> anyhow::Result<()> {
    let verify = ["systemd-analyze", "verify", "--man=no"];
    let verified = system.run(&[&verify[..], &["--recursive-errors=no", SERVICE]].concat())?;
    ensure!(
        verified.status.success() && verified.stderr.is_empty(),
        "{verified:?}"
    );
    system.does(&["systemd-analyze", "security", WORST_EXPOSURE, SERVICE])?;
    Ok(())
}

/// All that lie on the machine's own disk, without the log.
fn files(system: &System) -> anyhow::Result<BTreeSet<String>> {
    let found = system.does(&[
        "find", "/", "-xdev", "-path", "/var/log", "-prune", "-o", "!", "-type", "d", "-print",
    ])?;
    Ok(found.lines().map(str::to_owned).collect())
}
