//! Two people with a card each at one machine with two readers, who come and
//! go and type in any order, and a portal that answers in any order.

use std::sync::Mutex;

use cac_common::registration::RegistrationStatus;
use proptest::prelude::*;

use super::fixtures::{account_of, card_id, certificate_of};
use super::{Act, READERS, WhatFor, World};
use crate::seeded;

const SCHEDULES: u32 = 1000;
/// The first two cards are of two people.
const PEOPLE: usize = 2;

#[test]
fn two_people_at_one_machine_are_each_registered_as_themselves() {
    let seen = Mutex::new(Seen::default());

    seeded::runner(SCHEDULES)
        .run(&schedules(), |acts| {
            let mut world = World::new();
            for act in acts {
                world.act(act);
            }
            world.finish_everything();
            seen.lock().unwrap().count(&world);
            world.both_come_once_more();
            for person in 0..PEOPLE {
                world.is_registered_as_themselves(person);
            }
            Ok(())
        })
        .unwrap();

    // Or nothing would have been interleaved.
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    for count in [seen.both, seen.met_another, seen.tries_spent] {
        assert!(count > SCHEDULES / 50, "{seen:?}");
    }
}

/// In how many schedules that was seen before they came once more.
#[derive(Debug, Default)]
struct Seen {
    /// Both are registered.
    both: u32,
    /// Work for one card found the other in its reader.
    met_another: u32,
    /// A PIN was not accepted.
    tries_spent: u32,
}

impl Seen {
    fn count(&mut self, world: &World) {
        let are_registered = (0..PEOPLE).all(|person| world.kept_of(person).is_some());
        self.both += u32::from(are_registered);
        self.met_another += u32::from(world.met_another > 0);
        self.tries_spent += u32::from(world.tries_spent() > 0);
    }
}

fn schedules() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        // Into an empty reader, or in the place of the other.
        2 => (0..READERS, 0..PEOPLE).prop_map(|(reader, card)| Act::PutIn { reader, card }),
        1 => (0..READERS, 0..PEOPLE).prop_map(|(reader, card)| Act::Swap { reader, card }),
        1 => (0..READERS).prop_map(|reader| Act::TakeOut { reader }),
        6 => (0..PEOPLE, prop_oneof![6 => Just(0), 1 => Just(1u64)], any::<bool>()).prop_map(
            |(card, visits_ago, even_the_last_try)| Act::TypePin {
                card,
                visits_ago,
                even_the_last_try,
                what_for: WhatFor::Registering,
            }
        ),
        1 => (0..PEOPLE).prop_map(|card| Act::Ask {
            card: Some(card),
            is_another: false,
        }),
        1 => (1..90u64).prop_map(|seconds| Act::Wait { seconds }),
        16 => any::<usize>().prop_map(|which| Act::Finish { which, how: 0 }),
        10 => any::<(usize, u64)>().prop_map(|(which, how)| Act::Finish { which, how }),
    ];
    proptest::collection::vec(act, 10..150)
}

impl World {
    /// Each with their own card in a reader, and with the right PIN.
    fn both_come_once_more(&mut self) {
        for reader in 0..READERS {
            self.act(Act::TakeOut { reader });
        }
        for card in 0..PEOPLE {
            self.act(Act::PutIn { reader: card, card });
        }
        self.finish_everything();
        for card in 0..PEOPLE {
            self.act(Act::Ask {
                card: Some(card),
                is_another: false,
            });
            self.act(Act::TypePin {
                card,
                visits_ago: 0,
                even_the_last_try: true,
                what_for: WhatFor::Registering,
            });
        }
        self.finish_everything();
    }

    /// Certificate and account, as they are written down for that card.
    fn kept_of(&self, person: usize) -> Option<(&str, Option<&str>)> {
        let kept = self.database.get(&(card_id(person), "first".into()))?;
        let RegistrationStatus::Registered { account, .. } = &kept.status else {
            return None;
        };
        Some((&kept.proof.certificate_sha256, account.as_deref()))
    }

    fn is_registered_as_themselves(&self, person: usize) {
        let certificate = certificate_of(person);
        let account = account_of(&certificate);

        assert_eq!(
            self.kept_of(person),
            Some((certificate.as_str(), Some(account.as_str())))
        );
    }
}
