//! Files as they were and as they are to be: read without surprises, and
//! replaced in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use rustix::fs::OFlags;
use rustix::process::geteuid;

use super::fault::SetupFault;

/// A browser's database of certificates has some MB where it is large.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// What the name of a file in the making ends in; it begins with a dot.
const UNFINISHED: &str = ".cacctl-setup";

/// The part of a mode that is set; the rest is the kind of file.
const MODE: u32 = 0o7777;

/// Others than owner and group may write.
const WRITABLE_FOR_ALL: u32 = 0o002;

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) bytes: Vec<u8>,
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
}

/// Where a file really lies. A link is followed only to a file of our own:
/// whoever runs this may have rights that the maker of the link has not.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, SetupFault> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink());
    let path = if is_link {
        fs::canonicalize(path).map_err(SetupFault::file(path, "followed"))?
    } else {
        path.to_owned()
    };
    let folder = path.ancestors().skip(1).find(|folder| folder.exists());
    let there = [Some(path.as_path()).filter(|path| path.exists()), folder];
    for path in there.into_iter().flatten() {
        let found = fs::metadata(path).map_err(SetupFault::file(path, "looked at"))?;
        if found.uid() != geteuid().as_raw() || found.mode() & WRITABLE_FOR_ALL != 0 {
            return Err(SetupFault::Foreign {
                path: path.to_owned(),
            });
        }
    }
    Ok(path)
}

/// What is there, if anything; a link counts as something else.
pub(super) fn look(path: &Path) -> io::Result<Option<Present>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !found.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    Ok(Some(Present {
        bytes: bounded_file::read(path, LARGEST_FILE)?,
        mode: found.mode() & MODE,
        owner: found.uid(),
        group: found.gid(),
    }))
}

/// Takes the place of what is there, in one step, with its folder synced.
pub(super) fn replace(path: &Path, wanted: &Present) -> io::Result<()> {
    let new = unfinished(path)?;
    remove(&new)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&new)?;
    file.write_all(&wanted.bytes)?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (wanted.owner, wanted.group) {
        std::os::unix::fs::fchown(&file, Some(wanted.owner), Some(wanted.group))?;
    }
    file.set_permissions(fs::Permissions::from_mode(wanted.mode))?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder_of(path)
}

/// It may be gone already. What was left of a replacement goes too.
pub(super) fn remove_with_rest(path: &Path) -> io::Result<()> {
    remove(&unfinished(path)?)?;
    remove(path)?;
    match sync_folder_of(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// What a replacement that was killed may have left.
pub(super) fn remove_rest(path: &Path) -> io::Result<()> {
    remove(&unfinished(path)?)
}

pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// The folders above a path that are not there yet, the outermost first.
pub(super) fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let missing = path.ancestors().skip(1).take_while(|it| !it.exists());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    missing.reverse();
    missing
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

/// What a file in the making is to be called; any other is called as it is.
pub(super) fn name_of_whole(name: &str) -> &str {
    let whole = name.strip_prefix('.');
    let whole = whole.and_then(|name| name.strip_suffix(UNFINISHED));
    whole.unwrap_or(name)
}

/// Beside the file, so that it can take its name.
fn unfinished(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut new = std::ffi::OsString::from(".");
    new.push(name);
    new.push(UNFINISHED);
    Ok(path.with_file_name(new))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn present(bytes: &[u8], mode: u32) -> Present {
        Present {
            bytes: bytes.to_vec(),
            mode,
            owner: geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
        }
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        // As one that was killed left it.
        fs::write(folder.path().join(".a.cacctl-setup"), "half").unwrap();

        replace(&path, &present(b"new", 0o640)).unwrap();

        assert_eq!(look(&path).unwrap(), Some(present(b"new", 0o640)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_not_looked_through() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        fs::write(folder.path().join("a"), "text").unwrap();
        symlink(folder.path().join("a"), &link).unwrap();

        assert!(look(&link).is_err());
        assert_eq!(
            resolved(&link).unwrap(),
            fs::canonicalize(folder.path().join("a")).unwrap()
        );
    }

    #[test]
    fn nothing_is_written_where_others_may_write() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();

        for path in [open.join("a"), open.join("not-there/a")] {
            let refused = resolved(&path);
            assert!(
                matches!(refused, Err(SetupFault::Foreign { .. })),
                "{path:?}"
            );
        }
    }

    #[test]
    fn folders_that_are_missing_are_told_from_the_outside_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();

        assert_eq!(
            missing_folders(&path.join("a/b/c")),
            [path.join("a"), path.join("a/b")]
        );
        assert!(missing_folders(&path.join("c")).is_empty());
    }
}
