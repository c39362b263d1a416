//! The package for Debian: it installs, starts, upgrades and goes away.

use std::collections::BTreeSet;

use anyhow::ensure;
use cac_common::snapshot::HistoryEntry;
use cac_tests::harness::{LIMIT, jane};
use cac_tests::system::{EARLIER, SERVICE, System};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait;

/// Where node_exporter would read.
const METRICS: &str = "/var/lib/metrics";

const UNITS: [&str; 2] = ["cacd.service", "cacd.socket"];

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s77_the_package_starts_the_service_and_a_card_is_registered() -> anyhow::Result<()> {
    let mut system = System::boot()?;

    system.install_package()?;

    for unit in UNITS {
        assert_eq!(system.property(unit, "ActiveState")?, "active", "{unit}");
        assert_eq!(system.property(unit, "UnitFileState")?, "enabled", "{unit}");
    }
    system.introduce_portal()?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    system.register(0, &card, samples::PIN)?;
    let manual = system.does(&["sh", "-c", "zcat /usr/share/man/man8/cacd.8.gz | head -1"])?;
    assert!(manual.contains("CACD"), "{manual}");
    let verified = system.does(&["dpkg", "--verify", "cacd"])?;
    assert_eq!(verified, "", "all is as the package has it");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s77_an_upgrade_restarts_it_with_its_database_and_what_was_configured() -> anyhow::Result<()> {
    let mut system = System::boot()?;
    system.install_earlier_package()?;
    assert_eq!(version(&system)?, EARLIER);
    system.introduce_portal()?;
    system.write("/etc/cacd/cacd.toml", "[pin]\nkeep = \"visit\"\n")?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let registered = system.register(0, &card, samples::PIN)?;
    let before = system.property(SERVICE, "MainPID")?;

    system.install_package()?;
    let after = system.wait_for_status(0, "registered")?;

    assert_ne!(version(&system)?, EARLIER);
    assert_ne!(system.property(SERVICE, "MainPID")?, before);
    assert_eq!(after.registrations, registered.registrations);
    assert_eq!(card.log().pin_attempts(), 1, "nobody is asked again");
    let settings = system.does(&["cat", "/etc/cacd/cacd.toml"])?;
    assert!(settings.contains("visit"), "{settings}");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s77_an_upgrade_takes_a_database_of_every_earlier_version_along() -> anyhow::Result<()> {
    let mut system = System::boot()?;
    system.install_package()?;
    system.introduce_portal()?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let registered = system.register(0, &card, samples::PIN)?;
    let told = history(&system)?;
    ensure!(
        told.iter().any(|text| text.contains("registered to")),
        "{told:?}"
    );
    let stop = [&["systemctl", "stop"][..], &UNITS].concat();
    system.does(&stop)?;
    let current = system.database_version()?;
    assert!(current > 1, "there are earlier ones");

    for earlier in 1..current {
        system.install_earlier_package()?;
        system.does(&stop)?;
        system.take_database_back_to(earlier)?;
        assert_eq!(system.database_version()?, earlier);

        system.install_package()?;
        let after = system.wait_for_status(0, "registered")?;

        assert_eq!(after.registrations, registered.registrations, "{earlier}");
        assert_eq!(after.holder, registered.holder);
        assert!(after.recognised, "{earlier}");
        let kept = history(&system)?;
        assert_eq!(kept[..told.len()], told, "of version {earlier}");
        assert_eq!(card.log().pin_attempts(), 1, "nobody is asked again");
        system.does(&stop)?;
        assert_eq!(system.database_version()?, current);
    }
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s77_who_has_switched_it_off_finds_it_off_after_an_upgrade() -> anyhow::Result<()> {
    let system = System::boot()?;
    system.install_earlier_package()?;
    system.does(&[&["systemctl", "disable", "--now"][..], &UNITS].concat())?;

    system.install_package()?;

    for unit in UNITS {
        assert_eq!(system.property(unit, "ActiveState")?, "inactive", "{unit}");
        assert_eq!(
            system.property(unit, "UnitFileState")?,
            "disabled",
            "{unit}"
        );
    }
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s77_removed_it_stops_and_keeps_what_is_known_and_purged_it_leaves_nothing() -> anyhow::Result<()>
{
    let system = System::boot()?;
    system.does(&["install", "--directory", "--mode=0777", METRICS])?;
    let before = all(&system)?;
    system.install_package()?;
    system.introduce_portal()?;
    let file = format!("{METRICS}/cacd.prom");
    let settings = format!("[metrics]\ntextfile = \"{file}\"\n");
    system.write("/etc/cacd/cacd.toml", &settings)?;
    let drop_in = format!("[Service]\nEnvironment=CACD_LOG=debug\nReadWritePaths={METRICS}\n");
    system.write("/etc/systemd/system/cacd.service.d/site.conf", &drop_in)?;
    system.does(&["systemctl", "daemon-reload"])?;
    system.does(&["systemctl", "restart", SERVICE])?;
    wait::wait_until("metrics are written", LIMIT, || system.path(&file).exists())?;

    system.does(&["dpkg", "--remove", "cacd"])?;
    assert!(
        !system.path(&file).exists(),
        "it says for ever that cacd has stopped"
    );
    for unit in UNITS {
        assert_ne!(system.property(unit, "ActiveState")?, "active", "{unit}");
    }
    assert!(!system.path("/usr/bin/cacd").exists());
    assert!(!system.path("/run/cacd").exists());
    for kept in ["/etc/cacd/cacd.toml", "/var/lib/cacd/cacd.db"] {
        assert!(system.path(kept).exists(), "{kept} is gone");
    }
    system.does(&["dpkg", "--purge", "cacd"])?;

    let left: Vec<String> = all(&system)?.difference(&before).cloned().collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(system.property(SERVICE, "LoadState")?, "not-found");
    Ok(())
}

/// Texts of the history, oldest first.
fn history(system: &System) -> anyhow::Result<Vec<String>> {
    let lines = system.does(&["cacctl", "history", "--json"])?;
    let entries = lines.lines().map(|line| {
        let entry: HistoryEntry = serde_json::from_str(line)?;
        Ok(entry.text)
    });
    let mut texts: Vec<String> = entries.collect::<anyhow::Result<_>>()?;
    texts.reverse();
    Ok(texts)
}

fn version(system: &System) -> anyhow::Result<String> {
    system.does(&["dpkg-query", "--show", "--showformat=${Version}", "cacd"])
}

/// All that lies on the machine's own disk, folders too, without the log and
/// what services have for the time of their lives.
fn all(system: &System) -> anyhow::Result<BTreeSet<String>> {
    const NOT: &[&str] = &[
        "-path",
        "/var/log",
        "-o",
        "-path",
        "/var/tmp/systemd-private-*",
    ];
    let find = [
        &["find", "/", "-xdev", "("][..],
        NOT,
        &[")", "-prune", "-o", "-print"],
    ];
    let found = system.does(&find.concat())?;
    Ok(found.lines().map(str::to_owned).collect())
}
