//! Notices when a path comes to lead to something else, or what it leads to changes.
//!
//! Folders are watched, not files, since editors save by renaming. Of a path
//! that leads nowhere the nearest folder there is, is watched, and of each
//! symbolic link on the way the folder it lies in.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::symlink_metadata;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Folders that go while a path is walked down are rare.
const MOST_WALKS: usize = 5;

/// Watches for as long as it is kept.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    wanted: Arc<Mutex<Wanted>>,
    watched: BTreeSet<PathBuf>,
}

/// What of all that happens in the folders is worth a word.
#[derive(Debug, Default)]
struct Wanted {
    entries: BTreeSet<PathBuf>,
    /// Every entry of these.
    folders: BTreeSet<PathBuf>,
}

impl Watch {
    /// Says `()` whenever something changed.
    pub(super) fn new(changed: mpsc::Sender<()>) -> notify::Result<Self> {
        let wanted = Arc::new(Mutex::new(Wanted::default()));
        let looked_at = Arc::clone(&wanted);
        let watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| match event {
                Ok(event) => {
                    let wanted = looked_at.lock().expect("nobody panics holding this");
                    if wanted.includes(&event) {
                        // A full channel means that it will be read again anyway.
                        let _ = changed.try_send(());
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "configuration is not watched as it should be");
                }
            })?;
        Ok(Self {
            watcher,
            wanted,
            watched: BTreeSet::new(),
        })
    }

    /// Watches a file that is there, or may come to be.
    pub(super) fn file(&mut self, path: &Path) -> notify::Result<()> {
        self.trace(path).map(drop)
    }

    /// Watches a folder, and every entry of it.
    pub(super) fn folder(&mut self, path: &Path) -> notify::Result<()> {
        match self.trace(path)? {
            Some(folder) => {
                self.want(|wanted| wanted.folders.insert(folder.clone()));
                match self.add(&folder) {
                    // That it went is told by the folder it lay in.
                    Err(error) if matches!(error.kind, notify::ErrorKind::PathNotFound) => Ok(()),
                    done => done,
                }
            }
            None => Ok(()),
        }
    }

    /// Watches what could make a path lead elsewhere. Gives what it leads to.
    fn trace(&mut self, path: &Path) -> notify::Result<Option<PathBuf>> {
        let mut walks = 1;
        loop {
            match self.walk(path) {
                Err(error)
                    if matches!(error.kind, notify::ErrorKind::PathNotFound)
                        && walks < MOST_WALKS =>
                {
                    walks += 1;
                }
                done => return done,
            }
        }
    }

    /// Goes down a path as the kernel does.
    fn walk(&mut self, path: &Path) -> notify::Result<Option<PathBuf>> {
        let path = std::path::absolute(path).map_err(notify::Error::io)?;
        let mut rest = names(&path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let entry = at.join(&name);
            let is_last = rest.is_empty();
            let is_folder = symlink_metadata(&entry).is_ok_and(|found| found.is_dir());
            if is_last || !is_folder {
                // Watched before it is looked at: what happens in between is told.
                self.want(|wanted| wanted.entries.insert(entry.clone()));
                self.add(&at)?;
            }
            match symlink_metadata(&entry) {
                Ok(found) if found.is_symlink() => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Ok(None);
                    }
                    let Ok(target) = std::fs::read_link(&entry) else {
                        return Ok(None);
                    };
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    let mut ahead = names(&target);
                    ahead.append(&mut rest);
                    rest = ahead;
                }
                Ok(_) => at = entry,
                // It went while we were on our way.
                Err(_) if is_folder && !is_last => return Err(notify::Error::path_not_found()),
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    fn want(&self, add: impl FnOnce(&mut Wanted) -> bool) {
        add(&mut self.wanted.lock().expect("nobody panics holding this"));
    }

    fn add(&mut self, folder: &Path) -> notify::Result<()> {
        if self.watched.contains(folder) {
            return Ok(());
        }
        self.watcher.watch(folder, RecursiveMode::NonRecursive)?;
        self.watched.insert(folder.to_owned());
        Ok(())
    }
}

impl Wanted {
    fn includes(&self, event: &notify::Event) -> bool {
        // Reading a file is no change, and we read them ourselves.
        if matches!(event.kind, EventKind::Access(_)) {
            return false;
        }
        event.need_rescan() || event.paths.iter().any(|path| self.includes_path(path))
    }

    /// A watched folder that goes away or moves is told of by its own path.
    fn includes_path(&self, path: &Path) -> bool {
        let lies_in = |folder: &PathBuf| path.parent() == Some(folder) || path == folder;
        self.entries.contains(path)
            || self.folders.iter().any(lies_in)
            || self
                .entries
                .iter()
                .any(|entry| entry.parent() == Some(path))
    }
}

/// The names on a path, `..` among them.
fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some(OsString::from("..")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}
