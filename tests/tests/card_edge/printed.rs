//! What is printed on a card, which it shows to whoever gives its PIN.

use cac_tests::virtual_card::cac::Edges;
use cacd::card::printed::{Printed, read_printed};

use super::*;

fn asked(card: &CardHandle, facts: &CardFacts, digits: &str) -> Done<Option<Vec<u8>>> {
    let target = Target::of(facts, &facts.certificates[0]);
    let pin = pin(&facts.id, digits, false);
    read_printed(&mut card.transport(), &Habits::default(), &target, pin)
}

#[test]
fn what_is_printed_comes_for_the_pin_and_nobody_is_left_logged_in() {
    for model in [CardModel::T1, CardModel::T0] {
        for edges in [Edges::Piv, Edges::Dual] {
            let card = jane(CardModel { edges, ..model });
            let facts = read(&card);
            card.clear_log();

            let done = asked(&card, &facts, samples::PIN);

            let printed = Printed::parse(&done.result.unwrap().unwrap());
            assert_eq!(printed.name.as_deref(), Some("DOE, JANE Q"), "{model:?}");
            assert_eq!(printed.findings, []);
            assert!(printed.expires.is_some());
            assert!(matches!(done.pin, Some(HeldPin::Accepted(_))));
            assert_eq!(card.log().pin_attempts(), 1);
            assert!(!card.pin_is_verified(), "somebody is still logged in");
            assert_eq!(done.apdus as usize, card.log().count());
            println!("printed: {} APDUs over {model:?}", done.apdus);
        }
    }
}

#[test]
fn a_wrong_pin_costs_one_try_and_is_gone() {
    let card = jane(CardModel::T1);
    let facts = read(&card);

    let done = asked(&card, &facts, "999999");

    assert_eq!(
        done.result,
        Err(CardError::WrongPin {
            tries_left: Some(2)
        })
    );
    assert!(done.pin.is_none());
    assert_eq!(card.tries_left(), 2);
}

#[test]
fn another_card_gets_nothing() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    let other = CardHandle::new(samples::john(), CardModel::T1).unwrap();

    let done = asked(&other, &facts, samples::PIN);

    assert_eq!(done.result, Err(CardError::OtherCard));
    assert!(done.pin.is_none());
    assert_eq!(other.log().pin_attempts(), 0);
}
