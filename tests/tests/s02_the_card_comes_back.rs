//! A registered card is taken out and put in again.

use cac_common::snapshot::Card;
use cac_tests::harness::{Lab, jane};
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s02_a_card_that_comes_back_is_still_registered_and_nobody_is_asked() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let first = lab.register(0, &card, samples::PIN)?;
    // What could wait is read and on record then.
    lab.wait_until_whole(0)?;
    let (requests, connections) = (lab.portal().requests(), lab.portal().connections());
    lab.take_out(0)?;
    card.clear_log();

    lab.insert(0, &card)?;
    let again = lab.wait_for_status(0, "registered")?;

    assert!(again.recognised);
    assert!(again.visit > first.visit, "it is another visit");
    assert_eq!(again.registrations, first.registrations);
    assert!(!again.needs_pin());
    let log = card.log();
    println!("read again: {} APDUs", log.count());
    assert_eq!(log.count(), 8, "a known card is read in eight");
    let fingerprints = |card: &Card| -> Vec<String> {
        let certificates = card.certificates.iter();
        certificates.map(|one| one.sha256.clone()).collect()
    };
    assert_eq!(fingerprints(&again), fingerprints(&first));
    assert_eq!(log.pin_attempts(), 0);
    assert_eq!(log.key_operations(), 0);
    assert_eq!(
        (lab.portal().requests(), lab.portal().connections()),
        (requests, connections),
        "the portal is left alone"
    );
    Ok(())
}
