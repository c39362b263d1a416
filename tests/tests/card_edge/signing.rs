//! A signature: the right card, the PIN once, and logged out again.

use cac_tests::clock;
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::habits::{ChuidHabit, Interface, TouchHabit};
use cac_tests::virtual_card::instruction;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cacd::card::error::StatusWord;
use cacd::card::transport::TransportError;

use super::*;

#[test]
fn a_signature_costs_one_pin_and_one_key_operation_and_leaves_nobody_logged_in() {
    for model in MODELS
        .into_iter()
        .chain([no_logout(CardModel::T1), no_logout(CardModel::T0)])
    {
        let card = jane(model);
        let facts = read(&card);
        card.clear_log();

        let signed = sign_with(&card, &facts, samples::PIN, false);

        assert_eq!(signed.result.unwrap().len(), 256);
        assert!(matches!(signed.pin, Some(HeldPin::Accepted(_))));
        assert_eq!(card.log().pin_attempts(), 1);
        assert_eq!(card.log().key_operations(), 1);
        assert!(!card.pin_is_verified(), "somebody is still logged in");
        assert_eq!(signed.apdus as usize, card.log().count());
        println!("sign-in: {} APDUs over {model:?}", signed.apdus);
    }
}

#[test]
fn a_p256_card_signs_too() {
    let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();
    let facts = read(&card);
    let login = &facts.certificates[0];
    let order = Order {
        target: Target::of(&facts, login),
        algorithm: Algorithm::of_key(&login.summary.key).unwrap(),
        block: vec![7; 32],
    };

    let signed = sign(
        &mut card.transport(),
        &Habits::default(),
        &order,
        pin(&facts.id, samples::PIN, false),
    );

    assert_eq!(signed.result.unwrap()[0], 0x30);
}

#[test]
fn a_wrong_pin_costs_one_try_and_is_gone() {
    let card = jane(CardModel::T1);
    let facts = read(&card);

    let signed = sign_with(&card, &facts, "999999", false);

    assert_eq!(
        signed.result,
        Err(CardError::WrongPin {
            tries_left: Some(2)
        })
    );
    assert!(signed.pin.is_none());
    assert_eq!(card.tries_left(), 2);
}

#[test]
fn the_last_try_is_spent_only_when_asked_for() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    for left in [2, 1] {
        let _ = sign_with(&card, &facts, "999999", false);
        assert_eq!(card.tries_left(), left);
    }

    let unasked = sign_with(&card, &facts, samples::PIN, false);
    assert_eq!(unasked.result, last_try(Some(1)));
    assert_eq!(card.tries_left(), 1);

    let asked = sign_with(&card, &facts, samples::PIN, true);
    assert!(asked.result.is_ok());
    assert_eq!(card.tries_left(), 3);
}

#[test]
fn a_pin_never_reaches_another_card() {
    let janes = jane(CardModel::T1);
    let facts = read(&janes);
    let johns = CardHandle::new(samples::john(), CardModel::T1).unwrap();

    let signed = sign_with(&johns, &facts, samples::PIN, false);

    assert_eq!(signed.result, Err(CardError::OtherCard));
    assert!(signed.pin.is_none());
    assert_eq!(johns.log().pin_attempts(), 0);
}

#[test]
fn a_card_that_another_program_logged_into_stays_logged_in() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    let other = |apdu: &[u8]| {
        use cacd::card::transport::Transport as _;
        card.transport().transmit(apdu).unwrap()
    };
    let verify = [b"\x00\x20\x00\x80\x08", samples::PIN.as_bytes()].concat();
    other(b"\x00\xA4\x04\x00\x09\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x00");
    assert_eq!(other(&verify), b"\x90\x00");

    let unasked = sign_with(&card, &facts, samples::PIN, false);
    assert_eq!(unasked.result, last_try(None));

    let asked = sign_with(&card, &facts, samples::PIN, true);
    assert!(asked.result.is_ok());
    assert!(card.pin_is_verified(), "the other program was logged out");

    let by_login = sign_by_login(&card, &facts, samples::PIN);
    assert!(by_login.result.is_ok());
    assert!(card.pin_is_verified(), "the other program was logged out");
}

#[test]
fn a_login_to_the_machine_spends_no_last_try() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    for _ in 0..2 {
        sign_with(&card, &facts, "11111111", false);
    }

    let signed = sign_by_login(&card, &facts, samples::PIN);

    assert_eq!(signed.result, last_try(Some(1)));
    assert_eq!(card.tries_left(), 1);
}

#[test]
fn a_card_pulled_before_it_signs_gives_back_only_a_pin_that_it_accepted() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    card.pull_at(Moment::next(instruction::GENERAL_AUTHENTICATE));

    let signed = sign_with(&card, &facts, samples::PIN, false);

    let removed = CardError::Transport(TransportError::Removed);
    assert_eq!(signed.result, Err(removed));
    assert!(matches!(signed.pin, Some(HeldPin::Accepted(_))));
}

#[test]
fn a_card_pulled_while_it_looks_at_the_pin_gives_none_back() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    // The first VERIFY asks for the tries left, the second carries the PIN.
    card.pull_at(Moment::next(instruction::VERIFY).after(1));

    let signed = sign_with(&card, &facts, samples::PIN, false);

    let removed = CardError::Transport(TransportError::Removed);
    assert_eq!(signed.result, Err(removed));
    assert!(signed.pin.is_none(), "its answer is not known");
}

