//! Every status word at every command of a read and of a sign-in: what is
//! done, and what is said.

use cacd::card::facts::{CardCertificate, Edge};
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
fn any_status_word_at_any_apdu_of_a_read_is_got_over_or_told() {
    // How a card logs out is nothing to a read.
    for model in models().into_iter().filter(|model| !model.refuses_logout) {
        let card = jane(model);
        let whole = read(&card);
        let log = card.log();
        for (at, apdu) in ends_of_runs(log.entries()) {
            for word in WORDS {
                let what = format!("{word:04X} to APDU {at} ({:02X}), {model:?}", apdu.ins);
                card.clear_log();
                card.garble_at(Moment::next_of_any().after(at), &word.to_be_bytes());

                let read = try_to_read(&card, &Habits::default(), &[], &mut |_| {});

                assert!(card.log().count() <= 2 * log.count() + 40, "{what}");
                assert_eq!(card.log().pin_attempts(), 0, "{what}");
                match read {
                    Ok(facts) => assert_got_over_or_told(&facts, &whole, apdu, word, &what),
                    Err(CardError::Nameless { findings }) => {
                        // Which mean that there is no such applet.
                        let is_absent = matches!(word, 0x6283 | 0x6A81 | 0x6A82 | 0x6D00 | 0x6E00);
                        assert!(is_absent || !findings.is_empty(), "{what}");
                        assert_sentences(&findings, &what);
                    }
                    Err(CardError::NotPiv) => {
                        assert_eq!(apdu.ins, instruction::SELECT, "{what}");
                    }
                    Err(error) => {
                        assert!(is_said(&error, word), "{what}: {error}");
                        assert!(!StatusWord(word).is_failure_of_the_card(), "{what}");
                    }
                }
            }
        }
    }
}

/// What a read that came to its end may differ in from one that nothing befell.
fn assert_got_over_or_told(
    facts: &CardFacts,
    whole: &CardFacts,
    apdu: &LoggedApdu,
    word: u16,
    what: &str,
) {
    // A card that says that it has no PIV is looked at for its applets.
    let is_without_piv = facts.edge != whole.edge && apdu.ins == instruction::SELECT;
    // Its applets are looked at too where no certificate of PIV signs in.
    let is_beside = |certificate: &CardCertificate| {
        facts.edge == Edge::Piv && matches!(certificate.summary.slot, Slot::Applet(_))
    };
    let of_this_edge = facts
        .certificates
        .iter()
        .filter(|certificate| !is_without_piv && !is_beside(certificate));
    for certificate in of_this_edge {
        assert!(whole.certificates.contains(certificate), "{what}");
    }
    if StatusWord(word).is_failure_of_the_card() && apdu.ins != instruction::GET_CERTIFICATE {
        assert_eq!(facts.certificates, whole.certificates, "{what}");
        assert_eq!(facts.findings, whole.findings, "{what}");
        assert_eq!(facts.pin, whole.pin, "{what}");
    } else if apdu.ins == instruction::VERIFY {
        assert_eq!(facts.certificates, whole.certificates, "{what}");
        let told = match word {
            0x63C0 | 0x6983 => PinStatus::Blocked,
            0x6302 | 0x63C2 => ready(Some(2)),
            0x63C1 => ready(Some(1)),
            // The card is asked again, for an answer of another length, or of
            // the application that was selected.
            0x6100..=0x61FF | 0x6C00..=0x6E00 => facts.pin.clone(),
            _ => ready(None),
        };
        assert_eq!(facts.pin, told, "{what}");
    } else if facts.edge == whole.edge && facts.certificates != whole.certificates {
        // A card may say of any applet, and of any object, that it has none.
        let is_absent = matches!(word, 0x6283 | 0x6A81 | 0x6A82 | 0x6D00 | 0x6E00);
        assert!(is_absent || !facts.findings.is_empty(), "{what}");
    }
    assert_sentences(&facts.findings, what);
}

#[test]
fn any_status_word_at_any_apdu_of_a_sign_in_harms_nobody() {
    for model in models() {
        let (facts, log) = sign_in_that_works(model);
        let card = jane(model);
        for (at, apdu) in log.iter().enumerate() {
            for word in WORDS {
                let what = format!("{word:04X} to APDU {at} ({:02X}), {model:?}", apdu.ins);
                card.clear_log();
                card.garble_at(Moment::next_of_any().after(at), &word.to_be_bytes());

                let signed = sign_in(&card, &facts, true);

                let log = card.log();
                assert!(log.count() <= MOST_APDUS, "{what}: {}", log.count());
                assert!(log.pin_attempts() <= 1, "{what}");
                assert!(!card.pin_is_verified(), "{what}: somebody is logged in");
                assert_eq!(card.tries_left(), 3, "{what}");
                match &signed.pin {
                    Some(HeldPin::Unsent(_)) => assert_eq!(log.pin_attempts(), 0, "{what}"),
                    Some(HeldPin::Accepted(_)) => {
                        assert!(log.pin_attempts() == 1 && !apdu.carries_pin, "{what}");
                    }
                    None => assert!(
                        apdu.carries_pin
                            || matches!(
                                signed.result,
                                Err(CardError::PinBlocked | CardError::OtherCard)
                            ),
                        "{what}: {:?}",
                        signed.result
                    ),
                }
                if apdu.carries_pin {
                    assert_eq!(signed.result, Err(of_a_pin(word)), "{what}");
                    assert_eq!(signed.tries, Some(THREE_TRIES), "{what}");
                    assert_eq!(log.key_operations(), 0, "{what}");
                }
                match signed.result {
                    Ok(signature) => assert_eq!(signature.len(), 256, "{what}"),
                    Err(error) => assert!(is_said(&error, word), "{what}: {error:?}"),
                }
            }
        }
    }
}

