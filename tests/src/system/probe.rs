//! A program in the service's place, which tries what the unit forbids.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::{SERVICE, System};
use crate::harness::programs;

const SOURCE: &str = "tests/src/system/probe.c";

const PROGRAM: &str = "/usr/bin/cacd";

const UNIT: &str = "systemd/cacd.service";

/// It ends by itself and speaks to nobody; all else is as the unit has it.
const DROP_IN: &str = "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\n";

/// What the user of the service could do, did the unit not forbid it: what
/// ordinary rights would keep from them is opened to everyone. Nothing of it
/// outlives the machine, and no file of the kernel's is written to.
const LAID: &str = "
set -e
umask 022
echo notes >/home/alice/notes
chmod 0755 /root /home/alice
for folder in /usr/share/probe/open /etc/probe-open /var/lib/probe-open /sys/fs/cgroup/probe-open; do
    mkdir -p $folder
    chmod 1777 $folder
done
mkdir -p /usr/lib/modules
echo everyone >/tmp/of-everyone
echo everyone >/var/tmp/of-everyone
mknod -m 0666 /dev/probe-null c 1 3
mknod -m 0666 /usr/share/probe/device c 10 229
chmod 0644 /proc/kmsg
mount -o remount,bind,rw /proc/sys
for kind in mnt ipc; do
    readlink /proc/1/ns/$kind
done >/usr/share/probe/outside
/usr/bin/cacd --make-queue
";

/// What each run finds as the one before it did. Without directives the keyring
/// is one of the user's: a private one is what systemd gives if nobody says so.
const BARE: [&str; 4] = [
    "StateDirectory=cacd",
    "RuntimeDirectory=cacd",
    "RuntimeDirectoryPreserve=yes",
    "KeyringMode=shared",
];

/// Of each probe `done`, or the name of the error that it met.
pub type Probed = BTreeMap<String, String>;

impl System {
    /// Puts the program into the service's place.
    pub fn lay_probe(&self) -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let built = folder.path().join("probe");
        compile(SOURCE, &built)?;
        let path = self.path(PROGRAM);
        // Another file than the one that may run now.
        if path.exists() {
            fs::remove_file(&path)?;
        }
        fs::copy(&built, &path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        self.does(&["sh", "-c", LAID])?;
        self.write("/run/systemd/system/cacd.service.d/probe.conf", DROP_IN)?;
        self.does(&["systemctl", "daemon-reload"])?;
        Ok(())
    }

    /// What the service can do: under its unit, in its place.
    pub fn probe_service(&self) -> anyhow::Result<Probed> {
        self.does(&["systemctl", "start", SERVICE])?;
        self.probed()
    }

    /// What this user can do as a service with no more than these directives.
    pub fn probe_as(&self, user: &str, directives: &[String]) -> anyhow::Result<Probed> {
        let mut command = vec!["systemd-run", "--quiet", "--wait", "--pipe", "--collect"];
        let theirs = [format!("User={user}"), format!("Group={user}")];
        let properties = theirs.iter().chain(directives).map(String::as_str);
        command.extend(
            BARE.into_iter()
                .chain(properties)
                .flat_map(|it| ["--property", it]),
        );
        command.push(PROGRAM);
        self.does(&command)?;
        self.probed()
    }

    /// It is taken away, so that none is taken for that of another run.
    fn probed(&self) -> anyhow::Result<Probed> {
        const FILE: &str = "/var/lib/cacd/probed";
        let text = self.does(&["cat", FILE])?;
        self.does(&["rm", FILE])?;
        let lines = text.lines().map(|line| {
            let (name, outcome) = line.split_once(' ').context("a name and an outcome")?;
            Ok((name.to_owned(), outcome.to_owned()))
        });
        lines.collect()
    }
}

/// What the unit says of the service: each directive's name and value, as they stand there.
pub fn directives() -> anyhow::Result<Vec<(String, String)>> {
    let unit = fs::read_to_string(programs::workspace()?.join(UNIT))?;
    let (_, after) = unit.split_once("\n[Service]\n").context("a service")?;
    let section = after.split("\n[").next().unwrap_or_default();
    let lines = section.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']))
        .map(|line| {
            let (name, value) = line.split_once('=').context("a directive")?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
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
