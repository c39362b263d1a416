//! Where things are that setup looks at and changes.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use rustix::process::geteuid;

use super::fault::SetupFault;
use super::plan::Scope;
use crate::browsers::Home;
use crate::browsers::modules::OPENSC;
use crate::folders;

/// Of changes for all users.
const RECORD_OF_THE_SYSTEM: &str = "/var/lib/cacd-setup";

/// Folders of libraries on the systems there are, besides those of Debian,
/// which carry the name of the machine (`/usr/lib/x86_64-linux-gnu`).
const LIBRARIES: [&str; 3] = ["usr/lib64", "usr/lib", "usr/local/lib"];

/// The module lies in a folder of libraries or in one of these.
const BELOW_LIBRARIES: [&str; 3] = ["", "pkcs11", "opensc"];

/// Entries of `/usr/lib` that are looked at.
const MOST_ENTRIES: usize = 10_000;

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
        let named = fs::read_dir(self.system("usr/lib")).into_iter().flatten();
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
            .chain(LIBRARIES.map(|below| self.system(below)))
            .flat_map(|folder| BELOW_LIBRARIES.map(|below| folder.join(below).join(OPENSC[0])))
            .find(|path| path.is_file())
    }

    /// Where a program is, if it is anywhere in `PATH`.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        let folders = self.home.programs.iter();
        folders
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
    }
}
