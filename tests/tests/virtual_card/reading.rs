//! Objects and the replies they come in.

use crate::bench::*;

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn a_certificate_comes_in_seven_replies_with_t1() {
    let mut bench = jane(CardModel::T1);
    bench.card.clear_log();
    let (mut object, mut sw) = bench.send(&with_le(get_data(&Slot::Authentication.object())));

    while sw >> 8 == 0x61 {
        let (data, next) = bench.send(&[0, 0xC0, 0, 0, 0]);
        object.extend(data);
        sw = next;
    }

    assert_eq!(sw, 0x9000);
    assert_eq!(
        Some(&object[..]),
        samples::jane().object(&Slot::Authentication.object())
    );
    assert_eq!(bench.card.log().count(), 7, "{} bytes", object.len());
}

#[test]
fn t0_gives_no_data_before_it_is_fetched() {
    let mut bench = jane(CardModel::T0);
    bench.card.clear_log();

    assert_eq!(bench.send(&get_data(&[0x7E])), (Vec::new(), 0x6114));
    assert_eq!(bench.status(&[0, 0xC0, 0, 0, 0x20]), 0x6C14);
    let (object, sw) = bench.send(&[0, 0xC0, 0, 0, 0x14]);

    assert_eq!((object[0], object.len(), sw), (0x7E, 0x14, 0x9000));
}

#[test]
fn t0_refuses_a_superfluous_length() {
    let mut bench = jane(CardModel::T0);

    assert_eq!(bench.status(&with_le(get_data(&[0x7E]))), 0x6700);
    assert_eq!(bench.status(&with_le(SELECT_PIV.to_vec())), 0x6700);
}

#[test]
fn any_other_command_abandons_the_rest_of_an_answer() {
    let mut bench = jane(CardModel::T1);
    assert_eq!(
        bench.status(&with_le(get_data(&Slot::Signature.object()))),
        0x6100
    );

    bench.send(&ASK_TRIES);

    assert_eq!(bench.status(&[0, 0xC0, 0, 0, 0]), 0x6985);
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut bench = john(CardModel::T1);

    assert_eq!(
        bench.status(&with_le(get_data(&[0x5F, 0xC1, 0x0D]))),
        0x6A82
    );
}

#[test]
fn a_tag_list_with_anything_more_is_refused() {
    let mut bench = john(CardModel::T1);
    let command = case4([0, 0xCB, 0x3F, 0xFF], &[0x5C, 0x01, 0x7E, 0x00]);

    assert_eq!(bench.status(&command), 0x6A80);
}

#[test]
fn printed_information_takes_the_pin() {
    let mut bench = john(CardModel::T1);
    assert_eq!(
        bench.status(&with_le(get_data(&PRINTED_INFORMATION))),
        0x6982
    );

    bench.verify(RIGHT_PIN);
    let (object, sw) = bench.send(&with_le(get_data(&PRINTED_INFORMATION)));

    assert_eq!((object[0], sw), (0x53, 0x9000));
}
