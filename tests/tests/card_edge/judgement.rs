//! What is wrong with a card from the day it was issued is told, and nothing
//! else; and who vouches for it.

use std::fs;

use cac_common::certificate::ChainStatus;
use cac_common::finding::Weight;
use cac_tests::virtual_card::card_file::CardFile;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::issuer::blemish::Blemish;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cacd::judgement::judge;
use cacd::trust::Authorities;

use super::*;

#[test]
fn a_card_as_it_was_issued_has_nothing_wrong_and_leads_up_to_its_root() {
    let facts = judged(samples::jane(), &authorities());

    assert_eq!(facts.findings, []);
    for certificate in &facts.certificates {
        let ChainStatus::Trusted { path } = &certificate.summary.chain else {
            panic!("{:?}", certificate.summary);
        };
        assert_eq!(path.len(), 2, "{path:?}");
    }
}

#[test]
fn without_an_anchor_nothing_is_said_of_who_vouches_for_it() {
    let facts = judged(samples::jane(), &Authorities::default());

    assert_eq!(facts.findings, []);
    assert!(
        facts
            .certificates
            .iter()
            .all(|certificate| certificate.summary.chain == ChainStatus::NotConfigured)
    );
}

#[test]
fn a_card_of_an_authority_that_is_not_trusted_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let others = cac_tests::virtual_card::issuer::Authority::new(clock::now()).unwrap();
    anchor(folder.path(), &others.root_pem());

    let facts = judged(samples::jane(), &Authorities::read(folder.path()).0);

    let [note, warning] = &facts.findings[..] else {
        panic!("{:?}", facts.findings);
    };
    let by_weight = [note, warning].map(|finding| (finding.weight, finding.object.as_str()));
    assert_eq!(
        by_weight,
        [
            (Weight::Warning, "9A Authentication certificate"),
            (Weight::Note, "CHUID"),
        ]
    );
}

#[test]
fn each_blemish_is_told_by_the_object_that_has_it() {
    for (blemish, object, words) in [
        (Blemish::ChuidUnsigned, "CHUID", "not signed"),
        (Blemish::ChuidTampered, "CHUID", "was changed"),
        (
            Blemish::ChuidSignatureBroken,
            "CHUID",
            "signature does not hold",
        ),
        (
            Blemish::FascnDiffers,
            "9A Authentication certificate",
            "FASC-N",
        ),
        (
            Blemish::UuidDiffers,
            "9A Authentication certificate",
            "Card UUID",
        ),
        (
            Blemish::CardEndsFirst,
            "9A Authentication certificate",
            "longer than the card",
        ),
        (Blemish::CardEnded, "card", "it expired"),
        (Blemish::SecurityHashWrong, "CHUID", "not what the issuer"),
        (Blemish::SignerUnknown, "CHUID", "not trusted"),
    ] {
        let blemishes = [blemish];
        let order = cac_tests::virtual_card::issuer::CardOrder {
            blemishes: &blemishes,
            ..samples::order(
                Person::jane_doe(),
                KeyAlgorithm::Rsa2048,
                Validity::current(clock::now()),
            )
        };
        let file = samples::authority().issue_card(&order).unwrap();

        let facts = judged(&file, &authorities());

        for finding in &facts.findings {
            println!("{blemish:?}: {finding} [{:?}]", finding.weight);
        }
        assert!(
            facts
                .findings
                .iter()
                .any(|finding| finding.object == object && finding.fault.contains(words)),
            "{blemish:?}: {:?}",
            facts.findings
        );
        assert_eq!(
            facts.certificates.len(),
            4,
            "the rest is shown all the same"
        );
        assert!(facts.login.is_some());
    }
}

/// Read whole, and judged.
fn judged(file: &CardFile, authorities: &Authorities) -> CardFacts {
    let card = CardHandle::new(file, CardModel::T1).unwrap();
    let mut facts = read(&card);
    facts.take_rest(rest_of(&card, &facts), now());
    let (judgement, _) = judge(&facts, authorities, now());
    judgement.apply(&mut facts, now());
    facts
}

/// That trust the authority of the samples.
fn authorities() -> Authorities {
    let folder = tempfile::tempdir().unwrap();
    anchor(folder.path(), &samples::authority().root_pem());
    fs::write(
        folder.path().join("issuing.pem"),
        samples::authority().issuing_pem(),
    )
    .unwrap();
    let (authorities, problems) = Authorities::read(folder.path());
    assert!(problems.is_empty(), "{problems:?}");
    authorities
}

fn anchor(folder: &std::path::Path, pem: &str) {
    let anchors = folder.join("anchors");
    fs::create_dir(&anchors).unwrap();
    fs::write(anchors.join("root.pem"), pem).unwrap();
}
