//! For whom a card is.

use super::*;

#[test]
fn a_card_is_for_whoever_is_in_front_when_it_is_put_in() {
    let mut world = at_seats([Some(JANE), None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();

    assert_eq!(shown_to(&world, 0), [JANE]);
    world.seats([Some(JOHN), None]);
    assert_eq!(shown_to(&world, 0), [] as [u32; 0]);
    world.seats([Some(JANE), None]);
    assert_eq!(shown_to(&world, 0), [JANE]);
}

#[test]
fn it_is_for_another_when_it_is_put_in_again() {
    let mut world = at_seats([Some(JANE), None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    world.seats([Some(JOHN), None]);

    world.act(Act::TakeOut { reader: 0 });
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();

    assert_eq!(shown_to(&world, 0), [JOHN]);
}

#[test]
fn it_is_for_whoever_comes_first_where_nobody_was_in_front() {
    let mut world = at_seats([None, Some(JOHN)]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    assert_eq!(shown_to(&world, 0), [] as [u32; 0]);

    world.seats([Some(JANE), Some(JOHN)]);
    assert_eq!(shown_to(&world, 0), [JANE]);
    world.seats([Some(JOHN), Some(JANE)]);
    assert_eq!(shown_to(&world, 0), [] as [u32; 0]);
}

#[test]
fn a_pin_of_theirs_that_it_accepts_shows_it_to_whoever_is_in_front() {
    for what_for in [WhatFor::Registering, WhatFor::Printed, WhatFor::Change] {
        let mut world = at_seats([Some(JOHN), None]);
        world.act(Act::PutIn { reader: 0, card: 0 });
        world.finish_everything();
        world.seats([Some(JANE), None]);
        assert_eq!(shown_to(&world, 0), [] as [u32; 0]);

        // The first PIN that is typed is Jane's.
        world.act(Act::TypePin {
            card: 0,
            visits_ago: 0,
            even_the_last_try: true,
            what_for,
        });
        world.finish_everything();

        assert_eq!(shown_to(&world, 0), [JANE], "{what_for:?}");
        world.seats([Some(JOHN), None]);
        assert_eq!(shown_to(&world, 0), [] as [u32; 0]);
    }
}

#[test]
fn a_pin_of_one_who_is_not_in_front_shows_it_to_nobody_else() {
    let mut world = at_seats([Some(JOHN), None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();

    world.act(Act::TypePin {
        card: 0,
        visits_ago: 0,
        even_the_last_try: true,
        what_for: WhatFor::Registering,
    });
    world.finish_everything();

    assert_eq!(shown_to(&world, 0), [JOHN]);
}

#[test]
fn a_reader_whose_seat_is_not_known_is_nobodys() {
    let mut world = World::new();
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.seats([Some(JANE), Some(JANE)]);

    assert_eq!(shown_to(&world, 0), [] as [u32; 0]);
    world.finish_everything();
    assert_eq!(shown_to(&world, 0), [JANE]);
}

#[test]
fn a_card_that_pcscd_has_lost_with_itself_is_for_the_same_user_afterwards() {
    let mut world = at_seats([Some(JOHN), None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();
    world.seats([Some(JANE), None]);

    world.act(Act::ServiceAway);
    world.act(Act::ServiceBack);
    world.finish_everything();

    assert_eq!(shown_to(&world, 0), [] as [u32; 0]);
    world.seats([Some(JOHN), None]);
    assert_eq!(shown_to(&world, 0), [JOHN]);
}

#[test]
fn asking_for_every_card_asks_for_those_that_one_may_use() {
    let mut world = at_seats([Some(JANE), Some(JOHN)]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.act(Act::PutIn { reader: 1, card: 1 });
    world.finish_everything();
    let ask = |world: &mut World, uid, card: Option<usize>| {
        let event = Event::Asked {
            request: RequestId(7),
            by: user(uid),
            what: Register {
                card: card.map(card_id),
                portal: None,
            },
        };
        let effects = world.state.step(event, world.now);
        let answer = effects.into_iter().find_map(|effect| {
            if let Effect::Answer { answer, .. } = effect {
                Some(answer)
            } else {
                None
            }
        });
        answer.unwrap()
    };

    assert_eq!(ask(&mut world, JANE, None), Ok(Answer::Done));
    assert_eq!(ask(&mut world, JANE, Some(0)), Ok(Answer::Done));
    assert_eq!(ask(&mut world, JANE, Some(1)), Err(Refusal::NoSuchCard));
    assert_eq!(ask(&mut world, STRANGER, None), Err(Refusal::NoSuchCard));
}

#[test]
fn sessions_alone_say_nothing_of_seats() {
    let mut world = at_seats([None, None]);
    world.act(Act::PutIn { reader: 0, card: 0 });
    world.finish_everything();

    world.session(What::Began, JANE);
    world.session(What::Unlocked, JANE);

    assert_eq!(shown_to(&world, 0), [] as [u32; 0]);
}
