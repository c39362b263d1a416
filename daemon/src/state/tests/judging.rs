//! When it is asked again what became of a card's certificates.

use std::time::Duration;

use cac_common::reader::ReaderStatus;
use cac_common::snapshot::Visit;

use super::super::State;
use super::fixtures::facts;
use super::reading::{NOW, empty, read, see};
use crate::card::rest::Rest;
use crate::event::{Effect, Event, Memory, Now};
use crate::judgement::{Asked, Judgement};

#[test]
fn whoever_was_away_is_asked_again_later_and_later() {
    let mut state = judged_once();
    let mut now = NOW;

    for (number, minutes) in [5, 10, 20, 40, 60, 60].into_iter().enumerate() {
        let number = u32::try_from(number).unwrap() + 1;
        let effects = state.step(judged(number, Some(Asked::Away)), now);
        assert!(effects.is_empty());

        let wait = until_due(&state, now);
        let longest = Duration::from_mins(minutes);
        assert!(
            (longest * 4 / 5..=longest).contains(&wait),
            "{wait:?}, not {longest:?}"
        );
        now = later(now, wait);
        assert_eq!(judging(&state.step(Event::Tick, now)), Some(number + 1));
        assert_eq!(state.next_deadline(), None, "asked, and not answered yet");
    }
}

#[test]
fn what_was_answered_is_asked_again_when_the_answer_is_over() {
    let mut state = judged_once();
    let hours = Duration::from_hours(12);
    let minutes = Duration::from_mins(5);

    let mut now = NOW;
    for (number, good_for, at_least) in [(1, hours, hours), (2, Duration::ZERO, minutes)] {
        state.step(judged(number, Some(Asked::Answered { good_for })), now);

        let wait = until_due(&state, now);
        let at_most = at_least + Duration::from_mins(10);
        assert!((at_least..at_most).contains(&wait), "{wait:?}");
        let too_early = later(now, wait.saturating_sub(Duration::from_secs(1)));
        assert_eq!(judging(&state.step(Event::Tick, too_early)), None);
        now = later(now, wait);
        assert_eq!(judging(&state.step(Event::Tick, now)), Some(number + 1));
    }
}

#[test]
fn after_an_answer_the_waits_begin_anew() {
    let mut state = judged_once();
    let good_for = Duration::from_hours(12);

    let mut now = NOW;
    for (number, asked) in [
        (1, Asked::Away),
        (2, Asked::Away),
        (3, Asked::Answered { good_for }),
    ] {
        state.step(judged(number, Some(asked)), now);
        now = later(now, until_due(&state, now));
        state.step(Event::Tick, now);
    }
    state.step(judged(4, Some(Asked::Away)), now);

    assert!(until_due(&state, now) <= Duration::from_mins(5));
}

#[test]
fn machines_that_failed_together_do_not_ask_together() {
    let wait = |asked, random| {
        let mut state = judged_once();
        let now = Now { random, ..NOW };
        state.step(judged(1, Some(asked)), now);
        until_due(&state, now)
    };
    let good_for = Duration::from_hours(1);

    for asked in [Asked::Away, Asked::Answered { good_for }] {
        assert_ne!(wait(asked, 1), wait(asked, 500));
    }
}

#[test]
fn nothing_wakes_where_nobody_was_asked_or_the_card_is_gone() {
    let mut state = judged_once();

    state.step(judged(1, None), NOW);
    assert_eq!(state.next_deadline(), None);

    // The answer to an earlier question comes late.
    state.step(judged(0, Some(Asked::Away)), NOW);
    assert_eq!(state.next_deadline(), None);

    state.step(judged(1, Some(Asked::Away)), NOW);
    assert!(state.next_deadline().is_some());
    see(&mut state, ReaderStatus::Empty);
    assert_eq!(state.next_deadline(), None);
}

/// A card that was read whole, and is being judged for the first time.
fn judged_once() -> State {
    let mut state = empty();
    see(&mut state, ReaderStatus::Card);
    state.step(read(Ok(facts(0, 0))), NOW);
    let remembered = Event::CardRemembered {
        visit: Visit(1),
        memory: Memory::default(),
    };
    state.step(remembered, NOW);
    let rest = Event::RestRead {
        visit: Visit(1),
        result: Box::new(Ok(Rest::default())),
    };
    assert_eq!(judging(&state.step(rest, NOW)), Some(1));
    state
}

fn judged(number: u32, asked: Option<Asked>) -> Event {
    Event::Judged {
        visit: Visit(1),
        number,
        judgement: Box::new(Judgement {
            asked,
            ..Judgement::default()
        }),
    }
}

/// The number of the judging that was begun.
fn judging(effects: &[Effect]) -> Option<u32> {
    effects.iter().find_map(|effect| {
        if let Effect::Judge { number, .. } = effect {
            Some(*number)
        } else {
            None
        }
    })
}

fn until_due(state: &State, now: Now) -> Duration {
    let due = state.next_deadline().unwrap();
    due.checked_sub(now.monotonic).unwrap()
}

fn later(now: Now, span: Duration) -> Now {
    Now {
        monotonic: now.monotonic + span,
        utc: now.utc.after(span),
        ..now
    }
}
