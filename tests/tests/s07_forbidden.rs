//! 403: once because of an old session, once because the person may not come in.

use cac_tests::harness::{Lab, john, portal_person};
use cac_tests::portal::{Fault, Person};
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s07_a_stale_session_is_thrown_away_and_one_typed_pin_is_enough() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    lab.portal().set_fault(Fault::StaleCookies)?;
    let card = john(CardModel::T1)?;

    lab.register(0, &card, samples::PIN)?;

    let log = card.log();
    assert_eq!(
        log.key_operations(),
        2,
        "one for each session, over connections of their own"
    );
    assert_eq!(log.pin_attempts(), 2, "the card said 9000 to the first");
    lab.wait_for_entries("registered to account", 1)?;
    assert_eq!(lab.wait_for_entries("PIN typed", 1)?.len(), 1);
    assert_eq!(lab.portal().registrations()?.len(), 1);
    assert!(!card.pin_is_verified());
    Ok(())
}

#[test]
fn s07_who_is_not_authorised_is_forbidden_after_two_tries_and_not_tried_a_third_time()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let stranger = Person {
        authorised: false,
        ..portal_person(samples::john())
    };
    lab.portal().add_person(&stranger)?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;

    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "forbidden")?;

    let (requests, connections) = (lab.portal().requests(), lab.portal().connections());
    assert_eq!(card.log().key_operations(), 2);
    lab.take_out(0)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "forbidden")?;
    assert_eq!(card.log().key_operations(), 2, "there is no third try");
    assert_eq!(
        (lab.portal().requests(), lab.portal().connections()),
        (requests, connections)
    );
    assert!(lab.portal().registrations()?.is_empty());
    assert_eq!(card.tries_left(), 3);
    Ok(())
}
