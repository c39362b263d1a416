//! Someone who follows the state from some moment on, and forgets nothing.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cac_common::client::{Client, ClientError};
use cac_common::snapshot::Snapshot;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::LIMIT;
use crate::wait::{self, WaitedInVain};

/// Follows until it is dropped.
pub struct Follower {
    seen: Arc<Mutex<Vec<Snapshot>>>,
    task: JoinHandle<()>,
}

impl Follower {
    /// Returns when it has seen the first snapshot.
    pub(crate) fn start(runtime: &Runtime, socket: &Path) -> anyhow::Result<Self> {
        let (mut monitor, first) = runtime.block_on(async {
            let mut monitor = Client::connect(socket).await?.monitor().await?;
            let first = monitor.next().await?;
            Ok::<_, ClientError>((monitor, first))
        })?;
        let seen = Arc::new(Mutex::new(vec![first]));
        let task = runtime.spawn({
            let seen = Arc::clone(&seen);
            async move {
                // Ends with the daemon.
                while let Ok(snapshot) = monitor.next().await {
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(snapshot);
                }
            }
        });
        Ok(Self { seen, task })
    }

    /// All that was seen, in the order it was seen.
    pub fn seen(&self) -> Vec<Snapshot> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until the daemon that it follows is gone, and it has seen all that came from it.
    pub fn wait_until_it_ends(&self) -> Result<(), WaitedInVain> {
        wait::wait_until("the follower has nobody to follow", LIMIT, || {
            self.task.is_finished()
        })
    }

    /// Waits until it has seen this revision or a later one.
    pub fn wait_until_at(&self, revision: u64) -> Result<(), WaitedInVain> {
        wait::wait_until("the follower is up to date", LIMIT, || {
            self.seen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .last()
                .is_some_and(|last| last.revision >= revision)
        })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}
