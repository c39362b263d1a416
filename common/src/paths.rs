//! Where the socket, the database and the configuration lie: for the system
//! service, or for one user who runs it for themselves.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names a socket other than the usual one, for the daemon and for cacctl.
pub const SOCKET_VARIABLE: &str = "CACD_SOCKET";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub socket: PathBuf,
    /// The database and the key that hashes the DoD ID.
    pub state: PathBuf,
    /// `cacd.toml` and `portals.d`.
    pub configuration: PathBuf,
}

/// No folder of the user's own is known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not set; name the folders with --socket, --state and --config")]
pub struct NoPlace(pub &'static str);

impl Paths {
    /// As installed.
    pub fn of_the_system() -> Self {
        Self {
            socket: "/run/cacd/socket".into(),
            state: "/var/lib/cacd".into(),
            configuration: "/etc/cacd".into(),
        }
    }

    /// For a daemon that a user starts by hand (XDG Base Directory Specification 0.8).
    pub fn of_the_user(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoPlace> {
        let absolute = |name| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let below_home = |name, folder: &str| {
            absolute(name)
                .or_else(|| Some(absolute("HOME")?.join(folder)))
                .ok_or(NoPlace("HOME"))
        };
        Ok(Self {
            socket: absolute("XDG_RUNTIME_DIR")
                .ok_or(NoPlace("XDG_RUNTIME_DIR"))?
                .join("cacd/socket"),
            state: below_home("XDG_STATE_HOME", ".local/state")?.join("cacd"),
            configuration: below_home("XDG_CONFIG_HOME", ".config")?.join("cacd"),
        })
    }

    /// The daemon's: the folders systemd made, as root the system's, else the user's.
    pub fn of_the_daemon(
        is_root: bool,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, NoPlace> {
        let from_systemd = |name| {
            // systemd joins several with colons; ours has one of each.
            variable(name)
                .and_then(|value| value.into_string().ok())
                .and_then(|value| value.split(':').next().map(PathBuf::from))
                .filter(|path| path.is_absolute())
        };
        let base = if is_root || variable("STATE_DIRECTORY").is_some() {
            Self::of_the_system()
        } else {
            Self::of_the_user(&variable)?
        };
        Ok(Self {
            socket: from_systemd("RUNTIME_DIRECTORY")
                .map_or(base.socket, |folder| folder.join("socket")),
            state: from_systemd("STATE_DIRECTORY").unwrap_or(base.state),
            configuration: from_systemd("CONFIGURATION_DIRECTORY").unwrap_or(base.configuration),
        })
    }
}

/// The socket that cacctl asks: the one named, else the user's own if it is
/// there, else the system's.
pub fn socket_to_ask(
    named: Option<PathBuf>,
    variable: impl Fn(&str) -> Option<OsString>,
    exists: impl Fn(&Path) -> bool,
) -> PathBuf {
    named
        .or_else(|| variable(SOCKET_VARIABLE).map(PathBuf::from))
        .or_else(|| {
            Paths::of_the_user(&variable)
                .ok()
                .map(|paths| paths.socket)
                .filter(|socket| exists(socket))
        })
        .unwrap_or_else(|| Paths::of_the_system().socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_own_daemon_is_asked_before_the_systems() {
        let variables = |name: &str| (name != SOCKET_VARIABLE).then(|| OsString::from("/u"));

        assert_eq!(
            socket_to_ask(None, variables, |_| true),
            Path::new("/u/cacd/socket")
        );
        assert_eq!(
            socket_to_ask(None, variables, |_| false),
            Path::new("/run/cacd/socket")
        );
    }

    #[test]
    fn the_folders_that_systemd_made_are_used() {
        let variables = |name: &str| match name {
            "STATE_DIRECTORY" => Some(OsString::from("/var/lib/private/cacd")),
            "RUNTIME_DIRECTORY" => Some(OsString::from("/run/cacd:/run/other")),
            _ => None,
        };

        let paths = Paths::of_the_daemon(false, variables).unwrap();

        assert_eq!(paths.state, Path::new("/var/lib/private/cacd"));
        assert_eq!(paths.socket, Path::new("/run/cacd/socket"));
        assert_eq!(paths.configuration, Path::new("/etc/cacd"));
    }

    #[test]
    fn a_plain_user_without_a_runtime_folder_is_told_so() {
        let home_only = |name: &str| (name == "HOME").then(|| OsString::from("/home/jane"));

        assert_eq!(
            Paths::of_the_daemon(false, home_only),
            Err(NoPlace("XDG_RUNTIME_DIR"))
        );
    }
}
