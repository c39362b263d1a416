//! How what is under way comes to its end: as the card, the portal and the database do it.

use std::time::Duration;

use cac_common::identity::CardId;
use cac_common::interface::Lost;
use cac_common::pin::Pin;
use cac_common::reader::{ReaderName, ServiceStatus};
use cac_common::registration::{Notice, Outcome};
use cac_common::snapshot::{PinStatus, Visit};

use super::fixtures::{account_of, card_id, facts, reader_name};
use super::{CARDS, READERS, World};
use crate::card::change::Change;
use crate::card::error::{CardError, StatusWord};
use crate::card::rest::{Missing, Rest};
use crate::card::transport::TransportError;
use crate::event::{
    Effect, Event, HeldPin, Memory, PinChangeEvent, PinChangeOrder, PrintedOrder, Remembered,
    RequestId, SignInOrder, SignInResult,
};
use crate::judgement::{Asked, Judgement};
use crate::store::Acquaintance;

impl World {
    pub(super) fn finish(&mut self, effect: Effect, how: u64) {
        match effect {
            Effect::ReadCard { reader, visit } => self.finish_read(&reader, visit, how),
            Effect::RememberCard { visit, card } => self.finish_remembering(visit, &card.id),
            Effect::ReadRest { visit, missing, .. } => self.finish_rest(visit, missing, how),
            Effect::Judge { visit, number, .. } => self.step(Event::Judged {
                visit,
                number,
                judgement: Box::new(Judgement {
                    asked: match how % 3 {
                        0 => None,
                        1 => Some(Asked::Away),
                        _ => Some(Asked::Answered {
                            good_for: Duration::from_secs(how % 1_000),
                        }),
                    },
                    ..Judgement::default()
                }),
            }),
            Effect::SignIn(order) => self.finish_sign_in(*order, how),
            Effect::ReadPrinted(order) => self.finish_printed(*order, how),
            Effect::ChangePin(order) => self.finish_change(*order, how),
            Effect::TestPortal { request, order, .. } => self.finish_test(request, *order, how),
            Effect::Record {
                visit,
                card,
                portal,
                proof,
                status,
            } => {
                let result = if how % 4 == 3 {
                    Err("disk is full".to_owned())
                } else {
                    let remembered = Remembered {
                        portal: portal.clone(),
                        status: status.clone(),
                        proof,
                        at: self.now.utc,
                    };
                    self.database
                        .insert((card.id.clone(), portal.clone()), remembered);
                    Ok(())
                };
                self.step(Event::Recorded {
                    visit,
                    portal,
                    status,
                    result,
                });
            }
            Effect::Wizard(order) => self.finish_leg(*order, how),
            Effect::ReadConfirmation { request, .. } => self.finish_confirmation(request),
            Effect::Clear { request, uid, what } => {
                let before = std::mem::take(&mut self.database);
                let result = if how % 4 == 3 {
                    self.database = before;
                    Err("disk is full".to_owned())
                } else {
                    Ok(Lost::default())
                };
                self.step(Event::Cleared {
                    request,
                    uid,
                    what,
                    result,
                });
            }
            Effect::EndSession(session) => {
                let result = match how % 3 {
                    2 => Err("polkit does not let cacd".to_owned()),
                    _ => Ok(()),
                };
                self.step(Event::SessionEnded(session, result));
            }
            Effect::LoadKnown => self.know_everyone(),
            Effect::FindSeat { reader, arrival } => self.finish_seat(reader, arrival, how),
            Effect::EndVisit(_)
            | Effect::ForgetPin(_)
            | Effect::LetSleep(_)
            | Effect::EndReader(_)
            | Effect::KeepCard(_)
            | Effect::KeepConsent { .. }
            | Effect::KeepConfirmation { .. }
            | Effect::EndWizard(_)
            | Effect::Note(_)
            | Effect::Answer { .. } => {
                unreachable!("these are never under way")
            }
        }
    }

