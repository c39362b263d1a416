//! Every status word to every APDU of a read and of a sign-in.

use cacd::card::facts::{CardCertificate, Edge};

use super::*;

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
