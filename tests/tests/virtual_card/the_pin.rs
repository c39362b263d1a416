//! VERIFY and CHANGE REFERENCE DATA.

use crate::bench::*;

use cac_tests::virtual_card::CardModel;
use cac_tests::virtual_card::card_file::Slot;

#[test]
fn a_wrong_one_costs_a_try() {
    let mut bench = john(CardModel::T1);

    assert_eq!(bench.verify(WRONG_PIN), 0x63C2);

    assert_eq!(bench.card.tries_left(), 2);
}

#[test]
fn a_malformed_one_costs_a_try() {
    let mut bench = john(CardModel::T1);

    assert_eq!(bench.verify(b"24681\xFF\xFF\xFF"), 0x63C2);
    assert_eq!(bench.verify(b"246813"), 0x63C1);
}

#[test]
fn the_third_wrong_one_blocks_the_card_for_the_right_one() {
    let mut bench = john(CardModel::T1);
    for expected in [0x63C2, 0x63C1, 0x63C0] {
        assert_eq!(bench.verify(WRONG_PIN), expected);
    }

    assert_eq!(bench.verify(RIGHT_PIN), 0x6983);
    assert_eq!(bench.status(&ASK_TRIES), 0x6983);
}

#[test]
fn the_right_one_gives_all_tries_back() {
    let mut bench = john(CardModel::T1);
    bench.verify(WRONG_PIN);

    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);

    assert_eq!(bench.card.tries_left(), 3);
}

#[test]
fn a_wrong_one_logs_out() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);

    bench.verify(WRONG_PIN);

    assert_eq!(bench.use_key(Slot::Authentication), 0x6982);
}

#[test]
fn to_ask_for_the_tries_costs_none() {
    let mut bench = john(CardModel::T1);

    assert_eq!(bench.status(&ASK_TRIES), 0x63C3);
    assert_eq!(bench.status(&ASK_TRIES), 0x63C3);
    assert_eq!(bench.card.log().pin_attempts(), 0);
}

#[test]
fn t0_may_ask_with_a_zero_length() {
    let mut bench = john(CardModel::T0);

    assert_eq!(bench.status(&[0, 0x20, 0, 0x80, 0]), 0x63C3);
}

#[test]
fn a_dual_card_never_says_that_it_is_verified() {
    let mut bench = john(CardModel::DUAL);

    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);

    assert_eq!(bench.status(&ASK_TRIES), 0x63C3);
}

#[test]
fn logging_out_is_possible_on_new_cards_only() {
    let mut new = john(CardModel::T1);
    let mut old = john(CardModel {
        refuses_logout: true,
        ..CardModel::T1
    });
    new.verify(RIGHT_PIN);
    old.verify(RIGHT_PIN);

    assert_eq!(
        (new.status(&LOG_OUT), new.status(&ASK_TRIES)),
        (0x9000, 0x63C3)
    );
    assert_eq!(
        (old.status(&LOG_OUT), old.status(&ASK_TRIES)),
        (0x6A86, 0x9000)
    );
}

#[test]
fn no_other_reference_takes_one() {
    let mut bench = john(CardModel::T1);

    assert_eq!(bench.status(&case3([0, 0x20, 0, 0x00], RIGHT_PIN)), 0x6A88);
    assert_eq!(bench.card.tries_left(), 3);
}

#[test]
fn the_tries_survive_the_power_and_the_login_does_not() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);
    bench.verify(WRONG_PIN);

    bench.card.take_out();
    bench.card.put_in();

    assert_eq!(bench.card.tries_left(), 2);
    assert!(!bench.card.pin_is_verified());
}

#[test]
fn it_is_changed_with_the_old_one() {
    let mut bench = john(CardModel::T1);
    let change = |old: &[u8], new: &[u8]| case3([0, 0x24, 0, 0x80], &[old, new].concat());

    assert_eq!(bench.status(&change(WRONG_PIN, b"99999999")), 0x63C2);
    assert_eq!(
        bench.status(&change(RIGHT_PIN, b"9999\xFF\xFF\xFF\xFF")),
        0x6A80
    );
    assert_eq!(
        bench.card.tries_left(),
        2,
        "a malformed new PIN costs nothing"
    );
    assert_eq!(bench.status(&change(RIGHT_PIN, b"99999999")), 0x9000);

    assert_eq!(bench.verify(b"99999999"), 0x9000);
    assert_eq!(bench.verify(RIGHT_PIN), 0x63C2);
}
