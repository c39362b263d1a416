//! The authorities that lie in the daemon's folder, as whoever asks can read
//! them: which are trusted, where they came from, and what is odd about them.

mod origin;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use cac_common::bounded_file;
use cac_common::bundle::{self, ENDINGS, LARGEST_FILE, archive};
use cac_common::identity::readable;
use cac_common::paths::Paths;
use cac_common::time::UtcSeconds;
use cac_common::x509::Certificate;
use cac_common::x509::signature::SignatureFault;
use serde::{Deserialize, Serialize};

pub use self::origin::Origin;
use crate::failure::Failure;
use crate::phrase::counted;

/// The folder of those that are trusted, in that of all.
pub(crate) const ANCHORS: &str = "anchors";

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 2000;

/// As many as the daemon takes.
const MOST_CERTIFICATES: usize = 2000;

/// The DoD appoints new issuing authorities every year or two, so a file whose
/// newest is older than this misses some.
const OLD: i64 = 2 * 365 * 24 * 60 * 60;

/// Everything in the folder.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// In the order of their names, the anchors first.
    pub(crate) files: Vec<HeldFile>,
}

/// A file of the folder.
#[derive(Debug)]
pub(crate) struct HeldFile {
    /// Below the folder: `anchors/dod.pem`. Fit to be shown.
    pub(crate) name: String,
    /// What signs itself in it is trusted.
    pub(crate) is_anchor: bool,
    pub(crate) modified: Option<UtcSeconds>,
    /// Or why it cannot be used, which the daemon does not either.
    pub(crate) content: Result<Content, String>,
}

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Content {
    /// Of the file, hexadecimal.
    pub(crate) sha256: String,
    /// Where it came from, if it was imported.
    pub(crate) origin: Option<Origin>,
    pub(crate) certificates: Vec<Certificate>,
}

/// A file that somebody names, in the folder or not, or an archive of such.
#[derive(Debug)]
pub(crate) struct Supplied {
    pub(crate) path: PathBuf,
    /// Of the file, hexadecimal.
    pub(crate) sha256: String,
    pub(crate) origin: Option<Origin>,
    /// Each once.
    pub(crate) certificates: Vec<Certificate>,
}

/// What an authority is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It signs itself, and is trusted.
    Anchor,
    /// It signs itself, and is not trusted.
    Root,
    /// Another certificate of an authority that is here too: same name, same key,
    /// another issuer.
    CrossCertificate,
    /// It leads up to others.
    Issuing,
    /// No authority at all.
    EndEntity,
}

/// One certificate, for a person and for `--json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    pub subject: String,
    pub issuer: String,
    /// Hexadecimal.
    pub serial: String,
    pub not_before: UtcSeconds,
    pub not_after: UtcSeconds,
    /// Of the certificate, hexadecimal.
    pub sha256: String,
    pub role: Role,
}

/// The folder of the daemon that has this socket.
pub(crate) fn folder(
    named: Option<&Path>,
    socket: &Path,
    variable: impl Fn(&str) -> Option<std::ffi::OsString>,
) -> PathBuf {
    let own = Paths::of_the_user(variable).ok();
    let own = own.filter(|paths| paths.socket == socket);
    let paths = own.unwrap_or_else(Paths::of_the_system);
    named.map_or_else(|| paths.configuration.join("trust"), Path::to_owned)
}

impl Held {
    /// One that is not there is empty.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        let mut room = MOST_CERTIFICATES;
        for (below, is_anchor) in [(Some(ANCHORS), true), (None, false)] {
            let place = below.map_or_else(|| folder.to_owned(), |name| folder.join(name));
            for path in files_of(&place)? {
                files.push(HeldFile::read(&path, below, is_anchor).within(&mut room));
            }
        }
        Ok(Self { files })
    }

    pub(crate) fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        let contents = self
            .files
            .iter()
            .filter_map(|file| file.content.as_ref().ok());
        contents.flat_map(|content| &content.certificates)
    }

    /// Those that are trusted.
    pub(crate) fn anchors(&self) -> impl Iterator<Item = &Certificate> {
        let files = self.files.iter().filter(|file| file.is_anchor);
        let contents = files.filter_map(|file| file.content.as_ref().ok());
        let certificates = contents.flat_map(|content| &content.certificates);
        certificates.filter(|one| one.is_self_signed_authority())
    }

    /// Whether importing it would change nothing.
    pub(crate) fn has(&self, certificate: &Certificate) -> bool {
        if certificate.is_self_signed_authority() {
            return self.anchors().any(|anchor| anchor == certificate);
        }
        self.certificates().any(|one| one == certificate)
    }

    /// Whether an authority has the name that a card names as its issuer.
    pub(crate) fn names(&self, issuer: &str) -> bool {
        self.certificates()
            .any(|one| one.extensions.is_authority && one.title() == issuer)
    }

    /// With what they are among all that lie here.
    pub(crate) fn authorities(&self, certificates: &[Certificate]) -> Vec<Authority> {
        let anchors: Vec<&Certificate> = self.anchors().collect();
        let all: Vec<&Certificate> = self.certificates().chain(certificates).collect();
        let described = certificates.iter().map(|one| Authority {
            subject: readable(one.title()),
            issuer: readable(&one.issuer.title),
            serial: bundle::hexadecimal(&one.serial),
            not_before: one.not_before,
            not_after: one.not_after,
            sha256: bundle::sha256(one.der()),
            role: role(one, &anchors, &all),
        });
        described.collect()
    }
}

