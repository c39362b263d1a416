//! What the daemon shows on its socket, for the demo to wait for.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use cac_common::client::{Client, ClientError};
use cac_common::snapshot::Snapshot;

/// Holds the latest snapshot. Its thread ends with the daemon.
#[derive(Clone)]
pub(super) struct Feed {
    latest: Arc<Mutex<Option<Snapshot>>>,
    on_change: Arc<Mutex<Option<OnChange>>>,
}

type OnChange = Box<dyn FnMut() + Send>;

impl Feed {
    /// Follows the daemon behind this socket.
    pub(super) fn follow(socket: &Path) -> anyhow::Result<Self> {
        let feed = Self {
            latest: Arc::default(),
            on_change: Arc::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (follower, socket) = (feed.clone(), socket.to_owned());
        thread::Builder::new()
            .name("feed".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(follower.take_in(&socket)) {
                    tracing::info!(%error, "the daemon can no longer be followed");
                }
            })
            .context("cannot start a thread")?;
        Ok(feed)
    }

    /// What the daemon showed last.
    pub(super) fn latest(&self) -> Option<Snapshot> {
        lock(&self.latest).clone()
    }

    /// Calls this after every change, from another thread.
    pub(super) fn tell(&self, on_change: impl FnMut() + Send + 'static) {
        *lock(&self.on_change) = Some(Box::new(on_change));
    }

    async fn take_in(&self, socket: &Path) -> Result<(), ClientError> {
        let mut monitor = Client::connect(socket).await?.monitor().await?;
        loop {
            let snapshot = monitor.next().await?;
            *lock(&self.latest) = Some(snapshot);
            if let Some(on_change) = &mut *lock(&self.on_change) {
                on_change();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A snapshot is replaced as a whole, so it is whole whoever panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
