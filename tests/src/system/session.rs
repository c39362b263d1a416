//! Sessions of the machine's users, and its sleep, as logind knows them.

use std::fs;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;
use serde::Deserialize;

use super::System;
use crate::harness::LIMIT;
use crate::wait;

/// Begun without a screen. It goes on until it is terminated.
#[derive(Debug, Clone)]
pub struct Session {
    /// As `loginctl` takes it.
    pub id: String,
    /// What holds it.
    pub unit: String,
}

/// A kernel that can sleep, to whoever asks it. The container has none of the
/// machine's own, which so is never sent to sleep.
const KERNEL_THAT_SLEEPS: &str = "
set -e
mountpoint --quiet /sys/power && exit
mount -o remount,rw /sys
mkdir -p /sys/power
mount -t tmpfs tmpfs /sys/power
echo '[s2idle]' >/sys/power/mem_sleep
";

/// A line of `loginctl list-sessions`.
#[derive(Deserialize)]
struct Listed {
    session: String,
    leader: u32,
}

impl System {
    /// A user logs in at seat0, through PAM's `login`.
    pub fn session(&self, user: &str) -> anyhow::Result<Session> {
        let at_the_seat = [
            "--setenv=XDG_SEAT=seat0",
            "--setenv=XDG_SESSION_TYPE=wayland",
        ];
        self.log_in(user, &at_the_seat)
    }

    /// A user logs in over the network, as with `ssh`: no seat is theirs.
    pub fn session_from_afar(&self, user: &str) -> anyhow::Result<Session> {
        self.log_in(user, &["--setenv=XDG_SESSION_TYPE=tty"])
    }

    fn log_in(&self, user: &str, environment: &[&str]) -> anyhow::Result<Session> {
        static BEGUN: AtomicU32 = AtomicU32::new(1);
        let number = BEGUN.fetch_add(1, Ordering::Relaxed);
        let unit = format!("seat-{user}-{number}.service");
        let run = [
            "systemd-run",
            "--quiet",
            &format!("--unit={unit}"),
            // Returns once PAM has let the user in.
            "--service-type=exec",
            "--property=PAMName=login",
            &format!("--property=User={user}"),
            "--property=StandardInput=null",
            "--setenv=XDG_SESSION_CLASS=user",
        ];
        self.does(&[&run[..], environment, &["sleep", "infinity"]].concat())?;
        let leader: u32 = self.property(&unit, "MainPID")?.parse()?;
        let list = self.loginctl(&["list-sessions", "--json=short"])?;
        let listed: Vec<Listed> = serde_json::from_str(&list)?;
        let session = listed.into_iter().find(|session| session.leader == leader);
        let session = session.with_context(|| format!("no session of {leader} in {list}"))?;
        Ok(Session {
            id: session.session,
            unit,
        })
    }

    /// Runs something to its end, as what a user with a session starts.
    pub fn run_in_session(&self, user: &str, command: &[&str]) -> anyhow::Result<Output> {
        let uid = self.does(&["id", "--user", user])?;
        let folder = format!("XDG_RUNTIME_DIR=/run/user/{uid}");
        let manager = ["env", &folder, "systemd-run", "--user"];
        let wait = ["--quiet", "--wait", "--pipe"];
        self.run_as(user, &[&manager[..], &wait, command].concat())
    }

    /// `activate`, `lock-session`, `unlock-session`, `terminate-session` with an
    /// ID, or whatever else; what it says.
    pub fn loginctl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.does(&[&["loginctl"], arguments].concat())
    }

    /// The machine goes to sleep, which stops the processes of sessions and no
    /// others, and wakes at once. Returns when logind has said both to all.
    pub fn sleep_and_wake(&self) -> anyhow::Result<()> {
        self.does(&["sh", "-c", KERNEL_THAT_SLEEPS])?;
        let state = self.path("/sys/power/state");
        fs::write(&state, "freeze mem\n")?;
        self.does(&["systemctl", "suspend"])?;
        wait::wait_until("the kernel was told to sleep", LIMIT, || {
            fs::read_to_string(&state).is_ok_and(|told| told.trim() == "mem")
        })?;
        let logind = ["org.freedesktop.login1", "/org/freedesktop/login1"];
        let property = ["org.freedesktop.login1.Manager", "PreparingForSleep"];
        let ask = [&["busctl", "get-property"][..], &logind, &property].concat();
        Ok(wait::wait_until("logind has woken", LIMIT, || {
            self.does(&ask).is_ok_and(|said| said == "b false")
        })?)
    }

    /// Waits until logind says so of a session: `Active` is `yes`, `LockedHint` is `no`, …
    pub fn wait_for_session(
        &self,
        session: &Session,
        name: &str,
        value: &str,
    ) -> anyhow::Result<()> {
        let id = session.id.as_str();
        let what = format!("{name} of session {id} is {value}");
        Ok(wait::wait_until(&what, LIMIT, || {
            self.loginctl(&["show-session", "--value", "--property", name, id])
                .is_ok_and(|said| said == value)
        })?)
    }
}
