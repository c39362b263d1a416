//! What hangs or ends is started again by systemd, a machine that slept wakes,
//! and all is as it was.

use cac_common::reader::ServiceStatus;
use cac_tests::harness::{Background, jane};
use cac_tests::system::{SERVICE, System};
use cac_tests::virtual_card::{CardModel, samples};

/// The same watchdog, that waits less long.
const IMPATIENT: &str = "[Service]\nWatchdogSec=4s\nTimeoutAbortSec=1s\n";

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s72_a_daemon_that_hangs_is_started_again_and_knows_who_is_registered() -> anyhow::Result<()> {
    is_started_again(|system| {
        system.does(&["systemctl", "kill", "--signal=STOP", SERVICE])?;
        Ok(None)
    })
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s72_so_is_one_whose_supervisor_hangs_while_all_its_other_threads_go_on() -> anyhow::Result<()> {
    // The first thread is the supervisor's.
    is_started_again(|system| system.hold_first_thread(SERVICE).map(Some))
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s72_pcscd_started_again_is_found_and_so_is_the_card() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let registered = system.register(0, &card, samples::PIN)?;
    let daemon = system.property(SERVICE, "MainPID")?;

    system.does(&["systemctl", "restart", "pcscd.service"])?;
    system.wait_for("pcscd is there again, with empty readers", |snapshot| {
        snapshot.service == ServiceStatus::Running
            && snapshot.readers.len() == 2
            && snapshot.readers.iter().all(|reader| reader.card.is_none())
    })?;
    system.insert(0, &card)?;
    let after = system.wait_for_status(0, "registered")?;

    assert_eq!(after.registrations, registered.registrations);
    assert_eq!(card.log().pin_attempts(), 1, "nobody is asked again");
    assert_eq!(
        system.property(SERVICE, "MainPID")?,
        daemon,
        "the daemon has seen it all"
    );
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s72_a_machine_that_slept_asks_nobody_who_is_registered() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let registered = system.register(0, &card, samples::PIN)?;
    let daemon = system.property(SERVICE, "MainPID")?;

    system.sleep_and_wake()?;
    system.sleep_and_wake()?;
    let after = system.wait_for_status(0, "registered")?;

    assert!(system.journal()?.contains("The system will suspend now!"));
    assert_eq!(after.visit, registered.visit);
    assert_eq!(after.asked, registered.asked);
    assert_eq!(after.registrations, registered.registrations);
    assert_eq!(card.log().pin_attempts(), 1);
    assert_eq!(system.property(SERVICE, "MainPID")?, daemon);
    Ok(())
}

/// Registers a card, makes the daemon hang, and waits until it is as before.
fn is_started_again(
    hangs: impl FnOnce(&System) -> anyhow::Result<Option<Background>>,
) -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    assert_ne!(system.property(SERVICE, "WatchdogUSec")?, "0");
    system.write(
        "/etc/systemd/system/cacd.service.d/impatient.conf",
        IMPATIENT,
    )?;
    system.does(&["systemctl", "daemon-reload"])?;
    system.does(&["systemctl", "restart", SERVICE])?;
    system.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let registered = system.register(0, &card, samples::PIN)?;
    let before = system.property(SERVICE, "MainPID")?;
    assert_eq!(system.property(SERVICE, "NRestarts")?, "0");

    let _hanging = hangs(&system)?;
    system.wait_for_property(SERVICE, "NRestarts", |count| count != "0")?;
    let after = system.wait_for_status(0, "registered")?;

    assert_ne!(system.property(SERVICE, "MainPID")?, before);
    assert_eq!(after.registrations, registered.registrations);
    assert!(system.journal()?.contains("atchdog timeout"));
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}
