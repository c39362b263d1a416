//! How long a PIN is kept, whatever others do meanwhile.

use std::collections::BTreeSet;
use std::time::Duration;

use cac_common::config::PinKeep;
use cac_common::snapshot::Visit;

use super::{Act, WhatFor, World};

const KEEP: Duration = Duration::from_secs(20);

#[test]
fn a_pin_in_use_is_forgotten_in_time_although_another_asks() {
    let mut world = World::new();
    world.act(Act::Reconfigure {
        with_second_portal: false,
        first_moved: false,
        keep: PinKeep::For(KEEP),
    });
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    world.act(Act::TypePin {
        card: 0,
        visits_ago: 0,
        even_the_last_try: false,
        what_for: WhatFor::Registering,
    });

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
