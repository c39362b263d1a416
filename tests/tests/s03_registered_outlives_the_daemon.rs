//! The daemon is killed, and started where there is neither card nor portal.

use anyhow::Context as _;
use cac_common::reader::ServiceStatus;
use cac_tests::harness::{Lab, jane};
use cac_tests::portal::Fault;
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s03_what_was_shown_as_registered_is_known_after_a_kill_without_card_and_portal()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let registered = lab.register(0, &card, samples::PIN)?;
    // Killed the moment it is shown: nothing more can be written down.
    lab.kill()?;
    lab.kill_pcscd()?;
    lab.portal().set_fault(Fault::Down)?;
    let connections = lab.portal().connections();

    lab.start_again()?;
    let first = lab.snapshot()?;

    let known = first.known.first().context("one persona is known")?;
    assert_eq!(first.known.len(), 1);
    assert_eq!(known.name, "DOE, JANE Q");
    assert_eq!(known.dod_id_tail.as_deref(), Some("7890"));
    assert_eq!(Some(&known.card), registered.id.as_ref());
    assert_eq!(known.registrations, registered.registrations);
    assert!(first.readers.is_empty(), "no card was touched");
    assert!(
        first
            .happened
            .iter()
            .any(|entry| entry.text.contains("signing in")),
        "the history is there too: {:#?}",
        first.happened
    );
    let settled = lab.wait_for("pcscd is missed", |snapshot| {
        snapshot.service == ServiceStatus::Away
    })?;
    assert_eq!(settled.known, first.known);
    assert_eq!(lab.portal().connections(), connections);
    Ok(())
}
