//! A Debian 13 with systemd as its first process, booted in a container and
//! thrown away with all that was written in it.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

use crate::harness::{LIMIT, commands, programs};
use crate::wait;

/// Where the sources lie in the container.
pub(super) const SOURCES: &str = "/usr/src/cacd";

/// Where what was built of them lies: `CARGO_TARGET_DIR` there.
pub(super) const BUILT: &str = "/usr/src/built";

/// There is a systemd here that gives a container a control group of its own.
const SYSTEMD_RUNS: &str = "/run/systemd/system";

/// Where control groups are made without one. The first is the one hierarchy
/// of a machine that has but one, the others are two of those that are mixed.
const HIERARCHIES: [&str; 3] = [
    "/sys/fs/cgroup",
    "/sys/fs/cgroup/unified",
    "/sys/fs/cgroup/systemd",
];

/// Becomes its arguments after `--`, in the control groups before it. When
/// standard input ends, because the test wants it or because the test is gone,
/// so does the container: by its first process, since nspawn can die without it.
const SCRIPT: &str = r#"
set -e
exec 3<&0 </dev/null
{
    cat <&3 >/dev/null
    for child in $(cat /proc/$$/task/$$/children); do
        if [ "$(cat /proc/$child/comm)" = systemd ]; then
            exec kill -KILL $child
        fi
    done
    kill -KILL $$
} &
exec 3<&-
while [ "$1" != -- ]; do
    echo $$ >"$1/cgroup.procs"
    shift
done
shift
exec "$@"
"#;

/// Until it is dropped.
pub(super) struct Container {
    nspawn: Child,
    /// Closing it ends the container.
    lifeline: Option<ChildStdin>,
    /// Its first process, by its number outside.
    leader: u32,
    groups: Vec<PathBuf>,
    folder: TempDir,
}

