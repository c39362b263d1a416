//! A PIN that is changed while other things happen.

use cac_common::config::PinKeep;
use cac_common::interface::Refusal;

use super::{Act, WhatFor, World};
use crate::card::change::Change;
use crate::card::transport::TransportError;
use crate::event::{Answer, Effect, Event, PinChangeEvent};

#[test]
fn the_pin_that_is_held_is_wiped_once_it_is_changed() {
    let mut world = with_a_card();
    type_pin(&mut world, WhatFor::Registering);
    world.finish_everything();
    assert!(world.card().pin_kept);

    type_pin(&mut world, WhatFor::Change);
    world.finish_everything();

    assert!(!world.card().pin_kept);
    assert_eq!(world.pairs.len(), 1);
}

#[test]
fn a_sign_in_under_way_is_not_disturbed() {
    let mut world = with_a_card();
    type_pin(&mut world, WhatFor::Registering);
    let is_signing_in = |effect: &Effect| matches!(effect, Effect::SignIn(_));
    assert!(world.under_way.iter().any(is_signing_in));

    type_pin(&mut world, WhatFor::Change);

    let changes = |effect: &Effect| matches!(effect, Effect::ChangePin(_));
    assert!(!world.under_way.iter().any(changes));
}

#[test]
fn a_card_that_is_gone_meanwhile_does_not_hide_what_became_of_its_pin() {
    let pulled = || Change::Unknown(TransportError::Removed.into());
    for (change, answer) in [
        (Change::Made, Ok(Answer::Done)),
        (
            pulled(),
            Err(Refusal::PinChangeUnknown {
                cause: "card was removed".into(),
            }),
        ),
    ] {
        let mut world = with_a_card();
        type_pin(&mut world, WhatFor::Change);
        let begun = world.under_way.pop();
        let Some(Effect::ChangePin(order)) = begun else {
            panic!("the card is asked");
        };
        world.act(Act::TakeOut { reader: 0 });

        let event = Event::PinChange(PinChangeEvent::Ended {
            visit: order.visit,
            request: order.request,
            result: Ok(change),
            tries: None,
        });
        let effects = world.state.step(event, world.now);

        let is_answered = |effect: &Effect| matches!(effect, Effect::Answer { answer: given, .. } if *given == answer);
        assert!(effects.iter().any(is_answered));
        let is_told = |effect: &Effect| matches!(effect, Effect::Note(note) if note.journal.message.is_some());
        assert!(effects.iter().any(is_told));
    }
}

fn with_a_card() -> World {
    let mut world = World::new();
    world.reconfigure(false, false, PinKeep::Visit);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    world
}

fn type_pin(world: &mut World, what_for: WhatFor) {
    world.act(Act::TypePin {
        card: 0,
        visits_ago: 0,
        even_the_last_try: true,
        what_for,
    });
}
