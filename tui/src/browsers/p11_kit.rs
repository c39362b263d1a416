//! p11-kit's list of modules, as its files tell it (pkcs11.conf(5)).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cac_common::bounded_file;

use super::modules::Module;

const OF_PACKAGES: &str = "usr/share/p11-kit/modules";
pub(crate) const OF_ADMINISTRATORS: &str = "etc/pkcs11/modules";

/// Below the folder of a user's configuration.
const OF_USERS: &str = "pkcs11/modules";

/// Whether what users set counts: `none`, `merge` or `only`.
pub(crate) const CONFIGURATION: &str = "etc/pkcs11/pkcs11.conf";

const LARGEST_FILE: u64 = 64 * 1024;
const MOST_FILES: usize = 1000;

/// The file that names OpenSC's module, if one does.
pub(crate) fn opensc(configured: &[(PathBuf, String)]) -> Option<&Path> {
    let is_opensc = |library: &str| {
        let module = Module {
            name: String::new(),
            library: library.to_owned(),
        };
        module.is_opensc()
    };
    let mut files = configured.iter();
    let (file, _) = files.find(|(_, library)| is_opensc(library))?;
    Some(file)
}

/// Which library each file names; a file of a user counts in place of one of
/// the system that has its name.
pub(crate) fn configured(root: &Path, configuration: Option<&Path>) -> Vec<(PathBuf, String)> {
    let own = configuration.filter(|_| !users_count_for_nothing(root));
    let own = own.map(|configuration| configuration.join(OF_USERS));
    let mut configured: Vec<(PathBuf, String)> = Vec::new();
    for folder in [OF_PACKAGES, OF_ADMINISTRATORS]
        .map(|below| root.join(below))
        .into_iter()
        .chain(own)
    {
        let entries = fs::read_dir(folder).into_iter().flatten();
        for entry in entries.take(MOST_FILES).flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|end| end != "module") {
                continue;
            }
            let library = setting(&path, "module");
            configured.retain(|(known, _)| known.file_name() != path.file_name());
            if let Some(library) = library {
                configured.push((path, library));
            }
        }
    }
    configured.sort();
    configured
}

pub(crate) fn users_count_for_nothing(root: &Path) -> bool {
    setting(&root.join(CONFIGURATION), "user-config").is_some_and(|value| value == "none")
}

/// `key: value`; a file that cannot be read says nothing to p11-kit either.
fn setting(path: &Path, wanted: &str) -> Option<String> {
    let bytes: io::Result<Vec<u8>> = bounded_file::read(path, LARGEST_FILE);
    let text = String::from_utf8(bytes.ok()?).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == wanted).then(|| value.trim().to_owned())
    })
}
