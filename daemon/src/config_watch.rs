//! Reads the configuration, the profiles and the authorities, and reads them
//! again when they change. What cannot be read is reported, and the last good
//! version of it stays in force.

mod follower;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cac_common::config::Config;
use cac_common::error_chain::Chain;
use cac_common::profile::Profile;
use cac_common::proxy::{NotAProxy, Proxy};

pub use self::follower::Follower;
use crate::portal::Portal;
use crate::trust::{self, Authorities};

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
    environment: Result<Option<Proxy>, NotAProxy>,
    good: BTreeMap<PathBuf, Arc<Portal>>,
    /// Files that profiles name, those of profiles with another fault too.
    named: BTreeSet<PathBuf>,
}

/// What was read, or would have been if it were there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Places {
    /// Every entry counts.
    folders: BTreeSet<PathBuf>,
    files: BTreeSet<PathBuf>,
}

impl Loader {
    /// `folder` holds `cacd.toml`, `portals.d` and `trust`.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            config: Config::default(),
            environment: Proxy::of_the_environment(|name| std::env::var(name).ok()),
            good: BTreeMap::new(),
            named: BTreeSet::new(),
        }
    }

    pub fn load(&mut self) -> Loaded {
        let mut problems = Vec::new();
        match Config::read(&self.config_file()) {
            Ok(config) => self.config = config,
            Err(error) => problems.push(Chain(&error).to_string()),
        }
        self.load_profiles(&mut problems);
        self.set_proxy(&mut problems);
        let (authorities, faults) = Authorities::read(&self.trust_folder());
        problems.extend(faults.iter().map(|fault| Chain(fault).to_string()));
        let portals = self.unique_by_name(&mut problems);
        Loaded {
            config: self.config.clone(),
            portals,
            authorities: Arc::new(authorities),
            problems,
        }
    }

    /// Where all of this came from, by the configuration that was read last.
    fn places(&self) -> Places {
        let anchors_folder = self.trust_folder().join(trust::ANCHORS);
        let folders = BTreeSet::from([
            self.portals_folder(),
            self.trust_folder(),
            anchors_folder.clone(),
        ]);
        // A folder that cannot be read is reported when it is loaded.
        let profiles = files_ending(&self.portals_folder(), &[PROFILE_ENDING]);
        let authorities = files_ending(&self.trust_folder(), &trust::ENDINGS);
        let trusted = files_ending(&anchors_folder, &trust::ENDINGS);
        let mut files = self.named.clone();
        files.insert(self.config_file());
        files.extend(profiles.into_iter().flatten());
        files.extend(authorities.into_iter().flatten());
        files.extend(trusted.into_iter().flatten());
        Places { folders, files }
    }

    fn config_file(&self) -> PathBuf {
        self.folder.join("cacd.toml")
    }

    fn trust_folder(&self) -> PathBuf {
        self.folder.join("trust")
    }

    fn portals_folder(&self) -> PathBuf {
        self.config
            .portals
            .clone()
            .unwrap_or_else(|| self.folder.join("portals.d"))
    }

    fn load_profiles(&mut self, problems: &mut Vec<String>) {
        let folder = self.portals_folder();
        let files = match files_ending(&folder, &[PROFILE_ENDING]) {
            Ok(files) => files,
            Err(error) => {
                problems.push(format!("{} cannot be read: {error}", folder.display()));
                return;
            }
        };
        // A profile that was taken away is no longer in force.
        self.good.retain(|path, _| files.contains(path));
        self.named.clear();
        for path in files {
            match self.read_portal(&path) {
                Ok(portal) => {
                    let faults = portal.list_faults().iter();
                    problems.extend(
                        faults.map(|fault| format!("{}: {}", path.display(), Chain(fault))),
                    );
                    self.good.insert(path, Arc::new(portal));
                }
                Err(problem) => problems.push(problem),
            }
        }
    }

    /// For those too whose file is broken now, and that are in force as they were.
    fn set_proxy(&mut self, problems: &mut Vec<String>) {
        let proxy = match (&self.config.proxy, &self.environment) {
            (Some(proxy), _) => Some(proxy.clone()),
            (None, Ok(proxy)) => proxy.clone(),
            (None, Err(error)) => {
                problems.push(format!("https_proxy, in the environment of cacd: {error}"));
                None
            }
        };
        let proxy = proxy.map(Arc::new);
        for portal in self.good.values_mut() {
            Arc::make_mut(portal).set_proxy(proxy.clone());
        }
    }

    fn read_portal(&mut self, path: &Path) -> Result<Portal, String> {
        let profile = Profile::read(path).map_err(|error| Chain(&error).to_string())?;
        let named = [&profile.trust_anchors, &profile.revocation_lists];
        self.named.extend(named.into_iter().flatten().cloned());
        Portal::prepare(profile).map_err(|error| format!("{}: {}", path.display(), Chain(&error)))
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

/// The files of a folder whose names end so, in order. A folder that is not
/// there has none.
pub fn files_ending(folder: &Path, endings: &[&str]) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|found| endings.iter().any(|ending| found == *ending))
        })
        .collect();
    files.sort();
    Ok(files)
}
