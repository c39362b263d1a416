//! A card is taken out, and what becomes of the session that goes with it.

use std::time::Duration;

use cac_common::config::{Config, OnRemoval, PinKeep};
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::snapshot::Visit;

use super::fixtures::{card_id, reader_name};
use super::seats::{GRACE, at_seats, session_of};
use super::sessions::{JANE, JOHN};
use super::{Act, READERS, WhatFor, World};
use crate::card::transport::{Report, SeenReader};
use crate::event::{Effect, Event};

const A_WHILE: Duration = Duration::from_mins(10);

#[test]
fn the_session_of_whoever_typed_the_pin_is_ended_after_the_grace() {
    let mut world = registered();

    world.act(Act::TakeOut { reader: 0 });
    world.wait(GRACE.saturating_sub(Duration::from_millis(1)));
    assert_eq!(world.ended(), 0);
    world.wait(Duration::from_millis(1));

    assert_eq!(world.ended(), 1);
    let ended = &world.seats.ended[0];
    assert_eq!((ended.uid, ended.how), (JANE, OnRemoval::Lock));
    assert_eq!(ended.session, session_of("seat0", JANE));
    world.wait(A_WHILE);
    assert_eq!(world.ended(), 1);
}

#[test]
fn a_card_that_is_back_by_then_ends_nothing_and_is_bound_as_before() {
    let mut world = registered();

    world.act(Act::TakeOut { reader: 0 });
    world.wait(GRACE / 2);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    world.wait(A_WHILE);
    assert_eq!(world.ended(), 0);

    // Without a PIN in between.
    world.act(Act::TakeOut { reader: 0 });
    world.wait(GRACE);
    assert_eq!(world.ended(), 1);
}

#[test]
fn another_card_in_its_place_or_the_same_at_another_seat_is_not_that_card() {
    for (reader, card) in [(0, 1), (1, 0)] {
        let mut world = registered();

        world.act(Act::TakeOut { reader: 0 });
        world.act(Act::PutIn { reader, card });
        world.finish_everything();
        world.wait(GRACE);

        assert_eq!(world.ended(), 1, "{card} in {reader}");
    }
}

#[test]
fn neither_pcscd_nor_a_reader_that_goes_is_a_removal_and_the_card_stays_bound() {
    let mut world = registered();

    world.act(Act::ServiceAway);
    world.wait(A_WHILE);
    world.act(Act::ServiceBack);
    world.finish_everything();
    world.step(Event::Readers(Report {
        service: ServiceStatus::Running,
        readers: Vec::new(),
    }));
    world.wait(A_WHILE);
    world.report();
    world.finish_everything();
    assert_eq!(world.ended(), 0);

    world.act(Act::TakeOut { reader: 0 });
    world.wait(GRACE);
    assert_eq!(world.ended(), 1);
}

#[test]
fn a_card_that_stops_answering_is_still_there_until_it_is_taken_out() {
    let mut world = registered();
    let report = |status| {
        Event::Readers(Report {
            service: ServiceStatus::Running,
            readers: (0..READERS)
                .map(|reader| SeenReader {
                    name: reader_name(reader),
                    status: if reader == 0 {
                        status
                    } else {
                        ReaderStatus::Empty
                    },
                    changes: 9,
                })
                .collect(),
        })
    };

    world.step(report(ReaderStatus::NoAnswer));
    world.wait(A_WHILE);
    assert_eq!(world.ended(), 0);
    world.seats.taken.insert(card_id(0), world.now.monotonic);
    world.step(report(ReaderStatus::Empty));
    world.wait(GRACE);

    assert_eq!(world.ended(), 1);
}

#[test]
fn no_session_ends_for_a_card_whose_pin_nobody_typed_in_it() {
    // Nobody typed one.
    let mut world = at_seats([Some(JANE), None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    world.act(Act::TakeOut { reader: 0 });
    world.wait(A_WHILE);
    assert_eq!(world.ended(), 0);

    // Somebody did who is not in front: the first PIN is Jane's.
    let mut world = at_seats([Some(JOHN), None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    types_pin(&mut world);
    world.act(Act::TakeOut { reader: 0 });
    world.wait(A_WHILE);
    assert_eq!(world.ended(), 0);
}

#[test]
fn it_is_the_session_that_the_pin_was_typed_in_whoever_is_in_front_now() {
    let mut world = registered();
    world.seats([Some(JOHN), None]);

    world.act(Act::TakeOut { reader: 0 });
    world.wait(GRACE);

    assert_eq!(world.ended(), 1);
    assert_eq!(world.seats.ended[0].session, session_of("seat0", JANE));
}

#[test]
fn a_card_that_somebody_logged_in_with_goes_with_the_session_that_it_opened() {
    let mut world = at_seats([None, None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    let mut digits = Locked::new().unwrap();
    digits.bytes_mut()[..8].copy_from_slice(b"00000001");
    world.pins_typed += 1;
    let typed_for = PinFor {
        uid: JANE,
        card: card_id(0),
        visit: Visit(1),
        even_the_last_try: false,
        by_login: true,
    };
    let pin = Pin::new(digits, 8, typed_for).unwrap();
    let request = world.request();
    world.step(Event::PinGiven { request, pin });
    world.finish_everything();

    // Another is in front for a moment.
    world.seats([Some(JOHN), None]);
    world.seats([Some(JANE), None]);
    let session = session_of("seat0", JANE);
    world
        .seats
        .bound
        .insert((card_id(0), JANE, session.clone()));
    world.act(Act::TakeOut { reader: 0 });
    world.wait(GRACE);

    assert_eq!(world.ended(), 1);
    assert_eq!(world.seats.ended[0].session, session);
}

#[test]
fn unless_it_is_configured_nothing_is_waited_for() {
    let mut world = registered();
    world.step(Event::Configured {
        config: Box::new(Config {
            pin_keep: PinKeep::SignIn,
            ..Config::default()
        }),
        portals: Vec::new(),
        problems: Vec::new(),
    });

    world.act(Act::TakeOut { reader: 0 });

    assert_eq!(world.state.next_deadline(), None);
    world.wait(A_WHILE);
    assert_eq!(world.ended(), 0);
}

#[test]
fn what_came_of_it_is_told() {
    for (how, told) in [(0, "was locked"), (2, "could not be locked: polkit")] {
        let mut world = registered();
        world.act(Act::TakeOut { reader: 0 });
        world.wait(GRACE);
        let mut under_way = world.under_way.iter();
        let at = under_way.position(|effect| matches!(effect, Effect::EndSession(_)));
        let effect = world.under_way.remove(at.unwrap());

        world.finish(effect, how);

        let snapshot = world.state.snapshot(world.now);
        let last = snapshot.happened.last().unwrap();
        assert!(last.text.contains(told), "{}", last.text);
        assert_eq!(last.card, Some(card_id(0)));
    }
}

/// Jane is in front, and her card has accepted her PIN.
fn registered() -> World {
    let mut world = at_seats([Some(JANE), None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    types_pin(&mut world);
    world
}

fn types_pin(world: &mut World) {
    world.act(Act::TypePin {
        card: 0,
        visits_ago: 0,
        even_the_last_try: true,
        what_for: WhatFor::Registering,
    });
    world.finish_everything();
}

impl World {
    fn ended(&self) -> usize {
        self.seats.ended.len()
    }
}
