//! The portal does not know the holder: nothing is tried again until a person wants it.

use anyhow::Context as _;
use cac_common::interface::{Refusal, Register};
use cac_tests::harness::{Lab, PORTAL, john, pin_for, refusal};
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s06_an_unknown_person_is_shown_the_help_desk_and_tried_again_only_when_asked()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;

    lab.type_pin(0, samples::PIN)?;
    let unknown = lab.wait_for_status(0, "not found")?;

    let snapshot = lab.snapshot()?;
    let portal = snapshot.portals.first().context("a portal is shown")?;
    let desk = portal.help_desk.as_ref().context("it has a help desk")?;
    assert_eq!(desk.phone.as_deref(), Some("555-0100"));
    assert_eq!(card.log().pin_attempts(), 1);

    // Neither a PIN nor the card itself is a wish to try again.
    let requests = lab.portal().requests();
    let connections = lab.portal().connections();
    let refused = refusal(lab.submit(pin_for(&unknown)?, samples::PIN))?;
    assert_eq!(refused, Refusal::NothingToDo);
    lab.take_out(0)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "not found")?;
    assert_eq!(
        (lab.portal().requests(), lab.portal().connections()),
        (requests, connections)
    );
    assert_eq!(card.log().pin_attempts(), 1);

    // The help desk has helped.
    lab.welcome(samples::john())?;
    let wish = Register {
        card: unknown.id.clone(),
        portal: Some(PORTAL.to_owned()),
    };
    lab.ask(async |client| client.register(&wish).await)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(lab.portal().registrations()?.len(), 1);
    assert_eq!(card.log().pin_attempts(), 2);

    let nowhere = Register {
        card: None,
        portal: Some("nowhere".to_owned()),
    };
    let refused = refusal(lab.ask(async |client| client.register(&nowhere).await))?;
    assert_eq!(refused, Refusal::NoSuchPortal);
    Ok(())
}
