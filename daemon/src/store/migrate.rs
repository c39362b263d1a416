//! Opening the database: its file, its settings and its version.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cac_common::time::UtcSeconds;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};
use rustix::fs::{Access, AtFlags, CWD};

use super::backup;
use super::error::StoreError;
use super::key::{self, Origin, PersonaKey};

pub(super) const FILE: &str = "cacd.db";

/// How long another program may hold the database before we give up.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(2);

/// Kibibytes of pages held in memory.
const CACHE: i64 = 1024;

/// Bytes that the log may keep on disk after it was written back.
const LOG_ON_DISK: i64 = 4 * 1024 * 1024;

/// `PRAGMA auto_vacuum`: free pages can be given back a few at a time.
const INCREMENTAL: i64 = 2;

/// SQLite asks after so many operations whether to go on.
const OPERATIONS: i32 = 10_000;

/// How often it is told to, where somebody waits for the start: for about two
/// seconds, which a history of a million entries takes.
const MOST_LOOKS: u32 = 2_000;

/// Corrupt files of the same second that can be told apart.
const MOST_KEPT: i64 = 100;

/// Version n of the database is what the first n make.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("sql/0001_first.sql")),
    M::up(include_str!("sql/0002_card_objects.sql")),
    M::up(include_str!("sql/0003_consent.sql")),
    M::up(include_str!("sql/0004_confirmation.sql")),
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
    DatabaseWasCorrupt { kept_as: PathBuf, reason: String },
    /// A new key was made.
    KeyWasDamaged { kept_as: PathBuf },
    /// A new key was made, so that the personas on record cannot be recognised.
    KeyWasMissing,
}

impl Notice {
    /// For the history, where paths have no place: digits in them are masked
    /// like the number of a person.
    pub fn in_short(&self) -> String {
        match self {
            Self::DatabaseWasCorrupt { reason, .. } => format!(
                "The database was corrupt ({reason}): it is kept aside, and a new one was begun"
            ),
            Self::KeyWasDamaged { .. } => {
                "The key of the database was damaged: cards seen before count as new".into()
            }
            Self::KeyWasMissing => {
                "The key of the database was missing: cards seen before count as new".into()
            }
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatabaseWasCorrupt { kept_as, reason } => write!(
                f,
                "database was corrupt ({reason}): it is kept as {}, and a new one was begun",
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

/// How closely a database is looked at before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// As far as there is time for; what is damaged beyond is noticed when it is read.
    AtStart,
    /// All of it: damage was met while it was in use.
    Whole,
}

pub(super) fn open(
    folder: &Path,
    now: UtcSeconds,
    look: Look,
) -> Result<(Connection, PersonaKey, Opened), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    rustix::fs::accessat(CWD, folder, Access::WRITE_OK, AtFlags::EACCESS)
        .map_err(io::Error::from)?;
    backup::remove_unfinished(folder)?;
    let mut notices = Vec::new();

    let path = folder.join(FILE);
    let connection = match open_file(&path, look) {
        Err(StoreError::Corrupt(cause)) => {
            let kept_as = keep_aside(&path, now)?;
            tracing::error!(%cause, kept_as = %kept_as.display(), "database was corrupt");
            let reason = cause.to_string();
            notices.push(Notice::DatabaseWasCorrupt { kept_as, reason });
            open_file(&path, look)?
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

fn open_file(path: &Path, look: Look) -> Result<Connection, StoreError> {
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
    check(&connection, look)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    set_up(&mut connection)?;
    MIGRATIONS.to_latest(&mut connection)?;
    make_shrinkable(&connection);
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

fn check(connection: &Connection, look: Look) -> Result<(), StoreError> {
    let (pragma, most_looks) = match look {
        Look::AtStart => ("PRAGMA quick_check(1)", MOST_LOOKS),
        Look::Whole => ("PRAGMA integrity_check(1)", u32::MAX),
    };
    if !look_through(connection, pragma, most_looks)? {
        tracing::info!("database is large: it was not looked through to its end");
    }
    Ok(())
}

/// Says whether it came to the end.
pub(super) fn look_through(
    connection: &Connection,
    pragma: &str,
    most_looks: u32,
) -> Result<bool, StoreError> {
    let verdict = bounded(connection, most_looks, |connection| {
        connection.query_row(pragma, [], |row| row.get::<_, String>(0))
    })?;
    match verdict {
        None => Ok(false),
        Some(verdict) if verdict == "ok" => Ok(true),
        // Its first line names the database, which is the only one.
        Some(verdict) => Err(StoreError::Corrupt(
            verdict.lines().last().unwrap_or_default().into(),
        )),
    }
}

/// Has SQLite go on for so long; `None` if that was not long enough.
pub(super) fn bounded<T>(
    connection: &Connection,
    most_looks: u32,
    work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
) -> Result<Option<T>, StoreError> {
    let mut looks = 0_u32;
    let is_enough = move || {
        looks = looks.saturating_add(1);
        looks > most_looks
    };
    connection.progress_handler(OPERATIONS, Some(is_enough))?;
    let done = work(connection);
    connection.progress_handler(OPERATIONS, None::<fn() -> bool>)?;
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Databases of earlier versions are written anew, once. Without the room for
/// that they stay as large as they are.
fn make_shrinkable(connection: &Connection) {
    let made = connection
        .pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i64>(0))
        .and_then(|is| {
            if is == INCREMENTAL {
                return Ok(());
            }
            connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
            connection.execute_batch("VACUUM")
        });
    if let Err(error) = made {
        tracing::warn!(%error, "database cannot be made smaller from now on");
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
    // Counts for a file that is still empty.
    connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
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
mod tests;
