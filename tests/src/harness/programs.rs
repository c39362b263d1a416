//! The programs under test, built once in each test program, from the sources as they are.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow, ensure};

/// Where the built programs lie.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// TARGET/PROFILE
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What its folder is called.
    pub(crate) fn profile(&self) -> anyhow::Result<&str> {
        let name = self.folder.file_name().and_then(OsStr::to_str);
        name.context("a profile has a name")
    }

    pub(crate) fn cacd(&self) -> PathBuf {
        self.path("cacd")
    }

    pub(crate) fn cacctl(&self) -> Command {
        Command::new(self.path("cacctl"))
    }

    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// Builds `cacd` and `cacctl` as this test was built, and into the same folder.
pub(crate) fn built() -> anyhow::Result<Programs> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let folder = build(&["--bins", "-p", "cacd", "-p", "cacctl"]);
            folder.map_err(|error| format!("{error:#}"))
        })
        .clone()
        .map(|folder| Programs { folder })
        .map_err(|reason| anyhow!(reason))
}

/// Builds an example of a package, and gives its path.
pub(crate) fn example(package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let folder = build(&["-p", package, "--example", name])?;
    Ok(folder.join("examples").join(name))
}

/// Where the sources lie.
pub(crate) fn workspace() -> anyhow::Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this package lies in the workspace")
}

/// Has cargo build this, and says where it lies.
fn build(what: &[&str]) -> anyhow::Result<PathBuf> {
    let this = env::current_exe()?;
    // TARGET/PROFILE/NAME, TARGET/PROFILE/deps/NAME-HASH of a test, or
    // TARGET/PROFILE/examples/NAME
    let mut folders = this.ancestors().skip(1);
    let folder = folders
        .find(|folder| !folder.ends_with("deps") && !folder.ends_with("examples"))
        .context("a program lies in target/PROFILE")?;
    let target = folder.parent().context("a profile lies in target")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(workspace()?)
        .args(["build", "--quiet", "--locked"])
        .args(what)
        .env("CARGO_TARGET_DIR", target);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let output = cargo.output().context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "{} cannot be built:\n{}",
        what.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(folder.to_owned())
}
