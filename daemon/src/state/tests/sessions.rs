//! Whose holder is there, and what that does to a PIN and to what is due.

use std::collections::{BTreeMap, BTreeSet};

use cac_common::config::PinKeep;
use cac_common::interface::{AnswerWizard, Refusal};
use cac_common::locked::Locked;
use cac_common::pin::Pin;
use cac_common::snapshot::{Card, Visit};

use super::fixtures::card_id;
use super::promises::uses_a_pin;
use super::{Act, What, WhatFor, World};
use crate::event::{
    Answer, Effect, Event, PinChangeEvent, RequestId, SessionEvent, SessionUser, WizardEvent,
};

pub(super) const JANE: u32 = 1000;
pub(super) const JOHN: u32 = 1001;

/// The second card is John's; the others are nobody's.
pub(super) const JOHNS_CARD: &str = "[[user]]\nname = \"john\"\nedipi = \"9876543210\"\n";

#[test]
fn whoever_comes_back_is_asked_where_a_portal_waits_for_their_pin() {
    for what in [What::Began, What::Unlocked, What::Woke] {
        let mut world = World::new();
        world.act(Act::PutIn { reader: 0, card: 0 });
        world.finish_everything();
        let first = world.card().asked;

        world.session(what, JANE);

        assert_eq!((first, world.card().asked), (1, 2), "{what:?}");
        assert_eq!(world.sign_ins_under_way(), 0);
    }
}

#[test]
fn nobody_is_asked_where_nothing_is_due() {
    for what in [What::Began, What::Unlocked, What::Woke] {
        let mut world = World::new();
        world.act(Act::PutIn { reader: 0, card: 0 });
        world.finish_everything();
        type_pin(&mut world, 0);
        world.finish_everything();

        world.session(what, JANE);

        assert_eq!(world.card().asked, 1, "{what:?}");
        assert_eq!(world.sign_ins_under_way(), 0);
    }
}

#[test]
fn nobody_is_asked_for_the_card_of_another() {
    let mut world = with_johns_card(PinKeep::SignIn);
    assert_eq!(world.card().user.as_deref(), Some("john"));

    world.session(What::Unlocked, JANE);
    let by_jane = world.card().asked;
    world.session(What::Unlocked, JOHN);

    assert_eq!((by_jane, world.card().asked), (1, 2));
}

#[test]
fn who_leaves_takes_their_pin_along() {
    for what in [What::Locked, What::LeftSeat, What::Ended, What::Sleeps] {
        let mut world = kept();

        world.session(what, JANE);

        assert!(!world.card().pin_kept, "{what:?}");
    }
}

#[test]
fn who_leaves_takes_no_pin_of_another_along_but_that_of_their_card() {
    let mut world = kept();
    world.session(What::Locked, JOHN);
    assert!(world.card().pin_kept);

    let mut world = with_johns_card(PinKeep::Visit);
    type_pin(&mut world, 1);
    world.finish_everything();
    assert!(world.card().pin_kept);
    world.session(What::Locked, JOHN);

    assert!(!world.card().pin_kept);
}

/// History says that it is forgotten: it may not be sent to the card later, where
/// the portal lets it wait.
#[test]
fn who_leaves_takes_along_a_pin_that_is_in_use_and_the_sign_in_comes_to_its_end() {
    for what in [What::Locked, What::LeftSeat, What::Ended, What::Sleeps] {
        let mut world = World::new();
        world.act(Act::PutIn { reader: 0, card: 0 });
        world.finish_everything();
        type_pin(&mut world, 0);

        world.session(what, JANE);

        assert_eq!(world.wiped, BTreeSet::from([(Visit(1), 1)]), "{what:?}");
        assert_eq!(world.sign_ins_under_way(), 1);
        assert!(!world.card().pin_kept);
    }
}

#[test]
fn whose_card_it_is_takes_along_the_pin_in_use_of_another_and_nobody_else_does() {
    for (uid, is_wiped) in [(JOHN, true), (JOHN + 1, false)] {
        let mut world = with_johns_card(PinKeep::Visit);
        type_pin(&mut world, 1);

        let user = SessionUser {
            uid,
            name: if uid == JOHN { "john" } else { "jim" }.into(),
        };
        world.step(Event::Session(SessionEvent::Locked(user)));

        assert_eq!(!world.wiped.is_empty(), is_wiped, "{uid}");
    }
}

#[test]
fn a_pin_in_use_that_another_has_asked_beside_goes_with_who_typed_it() {
    let mut world = World::new();
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    type_pin(&mut world, 0);
    world.act(Act::Ask {
        card: Some(0),
        is_another: true,
    });
    let before = world.wiped.len();

    world.session(What::Locked, JANE);

    assert_eq!((before, world.wiped.len()), (0, 1));
}

