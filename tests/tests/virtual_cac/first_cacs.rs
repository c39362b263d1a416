//! GET CERTIFICATE of CAC-1, which says with 63xx that there is more.

use cac_tests::virtual_card::cac::{Edges, certificates};
use cac_tests::virtual_card::samples;
use cacd::card::transport::Protocol;

use crate::bench::*;

const WHOLE: [u8; 5] = [0x80, 0x36, 0, 0, 0];

#[test]
fn every_certificate_comes_piece_by_piece() {
    for protocol in PROTOCOLS {
        for file in [samples::janes_cac(), samples::old_cac()] {
            let mut bench = Bench::with(file, over(Edges::Cac1, protocol));
            for found in certificates(file, Edges::Cac1) {
                bench.select_pki(found.applet);

                let answer = bench.get_certificate();

                assert_eq!(answer[0], 0x00, "certificate information");
                assert_eq!(answer[1..], *found.certificate);
            }
        }
    }
}

#[test]
fn the_status_word_tells_how_much_is_left() {
    let mut bench = jane(Edges::Cac1, Protocol::T0);
    bench.select_pki(0);
    let mut rest = certificates(samples::janes_cac(), Edges::Cac1)[0]
        .certificate
        .len()
        + 1;
    while rest > 0 {
        let piece = rest.min(200);
        let (data, sw) = bench.send(&[0x80, 0x36, 0, 0, u8::try_from(piece).unwrap()]);
        rest -= piece;

        assert_eq!(data.len(), piece);
        let left = u16::try_from(rest.min(255)).unwrap();
        assert_eq!(sw, if left == 0 { 0x9000 } else { 0x6300 | left });
    }
}

#[test]
fn any_other_command_begins_again() {
    let mut bench = jane(Edges::Cac1, Protocol::T1);
    bench.select_pki(0);
    let (head, _) = bench.send(&WHOLE);
    let (next, _) = bench.send(&WHOLE);
    assert_ne!(head, next);

    bench.tries();

    assert_eq!(bench.send(&WHOLE).0, head);
    bench.select_pki(0);
    assert_eq!(bench.send(&WHOLE).0, head);
}

#[test]
fn after_the_end_comes_the_beginning() {
    let mut bench = jane(Edges::Cac1, Protocol::T1);
    bench.select_pki(0);

    let one = bench.get_certificate();
    let other = bench.get_certificate();

    assert_eq!(one, other);
}

#[test]
fn t0_says_the_exact_length_of_the_last_piece() {
    let mut bench = jane(Edges::Cac1, Protocol::T0);
    bench.select_pki(0);
    let length = certificates(samples::janes_cac(), Edges::Cac1)[0]
        .certificate
        .len()
        + 1;
    for _ in 0..length / 256 {
        bench.send(&WHOLE);
    }

    let (data, sw) = bench.send(&WHOLE);

    assert!(data.is_empty());
    assert_eq!(usize::from(sw), 0x6C00 + length % 256);
}

#[test]
fn no_other_way_leads_to_a_certificate() {
    let mut bench = jane(Edges::Cac1, Protocol::T1);
    bench.select_pki(0);

    assert_eq!(bench.read(TAGS, 0, 2).1, 0x6D00);
    assert_eq!(bench.ask(GET_PROPERTIES, &[]).1, 0x6D00);
    assert_eq!(bench.send(&[0x80, 0x36, 1, 0, 0]).1, 0x6A86);
    assert_eq!(bench.send(&[0x80, 0x36, 0, 0]).1, 0x6700);
    assert_eq!(bench.send(&[0x80, 0x36, 0, 0, 1, 0, 0]).1, 0x6700);
}

#[test]
fn later_cards_do_not_know_the_command() {
    for edges in [Edges::Cac, Edges::Dual, Edges::Bare] {
        let mut bench = jane(edges, Protocol::T1);
        bench.select_pki(0);

        assert_eq!(bench.send(&WHOLE).1, 0x6D00, "{edges:?}");
    }
}