    fn finish_remembering(&mut self, visit: Visit, card: &CardId) {
        let registrations: Vec<Remembered> = self
            .database
            .iter()
            .filter(|((id, _), _)| id == card)
            .map(|(_, remembered)| remembered.clone())
            .collect();
        self.step(Event::CardRemembered {
            visit,
            memory: Memory {
                acquaintance: if registrations.is_empty() {
                    Acquaintance::New
                } else {
                    Acquaintance::Known
                },
                registrations,
                consents: self.consents.clone(),
            },
        });
    }

    fn finish_read(&mut self, reader: &ReaderName, visit: Visit, how: u64) {
        let card = (0..READERS)
            .find(|at| reader_name(*at) == *reader)
            .and_then(|at| self.inserted[at]);
        let result = match (card, how % 6) {
            (None, _) => Err(TransportError::Removed.into()),
            (_, 4) => Err(CardError::NotPiv),
            // Given up, and the true result is yet to come.
            (_, 5) => {
                self.under_way.push(Effect::ReadCard {
                    reader: reader.clone(),
                    visit,
                });
                Err(TransportError::Busy.into())
            }
            (Some(card), tries) => Ok(facts(card, tries)),
        };
        self.step(Event::CardRead {
            visit,
            result: Box::new(result),
        });
    }

    fn finish_test(&mut self, request: RequestId, order: SignInOrder, how: u64) {
        let visit = order.visit;
        let HeldPin::Unsent(pin) = order.pin else {
            panic!("a PIN that was kept is used beside registering");
        };
        let certificate = &order.certificate.summary.sha256;
        let met = match how % 6 {
            2 => None,
            3 => Some(Err(last_try())),
            choice => {
                let refusal = (choice == 1).then(|| refusal_of(how / 6));
                Some(self.tried(visit, &order.reader, &order.card, &pin, how, refusal))
            }
        };
        let result = match met {
            None => SignInResult::PinGone,
            Some(Err(error)) => SignInResult::Card(error),
            Some(Ok(())) if how % 6 == 5 => SignInResult::Failed { cause: "x".into() },
            // Pulled after the PIN, before the signature.
            Some(Ok(())) if how % 6 == 4 => SignInResult::Card(TransportError::Removed.into()),
            Some(Ok(())) => SignInResult::Portal(portal_says(how, certificate)),
        };
        self.step(Event::PortalTested {
            visit,
            request,
            result,
            tries: None,
            trace: Box::default(),
            page: None,
        });
    }

    fn finish_printed(&mut self, order: PrintedOrder, how: u64) {
        let PrintedOrder {
            visit,
            reader,
            request,
            target,
            pin,
        } = order;
        let HeldPin::Unsent(pin) = pin else {
            panic!("a PIN that was kept is used beside registering");
        };
        let met = match how % 5 {
            2 => None,
            3 => Some(Err(last_try())),
            choice => {
                let refusal = (choice == 1).then(|| refusal_of(how / 5));
                Some(self.tried(visit, &reader, &target.card, &pin, 0, refusal))
            }
        };
        let (result, tries) = match met {
            None => (Err(None), None),
            Some(Err(error)) => (Err(Some(error)), None),
            Some(Ok(())) if how % 5 == 4 => (Err(Some(TransportError::Removed.into())), None),
            Some(Ok(())) => (Ok(Some(b"\x05\x011".to_vec())), Some(2)),
        };
        self.step(Event::PrintedRead {
            visit,
            request,
            result,
            tries: tries.map(|tries| PinStatus::Ready {
                tries_left: Some(tries),
            }),
        });
    }

