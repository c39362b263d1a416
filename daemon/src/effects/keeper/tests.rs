mod fixtures;

use std::sync::Arc;

use cac_common::interface::Lost;
use cac_common::registration::RegistrationStatus;

pub(crate) use self::fixtures::NoReaders;
use self::fixtures::{
    Told, at, card, clear_everything, kept, kinds, new_note, note, record, refused, registered,
    remember_card,
};
use super::*;
use crate::activity::Activity;
use crate::effects::Effects;
use crate::event::Effect;
use crate::event::Proof;
use crate::store::Acquaintance;

const VISIT: Visit = Visit(1);
const KEEP: Keep = Keep {
    span: Duration::from_hours(24 * 30),
    entries: 1000,
};

#[tokio::test]
async fn work_is_done_and_told_in_the_order_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();

    let told = kept(
        folder.path(),
        [
            (remember_card(), at(0)),
            (note("recognised"), at(0)),
            (clear_everything(), at(0)),
            (record(), at(0)),
            (Work::LoadKnown, at(0)),
            (note("registered"), at(0)),
        ],
    )
    .await;

    let [
        Event::Store { problem: None },
        Event::Known(before),
        Event::CardRemembered { memory, .. },
        Event::Noted(forgotten),
        Event::Cleared {
            result: Ok(lost), ..
        },
        Event::Known(_),
        Event::Recorded { result: Ok(()), .. },
        Event::Known(after),
        Event::Noted(kept),
    ] = told.as_slice()
    else {
        panic!("told otherwise: {:?}", kinds(&told));
    };
    assert_eq!(memory.acquaintance, Acquaintance::New);
    assert_eq!(before[0].registrations, []);
    assert_eq!((lost.cards, lost.personas, lost.history), (1, 1, 1));
    assert!(kept.id > forgotten.id);
    let store = Store::open(folder.path(), at(0).utc).unwrap().0;
    assert_eq!(store.known().await.unwrap(), *after);
    assert_eq!(after[0].registrations[0].portal, "AKO");
    assert_eq!(
        store.history(None, 10).await.unwrap(),
        std::slice::from_ref(kept)
    );
}

#[tokio::test]
async fn what_is_cleared_after_it_was_recorded_is_known_to_no_one() {
    let folder = tempfile::tempdir().unwrap();

    let told = kept(
        folder.path(),
        [
            (record(), at(0)),
            (clear_everything(), at(0)),
            (Work::LoadKnown, at(0)),
        ],
    )
    .await;

    assert!(
        matches!(
            told.as_slice(),
            [
                Event::Known(_),
                Event::Recorded { .. },
                Event::Cleared { result: Ok(Lost { registrations: 1, .. }), .. },
                Event::Known(known),
            ] if known.is_empty()
        ),
        "{:?}",
        kinds(&told)
    );
}

#[tokio::test]
async fn a_database_that_could_not_be_opened_is_opened_when_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::write(&state, "not a folder").unwrap();
    let mut keeper = Keeper::open(state.clone(), KEEP, at(0)).await;
    let store = keeper.store();
    let told = Told::default();

    keeper.take(record(), at(29), &told.by()).await;
    keeper.take(record(), at(30), &told.by()).await;
    std::fs::remove_file(&state).unwrap();
    keeper.take(record(), at(59), &told.by()).await;
    let before = (told.taken(), store.borrow().is_ok());
    keeper.take(record(), at(60), &told.by()).await;

    assert!(
        matches!(
            before.0.as_slice(),
            [
                Event::Recorded { result: Err(_), .. },
                Event::Store { problem: Some(_) },
                Event::Recorded { result: Err(_), .. },
                Event::Recorded { result: Err(_), .. },
            ]
        ),
        "{:?}",
        kinds(&before.0)
    );
    assert!(!before.1);
    let told = told.taken();
    assert!(
        matches!(
            told.as_slice(),
            [
                Event::Store { problem: None },
                Event::Known(_),
                Event::Known(_),
                Event::Recorded { result: Ok(()), .. },
            ]
        ),
        "{:?}",
        kinds(&told)
    );
    assert!(store.borrow().is_ok());
}

