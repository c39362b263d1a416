//! The programs under test, built once in each test program, from the sources as they are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow, ensure};

/// Where the built programs lie.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    pub(super) fn cacd(&self) -> PathBuf {
        self.folder.join("cacd")
    }

    pub(super) fn cacctl(&self) -> Command {
        Command::new(self.folder.join("cacctl"))
    }
}

/// Builds `cacd` and `cacctl` as this test was built, and into the same folder.
pub(super) fn built() -> anyhow::Result<Programs> {
    static BUILT: OnceLock<Result<Programs, String>> = OnceLock::new();
    BUILT
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|reason| anyhow!(reason))
}

fn build() -> anyhow::Result<Programs> {
    let this = env::current_exe()?;
    // TARGET/PROFILE/deps/NAME-HASH
    let folder = this
        .ancestors()
        .nth(2)
        .context("a test lies in target/PROFILE/deps")?;
    let target = folder.parent().context("a profile lies in target")?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this package lies in the workspace")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(workspace)
        .args([
            "build", "--quiet", "--locked", "--bins", "-p", "cacd", "-p", "cacctl",
        ])
        .env("CARGO_TARGET_DIR", target);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let output = cargo.output().context("cargo cannot be started")?;
    ensure!(
        output.status.success(),
        "cacd and cacctl cannot be built:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Programs {
        folder: folder.to_owned(),
    })
}
