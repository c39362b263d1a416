//! A card is read, whatever becomes of it meanwhile.

use std::collections::BTreeMap;

use cac_tests::virtual_card::CardTransport;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::habits::{
    AbandonedReply, DiscoveryHabit, ExtendedLength, Interface, KeyHistoryHabit, Packing,
};
use cac_tests::virtual_card::hostility::Hostility;
use cac_tests::virtual_card::instruction;
use cacd::card::transport::{Protocol, Transport, TransportError};

use super::*;

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
fn every_kind_of_card_is_read_whole() {
    for (name, model) in CardModel::ALL {
        if model.interface != Interface::Contact {
            continue;
        }
        for file in [samples::jane_with_history(), samples::john()] {
            let card = CardHandle::new(file, model).unwrap();

            let whole = read_whole(&card);

            let expected = file
                .all_certificates()
                // Without a history nobody knows that they are there.
                .filter(|(key, _)| {
                    model.key_history != KeyHistoryHabit::Absent || (0x9A..=0x9E).contains(key)
                });
            assert_eq!(
                certificates(&whole),
                expected
                    .map(|(key, der)| (key.into(), der.to_vec()))
                    .collect(),
                "{name}"
            );
            assert_eq!(whole.findings, [], "{name}");
        }
    }
}

#[test]
fn certificates_are_unpacked_however_they_are_packed() {
    for packing in [
        Packing::Gzip,
        Packing::GzipAsOnOldCards,
        Packing::GzipUnsaid,
        Packing::PlainSaidGzip,
        Packing::Zlib,
    ] {
        let card = jane(CardModel {
            packing,
            ..CardModel::T1
        });
        let facts = read(&card);
        let known = read_with(&card, &Habits::default(), &[on_record(&facts)]);

        let own = samples::jane().all_certificates();
        let own: BTreeMap<_, _> = own.map(|(key, der)| (key.into(), der.to_vec())).collect();
        assert_eq!(certificates(&facts), own, "{packing:?}");
        assert_eq!(certificates(&known), own, "{packing:?}");
    }
}

#[test]
fn a_card_that_answers_with_what_was_left_unread_is_read_right_and_learnt() {
    for abandoned in [
        AbandonedReply::Prepended,
        AbandonedReply::Answered,
        AbandonedReply::Refused,
    ] {
        for protocol in [CardModel::T1, CardModel::T0] {
            let card = jane(CardModel {
                abandoned,
                ..protocol
            });
            let habits = Habits::default();

            let first = read_with(&card, &habits, &[]);
            card.clear_log();
            let second = read_with(&card, &habits, &[on_record(&first)]);

            let own = samples::jane().all_certificates();
            let own: BTreeMap<_, _> = own.map(|(key, der)| (key.into(), der.to_vec())).collect();
            assert_eq!(certificates(&first), own, "{abandoned:?}");
            assert_eq!(certificates(&second), own, "{abandoned:?}");
            assert_eq!(first.findings, []);
            assert!(habits.of(card.transport().atr()).keeps_replies);
            assert_eq!(card.log().count(), second.apdus as usize);
            let log = card.log();
            let entries = log.entries().iter();
            let selected = entries.filter(|apdu| apdu.ins == instruction::SELECT);
            assert_eq!(selected.count(), 1, "an answer was left unread again");
        }
    }
}

#[test]
fn extended_length_is_used_where_it_works_and_never_again_where_it_does_not() {
    let whole = |extended| {
        let card = jane(CardModel {
            extended,
            ..CardModel::T1
        });
        let habits = Habits::default();
        let facts = [
            read_with(&card, &habits, &[]),
            read_with(&card, &habits, &[]),
        ];
        let own = samples::jane().all_certificates();
        let own: BTreeMap<_, _> = own.map(|(key, der)| (key.into(), der.to_vec())).collect();
        for facts in &facts {
            assert_eq!(certificates(facts), own, "{extended:?}");
            assert_eq!(facts.findings, []);
        }
        facts.map(|facts| facts.apdus)
    };

    let [first, second] = whole(ExtendedLength::Refused);
    assert_eq!(first, second);
    assert!(whole(ExtendedLength::Works)[0] < 12);
    for doubtful in [
        ExtendedLength::Lies,
        ExtendedLength::Truncates,
        ExtendedLength::Breaks,
    ] {
        assert_eq!(whole(doubtful), [first + 1, second], "{doubtful:?}");
    }
}

/// At 20 ms each, what any card may cost.
const MOST_APDUS: usize = 700;