#[tokio::test]
async fn a_database_whose_thread_has_stopped_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeper = Keeper::open(folder.path().to_owned(), KEEP, at(0)).await;
    let told = Told::default();
    keeper.take(remember_card(), at(1), &told.by()).await;
    told.taken();
    keeper.current().unwrap().close().await;

    keeper.take(note("too early"), at(29), &told.by()).await;
    keeper.take(note("again"), at(30), &told.by()).await;

    let told = told.taken();
    let [
        Event::Store { problem: Some(_) },
        Event::Noted(unwritten),
        Event::Store { problem: None },
        Event::Known(known),
        Event::Noted(written),
    ] = told.as_slice()
    else {
        panic!("told otherwise: {:?}", kinds(&told));
    };
    assert_eq!((unwritten.id, written.id), (-1, 1));
    assert_eq!(known.len(), 1);
}

#[tokio::test]
async fn a_line_that_cannot_be_written_is_masked_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    std::fs::write(&file, "not a folder").unwrap();

    let told = kept(&file, [(note("account 1234567890"), at(0))]).await;

    assert!(
        matches!(told.as_slice(), [Event::Noted(entry)] if entry.text == "account ••••••7890"),
        "{:?}",
        kinds(&told)
    );
}

#[tokio::test]
async fn history_is_forgotten_at_the_start_and_whenever_it_is_to_be_kept_for_less() {
    let folder = tempfile::tempdir().unwrap();
    let texts = async || {
        let store = Store::open(folder.path(), at(0).utc).unwrap().0;
        let entries = store.history(None, 10).await.unwrap();
        store.close().await;
        entries
            .into_iter()
            .map(|entry| entry.text)
            .collect::<Vec<_>>()
    };
    let hour = 3600;
    let young = NewNote {
        at: at(2 * hour).utc,
        ..new_note("young")
    };
    let lines = [(note("old"), at(0)), (Work::Note(young), at(2 * hour))];
    kept(folder.path(), lines).await;

    let mut keeper = Keeper::open(folder.path().to_owned(), KEEP, at(3 * hour)).await;
    let less = Keep {
        span: Duration::from_hours(2),
        ..KEEP
    };
    let told = Told::default();
    keeper
        .take(Work::KeepHistory(less), at(3 * hour), &told.by())
        .await;
    keep_up_to_the_end(&mut keeper).await;
    keeper.current().unwrap().close().await;
    let after_less = texts().await;
    let moment = at(2 * hour + 1 + KEEP.span.as_secs());
    let mut keeper = Keeper::open(folder.path().to_owned(), KEEP, moment).await;
    let shown = keeper.what_is_known().await;
    keep_up_to_the_end(&mut keeper).await;
    keeper.current().unwrap().close().await;

    assert_eq!(after_less, ["young"]);
    assert!(
        !shown.iter().any(|event| matches!(event, Event::Noted(_))),
        "{:?}",
        kinds(&shown)
    );
    assert_eq!(texts().await, Vec::<String>::new());
}

#[tokio::test]
async fn of_more_history_than_is_kept_the_oldest_goes_whenever_many_entries_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let few = Keep { entries: 5, ..KEEP };
    let mut keeper = Keeper::open(folder.path().to_owned(), few, at(0)).await;
    keep_up_to_the_end(&mut keeper).await;
    let told = Told::default();

    for line in 1..MANY {
        keeper
            .take(note(&format!("line {line}")), at(0), &told.by())
            .await;
    }
    let before = keeper.upkeep.is_some();
    keeper.take(note("the last"), at(0), &told.by()).await;
    keep_up_to_the_end(&mut keeper).await;

    assert!(!before);
    let left = keeper.current().unwrap().history(None, 10).await.unwrap();
    assert_eq!(left.len(), 5);
    assert_eq!(left[0].text, "the last");
}

/// Whoever waits goes first, however much there is to forget.
#[tokio::test]
async fn work_is_done_before_the_next_step_of_the_upkeep() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::open(folder.path().to_owned(), KEEP, at(0)).await;
    let store = keeper.current().unwrap();
    let (to_keep, queue) = mpsc::unbounded_channel();
    let (events, mut told) = mpsc::unbounded_channel();
    let working = tokio::spawn(keeper.run(queue, events));
    for line in 0..3000 {
        to_keep
            .send((note(&format!("line {line}")), at(0)))
            .unwrap();
    }

    for _ in 0..3000 {
        told.recv().await.unwrap();
    }

    let all = store.history(None, 1000).await.unwrap();
    assert_eq!(all[0].id - 2999, 1);
    drop(to_keep);
    working.await.unwrap();
}

