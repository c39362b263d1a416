//! What can wait stops for other work, and goes on where it stopped.

use std::cell::Cell;

use cac_tests::virtual_card::cac::Edges;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::instruction;
use cacd::card::objects::SECURITY;
use cacd::card::rest::read_rest_until;

use super::*;

#[test]
fn a_rest_that_stops_after_any_piece_reads_nothing_twice() {
    for model in [
        CardModel::T1,
        CardModel::T0,
        CardModel {
            edges: Edges::Dual,
            ..CardModel::DUAL
        },
        CardModel {
            edges: Edges::Cac,
            ..CardModel::T1
        },
    ] {
        let card = CardHandle::new(samples::jane_with_history(), model).unwrap();
        let facts = read(&card);
        let whole = rest_of(&card, &facts);
        let mut undisturbed = facts.clone();
        undisturbed.take_rest(whole.clone(), now());

        for pieces in 1.. {
            let (stopped, rounds) = in_rounds_of(pieces, &card, &facts);

            let at = format!("{model:?}, {pieces} at a time");
            assert_eq!(stopped.certificates, undisturbed.certificates, "{at}");
            assert_eq!(stopped.objects, undisturbed.objects, "{at}");
            assert_eq!(stopped.holder, undisturbed.holder, "{at}");
            assert_eq!(stopped.findings, undisturbed.findings, "{at}");
            // Each round but the first looks which card it is, and costs no more.
            let look = until_somebody_waits(&card, &facts, 1)
                .left
                .map_or(0, |left| stopping_after(0, &card, &left).apdus);
            let looks = look * (rounds - 1);
            let most = facts.apdus + whole.apdus + looks;
            assert!(stopped.apdus <= most, "{at}: {} of {most}", stopped.apdus);
            if rounds == 1 {
                assert_eq!(stopped.apdus, undisturbed.apdus);
                break;
            }
        }
    }
}

#[test]
fn what_could_not_be_read_is_not_asked_for_again_after_a_stop() {
    let card = CardHandle::new(samples::jane_with_history(), CardModel::T1).unwrap();
    let facts = read(&card);
    let after_the_chuid = Moment::next(instruction::GET_DATA).after(1);
    card.garble_at(after_the_chuid, &[0x69, 0x85]);

    let (stopped, rounds) = in_rounds_of(2, &card, &facts);

    assert!(rounds > 1);
    assert!(!stopped.objects.contains_key(&SECURITY.tag));
    let [finding] = &stopped.unread[..] else {
        panic!("{:?}", stopped.unread);
    };
    assert_eq!(finding.object, "Security Object");
}

#[test]
fn another_card_gets_no_word_of_what_was_left_of_the_first() {
    let first = jane(CardModel::T1);
    let facts = read(&first);
    let left = until_somebody_waits(&first, &facts, 1).left.unwrap();
    let second = CardHandle::new(samples::john(), CardModel::T1).unwrap();

    let rest = read_rest(&mut second.transport(), &Habits::default(), &left);

    assert_eq!(rest, Err(CardError::OtherCard));
}

/// Reads the rest, and begins anew after so many pieces; how often, comes with it.
fn in_rounds_of(pieces: usize, card: &CardHandle, facts: &CardFacts) -> (CardFacts, u32) {
    let mut facts = facts.clone();
    let mut left = Missing::of(&facts);
    let mut rounds = 0;
    while let Some(missing) = left {
        let mut rest = stopping_after(pieces, card, &missing);
        left = rest.left.take();
        facts.take_rest(rest, now());
        rounds += 1;
    }
    (facts, rounds)
}

fn until_somebody_waits(card: &CardHandle, facts: &CardFacts, pieces: usize) -> Rest {
    stopping_after(pieces, card, &Missing::of(facts).unwrap())
}

fn stopping_after(pieces: usize, card: &CardHandle, missing: &Missing) -> Rest {
    let looks = Cell::new(0);
    let somebody_waits = || looks.replace(looks.get() + 1) >= pieces;
    read_rest_until(
        &mut card.transport(),
        &Habits::default(),
        missing,
        &somebody_waits,
    )
    .unwrap()
}
