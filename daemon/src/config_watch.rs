//! Reads the configuration, the profiles and the authorities, and reads them
//! again when they change. What cannot be read is reported, and the last good
//! version of it stays in force.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cac_common::config::Config;
use cac_common::error_chain::Chain;
use cac_common::profile::Profile;
use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::portal::Portal;
use crate::trust::Authorities;

/// Editors write a file in several steps; this long after the last it is read.
const SETTLED: Duration = Duration::from_millis(200);

const PROFILE_ENDING: &str = "toml";

/// All that was read.
#[derive(Clone)]
pub struct Loaded {
    pub config: Config,
    pub portals: Vec<Arc<Portal>>,
    pub authorities: Arc<Authorities>,
    /// What is wrong, each with its file and line.
    pub problems: Vec<String>,
}

/// Reads, and remembers the last good version of each file.
pub struct Loader {
    folder: PathBuf,
    config: Config,
    good: BTreeMap<PathBuf, Arc<Portal>>,
}

/// Watches for as long as it is kept.
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
}

impl Loader {
    /// `folder` holds `cacd.toml`, `portals.d` and `trust`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            config: Config::default(),
            good: BTreeMap::new(),
        }
    }

    pub fn load(&mut self) -> Loaded {
        let mut problems = Vec::new();
        match Config::read(&self.folder.join("cacd.toml")) {
            Ok(config) => self.config = config,
            Err(error) => problems.push(Chain(&error).to_string()),
        }
        self.load_profiles(&mut problems);
        let (authorities, faults) = Authorities::read(&self.folder.join("trust"));
        problems.extend(faults.iter().map(|fault| Chain(fault).to_string()));
        let portals = self.unique_by_name(&mut problems);
        Loaded {
            config: self.config.clone(),
            portals,
            authorities: Arc::new(authorities),
            problems,
        }
    }

    fn portals_folder(&self) -> PathBuf {
        self.config
            .portals
            .clone()
            .unwrap_or_else(|| self.folder.join("portals.d"))
    }

    fn load_profiles(&mut self, problems: &mut Vec<String>) {
        let folder = self.portals_folder();
        let files = match profile_files(&folder) {
            Ok(files) => files,
            Err(error) => {
                problems.push(format!("{} cannot be read: {error}", folder.display()));
                return;
            }
        };
        // A profile that was taken away is no longer in force.
        self.good.retain(|path, _| files.contains(path));
        for path in files {
            match read_portal(&path) {
                Ok(portal) => {
                    self.good.insert(path, Arc::new(portal));
                }
                Err(problem) => problems.push(problem),
            }
        }
    }

    fn unique_by_name(&self, problems: &mut Vec<String>) -> Vec<Arc<Portal>> {
        let mut by_name: BTreeMap<&str, (&PathBuf, &Arc<Portal>)> = BTreeMap::new();
        for (path, portal) in &self.good {
            let name = portal.profile().name.as_str();
            if let Some((first, _)) = by_name.get(name) {
                problems.push(format!(
                    "{}: its name, {name}, is taken by {}; it is left out",
                    path.display(),
                    first.display()
                ));
            } else {
                by_name.insert(name, (path, portal));
            }
        }
        by_name
            .into_values()
            .map(|(_, portal)| Arc::clone(portal))
            .collect()
    }
}

/// Says `()` whenever something in the folders of the configuration changes.
/// Folders are watched, not files, since editors save by renaming.
pub fn watch(
    folder: &Path,
    portals: Option<&Path>,
    changed: mpsc::Sender<()>,
) -> notify::Result<Watch> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        match event {
            // Reading a file is no change, and we read them ourselves.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            // A full channel means that a reload is on its way already.
            Ok(_) => drop(changed.try_send(())),
            Err(error) => tracing::warn!(%error, "configuration is not watched as it should be"),
        }
    })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    if let Some(portals) = portals {
        watcher.watch(portals, RecursiveMode::NonRecursive)?;
    }
    Ok(Watch { _watcher: watcher })
}

/// Waits until something changed, and has stayed unchanged for a moment.
pub async fn settled(changes: &mut mpsc::Receiver<()>) -> Option<()> {
    changes.recv().await?;
    loop {
        match tokio::time::timeout(SETTLED, changes.recv()).await {
            Ok(Some(())) => {}
            Ok(None) => return None,
            Err(_) => return Some(()),
        }
    }
}

fn profile_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == PROFILE_ENDING)
        })
        .collect();
    files.sort();
    Ok(files)
}

fn read_portal(path: &Path) -> Result<Portal, String> {
    let profile = Profile::read(path).map_err(|error| Chain(&error).to_string())?;
    Portal::prepare(profile).map_err(|error| format!("{}: {}", path.display(), Chain(&error)))
}
