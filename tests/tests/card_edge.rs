//! The daemon's card edge against the virtual card, in process: over T=0 and
//! T=1, and with the habits that cards have.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::registration::TriesLeft;
use cac_common::snapshot::{PinStatus, Visit};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::{CardHandle, CardModel, ChuidHabit, instruction, samples};
use cacd::card::error::CardError;
use cacd::card::facts::CardFacts;
use cacd::card::habits::Habits;
use cacd::card::known::KnownCard;
use cacd::card::piv::Algorithm;
use cacd::card::read::{Progress, Reading, read_card};
use cacd::card::rest::{Missing, Rest, read_rest};
use cacd::card::sign::{Order, Signed, sign};
use cacd::card::transport::TransportError;
use cacd::event::HeldPin;

const THREE_TRIES: PinStatus = PinStatus::Ready {
    tries_left: Some(3),
};

const MODELS: [CardModel; 3] = [CardModel::T1, CardModel::T0, CardModel::DUAL];

#[test]
fn a_card_is_read_alike_over_both_protocols() {
    for model in MODELS {
        let card = jane(model);

        let facts = read(&card);

        assert_eq!(facts.id.0, samples::jane().card_uuid());
        let holder = facts.holder.as_ref().unwrap();
        assert_eq!(holder.name.to_string(), "DOE, JANE Q");
        assert_eq!(holder.dod_id.unwrap().to_string(), "1234567890");
        let subjects: Vec<&str> = facts
            .certificates
            .iter()
            .map(|certificate| certificate.summary.issuer.as_str())
            .collect();
        assert_eq!(
            subjects,
            [
                "DOD ID CA-9901",
                "DOD EMAIL CA-9901",
                "DOD EMAIL CA-9901",
                "DOD ID CA-9901"
            ]
        );
        assert_eq!(facts.pin, THREE_TRIES);
        assert!(facts.findings.is_empty(), "{:?}", facts.findings);
        assert_eq!(facts.apdus as usize, card.log().count());
        assert_eq!(card.log().pin_attempts(), 0);
        println!(
            "first read: {} APDUs over {:?}",
            facts.apdus, model.protocol
        );
    }
}

/// The counts that a read may cost, by protocol (T=1, T=0).
#[test]
fn a_read_costs_no_more_apdus_than_it_must() {
    for (model, first, until_dod_id, until_name, again, rest) in [
        (CardModel::T1, 36, 2, 4, 8, 20),
        (CardModel::T0, 45, 4, 7, 15, 20),
    ] {
        let card = jane(model);
        let mut dod_id = None;
        let mut name = None;
        let facts = try_to_read(&card, &Habits::default(), &[], &mut |progress| {
            let so_far = card.log().count();
            if progress.dod_id.is_some() {
                dod_id.get_or_insert(so_far);
            }
            if progress.holder.is_some() {
                name.get_or_insert(so_far);
            }
        })
        .unwrap();
        let mut whole = facts.clone();
        whole.take_rest(rest_of(&card, &facts));
        card.clear_log();
        let known = read_with(&card, &Habits::default(), &[on_record(&whole)]);

        println!(
            "{model:?}: first {}, DoD ID after {dod_id:?}, name after {name:?}, again {}, rest {}",
            facts.apdus,
            known.apdus,
            whole.apdus - facts.apdus
        );
        assert!(facts.apdus <= first, "{}", facts.apdus);
        assert_eq!(dod_id, Some(until_dod_id));
        assert_eq!(name, Some(until_name));
        assert!(known.apdus <= again, "{}", known.apdus);
        assert_eq!(card.log().count(), known.apdus as usize);
        assert!(whole.apdus - facts.apdus <= rest);
        assert_eq!(known.certificates, whole.certificates);
        assert_eq!(known.objects, whole.objects);
        assert_eq!(Missing::of(&known), None);
    }
}

#[test]
fn a_sign_in_costs_no_more_apdus_than_it_must() {
    for (model, most) in [
        (CardModel::T1, 10),
        (CardModel::T0, 14),
        (no_logout(CardModel::T1), 12),
        (no_logout(CardModel::T0), 18),
    ] {
        let card = jane(model);
        let facts = read(&card);
        card.clear_log();

        let signed = sign_with(&card, &facts, samples::PIN, false);

        assert!(signed.signature.is_ok());
        println!("{model:?}: {}", card.log().count());
        assert!(
            card.log().count() <= most,
            "{model:?}: {}",
            card.log().count()
        );
        assert_eq!(card.log().count(), signed.apdus as usize);
    }
}

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

        assert_eq!(signed.signature.unwrap().len(), 256);
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
        card: facts.id.clone(),
        slot: login.summary.slot,
        algorithm: Algorithm::of_key(&login.summary.key).unwrap(),
        certificate: login.der.clone(),
        block: vec![7; 32],
        ways: facts.ways,
    };

    let signed = sign(
        &mut card.transport(),
        &Habits::default(),
        &order,
        pin(&facts.id, samples::PIN, false),
    );

    assert_eq!(signed.signature.unwrap()[0], 0x30);
}

