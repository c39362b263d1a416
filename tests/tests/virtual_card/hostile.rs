//! Hostile cards do the harm that their name says.

use std::collections::BTreeSet;
use std::io::Read;

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::hostility::Hostility;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cacd::card::transport::{Protocol, Transport};
use flate2::read::GzDecoder;

use crate::bench::*;

const TAG: [u8; 3] = Slot::Authentication.object();

fn with(hostility: Hostility) -> Bench {
    let model = CardModel {
        hostility: Some(hostility),
        ..CardModel::T1
    };
    let card = CardHandle::new(samples::jane(), model).unwrap();
    Bench {
        transport: card.transport(),
        card,
    }
}

/// The login certificate's object, from a card that answers well.
fn object(hostility: Hostility) -> Vec<u8> {
    let mut bench = with(hostility);
    assert_eq!(bench.status(&with_le(SELECT_PIV.to_vec())), 0x9000);
    let (object, sw) = whole(&mut bench, [0, 0xCB, 0x3F, 0xFF], &get_data(&TAG)[5..]);
    assert_eq!(sw, 0x9000);
    object
}

fn good() -> &'static [u8] {
    samples::jane().object(&TAG).unwrap()
}

/// What the outer length claims, and what there is.
fn lengths(object: &[u8]) -> (usize, usize) {
    assert_eq!(object[..2], [0x53, 0x82]);
    let claimed = u16::from_be_bytes([object[2], object[3]]);
    (usize::from(claimed), object.len() - 4)
}

/// What a card answers to SELECT and then to GET DATA, byte by byte.
fn answers(hostility: Hostility) -> [Vec<u8>; 2] {
    let mut bench = with(hostility);
    [with_le(SELECT_PIV.to_vec()), with_le(get_data(&TAG))]
        .map(|command| bench.transport.transmit(&command).unwrap())
}

#[test]
fn outer_lengths_are_wrong() {
    let (claimed, there) = lengths(&object(Hostility::OuterLengthTooLong));
    assert_eq!(claimed, there + 40);
    let (claimed, there) = lengths(&object(Hostility::OuterLengthTooShort));
    assert_eq!(claimed, there - 40);
    let object = object(Hostility::HugeLength);
    assert_eq!(object[..5], [0x53, 0x83, 0xFF, 0xFF, 0xFF]);
    assert_eq!(object[5..], good()[4..]);
}

#[test]
fn inner_lengths_are_wrong() {
    let der = samples::jane().certificate(Slot::Authentication).len();
    for (hostility, claimed) in [
        (Hostility::InnerLengthsTooLong, der + 40),
        (Hostility::InnerLengthsTooShort, der - 40),
    ] {
        let object = object(hostility);

        let (outer, there) = lengths(&object);
        assert_eq!(outer, there);
        let inner = u16::from_be_bytes([object[6], object[7]]);
        assert_eq!((object[4], usize::from(inner)), (0x70, claimed));
    }
}

#[test]
fn objects_are_something_else() {
    assert_eq!(object(Hostility::NoOuterTag), good()[4..]);
    assert_eq!(object(Hostility::EmptyObjects), [0x53, 0x00]);
    assert_eq!(object(Hostility::AllZero), vec![0; good().len()]);
    let twice = object(Hostility::DuplicateTags);
    let twice: Vec<&[u8]> = Elements::of(&twice).values(0x70).collect();
    assert_eq!(twice[0], samples::jane().certificate(Slot::Authentication));
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn certificates_end_early_or_unpack_to_megabytes() {
    let der = samples::jane().certificate(Slot::Authentication);
    let short = object(Hostility::CertificateCutShort);
    assert_eq!(Elements::of(&short).value(0x70), &der[..der.len() / 2]);

    for (hostility, packed, size) in [
        (Hostility::Inflates, 1000..3000, 2_000_000),
        (Hostility::InflatesFar, 9000..12_000, 10_000_000),
    ] {
        let object = object(hostility);
        assert!(packed.contains(&object.len()), "{}", object.len());
        let mut bytes = Vec::new();
        GzDecoder::new(Elements::of(&object).value(0x70))
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes.len(), size);
    }
}

#[test]
fn replies_never_end() {
    let mut reply = with(Hostility::EndlessReply);
    let mut promise = with(Hostility::EndlessPromise);
    let mut length = with(Hostility::EndlessWrongLength);
    for bench in [&mut reply, &mut promise, &mut length] {
        assert_eq!(bench.status(&with_le(SELECT_PIV.to_vec())), 0x9000);
    }

    let (data, sw) = reply.send(&with_le(get_data(&TAG)));
    assert_eq!((&data[..], sw), (&good()[..256], 0x6100));
    for _ in 0..1000 {
        let (data, sw) = reply.send(&[0, 0xC0, 0, 0, 0]);
        assert_eq!((data.len(), sw), (256, 0x6100));
    }
    for _ in 0..1000 {
        assert_eq!(promise.send(&[0, 0xC0, 0, 0, 0x10]), (Vec::new(), 0x6110));
        let mut command = get_data(&TAG);
        command.push(0x10);
        assert_eq!(length.send(&command), (Vec::new(), 0x6C10));
    }
}

#[test]
fn answers_are_no_answers() {
    let [template, object] = answers(Hostility::NoStatusWord);
    assert_eq!((template[0], &object[..]), (0x61, &good()[..256]));
    assert_eq!(answers(Hostility::OneByte), [[0x90], [0x90]]);
    assert_eq!(answers(Hostility::AlwaysFine), [[0x90, 0x00], [0x90, 0x00]]);
    let nothing = [[0x6A, 0x82], [0x6D, 0x00]];
    assert_eq!(answers(Hostility::NoApplication), nothing);
    let [template, broken] = answers(Hostility::AlwaysBroken);
    assert_eq!((template[0], &broken[..]), (0x61, &[0x6F, 0x00][..]));
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let [first, again, other] = [1, 1, 2].map(|seed| answers(Hostility::Random { seed }));

    assert_eq!(first, again);
    assert_eq!(first[0], other[0], "SELECT is answered well");
    assert_ne!(first[1], other[1]);
}

#[test]
fn a_pin_is_not_compared_by_a_card_that_does_not_look() {
    for hostility in [Hostility::AlwaysFine, Hostility::AlwaysBroken] {
        let mut bench = with(hostility);
        bench.send(&with_le(SELECT_PIV.to_vec()));

        bench.verify(RIGHT_PIN);
        bench.verify(WRONG_PIN);

        assert!(!bench.card.pin_is_verified());
        assert_eq!(bench.card.tries_left(), 3);
    }
}

#[test]
fn every_one_has_a_name_of_its_own_and_answers_over_both_protocols() {
    let names: BTreeSet<&str> = Hostility::ALL.iter().map(|it| it.name()).collect();
    assert_eq!(names.len(), Hostility::ALL.len());

    for hostility in Hostility::ALL {
        for protocol in [Protocol::T0, Protocol::T1] {
            let model = CardModel {
                protocol,
                hostility: Some(hostility),
                ..CardModel::T1
            };
            let card = CardHandle::new(samples::john(), model).unwrap();
            let mut transport = card.transport();
            for command in [&SELECT_PIV[..], &get_data(&TAG), &[0, 0xC0, 0, 0, 0]] {
                assert!(transport.transmit(command).is_ok(), "{}", hostility.name());
            }
            assert_eq!(card.log().count(), 3);
        }
    }
}
