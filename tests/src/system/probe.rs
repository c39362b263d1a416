//! A program in the service's place, which tries what the unit forbids.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::{ADMINISTRATOR, SERVICE, System};
use crate::harness::programs;

const SOURCE: &str = "tests/src/system/probe.c";

/// It ends by itself and speaks to nobody; all else is as the unit has it.
const DROP_IN: &str = "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\n";

/// Of each probe `done`, or the name of the error that it met.
pub type Probed = BTreeMap<String, String>;

impl System {
    /// What the service can do: under its unit, in its place.
    pub fn probe_service(&self) -> anyhow::Result<Probed> {
        self.lay_probe("/usr/bin/cacd")?;
        self.write(&format!("/home/{ADMINISTRATOR}/notes"), "of hers\n")?;
        self.write("/tmp/of-everyone", "of everyone\n")?;
        self.write("/run/systemd/system/cacd.service.d/probe.conf", DROP_IN)?;
        self.does(&["systemctl", "daemon-reload"])?;
        self.does(&["systemctl", "start", SERVICE])?;
        self.probed("/var/lib/cacd/probed")
    }

    /// What root can do, without a unit.
    pub fn probe_root(&self) -> anyhow::Result<Probed> {
        const FOLDER: &str = "/root/probe";
        self.lay_probe("/usr/bin/probe")?;
        self.does(&["mkdir", "-p", FOLDER, "/run/cacd"])?;
        let state = format!("STATE_DIRECTORY={FOLDER}");
        self.does(&["env", &state, "/usr/bin/probe"])?;
        self.probed(&format!("{FOLDER}/probed"))
    }

    fn lay_probe(&self, inside: &str) -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let built = folder.path().join("probe");
        compile(SOURCE, &built)?;
        let path = self.path(inside);
        // Another file than the one that may run now.
        if path.exists() {
            fs::remove_file(&path)?;
        }
        fs::copy(&built, &path)?;
        Ok(fs::set_permissions(
            &path,
            fs::Permissions::from_mode(0o755),
        )?)
    }

    fn probed(&self, file: &str) -> anyhow::Result<Probed> {
        let text = self.does(&["cat", file])?;
        let lines = text.lines().map(|line| {
            let (name, outcome) = line.split_once(' ').context("a name and an outcome")?;
            Ok((name.to_owned(), outcome.to_owned()))
        });
        lines.collect()
    }
}

/// Makes a program of a file of ours.
pub(super) fn compile(source: &str, program: &Path) -> anyhow::Result<()> {
    let mut cc = Command::new("cc");
    cc.args(["-O1", "-Wall", "-Werror", "-o"]).arg(program);
    cc.arg(programs::workspace()?.join(source));
    let output = cc.output().context("cc cannot be started")?;
    ensure!(output.status.success(), "{output:?}");
    Ok(())
}
