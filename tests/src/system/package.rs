//! The packages that `make deb` makes of what was built, and a machine that
//! takes them.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow, ensure};

use super::{ADMINISTRATOR, System, container};
use crate::harness::programs;

/// What came before the version of the workspace.
pub const EARLIER: &str = "0.0.9";

/// Names of files in `target/package`.
struct Packages {
    earlier: String,
    current: String,
}

impl System {
    /// The package of these sources is installed, and asks nothing.
    pub fn install_package(&self) -> anyhow::Result<()> {
        self.dpkg(&packages()?.current)
    }

    /// The same, called an earlier version.
    pub fn install_earlier_package(&self) -> anyhow::Result<()> {
        self.dpkg(&packages()?.earlier)
    }

    fn dpkg(&self, file: &str) -> anyhow::Result<()> {
        let path = format!("{}/target/package/{file}", container::SOURCES);
        self.does(&["dpkg", "--install", &path])?;
        let group = ["--append", "--groups", "cacd-admin"];
        self.does(&[&["usermod"][..], &group, &[ADMINISTRATOR]].concat())?;
        Ok(())
    }
}

/// Made once in each test program.
fn packages() -> anyhow::Result<&'static Packages> {
    static MADE: OnceLock<Result<Packages, String>> = OnceLock::new();
    MADE.get_or_init(|| make().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow!("{error}"))
}

fn make() -> anyhow::Result<Packages> {
    Ok(Packages {
        earlier: make_version(Some(EARLIER))?,
        current: make_version(None)?,
    })
}

fn make_version(version: Option<&str>) -> anyhow::Result<String> {
    let built = programs::built()?;
    let target = built.folder().parent().context("target holds a profile")?;
    let mut make = Command::new("make");
    make.arg("--no-print-directory")
        .arg("-C")
        .arg(programs::workspace()?);
    make.arg("deb").arg(format!("PROFILE={}", built.profile()?));
    make.env("CARGO_TARGET_DIR", target);
    if let Some(version) = version {
        make.arg(format!("VERSION={version}"));
    }
    let output = make.output().context("make cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // The last line names it.
    let named = said.lines().last().map(Path::new);
    let name = named.and_then(Path::file_name).and_then(OsStr::to_str);
    let name = name.with_context(|| format!("no package is named in {said}"))?;
    let folder = programs::workspace()?.join("target/package");
    ensure!(fs::exists(folder.join(name))?, "no {name}");
    Ok(name.to_owned())
}
