//! What setup has changed, written down before it is done.
//!
//! A folder of its own holds `record.jsonl`, with a line for what is begun,
//! done and undone, and beside it every file as it was. All of it is on the
//! disk before a change begins, so that a change can be undone whatever moment
//! it is interrupted at. The folder is locked as long as this program or one
//! that it started runs.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use cac_common::bundle::sha256;
use serde::{Deserialize, Serialize};

use super::fault::SetupFault;
use super::lock::lock;
use super::write::{self, Present};
use crate::browsers::Family;
use crate::browsers::modules::Module;

const RECORD: &str = "record.jsonl";

/// Among the copies, and the copy of nothing.
const SCRATCH: &str = "0-0";

/// A profile with the DoD's bundle takes 10 kB.
const LARGEST_RECORD: u64 = 16 * 1024 * 1024;

/// Others may neither read what was kept nor write what is believed.
pub(super) const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const WRITABLE_FOR_OTHERS: u32 = 0o022;

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    /// The name of its copy in the folder of the record.
    copy: String,
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) sha256: String,
}

/// One file that takes the place of what was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileChange {
    pub(super) path: PathBuf,
    /// None where there was no file.
    pub(super) before: Option<Saved>,
    /// SHA-256 of what is written.
    pub(super) after: String,
}

/// What is done at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Change {
    Files {
        /// Made for them, the outermost first.
        folders: Vec<PathBuf>,
        files: Vec<FileChange>,
        /// To be run when they are there, and when they are gone.
        refresh: Option<String>,
    },
    /// A database of a browser that had none.
    NewDatabase {
        family: Family,
        folders: Vec<PathBuf>,
        folder: PathBuf,
    },
    /// Something in a database of a browser.
    Database {
        family: Family,
        folder: PathBuf,
        /// By their names in the folder.
        before: BTreeMap<String, Saved>,
        added: Vec<Module>,
        removed: Vec<Module>,
        /// Nicknames of certificates that were not there.
        certificates: Vec<String>,
        /// Certificates that were there, and are trusted more.
        #[serde(default)]
        trusted: Vec<Trusted>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trusted {
    pub(super) nickname: String,
    /// PEM: others may have the name.
    pub(super) certificate: String,
    /// As certutil writes trust.
    pub(super) before: String,
    pub(super) given: String,
}

impl Change {
    /// Of a database: what is done in it has an order.
    pub(super) fn folder(&self) -> Option<&PathBuf> {
        match self {
            Self::Files { .. } => None,
            Self::NewDatabase { folder, .. } | Self::Database { folder, .. } => Some(folder),
        }
    }
}

/// SHA-256 of files by their names, after a change.
pub(super) type Prints = BTreeMap<String, String>;

/// A change that is not undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: u32,
    pub(super) step: String,
    pub(super) about: String,
    pub(super) change: Change,
    /// None where it was interrupted.
    pub(super) done: Option<Prints>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    /// Folders that the record itself needed, the outermost first.
    Made {
        folders: Vec<PathBuf>,
    },
    Begun {
        id: u32,
        step: String,
        about: String,
        change: Change,
    },
    Done {
        id: u32,
        prints: Prints,
    },
    Undone {
        id: u32,
    },
}

/// The record, locked.
pub(super) struct Record {
    folder: PathBuf,
    entries: Vec<Entry>,
    next: u32,
    /// Folders that were not there before.
    made: Vec<PathBuf>,
    _lock: OwnedFd,
}

impl Record {
    /// Whether there may be anything to undo, or to clear away: one that was
    /// interrupted early has left copies alone.
    pub(super) fn is_there(folder: &Path) -> bool {
        let names = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = names.map(|entry| entry.file_name());
        names.any(|name| {
            name.to_str()
                .is_some_and(|name| name == RECORD || is_copy_or_rest_of_one(name))
        })
    }

