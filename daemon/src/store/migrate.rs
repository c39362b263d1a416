//! Opening the database: its file, its settings and its version.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cac_common::time::UtcSeconds;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use rustix::fs::{Access, AtFlags, CWD};

use super::error::StoreError;
use super::key::{self, Origin, PersonaKey};

pub(super) const FILE: &str = "cacd.db";

/// How long another program may hold the database before we give up.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(2);

/// Kibibytes of pages held in memory.
const CACHE: i64 = 1024;

/// Bytes that the log may keep on disk after it was written back.
const LOG_ON_DISK: i64 = 4 * 1024 * 1024;

/// Corrupt files of the same second that can be told apart.
const MOST_KEPT: i64 = 100;

/// Version n of the database is what the first n make.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("sql/0001_first.sql")),
    M::up(include_str!("sql/0002_card_objects.sql")),
];

const MIGRATIONS: Migrations<'_> = Migrations::from_slice(STEPS);

/// What was found when the database was opened.
#[derive(Debug, Default)]
pub struct Opened {
    /// What people should be told.
    pub notices: Vec<Notice>,
    /// Corrupt files of earlier starts and of this one, still in the folder.
    pub kept_aside: Vec<PathBuf>,
}

/// Something was lost before we came. `Display` gives the sentence.
#[derive(Debug, PartialEq, Eq)]
pub enum Notice {
    /// A new database was begun.
    DatabaseWasCorrupt { kept_as: PathBuf },
    /// A new key was made.
    KeyWasDamaged { kept_as: PathBuf },
    /// A new key was made, so that the personas on record cannot be recognised.
    KeyWasMissing,
}

impl Notice {
    /// For the history, where paths have no place: digits in them are masked
    /// like the number of a person.
    pub fn in_short(&self) -> &'static str {
        match self {
            Self::DatabaseWasCorrupt { .. } => {
                "The database was corrupt: it is kept aside, and a new one was begun"
            }
            Self::KeyWasDamaged { .. } => {
                "The key of the database was damaged: cards seen before count as new"
            }
            Self::KeyWasMissing => {
                "The key of the database was missing: cards seen before count as new"
            }
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatabaseWasCorrupt { kept_as } => write!(
                f,
                "database was corrupt: it is kept as {}, and a new one was begun",
                kept_as.display()
            ),
            Self::KeyWasDamaged { kept_as } => write!(
                f,
                "key of the database was damaged: it is kept as {}, and cards seen before count as new",
                kept_as.display()
            ),
            Self::KeyWasMissing => {
                f.write_str("key of the database was missing: cards seen before count as new")
            }
        }
    }
}

pub(super) fn open(
    folder: &Path,
    now: UtcSeconds,
) -> Result<(Connection, PersonaKey, Opened), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    rustix::fs::accessat(CWD, folder, Access::WRITE_OK, AtFlags::EACCESS)
        .map_err(io::Error::from)?;
    let mut notices = Vec::new();

    let path = folder.join(FILE);
    let connection = match open_file(&path) {
        Err(StoreError::Corrupt(cause)) => {
            let kept_as = keep_aside(&path, now)?;
            tracing::error!(%cause, kept_as = %kept_as.display(), "database was corrupt");
            notices.push(Notice::DatabaseWasCorrupt { kept_as });
            open_file(&path)?
        }
        other => other?,
    };

    let key = match PersonaKey::read_or_make(folder)? {
        Some((key, Origin::Read)) => key,
        Some((key, Origin::Made)) => {
            if knows_anyone(&connection)? {
                notices.push(Notice::KeyWasMissing);
            }
            key
        }
        None => {
            let kept_as = keep_aside(&folder.join(key::FILE), now)?;
            tracing::error!(kept_as = %kept_as.display(), "key of the database was damaged");
            notices.push(Notice::KeyWasDamaged { kept_as });
            PersonaKey::read_or_make(folder)?
                .ok_or_else(|| io::Error::other("key changed while it was read"))?
                .0
        }
    };
    let kept_aside = kept_aside(folder)?;
    Ok((
        connection,
        key,
        Opened {
            notices,
            kept_aside,
        },
    ))
}

fn open_file(path: &Path) -> Result<Connection, StoreError> {
    // SQLite gives the log and the shared memory the permissions of the file.
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    drop(file);

    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(WAIT_FOR_OTHERS)?;
    // A file that is corrupt or from the future stays as it is: no log is written back into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    refuse_the_future(&connection)?;
    check(&connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    set_up(&mut connection)?;
    MIGRATIONS.to_latest(&mut connection)?;
    Ok(connection)
}

fn refuse_the_future(connection: &Connection) -> Result<(), StoreError> {
    let ours = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > ours {
        return Err(StoreError::FromTheFuture { version, ours });
    }
    Ok(())
}

fn check(connection: &Connection) -> Result<(), StoreError> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Corrupt(verdict.into()))
    }
}

fn set_up(connection: &mut Connection) -> Result<(), StoreError> {
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        // The file may have been made by someone else: it gets nothing to run.
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    // VACUUM would copy what it finds into a file in /tmp.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    connection.pragma_update(None, "journal_size_limit", LOG_ON_DISK)?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    Ok(())
}

fn knows_anyone(connection: &Connection) -> Result<bool, StoreError> {
    Ok(
        connection.query_row("SELECT EXISTS (SELECT 1 FROM persona)", [], |row| {
            row.get(0)
        })?,
    )
}

/// Renames a file, and what SQLite wrote beside it, to a name nobody has.
fn keep_aside(path: &Path, now: UtcSeconds) -> Result<PathBuf, StoreError> {
    let beside = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let kept_as = (0..MOST_KEPT)
        .map(|later| beside(path, &format!(".corrupt-{}", now.0.saturating_add(later))))
        .find(|name| !name.exists())
        .ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    // The file itself goes last: a start cut short finds it still corrupt.
    for suffix in ["-wal", "-shm"] {
        match fs::rename(beside(path, suffix), beside(&kept_as, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, &kept_as)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(kept_as)
}

fn kept_aside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains(".corrupt-") {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use rustix::thread::{CapabilitySet, CapabilitySets};

    use super::super::Store;
    use super::super::fixtures::{NOW, entry, jane, opened, registered};
    use super::*;

    /// As each version left it; never changed again.
    const VERSIONS: [&str; 2] = [
        include_str!("sql/frozen/version_1.sql"),
        include_str!("sql/frozen/version_2.sql"),
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
                kept_as: kept_as.clone()
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

        let [Notice::DatabaseWasCorrupt { kept_as }] = &opened.notices[..] else {
            panic!("{opened:?}");
        };
        assert_eq!(fs::read(kept_as).unwrap(), bytes);
        assert_eq!(store.known().await.unwrap(), []);
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
                    ours: 2
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
            assert!(memory.acquaintance.is_seen_before());
            assert_eq!(memory.registrations[0].status, registered("AKO").status);
            assert_eq!(
                store.history(None, 10).await.unwrap()[0].text,
                "AKO: registered"
            );
            let now: i64 = store
                .run(|connection| {
                    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
                })
                .await
                .unwrap();
            assert_eq!(now, i64::try_from(STEPS.len()).unwrap());
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
                ))
            })
            .await
            .unwrap();

        assert_eq!(settings, ("wal".into(), 2, 1, 1, 0, 2));
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
}
