//! SIGN/DECRYPT: the bare RSA operation, with the PIN, in parts.

use cac_tests::virtual_card::cac::{Edges, certificates};
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::samples;
use cacd::card::transport::Protocol;
use der::{Decode, Encode};
use rsa::RsaPublicKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use x509_cert::Certificate;

use crate::bench::*;

fn public_key(certificate: &[u8]) -> RsaPublicKey {
    let certificate = Certificate::from_der(certificate).unwrap();
    let key = certificate.tbs_certificate().subject_public_key_info();
    RsaPublicKey::from_public_key_der(&key.to_der().unwrap()).unwrap()
}

/// A block as PKCS#1 pads it, below any modulus of this length.
fn block(length: usize) -> Vec<u8> {
    [&[0x00, 0x01][..], &vec![0xFF; length - 3], &[0x00]].concat()
}

/// What the holder of the public key makes of a signature.
fn undone(key: &RsaPublicKey, signature: &[u8]) -> Vec<u8> {
    let number = rsa::BigUint::from_bytes_be(signature);
    let bytes = rsa::hazmat::rsa_encrypt(key, &number)
        .unwrap()
        .to_bytes_be();
    [vec![0; key.size() - bytes.len()], bytes].concat()
}

/// Gives the PIN in the way of the edge, so that the key in this applet can be used.
fn log_in(bench: &mut Bench, edges: Edges, applet: u8) {
    if edges == Edges::Alt {
        bench.select(ACA);
        assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
        bench.select_pki(applet);
    } else {
        bench.select_pki(applet);
        assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
    }
}

fn assert_every_key_signs(file: &CardFile, edges: Edges, protocol: Protocol) {
    let mut bench = Bench::with(file, over(edges, protocol));
    let issued = certificates(file, edges);
    for found in &issued {
        let key = public_key(found.certificate);
        let block = block(key.size());
        log_in(&mut bench, edges, found.applet);

        let (signature, sw) = bench.use_key(&block);

        assert_eq!((signature.len(), sw), (key.size(), 0x9000), "{edges:?}");
        assert_eq!(undone(&key, &signature), block);
    }
    assert_eq!(bench.card.log().key_operations(), issued.len());
}

#[test]
fn every_key_belongs_to_the_certificate_beside_it() {
    for (edges, protocol) in over_both(&CAC_EDGES) {
        assert_every_key_signs(samples::janes_cac(), edges, protocol);
    }
}

#[test]
fn the_keys_of_an_old_card_are_half_as_long() {
    let file = samples::old_cac();
    for (edges, protocol) in over_both(&[Edges::Cac, Edges::Cac1]) {
        let issued = certificates(file, edges);
        assert_eq!(issued.len(), 3);
        assert_eq!(public_key(issued[0].certificate).size(), 128);
        assert_every_key_signs(file, edges, protocol);
    }
    let mut bench = Bench::with(file, over(Edges::Cac, Protocol::T1));
    bench.select_pki(0);
    let properties = bench.ask(GET_PROPERTIES, &[]).0;
    assert_eq!(properties[23..], [0x43, 4, 0x06, 0x10, 1, 1]);
}

#[test]
fn a_key_takes_the_pin_once_and_keeps_it() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    log_in(&mut bench, Edges::Cac, 0);

    for _ in 0..2 {
        assert_eq!(bench.use_key(&block(256)).1, 0x9000);
    }
    assert_eq!(bench.status(&with_data([0, 0xA4, 2, 0], &[1, 0])), 0x9000);
    assert_eq!(
        bench.use_key(&block(256)).1,
        0x9000,
        "after SELECT of the object"
    );
    bench.buffer(VALUES);
    assert_eq!(bench.use_key(&block(256)).1, 0x9000, "after reading");
}

#[test]
fn no_key_works_without_the_pin() {
    for (edges, protocol) in over_both(&CAC_EDGES) {
        let mut bench = jane(edges, protocol);
        for found in certificates(samples::janes_cac(), edges) {
            bench.select_pki(found.applet);

            assert_eq!(bench.use_key(&block(256)).1, 0x6982, "{edges:?}");
        }
        assert_eq!(bench.card.log().key_operations(), 0);
    }
}

