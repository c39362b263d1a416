//! The database of a profile, as it lies on the disk.

use std::io;
use std::path::Path;

use cac_common::bounded_file;

use super::modules::{self, Module, ModulesFault};
use super::profiles::is_absent;

/// The list of modules, certificates and keys of an NSS database (`sql:`).
pub(crate) const MODULES: &str = "pkcs11.txt";
pub(crate) const CERTIFICATES: &str = "cert9.db";
pub(crate) const KEYS: &str = "key4.db";

/// What SQLite leaves beside a database that somebody has open, or left in the middle.
const UNFINISHED: [&str; 2] = ["-journal", "-wal"];

/// The list of modules of the kind before (`dbm:`), which nothing reads any more.
const OLD_MODULES: &str = "secmod.db";

/// What is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Database {
    /// Its browser was never started.
    Absent,
    /// Of a kind that browsers have not used for years.
    Old,
    Present(Vec<Module>),
}

/// Why a database cannot be looked into.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseFault {
    #[error("{MODULES} cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("{MODULES} is broken")]
    Modules(#[source] ModulesFault),
}

pub(crate) fn look(folder: &Path) -> Result<Database, DatabaseFault> {
    match bounded_file::read(&folder.join(MODULES), modules::LARGEST_FILE) {
        Ok(bytes) => modules::parse(&bytes)
            .map(Database::Present)
            .map_err(DatabaseFault::Modules),
        Err(error) if !is_absent(&error) => Err(DatabaseFault::Unreadable(error)),
        // NSS makes the list anew where the rest is there.
        Err(_) if folder.join(CERTIFICATES).is_file() => Ok(Database::Present(Vec::new())),
        Err(_) if folder.join(OLD_MODULES).is_file() => Ok(Database::Old),
        Err(_) => Ok(Database::Absent),
    }
}

/// Whether a transaction is open in it, or was when its browser ended.
pub(crate) fn is_unfinished(folder: &Path) -> bool {
    [CERTIFICATES, KEYS].iter().any(|file| {
        UNFINISHED
            .iter()
            .any(|end| folder.join(format!("{file}{end}")).exists())
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_there_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();

        assert_eq!(look(path).unwrap(), Database::Absent);
        assert_eq!(look(&path.join("not-there")).unwrap(), Database::Absent);
        fs::write(path.join(OLD_MODULES), "").unwrap();
        assert_eq!(look(path).unwrap(), Database::Old);
        fs::write(path.join(CERTIFICATES), "").unwrap();
        assert_eq!(look(path).unwrap(), Database::Present(Vec::new()));
        fs::write(path.join(MODULES), "name=a\nlibrary=/b.so\n").unwrap();
        let module = Module {
            name: "a".into(),
            library: "/b.so".into(),
        };
        assert_eq!(look(path).unwrap(), Database::Present(vec![module]));
        fs::write(path.join(MODULES), "nonsense").unwrap();
        assert!(matches!(look(path), Err(DatabaseFault::Modules(_))));
    }

    #[test]
    fn a_database_in_a_transaction_is_unfinished() {
        let folder = tempfile::tempdir().unwrap();

        assert!(!is_unfinished(folder.path()));
        fs::write(folder.path().join("cert9.db-journal"), "").unwrap();
        assert!(is_unfinished(folder.path()));
    }
}
