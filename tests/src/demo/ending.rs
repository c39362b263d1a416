//! Being told to stop: Ctrl-C, SIGTERM, or a terminal that was closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::wait;

/// Knows whether the demo was told to stop. Clones know the same.
#[derive(Clone)]
pub(super) struct Ending {
    is_here: Arc<AtomicBool>,
}

/// The demo was told to stop.
#[derive(Debug, thiserror::Error)]
#[error("the demo was told to stop")]
pub(super) struct Stopped;

impl Ending {
    /// From now on signals do not end the process: whoever waits is told.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let ending = Self {
            is_here: Arc::default(),
        };
        let is_here = Arc::clone(&ending.is_here);
        let (ready, is_ready) = mpsc::sync_channel(1);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || listen(&is_here, &ready))
            .context("cannot start a thread")?;
        is_ready.recv()?.context("cannot listen for signals")?;
        Ok(ending)
    }

    pub(super) fn is_here(&self) -> bool {
        self.is_here.load(Ordering::SeqCst)
    }

    pub(super) fn check(&self) -> Result<(), Stopped> {
        if self.is_here() { Err(Stopped) } else { Ok(()) }
    }

    /// Returns what `look` finds, as soon as it finds something, and gives up
    /// at the limit or when told to stop. `what` completes "waited until …".
    pub(super) fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Option<T>,
    ) -> anyhow::Result<T> {
        let found = wait::wait_for(what, limit, || match self.check() {
            Ok(()) => look().map(Ok),
            Err(stopped) => Some(Err(stopped)),
        })?;
        Ok(found?)
    }
}

fn listen(is_here: &AtomicBool, ready: &mpsc::SyncSender<std::io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = runtime.and_then(|runtime| {
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let mut hang_up = signal(SignalKind::hangup())?;
            ready.send(Ok(())).ok();
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            is_here.store(true, Ordering::SeqCst);
            Ok(())
        })
    });
    if let Err(error) = outcome {
        // Nobody waits for it any more if the signals were listened for.
        ready.send(Err(error)).ok();
    }
}
