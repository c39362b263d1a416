//! Where things are that setup looks at and changes.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use rustix::process::geteuid;

use super::fault::SetupFault;
use super::plan::Scope;
use crate::browsers::modules::OPENSC;
use crate::browsers::{Home, libraries};
use crate::folders;

/// Of changes for all users.
const RECORD_OF_THE_SYSTEM: &str = "/var/lib/cacd-setup";

#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `/`; a test has another.
    pub(super) root: PathBuf,
    pub(super) home: Home,
    /// `XDG_CONFIG_HOME`
    pub(super) configuration: PathBuf,
    /// `GNUPGHOME`
    pub(super) gnupg: PathBuf,
    /// Where the record is kept.
    pub(super) record: PathBuf,
    pub(super) processes: PathBuf,
}

impl Places {
    pub(crate) fn of(
        scope: Scope,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SetupFault> {
        let absolute = |name: &str| {
            let folder = variable(name).map(PathBuf::from);
            folder.filter(|path| path.is_absolute())
        };
        let home = absolute("HOME").ok_or(SetupFault::NoHome)?;
        let record = match scope {
            Scope::System => {
                if !geteuid().is_root() {
                    return Err(SetupFault::NotRoot);
                }
                RECORD_OF_THE_SYSTEM.into()
            }
            Scope::User => {
                let found = fs::metadata(&home).map_err(SetupFault::file(&home, "looked at"))?;
                if found.uid() != geteuid().as_raw() {
                    return Err(SetupFault::OtherHome { home });
                }
                let state = folders::state(&variable).ok_or(SetupFault::NoHome)?;
                state.join("cacd/setup")
            }
        };
        let programs = variable("PATH").unwrap_or_default();
        Ok(Self {
            root: "/".into(),
            configuration: folders::configuration(&variable).ok_or(SetupFault::NoHome)?,
            gnupg: absolute("GNUPGHOME").unwrap_or_else(|| home.join(".gnupg")),
            record,
            processes: "/proc".into(),
            home: Home {
                data: absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share")),
                programs: std::env::split_paths(&programs).collect(),
                folder: home,
            },
        })
    }

    /// A file of the system.
    pub(super) fn system(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// OpenSC's module, where it is installed.
    pub(crate) fn opensc(&self) -> Option<PathBuf> {
        libraries::find(&self.root, &OPENSC[..1])
    }

    /// Where a program is, if it is anywhere in `PATH`.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        let folders = self.home.programs.iter();
        folders
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }
}
