//! What the card says of itself is held against the authorities that are trusted.

use std::fs;

use cac_common::certificate::{ChainStatus, Revocation, Slot};
use cac_common::snapshot::Card;
use cac_tests::harness::{Lab, jane};
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s37_an_anchor_that_is_put_there_vouches_for_the_card_at_once() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    let without = lab.wait_for_card(0, "it is judged", |card| {
        card.certificates.len() == 4
            && chains(card).all(|chain| *chain == ChainStatus::NotConfigured)
    })?;
    assert!(
        without
            .certificates
            .iter()
            .all(|certificate| certificate.revocation == Revocation::NotChecked),
        "nobody is asked about a card that nobody vouches for"
    );

    let anchors = lab.folder().join("config/trust/anchors");
    fs::create_dir(&anchors)?;
    fs::write(anchors.join("root.pem"), samples::authority().root_pem())?;

    let card = lab.wait_for_card(
        0,
        "its authority is trusted, and cannot be reached",
        |card| {
            chains(card).all(|chain| matches!(chain, ChainStatus::Trusted { .. }))
                && card
                    .certificates
                    .iter()
                    .all(|certificate| matches!(certificate.revocation, Revocation::Offline { .. }))
        },
    )?;
    assert_eq!(card.findings, []);
    Ok(())
}

#[test]
fn s37_whoever_asks_nobody_is_not_told_who_was_revoked() -> anyhow::Result<()> {
    let mut lab = cac_tests::harness::Plan::default()
        .settings("[trust]\ncheck_revocation = false\n")
        .start()?;
    let anchors = lab.folder().join("config/trust/anchors");
    fs::create_dir(&anchors)?;
    fs::write(anchors.join("root.pem"), samples::authority().root_pem())?;

    lab.insert(0, &jane(CardModel::T1)?)?;
    let card = lab.wait_for_card(0, "its authority is trusted", |card| {
        card.certificates.len() == 4
            && chains(card).all(|chain| matches!(chain, ChainStatus::Trusted { .. }))
    })?;

    let login = card.login.map(|login| login.slot);
    assert_eq!(login, Some(Slot::Authentication));
    assert!(
        card.certificates
            .iter()
            .all(|certificate| certificate.revocation == Revocation::NotChecked)
    );
    Ok(())
}

fn chains(card: &Card) -> impl Iterator<Item = &ChainStatus> {
    card.certificates
        .iter()
        .map(|certificate| &certificate.chain)
}
