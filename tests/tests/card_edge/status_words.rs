//! Every status word at every command of a read and of a sign-in: what is
//! done, and what is said.

mod at_any_apdu;

use std::fmt::Write as _;

use cac_common::finding::Finding;
use cac_tests::virtual_card::cac::{CacHabits, CacPin, Edges};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::instruction;
use cac_tests::virtual_card::log::LoggedApdu;
use cacd::card::error::StatusWord;

use super::*;

/// All that SP 800-73pt2-5 and GSC-IS 2.1 give a meaning, some that cards in
/// the field give beside those, and one that means nothing.
const WORDS: [u16; 34] = [
    0x6100, 0x6105, 0x6281, 0x6282, 0x6283, 0x6300, 0x6302, 0x63C0, 0x63C1, 0x63C2, 0x6400, 0x6581,
    0x6700, 0x6881, 0x6882, 0x6883, 0x6884, 0x6982, 0x6983, 0x6985, 0x6987, 0x6988, 0x6A80, 0x6A81,
    0x6A82, 0x6A84, 0x6A86, 0x6A88, 0x6C00, 0x6C05, 0x6D00, 0x6E00, 0x6F00, 0x6FFF,
];

/// As errors name them.
const COMMANDS: [&str; 9] = [
    "SELECT",
    "GET DATA",
    "READ BUFFER",
    "GET CERTIFICATE",
    "GET ACR",
    "VERIFY without PIN",
    "VERIFY",
    "GENERAL AUTHENTICATE",
    "SIGN/DECRYPT",
];

/// What a command that is sent again, and ways of logging out that are tried
/// one after the other, may cost.
const MOST_APDUS: usize = 160;

fn models() -> Vec<CardModel> {
    let on = |edges, model| CardModel { edges, ..model };
    let dual = on(Edges::Dual, CardModel::DUAL);
    vec![
        CardModel::T1,
        CardModel::T0,
        no_logout(CardModel::T1),
        no_logout(CardModel::T0),
        dual,
        no_logout(dual),
        on(Edges::Cac, CardModel::T1),
        on(Edges::Cac, CardModel::T0),
        on(Edges::Alt, CardModel::T1),
        on(Edges::Alt, CardModel::T0),
        on(Edges::Cac1, CardModel::T0),
    ]
}

