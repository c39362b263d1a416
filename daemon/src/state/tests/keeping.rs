//! How long a PIN is kept, and what that leads to.

use std::collections::BTreeSet;
use std::time::Duration;

use cac_common::config::PinKeep;
use cac_common::snapshot::Visit;

use super::{Act, WhatFor, World};
use crate::event::Effect;

const KEEP: Duration = Duration::from_secs(20);

#[test]
fn a_pin_in_use_is_forgotten_in_time_although_another_asks() {
    let mut world = typed(PinKeep::For(KEEP));

    world.act(Act::Ask {
        card: None,
        is_another: true,
    });
    world.wait(KEEP.saturating_sub(Duration::from_secs(1)));
    let before = world.wiped.clone();
    world.wait(Duration::from_secs(1));

    assert_eq!(before, BTreeSet::new());
    assert_eq!(world.wiped, BTreeSet::from([(Visit(1), 1)]));
}

#[test]
fn a_card_whose_pin_is_kept_is_signed_in_again_after_a_clear_and_that_is_told_before() {
    for (keep, is_kept) in [(PinKeep::SignIn, false), (PinKeep::Visit, true)] {
        let mut world = typed(keep);
        assert!(world.is_told_to_keep_a_pin(), "{keep:?}");
        world.finish_everything();
        let told = world.is_told_to_keep_a_pin();

        world.act(Act::Clear);
        world.finish_next();

        let signs_in = world
            .under_way
            .iter()
            .any(|effect| matches!(effect, Effect::SignIn(_)));
        assert_eq!((told, signs_in), (is_kept, is_kept), "{keep:?}");
    }
}

#[test]
fn a_pin_that_another_has_asked_over_is_not_told_as_kept() {
    let mut world = typed(PinKeep::Visit);

    world.act(Act::Ask {
        card: None,
        is_another: true,
    });

    assert!(!world.is_told_to_keep_a_pin());
}

/// A card is in, its PIN typed, and a sign-in under way.
fn typed(keep: PinKeep) -> World {
    let mut world = World::new();
    world.act(Act::Reconfigure {
        with_second_portal: false,
        first_moved: false,
        keep,
    });
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    world.act(Act::TypePin {
        card: 0,
        visits_ago: 0,
        even_the_last_try: false,
        what_for: WhatFor::Registering,
    });
    world
}

impl World {
    fn is_told_to_keep_a_pin(&self) -> bool {
        let snapshot = self.state.snapshot(self.now);
        let mut cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
        cards.any(|card| card.pin_kept)
    }

    fn finish_next(&mut self) {
        self.act(Act::Finish { which: 0, how: 0 });
    }
}
