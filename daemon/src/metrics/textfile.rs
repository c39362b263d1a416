//! Keeps a file for node_exporter's textfile collector up to date.
//!
//! It is written when something has happened, and not too often: as long as
//! nothing happens nobody wakes up for it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cac_common::error_chain::Chain;
use tokio::sync::watch;

use super::{Collector, NoAnswer, Wanted, render};

const PACE: Pace = Pace {
    at_most_every: Duration::from_secs(15),
    try_again: Duration::from_mins(1),
};

/// Writing the last of it may take no longer.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// node_exporter is another user.
const MODE: u32 = 0o644;

/// Why the file is not up to date.
#[derive(Debug, thiserror::Error)]
enum NotWritten {
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("cannot be written")]
    Io(#[from] io::Error),
}

/// How often it is written.
#[derive(Clone, Copy)]
struct Pace {
    at_most_every: Duration,
    /// What could not be written is tried again after this long more, if
    /// nothing happens before.
    try_again: Duration,
}

#[derive(Clone)]
struct TextFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    stage: Mutex<Stage>,
}

/// A write may go on after whoever waited for it has gone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Untouched,
    Ours,
    Ended,
}

/// Does as the configuration says, until the daemon stops.
pub(super) async fn follow(collector: Collector, mut wanted: watch::Receiver<Wanted>) {
    loop {
        let path = wanted.borrow_and_update().metrics.textfile.clone();
        let file = path.clone().map(TextFile::new);
        let is_over = async {
            // Whoever says so is kept by the collector.
            let _ = wanted
                .wait_for(|now| now.is_stopping || now.metrics.textfile != path)
                .await;
        };
        tokio::select! {
            () = keep(file.as_ref(), &collector, PACE) => {}
            () = is_over => {}
        }
        let is_stopping = wanted.borrow().is_stopping;
        if let Some(file) = file {
            file.end(is_stopping).await;
        }
        if is_stopping {
            return;
        }
    }
}

/// Never ends.
async fn keep(file: Option<&TextFile>, collector: &Collector, pace: Pace) {
    let Some(file) = file else {
        return std::future::pending().await;
    };
    let path = file.0.path.display();
    let mut changes = collector.metrics.changes();
    let mut is_failing = false;
    loop {
        changes.mark_unchanged();
        match file.update(collector).await {
            Ok(()) => {
                if is_failing {
                    tracing::info!(%path, "metrics can be written again");
                }
                is_failing = false;
            }
            Err(error) => {
                if !is_failing {
                    tracing::warn!(%path, error = %Chain(&error), "metrics are not written");
                }
                is_failing = true;
            }
        }
        tokio::time::sleep(pace.at_most_every).await;
        let something_happens = async {
            let _ = changes.changed().await;
        };
        if is_failing {
            let _ = tokio::time::timeout(pace.try_again, something_happens).await;
        } else {
            something_happens.await;
        }
    }
}

impl TextFile {
    fn new(path: PathBuf) -> Self {
        Self(Arc::new(Inner {
            path,
            stage: Mutex::new(Stage::Untouched),
        }))
    }

    async fn update(&self, collector: &Collector) -> Result<(), NotWritten> {
        let text = collector.collect().await?;
        let file = self.clone();
        tokio::task::spawn_blocking(move || file.0.write(&text))
            .await
            .map_err(io::Error::other)??;
        Ok(())
    }

    /// What is left says that the daemon was told to end; where it is only to
    /// be written no longer, nothing is.
    async fn end(self, is_stopping: bool) {
        let path = self.0.path.display().to_string();
        let ending = tokio::task::spawn_blocking(move || self.0.end(is_stopping));
        match tokio::time::timeout(LAST_WORDS, ending).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => {
                tracing::warn!(path, %error, "metrics could not be ended");
            }
            Ok(Err(_)) | Err(_) => tracing::warn!(path, "metrics could not be ended in time"),
        }
    }
}

impl Inner {
    fn write(&self, text: &str) -> io::Result<()> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if *stage != Stage::Ended {
            replace(&self.path, text)?;
            *stage = Stage::Ours;
        }
        Ok(())
    }

    fn end(&self, is_stopping: bool) -> io::Result<()> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let was = std::mem::replace(&mut *stage, Stage::Ended);
        if was != Stage::Ours {
            return Ok(());
        }
        if is_stopping {
            return replace(&self.path, &render::last_words());
        }
        fs::remove_file(&self.path)
    }
}

/// Whoever reads it finds the old or the new, and nothing in between.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = beside(path);
    let written = write_new(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_new(new: &Path, text: &str) -> io::Result<()> {
    let mut file = match create(new) {
        // A daemon that was killed left it behind.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(new)?;
            create(new)?
        }
        other => other?,
    };
    file.write_all(text.as_bytes())?;
    // Whatever the umask says.
    file.set_permissions(Permissions::from_mode(MODE))
}

/// Where a link lies in its place it is not followed.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(MODE).open(path)
}

/// The collector reads no file with this ending.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
