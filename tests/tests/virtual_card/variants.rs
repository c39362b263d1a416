//! Objects that differ from card to card, and what the card then does.

use cac_tests::virtual_card::habits::{DiscoveryHabit, KeyHistoryHabit};
use cac_tests::virtual_card::{CardModel, samples};

use crate::bench::*;

const CAPABILITY: [u8; 3] = [0x5F, 0xC1, 0x07];
const KEY_HISTORY: [u8; 3] = [0x5F, 0xC1, 0x0C];

fn read(bench: &mut Bench, tag: &[u8]) -> Option<Vec<u8>> {
    let (object, sw) = bench.send(&with_le(get_data(tag)));
    assert!(matches!(sw, 0x9000 | 0x6A82), "{sw:04X}");
    (sw == 0x9000).then_some(object)
}

#[test]
fn a_dual_card_names_its_cac_applets() {
    let plain = read(&mut john(CardModel::T1), &CAPABILITY).unwrap();
    let dual = read(&mut john(CardModel::DUAL), &CAPABILITY).unwrap();

    assert!(Elements::of(&plain).value(0xF3).is_empty());
    let urls: Vec<&[u8]> = Elements::of(&dual).values(0xF3).collect();
    let ends: Vec<u8> = urls.iter().map(|url| url[9]).collect();
    assert_eq!(ends, [0, 1, 2]);
    for url in urls {
        assert_eq!(url[..6], [0xA0, 0x00, 0x00, 0x00, 0x79, 0x04]);
        assert_eq!(url.len(), 16);
    }
    assert_eq!(Elements::of(&dual).value(0xF5), [0x10]);
}

#[test]
fn the_global_pin_takes_the_place_of_the_other() {
    let mut bench = john(CardModel::GLOBAL_PIN);
    let global = |pin: &[u8]| case3([0, 0x20, 0, 0x00], pin);

    let discovery = read(&mut bench, &[0x7E]).unwrap();
    assert_eq!(discovery[discovery.len() - 2..], [0x60, 0x20]);
    assert_eq!(bench.status(&ASK_TRIES), 0x6A88);
    assert_eq!(bench.verify(RIGHT_PIN), 0x6A88);
    assert_eq!(bench.status(&[0, 0x20, 0, 0x00]), 0x63C3);
    assert_eq!(bench.status(&global(WRONG_PIN)), 0x63C2);
    assert_eq!(bench.status(&global(RIGHT_PIN)), 0x9000);

    assert!(bench.card.pin_is_verified());
    assert_eq!(bench.status(&[0, 0x20, 0xFF, 0x00]), 0x9000);
    assert!(!bench.card.pin_is_verified());
}

#[test]
fn without_a_discovery_object_the_pin_is_the_applications() {
    let mut bench = john(CardModel {
        discovery: DiscoveryHabit::Absent,
        ..CardModel::T1
    });

    assert_eq!(read(&mut bench, &[0x7E]), None);
    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
}

#[test]
fn the_key_history_tells_of_keys_elsewhere_or_is_not_there() {
    let with = |key_history| {
        let model = CardModel {
            key_history,
            ..CardModel::T1
        };
        read(
            &mut Bench::with(samples::jane_with_history(), model),
            &KEY_HISTORY,
        )
    };

    let object = with(KeyHistoryHabit::OffCard(2)).unwrap();
    let history = Elements::of(&object);
    assert_eq!(
        (history.value(0xC1), history.value(0xC2)),
        (&[5][..], &[2][..])
    );
    let url = String::from_utf8(history.value(0xF3).to_vec()).unwrap();
    assert!(url.starts_with("http://") && url.len() <= 118, "{url}");
    assert_eq!(with(KeyHistoryHabit::Absent), None);
}
