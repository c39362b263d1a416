//! Puts back what was there, the last change first.
//!
//! A change may have been interrupted at any moment, and so may an undoing:
//! what is there now decides what is left to do. What somebody has changed
//! since is not written over, unless that is wanted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::apply::FILES;
use cac_common::bundle::sha256;

use super::fault::SetupFault;
use super::places::Places;
use super::record::{self, Change, Entry, FileChange, Prints, Record, Saved};
use super::write;
use crate::browsers::database::{self, Database, MODULES};
use crate::browsers::modules::{self, Module};
use crate::browsers::running::running;
use crate::browsers::{Family, nss, tool};

/// What Firefox and Thunderbird encrypt by a key of the database.
const ENCRYPTED: [&str; 3] = [
    "logins.json",
    "logins-backup.json",
    "encrypted-openpgp-passphrase.txt",
];

/// How a change was undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Undone {
    /// Every file is as it was, byte by byte.
    AsItWas,
    /// The browser has used its database since; ours was taken out of it.
    ByContent,
    /// Why it is not.
    Kept(String),
}

/// What is written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// What we have written ourselves.
    Own,
    /// What others have changed since as well.
    Everything,
}

/// Undoes what was begun after the entry of this number.
pub(super) async fn since(
    record: &mut Record,
    places: &Places,
    after: u32,
) -> Result<(), SetupFault> {
    let begun = record.entries().iter().filter(|entry| entry.id > after);
    for entry in begun.rev().cloned().collect::<Vec<Entry>>() {
        undo(record, places, &entry, Force::Own).await?;
    }
    Ok(())
}

/// Undoes one entry, and writes down that it is.
pub(super) async fn undo(
    record: &mut Record,
    places: &Places,
    entry: &Entry,
    force: Force,
) -> Result<Undone, SetupFault> {
    let undone = match &entry.change {
        Change::Files {
            folders,
            files,
            refresh,
        } => {
            let undone = put_back_files(record, files, force)?;
            // Some may be gone where others were left.
            if let Some(program) = refresh {
                tool::run(program, [""; 0]).await?;
            }
            remove_folders(folders);
            undone
        }
        Change::NewDatabase {
            family,
            folders,
            folder,
        } => {
            refuse_running(places, *family)?;
            remove_database(folders, folder, entry.done.as_ref()).await?
        }
        Change::Database {
            family,
            folder,
            before,
            added,
            removed,
            certificates,
        } => {
            refuse_running(places, *family)?;
            let change = DatabaseChange {
                folder,
                before,
                added,
                removed,
                certificates,
                done: entry.done.as_ref(),
            };
            change.undo(record, force).await?
        }
    };
    if !matches!(undone, Undone::Kept(_)) {
        record.undone(entry.id)?;
    }
    Ok(undone)
}

fn refuse_running(places: &Places, family: Family) -> Result<(), SetupFault> {
    match running(&places.processes, &places.home.folder, family) {
        Some(browser) => Err(SetupFault::Running { browser }),
        None => Ok(()),
    }
}

fn put_back_files(
    record: &Record,
    files: &[FileChange],
    force: Force,
) -> Result<Undone, SetupFault> {
    let mut changed = Vec::new();
    for file in files.iter().rev() {
        let path = &file.path;
        write::remove_rest(path).map_err(SetupFault::file(path, "mended"))?;
        let there = match write::look(path) {
            Ok(there) => there.map(|there| sha256(&there.bytes)),
            // A folder or a link: somebody else's.
            Err(_) => Some(String::new()),
        };
        let before = file.before.as_ref().map(|saved| &saved.sha256);
        if there.as_ref() == before {
            continue;
        }
        if there.as_ref() != Some(&file.after) && force == Force::Own {
            changed.push(path.display().to_string());
            continue;
        }
        put_back(record, path, file.before.as_ref())?;
    }
    if changed.is_empty() {
        return Ok(Undone::AsItWas);
    }
    let changed = changed.join(", ");
    Ok(Undone::Kept(format!(
        "{changed} was changed by somebody since"
    )))
}

fn put_back(record: &Record, path: &Path, before: Option<&Saved>) -> Result<(), SetupFault> {
    let done = match before {
        Some(saved) => write::replace(path, &record.saved(saved)?),
        None => write::remove_with_rest(path),
    };
    done.map_err(SetupFault::file(path, "put back"))
}

