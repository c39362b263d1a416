//! The main job with a card that has no PIV: its applets sign in as well.

use cac_tests::harness::{Lab, jane};
use cac_tests::virtual_card::cac::Edges;
use cac_tests::virtual_card::{CardModel, samples};

#[test]
fn s38_an_alternate_token_without_piv_is_registered() -> anyhow::Result<()> {
    for model in [CardModel::T1, CardModel::T0] {
        let mut lab = Lab::start()?;
        lab.welcome(samples::jane())?;
        let card = jane(CardModel {
            edges: Edges::Alt,
            ..model
        })?;

        let registered = lab.register(0, &card, samples::PIN)?;

        assert_eq!(registered.kind, "CAC alternate token");
        assert_eq!(card.log().pin_attempts(), 1);
        assert_eq!(card.log().key_operations(), 1);
        assert!(!card.pin_is_verified(), "somebody is still logged in");
    }
    Ok(())
}

#[test]
fn s38_a_card_with_both_edges_is_registered_and_shows_each_certificate_once() -> anyhow::Result<()>
{
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel {
        edges: Edges::Dual,
        ..CardModel::T1
    })?;
    lab.register(0, &card, samples::PIN)?;

    let whole = lab.wait_for_card(0, "its other edge was read", |card| {
        card.certificates.len() == 5
    })?;
    let slots: Vec<u16> = whole
        .certificates
        .iter()
        .map(|certificate| certificate.slot.number())
        .collect();
    assert_eq!(slots, [0x9A, 0x9C, 0x9D, 0x9E, 0x0100]);
    assert!(!card.pin_is_verified(), "somebody is still logged in");
    Ok(())
}
