//! `cacctl trust import`: shows what is in a file, has somebody say yes to its
//! roots, and writes it into the folder, whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use cac_common::bundle;
use cac_common::x509::Certificate;
use jiff::tz::TimeZone;

use crate::cli::{Digest, FileName, TrustImport};
use crate::command::ask_yes;
use crate::failure::{Exit, Failure};
use crate::print::table::hanging;
use crate::print::trust::{Imported, Shown, show};
use crate::sheet::Sheet;
use crate::trust::{ANCHORS, Content, Origin, Supplied};
use crate::{clock, print};

/// Everyone may read who is trusted, the daemon's user among them.
const FILE_MODE: u32 = 0o644;
const FOLDER_MODE: u32 = 0o755;

pub(super) async fn run(
    socket: &Path,
    wanted: &TrustImport,
    sheet: Sheet,
) -> Result<Exit, Failure> {
    let (folder, held) = super::held(&wanted.place, socket)?;
    let supplied = Supplied::read(&wanted.file)?;
    let roots: Vec<&Certificate> = supplied.roots().collect();
    let is_compared = !wanted.digest.is_empty();
    if is_compared {
        compare(&supplied, &roots, &wanted.digest)?;
    }
    let place = if roots.is_empty() {
        folder.clone()
    } else {
        folder.join(ANCHORS)
    };
    let name = wanted.name.clone().unwrap_or_else(|| {
        let stem = wanted.file.file_stem().unwrap_or_default();
        FileName::near(&stem.to_string_lossy())
    });
    let target = place.join(format!("{}.pem", name.0));
    let shown = Shown::of(&supplied, &held, clock::now());
    let is_new = supplied.certificates.iter().any(|one| !held.has(one));
    if is_new {
        may_be_written(&target, wanted.replace)?;
        if !is_compared && !roots.is_empty() {
            confirm(&shown, wanted, sheet).await?;
        }
        write(&folder, &target, &supplied)?;
    }
    let imported = Imported {
        folder: folder.display().to_string(),
        into: is_new.then(|| target.display().to_string()),
        shown,
    };
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &imported)?;
    } else if !sheet.quiet {
        if is_compared && is_new {
            show(&mut out, &imported.shown, sheet, &TimeZone::system())?;
            print::line(&mut out, "")?;
        }
        hanging(&mut out, sheet, "", &imported.told())?;
    }
    Ok(Exit::Fine)
}

/// The file has to be one that was named, or else each of its roots.
fn compare(supplied: &Supplied, roots: &[&Certificate], digests: &[Digest]) -> Result<(), Failure> {
    let is_named = |sha256: &str| digests.iter().any(|digest| digest.0 == sha256);
    if is_named(&supplied.sha256) {
        return Ok(());
    }
    let others = roots.iter().map(|root| bundle::sha256(root.der()));
    let others: Vec<String> = others.filter(|sha256| !is_named(sha256)).collect();
    if roots.is_empty() || !others.is_empty() {
        return Err(Failure::OtherDigest {
            path: supplied.path.clone(),
            sha256: supplied.sha256.clone(),
            roots: others,
        });
    }
    Ok(())
}

/// Shows it to a person, who says yes.
async fn confirm(shown: &Shown, wanted: &TrustImport, sheet: Sheet) -> Result<(), Failure> {
    if wanted.json || !io::stdin().is_terminal() {
        return Err(Failure::RootsNotCompared);
    }
    // With the question, wherever standard output goes.
    let mut text = Vec::new();
    show(&mut text, shown, sheet, &TimeZone::system())?;
    let question = format!(
        "{}\nCompare the SHA-256 of each root with what its publisher names. Are they right, and is whatever they sign to be trusted? [y/N] ",
        String::from_utf8_lossy(&text)
    );
    if ask_yes::ask(&question).await? {
        Ok(())
    } else {
        Err(Failure::RootsNotConfirmed)
    }
}

/// Nothing that somebody else put there is lost, and what was imported before
/// only where that is wanted.
fn may_be_written(target: &Path, replace: bool) -> Result<(), Failure> {
    let there = fs::symlink_metadata(target);
    let is_ours = there.as_ref().is_ok_and(fs::Metadata::is_file)
        && Content::read(target).is_ok_and(|content| content.origin.is_some());
    let path = target.to_owned();
    match (there, is_ours) {
        (Err(_), _) => Ok(()),
        (Ok(_), false) => Err(Failure::NotImported { path }),
        (Ok(_), true) if replace => Ok(()),
        (Ok(_), true) => Err(Failure::WouldReplace { path }),
    }
}

fn write(folder: &Path, target: &Path, supplied: &Supplied) -> Result<(), Failure> {
    put(target, supplied).map_err(|source| {
        if source.kind() == io::ErrorKind::PermissionDenied {
            return Failure::NotYourFolder {
                path: folder.to_owned(),
            };
        }
        Failure::File {
            path: target.to_owned(),
            source,
        }
    })
}

/// Under another name first, which no daemon reads.
fn put(target: &Path, supplied: &Supplied) -> io::Result<()> {
    let place = target.parent().ok_or(io::ErrorKind::NotFound)?;
    make(place)?;
    let origin = Origin {
        from: supplied.name(),
        sha256: supplied.sha256.clone(),
        at: clock::now(),
    };
    let certificates = supplied.certificates.iter().map(Certificate::pem);
    let text: String = std::iter::once(origin.lines())
        .chain(certificates)
        .collect();
    let unfinished = Unfinished(place.join(format!(".import-{}", std::process::id())));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&unfinished.0)?;
    file.write_all(text.as_bytes())?;
    // Whatever the umask is.
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.sync_all()?;
    fs::rename(&unfinished.0, target)?;
    File::open(place)?.sync_all()
}

/// The folder, and those above it that are missing.
fn make(place: &Path) -> io::Result<()> {
    if place.is_dir() {
        return Ok(());
    }
    if let Some(above) = place.parent() {
        make(above)?;
    }
    DirBuilder::new().create(place)?;
    fs::set_permissions(place, Permissions::from_mode(FOLDER_MODE))
}

/// Gone when it is dropped, unless it has its name by then.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
