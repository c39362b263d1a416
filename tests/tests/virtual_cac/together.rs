//! What a card has whatever its edges are: habits, mishaps and harm show over
//! the CAC edge too.

use cac_tests::clock;
use cac_tests::virtual_card::cac::{Edges, certificates};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::habits::{AbandonedReply, DiscoveryHabit, Replies};
use cac_tests::virtual_card::hostility::Hostility;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};
use cacd::card::transport::{Protocol, Transport, TransportError};

use crate::bench::*;

/// Reads the first two bytes of the tag buffer.
const READ: [u8; 8] = [0x80, 0x52, 0, 0, 2, TAGS, 2, 0];

fn hostile(hostility: Hostility) -> Bench {
    let model = CardModel {
        hostility: Some(hostility),
        ..over(Edges::Cac, Protocol::T1)
    };
    let mut bench = Bench::with(samples::janes_cac(), model);
    bench.status(&[&with_data([0, 0xA4, 4, 0x0C], &pki(0))[..], &[0]].concat());
    bench
}

#[test]
fn a_card_of_no_kind_has_no_applets() {
    assert_eq!(hostile(Hostility::NoApplication).select(CCC), 0x6A82);
}

#[test]
fn a_broken_card_breaks_over_the_cac_edge() {
    let mut bench = hostile(Hostility::AlwaysBroken);

    assert_eq!(bench.status(&READ), 0x6F00);
    assert_eq!(bench.verify(RIGHT_PIN), 0x6F00);
    assert!(!bench.card.pin_is_verified());
}

#[test]
fn a_reply_does_not_end_over_the_cac_edge() {
    let mut bench = hostile(Hostility::EndlessReply);

    for command in [&READ[..], &[0, 0xC0, 0, 0, 0], &[0, 0xC0, 0, 0, 0]] {
        let (data, sw) = bench.send(command);
        assert_eq!((data.len(), sw), (256, 0x6100));
    }
    assert_eq!(hostile(Hostility::EndlessPromise).status(&READ), 0x6110);
    assert_eq!(hostile(Hostility::EndlessWrongLength).status(&READ), 0x6C10);
}

#[test]
fn another_program_takes_every_edge_away() {
    for (edges, protocol) in over_both(&CAC_EDGES) {
        let mut bench = jane(edges, protocol);
        let first = certificates(samples::janes_cac(), edges)[0].applet;
        if edges == Edges::Alt {
            bench.select(ACA);
            bench.verify(RIGHT_PIN);
            bench.select_pki(first);
        } else {
            bench.select_pki(first);
            bench.verify(RIGHT_PIN);
        }
        assert!(bench.card.pin_is_verified(), "{edges:?}");

        bench
            .card
            .select_other_at(Moment::next(instruction::SIGN_DECRYPT));
        let sw = bench.use_key(&[1; 128].repeat(2)).1;

        assert!(matches!(sw, 0x6982 | 0x6D00), "{edges:?}: {sw:04X}");
        assert!(!bench.card.pin_is_verified(), "{edges:?}");
    }
}

#[test]
fn another_program_comes_between_piv_and_the_applets_of_a_dual_card() {
    let mut bench = jane(Edges::Dual, Protocol::T1);
    let discovery = [0, 0xCB, 0x3F, 0xFF, 3, 0x5C, 1, 0x7E, 0];
    bench.select(PIV);

    bench
        .card
        .select_other_at(Moment::next(instruction::GET_DATA));

    assert_eq!(bench.status(&discovery), 0x6D00);
    assert_eq!(bench.select(PIV), 0x9000);
    assert_eq!(bench.status(&discovery), 0x9000);
}

#[test]
fn a_card_may_be_swapped_for_one_with_other_edges() {
    let card = CardHandle::new(samples::jane(), CardModel::T1).unwrap();
    let mut before = card.transport();
    card.swap_at(
        Moment::next(instruction::GET_DATA),
        samples::janes_cac(),
        over(Edges::Cac, Protocol::T0),
    )
    .unwrap();

    let answer = before.transmit(&[0, 0xCB, 0x3F, 0xFF, 3, 0x5C, 1, 0x7E, 0]);

    assert!(matches!(answer, Err(TransportError::Removed)));
    let mut after = Bench {
        transport: card.transport(),
        card,
    };
    assert_eq!(after.transport.protocol(), Protocol::T0);
    assert_ne!(after.transport.atr(), before.atr());
    assert_eq!(after.select(PIV), 0x6A82);
    assert_eq!(after.select(CCC), 0x9000);
}

#[test]
fn the_cac_edge_calls_the_global_pin_as_any_other() {
    let model = CardModel {
        discovery: DiscoveryHabit::GlobalPin,
        ..over(Edges::Dual, Protocol::T1)
    };
    let mut bench = Bench::with(samples::janes_cac(), model);
    bench.select_pki(0);

    assert_eq!(bench.tries(), 0x63C3);
    assert_eq!(bench.verify(RIGHT_PIN), 0x9000);
    assert!(bench.card.pin_is_verified());
}

#[test]
fn every_reply_may_be_announced() {
    let model = CardModel {
        replies: Replies::Announced,
        ..over(Edges::Cac, Protocol::T1)
    };
    let mut bench = Bench::with(samples::janes_cac(), model);
    bench.select_pki(0);

    assert_eq!(bench.send(&READ), (Vec::new(), 0x6102));
    assert_eq!(bench.send(&[0, 0xC0, 0, 0, 8]), (Vec::new(), 0x6C02));
    assert_eq!(bench.object().len(), 4);
}

#[test]
fn an_abandoned_reply_shows_in_the_next() {
    let abandoned = |habit| {
        let model = CardModel {
            abandoned: habit,
            ..over(Edges::Cac, Protocol::T1)
        };
        let mut bench = Bench::with(samples::janes_cac(), model);
        bench.select_pki(0);
        let whole = bench.read(TAGS, 0, 2).0;
        let without_length = &READ[..READ.len() - 1];
        assert_eq!(bench.status(without_length), 0x6102);
        (whole, bench.send(&READ))
    };

    let (whole, answer) = abandoned(AbandonedReply::Dropped);
    assert_eq!(answer, (whole, 0x9000));
    let (whole, answer) = abandoned(AbandonedReply::Prepended);
    assert_eq!(answer, (whole.repeat(2), 0x9000));
    let (_, answer) = abandoned(AbandonedReply::Refused);
    assert_eq!(answer, (Vec::new(), 0x6985));
}

#[test]
fn keys_may_be_longer() {
    let validity = Validity::current(clock::now());
    let order = samples::order(Person::jane_doe(), KeyAlgorithm::Rsa3072, validity);
    let file = samples::authority().issue_card(&order).unwrap();
    for protocol in PROTOCOLS {
        let mut bench = Bench::with(&file, over(Edges::Cac, protocol));
        for found in certificates(&file, Edges::Cac) {
            bench.select_pki(found.applet);
            bench.verify(RIGHT_PIN);

            let (properties, _) = bench.ask(GET_PROPERTIES, &[]);
            let (signature, sw) = bench.use_key(&[0; 384]);

            assert_eq!(properties[23..], [0x43, 4, 0x07, 0x30, 1, 1]);
            assert_eq!((signature.len(), sw), (384, 0x9000));
        }
    }
}
