//! A place of its own where a stand-in serves, and cacctl is run against it.
#![expect(clippy::unwrap_used, reason = "it serves tests alone")]

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cac_common::snapshot::Snapshot;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::stand_in::{Desk, StandIn};

/// Nothing here takes longer on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a socket in it, gone when dropped.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) socket: PathBuf,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("cacctl-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let socket = folder.join("socket");
        Self { folder, socket }
    }

    pub(crate) fn serve(&self, snapshot: Snapshot) -> (Arc<Desk>, JoinHandle<()>) {
        let daemon = StandIn::start(&self.socket, snapshot).unwrap();
        (daemon.desk.clone(), tokio::spawn(daemon.serve()))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cacctl"));
        command
            .args(arguments)
            .arg("--socket")
            .arg(&self.socket)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn cacctl(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        tokio::time::timeout(PATIENCE, child.wait_with_output())
            .await
            .unwrap()
            .unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all::<&Path>(&self.folder);
    }
}

pub(crate) fn calls_of(desk: &Desk, method: &str) -> Vec<serde_json::Value> {
    let asked = desk.asked.lock().unwrap();
    asked
        .iter()
        .filter(|(name, _)| name == method)
        .map(|(_, parameters)| parameters.clone())
        .collect()
}
