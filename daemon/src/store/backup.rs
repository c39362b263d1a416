//! A copy of everything that is kept, made while others go on writing.
//!
//! It is an archive of the two files that lie in the state folder: the key and
//! the database. Without the key nobody in the database is recognised, so a
//! copy without it would be none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::{Store, key, migrate};

/// The copy, for as long as it has a name.
pub(super) const UNFINISHED: &str = "cacd.db.backup";

/// How long somebody may hold the database in a way that nobody else can read it.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(2);

/// How often SQLite is told to go on with the copy: for more than a minute.
const MOST_LOOKS: u32 = 100_000;

/// A block of a tar archive (POSIX.1-2017, pax, ustar interchange format).
const BLOCK: usize = 512;

/// What a key may be long at most; ours is much shorter.
const LONGEST_KEY: u64 = 4096;

/// An archive that is read once, from its beginning to its end.
pub struct Backup {
    bytes: Box<dyn Read + Send>,
    pub length: u64,
}

impl Read for Backup {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Store {
    /// Copies everything and looks the copy through. It needs as much room on
    /// the disk as the database has, until the backup is dropped.
    pub async fn backup(&self) -> Result<Backup, StoreError> {
        let folder = self.folder.clone();
        let made = tokio::task::spawn_blocking(move || make(&folder)).await;
        let made = made.map_err(|_| StoreError::Stopped)?;
        if matches!(made, Err(StoreError::Corrupt(_))) {
            self.is_corrupt.store(true, Ordering::SeqCst);
        }
        made
    }
}

/// Removes what is left of a copy that was not finished.
pub(super) fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(folder.join(format!("{UNFINISHED}{suffix}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Result<Backup, StoreError> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let copied = copy(folder);
    // From here on it has no name, and goes with whoever reads it.
    remove_unfinished(folder)?;
    let (database, length) = copied?;
    let mut key = Vec::new();
    File::open(folder.join(key::FILE))?
        .take(LONGEST_KEY)
        .read_to_end(&mut key)?;
    archive(&key, database, length)
}

/// Asks the database as it is at this moment; whoever writes meanwhile does not wait.
fn copy(folder: &Path) -> Result<(File, u64), StoreError> {
    remove_unfinished(folder)?;
    let path = folder.join(UNFINISHED);
    // SQLite writes into an empty file that is there, and has it readable for its owner only.
    let made = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    let from = opened(&folder.join(migrate::FILE))?;
    let name = path.to_str().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "state folder is not named in UTF-8",
        )
    })?;
    let is_in_time = migrate::bounded(&from, MOST_LOOKS, |from| {
        from.execute("VACUUM INTO ?", [name]).map(|_| ())
    })?;
    let copy = opened(&path)?;
    let is_whole = is_in_time.is_some()
        && migrate::look_through(&copy, "PRAGMA integrity_check(1)", MOST_LOOKS)?;
    if !is_whole {
        return Err(io::Error::from(io::ErrorKind::TimedOut).into());
    }
    drop(copy);
    let length = made.metadata()?.len();
    Ok((made, length))
}

fn opened(path: &PathBuf) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(WAIT_FOR_OTHERS)?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    Ok(connection)
}

fn archive(key: &[u8], database: File, length: u64) -> Result<Backup, StoreError> {
    let at = database.metadata()?.mtime();
    let mut head = Vec::new();
    head.extend(header(key::FILE, key.len() as u64, at)?);
    head.extend(key);
    let up_to_a_block = head.len().next_multiple_of(BLOCK);
    head.resize(up_to_a_block, 0);
    head.extend(header(migrate::FILE, length, at)?);
    // The last file up to a whole block, and two that are empty.
    let up_to_a_block = length.next_multiple_of(BLOCK as u64) - length;
    let tail = vec![0; usize::try_from(up_to_a_block).unwrap_or(0) + 2 * BLOCK];
    let whole = head.len() as u64 + length + tail.len() as u64;
    let bytes = Cursor::new(head)
        .chain(database.take(length))
        .chain(Cursor::new(tail));
    Ok(Backup {
        bytes: Box::new(bytes),
        length: whole,
    })
}

/// Of one file, which belongs to nobody in particular.
fn header(name: &str, length: u64, at: i64) -> io::Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    let size = format!("{length:011o}\0");
    if size.len() != 12 {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, size.as_bytes());
    put(136, format!("{:011o}\0", at.max(0)).as_bytes());
    // The sum is taken with spaces where it will stand.
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::super::fixtures::{NOW, entry, jane, opened, registered};
    use super::super::upkeep::tests::many;
    use super::super::{Acquaintance, StoreError};
    use super::*;

    #[tokio::test]
    async fn what_tar_unpacks_elsewhere_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        store.record_registration(registered("AKO")).await.unwrap();
        many(&store, 5000, NOW).await;

        let backup = store.backup().await.unwrap();
        // It comes after the copy, and is not in it.
        store.append(entry("later")).await.unwrap();
        unpack(backup, elsewhere.path());

        let mut names = names_in(elsewhere.path());
        names.sort();
        assert_eq!(names, ["cacd.db", "cacd.key"]);
        let restored = opened(elsewhere.path());
        assert_eq!(
            restored.persona_id("1234567890"),
            store.persona_id("1234567890")
        );
        let memory = restored.record_card(jane()).await.unwrap();
        assert_eq!(memory.acquaintance, Acquaintance::Known);
        assert_eq!(memory.registrations[0].status, registered("AKO").status);
        let newest = restored.history(None, 1).await.unwrap();
        assert_eq!(newest[0].id, 5000);
    }

    #[tokio::test]
    async fn nothing_of_it_stays_in_the_folder_and_no_writer_waits_for_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        store.record_card(jane()).await.unwrap();
        fs::write(
            folder.path().join(UNFINISHED),
            "of a start that was cut short",
        )
        .unwrap();
        let before = names_in(folder.path()).len() - 1;

        let mut backup = store.backup().await.unwrap();

        assert_eq!(names_in(folder.path()).len(), before);
        store
            .clear(cac_common::interface::ClearScope::All {}, false)
            .await
            .unwrap();
        let mut bytes = Vec::new();
        backup.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, backup.length);
        assert_eq!(bytes.len() % BLOCK, 0);
    }

    #[tokio::test]
    async fn of_a_corrupt_database_there_is_no_backup() {
        let folder = tempfile::tempdir().unwrap();
        let store = opened(folder.path());
        many(&store, 5000, NOW).await;
        store.close().await;
        let store = opened(folder.path());
        let path = folder.path().join("cacd.db");
        let mut bytes = fs::read(&path).unwrap();
        bytes[20 * 4096..30 * 4096].fill(0xA5);
        fs::write(&path, &bytes).unwrap();

        let error = store.backup().await.map(|_| ()).unwrap_err();

        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
        assert!(store.is_corrupt(), "so that it is kept aside");
        assert!(
            !names_in(folder.path())
                .iter()
                .any(|name| name.contains("backup"))
        );
    }

    fn unpack(mut backup: Backup, folder: &Path) {
        let mut tar = Command::new("tar")
            .args(["-x", "-C"])
            .arg(folder)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = tar.stdin.take().unwrap();
        io::copy(&mut backup, &mut input).unwrap();
        drop(input);
        assert!(tar.wait().unwrap().success());
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
        entries.map(|entry| name(entry).unwrap()).collect()
    }
}