#[test]
fn a_card_that_only_a_reset_logs_out_is_reset() {
    let model = CardModel {
        is_caught_by_other_applets: true,
        ..no_logout(CardModel::T1)
    };
    let card = jane(model);
    let facts = read(&card);

    let signed = sign_with(&card, &facts, samples::PIN, false);

    assert_eq!(signed.result.map(|signature| signature.len()), Ok(256));
    assert!(!card.pin_is_verified(), "somebody is still logged in");
    assert_eq!(signed.tries, Some(THREE_TRIES));
}

#[test]
fn an_answer_that_makes_no_sense_does_not_end_the_logging_out() {
    // Before these come the question for the tries left and the PIN.
    let command = Moment::next(instruction::VERIFY).after(2);
    let proof = Moment::next(instruction::VERIFY).after(3);
    for moment in [command, proof] {
        for garbage in [&[][..], b"\x90", b"\x61\x05"] {
            let card = jane(CardModel::T1);
            let facts = read(&card);
            card.garble_at(moment, garbage);

            let signed = sign_with(&card, &facts, samples::PIN, false);

            assert!(signed.result.is_ok(), "{moment:?} {garbage:02X?}");
            assert!(!card.pin_is_verified(), "{moment:?} {garbage:02X?}");
        }
    }
}

#[test]
fn a_card_that_no_means_can_be_shown_to_log_out_gives_no_signature() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    // The questions for the state after each of the means, and after the reset.
    for at in 3..6 {
        card.garble_at(Moment::next(instruction::VERIFY).after(at), b"\x90\x00");
    }
    // What wants a PIN is not there, and says nothing either. Before it come
    // the CHUID and the certificate.
    for at in 2..5 {
        card.garble_at(Moment::next(instruction::GET_DATA).after(at), b"\x6A\x82");
    }

    let signed = sign_with(&card, &facts, samples::PIN, false);

    assert_eq!(signed.result, Err(CardError::StillLoggedIn));
    assert_eq!(signed.tries, None);
}

#[test]
fn a_card_without_a_chuid_of_use_signs_with_any_of_its_keys() {
    for chuid in [ChuidHabit::Missing, ChuidHabit::Broken] {
        let card = jane(CardModel {
            chuid,
            ..CardModel::T1
        });
        let facts = read(&card);
        assert!(facts.id.0.starts_with("sha256-"), "{}", facts.id);
        assert_eq!(facts.findings.len(), 1, "{:?}", facts.findings);

        for slot in [Slot::Authentication, Slot::Signature] {
            let signed = sign_in_slot(slot, &card, &facts, samples::PIN, false);

            assert!(signed.result.is_ok(), "{chuid:?} {slot:?}");
        }
    }
}

#[test]
fn every_kind_of_card_signs_once_and_is_logged_out() {
    for (name, model) in CardModel::ALL {
        if model.interface != Interface::Contact {
            continue;
        }
        for file in [samples::jane(), samples::john()] {
            let card = CardHandle::new(file, model).unwrap();
            let facts = read(&card);
            card.clear_log();
            let says_the_count = facts.pin == THREE_TRIES;
            assert_eq!(
                says_the_count,
                !["no-count", "always-fine"].contains(&name),
                "{name}: {:?}",
                facts.pin
            );

            let signed = sign_with(&card, &facts, samples::PIN, !says_the_count);

            assert!(signed.result.is_ok(), "{name}: {:?}", signed.result);
            assert!(!card.pin_is_verified(), "{name}");
            assert_eq!(card.log().pin_attempts(), 1, "{name}");
            assert_eq!(card.log().key_operations(), 1, "{name}");
            assert_eq!(card.tries_left(), 3, "{name}");
        }
    }
}

#[test]
fn a_card_that_gives_no_count_gets_no_pin_unasked() {
    for model in [CardModel::NO_COUNT, CardModel::ALWAYS_FINE] {
        let card = jane(model);
        let facts = read(&card);
        card.clear_log();

        let signed = sign_with(&card, &facts, samples::PIN, false);

        assert_eq!(signed.result, last_try(None));
        assert_eq!(card.log().pin_attempts(), 0);
    }
}

#[test]
fn a_card_of_which_nothing_can_be_told_is_not_left_logged_in() {
    let card = jane(CardModel::ALWAYS_FINE);
    let facts = read(&card);
    // It has no Printed Information either. Before that come the CHUID and the
    // certificate.
    for at in 2..8 {
        card.garble_at(Moment::next(instruction::GET_DATA).after(at), b"\x6A\x82");
    }

    let signed = sign_with(&card, &facts, samples::PIN, true);

    assert_eq!(signed.result, Err(CardError::StillLoggedIn));
    assert!(!card.pin_is_verified(), "it was reset at the last");
}

#[test]
fn a_card_that_waits_for_a_touch_is_told_and_left_logged_out() {
    let card = jane(CardModel {
        touch: TouchHabit::Awaited,
        ..CardModel::YUBIKEY
    });
    let facts = read(&card);

    let signed = sign_with(&card, &facts, samples::PIN, false);

    let refused = CardError::Refused {
        command: "GENERAL AUTHENTICATE",
        status: StatusWord(0x6985),
    };
    assert_eq!(signed.result, Err(refused));
    assert!(!card.pin_is_verified());
}

#[test]
fn larger_keys_sign_too() {
    for algorithm in [KeyAlgorithm::Rsa3072, KeyAlgorithm::P384] {
        let validity = Validity::current(clock::now());
        let order = samples::order(Person::jane_doe(), algorithm, validity);
        let file = samples::authority().issue_card(&order).unwrap();
        for model in MODELS {
            let card = CardHandle::new(&file, model).unwrap();
            let facts = read(&card);

            let signed = sign_with(&card, &facts, samples::PIN, false);

            assert!(signed.result.is_ok(), "{model:?}: {:?}", signed.result);
        }
    }
}
