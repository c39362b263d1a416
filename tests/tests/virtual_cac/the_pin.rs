//! VERIFY and CHANGE REFERENCE DATA on the CAC edge: who asks, where, and for how long it holds.

use cac_tests::virtual_card::cac::Edges;
use cacd::card::transport::Protocol;

use crate::bench::*;

/// The applet that takes the PIN, with the least between it and the key.
fn before_the_pin(bench: &mut Bench, edges: Edges) {
    let sw = match edges {
        Edges::Alt => bench.select(ACA),
        Edges::Piv | Edges::Cac | Edges::Dual | Edges::Bare | Edges::Cac1 => bench.select_pki(0),
    };
    assert_eq!(sw, 0x9000);
}

#[test]
fn a_wrong_one_costs_a_try_and_three_block_it() {
    for (edges, protocol) in over_both(&CAC_EDGES) {
        let mut bench = jane(edges, protocol);
        before_the_pin(&mut bench, edges);

        assert_eq!(bench.tries(), 0x63C3, "{edges:?}");
        for expected in [0x63C2, 0x63C1, 0x63C0] {
            assert_eq!(bench.verify(WRONG_PIN), expected, "{edges:?}");
        }
        assert_eq!(bench.verify(RIGHT_PIN), 0x6983, "{edges:?}");
        assert_eq!(bench.tries(), 0x6983, "{edges:?}");
        assert_eq!(bench.card.log().pin_attempts(), 4);
    }
}

#[test]
fn the_right_one_gives_all_tries_back() {
    let mut bench = jane(Edges::Cac, Protocol::T0);
    bench.select_pki(0);
    bench.verify(WRONG_PIN);

    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);

    assert_eq!(bench.card.tries_left(), 3);
}

#[test]
fn both_edges_of_a_dual_card_count_together() {
    let mut bench = jane(Edges::Dual, Protocol::T1);
    bench.select_pki(0);
    assert_eq!(bench.verify(WRONG_PIN), 0x63C2);

    bench.select(PIV);

    assert_eq!(bench.status(&[0, 0x20, 0, 0x80]), 0x63C2);
    assert_eq!(
        bench.status(&with_data([0, 0x20, 0, 0x80], WRONG_PIN)),
        0x63C1
    );
    bench.select_pki(0);
    assert_eq!(bench.tries(), 0x63C1);
}

#[test]
fn an_empty_one_tells_a_login_except_on_a_dual_card() {
    for (edges, expected) in [(Edges::Cac, 0x9000), (Edges::Dual, 0x63C3)] {
        let mut bench = jane(edges, Protocol::T1);
        bench.select_pki(0);

        assert_eq!(bench.verify(RIGHT_PIN), 0x9000);

        assert_eq!(bench.tries(), expected, "{edges:?}");
    }
}

#[test]
fn it_has_no_other_reference_and_no_way_to_log_out() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);
    bench.verify(RIGHT_PIN);

    assert_eq!(
        bench.status(&with_data([0, 0x20, 0, 0x80], RIGHT_PIN)),
        0x6A88
    );
    assert_eq!(bench.status(&[0, 0x20, 0xFF, 0]), 0x6A86);

    assert!(bench.card.pin_is_verified());
}

#[test]
fn its_block_is_eight_bytes_or_costs_a_try() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);

    assert_eq!(bench.verify(&RIGHT_PIN[..6]), 0x63C2);
    assert_eq!(
        bench.status(&[with_data(VERIFY, RIGHT_PIN), vec![0]].concat()),
        0x6700
    );
    assert_eq!(bench.card.tries_left(), 2);
}

#[test]
fn some_applets_do_not_take_it() {
    let mut cac = jane(Edges::Cac, Protocol::T1);
    let mut token = jane(Edges::Alt, Protocol::T1);

    cac.select(CCC);
    token.select_pki(3);

    assert_eq!(cac.verify(RIGHT_PIN), 0x6D00);
    assert_eq!(
        token.verify(RIGHT_PIN),
        0x6D00,
        "a token wants it in the ACA"
    );
    for name in [ACA, PERSON, &pki(0)] {
        cac.select(name);
        assert_eq!(cac.verify(RIGHT_PIN), 0x9000, "{name:02X?}");
    }
}

#[test]
fn another_applet_logs_out() {
    for edges in [Edges::Cac, Edges::Dual, Edges::Bare, Edges::Cac1] {
        let mut bench = jane(edges, Protocol::T1);
        bench.select_pki(0);
        bench.verify(RIGHT_PIN);

        assert_eq!(bench.select_pki(1), 0x9000);

        assert!(!bench.card.pin_is_verified(), "{edges:?}");
        bench.select_pki(0);
        assert!(!bench.card.pin_is_verified(), "{edges:?}");
    }
}

#[test]
fn what_is_verified_in_the_aca_of_a_cac_is_lost_in_a_pki_applet() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select(ACA);
    bench.verify(RIGHT_PIN);

    bench.select_pki(0);

    assert!(!bench.card.pin_is_verified());
}

#[test]
fn either_edge_of_a_dual_card_logs_out_of_the_other() {
    let mut bench = jane(Edges::Dual, Protocol::T1);
    bench.select_pki(0);
    bench.verify(RIGHT_PIN);

    bench.select(PIV);
    assert!(!bench.card.pin_is_verified());
    bench.status(&with_data([0, 0x20, 0, 0x80], RIGHT_PIN));
    assert!(bench.card.pin_is_verified());

    bench.select(CCC);
    assert!(!bench.card.pin_is_verified());
}

#[test]
fn the_same_applet_again_keeps_the_login() {
    for edges in CAC_EDGES {
        let mut bench = jane(edges, Protocol::T1);
        before_the_pin(&mut bench, edges);
        bench.verify(RIGHT_PIN);

        before_the_pin(&mut bench, edges);

        assert!(bench.card.pin_is_verified(), "{edges:?}");
    }
}

#[test]
fn the_aca_of_a_token_lets_its_login_pass_on_once() {
    let mut bench = jane(Edges::Alt, Protocol::T1);
    bench.select(ACA);
    bench.verify(RIGHT_PIN);

    bench.select_pki(3);
    assert!(bench.card.pin_is_verified());
    bench.select_pki(3);
    assert!(bench.card.pin_is_verified());

    bench.select(ACA);
    assert!(!bench.card.pin_is_verified());
    assert_eq!(bench.tries(), 0x63C3);
}

#[test]
fn it_is_changed_with_the_old_one() {
    for (edges, protocol) in over_both(&CAC_EDGES) {
        let mut bench = jane(edges, protocol);
        before_the_pin(&mut bench, edges);
        let change = |old: &[u8], new: &[u8]| with_data([0, 0x24, 0, 0], &[old, new].concat());

        assert_eq!(bench.status(&change(WRONG_PIN, b"99999999")), 0x63C2);
        assert_eq!(bench.status(&change(RIGHT_PIN, b"99999999")), 0x9000);

        assert_eq!(bench.verify(b"99999999"), 0x9000);
        assert_eq!(bench.verify(RIGHT_PIN), 0x63C2);
        assert_eq!(bench.status(&with_data([0, 0x24, 1, 0], &[0; 16])), 0x6A86);
        assert_eq!(
            bench.status(&with_data([0, 0x24, 0, 0x80], &[0; 16])),
            0x6A88
        );
    }
}

#[test]
fn it_does_not_outlive_the_power() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);
    bench.verify(WRONG_PIN);
    bench.verify(RIGHT_PIN);

    bench.card.reset_by_another_program();

    assert!(!bench.card.pin_is_verified());
}
