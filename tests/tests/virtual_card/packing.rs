//! Certificates that are packed, or said to be.

use std::io::Read;

use cac_tests::virtual_card::card_file::Slot;
use cac_tests::virtual_card::habits::Packing;
use cac_tests::virtual_card::{CardModel, samples};
use flate2::read::{GzDecoder, ZlibDecoder};

use crate::bench::*;

/// Contents of tags 70 and 71 of a certificate object.
fn certificate(packing: Packing, tag: &[u8]) -> (Vec<u8>, u8) {
    let model = CardModel {
        packing,
        ..CardModel::T1
    };
    let mut bench = Bench::with(samples::jane_with_history(), model);
    let (object, sw) = whole(&mut bench, [0, 0xCB, 0x3F, 0xFF], &get_data(tag)[5..]);
    assert_eq!(sw, 0x9000);
    let elements = Elements::of(&object);
    (elements.value(0x70).to_vec(), elements.value(0x71)[0])
}

fn unpacked(mut decoder: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn every_way_to_pack_holds_the_same_certificate() {
    let der = samples::jane_with_history().certificate(Slot::Authentication);
    let tag = Slot::Authentication.object();
    for (packing, info) in [
        (Packing::Gzip, 0x01),
        (Packing::GzipAsOnOldCards, 0x80),
        (Packing::GzipUnsaid, 0x00),
    ] {
        let (bytes, said) = certificate(packing, &tag);

        assert_eq!((&bytes[..2], said), (&[0x1F, 0x8B][..], info));
        assert!(bytes.len() < der.len(), "{packing:?}");
        assert_eq!(unpacked(GzDecoder::new(&bytes[..])), der, "{packing:?}");
    }
    let (bytes, said) = certificate(Packing::Zlib, &tag);
    assert_eq!((bytes[0], said), (0x78, 0x01));
    assert_eq!(unpacked(ZlibDecoder::new(&bytes[..])), der);
}

#[test]
fn a_plain_one_can_be_said_to_be_packed() {
    let der = samples::jane_with_history().certificate(Slot::Authentication);
    let tag = Slot::Authentication.object();

    assert_eq!(certificate(Packing::Plain, &tag), (der.to_vec(), 0x00));
    assert_eq!(
        certificate(Packing::PlainSaidGzip, &tag),
        (der.to_vec(), 0x01)
    );
}

#[test]
fn those_of_former_cards_are_packed_alike() {
    let (_, der) = samples::jane_with_history()
        .all_certificates()
        .last()
        .unwrap();

    let (bytes, _) = certificate(Packing::Gzip, &[0x5F, 0xC1, 0x11]);

    assert_eq!(unpacked(GzDecoder::new(&bytes[..])), der);
}
