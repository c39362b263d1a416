//! Libraries of the system, where distributions install them.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of libraries on the systems there are, besides those of Debian,
/// which carry the name of the machine (`/usr/lib/x86_64-linux-gnu`).
const FOLDERS: [&str; 3] = ["usr/lib64", "usr/lib", "usr/local/lib"];

/// A module lies in a folder of libraries or in one of these.
const BELOW: [&str; 3] = ["", "pkcs11", "opensc"];

/// Entries of `/usr/lib` that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// The first of these files that is there, below `/` or what a test has for it.
pub(crate) fn find(root: &Path, files: &[&str]) -> Option<PathBuf> {
    let named = fs::read_dir(root.join("usr/lib")).into_iter().flatten();
    let mut named: Vec<PathBuf> = named
        .take(MOST_ENTRIES)
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("-linux-"))
        .map(|entry| entry.path())
        .collect();
    named.sort_by_key(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        // Of several machines whose libraries are installed ours is the one to load.
        (!name.starts_with(std::env::consts::ARCH), folder.clone())
    });
    named
        .into_iter()
        .chain(FOLDERS.map(|below| root.join(below)))
        .flat_map(|folder| BELOW.map(|below| folder.join(below)))
        .flat_map(|folder| files.iter().map(move |name| folder.join(name)))
        .find(|path| path.is_file())
}