impl Container {
    /// Returns when everything that begins at boot has begun.
    pub(super) fn boot() -> anyhow::Result<Self> {
        static BOOTED: AtomicU32 = AtomicU32::new(0);
        ensure!(
            rustix::process::geteuid().is_root(),
            "a container takes root"
        );
        let built = programs::built()?;
        let target = built.folder().parent().context("target holds a profile")?;
        let root = make_root(target)?;
        let number = BOOTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("cacd-{}-{number}", std::process::id());
        let folder = tempfile::Builder::new().prefix("cacd-system-").tempdir()?;
        let groups = make_groups(&name).context("no control group can be made")?;

        let console = File::create(folder.path().join("console"))?;
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]);
        command.args(&groups).arg("--");
        command.arg("systemd-nspawn");
        command.args([
            "--quiet",
            "--boot",
            "--volatile=overlay",
            "--private-network",
        ]);
        command.args(["--register=no", "--console=pipe"]);
        // A PIN lies in locked memory.
        command.arg("--capability=CAP_IPC_LOCK");
        // What a unit refuses means something where nspawn does not refuse it
        // before; systemd keeps a service from devices by bpf.
        command.arg("--system-call-filter=@keyring @clock bpf");
        if !groups.is_empty() {
            command.arg("--keep-unit");
        }
        command.arg(format!("--machine={name}"));
        command.arg(format!("--directory={}", root.display()));
        // Without what is mounted below: the root of containers is.
        for (outside, inside) in [
            (programs::workspace()?, SOURCES.to_owned()),
            (built.folder(), format!("{BUILT}/{}", built.profile()?)),
        ] {
            command.arg(format!("--bind-ro={}:{inside}:norbind", outside.display()));
        }
        let mut nspawn = command
            // Of the hierarchies that are mixed, systemd 257 takes the new one only.
            .env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1")
            // What kills a test and all its group would end the one that watches
            // standard input, and not the container.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(console.try_clone()?)
            .stderr(console)
            .spawn()
            .context("sh cannot be started")?;
        let lifeline = nspawn.stdin.take();
        let mut container = Self {
            nspawn,
            lifeline,
            leader: 0,
            groups,
            folder,
        };
        container
            .wait_until_booted()
            .with_context(|| container.console())?;
        Ok(container)
    }

    fn wait_until_booted(&mut self) -> anyhow::Result<()> {
        let leader = wait::wait_for("the container's systemd runs", LIMIT, || {
            if let Ok(Some(status)) = self.nspawn.try_wait() {
                return Some(Err(status));
            }
            first_process(self.nspawn.id()).map(Ok)
        })?;
        self.leader = match leader {
            Ok(leader) => leader,
            Err(status) => {
                bail!("systemd-nspawn (Debian package systemd-container) ended with {status}")
            }
        };
        let state = wait::wait_for("the container has booted", LIMIT, || {
            let state = self.run(&["systemctl", "is-system-running"]).ok()?;
            let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
            ["running", "degraded"]
                .contains(&state.as_str())
                .then_some(state)
        })?;
        if state == "degraded" {
            let failed = self.run(&["systemctl", "--failed", "--no-legend", "--plain"])?;
            bail!("units failed: {}", String::from_utf8_lossy(&failed.stdout));
        }
        Ok(())
    }

    /// What came over the console.
    fn console(&self) -> String {
        let said = fs::read(self.folder.path().join("console")).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// What is called so inside, as it is called outside.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.leader));
        root.join(inside.trim_start_matches('/'))
    }

    /// The process that has this number inside, by its number outside.
    pub(super) fn process(&self, inside: u32) -> anyhow::Result<u32> {
        let namespace = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/pid"));
        let ours = namespace(&self.leader.to_string())?;
        let inside = inside.to_string();
        let is_it = |pid: &str| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let mut numbers = status
                .lines()
                .filter_map(|line| line.strip_prefix("NSpid:"));
            let number = numbers.next().and_then(|all| all.split_whitespace().last());
            number == Some(&inside) && namespace(pid).is_ok_and(|its| its == ours)
        };
        for process in fs::read_dir("/proc")? {
            let name = process?.file_name();
            match name.to_str() {
                Some(pid) if is_it(pid) => return Ok(pid.parse()?),
                Some(_) | None => {}
            }
        }
        bail!("no process has the number {inside} inside")
    }

    /// Runs something to its end, as root.
    pub(super) fn run(&self, command: &[&str]) -> anyhow::Result<Output> {
        commands::run(self.command("root", command), b"")
    }

    /// What runs something inside, as a user without a session.
    pub(super) fn command(&self, user: &str, command: &[&str]) -> Command {
        let mut nsenter = Command::new("nsenter");
        nsenter.arg("--target").arg(self.leader.to_string());
        nsenter.args([
            "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
        ]);
        nsenter.args(["env", "--ignore-environment"]);
        let home = match user {
            "root" => "/root".to_owned(),
            _ => format!("/home/{user}"),
        };
        nsenter.arg(format!("HOME={home}"));
        nsenter.arg("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
        nsenter.args(["LANG=C.UTF-8", "TERM=tmux-256color"]);
        nsenter.arg("setpriv");
        nsenter.arg(format!("--reuid={user}"));
        nsenter.arg(format!("--regid={user}"));
        nsenter.args(["--init-groups", "--"]);
        nsenter.args(command);
        nsenter
    }

    /// Does something in the container's network: sockets stay where they were
    /// made, and so do the threads that are started.
    pub(super) fn in_network<T: Send>(
        &self,
        act: impl FnOnce() -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        let network = File::open(format!("/proc/{}/ns/net", self.leader))?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
                act()
            });
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let ended = wait::wait_until("the container has ended", LIMIT, || {
            !matches!(self.nspawn.try_wait(), Ok(None))
        });
        if ended.is_err() {
            self.nspawn.kill().ok();
            self.nspawn.wait().ok();
        }
        for group in &self.groups {
            // What is left of it is empty, and harms nobody.
            wait::wait_until("the control group is gone", LIMIT, || {
                remove_group(group).is_ok()
            })
            .ok();
        }
    }
}

/// Has the root made if it is not there as it should be.
fn make_root(target: &Path) -> anyhow::Result<PathBuf> {
    let output = Command::new(programs::workspace()?.join("scripts/system-root"))
        .env("CARGO_TARGET_DIR", target)
        .output()
        .context("scripts/system-root cannot be started")?;
    ensure!(
        output.status.success(),
        "no Debian 13:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim_end()))
}

/// Control groups for a container where no systemd makes them.
fn make_groups(name: &str) -> io::Result<Vec<PathBuf>> {
    if Path::new(SYSTEMD_RUNS).exists() {
        return Ok(Vec::new());
    }
    let folders = HIERARCHIES.iter().map(Path::new);
    folders
        .filter(|folder| folder.join("cgroup.procs").exists())
        .map(|hierarchy| {
            let group = hierarchy.join(name);
            fs::create_dir_all(&group).map(|()| group)
        })
        .collect()
}

/// With those below it. Files in there are none.
fn remove_group(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_group(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}

/// The child that has become systemd.
fn first_process(nspawn: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
    children
        .split_ascii_whitespace()
        .find(|child| {
            fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name == "systemd\n")
        })?
        .parse()
        .ok()
}
