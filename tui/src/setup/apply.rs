//! Does what is planned, each thing written down first.

use std::collections::BTreeMap;
use std::path::Path;

use cac_common::bundle::sha256;

use super::fault::SetupFault;
use super::places::Places;
use super::plan::{Action, DatabaseAction, NewFile, NewTrust};
use super::record::{self, Change, FileChange, Prints, Record, Trusted};
use super::undo;
use super::write::{self, Present};
use crate::browsers::database::{self, CERTIFICATES, Database, KEYS, MODULES};
use crate::browsers::running::running;
use crate::browsers::{nss, tool};

/// The files of a database.
pub(super) const FILES: [&str; 3] = [MODULES, CERTIFICATES, KEYS];

/// Those that a change touches.
pub(super) fn files(of_modules_alone: bool) -> &'static [&'static str] {
    if of_modules_alone {
        &FILES[..1]
    } else {
        &FILES
    }
}

/// Which step a change is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) step: &'static str,
    pub(super) about: &'a str,
}

/// Does it all or, as far as can be, nothing.
pub(super) async fn apply(
    record: &mut Record,
    places: &Places,
    named: Named<'_>,
    action: Action,
) -> Result<(), SetupFault> {
    let begun = record.entries().last().map_or(0, |entry| entry.id);
    let applied = match action {
        Action::Write { files, refresh } => write_files(record, named, &files, refresh).await,
        Action::Database(action) => change_database(record, places, named, &action).await,
    };
    if applied.is_err() {
        // What cannot be undone now stays in the record, to be undone later.
        let _ = undo::since(record, places, begun).await;
    }
    applied
}

async fn write_files(
    record: &mut Record,
    named: Named<'_>,
    files: &[NewFile],
    refresh: Option<&str>,
) -> Result<(), SetupFault> {
    let mut folders = Vec::new();
    let mut changes = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let there = write::look(&file.path).map_err(SetupFault::file(&file.path, "read"))?;
        if there != file.from {
            return Err(SetupFault::ChangedMeanwhile {
                path: file.path.clone(),
            });
        }
        for folder in write::missing_folders(&file.path) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        changes.push(FileChange {
            path: file.path.clone(),
            before: there.map(|there| record.save(number, &there)).transpose()?,
            after: sha256(&file.bytes),
        });
    }
    let change = Change::Files {
        folders: folders.clone(),
        files: changes,
        refresh: refresh.map(str::to_owned),
    };
    let id = record.begin(named.step, named.about, change)?;
    record::make_folders(&folders)?;
    for file in files {
        write::replace(&file.path, &wanted(file))
            .map_err(SetupFault::file(&file.path, "written"))?;
    }
    if let Some(program) = refresh {
        tool::run(program, [""; 0]).await?;
    }
    record.done(id, Prints::new())
}

fn wanted(file: &NewFile) -> Present {
    match &file.from {
        Some(from) => Present {
            bytes: file.bytes.clone(),
            ..from.clone()
        },
        None => Present {
            bytes: file.bytes.clone(),
            mode: file.mode,
            owner: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        },
    }
}

async fn change_database(
    record: &mut Record,
    places: &Places,
    named: Named<'_>,
    action: &DatabaseAction,
) -> Result<(), SetupFault> {
    let folder = &action.folder;
    if let Some(browser) = running(&places.processes, &places.home.folder, action.family) {
        return Err(SetupFault::Running { browser });
    }
    if database::is_unfinished(folder) {
        return Err(SetupFault::Unfinished {
            path: folder.clone(),
        });
    }
    // Another step may have made it since.
    if action.is_new && matches!(database::look(folder), Ok(Database::Absent)) {
        make_database(record, named, action).await?;
    }
    let touches_modules_alone = action.certificates.is_empty() && action.trusted.is_empty();
    let touched = files(touches_modules_alone);
    let mut before = BTreeMap::new();
    for (number, file) in touched.iter().enumerate() {
        let path = folder.join(file);
        let there = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
        if let Some(there) = there {
            before.insert((*file).to_owned(), record.save(number, &there)?);
        }
    }
    let certificates = action.certificates.iter();
    let change = Change::Database {
        family: action.family,
        folder: folder.clone(),
        before,
        added: action.added.clone(),
        removed: action.removed.clone(),
        certificates: certificates.map(|new| new.nickname.clone()).collect(),
        trusted: action.trusted.iter().map(trusted).collect(),
    };
    let id = record.begin(named.step, named.about, change)?;
    for new in &action.certificates {
        let file = record.scratch(new.certificate.der())?;
        nss::add_certificate(folder, &new.nickname, new.trust, &file).await?;
    }
    for new in &action.trusted {
        let file = record.scratch(new.certificate.der())?;
        let given = nss::as_anchor(&new.before);
        nss::add_certificate(folder, &new.nickname, &given, &file).await?;
    }
    for module in &action.removed {
        nss::delete_module(folder, &module.name).await?;
    }
    for module in &action.added {
        nss::add_module(folder, module).await?;
    }
    verify(folder, action).await?;
    record.done(id, record::prints(folder, touched)?)
}

fn trusted(new: &NewTrust) -> Trusted {
    Trusted {
        nickname: new.nickname.clone(),
        certificate: new.certificate.pem(),
        before: new.before.clone(),
        given: nss::as_anchor(&new.before),
    }
}

async fn make_database(
    record: &mut Record,
    named: Named<'_>,
    action: &DatabaseAction,
) -> Result<(), SetupFault> {
    let folder = &action.folder;
    let folders = write::missing_folders(&folder.join(MODULES));
    let change = Change::NewDatabase {
        family: action.family,
        folders: folders.clone(),
        folder: folder.clone(),
    };
    let id = record.begin(named.step, named.about, change)?;
    record::make_folders(&folders)?;
    nss::create(folder).await?;
    record.done(id, record::prints(folder, &FILES)?)
}

/// That the tools ended well is not taken for it.
async fn verify(folder: &Path, action: &DatabaseAction) -> Result<(), SetupFault> {
    let Ok(Database::Present(modules)) = database::look(folder) else {
        return Err(SetupFault::NoEffect {
            what: format!("modutil has written {}", folder.join(MODULES).display()),
        });
    };
    let missing = action.added.iter().find(|module| !modules.contains(module));
    let left = action
        .removed
        .iter()
        .find(|module| modules.contains(module));
    if let Some(module) = missing.or(left) {
        return Err(SetupFault::NoEffect {
            what: format!("modutil has changed the module {:?}", module.name),
        });
    }
    if action.certificates.is_empty() && action.trusted.is_empty() {
        return Ok(());
    }
    let held = nss::certificates(folder).await?;
    let is_so = |nickname: &str, trust: &str| {
        let mut held = held.iter();
        held.any(|held| held.nickname == nickname && nss::is_same_trust(&held.trust, trust))
    };
    let added = action.certificates.iter();
    let added = added.map(|new| (&new.nickname, new.trust.to_owned()));
    let trusted = action.trusted.iter();
    let trusted = trusted.map(|new| (&new.nickname, nss::as_anchor(&new.before)));
    let mut wanted = added.chain(trusted);
    match wanted.find(|(nickname, trust)| !is_so(nickname, trust)) {
        None => Ok(()),
        Some((nickname, _)) => Err(SetupFault::NoEffect {
            what: format!("certutil has added {nickname}"),
        }),
    }
}