#[test]
fn every_hostile_card_ends_in_time_with_a_finding() {
    for hostility in Hostility::ALL {
        for protocol in [CardModel::T1, CardModel::T0] {
            let card = jane(CardModel {
                hostility: Some(hostility),
                ..protocol
            });
            let begun = clock::instant();

            let read = try_to_read(&card, &Habits::default(), &[], &mut |_| {});

            let name = hostility.name();
            let apdus = card.log().count();
            println!("{name}: {apdus} APDUs, {:?}", begun.elapsed());
            assert!(apdus <= MOST_APDUS, "{name}: {apdus} APDUs");
            let findings = match read {
                Ok(facts) => facts.findings,
                Err(CardError::Nameless { findings }) => findings,
                Err(
                    CardError::NotPiv
                    | CardError::Endless { .. }
                    | CardError::Malformed { .. }
                    | CardError::Refused { .. },
                ) => {
                    assert!(
                        matches!(
                            hostility,
                            Hostility::NoApplication
                                | Hostility::AlwaysFine
                                | Hostility::NoStatusWord
                                | Hostility::OneByte
                                | Hostility::EndlessWrongLength
                                | Hostility::EndlessPromise
                                | Hostility::EndlessReply
                                // Over T=0 the answer to SELECT comes by chance too.
                                | Hostility::Random { .. }
                        ),
                        "{name} was not even looked at"
                    );
                    continue;
                }
                Err(other) => panic!("{name}: {other:?}"),
            };
            for finding in &findings {
                println!("    {finding}");
            }
            assert!(!findings.is_empty(), "{name}");
        }
    }
}

#[test]
fn a_card_on_a_contactless_reader_is_told_and_shown_as_far_as_it_can_be() {
    for model in [
        CardModel::CONTACTLESS,
        CardModel::CONTACTLESS_WITHOUT_VERIFY,
    ] {
        let facts = read(&jane(model));

        assert_eq!(facts.id.0, samples::jane().card_uuid());
        assert_eq!(certificates(&facts).into_keys().collect::<Vec<_>>(), [0x9E]);
        let faults: Vec<&str> = facts
            .unread
            .iter()
            .map(|finding| finding.fault.as_str())
            .collect();
        assert_eq!(faults, ["it lies on a contactless reader"]);
        assert_eq!(Missing::of(&facts), None);
    }
}

#[test]
fn tries_are_not_taken_for_known_where_it_cannot_be_read_which_of_two_pins_they_are_of() {
    let not_known = PinStatus::Ready { tries_left: None };
    for protocol in [CardModel::T1, CardModel::T0] {
        for (state_of_global_pin, is_known) in [
            // As the card has it, which knows no Global PIN.
            (None, true),
            (Some([0x6A, 0x82]), true),
            (Some([0x63, 0xC3]), false),
            (Some([0x69, 0x83]), false),
        ] {
            let card = jane(protocol);
            // After the CHUID and the authentication certificate.
            let discovery = Moment::next(instruction::GET_DATA).after(2);
            card.garble_at(discovery, &[0x69, 0x85]);
            if let Some(answer) = state_of_global_pin {
                card.garble_at(Moment::next(instruction::VERIFY).after(1), &answer);
            }

            let facts = read(&card);

            let at = format!("{:?}, {state_of_global_pin:X?}", protocol.protocol);
            let pin = if is_known {
                THREE_TRIES
            } else {
                not_known.clone()
            };
            assert_eq!(facts.pin, pin, "{at}");
            let of_discovery = facts.findings.iter();
            let faults: Vec<&str> = of_discovery
                .filter(|finding| finding.object == "Discovery Object")
                .map(|finding| finding.fault.as_str())
                .collect();
            let told = faults.contains(&"it cannot be read, and the card has two PINs");
            assert_eq!(told, !is_known, "{at}: {faults:?}");
            assert_eq!(faults.len(), 1 + usize::from(told), "{at}: {faults:?}");
            assert_eq!(card.log().pin_attempts(), 0);
        }
    }
}

#[test]
fn a_card_that_has_no_discovery_object_is_asked_for_one_pin_alone() {
    let card = jane(CardModel {
        discovery: DiscoveryHabit::Absent,
        ..CardModel::T1
    });

    let facts = read(&card);

    assert_eq!(facts.pin, THREE_TRIES);
    assert_eq!(facts.findings, []);
    let log = card.log();
    let entries = log.entries().iter();
    let asked = entries.filter(|apdu| apdu.ins == instruction::VERIFY);
    assert_eq!(asked.count(), 1);
}

fn read_whole(card: &CardHandle) -> CardFacts {
    let mut facts = read(card);
    if Missing::of(&facts).is_some() {
        let rest = rest_of(card, &facts);
        facts.take_rest(rest, now());
    }
    assert_eq!(Missing::of(&facts), None);
    facts
}

/// By the number of their place.
fn certificates(facts: &CardFacts) -> BTreeMap<u16, Vec<u8>> {
    let certificates = facts.certificates.iter();
    certificates
        .map(|certificate| (certificate.summary.slot.number(), certificate.der.clone()))
        .collect()
}

/// A reader with a keypad of its own.
struct WithKeypad(CardTransport);

impl Transport for WithKeypad {
    fn protocol(&self) -> Protocol {
        self.0.protocol()
    }

    fn atr(&self) -> &[u8] {
        self.0.atr()
    }

    fn has_keypad(&self) -> bool {
        true
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.0.transmit(command)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.0.reset()
    }
}

#[test]
fn a_reader_with_a_keypad_is_told_before_a_pin_is_typed() {
    let card = jane(CardModel::T1);
    let mut reading = Reading {
        at: now(),
        habits: &Habits::default(),
        recall: &mut |_| Vec::new(),
    };

    let facts = read_card(&mut WithKeypad(card.transport()), &mut reading, &mut |_| {}).unwrap();

    let [finding] = &facts.findings[..] else {
        panic!("{:?}", facts.findings);
    };
    assert_eq!(finding.object, "reader");
}