/// Those that are empty; the others hold what somebody else has put there.
fn remove_folders(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

async fn remove_database(
    folders: &[PathBuf],
    folder: &Path,
    done: Option<&Prints>,
) -> Result<Undone, SetupFault> {
    remove_rests(folder)?;
    // A certificate that came and went leaves other bytes, and so does a
    // browser that looked at it; what it holds decides then.
    let is_as_made = match done {
        Some(made) => record::prints(folder, &FILES)? == *made,
        None => false,
    };
    // One of which a part is gone is being removed already.
    let is_whole = done.is_some_and(|made| made.keys().all(|file| folder.join(file).exists()));
    if !is_as_made && !holds_nothing(folder, is_whole).await {
        return Ok(Undone::ByContent);
    }
    for file in FILES {
        let path = folder.join(file);
        write::remove_with_rest(&path).map_err(SetupFault::file(&path, "removed"))?;
    }
    remove_folders(folders);
    Ok(Undone::AsItWas)
}

/// Of replacements that were interrupted.
fn remove_rests(folder: &Path) -> Result<(), SetupFault> {
    for file in FILES {
        let path = folder.join(file);
        write::remove_rest(&path).map_err(SetupFault::file(&path, "mended"))?;
    }
    Ok(())
}

/// A whole one that cannot be opened has become somebody's; one that is not
/// whole is nobody's.
async fn holds_nothing(folder: &Path, is_whole: bool) -> bool {
    if ENCRYPTED.iter().any(|file| folder.join(file).exists()) {
        return false;
    }
    let is_empty = match database::look(folder) {
        Ok(Database::Present(modules)) => modules.iter().all(|it| it.library.is_empty()),
        Ok(Database::Absent | Database::Old) => true,
        Err(_) => !is_whole,
    };
    let has_certificates = match nss::certificates(folder).await {
        Ok(held) => !held.is_empty(),
        Err(_) => is_whole,
    };
    let has_keys = nss::has_keys(folder).await.unwrap_or(is_whole);
    is_empty && !has_certificates && !has_keys
}

struct DatabaseChange<'a> {
    folder: &'a Path,
    before: &'a BTreeMap<String, Saved>,
    added: &'a [Module],
    removed: &'a [Module],
    certificates: &'a [String],
    done: Option<&'a Prints>,
}

impl DatabaseChange<'_> {
    async fn undo(&self, record: &Record, force: Force) -> Result<Undone, SetupFault> {
        if !self.folder.is_dir() {
            return Ok(Undone::ByContent);
        }
        let touched = if self.certificates.is_empty() {
            &FILES[..1]
        } else {
            &FILES
        };
        remove_rests(self.folder)?;
        let before = self.before.iter();
        let before: Prints = before
            .map(|(file, saved)| (file.clone(), saved.sha256.clone()))
            .collect();
        let is_finished = !database::is_unfinished(self.folder);
        let now = record::prints(self.folder, touched)?;
        if is_finished && now == before {
            return Ok(Undone::AsItWas);
        }
        // An undoing that was interrupted has put some of them back.
        let is_known = |done: &Prints| {
            let mut files = touched.iter().copied();
            files.all(|file| {
                let now = now.get(file);
                now == before.get(file) || now == done.get(file)
            })
        };
        if is_finished && self.done.is_some_and(is_known) {
            for file in touched {
                put_back(record, &self.folder.join(file), self.before.get(*file))?;
            }
            return Ok(Undone::AsItWas);
        }
        if let Some(why) = self.take_out_modules(record, force).await? {
            return Ok(Undone::Kept(why));
        }
        self.take_out_certificates().await?;
        let now = record::prints(self.folder, touched)?;
        Ok(if now == before {
            Undone::AsItWas
        } else {
            Undone::ByContent
        })
    }

    /// Why it cannot be done, if it cannot.
    async fn take_out_modules(
        &self,
        record: &Record,
        force: Force,
    ) -> Result<Option<String>, SetupFault> {
        let path = self.folder.join(MODULES);
        let saved = self.before.get(MODULES);
        let there = match database::look(self.folder) {
            Ok(Database::Present(there)) => there,
            Ok(Database::Absent | Database::Old) => Vec::new(),
            // Half of what modutil was to write when it was interrupted.
            Err(_) if self.done.is_none() || force == Force::Everything => {
                put_back(record, &path, saved)?;
                return Ok(None);
            }
            Err(fault) => {
                return Ok(Some(format!(
                    "{} was changed by somebody since, and cannot be read: {}",
                    path.display(),
                    cac_common::error_chain::Chain(&fault)
                )));
            }
        };
        for module in self.added.iter().filter(|module| there.contains(module)) {
            nss::delete_module(self.folder, &module.name).await?;
        }
        let is_gone = |module: &&Module| there.iter().all(|it| it.name != module.name);
        for module in self.removed.iter().filter(is_gone) {
            nss::add_module(self.folder, module).await?;
        }
        if let Some(saved) = saved {
            let was = record.saved(saved)?;
            let now = database::look(self.folder);
            let is_same = matches!(
                (now, modules::parse(&was.bytes)),
                (Ok(Database::Present(now)), Ok(was)) if now == was
            );
            if is_same {
                put_back(record, &path, Some(saved))?;
            }
        }
        Ok(None)
    }

    async fn take_out_certificates(&self) -> Result<(), SetupFault> {
        if self.certificates.is_empty() {
            return Ok(());
        }
        for held in nss::certificates(self.folder).await? {
            if self.certificates.contains(&held.nickname) {
                nss::delete_certificate(self.folder, &held.nickname).await?;
            }
        }
        Ok(())
    }
}