    /// Waits for another setup, and for programs that one which was killed has left.
    pub(super) async fn open(folder: &Path) -> Result<Self, SetupFault> {
        let missing = write::missing_folders(&folder.join(RECORD));
        let lock = lock(folder).await?;
        let found = fs::metadata(folder).map_err(SetupFault::file(folder, "looked at"))?;
        let own = rustix::process::geteuid().as_raw();
        if found.uid() != own || found.mode() & WRITABLE_FOR_OTHERS != 0 {
            return Err(SetupFault::Foreign {
                path: folder.to_owned(),
            });
        }
        let mut record = Self {
            folder: folder.to_owned(),
            entries: Vec::new(),
            next: 1,
            made: Vec::new(),
            _lock: lock,
        };
        record.read()?;
        if !missing.is_empty() {
            record.append(&Line::Made {
                folders: missing.clone(),
            })?;
            record.made = missing;
        }
        Ok(record)
    }

    /// What is not undone, in the order in which it was done.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn read(&mut self) -> Result<(), SetupFault> {
        let path = self.folder.join(RECORD);
        let bytes = match bounded_file::read(&path, LARGEST_RECORD) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(SetupFault::file(&path, "read")(error)),
        };
        // What a line without an end tells of did not begin.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |end| end + 1);
        if whole < bytes.len() {
            OpenOptions::new()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_len(whole as u64).and_then(|()| file.sync_all()))
                .map_err(SetupFault::file(&path, "written"))?;
        }
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        for (at, line) in lines.take_while(|line| line.ends_with(b"\n")).enumerate() {
            self.take(line).ok_or_else(|| SetupFault::Record {
                path: path.clone(),
                number: at + 1,
            })?;
        }
        Ok(())
    }

    /// None where it means nothing.
    fn take(&mut self, line: &[u8]) -> Option<()> {
        match serde_json::from_slice(line).ok()? {
            Line::Made { folders } => self.made.extend(folders),
            Line::Begun {
                id,
                step,
                about,
                change,
            } => {
                let is_ours = saved_by(&change).all(|saved| is_name_of_copy(&saved.copy));
                if id < self.next || !is_ours {
                    return None;
                }
                self.next = id.checked_add(1)?;
                self.entries.push(Entry {
                    id,
                    step,
                    about,
                    change,
                    done: None,
                });
            }
            Line::Done { id, prints } => {
                let entry = self.entries.iter_mut().find(|entry| entry.id == id)?;
                entry.done = Some(prints);
            }
            Line::Undone { id } => {
                let at = self.entries.iter().position(|entry| entry.id == id)?;
                self.entries.remove(at);
            }
        }
        Some(())
    }

    /// Keeps a file as it is, before the change begins that is to alter it.
    pub(super) fn save(&self, number: usize, file: &Present) -> Result<Saved, SetupFault> {
        let copy = format!("{}-{number}", self.next);
        let path = self.folder.join(&copy);
        let own = Present {
            mode: FILE_MODE,
            owner: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
            bytes: file.bytes.clone(),
        };
        write::replace(&path, &own).map_err(SetupFault::file(&path, "written"))?;
        Ok(Saved {
            copy,
            mode: file.mode,
            owner: file.owner,
            group: file.group,
            sha256: sha256(&file.bytes),
        })
    }

    /// For a program that takes a file alone.
    pub(super) fn scratch(&self, bytes: &[u8]) -> Result<PathBuf, SetupFault> {
        let path = self.folder.join(SCRATCH);
        let file = Present {
            bytes: bytes.to_vec(),
            mode: FILE_MODE,
            owner: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        };
        write::replace(&path, &file).map_err(SetupFault::file(&path, "written"))?;
        Ok(path)
    }

    /// The file as it was.
    pub(super) fn saved(&self, saved: &Saved) -> Result<Present, SetupFault> {
        let path = self.folder.join(&saved.copy);
        let copy = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
        let copy = copy.filter(|copy| sha256(&copy.bytes) == saved.sha256);
        let Some(Present { bytes, .. }) = copy else {
            let changed = io::Error::other("it is not what was kept");
            return Err(SetupFault::file(&path, "used")(changed));
        };
        Ok(Present {
            bytes,
            mode: saved.mode,
            owner: saved.owner,
            group: saved.group,
        })
    }

    /// From here on it can be undone.
    pub(super) fn begin(
        &mut self,
        step: &str,
        about: &str,
        change: Change,
    ) -> Result<u32, SetupFault> {
        let id = self.next;
        self.append(&Line::Begun {
            id,
            step: step.to_owned(),
            about: about.to_owned(),
            change: change.clone(),
        })?;
        self.next = id.saturating_add(1);
        self.entries.push(Entry {
            id,
            step: step.to_owned(),
            about: about.to_owned(),
            change,
            done: None,
        });
        Ok(id)
    }

    pub(super) fn done(&mut self, id: u32, prints: Prints) -> Result<(), SetupFault> {
        self.append(&Line::Done {
            id,
            prints: prints.clone(),
        })?;
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.done = Some(prints);
        }
        Ok(())
    }

    pub(super) fn undone(&mut self, id: u32) -> Result<(), SetupFault> {
        self.append(&Line::Undone { id })?;
        self.entries.retain(|entry| entry.id != id);
        Ok(())
    }

    /// Where nothing is left to undo, nothing is kept.
    pub(super) fn close(self) -> Result<(), SetupFault> {
        if !self.entries.is_empty() {
            return Ok(());
        }
        // All in it is undone, so that it promises no copy; as long as it is
        // there, what an interruption leaves is cleared away the next time.
        let rest = fs::read_dir(&self.folder).map_err(SetupFault::file(&self.folder, "read"))?;
        for entry in rest.flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(is_copy_or_rest_of_one) {
                write::remove_with_rest(&entry.path())
                    .map_err(SetupFault::file(&entry.path(), "removed"))?;
            }
        }
        let record = self.folder.join(RECORD);
        write::remove_with_rest(&record).map_err(SetupFault::file(&record, "removed"))?;
        for folder in self.made.iter().rev() {
            // One that holds something else stays, and so do those around it.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }

    fn append(&self, line: &Line) -> Result<(), SetupFault> {
        let path = self.folder.join(RECORD);
        let mut text = serde_json::to_vec(line).map_err(|_| SetupFault::Path {
            path: self.folder.clone(),
        })?;
        text.push(b'\n');
        let is_new = !path.exists();
        let written = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(&path)
            .and_then(|mut file| {
                let before = file.metadata()?.len();
                if let Err(error) = file.write_all(&text) {
                    // Half a line would spoil the next.
                    let _ = file.set_len(before);
                    return Err(error);
                }
                file.sync_all()?;
                if is_new {
                    write::sync_folder_of(&path)?;
                }
                Ok(())
            });
        written.map_err(SetupFault::file(&path, "written"))
    }
}

