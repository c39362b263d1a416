//! The programs that the demo shows, built from these very sources.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::ending::Ending;

/// A first build on a slow machine takes minutes.
const LIMIT: Duration = Duration::from_mins(30);

/// Marks a folder that cargo builds into.
const CARGO_MARK: &str = "CACHEDIR.TAG";

pub(super) struct Programs {
    pub(super) cacd: PathBuf,
    pub(super) cacctl: PathBuf,
}

/// The line of `cargo build --message-format json` that names a program.
#[derive(Deserialize)]
struct Built {
    executable: Option<PathBuf>,
}

impl Programs {
    /// Builds both. What cargo says goes to the terminal, or into `folder`
    /// until it is needed to explain a failure.
    pub(super) fn build(folder: &Path, ending: &Ending) -> anyhow::Result<Self> {
        let log = folder.join("build.log");
        let mut command = cargo_build()?;
        if io::stderr().is_terminal() {
            command.stderr(Stdio::inherit());
        } else {
            command.arg("--quiet").stderr(File::create(&log)?);
        }
        let mut cargo = Cargo(command.spawn().context("cannot start cargo")?);
        let output = cargo.0.stdout.take().context("cargo has no output")?;
        let reading = thread::spawn(move || executables(output));

        let status = ending.wait_for("cacd and cacctl are built", LIMIT, || {
            cargo.0.try_wait().transpose()
        })??;
        if !status.success() {
            let said = fs::read_to_string(&log).unwrap_or_default();
            bail!("cacd and cacctl cannot be built: cargo ended with {status}\n{said}");
        }
        let Ok(built) = reading.join() else {
            bail!("what cargo built cannot be read");
        };
        let find = |name: &str| {
            built
                .iter()
                .find(|path| path.file_name().is_some_and(|file| file == name))
                .cloned()
                .with_context(|| format!("cargo did not build {name}"))
        };
        Ok(Self {
            cacd: find("cacd")?,
            cacctl: find("cacctl")?,
        })
    }
}

/// Killed if it still runs when nobody waits for it any more.
struct Cargo(Child);

impl Drop for Cargo {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Builds into the folder, and with the profile, that the demo was built with.
fn cargo_build() -> anyhow::Result<Command> {
    let this = std::env::current_exe().context("cannot tell which program this is")?;
    let profile_folder = this.parent().context("this program lies in no folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "-p", "cacd", "-p", "cacctl", "--bins"])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if profile_folder
        .file_name()
        .is_some_and(|name| name == "release")
    {
        command.arg("--release");
    }
    if let Some(target) = profile_folder.parent()
        && target.join(CARGO_MARK).exists()
    {
        command.arg("--target-dir").arg(target);
    }
    Ok(command)
}

fn executables(output: ChildStdout) -> Vec<PathBuf> {
    BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<Built>(&line).ok()?.executable)
        .collect()
}
