//! Which application answers, and what that does to the PIN.

use crate::bench::*;

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::{CardHandle, CardModel, OTHER_APPLET, samples};

#[test]
fn nothing_works_before_piv_is_selected() {
    let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();
    let mut bench = Bench {
        transport: card.transport(),
        card,
    };

    assert_eq!(bench.status(&with_le(get_data(&[0x7E]))), 0x6D00);
    assert_eq!(bench.status(&ASK_TRIES), 0x6D00);
}

#[test]
fn piv_answers_to_its_full_name_and_to_the_name_without_version() {
    let mut bench = john(CardModel::T1);
    let full = [0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0];

    for aid in [&full[..], &full[..9]] {
        let (data, sw) = bench.send(&with_le(select(aid)));

        assert_eq!((data[0], sw), (0x61, 0x9000));
    }
}

#[test]
fn some_cards_take_less_of_the_name() {
    let registered = with_le(select(&[0xA0, 0, 0, 3, 8]));
    let mut strict = john(CardModel::T1);
    let mut lenient = john(CardModel::YUBIKEY);

    assert_eq!(strict.status(&registered), 0x6A82);
    assert_eq!(lenient.status(&registered), 0x9000);
    assert_eq!(lenient.status(&with_le(select(&[0xA0, 0, 0, 3]))), 0x6A82);
}

#[test]
fn an_application_that_does_not_exist_leaves_piv_selected() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);

    assert_eq!(
        bench.status(&with_le(select(&[0xA0, 0, 0, 1, 0x16, 0xDB, 0]))),
        0x6A82
    );

    assert_eq!(bench.status(&ASK_TRIES), 0x9000);
}

#[test]
fn another_application_logs_out() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);

    assert_eq!(bench.status(&select(&OTHER_APPLET)), 0x9000);
    assert_eq!(bench.status(&ASK_TRIES), 0x6D00);
    bench.send(&SELECT_PIV);

    assert_eq!(bench.status(&ASK_TRIES), 0x63C3);
}

#[test]
fn piv_again_keeps_the_pin() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);

    bench.send(&SELECT_PIV);

    assert_eq!(bench.status(&ASK_TRIES), 0x9000);
}

#[test]
fn piv_again_loses_the_pin_on_a_dual_card() {
    let mut bench = john(CardModel::DUAL);
    bench.verify(RIGHT_PIN);

    bench.send(&SELECT_PIV);

    assert!(!bench.card.pin_is_verified());
    assert_eq!(bench.use_key(Slot::Authentication), 0x6982);
}
