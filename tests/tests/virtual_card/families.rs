//! Cards of the families that are met beside CACs.

use cac_tests::virtual_card::CardModel;
use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::habits::TouchHabit;

use crate::bench::*;

const CAPABILITY: [u8; 3] = [0x5F, 0xC1, 0x07];

#[test]
fn a_yubikey_tells_its_firmware_and_does_not_log_out() {
    let mut bench = john(CardModel::YUBIKEY);
    bench.verify(RIGHT_PIN);

    assert_eq!(bench.send(&[0, 0xFD, 0, 0, 0]), (vec![5, 2, 7], 0x9000));
    assert_eq!(bench.status(&with_le(ASK_TRIES.to_vec())), 0x9000);
    assert_eq!(bench.status(&LOG_OUT), 0x6A86);
    assert!(bench.card.pin_is_verified());
    let mut cac = john(CardModel::T1);
    assert_eq!(cac.status(&[0, 0xFD, 0, 0, 0]), 0x6D00);
    assert_eq!(cac.status(&with_le(ASK_TRIES.to_vec())), 0x6700);
}

#[test]
fn a_yubikey_gives_its_template_unasked() {
    let mut bench = john(CardModel::YUBIKEY);

    let (template, sw) = bench.send(&SELECT_PIV);

    assert_eq!((template[0], sw), (0x61, 0x9000));
}

#[test]
fn a_key_that_nobody_touches_is_refused() {
    let mut bench = john(CardModel {
        touch: TouchHabit::Awaited,
        ..CardModel::YUBIKEY
    });
    assert_eq!(bench.use_key(Slot::Authentication), 0x6982);

    bench.verify(RIGHT_PIN);

    assert_eq!(bench.use_key(Slot::Authentication), 0x6985);
    assert_eq!(bench.use_key(Slot::CardAuthentication), 0x9000);
}

#[test]
fn a_neo_lacks_objects_and_counts_in_the_old_form() {
    let mut bench = jane(CardModel::NEO);

    assert_eq!(bench.status(&with_le(get_data(&[0x7E]))), 0x6A82);
    let history = [0x5F, 0xC1, 0x0C];
    assert_eq!(bench.status(&with_le(get_data(&history))), 0x6A82);
    assert_eq!(bench.status(&ASK_TRIES), 0x6303);
    assert_eq!(bench.verify(WRONG_PIN), 0x6302);
    let certificate = with_le(get_data(&Slot::Authentication.object()));
    let (data, sw) = bench.send(&certificate);
    assert_eq!((data.len(), sw), (255, 0x6100));
    let (data, _) = bench.send(&[0, 0xC0, 0, 0, 0]);
    assert_eq!(data.len(), 255);
}

#[test]
fn a_piv_applet_announces_every_reply_and_wants_its_exact_length() {
    let mut bench = john(CardModel::PIV_APPLET);

    assert_eq!(
        bench.send(&with_le(get_data(&[0x7E]))),
        (Vec::new(), 0x6114)
    );
    assert_eq!(bench.send(&[0, 0xC0, 0, 0, 0x20]), (Vec::new(), 0x6C14));
    let (object, sw) = bench.send(&[0, 0xC0, 0, 0, 0x14]);

    assert_eq!((object.len(), sw), (0x14, 0x9000));
    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
}

#[test]
fn a_card_by_air_gives_little_and_takes_no_pin() {
    for (model, refusal) in [
        (CardModel::CONTACTLESS, 0x6982),
        (CardModel::CONTACTLESS_WITHOUT_VERIFY, 0x6A81),
    ] {
        let mut bench = john(model);

        for tag in [&CHUID[..], &Slot::CardAuthentication.object(), &[0x7E]] {
            let sw = bench.status(&with_le(get_data(tag)));
            assert!(sw == 0x9000 || sw == 0x6100, "{tag:02X?}: {sw:04X}");
        }
        for tag in [
            CAPABILITY,
            Slot::Authentication.object(),
            PRINTED_INFORMATION,
        ] {
            assert_eq!(bench.status(&with_le(get_data(&tag))), 0x6982);
        }
        assert_eq!(bench.status(&ASK_TRIES), refusal);
        assert_eq!(bench.verify(RIGHT_PIN), refusal);
        assert!(!bench.card.pin_is_verified());
        assert_eq!(bench.use_key(Slot::CardAuthentication), 0x9000);
        assert_eq!(bench.use_key(Slot::Authentication), 0x6982);
    }
}

#[test]
fn a_card_without_a_count_still_counts() {
    let mut bench = john(CardModel::NO_COUNT);

    assert_eq!(bench.status(&ASK_TRIES), 0x6982);
    for _ in 0..3 {
        assert_eq!(bench.verify(WRONG_PIN), 0x6300);
    }

    assert_eq!(bench.card.tries_left(), 0);
    assert_eq!(bench.verify(RIGHT_PIN), 0x6983);
}

#[test]
fn a_card_can_say_that_all_is_fine_when_it_is_not() {
    let mut bench = john(CardModel::ALWAYS_FINE);

    assert_eq!(bench.status(&ASK_TRIES), 0x9000);

    assert!(!bench.card.pin_is_verified());
    assert_eq!(bench.use_key(Slot::Authentication), 0x6982);
    assert_eq!(bench.verify(WRONG_PIN), 0x63C2);
}
