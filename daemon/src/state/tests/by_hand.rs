//! Somebody registers by hand, while all the rest goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cac_common::cause::Cause;
use cac_common::identity::CardId;
use cac_common::interface::{AnswerWizard, Clear, ClearScope, Lost, MoveWizard, StartWizard};
use cac_common::locked::Locked;
use cac_common::profile::Profile;
use cac_common::registration::Notice;
use cac_common::snapshot::{Card, Visit};
use cac_common::wizard::{AskKind, Move, WizardState};
use proptest::prelude::*;

use super::fixtures::{account_of, card_id};
use super::sessions::{JANE, JOHN};
use super::{Act, What, World};
use crate::event::{
    Answer, Effect, Event, HeldPin, RequestId, WizardEvent, WizardOrder, WizardResult,
};
use crate::portal::wizard::{Begins, Shown, Turn, Value, Why};

/// What a person does with the wizard.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hand {
    Start {
        card: usize,
    },
    Answer {
        card: usize,
        how: u8,
    },
    Move {
        card: usize,
        to: Move,
        is_late: bool,
    },
}

/// What the world keeps of it.
#[derive(Default)]
pub(super) struct Hands {
    passwords_typed: usize,
    /// Each was typed once, and is sent once at most.
    sent: BTreeSet<Vec<u8>>,
    legs: BTreeMap<(Visit, u32), (Arc<Profile>, String)>,
}

pub(super) fn hands() -> impl Strategy<Value = Hand> {
    let to = prop_oneof![
        2 => Just(Move::On),
        2 => Just(Move::Back),
        2 => Just(Move::Again),
        1 => Just(Move::Stop)
    ];
    prop_oneof![
        3 => (0..super::CARDS).prop_map(|card| Hand::Start { card }),
        8 => (0..super::CARDS, any::<u8>()).prop_map(|(card, how)| Hand::Answer { card, how }),
        1 => (0..super::CARDS, to, any::<bool>())
            .prop_map(|(card, to, is_late)| Hand::Move { card, to, is_late }),
    ]
}

impl World {
    pub(super) fn by_hand(&mut self, hand: Hand) {
        let (Hand::Start { card } | Hand::Answer { card, .. } | Hand::Move { card, .. }) = hand;
        let Some(shown) = self.shown(card) else {
            return;
        };
        let (id, visit) = (card_id(card), shown.visit);
        let request = self.request();
        let uid = 1000;
        let event = match hand {
            Hand::Start { .. } => WizardEvent::Started {
                request,
                uid,
                what: StartWizard {
                    card: id,
                    visit,
                    portal: "first".into(),
                },
            },
            Hand::Move { to, is_late, .. } => {
                let turn = shown.wizard.as_ref().map_or(0, |wizard| wizard.turn);
                WizardEvent::Moved {
                    request,
                    uid,
                    what: MoveWizard {
                        card: id,
                        visit,
                        turn: turn.wrapping_sub(u64::from(is_late)),
                        to,
                    },
                }
            }
            Hand::Answer { how, .. } => self.answer(&shown, how, request),
        };
        self.step(Event::Wizard(Box::new(event)));
    }

    fn shown(&self, card: usize) -> Option<Card> {
        let snapshot = self.state.snapshot(self.now);
        let mut cards = snapshot
            .readers
            .into_iter()
            .filter_map(|reader| reader.card);
        cards.find(|shown| shown.id == Some(card_id(card)))
    }

    /// Most often to what is asked; sometimes to what is not, or by somebody else.
    fn answer(&mut self, shown: &Card, how: u8, request: RequestId) -> WizardEvent {
        let wizard = shown.wizard.as_ref();
        let asked = wizard.and_then(|wizard| wizard.next_ask());
        let (ask, kind) = asked.map_or((0, AskKind::Text), |(ask, it)| (ask, it.kind));
        let kind = match how % 16 {
            1 => AskKind::Text,
            2 => AskKind::Password,
            _ => kind,
        };
        let typed = |bytes: &[u8]| {
            let mut locked = Locked::new().unwrap();
            locked.bytes_mut()[..bytes.len()].copy_from_slice(bytes);
            (locked, bytes.len())
        };
        let mut value = None;
        let mut secret = None;
        match kind {
            AskKind::Text => value = Some("jane.doe".to_owned()),
            AskKind::Password => {
                self.hands.passwords_typed += 1;
                let password = format!("password-{}", self.hands.passwords_typed);
                secret = Some(typed(password.as_bytes()));
            }
            AskKind::Pin => {
                self.pins_typed += 1;
                secret = Some(typed(format!("{:08}", self.pins_typed).as_bytes()));
            }
        }
        let turn = wizard.map_or(0, |wizard| wizard.turn);
        WizardEvent::Answered {
            request,
            uid: if how % 16 == 3 { 1001 } else { 1000 },
            what: AnswerWizard {
                card: shown.id.clone().unwrap(),
                visit: shown.visit,
                turn: turn.wrapping_sub(u64::from(how % 16 == 4)),
                ask,
                value,
                even_the_last_try: how.is_multiple_of(2),
            },
            secret,
        }
    }