fn role(one: &Certificate, anchors: &[&Certificate], all: &[&Certificate]) -> Role {
    if one.is_self_signed_authority() {
        return if anchors.contains(&one) {
            Role::Anchor
        } else {
            Role::Root
        };
    }
    if !one.extensions.is_authority {
        return Role::EndEntity;
    }
    let is_the_same =
        |other: &&&Certificate| other.is_same_authority(one) && !other.issuer.is_same(&one.issuer);
    if all.iter().any(|other| is_the_same(&other)) {
        Role::CrossCertificate
    } else {
        Role::Issuing
    }
}

impl HeldFile {
    fn read(path: &Path, below: Option<&str>, is_anchor: bool) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = below.map_or_else(|| name.to_string(), |below| format!("{below}/{name}"));
        let modified = fs::metadata(path).and_then(|it| it.modified()).ok();
        let modified = modified
            .and_then(|at| at.duration_since(UNIX_EPOCH).ok())
            .and_then(|at| i64::try_from(at.as_secs()).ok());
        Self {
            name: readable(&name),
            is_anchor,
            modified: modified.map(UtcSeconds),
            content: Content::read(path),
        }
    }

    /// Left out where there are too many certificates before it.
    fn within(mut self, room: &mut usize) -> Self {
        let count = self.content.as_ref().map_or(0, |it| it.certificates.len());
        match room.checked_sub(count) {
            Some(left) => *room = left,
            None => {
                self.content = Err(format!(
                    "there are {MOST_CERTIFICATES} certificates before it"
                ));
            }
        }
        self
    }

    /// What is odd about it, a sentence each.
    pub(crate) fn warnings(&self, now: UtcSeconds) -> Vec<String> {
        let content = match &self.content {
            Ok(content) => content,
            Err(fault) => return vec![format!("It is left out: {fault}.")],
        };
        let mut warnings = warnings(&content.certificates, now);
        let mut roots = content.certificates.iter();
        if self.is_anchor && !roots.any(Certificate::is_self_signed_authority) {
            warnings.insert(
                0,
                "Nothing in it signs itself, so nothing in it is trusted.".into(),
            );
        }
        warnings
    }
}

impl Supplied {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = bounded_file::read(path, archive::LARGEST_ARCHIVE).map_err(|source| {
            Failure::NotReadable {
                path: path.to_owned(),
                source,
            }
        })?;
        let certificates = archive::read(&bytes).map_err(|fault| Failure::NotABundle {
            path: path.to_owned(),
            fault,
        })?;
        Ok(Self {
            path: path.to_owned(),
            sha256: bundle::sha256(&bytes),
            origin: Origin::of(&bytes),
            certificates,
        })
    }

    pub(crate) fn roots(&self) -> impl Iterator<Item = &Certificate> {
        let certificates = self.certificates.iter();
        certificates.filter(|one| one.is_self_signed_authority())
    }

    /// Without its folder, fit to be shown.
    pub(crate) fn name(&self) -> String {
        readable(&self.path.file_name().unwrap_or_default().to_string_lossy())
    }
}

impl Content {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let bytes = bounded_file::read(path, LARGEST_FILE).map_err(|error| error.to_string())?;
        let certificates = bundle::read(&bytes).map_err(|fault| fault.to_string())?;
        Ok(Self {
            sha256: bundle::sha256(&bytes),
            origin: Origin::of(&bytes),
            certificates,
        })
    }
}

/// What is odd about the authorities of one file, a sentence each.
pub(crate) fn warnings(certificates: &[Certificate], now: UtcSeconds) -> Vec<String> {
    let mut warnings = Vec::new();
    let authorities = || certificates.iter().filter(|it| it.extensions.is_authority);
    let newest = authorities().max_by_key(|it| it.not_before);
    if let Some(newest) = newest.filter(|it| now.0.saturating_sub(it.not_before.0) > OLD) {
        warnings.push(format!(
            "It is old: the newest authority in it, {}, is from more than two years ago. New ones come every year or two, and cards by those are not known here.",
            readable(newest.title())
        ));
    }
    let issuing = || authorities().filter(|it| !it.is_self_issued());
    let ended = issuing().filter(|it| it.not_after < now).count();
    let count = issuing().count();
    if count > 0 && ended == count {
        let told = counted(count as u64, "issuing authority", "issuing authorities");
        warnings.push(format!("It is of the past: {told}, and all have ended."));
    }
    for root in authorities().filter(|it| it.is_self_signed_authority()) {
        let title = readable(root.title());
        if root.not_after < now {
            warnings.push(format!("{title} has ended."));
        }
        if root.verify_signature(&root.key) == Err(SignatureFault::Sha1) {
            warnings.push(format!(
                "{title} signs with SHA-1, which is never trusted: what it issued counts for nothing."
            ));
        }
    }
    warnings
}

/// The files of a folder whose names end as those of authorities do, in order.
fn files_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = entries.take(MOST_ENTRIES).flatten().map(|it| it.path());
    let is_meant = |path: &PathBuf| {
        let ending = path.extension();
        ending.is_some_and(|ending| ENDINGS.iter().any(|one| ending == *one))
    };
    let mut paths: Vec<PathBuf> = paths.filter(is_meant).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests;