#[test]
fn who_leaves_takes_along_what_is_read_changed_and_tried_with_a_pin() {
    for what_for in [WhatFor::Printed, WhatFor::Change, WhatFor::Test] {
        for (uid, forgotten) in [(JANE, vec![Visit(1)]), (JOHN, vec![])] {
            let mut world = World::new();
            world.act(Act::PutIn { reader: 0, card: 0 });
            world.finish_everything();
            world.type_pin_for(what_for);

            let user = SessionUser {
                uid,
                name: "somebody".into(),
            };
            let left = Event::Session(SessionEvent::Locked(user));
            let effects = world.state.step(left, world.now);

            let told: Vec<Visit> = (effects.iter())
                .filter_map(|effect| {
                    if let Effect::ForgetPin(visit) = effect {
                        Some(*visit)
                    } else {
                        None
                    }
                })
                .collect();
            assert_eq!(told, forgotten, "{what_for:?}");
        }
    }
}

#[test]
fn who_comes_back_during_a_sign_in_is_asked_for_what_is_left_after_it() {
    let mut world = World::new();
    world.act(Act::Reconfigure {
        with_second_portal: true,
        first_moved: false,
        keep: PinKeep::Visit,
    });
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    type_pin(&mut world, 0);
    world.session(What::Locked, JANE);
    world.session(What::Unlocked, JANE);
    let during = world.card().asked;

    world.finish_everything();

    assert_eq!((during, world.card().asked), (1, 2));
}

#[test]
fn what_waits_for_a_portal_is_tried_at_once_when_its_holder_is_back() {
    let mut world = World::new();
    world.act(Act::Reconfigure {
        with_second_portal: false,
        first_moved: false,
        keep: PinKeep::Visit,
    });
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    type_pin(&mut world, 0);
    world.portal_is_away();
    let before = world.sign_ins_under_way();

    world.session(What::Unlocked, JOHN);
    let by_another = world.sign_ins_under_way();
    world.session(What::Unlocked, JANE);

    assert_eq!((before, by_another, world.sign_ins_under_way()), (0, 0, 1));
}

#[test]
fn the_machine_sleeps_after_the_pins_are_gone() {
    let mut world = kept();
    let (inhibitor, _) = std::io::pipe().unwrap();

    let event = SessionEvent::GoesToSleep(Some(inhibitor.into()));
    let effects = world.state.step(Event::Session(event), world.now);

    assert!(matches!(effects.last(), Some(Effect::LetSleep(_))));
    assert!(!world.card().pin_kept);
}

#[test]
fn nothing_secret_is_taken_from_when_the_machine_goes_to_sleep_until_it_woke() {
    let every = [
        WhatFor::Registering,
        WhatFor::Printed,
        WhatFor::Change,
        WhatFor::Test,
    ];
    for what_for in every {
        let mut world = World::new();
        world.act(Act::PutIn { reader: 0, card: 0 });
        world.finish_everything();

        world.session(What::Sleeps, JANE);
        let asleep = world.type_pin_for(what_for);
        world.session(What::Woke, JANE);
        let awake = world.type_pin_for(what_for);

        let refused = [Err(Refusal::MachineSleeps)];
        assert_eq!(asleep, (refused.to_vec(), 0), "{what_for:?}");
        assert_ne!(awake.0, refused, "{what_for:?}");
        assert_eq!(awake.1, 1, "{what_for:?}");
    }
}

#[test]
fn a_password_is_not_taken_either_and_what_is_no_secret_is() {
    let asked = |secret| {
        let mut world = World::new();
        world.session(What::Sleeps, JANE);
        let what = AnswerWizard {
            card: card_id(0),
            visit: Visit(1),
            turn: 0,
            ask: 0,
            value: None,
            even_the_last_try: false,
        };
        let answered = WizardEvent::Answered {
            request: RequestId(1),
            uid: JANE,
            what,
            secret,
        };
        let event = Event::Wizard(Box::new(answered));
        answers(&world.state.step(event, world.now))
    };

    let secret = asked(Some((Locked::new().unwrap(), 8)));
    let none = asked(None);

    assert_eq!(secret, [Err(Refusal::MachineSleeps)]);
    assert_eq!(none, [Err(Refusal::NoSuchCard)]);
}

fn answers(effects: &[Effect]) -> Vec<Result<Answer, Refusal>> {
    let answers = effects.iter().filter_map(|effect| {
        if let Effect::Answer { answer, .. } = effect {
            Some(answer.clone())
        } else {
            None
        }
    });
    answers.collect()
}

/// Jane's PIN is held for a card whose portals are all settled.
fn kept() -> World {
    let mut world = World::new();
    world.act(Act::Reconfigure {
        with_second_portal: false,
        first_moved: false,
        keep: PinKeep::Visit,
    });
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    type_pin(&mut world, 0);
    world.finish_everything();
    assert!(world.card().pin_kept);
    world
}

fn with_johns_card(keep: PinKeep) -> World {
    let mut world = World::new();
    world.act(Act::Reconfigure {
        with_second_portal: true,
        first_moved: false,
        keep,
    });
    world.act(Act::PutIn { reader: 0, card: 1 });
    world.finish_everything();
    world
}

