//! Reads the configuration, the profiles and the authorities, and reads them
//! again when they change, or when that is asked for.
//!
//! At the start all that can be read is in force. From then on what is read
//! comes into force as a whole, or, where a file of it cannot be used, not at
//! all: files that were changed together belong together. What cannot be used
//! is reported.

mod follower;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cac_common::bundle::ENDINGS;
use cac_common::config::Config;
use cac_common::error_chain::Chain;
use cac_common::profile::Profile;
use cac_common::proxy::{NotAProxy, Proxy};

pub use self::follower::Follower;
use crate::portal::Portal;
use crate::trust::{self, Authorities};

const PROFILE_ENDING: &str = "toml";

/// The folder of profiles, where the configuration names no other.
const PORTALS: &str = "portals.d";

/// What is in force.
#[derive(Clone)]
pub struct Loaded {
    pub config: Config,
    pub portals: Vec<Arc<Portal>>,
    pub authorities: Arc<Authorities>,
    /// What is wrong with what was read, each with its file and line.
    pub problems: Vec<String>,
    /// Nothing of what was read came into force: all is as it was before.
    pub is_refused: bool,
}

/// Reads, and remembers what is in force.
pub struct Loader {
    folder: PathBuf,
    environment: Result<Option<Proxy>, NotAProxy>,
    in_force: Option<Loaded>,
    /// Where profiles were looked for last.
    portals_folder: PathBuf,
    /// Files that profiles name, those of profiles with another fault too.
    named: BTreeSet<PathBuf>,
}

/// What is wrong with what was read.
#[derive(Default)]
struct Faults {
    /// A file cannot be used.
    grave: Vec<String>,
    /// Something is missing that does without.
    slight: Vec<String>,
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
            environment: Proxy::of_the_environment(|name| std::env::var(name).ok()),
            in_force: None,
            portals_folder: folder.join(PORTALS),
            named: BTreeSet::new(),
        }
    }

    pub fn load(&mut self) -> Loaded {
        let mut faults = Faults::default();
        let config = Config::read(&self.config_file()).unwrap_or_else(|error| {
            faults.grave.push(Chain(&error).to_string());
            let before = self.in_force.as_ref();
            before
                .map(|loaded| loaded.config.clone())
                .unwrap_or_default()
        });
        self.portals_folder = config
            .portals
            .clone()
            .unwrap_or_else(|| self.folder.join(PORTALS));
        let mut portals = self.read_portals(&mut faults);
        self.set_proxy(&config, &mut portals, &mut faults);
        let (authorities, unusable) = Authorities::read(&self.trust_folder());
        let unusable = unusable.iter().map(|fault| Chain(fault).to_string());
        faults.grave.extend(unusable);

        let is_whole = faults.grave.is_empty();
        let problems = [faults.grave, faults.slight].concat();
        match &self.in_force {
            Some(before) if !is_whole => Loaded {
                problems,
                is_refused: true,
                ..before.clone()
            },
            Some(_) | None => {
                let loaded = Loaded {
                    config,
                    portals: portals.into_values().map(Arc::new).collect(),
                    authorities: Arc::new(authorities),
                    problems,
                    is_refused: false,
                };
                self.in_force = Some(loaded.clone());
                loaded
            }
        }
    }

    /// Where all of this came from, when it was read last.
    fn places(&self) -> Places {
        let anchors_folder = self.trust_folder().join(trust::ANCHORS);
        let folders = BTreeSet::from([
            self.portals_folder.clone(),
            self.trust_folder(),
            anchors_folder.clone(),
        ]);
        // A folder that cannot be read is reported when it is loaded.
        let profiles = files_ending(&self.portals_folder, &[PROFILE_ENDING]);
        let authorities = files_ending(&self.trust_folder(), &ENDINGS);
        let trusted = files_ending(&anchors_folder, &ENDINGS);
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

    /// By their names; of two with the same name the first counts.
    fn read_portals(&mut self, faults: &mut Faults) -> BTreeMap<String, Portal> {
        let folder = &self.portals_folder;
        let files = files_ending(folder, &[PROFILE_ENDING]).unwrap_or_else(|error| {
            let fault = format!("{} cannot be read: {error}", folder.display());
            faults.grave.push(fault);
            Vec::new()
        });
        self.named.clear();
        let mut portals: BTreeMap<String, (PathBuf, Portal)> = BTreeMap::new();
        for path in files {
            let portal = match self.read_portal(&path) {
                Ok(portal) => portal,
                Err(fault) => {
                    faults.grave.push(fault);
                    continue;
                }
            };
            let lists = portal.list_faults().iter();
            let lists = lists.map(|fault| format!("{}: {}", path.display(), Chain(fault)));
            faults.slight.extend(lists);
            let name = portal.profile().name.clone();
            if let Some((first, _)) = portals.get(&name) {
                faults.grave.push(format!(
                    "{}: its name, {name}, is taken by {}; it is left out",
                    path.display(),
                    first.display()
                ));
            } else {
                portals.insert(name, (path, portal));
            }
        }
        let portals = portals.into_iter();
        portals.map(|(name, (_, portal))| (name, portal)).collect()
    }

    fn read_portal(&mut self, path: &Path) -> Result<Portal, String> {
        let profile = Profile::read(path).map_err(|error| Chain(&error).to_string())?;
        let named = [&profile.trust_anchors, &profile.revocation_lists];
        self.named.extend(named.into_iter().flatten().cloned());
        Portal::prepare(profile).map_err(|error| format!("{}: {}", path.display(), Chain(&error)))
    }

    fn set_proxy(
        &self,
        config: &Config,
        portals: &mut BTreeMap<String, Portal>,
        faults: &mut Faults,
    ) {
        let proxy = match (&config.proxy, &self.environment) {
            (Some(proxy), _) => Some(proxy.clone()),
            (None, Ok(proxy)) => proxy.clone(),
            (None, Err(error)) => {
                // Of no file, so that no change of one mends it.
                let fault = format!("https_proxy, in the environment of cacd: {error}");
                faults.slight.push(fault);
                None
            }
        };
        let proxy = proxy.map(Arc::new);
        for portal in portals.values_mut() {
            portal.set_proxy(proxy.clone());
        }
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