#[tokio::test]
async fn a_database_that_turns_out_to_be_corrupt_is_kept_aside_and_one_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut keeper = Keeper::open(folder.path().to_owned(), KEEP, at(0)).await;
    let told = Told::default();
    keeper.take(record(), at(1), &told.by()).await;
    keeper.current().unwrap().close().await;
    let mut keeper = Keeper::open(folder.path().to_owned(), KEEP, at(2)).await;
    let path = folder.path().join("cacd.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    keeper.current().unwrap().let_go_of_pages().await;
    told.taken();

    keeper.take(record(), at(3), &told.by()).await;
    let met = told.taken();
    keeper.take(record(), at(4), &told.by()).await;

    let failed = |event: &Event| matches!(event, Event::Recorded { result: Err(_), .. });
    assert!(met.iter().any(failed), "{:?}", kinds(&met));
    let mended = told.taken();
    assert!(
        matches!(mended.first(), Some(Event::Store { problem: None })),
        "{:?}",
        kinds(&mended)
    );
    let store = keeper.current().unwrap();
    let known = store.known().await.unwrap();
    assert_eq!(known[0].registrations[0].status, registered());
    let history = store.history(None, 1).await.unwrap();
    assert!(history[0].text.starts_with("The database was corrupt ("));
    let kept = folder
        .path()
        .join(format!("cacd.db.corrupt-{}", at(4).utc.0));
    assert!(std::fs::read(kept).unwrap() == bytes);
}

async fn keep_up_to_the_end(keeper: &mut Keeper) {
    while keeper.upkeep.is_some() {
        keeper.keep_up().await;
    }
}

#[test]
fn a_day_later_is_told_without_a_look_at_the_clock() {
    let told_last = at(100);

    let moment = later(told_last, at(0).monotonic + DAY);

    assert_eq!(moment, at(DAY.as_secs()));
    assert_eq!(later(told_last, at(7).monotonic), told_last);
}

#[tokio::test]
async fn what_was_begun_before_the_end_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::open(folder.path().to_owned(), KEEP, at(0)).await;
    let (events, heard) = mpsc::unbounded_channel();
    let mut effects = Effects::new(Arc::new(NoReaders), keeper, events, Activity::default());
    // The supervisor hears nothing any more.
    drop(heard);
    for line in 0..40 {
        effects.start(Effect::Note(new_note(&format!("line {line}"))), at(0));
    }
    let yes = Effect::Record {
        visit: VISIT,
        card: Box::new(card()),
        portal: "AKO".into(),
        proof: Proof {
            certificate_sha256: "ab".repeat(32),
            profile: "cd".into(),
        },
        status: registered(),
    };
    effects.start(yes, at(0));

    effects.end().await;

    let store = Store::open(folder.path(), at(0).utc).unwrap().0;
    assert_eq!(store.history(None, 100).await.unwrap().len(), 40);
    let known = store.known().await.unwrap();
    assert_eq!(known[0].registrations[0].status, registered());
}

#[tokio::test]
async fn a_refusal_that_could_not_be_written_is_remembered_and_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::write(&state, "not a folder").unwrap();
    let mut keeper = Keeper::open(state.clone(), KEEP, at(0)).await;
    let told = Told::default();

    keeper.take(refused(), at(1), &told.by()).await;
    keeper.take(remember_card(), at(2), &told.by()).await;

    let remembered = told.taken().into_iter().find_map(|event| {
        if let Event::CardRemembered { memory, .. } = event {
            Some(memory.registrations)
        } else {
            None
        }
    });
    let remembered = remembered.unwrap();
    assert_eq!(remembered[0].status, RegistrationStatus::NotFound);

    std::fs::remove_file(&state).unwrap();
    keeper.take(Work::LoadKnown, at(31), &told.by()).await;
    let store = keeper.current().unwrap();
    let known = store.known().await.unwrap();
    assert_eq!(
        known[0].registrations[0].status,
        RegistrationStatus::NotFound
    );
    assert!(keeper.unsaved.is_empty());
}