    fn finish_change(&mut self, order: PinChangeOrder, how: u64) {
        let PinChangeOrder {
            visit,
            reader,
            request,
            target,
            pin,
            new,
        } = order;
        let HeldPin::Unsent(pin) = pin else {
            panic!("a PIN that was kept is changed");
        };
        let met = match how % 6 {
            2 => None,
            3 => Some(Err(last_try())),
            choice => {
                let refusal = (choice == 1).then(|| refusal_of(how / 6));
                Some(self.tried(visit, &reader, &target.card, &pin, 0, refusal))
            }
        };
        let mut is_sent = true;
        let result = match met {
            None => Err(None),
            // Pulled in the midst of it.
            Some(Ok(())) if how % 6 == 4 => Ok(Change::Unknown(TransportError::Removed.into())),
            Some(Ok(())) if how % 6 == 5 => Ok(Change::NotMade(CardError::Refused {
                command: "CHANGE REFERENCE DATA",
                status: StatusWord(0x6A80),
            })),
            Some(Ok(())) => Ok(Change::Made),
            Some(Err(error)) => {
                is_sent = error.is_about_the_pin();
                Err(Some(error))
            }
        };
        if matches!(result, Ok(Change::Made | Change::Unknown(_)))
            && let Some(card) = (0..CARDS).find(|card| card_id(*card) == target.card)
        {
            self.outdated.insert(card, self.pins_typed);
        }
        if is_sent && !matches!(result, Err(None)) {
            let (pair, length) = pin.command_to_change([0; 5], &new).unwrap();
            let is_new = self.pairs.insert(pair.bytes()[..length].to_vec());
            assert!(is_new, "a pair was sent twice");
        }
        self.step(Event::PinChange(PinChangeEvent::Ended {
            visit,
            request,
            result,
            tries: None,
        }));
    }

    fn finish_rest(&mut self, visit: Visit, missing: Missing, how: u64) {
        let result = match how % 4 {
            3 => Err(TransportError::Removed.into()),
            // A sign-in goes first.
            2 => Ok(Rest {
                left: Some(missing),
                ..Rest::default()
            }),
            _ => Ok(Rest::default()),
        };
        self.step(Event::RestRead {
            visit,
            result: Box::new(result),
        });
    }

    /// As `card::sign` and the portal do it.
    fn finish_sign_in(&mut self, order: SignInOrder, how: u64) {
        let SignInOrder {
            visit,
            number,
            reader,
            card,
            ..
        } = order;
        let was_accepted = matches!(order.pin, HeldPin::Accepted(_));
        let pin = match order.pin {
            HeldPin::Unsent(pin) => pin,
            HeldPin::Accepted(pin) => pin.again(),
        };
        let is_wiped = self.wiped.contains(&(visit, number));
        let met = match how % 12 {
            8 if is_wiped => None,
            6 | 7 => None,
            8 => Some(Err(last_try())),
            choice => {
                let refusal = (choice >= 9).then(|| refusal_of(choice));
                Some(self.tried(visit, &reader, &card, &pin, how, refusal))
            }
        };
        let (result, pin, tries) = match met {
            None if is_wiped => (SignInResult::PinGone, None, None),
            // Nothing reached the card.
            None => {
                let pin = if was_accepted {
                    HeldPin::Accepted(pin.accepted())
                } else {
                    HeldPin::Unsent(pin)
                };
                let nobody = Outcome::Unavailable {
                    cause: "connection refused".into(),
                    retry_after: None,
                };
                (SignInResult::Portal(nobody), Some(pin), None)
            }
            Some(Err(error)) => (SignInResult::Card(error), None, None),
            Some(Ok(())) => (
                SignInResult::Portal(portal_says(how, &order.certificate.summary.sha256)),
                Some(HeldPin::Accepted(pin.accepted())),
                Some(PinStatus::Ready {
                    tries_left: Some(3),
                }),
            ),
        };
        // It may have been on its way back in that very moment.
        let pin = pin.filter(|_| !is_wiped || how % 24 >= 12);
        self.step(Event::SignInEnded {
            visit,
            number,
            result,
            pin,
            tries,
        });
    }

