//! The daemon's card edge against the virtual card, in process: over T=0 and
//! T=1, and with the habits that cards have.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

mod cac;
mod counts;
mod judgement;
mod known;
mod mishaps;
mod printed;
mod progress;
mod reading;
mod rest;
mod signing;
mod status_words;

use std::time::UNIX_EPOCH;

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::registration::TriesLeft;
use cac_common::snapshot::{PinStatus, Visit};
use cac_common::time::UtcSeconds;
use cac_tests::clock;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};
use cacd::card::error::CardError;
use cacd::card::facts::CardFacts;
use cacd::card::habits::Habits;
use cacd::card::known::KnownCard;
use cacd::card::logged_in::{Done, Target};
use cacd::card::piv::Algorithm;
use cacd::card::read::{Progress, Reading, read_card};
use cacd::card::rest::{Missing, Rest, read_rest};
use cacd::card::sign::{Order, sign};
use cacd::event::HeldPin;

const THREE_TRIES: PinStatus = PinStatus::Ready {
    tries_left: Some(3),
};

const MODELS: [CardModel; 3] = [CardModel::T1, CardModel::T0, CardModel::DUAL];

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
        at: now(),
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
) -> Done<Vec<u8>> {
    sign_in_slot(Slot::Authentication, card, facts, digits, even_the_last_try)
}

fn sign_in_slot(
    slot: Slot,
    card: &CardHandle,
    facts: &CardFacts,
    digits: &str,
    even_the_last_try: bool,
) -> Done<Vec<u8>> {
    let pin = pin(&facts.id, digits, even_the_last_try);
    sign_with_pin(slot, card, facts, pin)
}

/// With the PIN of a login to the machine.
fn sign_by_login(card: &CardHandle, facts: &CardFacts, digits: &str) -> Done<Vec<u8>> {
    let typed_for = PinFor {
        by_login: true,
        ..typed_for(&facts.id)
    };
    let pin = HeldPin::Unsent(pin_for(digits, typed_for));
    sign_with_pin(Slot::Authentication, card, facts, pin)
}

fn sign_with_pin(slot: Slot, card: &CardHandle, facts: &CardFacts, pin: HeldPin) -> Done<Vec<u8>> {
    let certificate = facts
        .certificates
        .iter()
        .find(|certificate| certificate.summary.slot == slot)
        .unwrap();
    let algorithm = Algorithm::of_key(&certificate.summary.key).unwrap();
    let padded = |length: usize| [&[0x00, 0x01][..], &vec![0xFF; length - 2]].concat();
    let order = Order {
        target: Target::of(facts, certificate),
        algorithm,
        block: match algorithm {
            Algorithm::Rsa2048 => padded(256),
            Algorithm::Rsa3072 => padded(384),
            Algorithm::P256 => vec![7; 32],
            Algorithm::P384 => vec![7; 48],
        },
    };
    sign(&mut card.transport(), &Habits::default(), &order, pin)
}

fn pin(card: &CardId, digits: &str, even_the_last_try: bool) -> HeldPin {
    let typed_for = PinFor {
        even_the_last_try,
        ..typed_for(card)
    };
    HeldPin::Unsent(pin_for(digits, typed_for))
}

fn typed_for(card: &CardId) -> PinFor {
    PinFor {
        uid: 1000,
        card: card.clone(),
        visit: Visit(1),
        even_the_last_try: false,
        by_login: false,
    }
}

fn pin_for(digits: &str, typed_for: PinFor) -> Pin {
    let mut locked = Locked::new().unwrap();
    locked.bytes_mut()[..digits.len()].copy_from_slice(digits.as_bytes());
    Pin::new(locked, digits.len(), typed_for).unwrap()
}

fn last_try(tries_left: TriesLeft) -> Result<Vec<u8>, CardError> {
    Err(CardError::LastTry { tries_left })
}

fn now() -> UtcSeconds {
    let since_1970 = clock::now().duration_since(UNIX_EPOCH).unwrap();
    UtcSeconds(since_1970.as_secs().try_into().unwrap())
}
