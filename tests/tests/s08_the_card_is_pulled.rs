//! The card is pulled in the middle of a sign-in, and somebody else's is put in.

use cac_common::interface::{Refusal, Register};
use cac_tests::harness::{LIMIT, Lab, jane, john, pin_for, refusal};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::{CardModel, instruction, samples};

#[test]
fn s08_a_card_that_is_pulled_while_it_signs_registers_nobody() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    card.pull_at(Moment::next(instruction::GENERAL_AUTHENTICATE));

    lab.type_pin(0, samples::PIN)?;
    lab.wait_until_empty(0)?;

    assert_eq!(card.log().key_operations(), 0);
    assert!(lab.portal().registrations()?.is_empty());
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    assert_eq!(card.log().pin_attempts(), 1, "the PIN ended with the visit");
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    assert_eq!(lab.portal().registrations()?.len(), 1);
    Ok(())
}

#[test]
fn s08_a_pin_typed_for_one_card_never_reaches_the_next_in_the_same_reader() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    lab.welcome(samples::john())?;
    let (janes, johns) = (jane(CardModel::T1)?, john(CardModel::T1)?);
    lab.insert(0, &janes)?;
    let first = lab.wait_for_status(0, "needs PIN")?;
    let hold = janes.hold_at(Moment::next(instruction::GENERAL_AUTHENTICATE));

    lab.type_pin(0, samples::PIN)?;
    hold.wait_until_reached(LIMIT)?;
    lab.take_out(0)?;
    lab.insert(0, &johns)?;
    hold.release();
    let second = lab.wait_for_status(0, "needs PIN")?;

    assert_ne!(second.id, first.id);
    assert!(second.visit > first.visit);
    assert_eq!(
        second.holder.map(|holder| holder.name.to_string()),
        Some("ROE, JOHN".to_owned())
    );
    let log = johns.log();
    assert_eq!(
        (log.pin_attempts(), log.key_operations(), johns.tries_left()),
        (0, 0, 3),
        "the second card was never asked for anything but what it shows to all"
    );
    assert_eq!(janes.log().key_operations(), 0);
    assert!(lab.portal().registrations()?.is_empty());

    // Typed for the card that is gone, by who had not looked up.
    let refused = refusal(lab.submit(pin_for(&first)?, samples::PIN))?;
    assert_eq!(refused, Refusal::NoSuchCard);
    assert_eq!(johns.log().pin_attempts(), 0);
    let settled = lab.snapshot()?;
    assert_eq!(lab.label(&settled, 0), Some("needs PIN"));
    assert!(
        settled
            .known
            .iter()
            .flat_map(|known| &known.registrations)
            .all(|registration| registration.status.label() == "no card seen yet"),
        "{:#?}",
        settled.known
    );
    Ok(())
}

#[test]
fn s08_a_card_swapped_before_anyone_can_see_it_gets_no_pin_of_the_other() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    lab.welcome(samples::john())?;
    let (janes, johns) = (jane(CardModel::T1)?, john(CardModel::T1)?);
    lab.insert(0, &janes)?;
    let first = lab.wait_for_status(0, "needs PIN")?;
    // The first command of the sign-in.
    let hold = janes.hold_at(Moment::next(instruction::SELECT));

    lab.type_pin(0, samples::PIN)?;
    hold.wait_until_reached(LIMIT)?;
    lab.swap(0, &johns)?;
    hold.release();
    lab.wait_for("the sign-in has ended", |snapshot| {
        lab.label(snapshot, 0) != Some("signing in")
    })?;
    // As far as pcscd has noticed, the first card is still there: a PIN for it is taken.
    let again = Register {
        card: first.id.clone(),
        portal: None,
    };
    let asked = lab.ask(async |client| client.register(&again).await);
    let typed = lab.submit(pin_for(&first)?, samples::PIN);
    let settled = lab.wait_for("the second sign-in has ended", |snapshot| {
        lab.label(snapshot, 0) != Some("signing in")
    })?;

    println!(
        "asked: {asked:?}, typed: {typed:?}, then {:?}",
        lab.label(&settled, 0)
    );
    assert_eq!((johns.log().pin_attempts(), johns.tries_left()), (0, 3));
    assert_eq!(johns.log().key_operations(), 0);
    assert_eq!(janes.log().pin_attempts(), 0);
    assert!(lab.portal().registrations()?.is_empty());
    lab.take_out(0)?;
    lab.insert(0, &johns)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    let johns_own = lab.wait_for_status(0, "registered")?;
    assert_ne!(johns_own.id, first.id);
    assert_eq!(johns.log().pin_attempts(), 1);
    Ok(())
}
