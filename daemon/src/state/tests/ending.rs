//! How what is under way comes to its end: as the card, the portal and the database do it.

use std::time::Duration;

use cac_common::interface::Lost;
use cac_common::reader::ReaderName;
use cac_common::registration::{Notice, Outcome};
use cac_common::snapshot::{PinStatus, Visit};

use super::fixtures::{facts, reader_name};
use super::{READERS, World};
use crate::card::error::CardError;
use crate::card::rest::{Missing, Rest};
use crate::card::transport::TransportError;
use crate::event::{
    Effect, Event, HeldPin, Memory, PrintedOrder, Remembered, RequestId, SignInOrder, SignInResult,
};
use crate::judgement::{Asked, Judgement};
use crate::store::Acquaintance;

impl World {
    pub(super) fn finish(&mut self, effect: Effect, how: u64) {
        match effect {
            Effect::ReadCard { reader, visit } => self.finish_read(&reader, visit, how),
            Effect::RememberCard { visit, card } => {
                let registrations: Vec<Remembered> = self
                    .database
                    .iter()
                    .filter(|((id, _), _)| *id == card.id)
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
            Effect::LoadKnown => self.step(Event::Known(Vec::new())),
            Effect::EndVisit(_)
            | Effect::ForgetPin(_)
            | Effect::EndReader(_)
            | Effect::KeepCard(_)
            | Effect::KeepConsent { .. }
            | Effect::Note(_)
            | Effect::Answer { .. } => {
                unreachable!("these are never under way")
            }
        }
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
        let SignInOrder { visit, pin, .. } = order;
        drop(pin);
        let registered = Outcome::Registered { account: None };
        let wrong = CardError::WrongPin {
            tries_left: Some(1),
        };
        self.step(Event::PortalTested {
            visit,
            request,
            result: match how % 4 {
                0 => SignInResult::Portal(registered),
                1 => SignInResult::Card(wrong),
                2 => SignInResult::PinGone,
                _ => SignInResult::Failed { cause: "x".into() },
            },
            tries: None,
            trace: Box::default(),
            page: None,
        });
    }

    fn finish_printed(&mut self, order: PrintedOrder, how: u64) {
        let PrintedOrder {
            visit,
            request,
            pin,
            ..
        } = order;
        drop(pin);
        let (result, tries) = match how % 4 {
            0 => (Ok(Some(b"\x05\x011".to_vec())), Some(2)),
            1 => (
                Err(Some(CardError::WrongPin {
                    tries_left: Some(1),
                })),
                None,
            ),
            2 => (Err(Some(TransportError::Removed.into())), None),
            _ => (Err(None), None),
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
        let pin = match order.pin {
            HeldPin::Unsent(pin) => pin,
            HeldPin::Accepted(pin) => pin.again(),
        };
        let (command, _) = pin.command([0; 5]).unwrap();
        let digits = command.bytes()[5..13].to_vec();
        let sent_before = self.answered.get(&digits).copied();
        assert_ne!(
            sent_before,
            Some(false),
            "sent again although the card had not accepted it"
        );
        let registered = Outcome::Registered {
            account: Some("jane.doe".into()),
        };
        let unavailable = Outcome::Unavailable {
            cause: "connection refused".into(),
            retry_after: None,
        };
        let is_wiped = self.wiped.contains(&(order.visit, order.number));
        let (result, pin, tries) = match how % 12 {
            // Accepted, and the portal has its say.
            choice @ 0..=5 => {
                self.answered.insert(digits, true);
                let outcome = match choice {
                    0 | 1 => registered,
                    2 => unavailable,
                    3 => Outcome::Forbidden {
                        cause: "403".into(),
                    },
                    4 if how % 24 >= 12 => Outcome::NeedsConsent {
                        notice: Notice {
                            text: "You are using a system".into(),
                            sha256: format!("{:02x}", how % 3),
                        },
                    },
                    4 => Outcome::NotFound,
                    _ => Outcome::Unrecognised {
                        cause: "Welcome".into(),
                    },
                };
                (
                    SignInResult::Portal(outcome),
                    Some(HeldPin::Accepted(pin.accepted())),
                    Some(PinStatus::Ready {
                        tries_left: Some(3),
                    }),
                )
            }
            6..=8 if is_wiped => (SignInResult::PinGone, None, None),
            // Nothing reached the card.
            6 | 7 => {
                let pin = match sent_before {
                    Some(_) => HeldPin::Accepted(pin.accepted()),
                    None => HeldPin::Unsent(pin),
                };
                (SignInResult::Portal(unavailable), Some(pin), None)
            }
            8 => {
                let error = CardError::LastTry {
                    tries_left: Some(1),
                };
                (SignInResult::Card(error), None, None)
            }
            9 => {
                self.answered.insert(digits, false);
                let error = CardError::WrongPin {
                    tries_left: Some(2),
                };
                (SignInResult::Card(error), None, None)
            }
            10 => {
                self.answered.insert(digits, false);
                (SignInResult::Card(CardError::PinBlocked), None, None)
            }
            _ => {
                self.answered.insert(digits, false);
                let error = TransportError::Removed.into();
                (SignInResult::Card(error), None, None)
            }
        };
        // It may have been on its way back in that very moment.
        let pin = pin.filter(|_| !is_wiped || how % 24 >= 12);
        self.step(Event::SignInEnded {
            visit: order.visit,
            number: order.number,
            result,
            pin,
            tries,
        });
    }
}
