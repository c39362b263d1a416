//! Cards and authorities that are kept in a folder.

use crate::bench::*;

use cac_tests::clock;
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::issuer::{Authority, CardOrder};
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn a_saved_card_is_the_same_card() {
    let folder = tempfile::tempdir().unwrap();
    let jane = samples::jane();

    jane.save(folder.path()).unwrap();
    let loaded = CardFile::load(folder.path()).unwrap();

    assert_eq!(
        (&loaded.person, loaded.card_uuid()),
        (&jane.person, jane.card_uuid())
    );
    for tag in [
        &[0x5F, 0xC1, 0x02][..],
        &[0x7E],
        &Slot::Authentication.object(),
        &PRINTED_INFORMATION,
    ] {
        assert_eq!(loaded.object(tag), jane.object(tag), "{tag:02X?}");
    }
    let mut bench = Bench::with(&loaded, CardModel::T1);
    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
}

#[test]
fn keys_of_former_cards_are_saved_too() {
    let folder = tempfile::tempdir().unwrap();
    let jane = samples::jane_with_history();

    jane.save(folder.path()).unwrap();
    let loaded = CardFile::load(folder.path()).unwrap();

    assert!(loaded.all_certificates().eq(jane.all_certificates()));
    let last = [0x5F, 0xC1, 0x11];
    assert_eq!(loaded.object(&last), jane.object(&last));
    let mut bench = Bench::with(&loaded, CardModel::T1);
    bench.verify(RIGHT_PIN);
    let data = rsa_challenge(&rsa_block());
    let (_, sw) = whole(&mut bench, [0, 0x87, 0x07, 0x86], &data);
    assert_eq!(sw, 0x9000);
}

#[test]
fn a_saved_authority_issues_under_the_same_root() {
    let folder = tempfile::tempdir().unwrap();
    let authority = samples::authority();
    authority.save(folder.path()).unwrap();

    let loaded = Authority::load(folder.path()).unwrap();
    let order = CardOrder {
        person: Person::john_roe(),
        algorithm: KeyAlgorithm::P256,
        validity: Validity::current(clock::now()),
        pin: samples::PIN,
        retired: 0,
        blemishes: &[],
    };

    assert_eq!(loaded.root_pem(), authority.root_pem());
    assert!(loaded.issue_card(&order).is_ok());
}

#[test]
fn a_damaged_card_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    samples::john().save(folder.path()).unwrap();
    std::fs::write(folder.path().join("9a.crt"), "not PEM").unwrap();

    let error = CardFile::load(folder.path()).err().unwrap().to_string();

    assert!(error.ends_with("9a.crt is not PEM"), "{error}");
}
