//! What VERIFY and its kin say on cards with habits of their own.

use cac_tests::virtual_card::cac::{CacHabits, CacPin, Edges};
use cacd::card::transport::Protocol;

use crate::bench::*;

fn with_pin(pin: CacPin) -> Bench {
    let habit = CacHabits {
        pin,
        ..CacHabits::USUAL
    };
    let mut bench = jane_with(Edges::Cac, Protocol::T1, habit);
    bench.select_pki(0);
    bench
}

#[test]
fn a_pin_that_was_never_set_is_no_reference() {
    let mut bench = with_pin(CacPin::NotInitialised);

    assert_eq!(bench.tries(), 0x6A88);
    assert_eq!(bench.verify(RIGHT_PIN), 0x6A88);
    assert_eq!(bench.status(&with_data([0, 0x24, 0, 0], &[0; 16])), 0x6A88);

    assert_eq!(bench.card.tries_left(), 3);
    assert!(!bench.card.pin_is_verified());
}

#[test]
fn a_card_may_count_without_telling() {
    let mut bench = with_pin(CacPin::Uncounted);

    assert_eq!(bench.tries(), 0x6A88);
    assert_eq!(bench.verify(WRONG_PIN), 0x6985);
    assert_eq!(bench.card.tries_left(), 2);
    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
    assert_eq!(bench.card.tries_left(), 3);
    for _ in 0..3 {
        assert_eq!(bench.verify(WRONG_PIN), 0x6985);
    }
    assert_eq!(bench.verify(RIGHT_PIN), 0x6983);
}

#[test]
fn a_token_may_want_another_parameter_to_change_the_pin() {
    let mut bench = with_pin(CacPin::ChangedWithP1Set);
    let change = |p1| with_data([0, 0x24, p1, 0], &[RIGHT_PIN, &b"99999999"[..]].concat());

    assert_eq!(bench.status(&change(0)), 0x6A86);
    assert_eq!(bench.verify(RIGHT_PIN), 0x9000, "nothing has changed");
    assert_eq!(bench.status(&change(1)), 0x9000);

    assert_eq!(bench.verify(b"99999999"), 0x9000);
}
