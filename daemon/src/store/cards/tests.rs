//! What is kept of cards, and comes back.

use super::super::fixtures::{NOW, jane, john, opened, registered};
use super::*;

#[tokio::test]
async fn a_card_is_recognised_the_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());

    let first = store.record_card(jane()).await.unwrap();
    let second = store.record_card(jane()).await.unwrap();

    assert_eq!(first.acquaintance, Acquaintance::New);
    assert_eq!(second.acquaintance, Acquaintance::Known);
}

#[tokio::test]
async fn a_new_card_of_a_persona_brings_its_registrations_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(jane()).await.unwrap();
    store.record_registration(registered("AKO")).await.unwrap();

    let renewed = CardRecord {
        card: CardId("cccc-3".into()),
        seen_at: UtcSeconds(jane().seen_at.0 + 1),
        ..jane()
    };
    let memory = store.record_card(renewed.clone()).await.unwrap();

    assert_eq!(memory.acquaintance, Acquaintance::Reissued);
    assert_eq!(
        memory.registrations,
        [StoredRegistration {
            portal: "AKO".into(),
            status: registered("AKO").status,
            certificate_sha256: registered("AKO").certificate_sha256,
            profile: registered("AKO").profile,
            card: jane().card,
            at: registered("AKO").at,
        }]
    );
    let known = store.known().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].card, renewed.card);
}

#[tokio::test]
async fn a_copied_card_id_with_another_persona_brings_nothing_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(jane()).await.unwrap();
    store.record_registration(registered("AKO")).await.unwrap();

    let copy = CardRecord {
        card: jane().card,
        ..john()
    };
    let memory = store.record_card(copy).await.unwrap();

    assert_eq!(memory.acquaintance, Acquaintance::New);
    assert_eq!(memory.registrations, []);
    assert_eq!(store.known().await.unwrap().len(), 2);
}

#[tokio::test]
async fn certificates_are_replaced_by_those_of_the_last_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    for certificates in [jane().certificates, john().certificates, Vec::new()] {
        let read = CardRecord {
            certificates: certificates.clone(),
            ..jane()
        };

        store.record_card(read).await.unwrap();

        let cached = store.cached(jane().card).await.unwrap();
        assert_eq!(cached[0].certificates, certificates);
        assert_eq!(cached[0].objects, jane().objects);
    }
}

#[tokio::test]
async fn another_certificate_in_its_place_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(jane()).await.unwrap();
    let mut renewed = jane();
    renewed.certificates[1].der = b"another".to_vec();

    let memory = store.record_card(renewed).await.unwrap();

    assert_eq!(memory.acquaintance, Acquaintance::Renewed);
}

#[tokio::test]
async fn what_was_read_later_is_added_unless_the_card_was_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(john()).await.unwrap();

    for card in [john(), jane()] {
        let more = CardRecord {
            objects: jane().objects,
            ..card
        };
        store.add_to_card(more).await.unwrap();
    }

    let cached = store.cached(john().card).await.unwrap();
    assert_eq!(cached[0].objects, jane().objects);
    assert_eq!(store.cached(jane().card).await.unwrap(), []);
}

#[tokio::test]
async fn a_card_is_remembered_with_each_persona_it_was_seen_with() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(jane()).await.unwrap();
    let copy = CardRecord {
        card: jane().card,
        seen_at: UtcSeconds(jane().seen_at.0 + 1),
        ..john()
    };
    store.record_card(copy).await.unwrap();

    let cached = store.cached(jane().card).await.unwrap();

    let certificates: Vec<_> = cached.into_iter().map(|card| card.certificates).collect();
    assert_eq!(certificates, [john().certificates, jane().certificates]);
}

#[tokio::test]
async fn personas_are_listed_by_name_with_what_is_known_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(john()).await.unwrap();
    store.record_card(jane()).await.unwrap();
    store.record_registration(registered("AKO")).await.unwrap();

    let known = store.known().await.unwrap();

    assert_eq!(known.len(), 2);
    assert_eq!(
        known[0],
        KnownPersona {
            persona: jane().persona,
            card: jane().card,
            name: "DOE, JANE Q".into(),
            dod_id_tail: Some("7890".into()),
            last_seen: jane().seen_at,
            registrations: vec![Registration {
                route: None,
                portal: "AKO".into(),
                status: registered("AKO").status,
                since: NOW,
            }],
        }
    );
    assert_eq!(known[1].name, "ROE, JOHN");
}

#[tokio::test]
async fn more_of_the_dod_id_than_its_tail_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    let too_much = CardRecord {
        dod_id_tail: Some("1234567890".into()),
        ..jane()
    };

    store.record_card(too_much).await.unwrap_err();

    assert_eq!(store.known().await.unwrap(), []);
}

#[tokio::test]
async fn rows_that_cannot_be_read_back_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(jane()).await.unwrap();
    store.record_card(john()).await.unwrap();

    store
        .run(|connection| {
            connection.execute_batch(
                "UPDATE persona SET name = CAST(x'FF' AS TEXT) WHERE id = 'persona-john';
                 UPDATE certificate SET slot = 1 WHERE slot = 0x9C;",
            )?;
            Ok(())
        })
        .await
        .unwrap();

    let known = store.known().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].persona, jane().persona);
    let cached = store.cached(jane().card).await.unwrap();
    assert_eq!(cached[0].certificates, jane().certificates[..1]);
}

#[tokio::test]
async fn what_cards_hold_can_be_forgotten_and_the_cards_are_known_still() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    store.record_card(jane()).await.unwrap();

    store.forget_contents().await.unwrap();

    let cached = store.cached(jane().card).await.unwrap();
    assert_eq!(cached[0].certificates, []);
    assert!(cached[0].objects.is_empty());
    let memory = store.record_card(jane()).await.unwrap();
    assert_eq!(memory.acquaintance, Acquaintance::Known);
}
