//! Which applets answer, and to what.

use cac_tests::virtual_card::cac::{AcaPlace, CacHabits, Edges};
use cac_tests::virtual_card::samples;
use cacd::card::transport::Protocol;

use crate::bench::*;

fn applets(edges: Edges) -> Vec<Vec<u8>> {
    let pki = |of: std::ops::Range<u8>| of.map(|applet| pki(applet).to_vec());
    let named = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect::<Vec<_>>();
    match edges {
        Edges::Piv => named(&[PIV]),
        Edges::Cac => pki(0..3)
            .chain(named(&[CCC, ACA, PERSON, PERSONNEL]))
            .collect(),
        Edges::Dual => pki(0..3).chain(named(&[CCC, ACA, PIV])).collect(),
        Edges::Alt => pki(3..4).chain(named(&[ACA, ALTERNATE_ACA])).collect(),
        Edges::Bare | Edges::Cac1 => pki(0..3).collect(),
    }
}

#[test]
fn each_edge_has_its_applets_and_no_others() {
    let all: Vec<_> = (0..16)
        .map(|applet| pki(applet).to_vec())
        .chain([CCC, ACA, ALTERNATE_ACA, PERSON, PERSONNEL, PIV].map(<[u8]>::to_vec))
        .collect();
    for (edges, protocol) in over_both(&CAC_EDGES) {
        let mut bench = jane(edges, protocol);
        for name in &all {
            let expected = if applets(edges).contains(name) {
                0x9000
            } else {
                0x6A82
            };

            assert_eq!(bench.select(name), expected, "{edges:?} {name:02X?}");
        }
    }
}

#[test]
fn a_card_without_rsa_keys_has_no_pki_applets() {
    let mut bench = Bench::with(samples::john(), over(Edges::Cac, Protocol::T1));

    assert_eq!(bench.select_pki(0), 0x6A82);
    assert_eq!(bench.select_pki(1), 0x6A82);
    assert_eq!(bench.select(CCC), 0x9000);
}

#[test]
fn nothing_works_before_an_applet_is_selected() {
    for edges in CAC_EDGES {
        let mut bench = jane(edges, Protocol::T1);

        // On a dual card it is PIV that says no, and PIV does not know the class.
        let of_cac = if edges == Edges::Dual { 0x6E00 } else { 0x6D00 };

        assert_eq!(bench.tries(), 0x6D00, "{edges:?}");
        assert_eq!(bench.read(TAGS, 0, 2).1, of_cac, "{edges:?}");
        assert_eq!(bench.ask(GET_PROPERTIES, &[]).1, of_cac, "{edges:?}");
        assert_eq!(bench.status(&[0x80, 0x36, 0, 0, 2]), of_cac, "{edges:?}");
    }
}

#[test]
fn a_name_is_given_whole() {
    let mut bench = jane(Edges::Cac, Protocol::T1);

    assert_eq!(bench.select(&pki(0)[..6]), 0x6A82);
    assert_eq!(bench.select(&[&pki(0)[..], &[0]].concat()), 0x6A82);
}

#[test]
fn a_name_that_does_not_exist_leaves_the_applet_selected() {
    let mut bench = jane(Edges::Dual, Protocol::T1);
    bench.select_pki(1);
    bench.verify(RIGHT_PIN);

    assert_eq!(bench.select_pki(9), 0x6A82);

    assert!(bench.card.pin_is_verified());
    assert_eq!(bench.read(TAGS, 0, 2).1, 0x9000);
}

#[test]
fn the_answer_to_select_is_for_those_who_ask() {
    let command = |p2| with_data([0, 0xA4, 4, p2], CCC);
    let answer = [&[0x6F, 0x0B, 0x84, 0x07][..], CCC, &[0xA5, 0]].concat();

    let mut t0 = jane(Edges::Cac, Protocol::T0);
    assert_eq!(t0.send(&command(0x00)), (Vec::new(), 0x610D));
    assert_eq!(t0.send(&[0, 0xC0, 0, 0, 0x0D]), (answer.clone(), 0x9000));
    assert_eq!(t0.send(&command(0x0C)), (Vec::new(), 0x9000));

    let mut t1 = jane(Edges::Cac, Protocol::T1);
    let with_length = [command(0x00), vec![0]].concat();
    assert_eq!(t1.send(&with_length), (answer, 0x9000));
    assert_eq!(t1.send(&command(0x0C)), (Vec::new(), 0x9000));
}

#[test]
fn a_card_may_insist_on_its_answer() {
    let habit = CacHabits {
        wants_answer_to_select: true,
        ..CacHabits::USUAL
    };
    let mut bench = jane_with(Edges::Cac, Protocol::T0, habit);

    assert_eq!(bench.status(&with_data([0, 0xA4, 4, 0x0C], CCC)), 0x6A86);
    assert_eq!(bench.status(&with_data([0, 0xA4, 4, 0x00], CCC)), 0x610D);
}

