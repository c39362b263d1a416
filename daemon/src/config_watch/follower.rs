//! Reads the configuration again whenever it changes, or that is asked for.

use std::path::Path;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::watch::Watch;
use super::{Loaded, Loader, Places};
use crate::access::Access;
use crate::journal::Message;
use crate::systemd;

/// Editors write a file in several steps; this long after the last it is read.
const SETTLED: Duration = Duration::from_millis(200);

/// Where changes never end, they are read after this long.
const SETTLED_AT_MOST: Duration = Duration::from_secs(2);

/// What is read can name further files; so often at one time they are followed.
const MOST_ROUNDS: usize = 3;

/// A loader and the watch on all that it reads.
pub struct Follower {
    loader: Loader,
    watch: Option<Watch>,
    notice: mpsc::Sender<()>,
    changes: mpsc::Receiver<()>,
}

impl Follower {
    pub fn new(loader: Loader) -> Self {
        let (notice, changes) = mpsc::channel(1);
        Self {
            loader,
            watch: None,
            notice,
            changes,
        }
    }

    /// Watches, and then reads: what changes in between is read too. A folder
    /// that was made again is another one, so the watch is made anew each time.
    pub fn load(&mut self) -> Loaded {
        let mut places = self.loader.places();
        let mut rounds = 1;
        loop {
            // What was told up to here is watched anew and read now.
            while self.changes.try_recv().is_ok() {}
            let unwatched = self.watch(&places);
            let mut loaded = self.loader.load();
            let places_now = self.loader.places();
            if places_now == places || rounds == MOST_ROUNDS {
                loaded.problems.extend(unwatched);
                return loaded;
            }
            places = places_now;
            rounds += 1;
        }
    }

    /// Waits until something changed, and has stayed unchanged for a moment.
    async fn settled(&mut self) {
        // The sender is kept beside it, so the channel never ends.
        let _ = self.changes.recv().await;
        let quiet = async {
            while let Ok(Some(())) = tokio::time::timeout(SETTLED, self.changes.recv()).await {}
        };
        let _ = tokio::time::timeout(SETTLED_AT_MOST, quiet).await;
    }

    /// Hands over what is read after each change and each time that it is
    /// `asked` for, for as long as someone takes it.
    pub async fn follow(
        mut self,
        mut asked: mpsc::Receiver<()>,
        reloads: mpsc::Sender<Loaded>,
        access: watch::Sender<Access>,
    ) {
        loop {
            tokio::select! {
                () = self.settled() => {}
                // Whoever asks has finished writing.
                Some(()) = asked.recv() => {}
            }
            systemd::reloading();
            let reading = tokio::task::spawn_blocking(move || {
                let loaded = self.load();
                (self, loaded)
            });
            let Ok((follower, fresh)) = reading.await else {
                tracing::error!("reading the configuration failed; it is not followed any more");
                return;
            };
            self = follower;
            access.send_replace(Access::new(&fresh.config.admin_group));
            if fresh.is_refused {
                tracing::warn!(
                    message_id = Message::ConfigurationRefused.id(),
                    "configuration was refused, and what was in force stays"
                );
            } else {
                tracing::info!(
                    message_id = Message::ConfigurationTaken.id(),
                    "configuration was read again"
                );
            }
            if reloads.send(fresh).await.is_err() {
                return;
            }
        }
    }

    /// Says which changes will go unnoticed.
    fn watch(&mut self, places: &Places) -> Vec<String> {
        self.watch = None;
        let mut watch = match Watch::new(self.notice.clone()) {
            Ok(watch) => watch,
            Err(error) => {
                return vec![format!(
                    "changes of the configuration are not noticed until cacd is restarted: {error}"
                )];
            }
        };
        let mut unwatched = Vec::new();
        let mut report = |path: &Path, result: notify::Result<()>| {
            if let Err(error) = result {
                unwatched.push(format!(
                    "changes of {} are not noticed: {error}",
                    path.display()
                ));
            }
        };
        for folder in &places.folders {
            report(folder, watch.folder(folder));
        }
        for file in &places.files {
            report(file, watch.file(file));
        }
        self.watch = Some(watch);
        unwatched
    }
}
