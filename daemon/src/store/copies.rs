//! Copies of what is kept that lie beside it: corrupt databases that were kept
//! aside, and backups that somebody has put there.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::{backup, key, migrate};

/// What is in the name of each file that we made, and of copies of them.
const OURS: &str = "cacd";

/// By their names, in order. Links are left to whoever made them.
pub(super) fn there_are(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.contains(OURS) && !is_in_use(&name) && entry.file_type()?.is_file() {
            found.push(name);
        }
    }
    found.sort();
    Ok(found)
}

pub(super) fn remove(folder: &Path, names: &[String]) -> io::Result<()> {
    for name in names {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    File::open(folder)?.sync_all()
}

fn is_in_use(name: &str) -> bool {
    let of_the_database = name
        .strip_prefix(migrate::FILE)
        .is_some_and(|rest| ["", "-wal", "-shm", "-journal"].contains(&rest));
    of_the_database || name.starts_with(backup::UNFINISHED) || key::is_in_use(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_no_copy_and_all_else_of_ours_is() {
        let folder = tempfile::tempdir().unwrap();
        let in_use = [
            "cacd.db",
            "cacd.db-wal",
            "cacd.db-shm",
            "cacd.db.backup",
            "cacd.key",
            "cacd.key.new",
            "of-another-program",
        ];
        let copies = [
            "before-cacd.key",
            "cacd-2026-11-27.tar",
            "cacd.db.corrupt-1795000000",
            "cacd.db.corrupt-1795000000-wal",
            "cacd.key.corrupt-1795000000",
        ];
        for name in in_use.iter().chain(&copies) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("cacd.db", folder.path().join("cacd.link")).unwrap();

        let found = there_are(folder.path()).unwrap();
        remove(folder.path(), &found).unwrap();

        assert_eq!(found, copies);
        assert_eq!(there_are(folder.path()).unwrap(), Vec::<String>::new());
        for name in in_use {
            assert!(folder.path().join(name).exists(), "{name}");
        }
    }
}
