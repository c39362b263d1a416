//! Databases as they are found: old, new, broken, not ours to write.

use std::os::unix::fs::MetadataExt as _;

use rustix::thread::{CapabilitySet, CapabilitySets};

use super::super::Store;
use super::super::fixtures::{NOW, entry, jane, opened, registered};
use super::super::upkeep::tests::many;
use super::*;

/// As each version left it; never changed again.
const VERSIONS: [&str; 4] = [
    include_str!("../sql/frozen/version_1.sql"),
    include_str!("../sql/frozen/version_2.sql"),
    include_str!("../sql/frozen/version_3.sql"),
    include_str!("../sql/frozen/version_4.sql"),
];

#[test]
fn the_folder_and_its_files_are_for_their_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");

    let _store = opened(&folder);

    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in ["cacd.db", "cacd.db-wal", "cacd.db-shm", "cacd.key"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_file_that_others_could_read_is_closed_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    File::create(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

    let _store = opened(folder.path());

    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_corrupt_database_is_kept_aside_and_a_new_one_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let rubbish = b"this is no database".repeat(1000);
    fs::write(&path, &rubbish).unwrap();

    let (store, opened) = Store::open(folder.path(), NOW).unwrap();

    let kept_as = folder.path().join("cacd.db.corrupt-1795000000");
    assert_eq!(
        opened.notices,
        [Notice::DatabaseWasCorrupt {
            kept_as: kept_as.clone(),
            reason: "file is not a database".into()
        }]
    );
    assert_eq!(opened.kept_aside, std::slice::from_ref(&kept_as));
    assert_eq!(fs::read(&kept_as).unwrap(), rubbish);
    store.append(entry("begun anew")).await.unwrap();
}

#[tokio::test]
async fn damage_in_the_middle_of_a_file_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let store = opened(folder.path());
    store.record_card(jane()).await.unwrap();
    store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&path, &bytes).unwrap();

    let (store, opened) = Store::open(folder.path(), NOW).unwrap();

    let [Notice::DatabaseWasCorrupt { kept_as, reason }] = &opened.notices[..] else {
        panic!("{opened:?}");
    };
    assert!(reason.contains("Failed to read"), "{reason}");
    assert_eq!(fs::read(kept_as).unwrap(), bytes);
    assert_eq!(store.known().await.unwrap(), []);
}

/// Nobody waits longer for the start because the history is long.
#[tokio::test]
async fn a_large_database_is_looked_through_as_far_as_there_is_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());
    many(&store, 20_000, NOW).await;

    let looked = async |most_looks| {
        let work = move |connection: &mut Connection| {
            look_through(connection, "PRAGMA quick_check(1)", most_looks)
        };
        store.run(work).await.unwrap()
    };

    assert!(!looked(0).await);
    assert!(looked(MOST_LOOKS).await);
}

/// Damage that the look at the start did not come to is met later.
#[tokio::test]
async fn a_database_that_turns_out_to_be_corrupt_says_so_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let store = opened(folder.path());
    many(&store, 2000, NOW).await;
    store.close().await;
    let store = opened(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let before_damage = store.is_corrupt();
    bytes[3 * 4096..].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    store.let_go_of_pages().await;

    let error = store.history(None, 1000).await.unwrap_err();

    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert!(!before_damage);
    assert!(store.is_corrupt());
    store.abandon().await;
    let (_store, opened) = Store::open_after_damage(folder.path(), NOW).unwrap();
    let [Notice::DatabaseWasCorrupt { kept_as, .. }] = &opened.notices[..] else {
        panic!("{opened:?}");
    };
    assert!(fs::read(kept_as).unwrap() == bytes);
}

#[tokio::test]
async fn a_second_corrupt_database_does_not_take_the_place_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    for content in ["first rubbish", "second rubbish"] {
        fs::write(folder.path().join(FILE), content.repeat(100)).unwrap();

        opened(folder.path()).close().await;
    }

    let kept = kept_aside(folder.path()).unwrap();
    assert_eq!(kept.len(), 2);
    assert!(fs::read(&kept[0]).unwrap().starts_with(b"first"));
    assert!(fs::read(&kept[1]).unwrap().starts_with(b"second"));
}