#[test]
fn a_wrong_pin_takes_the_key_away() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    log_in(&mut bench, Edges::Cac, 0);

    bench.verify(WRONG_PIN);

    assert_eq!(bench.use_key(&block(256)).1, 0x6982);
}

#[test]
fn a_block_is_as_long_as_the_modulus() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    log_in(&mut bench, Edges::Cac, 0);

    for length in [1, 240, 255, 257, 480, 481] {
        assert_eq!(bench.use_key(&vec![1; length]).1, 0x6A80, "{length}");
    }
    assert_eq!(
        bench.use_key(&[0xFF; 256]).1,
        0x6A80,
        "not below the modulus"
    );
}

#[test]
fn a_part_is_no_longer_than_240_bytes_and_never_empty() {
    for protocol in PROTOCOLS {
        let mut bench = jane(Edges::Cac, protocol);
        log_in(&mut bench, Edges::Cac, 0);

        assert_eq!(bench.ask([0x80, 0x42, 0x80, 0], &[1; 241]).1, 0x6700);
        assert_eq!(bench.ask([0x80, 0x42, 0x00, 0], &[1; 241]).1, 0x6700);
        assert_eq!(bench.status(&[0x80, 0x42, 0, 0]), 0x6700);
    }
}

#[test]
fn other_parameters_are_refused() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    log_in(&mut bench, Edges::Cac, 0);

    for (p1, p2) in [(1, 0), (0, 1), (0x80, 1), (0xFF, 0)] {
        assert_eq!(bench.ask([0x80, 0x42, p1, p2], &[1; 16]).1, 0x6A86);
    }
    bench.select(CCC);
    assert_eq!(bench.ask([0x80, 0x42, 0, 0], &[1; 16]).1, 0x6D00);
}

#[test]
fn an_interrupted_block_never_was() {
    let mut bench = jane(Edges::Dual, Protocol::T1);
    log_in(&mut bench, Edges::Dual, 0);
    let block = block(256);
    let (first, last) = block.split_at(240);
    for interruption in [
        &[0x00, 0x20, 0, 0][..],
        &[0x00, 0xA4, 2, 0, 2, 1, 0],
        &[0x00, 0xC0, 0, 0, 0],
        &[0x00],
    ] {
        assert_eq!(bench.ask([0x80, 0x42, 0x80, 0], first).1, 0x9000);

        bench.send(interruption);

        let orphan = bench.ask([0x80, 0x42, 0, 0], last).1;
        assert_eq!(orphan, 0x6A80, "{interruption:02X?}");
    }
    assert_eq!(bench.use_key(&block).1, 0x9000);
}

#[test]
fn t0_hands_the_signature_out_when_it_is_fetched() {
    let mut bench = jane(Edges::Cac, Protocol::T0);
    log_in(&mut bench, Edges::Cac, 0);
    let block = block(256);

    let first = bench.status(&with_data([0x80, 0x42, 0x80, 0], &block[..240]));
    let last = bench.status(&with_data([0x80, 0x42, 0, 0], &block[240..]));
    let (signature, sw) = bench.send(&[0, 0xC0, 0, 0, 0]);

    assert_eq!((first, last), (0x9000, 0x6100));
    assert_eq!((signature.len(), sw), (256, 0x9000));
}

#[test]
fn the_encryption_key_decrypts() {
    let mut bench = jane(Edges::Cac, Protocol::T1);
    let found = &certificates(samples::janes_cac(), Edges::Cac)[2];
    let key = public_key(found.certificate);
    let secret = block(256);
    let number = rsa::BigUint::from_bytes_be(&secret);
    let sent = rsa::hazmat::rsa_encrypt(&key, &number)
        .unwrap()
        .to_bytes_be();
    let sent = [vec![0; 256 - sent.len()], sent].concat();
    log_in(&mut bench, Edges::Cac, found.applet);

    assert_eq!(bench.use_key(&sent), (secret, 0x9000));
}
