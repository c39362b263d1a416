use cac_common::identity::CardId;
use cac_common::snapshot::HistoryKind;
use proptest::prelude::*;

use super::super::super::Store;
use super::super::super::fixtures::{NOW, entry, opened};
use super::super::{NewEntry, append};
use super::*;

const PORTALS: [&str; 2] = ["ako", "records"];
const CARDS: [&str; 2] = ["aaaa-1", "bbbb-2"];

#[tokio::test]
async fn a_text_is_found_whatever_the_case_of_its_letters() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    for text in ["ÄRGER mit dem Leser", "карта ДОЕ", "nothing of that kind"] {
        store.append(entry(text)).await.unwrap();
    }

    for (wanted, found) in [
        ("ärger", "ÄRGER mit dem Leser"),
        ("LESER", "ÄRGER mit dem Leser"),
        ("Карта дое", "карта ДОЕ"),
        ("KIND", "nothing of that kind"),
    ] {
        assert_eq!(texts(&store, wanted).await, [found], "{wanted}");
    }
    assert_eq!(texts(&store, "").await.len(), 3);
}

#[tokio::test]
async fn no_character_of_a_text_means_more_than_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    for text in [
        "100 % done",
        "under_score",
        "back\\slash",
        "it's \"quoted\"",
    ] {
        store.append(entry(text)).await.unwrap();
    }

    for (wanted, found) in [
        ("%", 1),
        ("_", 1),
        ("\\", 1),
        ("'", 1),
        ("\"", 1),
        ("u%e", 0),
        ("u_d", 0),
        ("*", 0),
        ("\0", 0),
        ("' OR 1=1 --", 0),
    ] {
        assert_eq!(texts(&store, wanted).await.len(), found, "{wanted:?}");
    }
    let long = "é".repeat(32 * 1024);
    assert_eq!(texts(&store, &long).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_search_looks_at_so_many_entries_and_says_where_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let oldest = store.append(entry("the needle")).await.unwrap();
    let more = 2 * MOST_EXAMINED + 1;
    store
        .run(move |connection| {
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                 INSERT INTO history (at, kind, text) SELECT ?, 'card', 'hay ' || i FROM n",
                params![more, NOW.0],
            )?;
            Ok(())
        })
        .await
        .unwrap();

    let mut wanted = GetHistory {
        text: Some("needle".into()),
        ..GetHistory::newest(10)
    };
    let mut found = Vec::new();
    for _ in 0..2 {
        let reply = store.search_history(wanted.clone()).await.unwrap();
        assert_eq!(reply.entries, []);
        wanted.before = Some(reply.next_before.unwrap());
        found.push(reply.next_before.unwrap());
    }
    let last = store.search_history(wanted).await.unwrap();

    let newest = oldest.id + i64::from(more);
    let step = i64::from(MOST_EXAMINED);
    assert_eq!(found, [newest - step + 1, newest - 2 * step + 1]);
    assert_eq!(last.entries, [oldest]);
    assert_eq!(last.next_before, None);
}

#[tokio::test]
async fn where_all_is_wanted_no_more_is_looked_at_either() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let oldest = store.append(entry("the first")).await.unwrap();
    store
        .run(|connection| {
            connection.execute(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
                 INSERT INTO history (at, kind, text) SELECT ?, 'prophecy', 'a' FROM n",
                params![MOST_EXAMINED, NOW.0],
            )?;
            Ok(())
        })
        .await
        .unwrap();

    let mut wanted = GetHistory::newest(10);
    let first = store.search_history(wanted.clone()).await.unwrap();
    wanted.before = first.next_before;
    let last = store.search_history(wanted).await.unwrap();

    assert_eq!(first.entries, []);
    assert_eq!(first.next_before, Some(oldest.id + 1));
    assert_eq!(last.entries, [oldest]);
}

