//! GENERAL AUTHENTICATE: who may use which key, and how.

use crate::bench::*;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use cac_tests::clock;
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardModel, samples};
use der::Encode;
use rsa::BigUint;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;

use crate::identity::parse;

#[test]
fn authentication_and_encryption_take_the_pin_once() {
    let mut bench = john(CardModel::T1);
    assert_eq!(bench.use_key(Slot::Authentication), 0x6982);

    bench.verify(RIGHT_PIN);

    for slot in [Slot::Authentication, Slot::Authentication, Slot::Encryption] {
        assert_eq!(bench.use_key(slot), 0x9000, "{slot:?}");
    }
}

#[test]
fn the_signature_key_takes_the_pin_right_before_each_use() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);
    assert_eq!(bench.use_key(Slot::Signature), 0x9000);
    assert_eq!(bench.use_key(Slot::Signature), 0x6982, "a second time");

    bench.verify(RIGHT_PIN);
    bench.send(&ASK_TRIES);

    assert_eq!(
        bench.use_key(Slot::Signature),
        0x6982,
        "with a command between"
    );
}

#[test]
fn the_signature_key_takes_a_chain_right_after_the_pin() {
    let mut bench = jane(CardModel::T1);
    let data = rsa_challenge(&rsa_block());
    bench.verify(RIGHT_PIN);

    let first = bench.status(&general_authenticate(
        0x10,
        0x07,
        Slot::Signature,
        &data[..255],
    ));
    let last = bench.status(&general_authenticate(
        0,
        0x07,
        Slot::Signature,
        &data[255..],
    ));

    assert_eq!((first, last), (0x9000, 0x6108));
}

#[test]
fn keys_of_former_cards_take_the_pin_once() {
    let mut bench = Bench::with(samples::jane_with_history(), CardModel::T1);
    let data = rsa_challenge(&rsa_block());
    let part = |cla, data: &[u8]| case3([cla, 0x87, 0x07, 0x86], data);
    bench.send(&part(0x10, &data[..255]));
    assert_eq!(bench.status(&part(0, &data[255..])), 0x6982);

    bench.verify(RIGHT_PIN);

    for _ in 0..2 {
        bench.send(&part(0x10, &data[..255]));
        assert_eq!(bench.status(&part(0, &data[255..])), 0x6100);
    }
}

#[test]
fn card_authentication_never_takes_a_pin() {
    let mut bench = john(CardModel::T1);

    assert_eq!(bench.use_key(Slot::CardAuthentication), 0x9000);
}

#[test]
fn a_chain_is_one_operation_and_its_answer_comes_in_two_replies() {
    let mut bench = jane(CardModel::T1);
    let data = rsa_challenge(&rsa_block());
    bench.verify(RIGHT_PIN);

    bench.send(&general_authenticate(
        0x10,
        0x07,
        Slot::Authentication,
        &data[..255],
    ));
    let (first, sw) = bench.send(&general_authenticate(
        0,
        0x07,
        Slot::Authentication,
        &data[255..],
    ));
    let (rest, end) = bench.send(&[0, 0xC0, 0, 0, 8]);

    assert_eq!((first.len(), sw, rest.len(), end), (256, 0x6108, 8, 0x9000));
    assert_eq!(first[..8], [0x7C, 0x82, 0x01, 0x04, 0x82, 0x82, 0x01, 0x00]);
    assert_eq!(bench.card.log().key_operations(), 1);
}

#[test]
fn t0_keeps_the_answer_of_a_chain_until_it_is_fetched() {
    let mut bench = jane(CardModel::T0);
    let data = rsa_challenge(&rsa_block());
    bench.verify(RIGHT_PIN);
    bench.send(&case3([0x10, 0x87, 0x07, 0x9A], &data[..255]));

    assert_eq!(
        bench.send(&case3([0, 0x87, 0x07, 0x9A], &data[255..])),
        (Vec::new(), 0x6100)
    );

    let (answer, sw) = bench.send(&[0, 0xC0, 0, 0, 0]);
    assert_eq!((answer.len(), sw), (256, 0x6108));
}