#[test]
fn what_every_status_word_is_told_as() {
    let mut table = String::new();
    for word in WORDS {
        let mut told: Vec<(String, Vec<&str>)> = Vec::new();
        for command in COMMANDS {
            let said = said(command, word);
            match told.iter_mut().find(|(other, _)| *other == said) {
                Some((_, commands)) => commands.push(command),
                None => told.push((said, vec![command])),
            }
        }
        writeln!(table, "{word:04X}").unwrap();
        for (said, commands) in told {
            let is_of_all = commands.len() == COMMANDS.len();
            let commands = commands.join(", ");
            let commands = if is_of_all { "any command" } else { &commands };
            writeln!(table, "  {commands}\n    {said}").unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

/// What is said where a command is always answered so, without the word and
/// the command at its end.
fn said(command: &'static str, word: u16) -> String {
    let said = if goes_on(word) {
        // What comes of it depends on what comes next.
        refused(command, word).to_string()
    } else {
        match command {
            "SELECT" => said_of_a_read(Edges::Piv, instruction::SELECT, word),
            "GET DATA" => said_of_a_read(Edges::Piv, instruction::GET_DATA, word),
            "READ BUFFER" => said_of_a_read(Edges::Cac, instruction::READ_BUFFER, word),
            "GET CERTIFICATE" => said_of_a_read(Edges::Cac1, instruction::GET_CERTIFICATE, word),
            "GET ACR" => said_of_a_read(Edges::Alt, instruction::GET_ACR, word),
            "VERIFY without PIN" => said_of_a_read(Edges::Piv, instruction::VERIFY, word),
            "VERIFY" => said_of_a_sign_in(Edges::Piv, instruction::VERIFY, word),
            "GENERAL AUTHENTICATE" => {
                said_of_a_sign_in(Edges::Piv, instruction::GENERAL_AUTHENTICATE, word)
            }
            "SIGN/DECRYPT" => said_of_a_sign_in(Edges::Cac, instruction::SIGN_DECRYPT, word),
            unknown => panic!("{unknown}"),
        }
    };
    said.replace(&format!(" ({word:04X} to {command})"), "")
}

fn said_of_a_read(edges: Edges, ins: u8, word: u16) -> String {
    let card = jane(CardModel {
        edges,
        ..CardModel::T1
    });
    for at in 0..100 {
        card.garble_at(Moment::next(ins).after(at), &word.to_be_bytes());
    }
    let read = try_to_read(&card, &Habits::default(), &[], &mut |_| {});
    let (findings, pin) = match read {
        Ok(facts) => (facts.findings, facts.pin),
        Err(CardError::Nameless { findings }) => (findings, PinStatus::Unknown),
        Err(error) => return error.to_string(),
    };
    match (findings.first(), pin) {
        (Some(Finding { fault, meaning, .. }), _) => format!("{fault}. {meaning}"),
        (None, PinStatus::Ready { tries_left }) => format!("({})", tries(tries_left)),
        (None, pin) => format!("({pin:?})"),
    }
}

fn said_of_a_sign_in(edges: Edges, ins: u8, word: u16) -> String {
    let model = CardModel {
        edges,
        ..CardModel::T1
    };
    let (facts, _) = sign_in_that_works(model);
    let card = jane(model);
    // The first asks for the tries that are left, or is the first part.
    card.garble_at(Moment::next(ins).after(1), &word.to_be_bytes());
    let error = sign_in(&card, &facts, false).result.unwrap_err();
    if let CardError::WrongPin { tries_left } = error {
        format!("{error} ({})", tries(tries_left))
    } else {
        error.to_string()
    }
}

fn tries(left: TriesLeft) -> String {
    match left {
        Some(left) => format!("tries left: {left}"),
        None => "tries left: not told".to_owned(),
    }
}

/// To be fetched, or asked again.
fn goes_on(word: u16) -> bool {
    matches!(word, 0x6100..=0x61FF | 0x6C00..=0x6CFF)
}

#[test]
fn a_card_that_was_shut_down_is_told_as_such() {
    let card = jane(CardModel::T1);
    for at in 0..100 {
        let shut_down = StatusWord::DEACTIVATED.0.to_be_bytes();
        card.garble_at(Moment::next(instruction::SELECT).after(at), &shut_down);
    }

    let read = try_to_read(&card, &Habits::default(), &[], &mut |_| {});

    assert_eq!(read.unwrap_err(), refused("SELECT", 0x6283));
}

#[test]
fn a_wrong_pin_that_a_card_does_not_count_is_wrong_all_the_same() {
    let uncounted = CacHabits {
        pin: CacPin::Uncounted,
        ..CacHabits::USUAL
    };
    let applets = CardModel {
        edges: Edges::Cac,
        cac: uncounted,
        ..CardModel::T1
    };
    for model in [applets, CardModel::NO_COUNT] {
        let card = jane(model);
        let facts = read(&card);
        card.clear_log();
        let slot = facts.login.as_ref().unwrap().slot;

        let signed = sign_in_slot(slot, &card, &facts, "999999", true);

        let wrong = CardError::WrongPin { tries_left: None };
        assert_eq!(signed.result, Err(wrong), "{model:?}");
        assert!(signed.pin.is_none(), "{model:?}");
        assert_eq!(signed.tries, Some(ready(None)), "{model:?}");
        assert_eq!(card.log().pin_attempts(), 1, "{model:?}");
        assert_eq!(card.tries_left(), 2, "{model:?}");
    }
}

#[test]
fn a_card_that_never_got_a_pin_is_told_as_such() {
    let never = CacHabits {
        pin: CacPin::NotInitialised,
        ..CacHabits::USUAL
    };
    let card = jane(CardModel {
        edges: Edges::Cac,
        cac: never,
        ..CardModel::T1
    });
    let facts = read(&card);

    let signed = sign_in(&card, &facts, true);

    assert_eq!(signed.result, Err(refused("VERIFY", 0x6A88)));
    assert!(signed.pin.is_none());
}

fn refused(command: &'static str, word: u16) -> CardError {
    CardError::Refused {
        command,
        status: StatusWord(word),
    }
}

fn ready(tries_left: TriesLeft) -> PinStatus {
    PinStatus::Ready { tries_left }
}

/// What was read of the card, and what its sign-in sends.
fn sign_in_that_works(model: CardModel) -> (CardFacts, Vec<LoggedApdu>) {
    let card = jane(model);
    let facts = read(&card);
    card.clear_log();
    let signed = sign_in(&card, &facts, false);
    assert!(signed.result.is_ok(), "{model:?}");
    (facts, card.log().entries().to_vec())
}

fn sign_in(card: &CardHandle, facts: &CardFacts, even_the_last_try: bool) -> Done<Vec<u8>> {
    let slot = facts.login.as_ref().unwrap().slot;
    sign_in_slot(slot, card, facts, samples::PIN, even_the_last_try)
}