    pub(super) fn check_leg(&mut self, order: &WizardOrder, current: &BTreeMap<Visit, CardId>) {
        assert!(
            self.portals.contains(&order.portal),
            "steps of an old profile"
        );
        let certificate = order.certificate.summary.sha256.clone();
        let leg = (Arc::clone(&order.portal), certificate);
        let earlier = self.hands.legs.insert((order.visit, order.number), leg);
        assert!(earlier.is_none(), "two legs with one number");
        if let Some(pin) = &order.pin {
            assert_eq!(pin.typed_for().card, order.card, "PIN of another card");
            self.check_pin(pin.typed_for(), order.visit, current);
            assert!(
                order.portal.wizard[order.at].certificate,
                "a PIN for nothing"
            );
        }
        let Begins::Sending(values) = &order.begins else {
            return;
        };
        for (field, value) in values {
            let step = &order.portal.wizard[order.at];
            assert!(step.fields.iter().any(|it| it.name == *field), "{field}");
            if let Value::Password(password) = value {
                let is_new = self.hands.sent.insert(password.bytes().to_vec());
                assert!(is_new, "a password is sent twice");
            }
        }
        assert!(self.hands.sent.len() <= self.hands.passwords_typed);
    }

    pub(super) fn finish_leg(&mut self, mut order: WizardOrder, how: u64) {
        let (visit, number, at) = (order.visit, order.number, order.at);
        let tell = |at| WizardEvent::At { visit, number, at };
        self.step(Event::Wizard(Box::new(tell(at))));
        let met = match order.pin.take() {
            Some(HeldPin::Unsent(pin)) if how % 9 != 6 => {
                Some(self.tried(visit, &order.reader, &order.card, &pin, how, None))
            }
            Some(HeldPin::Accepted(_)) => panic!("a PIN that was kept is used by hand"),
            Some(HeldPin::Unsent(_)) | None => None,
        };
        let result = match (met, how % 9) {
            (Some(Err(error)), _) => WizardResult::Card(error),
            (_, 6) => WizardResult::PinGone,
            (_, 7) => WizardResult::Failed { cause: "x".into() },
            (_, 1) => WizardResult::Turn(Turn::Asks {
                at,
                why: Why::Refused,
            }),
            (_, 2) => WizardResult::Turn(Turn::Asks {
                at: 0,
                why: Why::Expired,
            }),
            (_, 3) if how.is_multiple_of(2) => WizardResult::Turn(Turn::Notice {
                at,
                notice: Notice {
                    text: "You are using a system".into(),
                    sha256: "a".into(),
                },
            }),
            (_, 3) => WizardResult::Turn(Turn::Stopped {
                at,
                cause: Cause::from("another page"),
                sent: how % 4 == 1,
            }),
            (_, 4) => WizardResult::Turn(Turn::LockedOut { at }),
            _ => WizardResult::Turn(Self::next_turn(&order, how)),
        };
        let certificate = order.certificate.summary.sha256.clone();
        if self.portals.contains(&order.portal)
            && let WizardResult::Turn(Turn::Done { registered, .. }) = &result
        {
            let name = order.portal.name.clone();
            self.refused.remove(&(visit, name.clone()));
            if registered.is_some() {
                self.said_yes.insert((visit, name, certificate));
            }
        }
        self.step(Event::Wizard(Box::new(WizardEvent::Turned {
            visit,
            number,
            result,
            tries: None,
        })));
    }

    pub(super) fn finish_confirmation(&mut self, request: RequestId) {
        let result = Ok(None);
        let read = WizardEvent::ConfirmationRead { request, result };
        self.step(Event::Wizard(Box::new(read)));
    }

    fn next_turn(order: &WizardOrder, how: u64) -> Turn {
        let steps = &order.portal.wizard;
        let next = match order.begins {
            Begins::Opening => order.at,
            Begins::Sending(_) | Begins::Told => order.at + 1,
        };
        let account = account_of(&order.certificate.summary.sha256);
        match steps.get(next) {
            None => Turn::Done {
                registered: (how % 9 != 5).then_some(Some(account)),
                shown: Some(Shown {
                    text: "Registered".into(),
                    html: "<p>Registered".into(),
                    account: None,
                }),
            },
            Some(step) if step.is_told() => Turn::Tells { at: next },
            Some(_) => Turn::Asks {
                at: next,
                why: Why::Next,
            },
        }
    }