#[test]
fn an_interrupted_chain_never_was() {
    let mut bench = jane(CardModel::T1);
    let data = rsa_challenge(&rsa_block());
    bench.verify(RIGHT_PIN);
    bench.send(&general_authenticate(
        0x10,
        0x07,
        Slot::Authentication,
        &data[..255],
    ));

    assert_eq!(bench.status(&ASK_TRIES), 0x9000);

    let orphan = bench.status(&general_authenticate(
        0,
        0x07,
        Slot::Authentication,
        &data[255..],
    ));
    assert_eq!(orphan, 0x6A80);
    bench.send(&general_authenticate(
        0x10,
        0x07,
        Slot::Authentication,
        &data[..255],
    ));
    let complete = bench.status(&general_authenticate(
        0,
        0x07,
        Slot::Authentication,
        &data[255..],
    ));
    assert_eq!(complete, 0x6108);
}

#[test]
fn only_key_operations_are_chained() {
    let mut bench = john(CardModel::T1);

    assert_eq!(
        bench.status(&case3([0x10, 0x20, 0, 0x80], RIGHT_PIN)),
        0x6884
    );
    assert_eq!(bench.card.tries_left(), 3);
}

#[test]
fn a_block_that_is_not_as_long_as_the_modulus_is_refused() {
    let mut bench = jane(CardModel::T1);
    bench.verify(RIGHT_PIN);
    let short = [&[0x7C, 0x24, 0x82, 0x00, 0x81, 0x20], &[0x01; 32][..]].concat();

    assert_eq!(
        bench.status(&general_authenticate(0, 0x07, Slot::Authentication, &short)),
        0x6A80
    );
}

#[test]
fn the_wrong_algorithm_and_the_wrong_key_are_refused() {
    let mut bench = john(CardModel::T1);
    bench.verify(RIGHT_PIN);

    let rsa = bench.status(&general_authenticate(
        0,
        0x07,
        Slot::Authentication,
        &ecc_challenge(),
    ));
    let retired = bench.status(&case4([0, 0x87, 0x11, 0x82], &ecc_challenge()));

    assert_eq!((rsa, retired), (0x6A86, 0x6A88));
}

#[test]
fn a_longer_rsa_key_takes_a_longer_block() {
    let file = issue(KeyAlgorithm::Rsa3072);
    let mut bench = Bench::with(&file, CardModel::T1);
    bench.verify(RIGHT_PIN);
    let block = [&[0x00, 0x01][..], &[0xFF; 382]].concat();
    let header = [0, 0x87, 0x05, 0x9A];

    let (answer, sw) = whole(&mut bench, header, &rsa_challenge(&block));

    assert_eq!(sw, 0x9000);
    assert_eq!(
        answer[..8],
        [0x7C, 0x82, 0x01, 0x84, 0x82, 0x82, 0x01, 0x80]
    );
    let (n, e) = public_key(&file);
    let undone = BigUint::from_bytes_be(&answer[8..]).modpow(&e, &n);
    assert_eq!(undone, BigUint::from_bytes_be(&block));
    let short = whole(&mut bench, header, &rsa_challenge(&rsa_block()));
    assert_eq!(short, (Vec::new(), 0x6A80));
}

#[test]
fn the_longer_curve_signs_the_longer_hash() {
    let file = issue(KeyAlgorithm::P384);
    let mut bench = Bench::with(&file, CardModel::T1);
    bench.verify(RIGHT_PIN);
    let message = b"the holder was here";
    let hash = digest::digest(&digest::SHA384, message);
    let header = [0, 0x87, 0x14, 0x9A];

    let (answer, sw) = whole(&mut bench, header, &hash_challenge(hash.as_ref()));

    assert_eq!(sw, 0x9000);
    let certificate = parse(&file, Slot::Authentication);
    let point = certificate.tbs_certificate().subject_public_key_info();
    let point = point.subject_public_key.raw_bytes();
    UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point)
        .verify(message, &answer[4..])
        .unwrap();
    let short = whole(&mut bench, header, &hash_challenge(&[0x5A; 32]));
    assert_eq!(short, (Vec::new(), 0x6A80));
    let other = whole(&mut bench, [0, 0x87, 0x11, 0x9A], &ecc_challenge());
    assert_eq!(other, (Vec::new(), 0x6A86));
}

fn issue(algorithm: KeyAlgorithm) -> CardFile {
    let validity = Validity::current(clock::now());
    let order = samples::order(Person::jane_doe(), algorithm, validity);
    samples::authority().issue_card(&order).unwrap()
}

/// Modulus and exponent of the key for authentication.
fn public_key(file: &CardFile) -> (BigUint, BigUint) {
    let certificate = parse(file, Slot::Authentication);
    let info = certificate.tbs_certificate().subject_public_key_info();
    let key = rsa::RsaPublicKey::from_public_key_der(&info.to_der().unwrap()).unwrap();
    (key.n().clone(), key.e().clone())
}
