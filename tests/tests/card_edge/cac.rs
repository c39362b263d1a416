//! Cards with the applets of GSC-IS 2.1, alone or beside PIV.

use std::collections::BTreeMap;

use cac_common::certificate::Role;
use cac_tests::virtual_card::cac::{
    AcaPlace, CacHabits, CacHostility, CacPin, CertificateForm, Edges, certificates,
};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::instruction;

use super::*;

const WITHOUT_PIV: [Edges; 4] = [Edges::Cac, Edges::Alt, Edges::Bare, Edges::Cac1];

#[test]
fn a_card_without_piv_is_read_over_its_applets() {
    for (edges, kind) in WITHOUT_PIV.into_iter().zip([
        "CAC",
        "CAC alternate token",
        "CAC token",
        "CAC, first generation",
    ]) {
        for model in [CardModel::T1, CardModel::T0] {
            let card = jane(CardModel { edges, ..model });

            let facts = read(&card);

            assert_eq!(facts.edge.to_string(), kind);
            assert_eq!(by_applet(&facts), on_the_card(edges), "{edges:?}");
            let holder = facts.holder.as_ref().unwrap();
            assert_eq!(holder.name.to_string(), "DOE, JANE Q", "{edges:?}");
            assert_eq!(holder.dod_id.unwrap().to_string(), "1234567890");
            assert_eq!(facts.pin, THREE_TRIES, "{edges:?}");
            assert!(facts.login.is_some());
            assert_eq!(facts.unread, [], "{edges:?}");
            assert_eq!(facts.apdus as usize, card.log().count());
            assert_eq!(card.log().pin_attempts(), 0);
        }
    }
}

#[test]
fn what_an_applet_card_costs() {
    for (edges, model, most) in [
        (Edges::Cac, CardModel::T1, 50),
        (Edges::Cac, CardModel::T0, 80),
    ] {
        let card = jane(CardModel { edges, ..model });
        let facts = read(&card);
        println!("{edges:?} {:?}: {}", model.protocol, facts.apdus);
        assert_eq!(facts.certificates.len(), 3);
        assert!(facts.apdus <= most, "{}", facts.apdus);
    }
}

#[test]
fn an_applet_signs_once_and_nobody_is_left_logged_in() {
    for edges in WITHOUT_PIV {
        for model in [CardModel::T1, CardModel::T0] {
            let card = jane(CardModel { edges, ..model });
            let facts = read(&card);
            card.clear_log();
            let slot = facts.login.as_ref().unwrap().slot;

            let signed = sign_in_slot(slot, &card, &facts, samples::PIN, false);

            println!("{edges:?} {:?}: {}", model.protocol, card.log().count());
            assert_eq!(
                signed.result.map(|signature| signature.len()),
                Ok(256),
                "{edges:?}"
            );
            assert!(!card.pin_is_verified(), "{edges:?}");
            assert_eq!(signed.tries, Some(THREE_TRIES));
            assert_eq!(card.log().pin_attempts(), 1);
            assert_eq!(card.log().key_operations(), 1);
            assert_eq!(card.tries_left(), 3);
        }
    }
}

#[test]
fn a_wrong_pin_at_an_applet_costs_one_try() {
    for edges in WITHOUT_PIV {
        let card = jane(CardModel {
            edges,
            ..CardModel::T1
        });
        let facts = read(&card);
        let slot = facts.login.as_ref().unwrap().slot;

        let signed = sign_in_slot(slot, &card, &facts, "999999", false);

        let two = CardError::WrongPin {
            tries_left: Some(2),
        };
        assert_eq!(signed.result, Err(two), "{edges:?}");
        assert!(signed.pin.is_none());
        assert_eq!(card.tries_left(), 2);
    }
}

#[test]
fn a_card_with_both_edges_is_one_card_and_shows_no_certificate_twice() {
    for model in [CardModel::T1, CardModel::T0] {
        let card = jane(CardModel {
            edges: Edges::Dual,
            is_dual: true,
            ..model
        });
        let mut facts = read(&card);
        facts.take_rest(rest_of(&card, &facts), now());

        assert_eq!(facts.id.0, samples::jane().card_uuid());
        let slots: Vec<u16> = facts
            .certificates
            .iter()
            .map(|certificate| certificate.summary.slot.number())
            .collect();
        assert_eq!(slots, [0x9A, 0x9C, 0x9D, 0x9E, 0x0100]);
        assert_eq!(facts.certificates[4].summary.role, Role::Identity);
        assert_eq!(facts.login.as_ref().unwrap().slot, Slot::Authentication);
        assert_eq!(facts.unread, []);
        let known = read_with(&card, &Habits::default(), &[on_record(&facts)]);
        assert_eq!(known.certificates, facts.certificates);
        assert_eq!(Missing::of(&known), None);

        // Either key signs, and the other edge is not left open.
        for slot in [Slot::Authentication, facts.certificates[4].summary.slot] {
            let signed = sign_in_slot(slot, &card, &facts, samples::PIN, false);
            assert!(signed.result.is_ok(), "{slot}: {:?}", signed.result);
            assert!(!card.pin_is_verified(), "{slot}");
        }
    }
}

