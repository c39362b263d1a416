//! The browsers of one user, found in their home folder: the profiles of each,
//! and the database (NSS) in which a profile keeps its modules and authorities.
//!
//! Looks and changes nothing: `pkcs11.txt` is read here, and written by
//! `modutil` alone.

pub(crate) mod database;
pub(crate) mod libraries;
pub(crate) mod modules;
pub(crate) mod nss;
pub(crate) mod p11_kit;
pub(crate) mod packages;
pub(crate) mod profiles;
pub(crate) mod running;
pub(crate) mod sandbox;
pub(crate) mod tool;

use std::path::{Path, PathBuf};

use self::profiles::ProfilesFault;

/// How a browser came onto the machine, which decides what it can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packaging {
    Native,
    Snap,
    Flatpak,
}

/// What a browser descends from, which decides where its database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Family {
    /// One database for each profile. Thunderbird is of it too.
    Firefox,
    /// One database for all browsers and profiles of a user.
    Chromium,
}

/// A profile, or what stands for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    /// `Firefox, profile default-release`
    pub(crate) title: String,
    pub(crate) family: Family,
    pub(crate) packaging: Packaging,
    /// Of its database, which need not be there.
    pub(crate) folder: PathBuf,
}

/// A list of profiles that cannot be used.
#[derive(Debug)]
pub(crate) struct Unlisted {
    pub(crate) browser: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) fault: ProfilesFault,
}

#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) profiles: Vec<Profile>,
    pub(crate) unlisted: Vec<Unlisted>,
}

/// Where a user keeps things.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    /// `XDG_DATA_HOME`
    pub(crate) data: PathBuf,
    /// Folders of programs, from `PATH`.
    pub(crate) programs: Vec<PathBuf>,
}

/// Below the home folder; Mozilla's newer builds follow the XDG folders.
const FIREFOX: [(&str, Packaging, &str); 8] = [
    ("Firefox", Packaging::Native, ".mozilla/firefox"),
    ("Firefox", Packaging::Native, ".config/mozilla/firefox"),
    (
        "Firefox",
        Packaging::Snap,
        "snap/firefox/common/.mozilla/firefox",
    ),
    (
        "Firefox",
        Packaging::Flatpak,
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
    ),
    (
        "Firefox",
        Packaging::Flatpak,
        ".var/app/org.mozilla.firefox/config/mozilla/firefox",
    ),
    ("Thunderbird", Packaging::Native, ".thunderbird"),
    (
        "Thunderbird",
        Packaging::Snap,
        "snap/thunderbird/common/.thunderbird",
    ),
    (
        "Thunderbird",
        Packaging::Flatpak,
        ".var/app/org.mozilla.Thunderbird/.thunderbird",
    ),
];

/// Native browsers that share a database: title, program and folder of settings.
const CHROMIUM: [(&str, &[&str], &str); 4] = [
    (
        "Chromium",
        &["chromium", "chromium-browser"],
        ".config/chromium",
    ),
    (
        "Chrome",
        &["google-chrome-stable", "google-chrome"],
        ".config/google-chrome",
    ),
    (
        "Edge",
        &["microsoft-edge-stable", "microsoft-edge"],
        ".config/microsoft-edge",
    ),
    (
        "Brave",
        &["brave-browser-stable", "brave-browser"],
        ".config/BraveSoftware/Brave-Browser",
    ),
];

/// Those in a sandbox have each their own: title, packaging, the folder that
/// shows that it is there, and where its database may be.
const CHROMIUM_IN_A_SANDBOX: [(&str, Packaging, &str, &[&str]); 6] = [
    (
        "Chromium",
        Packaging::Snap,
        "snap/chromium/current",
        &[".pki/nssdb", ".local/share/pki/nssdb"],
    ),
    (
        "Brave",
        Packaging::Snap,
        "snap/brave/current",
        &[".pki/nssdb", ".local/share/pki/nssdb"],
    ),
    (
        "Chromium",
        Packaging::Flatpak,
        ".var/app/org.chromium.Chromium",
        &[".pki/nssdb", "data/pki/nssdb"],
    ),
    (
        "Chrome",
        Packaging::Flatpak,
        ".var/app/com.google.Chrome",
        &[".pki/nssdb", "data/pki/nssdb"],
    ),
    (
        "Edge",
        Packaging::Flatpak,
        ".var/app/com.microsoft.Edge",
        &[".pki/nssdb", "data/pki/nssdb"],
    ),
    (
        "Brave",
        Packaging::Flatpak,
        ".var/app/com.brave.Browser",
        &[".pki/nssdb", "data/pki/nssdb"],
    ),
];

/// Every profile, in the order of the tables.
pub(crate) fn find(home: &Home) -> Found {
    let mut found = Found::default();
    for (browser, packaging, below) in FIREFOX {
        let folder = home.folder.join(below);
        let list = folder.join("profiles.ini");
        match profiles::read(&list) {
            Ok(listed) => {
                let profiles = listed.into_iter().map(|listed| Profile {
                    title: format!("{}, profile {}", named(browser, packaging), listed.name),
                    family: Family::Firefox,
                    packaging,
                    folder: folder.join(listed.path),
                });
                found.profiles.extend(profiles);
            }
            Err(fault) => found.unlisted.push(Unlisted {
                browser,
                path: list,
                fault,
            }),
        }
    }
    found.profiles.extend(shared(home));
    for (browser, packaging, below, databases) in CHROMIUM_IN_A_SANDBOX {
        let folder = home.folder.join(below);
        if folder.is_dir() {
            found.profiles.push(Profile {
                title: named(browser, packaging),
                family: Family::Chromium,
                packaging,
                folder: first_there(&folder, databases),
            });
        }
    }
    found
}