    /// What is asked for fits the step, and nothing typed is kept too long.
    pub(super) fn check_wizards(&self) {
        let snapshot = self.state.snapshot(self.now);
        for card in snapshot.readers.iter().filter_map(|it| it.card.as_ref()) {
            let Some(wizard) = &card.wizard else { continue };
            let at = usize::try_from(wizard.at).unwrap();
            if let WizardState::Asking { asks } = &wizard.state {
                assert!(at < wizard.steps.len());
                assert!(asks.iter().any(|ask| !ask.is_answered), "asks for nothing");
            }
        }
        let now = self.now.monotonic;
        let mut visits = self.state.visits();
        assert!(
            !visits.any(|card| card.holds_stale_answers(now)),
            "typed too long ago"
        );
    }
}

/// The visit whose PIN a leg uses.
pub(super) fn pin_of(effect: &Effect) -> Option<Visit> {
    let Effect::Wizard(order) = effect else {
        return None;
    };
    order.pin.as_ref().map(|_| order.visit)
}

/// A password is typed, and the PIN that goes with it is not.
fn with_half_an_answer() -> World {
    let mut world = World::new();
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    for hand in [
        Hand::Start { card: 0 },
        Hand::Answer { card: 0, how: 0 },
        Hand::Answer { card: 0, how: 0 },
        Hand::Move {
            card: 0,
            to: Move::On,
            is_late: false,
        },
        Hand::Answer { card: 0, how: 0 },
    ] {
        world.act(Act::ByHand(hand));
        world.finish_everything();
    }
    assert_eq!(world.answered(), [true, false]);
    world
}

impl World {
    /// Which of what is asked for was typed.
    fn answered(&self) -> Vec<bool> {
        let shown = self.shown(0).unwrap();
        match shown.wizard.map(|wizard| wizard.state) {
            Some(WizardState::Asking { asks }) => asks.iter().map(|ask| ask.is_answered).collect(),
            _ => Vec::new(),
        }
    }
}

#[test]
fn what_was_typed_and_not_sent_is_wiped_in_time_and_a_run_is_given_up_at_last() {
    let mut world = with_half_an_answer();

    world.wait(Duration::from_secs(5 * 60 - 1));
    assert_eq!(world.answered(), [true, false]);
    world.wait(Duration::from_secs(1));
    assert_eq!(world.answered(), [false, false]);
    let problem = world.shown(0).unwrap().wizard.unwrap().problem;
    assert!(problem.unwrap().contains("was wiped"));
    world.wait(Duration::from_mins(30));

    assert_eq!(world.shown(0).unwrap().wizard, None);
}

#[test]
fn whoever_leaves_takes_along_what_they_typed_by_hand() {
    for what in [What::Locked, What::LeftSeat, What::Ended, What::Sleeps] {
        let mut world = with_half_an_answer();

        world.session(What::Locked, JOHN);
        assert_eq!(world.answered(), [true, false], "another's session");
        world.session(what, JANE);

        assert_eq!(world.shown(0).unwrap().wizard, None, "{what:?}");
    }
}

#[test]
fn sessions_are_counted_and_cleared_with_what_was_typed_and_nothing_else_is() {
    let mut world = with_half_an_answer();
    let before = world.statuses();
    let clear = |world: &mut World, scope: ClearScope, dry_run| {
        let what = Clear { scope, dry_run };
        let asked = Event::ClearAsked {
            request: RequestId(u64::MAX),
            uid: JANE,
            what,
        };
        let effects = world.state.step(asked, world.now);
        let ended = |effect: &Effect| matches!(effect, Effect::EndWizard(_));
        let ends = effects.iter().filter(|effect| ended(effect)).count();
        let lost = effects.into_iter().find_map(|effect| {
            if let Effect::Answer { answer, .. } = effect {
                answer.ok()
            } else {
                None
            }
        });
        (lost, ends)
    };
    let lost = |sessions| {
        Some(Answer::Cleared(Lost {
            sessions,
            ..Lost::default()
        }))
    };

    let counted = clear(&mut world, ClearScope::Sessions {}, true);
    assert_eq!(counted, (lost(1), 0));
    assert_eq!(world.answered(), [true, false], "counting ends nothing");
    let cleared = clear(&mut world, ClearScope::Sessions {}, false);
    assert_eq!(cleared, (lost(1), 1));
    assert_eq!(world.shown(0).unwrap().wizard, None);
    assert_eq!(world.statuses(), before);
    let again = clear(&mut world, ClearScope::Sessions {}, false);
    assert_eq!(again, (lost(0), 0));
}