fn saved_by(change: &Change) -> Box<dyn Iterator<Item = &Saved> + '_> {
    match change {
        Change::Files { files, .. } => {
            Box::new(files.iter().filter_map(|file| file.before.as_ref()))
        }
        Change::NewDatabase { .. } => Box::new(std::iter::empty()),
        Change::Database { before, .. } => Box::new(before.values()),
    }
}

/// `12-1`, which leads nowhere else.
fn is_name_of_copy(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|it| it.is_ascii_digit() || it == b'-')
}

fn is_copy_or_rest_of_one(name: &str) -> bool {
    is_name_of_copy(write::name_of_whole(name))
}

/// SHA-256 of those of the files that are there.
pub(super) fn prints(folder: &Path, files: &[&str]) -> Result<Prints, SetupFault> {
    let mut prints = Prints::new();
    for file in files {
        let path = folder.join(file);
        let found = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
        if let Some(found) = found {
            prints.insert((*file).to_owned(), sha256(&found.bytes));
        }
    }
    Ok(prints)
}

/// Synced with the folder that they are in.
pub(super) fn make_folders(folders: &[PathBuf]) -> Result<(), SetupFault> {
    for folder in folders {
        match DirBuilder::new().mode(folder_mode(folder)).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(SetupFault::file(folder, "made"))?,
        }
        write::sync_folder_of(folder).map_err(SetupFault::file(folder, "made"))?;
        File::open(folder)
            .and_then(|it| it.sync_all())
            .map_err(SetupFault::file(folder, "made"))?;
    }
    Ok(())
}

/// What GnuPG and browsers keep at home is for nobody else; what is for all
/// users can be read by all.
fn folder_mode(folder: &Path) -> u32 {
    if folder.starts_with("/etc") || folder.starts_with("/usr") {
        0o755
    } else {
        FOLDER_MODE
    }
}
