//! Debian 13's pcscd asks polkit who may use readers and cards.

use anyhow::ensure;
use cac_common::reader::ServiceStatus;
use cac_tests::harness::{john, tells_of_john};
use cac_tests::system::{ADMINISTRATOR, STRANGER, System, reader_name};
use cac_tests::virtual_card::{CardModel, samples};

const RULE: &str = "/usr/share/polkit-1/rules.d/50-cacd.rules";

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s71_the_service_reaches_the_readers_by_its_rule_and_not_without_it() -> anyhow::Result<()> {
    let mut system = System::boot()?;
    system.install()?;
    system.introduce_portal()?;
    system.does(&["rm", RULE])?;
    system.start()?;

    let refused = system.wait_for("pcscd refuses it", |snapshot| {
        snapshot.service == ServiceStatus::NotAllowed
    })?;
    assert!(refused.readers.is_empty());
    let status = system.run_as(ADMINISTRATOR, &["cacctl", "status"])?;
    let said = String::from_utf8(status.stdout)?;
    assert!(said.contains("polkit"), "{said}");

    // As the README advises.
    system.install()?;
    let found = system.wait_for("the readers are found", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    assert_eq!(found.service, ServiceStatus::Running);
    system.insert(1, &john(CardModel::T1)?)?;
    system.wait_for("the card is read", |snapshot| {
        snapshot.readers.iter().any(|reader| {
            let card = reader.card.as_ref();
            reader.name.0 == reader_name(1) && card.is_some_and(|card| card.holder.is_some())
        })
    })?;
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s71_a_stranger_gets_neither_the_card_nor_the_person() -> anyhow::Result<()> {
    let mut system = System::with_cacd()?;
    system.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    system.wait_for("the readers are seen", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    system.insert(0, &card)?;
    system.wait_for_status(0, "needs PIN")?;

    // The same command does reach the card for who may, so a refusal means something.
    let atr = ["opensc-tool", "--reader", "0", "--atr"];
    let root = system.run(&atr)?;
    assert!(root.status.success(), "{root:?}");
    card.clear_log();
    for user in [STRANGER, ADMINISTRATOR] {
        let refused = system.run_as(user, &atr)?;
        assert!(!refused.status.success(), "{user}: {refused:?}");
    }
    let listed = system.run_as(STRANGER, &["opensc-tool", "--list-readers"])?;
    let listed = String::from_utf8(listed.stdout)?;
    assert!(!listed.contains(&reader_name(0)), "{listed}");

    for arguments in [&["cacctl", "status"][..], &["cacctl", "status", "--json"]] {
        let shown = system.run_as(STRANGER, arguments)?;
        let shown = String::from_utf8([shown.stdout, shown.stderr].concat())?;
        assert!(shown.contains(&reader_name(0)), "{shown}");
        assert_eq!(tells_of_john(&shown), None, "{shown}");
    }
    let register = system.run_as(STRANGER, &["cacctl", "register"])?;
    assert!(!register.status.success(), "{register:?}");
    let shown = system.run_as(ADMINISTRATOR, &["cacctl", "status"])?;
    let shown = String::from_utf8(shown.stdout)?;
    assert!(
        shown.contains("ROE"),
        "the administrator sees whose it is: {shown}"
    );
    assert_eq!(card.log().pin_attempts(), 0);
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s71_who_sits_at_the_seat_reaches_the_readers_beside_the_service() -> anyhow::Result<()> {
    const LIST: [&str; 2] = ["opensc-tool", "--list-readers"];
    let system = System::with_cacd()?;
    system.wait_for("the readers are seen", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    let reaches = |user: &str| {
        let listed = system.run_in_session(user, &LIST)?;
        let said = String::from_utf8(listed.stdout)?;
        let is_refused = said.contains("No smart card readers found");
        ensure!(
            is_refused != said.contains(&reader_name(0)),
            "{said}{}",
            String::from_utf8_lossy(&listed.stderr)
        );
        Ok(!is_refused)
    };

    let first = system.session(STRANGER)?;
    system.loginctl(&["activate", &first.id])?;
    system.wait_for_session(&first, "Active", "yes")?;
    assert!(reaches(STRANGER)?, "who sits there");
    let second = system.session(ADMINISTRATOR)?;
    system.loginctl(&["activate", &second.id])?;
    system.wait_for_session(&second, "Active", "yes")?;
    system.wait_for_session(&first, "Active", "no")?;
    assert!(!reaches(STRANGER)?, "who has left the seat to another");
    assert!(reaches(ADMINISTRATOR)?, "the other");
    system.loginctl(&["terminate-session", &second.id])?;
    system.wait_for_property(&second.unit, "ActiveState", |state| state != "active")?;
    system.loginctl(&["activate", &first.id])?;
    system.wait_for_session(&first, "Active", "yes")?;
    assert!(reaches(STRANGER)?, "who is back");

    let snapshot = system.wait_for("the service goes on", |snapshot| {
        snapshot.readers.len() == 2
    })?;
    assert_eq!(snapshot.service, ServiceStatus::Running);
    Ok(())
}