#[tokio::test]
async fn a_database_from_the_future_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let future = tempfile::tempdir().unwrap();
    let files = ["cacd.db", "cacd.db-wal"];
    // With a log that was not written back, as a killed daemon leaves it.
    let store = opened(future.path());
    store.append(entry("from the future")).await.unwrap();
    store
        .run(|connection| Ok(connection.pragma_update(None, "user_version", 99)?))
        .await
        .unwrap();
    for file in files {
        fs::copy(future.path().join(file), folder.path().join(file)).unwrap();
    }
    let bytes = || files.map(|file| fs::read(folder.path().join(file)).unwrap());
    let before = bytes();

    let error = Store::open(folder.path(), NOW).map(|_| ()).unwrap_err();

    assert!(
        matches!(
            error,
            StoreError::FromTheFuture {
                version: 99,
                ours: 4
            }
        ),
        "{error:?}"
    );
    assert!(bytes() == before);
}

#[tokio::test]
async fn a_database_of_every_earlier_version_still_opens() {
    assert_eq!(VERSIONS.len(), STEPS.len(), "a version is not frozen yet");
    for (frozen, version) in VERSIONS.iter().zip(1..) {
        let folder = tempfile::tempdir().unwrap();
        let old = Connection::open(folder.path().join(FILE)).unwrap();
        old.execute_batch(frozen).unwrap();
        drop(old);

        let (store, opened) = Store::open(folder.path(), NOW).unwrap();

        assert_eq!(opened.notices, [Notice::KeyWasMissing]);
        let cached = store.cached(jane().card).await.unwrap();
        assert_eq!(cached[0].certificates.len(), 1, "version {version}");
        assert_eq!(cached[0].objects.len(), usize::from(version >= 2));
        let memory = store.record_card(jane()).await.unwrap();
        assert_eq!(memory.consents.len(), usize::from(version >= 3));
        assert!(memory.acquaintance.is_seen_before());
        assert_eq!(memory.registrations[0].status, registered("AKO").status);
        assert_eq!(
            store.history(None, 10).await.unwrap()[0].text,
            "AKO: registered"
        );
        let number = async |name: &'static str| {
            let work = move |connection: &mut Connection| {
                Ok(connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0))?)
            };
            store.run(work).await.unwrap()
        };
        assert_eq!(
            number("user_version").await,
            i64::try_from(STEPS.len()).unwrap()
        );
        assert_eq!(number("auto_vacuum").await, INCREMENTAL);
    }
}

#[test]
fn a_damaged_key_is_kept_aside_and_a_new_one_made() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(key::FILE), "short").unwrap();

    let (_store, opened) = Store::open(folder.path(), NOW).unwrap();

    let kept_as = folder.path().join("cacd.key.corrupt-1795000000");
    assert_eq!(fs::read(&kept_as).unwrap(), b"short");
    assert_eq!(opened.notices, [Notice::KeyWasDamaged { kept_as }]);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    opened(folder.path()).close().await;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    act_as_a_plain_user();

    let error = Store::open(folder.path(), NOW).map(|_| ()).unwrap_err();

    assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    opened(folder.path()).close().await;
    let path = folder.path().join(FILE);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    act_as_a_plain_user();

    let error = Store::open(folder.path(), NOW).map(|_| ()).unwrap_err();

    assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
}

#[tokio::test]
async fn the_file_has_the_settings_that_promises_rest_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = opened(folder.path());

    let settings = store
        .run(|connection| {
            let text =
                |name| connection.pragma_query_value(None, name, |row| row.get::<_, String>(0));
            let number =
                |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            Ok((
                text("journal_mode")?,
                number("synchronous")?,
                number("secure_delete")?,
                number("foreign_keys")?,
                number("trusted_schema")?,
                number("temp_store")?,
                number("auto_vacuum")?,
            ))
        })
        .await
        .unwrap();

    assert_eq!(settings, ("wal".into(), 2, 1, 1, 0, 2, 2));
}

/// For this thread, which ends with the test: root may otherwise write anywhere.
fn act_as_a_plain_user() {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).unwrap();
}
