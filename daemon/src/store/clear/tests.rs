use std::path::Path;

use cac_common::identity::{CardId, PersonaId};
use cac_common::registration::RegistrationStatus;
use cac_common::time::UtcSeconds;

use super::super::fixtures::{NOW, entry, jane, john, opened, registered};
use super::super::{CardRecord, Consent, NewEntry, RegistrationRecord};
use super::*;

fn every_scope() -> [ClearScope; 6] {
    [
        ClearScope::Portal {
            portal: "AKO".into(),
        },
        ClearScope::History { before: Some(NOW) },
        ClearScope::Card { card: john().card },
        ClearScope::Card { card: jane().card },
        ClearScope::History { before: None },
        ClearScope::All {},
    ]
}

#[tokio::test]
async fn a_dry_run_counts_what_a_real_one_then_takes() {
    for scope in every_scope() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        fill(&store).await;
        let before = everything(&store).await;

        let foretold = store.clear(scope.clone(), true).await.unwrap();
        let untouched = everything(&store).await;
        let lost = store.clear(scope.clone(), false).await.unwrap();
        let after = everything(&store).await;

        assert_eq!(untouched, before, "{scope:?}");
        assert_eq!(lost, foretold, "{scope:?}");
        assert_eq!(lost, less(&before, &after), "{scope:?}");
        assert_ne!(lost, Lost::default(), "{scope:?}");
    }
}

#[tokio::test]
async fn copies_kept_aside_go_with_everything_or_by_themselves() {
    for scope in [ClearScope::Copies {}, ClearScope::All {}] {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        let copy = folder.path().join("cacd.db.corrupt-1795000000");
        std::fs::write(&copy, "DOE, JANE Q").unwrap();
        let one_card = ClearScope::Card { card: jane().card };

        let of_a_card = store.clear(one_card, false).await.unwrap();
        let foretold = store.clear(scope.clone(), true).await.unwrap();
        let before = copy.exists();
        let lost = store.clear(scope, false).await.unwrap();

        assert_eq!(of_a_card, Lost::default());
        assert_eq!(foretold.copies, ["cacd.db.corrupt-1795000000"]);
        assert!(before);
        assert_eq!(lost, foretold);
        assert!(!copy.exists());
    }
}

#[tokio::test]
async fn nothing_cleared_is_left_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    fill(&store).await;
    let names = [
        "DOE",
        "JANE",
        "7890",
        "aaaa-1",
        "persona-jane",
        "jane.q.doe",
    ];
    for name in names {
        assert!(is_on_disk(folder.path(), name), "{name} was never written");
    }

    store
        .clear(ClearScope::Card { card: jane().card }, false)
        .await
        .unwrap();

    for name in names {
        assert!(!is_on_disk(folder.path(), name), "{name} is still there");
    }
    assert!(is_on_disk(folder.path(), "ROE, JOHN"));
    store.clear(ClearScope::All {}, false).await.unwrap();
    for name in ["ROE", "bbbb-2", "persona-john", "AKO", "SCR3310"] {
        assert!(!is_on_disk(folder.path(), name), "{name} is still there");
    }
}

/// Pages that were split and joined may hold copies of what moved.
#[tokio::test]
async fn nothing_of_a_cleared_card_is_left_in_a_large_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let numbers = || (0..300).map(|n| n * 7 % 300);
    for n in numbers() {
        store.record_card(numbered(n)).await.unwrap();
        let named = NewEntry {
            card: Some(numbered(n).card),
            ..entry(&format!("recognised {}", numbered(n).name))
        };
        store.append(named).await.unwrap();
    }

    for n in numbers().filter(|n| n % 3 == 0) {
        let card = numbered(n).card;
        store.clear(ClearScope::Card { card }, false).await.unwrap();
    }

    let bytes = on_disk(folder.path());
    for n in numbers() {
        let CardRecord { card, name, .. } = numbered(n);
        let is_there = contains(&bytes, &name) || contains(&bytes, &card.0);
        assert_eq!(is_there, n % 3 != 0, "{name}");
    }
    store.clear(ClearScope::All {}, false).await.unwrap();
    let bytes = on_disk(folder.path());
    assert!(!contains(&bytes, "DOE"));
    assert!(bytes.len() < 200_000, "{} bytes", bytes.len());
}

