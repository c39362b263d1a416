//! What becomes of a reply that was not fetched whole.

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::habits::AbandonedReply;
use cac_tests::virtual_card::{CardModel, samples};

use crate::bench::*;

const FETCH: [u8; 5] = [0, 0xC0, 0, 0, 0];

/// A card that has just given the head of a certificate, and the rest of it.
fn abandoned(model: CardModel, habit: AbandonedReply) -> (Bench, &'static [u8]) {
    let model = CardModel {
        abandoned: habit,
        ..model
    };
    let mut bench = jane(model);
    bench.send(&FETCH);
    let object = samples::jane().object(&Slot::Authentication.object());
    assert_eq!(
        bench.status(&with_le(get_data(&Slot::Authentication.object()))),
        0x6100
    );
    (bench, &object.unwrap()[256..])
}

#[test]
fn a_good_card_drops_it() {
    let (mut bench, _) = abandoned(CardModel::T1, AbandonedReply::Dropped);

    let (object, sw) = bench.send(&with_le(get_data(&[0x7E])));

    assert_eq!((object[0], object.len(), sw), (0x7E, 0x14, 0x9000));
}

#[test]
fn it_can_begin_the_next_reply() {
    let (mut bench, rest) = abandoned(CardModel::T1, AbandonedReply::Prepended);
    let command = with_le(get_data(&[0x7E]));

    let (mut data, mut sw) = bench.send(&command);
    while sw >> 8 == 0x61 {
        let (more, next) = bench.send(&FETCH);
        data.extend(more);
        sw = next;
    }

    let discovery = samples::jane().object(&[0x7E]).unwrap();
    assert!(data == [rest, discovery].concat(), "{data:02X?}");
    assert_eq!(bench.send(&command).0, discovery, "once only");
}

#[test]
fn it_can_be_the_answer_to_a_command_that_is_then_not_done() {
    let (mut bench, rest) = abandoned(CardModel::T1, AbandonedReply::Answered);

    let (data, sw) = bench.send(&with_le(get_data(&[0x7E])));
    assert_eq!((&data[..], sw), (&rest[..256], 0x6100));
    assert_eq!(bench.verify(RIGHT_PIN), 0x6100);

    assert!(!bench.card.pin_is_verified());
}

#[test]
fn it_can_make_the_card_refuse_once() {
    let (mut bench, _) = abandoned(CardModel::T1, AbandonedReply::Refused);

    assert_eq!(bench.verify(RIGHT_PIN), 0x6985);
    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
}

#[test]
fn selecting_drops_it_on_every_card() {
    for habit in [
        AbandonedReply::Dropped,
        AbandonedReply::Prepended,
        AbandonedReply::Answered,
        AbandonedReply::Refused,
    ] {
        let (mut bench, _) = abandoned(CardModel::T1, habit);

        let (template, sw) = bench.send(&with_le(SELECT_PIV.to_vec()));
        assert_eq!((template[0], sw), (0x61, 0x9000), "{habit:?}");

        let (object, sw) = bench.send(&with_le(get_data(&[0x7E])));
        assert_eq!((object[0], object.len(), sw), (0x7E, 0x14, 0x9000));
    }
}

#[test]
fn a_reply_fetched_whole_leaves_nothing() {
    let (mut bench, _) = abandoned(CardModel::T1, AbandonedReply::Refused);
    while bench.status(&FETCH) >> 8 == 0x61 {}

    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
}

#[test]
fn with_t0_what_was_announced_can_be_left_over_too() {
    let model = CardModel {
        abandoned: AbandonedReply::Prepended,
        ..CardModel::T0
    };
    let mut bench = jane(model);
    bench.send(&FETCH);
    assert_eq!(bench.status(&get_data(&[0x7E])), 0x6114);

    assert_eq!(bench.status(&get_data(&[0x7E])), 0x6128);
}