#[test]
fn no_pin_is_sent_unasked_where_the_count_is_not_told() {
    for model in models() {
        let (facts, _) = sign_in_that_works(model);
        for word in WORDS {
            // Which tell that two are left.
            if matches!(word, 0x6302 | 0x63C2) {
                continue;
            }
            let card = jane(model);
            for asked in 0..8 {
                let moment = Moment::next(instruction::VERIFY).after(asked);
                card.garble_at(moment, &word.to_be_bytes());
            }

            let signed = sign_in(&card, &facts, false);

            let told = match word {
                0x63C0 | 0x6983 => Err(CardError::PinBlocked),
                0x63C1 => last_try(Some(1)),
                0x6400 | 0x6581 | 0x6F00 => Err(refused("VERIFY without PIN", word)),
                _ => last_try(None),
            };
            let what = format!("{word:04X}, {model:?}");
            let is_kept = matches!(told, Err(CardError::Refused { .. }));
            assert_eq!(signed.result, told, "{what}");
            assert_eq!(card.log().pin_attempts(), 0, "{what}");
            assert_eq!(signed.pin.is_some(), is_kept, "{what}");
        }
    }
}

#[test]
fn a_key_that_is_refused_is_not_used_again_and_the_pin_is_kept() {
    for model in models() {
        let (facts, log) = sign_in_that_works(model);
        let uses_key = |apdu: &LoggedApdu| {
            matches!(
                apdu.ins,
                instruction::GENERAL_AUTHENTICATE | instruction::SIGN_DECRYPT
            )
        };
        let uses = log.iter().filter(|apdu| uses_key(apdu)).count();
        let at = log.iter().position(uses_key).unwrap();
        let command = match log[at].ins {
            instruction::SIGN_DECRYPT => "SIGN/DECRYPT",
            _ => "GENERAL AUTHENTICATE",
        };
        for part in 0..uses {
            for word in WORDS {
                if goes_on(word) {
                    continue;
                }
                let card = jane(model);
                card.garble_at(Moment::next(log[at].ins).after(part), &word.to_be_bytes());

                let signed = sign_in(&card, &facts, false);

                let what = format!("{word:04X} to part {part}, {model:?}");
                assert_eq!(signed.result, Err(refused(command, word)), "{what}");
                let log = card.log();
                let sent = log.entries().iter().filter(|apdu| uses_key(apdu));
                assert_eq!(sent.count(), part + 1, "{what}");
                assert!(matches!(signed.pin, Some(HeldPin::Accepted(_))), "{what}");
                assert_eq!(signed.tries, Some(THREE_TRIES), "{what}");
                assert!(!card.pin_is_verified(), "{what}");
            }
        }
    }
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

/// What a PIN is told as that was answered so, and that the card has accepted
/// all the same: it says that three tries are left.
fn of_a_pin(word: u16) -> CardError {
    match word {
        0x63C0 | 0x6983 => CardError::PinBlocked,
        0x63C1 => wrong_pin(1),
        0x6302 | 0x63C2 => wrong_pin(2),
        0x6300 | 0x6985 => wrong_pin(3),
        _ => refused("VERIFY", word),
    }
}

fn wrong_pin(tries: u8) -> CardError {
    CardError::WrongPin {
        tries_left: Some(tries),
    }
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

/// Whether it says which word it was, or what there is to be said without.
fn is_said(error: &CardError, word: u16) -> bool {
    match error {
        CardError::Refused { status, .. } => {
            // What is fetched, or asked again, is answered in its own way.
            let said = error.to_string().contains(&format!("({status} to "));
            said && (goes_on(word) || status.0 == word)
        }
        // It was an answer like any other, and what follows from it is told.
        CardError::NotPiv
        | CardError::OtherCard
        | CardError::PinBlocked
        | CardError::WrongPin { .. }
        | CardError::Malformed { .. }
        | CardError::Endless { .. } => true,
        CardError::Transport(_)
        | CardError::Nameless { .. }
        | CardError::LastTry { .. }
        | CardError::StillLoggedIn
        | CardError::NoLockedMemory => false,
    }
}

fn assert_sentences(findings: &[Finding], what: &str) {
    for finding in findings {
        assert!(!finding.fault.ends_with('.'), "{what}: {finding:?}");
        assert!(finding.meaning.ends_with('.'), "{what}: {finding:?}");
    }
}

/// Each with its number, but for those in the midst of many of the same kind.
fn ends_of_runs(log: &[LoggedApdu]) -> impl Iterator<Item = (usize, &LoggedApdu)> {
    let is_like = |at: usize, apdu: &LoggedApdu| log.get(at).is_some_and(|it| it.ins == apdu.ins);
    let is_in_the_midst = move |at: usize, apdu: &LoggedApdu| {
        at >= 2 && [at - 2, at - 1, at + 1].iter().all(|at| is_like(*at, apdu))
    };
    log.iter()
        .enumerate()
        .filter(move |(at, apdu)| !is_in_the_midst(*at, apdu))
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
