//! Cards that answer what no card should: each does it where it says so.

use cac_tests::virtual_card::cac::{CacHabits, CacHostility, Edges, certificates};
use cac_tests::virtual_card::samples;
use cacd::card::transport::Protocol;

use crate::bench::*;

/// A hostile card with the first certificate's applet selected, for each edge where it shows.
fn benches(hostility: CacHostility) -> impl Iterator<Item = Bench> {
    let habit = CacHabits {
        hostility: Some(hostility),
        ..CacHabits::USUAL
    };
    over_both(hostility.edges()).map(move |(edges, protocol)| {
        let mut bench = jane_with(edges, protocol, habit);
        let first = &certificates(samples::janes_cac(), edges)[0];
        assert_eq!(bench.select_pki(first.applet), 0x9000);
        bench
    })
}

fn length(bench: &mut Bench, kind: u8) -> u16 {
    let (bytes, sw) = bench.read(kind, 0, 2);
    assert_eq!(sw, 0x9000);
    u16::from_le_bytes([bytes[0], bytes[1]])
}

#[test]
fn a_buffer_claims_more_than_it_gives() {
    for mut bench in benches(CacHostility::BufferLengthLies) {
        for kind in [TAGS, VALUES] {
            let claimed = length(&mut bench, kind);
            let count = u8::try_from(claimed.min(255)).unwrap();

            assert_eq!(bench.read(kind, claimed - 256, 2).1, 0x9000);
            let past = claimed + 2 - u16::from(count);
            assert_eq!(bench.read(kind, past, count).1, 0x6A86);
        }
    }
}

#[test]
fn the_tags_do_not_end() {
    for mut bench in benches(CacHostility::EndlessTags) {
        let claimed = length(&mut bench, TAGS);

        let (last, sw) = bench.read(TAGS, claimed, 2);

        assert_eq!(claimed, 0xFFFE);
        assert_eq!((last, sw), (vec![0x72, 0x00], 0x9000));
    }
}

#[test]
fn an_element_reaches_over_the_end() {
    for mut bench in benches(CacHostility::ElementOverTheEnd) {
        let tags = bench.buffer(TAGS);
        let values = bench.buffer(VALUES);

        assert_eq!(tags[..7], [0x71, 1, 0x70, 0xFF, 0xFF, 0xFF, 0x72]);
        assert!(values.len() < 0xFFFF);
    }
}

#[test]
fn a_read_succeeds_with_nothing() {
    for mut bench in benches(CacHostility::EmptyAnswers) {
        assert!(length(&mut bench, VALUES) > 0);
        assert_eq!(bench.read(VALUES, 2, 255), (Vec::new(), 0x9000));
        assert_eq!(bench.read(TAGS, 2, 4), (Vec::new(), 0x9000));
    }
}

#[test]
fn a_value_takes_64_kilobytes() {
    for mut bench in benches(CacHostility::Claims64Kilobytes) {
        assert_eq!(bench.buffer(TAGS), [0x70, 0xFF, 0xFF, 0xFF]);
        assert_eq!(length(&mut bench, VALUES), 0xFFFF);
        assert_eq!(bench.read(VALUES, 0xFF00, 255), (vec![0; 255], 0x9000));
    }
}

#[test]
fn a_certificate_never_ends() {
    for mut bench in benches(CacHostility::EndlessCertificate) {
        for _ in 0..300 {
            let (piece, sw) = bench.send(&[0x80, 0x36, 0, 0, 0xFF]);
            assert_eq!((piece.len(), sw), (255, 0x63FF));
        }
    }
}

#[test]
fn the_service_table_is_crowded_and_every_applet_is_there() {
    let habit = CacHabits {
        hostility: Some(CacHostility::CrowdedServiceTable),
        ..CacHabits::USUAL
    };
    for protocol in PROTOCOLS {
        let mut bench = jane_with(Edges::Alt, protocol, habit);
        bench.select(ACA);

        let (table, sw) = bench.ask(GET_SERVICES, &[]);

        assert_eq!((table.len(), sw), (7 + 3 + 255 * 12, 0x9000));
        assert_eq!(table[7..10], [0x94, 1, 255]);
        assert_eq!(bench.select_pki(0), 0x9000);
        assert_eq!(bench.select_pki(254), 0x9000);
    }
}

#[test]
fn every_hostility_has_its_place() {
    for hostility in CacHostility::ALL {
        assert!(benches(hostility).count() >= 2, "{hostility:?}");
    }
}

/// The worst card does not lose the key: what is signed is signed.
#[test]
fn a_hostile_card_still_takes_a_pin() {
    let habit = CacHabits {
        hostility: Some(CacHostility::BufferLengthLies),
        ..CacHabits::USUAL
    };
    let mut bench = jane_with(Edges::Bare, Protocol::T1, habit);
    bench.select_pki(0);

    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
    assert_eq!(
        bench.use_key(&[&[0, 1][..], &[0xFF; 254]].concat()).1,
        0x9000
    );
}