#[tokio::test]
async fn what_cannot_be_read_back_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    for n in 0..3 {
        store.append(entry(&format!("entry {n}"))).await.unwrap();
    }
    store
        .run(|connection| {
            connection.execute_batch("UPDATE history SET kind = 'prophecy' WHERE id = 2;")?;
            Ok(())
        })
        .await
        .unwrap();

    assert_eq!(texts(&store, "ENTRY").await, ["entry 2", "entry 0"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Also where the clock was set back, and page by page.
    #[test]
    fn what_is_found_is_what_fits_in_the_order_it_happened(
        entries in proptest::collection::vec(any_entry(), 0..40),
        wanted in any_wanted(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let store = opened(folder.path());
            let mut kept = all_at_once(&store, entries).await;
            kept.reverse();
            let search = Search::new(wanted.clone());
            kept.retain(|entry| search.fits(entry));

            let mut found = Vec::new();
            let mut wanted = wanted;
            loop {
                let reply = store.search_history(wanted.clone()).await.unwrap();
                found.extend(reply.entries);
                if reply.next_before.is_none() {
                    break;
                }
                wanted.before = reply.next_before;
            }

            assert_eq!(found, kept);
        });
    }
}

#[test]
fn an_entry_fits_if_all_of_it_does() {
    let kept = NewEntry {
        portal: Some("ako".into()),
        ..entry("Card put into a reader")
    }
    .numbered(1);
    let all = GetHistory {
        text: Some("PUT INTO".into()),
        kind: Some(HistoryKind::Card),
        portal: Some("ako".into()),
        card: kept.card.clone(),
        since: Some(NOW),
        until: Some(UtcSeconds(NOW.0 + 1)),
        ..GetHistory::newest(1)
    };

    assert!(Search::new(all.clone()).fits(&kept));
    for other in [
        GetHistory {
            text: Some("taken".into()),
            ..all.clone()
        },
        GetHistory {
            kind: Some(HistoryKind::Pin),
            ..all.clone()
        },
        GetHistory {
            portal: Some("AKO".into()),
            ..all.clone()
        },
        GetHistory {
            card: Some(CardId("another".into())),
            ..all.clone()
        },
        GetHistory {
            since: Some(UtcSeconds(NOW.0 + 1)),
            ..all.clone()
        },
        GetHistory {
            until: Some(NOW),
            ..all.clone()
        },
    ] {
        assert!(!Search::new(other.clone()).fits(&kept), "{other:?}");
    }
}

/// Each `append` waits for the disk.
async fn all_at_once(store: &Store, entries: Vec<NewEntry>) -> Vec<HistoryEntry> {
    store
        .run(move |connection| {
            let transaction = connection.transaction()?;
            let kept = entries.into_iter().map(|one| append(&transaction, one));
            let kept = kept.collect::<Result<_, _>>()?;
            transaction.commit()?;
            Ok(kept)
        })
        .await
        .unwrap()
}

async fn texts(store: &Store, text: &str) -> Vec<String> {
    let wanted = GetHistory {
        text: Some(text.into()),
        ..GetHistory::newest(10)
    };
    let reply = store.search_history(wanted).await.unwrap();
    reply.entries.into_iter().map(|entry| entry.text).collect()
}

fn any_entry() -> impl Strategy<Value = NewEntry> {
    (
        0..10i64,
        proptest::sample::select(&HistoryKind::ALL[..]),
        proptest::option::of(proptest::sample::select(&PORTALS[..])),
        proptest::option::of(proptest::sample::select(&CARDS[..])),
        "[abAB]{1,3}",
    )
        .prop_map(|(at, kind, portal, card, text)| NewEntry {
            at: UtcSeconds(NOW.0 + at),
            kind,
            reader: None,
            card: card.map(|card| CardId(card.into())),
            portal: portal.map(Into::into),
            text,
        })
}

fn any_wanted() -> impl Strategy<Value = GetHistory> {
    let moment = || proptest::option::of((0..10i64).prop_map(|at| UtcSeconds(NOW.0 + at)));
    (
        1..5u32,
        proptest::option::of("[abAB]{0,2}"),
        proptest::option::of(proptest::sample::select(&HistoryKind::ALL[..])),
        proptest::option::of(proptest::sample::select(&PORTALS[..])),
        proptest::option::of(proptest::sample::select(&CARDS[..])),
        moment(),
        moment(),
    )
        .prop_map(
            |(limit, text, kind, portal, card, since, until)| GetHistory {
                text,
                kind,
                portal: portal.map(Into::into),
                card: card.map(|card| CardId(card.into())),
                since,
                until,
                ..GetHistory::newest(limit)
            },
        )
}
