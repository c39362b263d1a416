//! What was told of ends, kept from one login to the next.
//!
//! It holds fingerprints of certificates and moments, and names nobody.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use cac_common::time::UtcSeconds;
use serde::{Deserialize, Serialize};

use crate::folders;

const FILE: &str = "cacctl/told.json";

/// A file larger than this is none of ours.
const LARGEST: u64 = 256 * 1024;

/// Ends that are remembered; the one told longest ago goes first.
const MOST: usize = 512;

/// Bytes that name one.
const LONGEST_KEY: usize = 128;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    told: BTreeMap<String, Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    /// With how many days left, the least so far; none once it was over.
    days: u16,
    at: UtcSeconds,
    /// When somebody wants to be reminded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    again: Option<UtcSeconds>,
}

/// Where it lies, if there is a place for it.
pub(super) fn path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(folders::state(variable)?.join(FILE))
}

impl Memory {
    /// What is not there yet is empty.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let bytes = match bounded_file::read(path, LARGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read?,
        };
        let mut memory: Self = serde_json::from_slice(&bytes)?;
        memory.shorten();
        Ok(memory)
    }

    /// Takes what another agent of the same person has told meanwhile.
    fn merge(&mut self, other: Self) {
        for (key, theirs) in other.told {
            let ours = self.told.entry(key).or_insert(theirs);
            match theirs.at.cmp(&ours.at) {
                Ordering::Less => {}
                Ordering::Greater => *ours = theirs,
                Ordering::Equal => {
                    ours.days = ours.days.min(theirs.days);
                    ours.again = ours.again.max(theirs.again);
                }
            }
        }
        self.shorten();
    }

    /// Whole or not at all, and for nobody else; with what others wrote before.
    pub(super) fn keep(&mut self, path: &Path) -> io::Result<()> {
        // What cannot be read is none of ours, and written over.
        if let Ok(kept) = Self::read(path) {
            self.merge(kept);
        }
        self.write(path)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        // Of its own, as another agent may write at the same time.
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        let written = serde_json::to_vec(self)
            .map_err(io::Error::from)
            .and_then(|bytes| file.write_all(&bytes))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, path));
        if written.is_err() {
            // Where it cannot even be removed, there is nothing more to do.
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Whether it was not told yet with so few days left, or is to be told again.
    pub(super) fn is_due(&self, key: &str, days: u16, now: UtcSeconds) -> bool {
        self.told
            .get(cut(key))
            .is_none_or(|told| days < told.days || told.again.is_some_and(|again| again <= now))
    }

    pub(super) fn told(&mut self, key: &str, days: u16, at: UtcSeconds) {
        let told = Told {
            days,
            at,
            again: None,
        };
        self.told.insert(cut(key).to_owned(), told);
        self.shorten();
    }

    pub(super) fn remind(&mut self, key: &str, again: UtcSeconds) {
        if let Some(told) = self.told.get_mut(cut(key)) {
            told.again = Some(again);
        }
    }

    pub(super) fn reminder(&self, key: &str) -> Option<UtcSeconds> {
        self.told.get(cut(key))?.again
    }

    fn shorten(&mut self) {
        self.told.retain(|key, _| key.len() <= LONGEST_KEY);
        while self.told.len() > MOST {
            let oldest = self.told.iter().min_by_key(|(_, told)| told.at);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.told.remove(&oldest);
        }
    }
}

/// A fingerprint is shorter; a serial number is what the card says.
fn cut(key: &str) -> &str {
    let mut end = key.len().min(LONGEST_KEY);
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    key.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: UtcSeconds = UtcSeconds(1_000);

    #[test]
    fn what_was_told_is_due_again_with_fewer_days_or_when_somebody_wants_it() {
        let mut memory = Memory::default();
        assert!(memory.is_due("a", 30, NOW));

        memory.told("a", 14, NOW);
        assert!(!memory.is_due("a", 30, NOW));
        assert!(!memory.is_due("a", 14, NOW));
        assert!(memory.is_due("a", 7, NOW));

        memory.remind("a", UtcSeconds(2_000));
        assert!(!memory.is_due("a", 14, NOW));
        assert!(memory.is_due("a", 14, UtcSeconds(2_000)));
        memory.told("a", 14, UtcSeconds(2_000));
        assert!(!memory.is_due("a", 14, UtcSeconds(9_000)));
    }

    #[test]
    fn it_is_kept_for_its_owner_alone_and_does_not_grow() {
        let folder = Scratch::new("memory");
        let path = folder.0.join("cacctl/told.json");
        let mut memory = Memory::default();
        for at in 0..2_000 {
            memory.told(&format!("{at}{}", "x".repeat(300)), 7, UtcSeconds(at));
        }

        memory.write(&path).unwrap();

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(Memory::read(&path).unwrap(), memory);
        assert_eq!(memory.told.len(), MOST);
        assert!(!memory.is_due(&format!("1999{}", "x".repeat(300)), 7, NOW));
        assert!(memory.is_due(&format!("1{}", "x".repeat(300)), 7, NOW));
    }

    #[test]
    fn what_another_agent_has_told_meanwhile_is_kept_too() {
        let folder = Scratch::new("another");
        let path = folder.0.join("cacctl/told.json");
        let (mut ours, mut theirs) = (Memory::default(), Memory::default());
        for memory in [&mut ours, &mut theirs] {
            memory.told("both", 14, NOW);
        }

        ours.told("ours", 7, NOW);
        ours.keep(&path).unwrap();
        theirs.told("theirs", 1, NOW);
        theirs.told("both", 7, UtcSeconds(2_000));
        theirs.keep(&path).unwrap();
        ours.remind("ours", UtcSeconds(3_000));
        ours.keep(&path).unwrap();

        let kept = Memory::read(&path).unwrap();
        assert_eq!(kept.reminder("ours"), Some(UtcSeconds(3_000)));
        assert!(!kept.is_due("theirs", 1, NOW));
        assert!(!kept.is_due("both", 7, NOW));
        assert!(kept.is_due("both", 1, NOW));
        assert_eq!(kept, ours);
        let files = fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(files.count(), 1);
    }

    #[test]
    fn what_is_none_of_ours_is_an_error_and_what_is_not_there_is_empty() {
        let folder = Scratch::new("strange");
        let path = folder.0.join("told.json");

        assert_eq!(Memory::read(&path).unwrap(), Memory::default());
        fs::write(&path, "{\"told\": 5}").unwrap();
        assert!(Memory::read(&path).is_err());
    }

    /// A folder that goes with this.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("cacctl-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }
}
