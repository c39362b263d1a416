//! Every fuzz target runs over its seeds, and over what is easily made of them.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cac_tests::fuzz::{TARGETS, seeds};

#[test]
fn every_seed_is_what_its_target_looks_for() {
    for target in TARGETS {
        let seeds = seeds_of(target.name);

        assert!(!seeds.is_empty(), "{} has no seed", target.name);
        for (path, bytes) in seeds {
            assert!((target.run)(&bytes), "{} has gone stale", path.display());
        }
    }
}

#[test]
fn no_target_minds_a_seed_that_is_cut_or_changed() {
    for target in TARGETS {
        for (_, bytes) in seeds_of(target.name) {
            // Some fifty places in each: libFuzzer tries the others.
            let step = bytes.len() / 50 + 1;
            for at in (0..bytes.len()).step_by(step) {
                (target.run)(&bytes[..at]);
                for change in [0x01, 0x80, 0xFF] {
                    let mut changed = bytes.clone();
                    changed[at] ^= change;
                    (target.run)(&changed);
                }
            }
        }
    }
}

#[test]
fn there_is_a_folder_of_seeds_for_each_target_and_no_other() {
    let folders: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();

    let targets: BTreeSet<String> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(folders, targets);
}

#[test]
fn seeds_that_are_made_anew_are_good_and_small() {
    for seed in seeds::make().unwrap() {
        let target = TARGETS.iter().find(|target| target.name == seed.target);

        assert!((target.unwrap().run)(&seed.bytes), "{}", seed.name);
        assert!(seed.bytes.len() < 12 * 1024, "{}", seed.name);
    }
}

fn seeds_of(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    fs::read_dir(folder().join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds")
}