/// The database that native Chromium and its relatives share, where there is
/// one of them.
fn shared(home: &Home) -> Option<Profile> {
    let is_there = |(_, programs, settings): &(&str, &[&str], &str)| {
        let is_installed = programs
            .iter()
            .any(|program| home.programs.iter().any(|it| it.join(program).is_file()));
        is_installed || home.folder.join(settings).is_dir()
    };
    let titles: Vec<&str> = CHROMIUM
        .iter()
        .filter(|browser| is_there(browser))
        .map(|(title, ..)| *title)
        .collect();
    if titles.is_empty() {
        return None;
    }
    // From version 146 on the older place counts only where it is there already.
    let older = home.folder.join(".pki/nssdb");
    let newer = home.data.join("pki/nssdb");
    let folder = if older.is_dir() || !newer.is_dir() {
        older
    } else {
        newer
    };
    Some(Profile {
        title: titles.join(", "),
        family: Family::Chromium,
        packaging: Packaging::Native,
        folder,
    })
}

fn first_there(folder: &Path, databases: &[&str]) -> PathBuf {
    let mut candidates = databases.iter().map(|below| folder.join(below));
    candidates
        .clone()
        .find(|candidate| candidate.is_dir())
        .or_else(|| candidates.next())
        .unwrap_or_else(|| folder.to_owned())
}

fn named(browser: &str, packaging: Packaging) -> String {
    match packaging {
        Packaging::Native => browser.to_owned(),
        Packaging::Snap => format!("{browser} (snap)"),
        Packaging::Flatpak => format!("{browser} (flatpak)"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn home(folder: &Path) -> Home {
        Home {
            folder: folder.to_owned(),
            data: folder.join(".local/share"),
            programs: vec![folder.join("bin")],
        }
    }

    fn make(path: PathBuf, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn an_empty_home_has_no_browser() {
        let folder = tempfile::tempdir().unwrap();

        let found = find(&home(folder.path()));

        assert_eq!(found.profiles, []);
        assert!(found.unlisted.is_empty());
    }

    #[test]
    fn every_kind_of_browser_is_found_where_it_keeps_its_profiles() {
        let folder = tempfile::tempdir().unwrap();
        let at = |below: &str| folder.path().join(below);
        let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
        for (.., below) in FIREFOX {
            make(at(below).join("profiles.ini"), list);
        }
        for (.., settings) in CHROMIUM {
            fs::create_dir_all(at(settings)).unwrap();
        }
        for (_, _, below, _) in CHROMIUM_IN_A_SANDBOX {
            fs::create_dir_all(at(below)).unwrap();
        }

        let found = find(&home(folder.path()));

        let shown: Vec<String> = found
            .profiles
            .iter()
            .map(|it| {
                let below = it.folder.strip_prefix(folder.path()).unwrap();
                format!("{}: {}", it.title, below.display())
            })
            .collect();
        assert_eq!(
            shown,
            [
                "Firefox, profile default: .mozilla/firefox/a.default",
                "Firefox, profile default: .config/mozilla/firefox/a.default",
                "Firefox (snap), profile default: snap/firefox/common/.mozilla/firefox/a.default",
                "Firefox (flatpak), profile default: .var/app/org.mozilla.firefox/.mozilla/firefox/a.default",
                "Firefox (flatpak), profile default: .var/app/org.mozilla.firefox/config/mozilla/firefox/a.default",
                "Thunderbird, profile default: .thunderbird/a.default",
                "Thunderbird (snap), profile default: snap/thunderbird/common/.thunderbird/a.default",
                "Thunderbird (flatpak), profile default: .var/app/org.mozilla.Thunderbird/.thunderbird/a.default",
                "Chromium, Chrome, Edge, Brave: .pki/nssdb",
                "Chromium (snap): snap/chromium/current/.pki/nssdb",
                "Brave (snap): snap/brave/current/.pki/nssdb",
                "Chromium (flatpak): .var/app/org.chromium.Chromium/.pki/nssdb",
                "Chrome (flatpak): .var/app/com.google.Chrome/.pki/nssdb",
                "Edge (flatpak): .var/app/com.microsoft.Edge/.pki/nssdb",
                "Brave (flatpak): .var/app/com.brave.Browser/.pki/nssdb",
            ]
        );
    }

    #[test]
    fn the_shared_database_is_the_older_one_unless_only_the_newer_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path());
        make(folder.path().join("bin/chromium"), "");
        let shared = || {
            let profile = find(&home).profiles.pop().unwrap();
            profile
                .folder
                .strip_prefix(folder.path())
                .unwrap()
                .to_owned()
        };

        assert_eq!(shared(), Path::new(".pki/nssdb"));
        fs::create_dir_all(folder.path().join(".local/share/pki/nssdb")).unwrap();
        assert_eq!(shared(), Path::new(".local/share/pki/nssdb"));
        fs::create_dir_all(folder.path().join(".pki/nssdb")).unwrap();
        assert_eq!(shared(), Path::new(".pki/nssdb"));
    }

    #[test]
    fn a_list_of_profiles_that_is_broken_is_told_and_hides_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a\n";
        make(folder.path().join(".mozilla/firefox/profiles.ini"), "Path");
        make(folder.path().join(".thunderbird/profiles.ini"), list);

        let found = find(&home(folder.path()));

        assert_eq!(found.profiles.len(), 1);
        assert_eq!(found.unlisted.len(), 1);
        assert_eq!(found.unlisted[0].browser, "Firefox");
    }
}