#[tokio::test]
async fn a_persona_with_another_card_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let renewed = CardRecord {
        card: CardId("cccc-3".into()),
        ..jane()
    };
    store.record_card(jane()).await.unwrap();
    store.record_card(renewed.clone()).await.unwrap();
    store.record_registration(registered("AKO")).await.unwrap();
    let with_the_other = RegistrationRecord {
        card: renewed.card.clone(),
        ..registered("Travel")
    };
    store.record_registration(with_the_other).await.unwrap();

    let lost = store
        .clear(ClearScope::Card { card: jane().card }, false)
        .await
        .unwrap();

    assert_eq!((lost.cards, lost.personas, lost.registrations), (1, 0, 1));
    let known = store.known().await.unwrap();
    assert_eq!(known[0].card, renewed.card);
    assert_eq!(known[0].registrations[0].portal, "Travel");
}

#[tokio::test]
async fn an_id_of_a_cleared_entry_is_never_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let before = store.append(entry("before")).await.unwrap();

    store.clear(ClearScope::All {}, false).await.unwrap();

    let after = store.append(entry("after")).await.unwrap();
    assert!(after.id > before.id);
}

#[tokio::test]
async fn traces_that_another_reader_keeps_alive_are_told_and_the_deletion_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    fill(&store).await;
    let reader = Connection::open(folder.path().join("cacd.db")).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM persona;")
        .unwrap();

    let lost = store.clear(ClearScope::All {}, false).await.unwrap();

    assert!(lost.traces_remain);
    assert_eq!((lost.cards, lost.personas), (2, 2));
    assert_eq!(everything(&store).await, Lost::default());
    reader.execute_batch("COMMIT").unwrap();
    let again = store.clear(ClearScope::All {}, false).await.unwrap();
    assert_eq!(again, Lost::default());
    assert!(!is_on_disk(folder.path(), "DOE"));
}

async fn fill(store: &Store) {
    store.record_card(jane()).await.unwrap();
    store.record_card(john()).await.unwrap();
    store.record_registration(registered("AKO")).await.unwrap();
    store
        .record_registration(registered("Travel"))
        .await
        .unwrap();
    let johns = RegistrationRecord {
        persona: john().persona,
        card: john().card,
        status: RegistrationStatus::NeedsWizard,
        ..registered("AKO")
    };
    store.record_registration(johns).await.unwrap();
    store.append(entry("recognised DOE.JANE")).await.unwrap();
    let old = NewEntry {
        at: UtcSeconds(NOW.0 - 1),
        card: Some(john().card),
        ..entry("recognised ROE.JOHN")
    };
    store.append(old).await.unwrap();
    let at_a_portal = NewEntry {
        portal: Some("AKO".into()),
        ..entry("AKO: registered")
    };
    store.append(at_a_portal).await.unwrap();
    for (persona, portal) in [(jane().persona, "AKO"), (john().persona, "Travel")] {
        let consent = Consent {
            portal: portal.into(),
            sha256: "00".into(),
        };
        store.record_consent(persona, consent, NOW).await.unwrap();
    }
}

async fn everything(store: &Store) -> Lost {
    store
        .run(|connection| {
            let rows = |table: &str| {
                connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get::<_, i64>(0).map(i64::unsigned_abs)
                })
            };
            Ok(Lost {
                cards: rows("card")?,
                certificates: rows("certificate")?,
                personas: rows("persona")?,
                registrations: rows("registration")?,
                history: rows("history")?,
                consents: rows("consent")?,
                confirmations: rows("confirmation")?,
                ..Lost::default()
            })
        })
        .await
        .unwrap()
}

fn less(before: &Lost, after: &Lost) -> Lost {
    Lost {
        cards: before.cards - after.cards,
        certificates: before.certificates - after.certificates,
        personas: before.personas - after.personas,
        registrations: before.registrations - after.registrations,
        history: before.history - after.history,
        consents: before.consents - after.consents,
        confirmations: before.confirmations - after.confirmations,
        ..Lost::default()
    }
}

fn numbered(n: u32) -> CardRecord {
    CardRecord {
        card: CardId(format!("card-{n:03}")),
        persona: PersonaId(format!("persona-{n:03}")),
        name: format!("DOE, JANE {n:03}"),
        ..jane()
    }
}

fn is_on_disk(folder: &Path, text: &str) -> bool {
    contains(&on_disk(folder), text)
}

/// The database, its log and its shared memory.
fn on_disk(folder: &Path) -> Vec<u8> {
    ["cacd.db", "cacd.db-wal", "cacd.db-shm"]
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .concat()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
