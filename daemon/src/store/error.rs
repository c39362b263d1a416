//! Why the database could not do what was asked.

use std::error::Error;
use std::io;

use rusqlite::ErrorCode;

type Cause = Box<dyn Error + Send + Sync>;

/// Told apart by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing can be kept until an administrator changes that.
    #[error("database cannot be written: its file or folder is read-only")]
    ReadOnly(#[source] Cause),

    /// Try again when there is room.
    #[error("database cannot be written: the disk is full")]
    Full(#[source] Cause),

    /// The next start keeps the file aside and begins a new one.
    #[error("database is corrupt")]
    Corrupt(#[source] Cause),

    /// Install the version that wrote it; the file was left as it is.
    #[error("database has version {version}, and this program knows versions up to {ours}")]
    FromTheFuture { version: i64, ours: i64 },

    /// Another program holds it: try again.
    #[error("database is locked by another program")]
    Locked(#[source] Cause),

    /// Record the card first: it was cleared since, or never recorded.
    #[error("card and persona are not on record")]
    NotOnRecord,

    /// Such a status passes by itself and is not kept.
    #[error("\"{state}\" is not a status to be kept")]
    NotDurable { state: &'static str },

    /// The file system failed.
    #[error("database file cannot be used")]
    Io(#[source] io::Error),

    /// SQLite failed in a way that nobody can act on.
    #[error("database failed")]
    Other(#[source] rusqlite::Error),

    /// The store was closed.
    #[error("database is closed")]
    Stopped,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let foreign_key = error
            .sqlite_error()
            .is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY);
        let Some(code) = error.sqlite_error_code() else {
            return Self::Other(error);
        };
        if foreign_key {
            return Self::NotOnRecord;
        }
        let is = |codes: &[ErrorCode]| codes.contains(&code);
        if is(&[ErrorCode::ReadOnly, ErrorCode::PermissionDenied]) {
            Self::ReadOnly(error.into())
        } else if is(&[ErrorCode::DiskFull]) {
            Self::Full(error.into())
        } else if is(&[ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase]) {
            Self::Corrupt(error.into())
        } else if is(&[
            ErrorCode::DatabaseBusy,
            ErrorCode::DatabaseLocked,
            ErrorCode::FileLockingProtocolFailed,
        ]) {
            Self::Locked(error.into())
        } else if is(&[ErrorCode::SystemIoFailure, ErrorCode::CannotOpen]) {
            Self::Io(io::Error::other(error))
        } else {
            Self::Other(error)
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        let kind = error.kind();
        if [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::ReadOnlyFilesystem,
        ]
        .contains(&kind)
        {
            Self::ReadOnly(error.into())
        } else if [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded].contains(&kind) {
            Self::Full(error.into())
        } else {
            Self::Io(error)
        }
    }
}

impl From<rusqlite_migration::Error> for StoreError {
    fn from(error: rusqlite_migration::Error) -> Self {
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            err.into()
        } else {
            Self::Corrupt(error.into())
        }
    }
}

/// Why a row, written by another version or damaged, was skipped.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("column cannot be read")]
    Column(#[from] rusqlite::Error),
    #[error("status is not one this program knows")]
    Status(#[from] serde_json::Error),
    #[error("status \"{0}\" is not one that is kept")]
    PassingStatus(&'static str),
    #[error("kind is not one this program knows")]
    Kind(#[from] serde::de::value::Error),
    #[error("slot {0:#X} is not one this program knows")]
    Slot(i64),
}
