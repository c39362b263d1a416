//! Puts back what was there, the last change first.
//!
//! A change may have been interrupted at any moment, and so may an undoing:
//! what is there now decides what is left to do. What somebody has changed
//! since is not written over, unless that is wanted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cac_common::bundle::{self, sha256};
use cac_common::identity::readable;

use super::apply::{FILES, files};
use super::fault::SetupFault;
use super::places::Places;
use super::record::{self, Change, Entry, FileChange, Prints, Record, Saved, Trusted};
use super::write;
use crate::browsers::database::{self, CERTIFICATES, Database, MODULES};
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
    /// The browser has used its database since; ours was taken out of it, and
    /// this of what was there before is not put back: clauses.
    ByContent(Vec<String>),
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
            trusted,
        } => {
            refuse_running(places, *family)?;
            let change = DatabaseChange {
                folder,
                before,
                added,
                removed,
                certificates,
                trusted,
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
        return Ok(Undone::ByContent(Vec::new()));
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
    trusted: &'a [Trusted],
    done: Option<&'a Prints>,
}

impl DatabaseChange<'_> {
    async fn undo(&self, record: &Record, force: Force) -> Result<Undone, SetupFault> {
        if !self.folder.is_dir() {
            return Ok(Undone::ByContent(Vec::new()));
        }
        let touched = files(self.certificates.is_empty() && self.trusted.is_empty());
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
        let mut left = Vec::new();
        if let Some(why) = self.take_out_modules(record, force, &mut left).await? {
            return Ok(Undone::Kept(why));
        }
        // Without it, there is nothing in it.
        if self.folder.join(CERTIFICATES).exists() {
            self.take_out_certificates().await?;
            self.take_back_trust(record, &mut left).await?;
        }
        let now = record::prints(self.folder, touched)?;
        Ok(if now == before {
            Undone::AsItWas
        } else {
            Undone::ByContent(left)
        })
    }

    /// Why it cannot be done, if it cannot.
    async fn take_out_modules(
        &self,
        record: &Record,
        force: Force,
        left: &mut Vec<String>,
    ) -> Result<Option<String>, SetupFault> {
        // Certificates alone, and the list of modules is somebody else's.
        if self.added.is_empty() && self.removed.is_empty() {
            return Ok(None);
        }
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
        if let Some(saved) = saved {
            let was = modules::parse(&record.saved(saved)?.bytes).unwrap_or_default();
            let is_half_written = self.done.is_none() && there.is_empty();
            if is_half_written || self.is_ours_alone(&was, &there) {
                put_back(record, &path, Some(saved))?;
                return Ok(None);
            }
        }
        for module in self.added.iter().filter(|module| there.contains(module)) {
            nss::delete_module(self.folder, &module.name).await?;
        }
        // Somebody has changed the list since, and has seen it without them.
        let is_gone = |module: &&Module| there.iter().all(|it| it.name != module.name);
        for module in self.removed.iter().filter(is_gone) {
            left.push(format!(
                "the module {:?} ({}) is not put back, since the list of modules was changed since; modutil -dbdir sql:{} -add would",
                readable(&module.name),
                readable(&module.library),
                self.folder.display()
            ));
        }
        Ok(None)
    }

    /// Whether the list of modules differs from what it was by this change
    /// alone; by a part of it, where it was interrupted.
    fn is_ours_alone(&self, was: &[Module], now: &[Module]) -> bool {
        let is_one_of = |list: &[Module], module: &Module| list.contains(module);
        let of_others = now.iter().filter(|it| !is_one_of(self.added, it));
        let others_are_as_they_were = of_others.clone().all(|it| is_one_of(was, it));
        let kept = was.iter().filter(|it| !is_one_of(self.removed, it));
        let none_is_missing = kept.clone().all(|it| is_one_of(now, it));
        let is_whole =
            of_others.count() == kept.count() && self.added.iter().all(|it| is_one_of(now, it));
        others_are_as_they_were && none_is_missing && (self.done.is_none() || is_whole)
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

    /// What somebody has set since stays.
    async fn take_back_trust(
        &self,
        record: &Record,
        left: &mut Vec<String>,
    ) -> Result<(), SetupFault> {
        if self.trusted.is_empty() {
            return Ok(());
        }
        let there = nss::named(self.folder, usize::MAX).await?;
        for trusted in self.trusted {
            let certificates = bundle::read(trusted.certificate.as_bytes()).unwrap_or_default();
            let Some(certificate) = certificates.first() else {
                continue;
            };
            let Some(held) = there.iter().find(|it| it.has(certificate.der())) else {
                continue;
            };
            let Some(trust) = held.trust() else {
                left.push(format!(
                    "{} is left as it is: several certificates have the name, and are trusted differently",
                    readable(&held.nickname)
                ));
                continue;
            };
            if !nss::is_same_trust(trust, &trusted.given) {
                continue;
            }
            if nss::is_locked(self.folder).await {
                return Err(SetupFault::Locked {
                    path: self.folder.to_owned(),
                });
            }
            let file = record.scratch(certificate.der())?;
            nss::add_certificate(self.folder, &held.nickname, &trusted.before, &file).await?;
        }
        Ok(())
    }
}
