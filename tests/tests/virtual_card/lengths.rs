//! Extended lengths, and what the ATR says of them.

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::habits::ExtendedLength;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

use crate::bench::*;

const ALL: [ExtendedLength; 5] = [
    ExtendedLength::Refused,
    ExtendedLength::Works,
    ExtendedLength::Lies,
    ExtendedLength::Truncates,
    ExtendedLength::Breaks,
];

fn with(extended: ExtendedLength) -> Bench {
    jane(CardModel {
        extended,
        ..CardModel::T1
    })
}

/// GET DATA for the login certificate with lengths of two bytes.
fn extended_get_data() -> Vec<u8> {
    let [a, b, c] = Slot::Authentication.object();
    vec![0, 0xCB, 0x3F, 0xFF, 0, 0, 5, 0x5C, 3, a, b, c, 0, 0]
}

/// Whether the historical bytes, as compact TLV, say that Lc and Le may be extended.
fn claims_extended(atr: &[u8]) -> bool {
    let capabilities = atr.windows(4).find(|part| part[0] == 0x73);
    capabilities.is_some_and(|part| part[3] & 0x40 != 0)
}

#[test]
fn a_reply_can_come_whole() {
    let mut bench = with(ExtendedLength::Works);

    let (object, sw) = bench.send(&extended_get_data());

    assert_eq!(sw, 0x9000);
    assert_eq!(
        Some(&object[..]),
        samples::jane().object(&Slot::Authentication.object())
    );
}

#[test]
fn a_key_takes_its_block_whole() {
    let mut bench = with(ExtendedLength::Works);
    bench.verify(RIGHT_PIN);
    let data = rsa_challenge(&rsa_block());
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let command = [&[0, 0x87, 0x07, 0x9A, 0][..], &length, &data, &[0, 0]].concat();

    let (answer, sw) = bench.send(&command);

    assert_eq!((answer.len(), sw), (264, 0x9000));
    assert_eq!(bench.card.log().key_operations(), 1);
}

#[test]
fn a_pin_in_a_long_command_is_seen_in_the_log() {
    let mut bench = with(ExtendedLength::Works);
    let command = [&[0, 0x20, 0, 0x80, 0, 0, 8][..], WRONG_PIN].concat();

    assert_eq!(bench.status(&command), 0x63C2);

    assert_eq!(bench.card.log().pin_attempts(), 1);
}

#[test]
fn the_others_fail_each_in_its_way() {
    let answers: Vec<(usize, u16)> = ALL
        .into_iter()
        .map(|habit| with(habit).send(&extended_get_data()))
        .map(|(data, sw)| (data.len(), sw))
        .collect();

    let object = samples::jane().object(&Slot::Authentication.object());
    let whole = object.unwrap().len();
    assert_eq!(
        answers,
        [
            (0, 0x6700),
            (whole, 0x9000),
            (0, 0x6700),
            (256, 0x9000),
            (0, 0x6F00)
        ]
    );
}

#[test]
fn short_lengths_work_on_all_of_them() {
    for habit in ALL {
        let mut bench = with(habit);

        let (object, sw) = bench.send(&with_le(get_data(&Slot::Authentication.object())));

        assert_eq!((object.len(), sw), (256, 0x6100), "{habit:?}");
        assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
    }
}

#[test]
fn t0_has_none() {
    let mut bench = jane(CardModel {
        extended: ExtendedLength::Works,
        ..CardModel::T0
    });

    assert_eq!(bench.status(&extended_get_data()), 0x6700);
}

#[test]
fn the_atr_claims_what_the_habit_says() {
    for habit in ALL {
        let atr = with(habit).card.atr();

        assert_eq!(
            claims_extended(&atr),
            habit != ExtendedLength::Refused,
            "{habit:?}"
        );
    }
}

#[test]
fn every_model_has_a_well_formed_atr_of_its_protocol() {
    for (name, model) in CardModel::ALL {
        let atr = CardHandle::new(samples::john(), model).unwrap().atr();

        assert_eq!(atr[0], 0x3B, "{name}");
        let is_t0 = name == "t0";
        // Only T=0 goes without a check byte (ISO/IEC 7816-3, section 8.2.5).
        let check = atr[1..].iter().fold(0, |check, byte| check ^ byte);
        assert_eq!(check == 0, !is_t0, "{name}: {atr:02X?}");
        let by_air = atr[1] & 0xF0 == 0x80 && atr[2..4] == [0x80, 0x01];
        assert_eq!(by_air, name.starts_with("contactless"), "{name}");
    }
}
