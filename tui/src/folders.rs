//! Where the files of whoever runs this lie (XDG Base Directory Specification 0.8).

use std::ffi::OsString;
use std::path::PathBuf;

/// What they set for themselves, if there is a place for it.
pub(crate) fn configuration(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(variable, "XDG_CONFIG_HOME", ".config")
}

/// What programs keep for them, if there is a place for it.
pub(crate) fn data(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(variable, "XDG_DATA_HOME", ".local/share")
}

/// GnuPG's (gpg(1), GNUPGHOME), if there is a place for it.
pub(crate) fn gnupg(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(variable, "GNUPGHOME", ".gnupg")
}

/// What is kept from one login to the next, if there is a place for it.
pub(crate) fn state(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    folder(variable, "XDG_STATE_HOME", ".local/state")
}

/// A path that is not absolute is none.
fn folder(
    variable: impl Fn(&str) -> Option<OsString>,
    name: &str,
    at_home: &str,
) -> Option<PathBuf> {
    let absolute = |name| {
        let folder = variable(name).map(PathBuf::from);
        folder.filter(|path| path.is_absolute())
    };
    absolute(name).or_else(|| Some(absolute("HOME")?.join(at_home)))
}