    /// Sends a PIN to the card that is in the reader, if it is the right one:
    /// once for each connection that it signs for. `refusal` is what becomes
    /// of the last of them.
    pub(super) fn tried(
        &mut self,
        visit: Visit,
        reader: &ReaderName,
        card: &CardId,
        pin: &Pin,
        how: u64,
        refusal: Option<CardError>,
    ) -> Result<(), CardError> {
        let at = (0..READERS).find(|at| reader_name(*at) == *reader);
        let there = at.and_then(|at| self.inserted[at]);
        let is_there = self.service == ServiceStatus::Running
            && self.state.visits().any(|other| other.visit == visit);
        let Some(there) = there.filter(|_| is_there) else {
            return Err(TransportError::Removed.into());
        };
        if card_id(there) != *card {
            self.met_another += 1;
            return Err(CardError::OtherCard);
        }
        let accepted = 1 + how / 12 % 3 - u64::from(refusal.is_some());
        for _ in 0..accepted {
            self.verify(there, pin, true);
        }
        if let Some(refusal) = refusal {
            self.verify(there, pin, false);
            return Err(refusal);
        }
        Ok(())
    }

    /// One VERIFY, and whether the card answers it with 9000.
    fn verify(&mut self, card: usize, pin: &Pin, is_accepted: bool) {
        assert_eq!(pin.typed_for().card, card_id(card), "PIN of another card");
        let (command, _) = pin.command([0; 5]).unwrap();
        let digits = &command.bytes()[5..13];
        let (first, answers) = self
            .verified
            .entry(digits.to_vec())
            .or_insert((card, Vec::new()));
        assert_eq!(*first, card, "one PIN went to two cards");
        let number: usize = String::from_utf8_lossy(digits).parse().unwrap();
        let outdated = self.outdated.get(&card);
        assert!(
            outdated.is_none_or(|typed| number > *typed),
            "sent although the PIN was changed since"
        );
        assert!(
            !answers.contains(&false),
            "sent again although the card had not accepted it"
        );
        answers.push(is_accepted);
        assert!(
            self.tries_spent() <= self.pins_typed,
            "more tries than PINs"
        );
    }

    /// VERIFYs whose answer was none, or another than 9000.
    pub(super) fn tries_spent(&self) -> usize {
        let answers = self.verified.values().flat_map(|(_, answers)| answers);
        answers.filter(|is_accepted| !**is_accepted).count()
    }
}

fn last_try() -> CardError {
    CardError::LastTry {
        tries_left: Some(1),
    }
}

/// How a VERIFY ends, but with 9000.
fn refusal_of(how: u64) -> CardError {
    match how % 3 {
        0 => CardError::WrongPin {
            tries_left: Some(2),
        },
        1 => CardError::PinBlocked,
        // In the midst of it.
        _ => TransportError::Removed.into(),
    }
}

/// To whoever signs in with that certificate.
fn portal_says(how: u64, certificate: &str) -> Outcome {
    let cause = || "it says so".into();
    match (how % 12, how / 12 % 10) {
        (0 | 1, _) => Outcome::Registered {
            account: Some(account_of(certificate)),
        },
        (2, again) => Outcome::Unavailable {
            cause: cause(),
            retry_after: (again > 5).then(|| Duration::from_secs(again)),
        },
        (3, _) => Outcome::Forbidden { cause: cause() },
        (_, 0) => Outcome::NeedsWizard,
        (_, 1) => Outcome::NotEligible,
        (_, 2) => Outcome::NeedsSponsor,
        (_, 3) => Outcome::Rejected { cause: cause() },
        (_, 4) => Outcome::LockedOut,
        (_, 5) => Outcome::Unsupported { cause: cause() },
        (_, 6) => Outcome::NotFound,
        (_, 7) => Outcome::Unrecognised { cause: cause() },
        (_, text) => Outcome::NeedsConsent {
            notice: Notice {
                text: "You are using a system".into(),
                sha256: format!("{text:02x}"),
            },
        },
    }
}
