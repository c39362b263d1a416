//! Cards that are read late, or at the second attempt.

use std::time::Duration;

use cac_common::config::Config;
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::snapshot::{Card, HistoryKind, Stage, Visit};
use cac_common::time::UtcSeconds;

use super::super::{DaemonFacts, State};
use super::fixtures::{facts, reader_name};
use crate::card::error::CardError;
use crate::card::facts::CardFacts;
use crate::card::read::Progress;
use crate::card::rest::{Missing, Rest};
use crate::card::transport::{Report, SeenReader, TransportError};
use crate::event::{Effect, Event, Memory, Now};

pub(super) const NOW: Now = Now {
    utc: UtcSeconds(1_000),
    monotonic: Duration::ZERO,
    random: 7,
};

#[test]
fn a_read_that_was_given_up_has_failed_until_its_result_comes_after_all() {
    let mut state = empty();
    see(&mut state, ReaderStatus::Card);

    state.step(read(Err(TransportError::Hangs.into())), NOW);
    let failed = Stage::Failed {
        cause: "card hangs, and its reader with it; take it out".into(),
    };
    assert_eq!(card(&state).stage, failed);
    state.step(progress(), NOW);
    assert_eq!(card(&state).stage, failed);

    let effects = state.step(read(Ok(facts(0, 0))), NOW);
    assert_eq!(card(&state).stage, Stage::Read);
    assert!(matches!(effects[..], [Effect::RememberCard { .. }]));
}

#[test]
fn a_card_that_others_have_for_themselves_is_told_as_held_until_it_is_read() {
    let mut state = empty();
    see(&mut state, ReaderStatus::Card);

    state.step(read(Err(TransportError::Busy.into())), NOW);
    assert_eq!(card(&state).stage, Stage::Held);

    state.step(read(Ok(facts(0, 0))), NOW);
    assert_eq!(card(&state).stage, Stage::Read);
}

#[test]
fn a_failure_that_is_told_twice_is_noted_once() {
    let mut state = empty();
    see(&mut state, ReaderStatus::Card);

    let first = state.step(read(Err(CardError::NotPiv)), NOW);
    let second = state.step(read(Err(CardError::NotPiv)), NOW);

    assert!(matches!(&first[..], [Effect::Note(note)] if note.kind == HistoryKind::Card));
    assert!(second.is_empty());
}

#[test]
fn what_was_left_since_a_sign_in_went_first_is_read_after_it() {
    let mut state = empty();
    see(&mut state, ReaderStatus::Card);
    let mut unfinished = facts(0, 0);
    state.step(read(Ok(unfinished.clone())), NOW);
    let missing = |effects: Vec<Effect>| {
        effects.into_iter().find_map(|effect| {
            if let Effect::ReadRest { missing, .. } = effect {
                Some(missing)
            } else {
                None
            }
        })
    };
    let remembered = Event::CardRemembered {
        visit: Visit(1),
        memory: Memory::default(),
    };
    let whole = missing(state.step(remembered, NOW)).unwrap();
    // Less than that is left, which shows in what is asked for again.
    unfinished.certificates.clear();
    let left = Missing::of(&unfinished).unwrap();
    assert_ne!(left, whole);

    let rest = |left| Event::RestRead {
        visit: Visit(1),
        result: Box::new(Ok(Rest {
            left,
            ..Rest::default()
        })),
    };
    let asked_again = missing(state.step(rest(Some(left.clone())), NOW));

    assert_eq!(asked_again, Some(left));
    let done = state.step(rest(None), NOW);
    assert!(matches!(
        done[..],
        [Effect::KeepCard(_), Effect::Judge { number: 1, .. }]
    ));
}

#[test]
fn a_card_that_did_not_answer_is_read_once_it_does() {
    let mut state = empty();

    let mute = see(&mut state, ReaderStatus::NoAnswer);
    let present = see(&mut state, ReaderStatus::Card);

    let reads = |effects: &[Effect]| {
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::ReadCard { .. }))
    };
    assert!(!reads(&mute));
    assert!(reads(&present));
}

pub(super) fn empty() -> State {
    let facts = DaemonFacts {
        version: "0".into(),
        host: "test".into(),
        started_at: UtcSeconds(1_000),
    };
    State::new(facts, Config::default())
}

/// Reports the one reader, whose count of changes stays as it is.
pub(super) fn see(state: &mut State, status: ReaderStatus) -> Vec<Effect> {
    let report = Report {
        service: ServiceStatus::Running,
        readers: vec![SeenReader {
            name: reader_name(0),
            status,
            changes: 1,
        }],
    };
    state.step(Event::Readers(report), NOW)
}

pub(super) fn read(result: Result<CardFacts, CardError>) -> Event {
    Event::CardRead {
        visit: Visit(1),
        result: Box::new(result),
    }
}

fn progress() -> Event {
    Event::Progress {
        visit: Visit(1),
        progress: Box::new(Progress {
            what: "CHUID".into(),
            done: 1,
            id: None,
            dod_id: None,
            holder: None,
            certificates: Vec::new(),
        }),
    }
}

fn card(state: &State) -> Card {
    let mut readers = state.snapshot(NOW).readers;
    readers.remove(0).card.unwrap()
}
