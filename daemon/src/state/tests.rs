//! Whatever happens in whatever order: what has to hold always.

mod by_hand;
mod clearing;
mod ending;
pub(crate) mod fixtures;
mod judging;
mod keeping;
mod pin_change;
mod promises;
mod reading;
mod refusing;
mod removal;
mod seats;
mod sessions;
mod two_people;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cac_common::config::{Config, OnRemoval, PinKeep};
use cac_common::identity::CardId;
use cac_common::interface::{AcceptNotice, Clear, ClearScope, Register};
use cac_common::locked::Locked;
use cac_common::pin::{NewPin, Pin, PinFor};
use cac_common::profile::Profile;
use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use proptest::prelude::*;

use super::{DaemonFacts, State};
use crate::card::transport::{Report, SeenReader};
use crate::event::{Effect, Event, Now, Peer, Remembered, RequestId, SignInResult};
use crate::store::Consent;
use by_hand::{Hand, Hands, hands};
use cac_common::toml_file::Source;
use fixtures::{card_id, portal, reader_name};
use seats::{GRACE, Seats};
use sessions::{JANE, JOHN, JOHNS_CARD};
use world::World;

const READERS: usize = 2;
const CARDS: usize = 3;

/// One thing that happens to the daemon.
#[derive(Debug, Clone, Copy)]
enum Act {
    PutIn {
        reader: usize,
        card: usize,
    },
    /// Another card is in a reader, and nobody has noticed yet; where it was
    /// in the other reader, they have changed places.
    Swap {
        reader: usize,
        card: usize,
    },
    TakeOut {
        reader: usize,
    },
    ServiceAway,
    ServiceBack,
    TypePin {
        card: usize,
        visits_ago: u64,
        even_the_last_try: bool,
        what_for: WhatFor,
    },
    Ask {
        card: Option<usize>,
        /// Not the one who types the PINs.
        is_another: bool,
    },
    /// A person accepts the first notice there is, or one that is not there.
    Accept {
        is_there: bool,
    },
    ByHand(Hand),
    Clear,
    Reconfigure {
        with_second_portal: bool,
        first_moved: bool,
        keep: PinKeep,
    },
    Wait {
        seconds: u64,
    },
    /// A session of Jane's or John's, or the machine itself.
    Session {
        what: What,
        user: u32,
    },
    /// Others are in front of the two seats.
    Seats {
        in_front: [Option<u32>; 2],
    },
    /// One of the effects under way comes to its end.
    Finish {
        which: usize,
        how: u64,
    },
}

#[derive(Debug, Clone, Copy)]
enum What {
    Began,
    Unlocked,
    Locked,
    LeftSeat,
    Ended,
    Sleeps,
    Woke,
}

#[derive(Debug, Clone, Copy)]
enum WhatFor {
    Registering,
    Printed,
    Change,
    Test,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let keep = prop_oneof![
        Just(PinKeep::SignIn),
        Just(PinKeep::Visit),
        Just(PinKeep::For(Duration::from_secs(20)))
    ];
    let act = prop_oneof![
        2 => (0..READERS, 0..CARDS).prop_map(|(reader, card)| Act::PutIn { reader, card }),
        1 => (0..READERS, 0..CARDS).prop_map(|(reader, card)| Act::Swap { reader, card }),
        1 => (0..READERS).prop_map(|reader| Act::TakeOut { reader }),
        1 => Just(Act::ServiceAway),
        1 => Just(Act::ServiceBack),
        6 => (
            0..CARDS,
            prop_oneof![4 => Just(0), 1 => Just(1u64)],
            any::<bool>(),
            prop_oneof![
                4 => Just(WhatFor::Registering),
                1 => Just(WhatFor::Printed),
                1 => Just(WhatFor::Change),
                1 => Just(WhatFor::Test)
            ],
        )
            .prop_map(|(card, visits_ago, even_the_last_try, what_for)| Act::TypePin {
                card,
                visits_ago,
                even_the_last_try,
                what_for,
            }),
        1 => (proptest::option::of(0..CARDS), any::<bool>())
            .prop_map(|(card, is_another)| Act::Ask { card, is_another }),
        2 => prop_oneof![4 => Just(true), 1 => Just(false)].prop_map(|is_there| Act::Accept { is_there }),
        8 => hands().prop_map(Act::ByHand),
        1 => Just(Act::Clear),
        2 => (any::<bool>(), any::<bool>(), keep).prop_map(|(with_second_portal, first_moved, keep)| Act::Reconfigure {
            with_second_portal,
            first_moved,
            keep
        }),
        3 => (
            prop_oneof![
                1 => Just(What::Began),
                3 => Just(What::Unlocked),
                2 => Just(What::Locked),
                1 => Just(What::LeftSeat),
                1 => Just(What::Ended),
                1 => Just(What::Sleeps),
                1 => Just(What::Woke),
            ],
            prop_oneof![Just(JANE), Just(JOHN)],
        )
            .prop_map(|(what, user)| Act::Session { what, user }),
        3 => [in_front(), in_front()].prop_map(|in_front| Act::Seats { in_front }),
        2 => (1..90u64).prop_map(|seconds| Act::Wait { seconds }),
        24 => any::<(usize, u64)>().prop_map(|(which, how)| Act::Finish { which, how }),
    ];
    proptest::collection::vec(act, 1..200)
}

fn in_front() -> impl Strategy<Value = Option<u32>> {
    proptest::option::weighted(0.8, prop_oneof![Just(JANE), Just(JOHN)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_keeps_the_promises(acts in acts()) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        world.finish_everything();
    }
}
