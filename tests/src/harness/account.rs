//! The home folder of somebody who sets browsers up for the card, and the
//! parts of the system that this changes, as copies.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::{commands, programs};

/// What `--system` changes, and what the record of it lies in.
const OF_THE_SYSTEM: [&str; 3] = ["/etc", "/usr/local/share", "/var/lib"];

/// Below `/var/lib` there is nothing that is looked at.
const EMPTY: &str = "/var/lib";

/// Where Debian's package tells p11-kit of OpenSC's module by itself.
const VENDOR: &str = "/usr/share/p11-kit/modules";

/// Puts the copies in the place of the system's, for this command alone.
const SCRIPT: &str = r#"
set -e
mount -t tmpfs tmpfs "$VENDOR"
for part in $PARTS; do mount --bind "$COPIES$part" "$part"; done
exec "$@"
"#;

/// Files by their paths, with mode and content; a link by where it leads.
pub type Picture = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// Held by whoever has a home folder here: Chromium does not say whose it is, so one
/// that runs counts as everybody's.
const BROWSERS: &str = "cacd-tests-browsers";

pub struct Account {
    browsers: Arc<File>,
    folder: TempDir,
    /// In the place of `PATH`, before what is there.
    programs: Option<PathBuf>,
}

impl Account {
    pub fn new() -> anyhow::Result<Self> {
        Self::holding(Arc::new(browsers(FlockOperation::LockShared)?))
    }

    /// One who starts browsers, while nobody else has an account.
    pub fn with_a_browser() -> anyhow::Result<Self> {
        Self::holding(Arc::new(browsers(FlockOperation::LockExclusive)?))
    }

    /// Another home folder, where this one is.
    pub fn another(&self) -> anyhow::Result<Self> {
        Self::holding(Arc::clone(&self.browsers))
    }

    fn holding(browsers: Arc<File>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("home"))?;
        Ok(Self {
            browsers,
            folder,
            programs: None,
        })
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A profile of Firefox, whose database is there, empty.
    pub fn with_firefox(self) -> anyhow::Result<Self> {
        let profile = self.firefox();
        fs::create_dir_all(&profile)?;
        let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
        fs::write(profile.with_file_name("profiles.ini"), list)?;
        self.certutil(&profile, &["-N", "--empty-password"])?;
        Ok(self)
    }

    pub fn firefox(&self) -> PathBuf {
        self.home().join(".mozilla/firefox/a.default")
    }

    /// From here on `--system` finds copies of the system's folders.
    pub fn with_a_system(self) -> anyhow::Result<Self> {
        for part in OF_THE_SYSTEM {
            let copy = self.system(part);
            fs::create_dir_all(copy.parent().context("it lies in a folder")?)?;
            if part == EMPTY {
                fs::create_dir(&copy)?;
                continue;
            }
            let copied = Command::new("cp").arg("-a").arg(part).arg(&copy).output()?;
            ensure!(copied.status.success(), "{copied:?}");
        }
        Ok(self)
    }

    /// The copy of a folder of the system.
    pub fn system(&self, path: &str) -> PathBuf {
        self.folder
            .path()
            .join("system")
            .join(path.trim_start_matches('/'))
    }

    /// A program that is found before the system's.
    pub fn put_program(&mut self, name: &str, script: &str) -> anyhow::Result<()> {
        let programs = self.folder.path().join("bin");
        fs::create_dir_all(&programs)?;
        let path = programs.join(name);
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        self.programs = Some(programs);
        Ok(())
    }

    /// `cacctl setup`, to its end.
    pub fn setup(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        commands::run(self.setup_command(arguments)?, b"")
    }

    /// The same, where there is a terminal to ask.
    pub fn setup_at_a_terminal(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let command = self.setup_command(arguments)?;
        let words = [command.get_program()]
            .into_iter()
            .chain(command.get_args());
        let words =
            words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")));
        let mut terminal = Command::new("script");
        terminal
            .args(["--quiet", "--return", "--command"])
            .arg(words.collect::<Vec<_>>().join(" "))
            .arg("/dev/null")
            .env_clear();
        for (name, value) in command.get_envs() {
            terminal.env(name, value.unwrap_or_default());
        }
        commands::run(terminal, b"")
    }

    pub fn setup_command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let cacctl = programs::built()?.path("cacctl");
        let mut command = Command::new("unshare");
        let mut path = OsString::new();
        if let Some(programs) = &self.programs {
            path.push(programs);
            path.push(":");
        }
        path.push(env::var_os("PATH").context("PATH is set")?);
        let parts = if self.folder.path().join("system").exists() {
            OF_THE_SYSTEM.join(" ")
        } else {
            String::new()
        };
        command
            .args(["--mount", "--propagation", "private"])
            .args(["sh", "-c", SCRIPT, "sh"])
            .arg(cacctl)
            .arg("setup")
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", path)
            .env("VENDOR", VENDOR)
            .env("PARTS", parts)
            .env("COPIES", self.folder.path().join("system"));
        Ok(command)
    }

    /// What `certutil` says of a database.
    pub fn certutil(&self, folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
        let done = Command::new("certutil")
            .arg("-d")
            .arg(format!("sql:{}", folder.display()))
            .args(arguments)
            .output()
            .context("certutil cannot be started: install the Debian package libnss3-tools")?;
        ensure!(done.status.success(), "{done:?}");
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }
}

fn browsers(how: FlockOperation) -> anyhow::Result<File> {
    let browsers = File::create(env::temp_dir().join(BROWSERS))?;
    flock(&browsers, how)?;
    Ok(browsers)
}

/// All below a folder.
pub fn picture(folder: &Path) -> anyhow::Result<Picture> {
    let mut picture = Picture::new();
    add(folder, &mut picture)?;
    Ok(picture)
}

fn add(folder: &Path, picture: &mut Picture) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let found = fs::symlink_metadata(&path)?;
        if found.is_dir() {
            add(&path, picture)?;
            continue;
        }
        let content = if found.is_symlink() {
            fs::read_link(&path)?.into_os_string().into_encoded_bytes()
        } else if found.is_file() {
            fs::read(&path)?
        } else {
            continue;
        };
        picture.insert(path, (found.permissions().mode(), content));
    }
    Ok(())
}
