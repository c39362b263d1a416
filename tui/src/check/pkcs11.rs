//! What browsers and mail programs reach the card through: OpenSC's module
//! (PKCS#11), and p11-kit, which tells programs of it.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::look::Place;
use super::{By, Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "pkcs11-module",
        title: "OpenSC's module is there",
        meaning: "Browsers and mail programs reach a card through a module (PKCS#11), and OpenSC's \
             is the one that knows the CAC. cacd itself needs none.",
        after: &[],
        by: By::Machine(module_is_there),
    },
    Check {
        name: "p11-kit",
        title: "p11-kit knows the module",
        meaning: "p11-kit keeps a list of modules for all programs that ask it. Where OpenSC's is \
             not in it, each program has to be told by itself.",
        after: &["pkcs11-module"],
        by: By::Machine(p11_kit),
    },
];

const MODULE: &str = "opensc-pkcs11.so";

/// Below the folders for libraries.
const FOLDERS: [&str; 2] = ["", "pkcs11"];

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 4096;

/// p11-kit's files have some lines.
const LONGEST_FILE: u64 = 64 * 1024;

/// OpenSC's module, where distributions install it.
pub(crate) fn module(place: &Place) -> Option<PathBuf> {
    let lib = place.root.join("usr/lib");
    let mut folders = of_each_architecture(&lib);
    folders.extend([
        place.root.join("usr/lib64"),
        lib,
        place.root.join("usr/local/lib"),
    ]);
    let paths = folders.iter().flat_map(|folder| {
        let paths = FOLDERS.map(|below| folder.join(below).join(MODULE));
        paths.into_iter()
    });
    paths.into_iter().find(|path| path.is_file())
}

/// `/usr/lib/x86_64-linux-gnu` and its like, as Debian has them.
fn of_each_architecture(lib: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(lib) else {
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = (entries.take(MOST_ENTRIES).flatten())
        .filter(|entry| entry.file_name().to_string_lossy().contains("-linux-gnu"))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}

fn module_is_there(place: &Place) -> Vec<Found> {
    vec![match module(place) {
        Some(path) => Found::fine(path.display().to_string()),
        None => Found::warning("it is in none of the folders for libraries").by(
            "cacd works without it; browsers do not. On Fedora and RHEL: sudo dnf install opensc.",
            "sudo apt install opensc",
        ),
    }]
}

fn p11_kit(place: &Place) -> Vec<Found> {
    if module(place).is_none() {
        return vec![Found::not_applicable("there is no module")];
    }
    let mut folders = vec![
        place.root.join("usr/share/p11-kit/modules"),
        place.root.join("etc/pkcs11/modules"),
    ];
    folders.extend((place.home.iter()).map(|home| home.join(".config/pkcs11/modules")));
    let mut files = folders.iter().flat_map(|folder| modules_of(folder));
    vec![match files.find(|path| names_the_module(path)) {
        Some(path) => Found::fine(path.display().to_string()),
        None => Found::warning("none of its files names OpenSC's module").by_setup(
            "Programs that ask p11-kit do not see the card. Setup writes the file.",
            "p11-kit",
        ),
    }]
}

fn modules_of(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.take(MOST_ENTRIES).flatten().map(|it| it.path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "module"))
        .collect();
    paths.sort();
    paths
}

/// `module: opensc-pkcs11.so`, with or without its folder (pkcs11.conf(5)).
fn names_the_module(path: &Path) -> bool {
    let mut text = Vec::new();
    let Ok(file) = File::open(path) else {
        return false;
    };
    if file.take(LONGEST_FILE).read_to_end(&mut text).is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.any(|(name, value)| {
        let value = Path::new(value.trim());
        name.trim() == "module" && value.file_name().is_some_and(|it| it == MODULE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    fn write(place: &Place, path: &str, text: &str) {
        let path = place.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn verdicts(place: &Place) -> [Verdict; 2] {
        [module_is_there(place), p11_kit(place)].map(|found| found[0].verdict())
    }

    #[test]
    fn the_module_is_found_wherever_distributions_put_it() {
        for folder in [
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/aarch64-linux-gnu/pkcs11",
            "usr/lib64/pkcs11",
            "usr/lib64",
            "usr/lib/pkcs11",
            "usr/lib",
        ] {
            let root = tempfile::tempdir().unwrap();
            let place = Place::below(root.path());
            assert_eq!(
                verdicts(&place),
                [Verdict::Warning, Verdict::NotApplicable],
                "{folder}"
            );

            write(&place, &format!("{folder}/{MODULE}"), "");

            assert_eq!(
                verdicts(&place),
                [Verdict::Fine, Verdict::Warning],
                "{folder}"
            );
        }
    }

    #[test]
    fn the_list_of_p11_kit_has_it_in_one_of_its_folders() {
        for (file, text, verdict) in [
            (
                "usr/share/p11-kit/modules/opensc.module",
                "module: opensc-pkcs11.so\n",
                Verdict::Fine,
            ),
            (
                "etc/pkcs11/modules/a.module",
                "# mine\nmodule:/usr/lib/opensc-pkcs11.so",
                Verdict::Fine,
            ),
            (
                "home/.config/pkcs11/modules/a.module",
                "critical: no\nmodule: opensc-pkcs11.so",
                Verdict::Fine,
            ),
            (
                "etc/pkcs11/modules/a.module",
                "#module: opensc-pkcs11.so",
                Verdict::Warning,
            ),
            (
                "etc/pkcs11/modules/a.module.old",
                "module: opensc-pkcs11.so",
                Verdict::Warning,
            ),
            (
                "etc/pkcs11/modules/a.module",
                "module: coolkey.so",
                Verdict::Warning,
            ),
        ] {
            let root = tempfile::tempdir().unwrap();
            let place = Place::below(root.path());
            write(&place, &format!("usr/lib/{MODULE}"), "");

            write(&place, file, text);

            assert_eq!(verdicts(&place), [Verdict::Fine, verdict], "{file}");
        }
    }
}