#[test]
fn where_piv_was_not_activated_the_identity_certificate_signs_in() {
    let card = jane(CardModel {
        edges: Edges::Dual,
        ..CardModel::T1
    });
    // Before it comes the CHUID.
    card.garble_at(Moment::next(instruction::GET_DATA).after(1), b"\x6A\x82");

    let facts = read(&card);

    let login = facts.login.as_ref().unwrap();
    assert_eq!(login.slot.number(), 0x0100, "{}", login.reason);
    assert_eq!(
        facts.holder.as_ref().unwrap().name.to_string(),
        "DOE, JANE Q"
    );
    let signed = sign_in_slot(login.slot, &card, &facts, samples::PIN, false);
    assert!(signed.result.is_ok(), "{:?}", signed.result);
    assert!(!card.pin_is_verified());
}

#[test]
fn an_applet_card_is_read_whatever_its_habits() {
    for (edges, cac) in [
        (
            Edges::Cac,
            CacHabits {
                certificates: CertificateForm::Gzip,
                ..CacHabits::USUAL
            },
        ),
        (
            Edges::Cac,
            CacHabits {
                certificates: CertificateForm::NotSimpleTlv,
                ..CacHabits::USUAL
            },
        ),
        (
            Edges::Cac,
            CacHabits {
                wants_answer_to_select: true,
                ..CacHabits::USUAL
            },
        ),
        (
            Edges::Cac,
            CacHabits {
                ccc_is_a_circle: true,
                ..CacHabits::USUAL
            },
        ),
        (
            Edges::Cac,
            CacHabits {
                guards_person: true,
                ..CacHabits::USUAL
            },
        ),
        (
            Edges::Alt,
            CacHabits {
                aca: AcaPlace::Usual,
                ..CacHabits::USUAL
            },
        ),
        (
            Edges::Alt,
            CacHabits {
                aca: AcaPlace::Alternate,
                ..CacHabits::USUAL
            },
        ),
        (
            Edges::Cac1,
            CacHabits {
                certificates: CertificateForm::Gzip,
                ..CacHabits::USUAL
            },
        ),
    ] {
        let card = jane(CardModel {
            edges,
            cac,
            ..CardModel::T0
        });

        let mut facts = read(&card);
        facts.take_rest(rest_of(&card, &facts), now());

        assert_eq!(by_applet(&facts), on_the_card(edges), "{cac:?}");
        assert_eq!(facts.unread, [], "{cac:?}");
        let slot = facts.login.as_ref().unwrap().slot;
        let signed = sign_in_slot(slot, &card, &facts, samples::PIN, false);
        assert!(signed.result.is_ok(), "{cac:?}: {:?}", signed.result);
        assert!(!card.pin_is_verified(), "{cac:?}");
    }
}

#[test]
fn a_card_that_counts_no_tries_gets_no_pin_unasked() {
    for pin in [CacPin::Uncounted, CacPin::NotInitialised] {
        let cac = CacHabits {
            pin,
            ..CacHabits::USUAL
        };
        let card = jane(CardModel {
            edges: Edges::Cac,
            cac,
            ..CardModel::T1
        });
        let facts = read(&card);
        card.clear_log();
        let slot = facts.login.as_ref().unwrap().slot;

        let signed = sign_in_slot(slot, &card, &facts, samples::PIN, false);

        assert_eq!(signed.result, Err(CardError::LastTry { tries_left: None }));
        assert_eq!(card.log().pin_attempts(), 0);
    }
}

#[test]
fn every_hostile_applet_card_ends_in_time_with_a_finding() {
    for hostility in CacHostility::ALL {
        for edges in hostility.edges() {
            let cac = CacHabits {
                hostility: Some(hostility),
                ..CacHabits::USUAL
            };
            let card = jane(CardModel {
                edges: *edges,
                cac,
                ..CardModel::T1
            });

            let read = try_to_read(&card, &Habits::default(), &[], &mut |_| {});

            let apdus = card.log().count();
            let findings = match read {
                Ok(facts) => facts.findings,
                Err(CardError::Nameless { findings }) => findings,
                Err(other) => panic!("{hostility:?} {edges:?}: {other:?}"),
            };
            println!("{hostility:?} {edges:?}: {apdus} APDUs, {findings:?}");
            assert!(apdus <= 700, "{hostility:?} {edges:?}: {apdus} APDUs");
            assert!(!findings.is_empty(), "{hostility:?} {edges:?}");
        }
    }
}

fn by_applet(facts: &CardFacts) -> BTreeMap<u16, Vec<u8>> {
    let certificates = facts.certificates.iter();
    certificates
        .map(|certificate| (certificate.summary.slot.number(), certificate.der.clone()))
        .collect()
}

fn on_the_card(edges: Edges) -> BTreeMap<u16, Vec<u8>> {
    certificates(samples::jane(), edges)
        .into_iter()
        .map(|certificate| {
            (
                0x0100 + u16::from(certificate.applet),
                certificate.certificate.to_vec(),
            )
        })
        .collect()
}