#[test]
fn a_wrong_pin_costs_one_try_and_is_gone() {
    let card = jane(CardModel::T1);
    let facts = read(&card);

    let signed = sign_with(&card, &facts, "999999", false);

    assert_eq!(
        signed.signature,
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
    assert_eq!(unasked.signature, last_try(Some(1)));
    assert_eq!(card.tries_left(), 1);

    let asked = sign_with(&card, &facts, samples::PIN, true);
    assert!(asked.signature.is_ok());
    assert_eq!(card.tries_left(), 3);
}

#[test]
fn a_pin_never_reaches_another_card() {
    let janes = jane(CardModel::T1);
    let facts = read(&janes);
    let johns = CardHandle::new(samples::john(), CardModel::T1).unwrap();

    let signed = sign_with(&johns, &facts, samples::PIN, false);

    assert_eq!(signed.signature, Err(CardError::OtherCard));
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
    assert_eq!(unasked.signature, last_try(None));

    let asked = sign_with(&card, &facts, samples::PIN, true);
    assert!(asked.signature.is_ok());
    assert!(card.pin_is_verified(), "the other program was logged out");
}

#[test]
fn a_card_pulled_at_any_apdu_of_a_read_is_told_as_removed() {
    let whole = {
        let card = jane(CardModel::T1);
        read(&card).apdus
    };
    for at in 0..whole {
        let card = jane(CardModel::T1);
        card.pull_at(Moment::next_of_any().after(at as usize));

        let result = try_to_read(&card, &Habits::default(), &[], &mut |_| {});

        assert_eq!(
            result.err(),
            Some(CardError::Transport(TransportError::Removed)),
            "at APDU {at}"
        );
    }
}

#[test]
fn a_card_pulled_before_it_signs_gives_back_only_a_pin_that_it_accepted() {
    let card = jane(CardModel::T1);
    let facts = read(&card);
    card.pull_at(Moment::next(instruction::GENERAL_AUTHENTICATE));

    let signed = sign_with(&card, &facts, samples::PIN, false);

    let removed = CardError::Transport(TransportError::Removed);
    assert_eq!(signed.signature, Err(removed));
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
    assert_eq!(signed.signature, Err(removed));
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

    assert_eq!(signed.signature.map(|signature| signature.len()), Ok(256));
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

            assert!(signed.signature.is_ok(), "{moment:?} {garbage:02X?}");
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

    let signed = sign_with(&card, &facts, samples::PIN, false);

    assert_eq!(signed.signature, Err(CardError::StillLoggedIn));
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

            assert!(signed.signature.is_ok(), "{chuid:?} {slot:?}");
        }
    }
}

fn jane(model: CardModel) -> CardHandle {
    CardHandle::new(samples::jane(), model).unwrap()
}

fn no_logout(model: CardModel) -> CardModel {
    CardModel {
        refuses_logout: true,
        ..model
    }
}

fn read(card: &CardHandle) -> CardFacts {
    read_with(card, &Habits::default(), &[])
}

fn read_with(card: &CardHandle, habits: &Habits, known: &[KnownCard]) -> CardFacts {
    try_to_read(card, habits, known, &mut |_| {}).unwrap()
}

fn try_to_read(
    card: &CardHandle,
    habits: &Habits,
    known: &[KnownCard],
    report: &mut dyn FnMut(Progress),
) -> Result<CardFacts, CardError> {
    let mut reading = Reading {
        habits,
        recall: &mut |_| known.to_vec(),
    };
    read_card(&mut card.transport(), &mut reading, report)
}

/// As the database has it after a read.
fn on_record(facts: &CardFacts) -> KnownCard {
    let certificates = facts.certificates.iter();
    KnownCard {
        certificates: certificates
            .map(|certificate| (certificate.summary.slot, certificate.der.clone()))
            .collect(),
        objects: facts.objects.clone(),
    }
}

fn rest_of(card: &CardHandle, facts: &CardFacts) -> Rest {
    let missing = Missing::of(facts).unwrap();
    read_rest(&mut card.transport(), &Habits::default(), &missing).unwrap()
}

fn sign_with(
    card: &CardHandle,
    facts: &CardFacts,
    digits: &str,
    even_the_last_try: bool,
) -> Signed {
    sign_in_slot(Slot::Authentication, card, facts, digits, even_the_last_try)
}

fn sign_in_slot(
    slot: Slot,
    card: &CardHandle,
    facts: &CardFacts,
    digits: &str,
    even_the_last_try: bool,
) -> Signed {
    let certificate = facts
        .certificates
        .iter()
        .find(|certificate| certificate.summary.slot == slot)
        .unwrap();
    let order = Order {
        card: facts.id.clone(),
        slot,
        algorithm: Algorithm::Rsa2048,
        certificate: certificate.der.clone(),
        block: [&[0x00, 0x01][..], &[0xFF; 254]].concat(),
        ways: facts.ways,
    };
    sign(
        &mut card.transport(),
        &Habits::default(),
        &order,
        pin(&facts.id, digits, even_the_last_try),
    )
}

fn pin(card: &CardId, digits: &str, even_the_last_try: bool) -> HeldPin {
    let mut locked = Locked::new().unwrap();
    locked.bytes_mut()[..digits.len()].copy_from_slice(digits.as_bytes());
    let typed_for = PinFor {
        uid: 1000,
        card: card.clone(),
        visit: Visit(1),
        even_the_last_try,
    };
    HeldPin::Unsent(Pin::new(locked, digits.len(), typed_for).unwrap())
}

fn last_try(tries_left: TriesLeft) -> Result<Vec<u8>, CardError> {
    Err(CardError::LastTry { tries_left })
}
