//! Two users of a real logind, one after the other at the seat, neither of them
//! in any group: each sees and uses the cards they put in, and no other.

use anyhow::{Context as _, ensure};
use cac_common::snapshot::{Hidden, Snapshot};
use cac_tests::harness::{jane, john, tells_of_jane};
use cac_tests::system::{STRANGER, System, reader_name};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait;

/// Another user like [`STRANGER`].
const OTHER: &str = "carol";

/// The third device of the second USB bus.
const DEVICE: &str = "/run/udev/data/c189:130";

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s76_two_users_who_switch_at_the_seat_see_what_is_theirs_and_nothing_else() -> anyhow::Result<()>
{
    let mut system = System::with_cacd()?;
    system.does(&["useradd", "--create-home", OTHER])?;
    system.welcome(samples::jane())?;
    system.wait_for("the readers are at their seat", |snapshot| {
        let readers = snapshot.readers.iter();
        readers.len() == 2
            && (snapshot.readers.iter()).all(|reader| reader.seat.as_deref() == Some("seat0"))
    })?;
    let first = system.session(STRANGER)?;
    system.loginctl(&["activate", &first.id])?;
    system.wait_for_session(&first, "Active", "yes")?;

    // In front, in no group: from the card to the portal.
    system.insert(0, &jane(CardModel::T1)?)?;
    system.wait_for_status(0, "needs PIN")?;
    let types = format!("echo {} | cacctl register", samples::PIN);
    let registered = system.run_as(STRANGER, &["sh", "-c", &types])?;
    ensure!(registered.status.success(), "{registered:?}");
    system.wait_for_status(0, "registered")?;
    let seen = status(&system, STRANGER)?;
    assert!(seen.may_act && !seen.may_administer);
    assert!(seen.readers[0].card.is_some());
    let refused = system.run_as(STRANGER, &["cacctl", "clear", "--all", "--yes"])?;
    ensure!(refused.status.code() == Some(5), "{refused:?}");

    // Another comes to the front.
    let second = system.session(OTHER)?;
    system.loginctl(&["activate", &second.id])?;
    system.wait_for_session(&second, "Active", "yes")?;
    let seen = wait_for(&system, OTHER, |seen| seen.may_act)?;
    assert_eq!(seen.readers[0].hidden, Some(Hidden::PutInBefore));
    names_no_jane(&seen)?;
    let shown = system.run_as(OTHER, &["cacctl", "card", "show"])?;
    ensure!(shown.status.code() == Some(4), "{shown:?}");
    let told = String::from_utf8(shown.stderr)?;
    ensure!(told.contains("put it in again"), "{told}");
    let history = system.run_as(OTHER, &["cacctl", "history", "--json"])?;
    ensure!(history.status.success(), "{history:?}");
    let history = String::from_utf8(history.stdout)?;
    ensure!(tells_of_jane(&history).is_none(), "{history}");

    // Whoever was there is a stranger now, also where they come from elsewhere.
    let seen = wait_for(&system, STRANGER, |seen| !seen.may_act)?;
    assert_eq!(seen.readers[0].hidden, Some(Hidden::OtherSeat));
    names_no_jane(&seen)?;
    let refused = system.run_as(STRANGER, &["cacctl", "history"])?;
    ensure!(refused.status.code() == Some(5), "{refused:?}");
    let told = String::from_utf8(refused.stderr)?;
    ensure!(
        told.contains("the user at the seat of this reader"),
        "{told}"
    );

    // A card of their own, in the other reader.
    system.insert(1, &john(CardModel::T1)?)?;
    let own = reader_name(1);
    let seen = wait_for(&system, OTHER, |seen| {
        let mut readers = seen.readers.iter();
        let reader = readers.find(|reader| reader.name.0 == own);
        let card = reader.and_then(|reader| reader.card.as_ref());
        card.is_some_and(|card| card.holder.is_some())
    })?;
    names_no_jane(&seen)?;
    let seen = status(&system, STRANGER)?;
    ensure!(!serde_json::to_string(&seen)?.contains("ROE"), "{seen:?}");

    // And back again.
    system.loginctl(&["activate", &first.id])?;
    let seen = wait_for(&system, STRANGER, |seen| seen.readers[0].card.is_some())?;
    assert_eq!(seen.readers[1].hidden, Some(Hidden::PutInBefore));
    let seen = wait_for(&system, OTHER, |seen| !seen.may_act)?;
    names_no_jane(&seen)?;
    let journal = system.journal()?;
    ensure!(journal.contains("only the user at the seat"), "it is told");
    ensure!(!journal.contains("DOE, JANE"), "the journal names nobody");
    Ok(())
}

#[test]
#[ignore = "needs a systemd of its own: make test-system"]
fn s76_what_udev_knows_of_seats_can_be_read_by_the_service() -> anyhow::Result<()> {
    let system = System::with_cacd()?;
    system.write(DEVICE, "E:ID_SEAT=seat1\n")?;
    let pid = system.property("cacd.service", "MainPID")?;

    // What its file system shows there, and what its user may read.
    let shown = system.does(&["cat", &format!("/proc/{pid}/root{DEVICE}")])?;
    let read = system.does(&["setpriv", "--reuid=cacd", "--clear-groups", "cat", DEVICE])?;

    assert_eq!([shown, read], ["E:ID_SEAT=seat1"; 2]);
    Ok(())
}

fn status(system: &System, user: &str) -> anyhow::Result<Snapshot> {
    // It does not end with 0 where somebody is needed.
    let output = system.run_as(user, &["cacctl", "status", "--json"])?;
    serde_json::from_slice(&output.stdout).with_context(|| format!("{output:?}"))
}

fn wait_for(
    system: &System,
    user: &str,
    mut condition: impl FnMut(&Snapshot) -> bool,
) -> anyhow::Result<Snapshot> {
    let what = format!("{user} is shown what is theirs");
    let found = wait::wait_for(&what, cac_tests::harness::LIMIT, || {
        status(system, user).ok().filter(|seen| condition(seen))
    })?;
    Ok(found)
}

fn names_no_jane(seen: &Snapshot) -> anyhow::Result<()> {
    let text = serde_json::to_string(seen)?;
    ensure!(tells_of_jane(&text).is_none(), "{text}");
    Ok(())
}
