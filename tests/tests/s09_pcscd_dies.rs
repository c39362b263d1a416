//! pcscd is killed and comes back, with a card in the reader all the while.

use cac_common::reader::ServiceStatus;
use cac_tests::harness::{Plan, jane, john};
use cac_tests::portal::Fault;
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s09_readers_and_cards_are_back_by_themselves_when_pcscd_is() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    let before = lab.register(0, &card, samples::PIN)?;
    card.clear_log();

    lab.kill_pcscd()?;
    let away = lab.wait_for("pcscd is missed", |snapshot| {
        snapshot.service == ServiceStatus::Away
    })?;
    assert!(away.readers.is_empty());
    assert_eq!(
        away.known[0].registrations, before.registrations,
        "what is known stays known"
    );
    lab.start_pcscd_again(&[(0, &card)])?;
    let after = lab.wait_for_status(0, "registered")?;

    assert_eq!(after.registrations, before.registrations);
    let snapshot = lab.snapshot()?;
    assert_eq!(snapshot.service, ServiceStatus::Running);
    assert_eq!(snapshot.readers.len(), 2);
    assert_eq!(card.log().pin_attempts(), 0);
    let said = lab.wait_for_entries("smart card service", 2)?;
    assert_eq!(
        said.len(),
        2,
        "that it went, and that it is back: {said:#?}"
    );
    Ok(())
}

#[test]
fn s09_a_pin_typed_before_is_forgotten_when_pcscd_dies() -> anyhow::Result<()> {
    let settings = "[pin]\nkeep = \"visit\"\n[retry]\nfirst_wait = \"1s\"\nlongest_wait = \"1s\"\n";
    let mut lab = Plan::default().settings(settings).start()?;
    lab.welcome(samples::jane())?;
    lab.portal().set_fault(Fault::Down)?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "waiting")?;

    lab.kill_pcscd()?;
    lab.wait_for("pcscd is missed", |snapshot| {
        snapshot.service == ServiceStatus::Away
    })?;
    lab.portal().set_fault(Fault::Normal)?;
    lab.start_pcscd_again(&[(0, &card)])?;
    lab.wait_for_status(0, "needs PIN")?;

    assert_eq!(card.log().pin_attempts(), 0);
    assert_eq!(lab.portal().sign_ins(), 0);
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}