fn type_pin(world: &mut World, card: usize) {
    world.act(Act::TypePin {
        card,
        visits_ago: 0,
        even_the_last_try: false,
        what_for: WhatFor::Registering,
    });
}

impl World {
    pub(super) fn session(&mut self, what: What, uid: u32) {
        let name = if uid == JANE { "jane" } else { "john" };
        let user = SessionUser {
            uid,
            name: name.into(),
        };
        self.step(Event::Session(match what {
            What::Began => SessionEvent::Began(user),
            What::Unlocked => SessionEvent::Unlocked(user),
            What::Locked => SessionEvent::Locked(user),
            What::LeftSeat => SessionEvent::LeftSeat(user),
            What::Ended => SessionEvent::Ended(user),
            What::Sleeps => SessionEvent::GoesToSleep(None),
            What::Woke => SessionEvent::Woke,
        }));
    }

    /// What was typed until now serves nobody who has left.
    pub(super) fn note_who_leaves(&mut self, event: &Event) {
        let Event::Session(event) = event else { return };
        let uids = match event {
            SessionEvent::Began(_)
            | SessionEvent::Unlocked(_)
            | SessionEvent::Woke
            | SessionEvent::Seats(_) => return,
            SessionEvent::Locked(user)
            | SessionEvent::LeftSeat(user)
            | SessionEvent::Ended(user) => vec![user.uid],
            SessionEvent::GoesToSleep(_) => vec![JANE, JOHN],
        };
        for visit in self.current_visits().into_keys() {
            self.left.extend(uids.iter().map(|uid| (*uid, visit)));
        }
    }

    /// What was typed since does.
    pub(super) fn pin_was_taken(&mut self, request: RequestId) {
        if let Some((_, uid, visit)) = self.typing.filter(|(it, ..)| *it == request) {
            self.left.remove(&(uid, visit));
        }
    }

    /// Nor is it sent to a card later.
    pub(super) fn check_who_left(&self) {
        for effect in &self.under_way {
            if let Effect::SignIn(order) = effect {
                let typed_by = (order.pin.typed_for().uid, order.visit);
                assert!(
                    !self.left.contains(&typed_by)
                        || self.wiped.contains(&(order.visit, order.number)),
                    "work still has the PIN of somebody who has left"
                );
            }
        }
    }

    pub(super) fn calls(&self) -> BTreeMap<Visit, u32> {
        let cards = self.cards();
        cards.iter().map(|card| (card.visit, card.asked)).collect()
    }

    /// A holder is called for once at a time, and where a PIN is waited for.
    pub(super) fn check_calls(&self, before: &BTreeMap<Visit, u32>) {
        for card in self.cards() {
            let earlier = before.get(&card.visit).copied().unwrap_or(0);
            if card.asked != earlier {
                assert_eq!(card.asked, earlier + 1, "called for twice at once");
                assert!(card.needs_pin(), "called for, and nothing waits for a PIN");
                assert!(!card.pin_kept, "called for, and there is a PIN");
            }
        }
    }

    fn cards(&self) -> Vec<Card> {
        let readers = self.state.snapshot(self.now).readers;
        readers.into_iter().filter_map(|it| it.card).collect()
    }

    pub(super) fn card(&self) -> Card {
        self.cards().into_iter().next().unwrap()
    }

    pub(super) fn pin_typed(&self, request: RequestId, pin: Pin, what_for: WhatFor) -> Event {
        match what_for {
            WhatFor::Registering => Event::PinGiven { request, pin },
            WhatFor::Printed => Event::PrintedAsked { request, pin },
            WhatFor::Change => {
                let new = self.new_pin();
                Event::PinChange(PinChangeEvent::Asked { request, pin, new })
            }
            WhatFor::Test => Event::TestAsked {
                request,
                portal: "first".into(),
                pin,
                with_page: false,
            },
        }
    }

    /// What is answered, and how much work is begun with the PIN.
    fn type_pin_for(&mut self, what_for: WhatFor) -> (Vec<Result<Answer, Refusal>>, usize) {
        let pin = self.type_pin(0, 0, false);
        let request = RequestId(1);
        let event = self.pin_typed(request, pin, what_for);
        let effects = self.state.step(event, self.now);
        let works = effects.iter().filter(|effect| uses_a_pin(effect).is_some());
        (answers(&effects), works.count())
    }

    /// The sign-in under way meets nobody.
    fn portal_is_away(&mut self) {
        let mut under_way = self.under_way.iter();
        let at = under_way.position(|effect| matches!(effect, Effect::SignIn(_)));
        let sign_in = self.under_way.remove(at.unwrap());
        self.finish(sign_in, 6);
    }

    fn sign_ins_under_way(&self) -> usize {
        let under_way = self.under_way.iter();
        under_way
            .filter(|effect| matches!(effect, Effect::SignIn(_)))
            .count()
    }
}