#[test]
fn other_parameters_are_refused() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    let mut old = jane(Edges::Cac1, Protocol::T1);

    for (p1, p2) in [(4, 4), (0, 0), (0, 0x0C), (8, 0)] {
        let command = with_data([0, 0xA4, p1, p2], &pki(0));
        assert_eq!(bench.status(&command), 0x6A86, "{p1:02X} {p2:02X}");
        assert_eq!(old.status(&command), 0x6D00, "{p1:02X} {p2:02X}");
    }
    assert_eq!(old.status(&with_data([0, 0xA4, 4, 0x0C], &pki(0))), 0x6D00);
}

#[test]
fn other_classes_are_refused() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);

    assert_eq!(bench.status(&[0x90, 0x56, 1, 0, 0]), 0x6E00);
    assert_eq!(bench.status(&[0x01, 0x56, 1, 0, 0]), 0x6881);
    assert_eq!(bench.status(&with_data([0x80, 0xA4, 4, 0], CCC)), 0x6D00);
    assert_eq!(
        bench.status(&with_data([0x80, 0x20, 0, 0], RIGHT_PIN)),
        0x6D00
    );
}

#[test]
fn the_class_of_a_command_of_cac_may_be_either() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);

    for class in [0x00, 0x80] {
        let read = [with_data([class, 0x52, 0, 0], &[TAGS, 2]), vec![0]].concat();
        assert_eq!(bench.status(&read), 0x9000);
        assert_eq!(bench.status(&[class, 0x56, 1, 0, 0]), 0x9000);
    }
}

#[test]
fn an_object_is_selected_by_its_number_in_the_applet() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Cac, protocol);
        bench.select_pki(1);

        for p2 in [0x00, 0x0C] {
            let select = |object: &[u8]| with_data([0, 0xA4, 2, p2], object);
            assert_eq!(bench.status(&select(&[1, 1])), 0x9000);
            assert_eq!(bench.status(&select(&[1, 0])), 0x6A82);
            assert_eq!(bench.status(&select(&[1])), 0x6700);
        }
        bench.select(ACA);
        assert_eq!(bench.status(&with_data([0, 0xA4, 2, 0], &[3, 0])), 0x6A82);
    }
}

#[test]
fn a_token_has_its_aca_where_the_model_says() {
    for (aca, usual, alternate) in [
        (AcaPlace::Both, 0x9000, 0x9000),
        (AcaPlace::Usual, 0x9000, 0x6A82),
        (AcaPlace::Alternate, 0x6A82, 0x9000),
    ] {
        let habit = CacHabits {
            aca,
            ..CacHabits::USUAL
        };
        let mut bench = jane_with(Edges::Alt, Protocol::T1, habit);

        assert_eq!(bench.select(ACA), usual, "{aca:?}");
        assert_eq!(bench.select(ALTERNATE_ACA), alternate, "{aca:?}");
    }
}

#[test]
fn the_two_edges_of_a_dual_card_do_not_mix() {
    let mut bench = jane(Edges::Dual, Protocol::T1);
    let discovery = [0, 0xCB, 0x3F, 0xFF, 3, 0x5C, 1, 0x7E, 0];

    assert_eq!(bench.select(PIV), 0x9000);
    assert_eq!(bench.status(&discovery), 0x9000);
    assert_eq!(bench.read(TAGS, 0, 2).1, 0x6E00, "PIV knows no class 80");
    assert_eq!(bench.select_pki(0), 0x9000);
    assert_eq!(bench.status(&discovery), 0x6D00);
    assert_eq!(bench.read(TAGS, 0, 2).1, 0x9000);
    assert_eq!(bench.select(PIV), 0x9000);
    assert_eq!(bench.status(&discovery), 0x9000);
}

#[test]
fn piv_on_a_dual_card_names_the_applets_of_the_other_edge() {
    let mut bench = jane(Edges::Dual, Protocol::T1);
    bench.select(PIV);

    let (object, sw) = bench.ask([0, 0xCB, 0x3F, 0xFF], &[0x5C, 3, 0x5F, 0xC1, 0x07]);

    assert_eq!(sw, 0x9000);
    let url = [0xF3, 16, 0xA0, 0, 0, 0, 0x79, 4, 1, 0, 1, 0];
    assert!(object.windows(url.len()).any(|bytes| bytes == url));
    assert_eq!(object[2..9], [0xF0, 21, 0xA0, 0, 0, 0, 0x79]);
}

#[test]
fn the_power_takes_the_selection_with_it() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    bench.select_pki(0);
    bench.verify(RIGHT_PIN);

    bench.card.take_out();
    bench.card.put_in();

    let mut again = Bench {
        transport: bench.card.transport(),
        ..bench
    };
    assert_eq!(again.tries(), 0x6D00);
    assert!(!again.card.pin_is_verified());
}
