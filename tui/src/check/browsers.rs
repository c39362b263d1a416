//! The browsers of whoever asks: which of their profiles load the card's module
//! and trust the authorities that this machine trusts.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use cac_common::bounded_file;
use cac_common::bundle;
use cac_common::error_chain::Chain;
use cac_common::identity::readable;
use cac_common::x509::Certificate;

use super::child::{self, ChildError};
use super::look::Place;
use super::{By, Check, Found};
use crate::browsers::database::{self, Database};
use crate::browsers::modules::Module;
use crate::browsers::nss::{self, Held};
use crate::browsers::{self, Home, Packaging, Profile};
use crate::setup::names_the_module;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "browser-module",
        title: "browsers load the card's module",
        meaning: "Each browser profile keeps its own list of modules. Where OpenSC's is not in it, the \
             browser never asks for your certificate. cacd itself needs no browser.",
        after: &["pkcs11-module"],
        by: By::Machine(modules),
    },
    Check {
        name: "browser-roots",
        title: "browsers trust the DoD's authorities",
        meaning: "Each browser profile keeps its own list of authorities. It is held against those that \
             lie in /etc/cacd/trust/anchors; where one is missing, sites of the DoD look forged.",
        after: &[],
        by: By::Machine(roots),
    },
];

/// What this machine trusts for cards.
const ANCHORS: &str = "etc/cacd/trust/anchors";
const MOST_FILES: usize = 256;

/// Of all calls of certutil: less than a check may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The steps of setup that mend it.
const SETUP: &str = "browsers";
const TOLD: &str = "sandboxes";

fn profiles(place: &Place) -> Option<browsers::Found> {
    let home = place.home.clone()?;
    Some(browsers::find(&Home {
        data: home.join(".local/share"),
        programs: ["usr/bin", "usr/local/bin"]
            .map(|below| place.root.join(below))
            .into(),
        folder: home,
    }))
}

fn modules(place: &Place) -> Vec<Found> {
    let Some(found) = profiles(place) else {
        return vec![Found::not_applicable("there is no home folder")];
    };
    let mut lines = Vec::new();
    for unlisted in &found.unlisted {
        let cause = format!(
            "its list of profiles cannot be used: {}",
            Chain(&unlisted.fault)
        );
        let path = unlisted.path.display().to_string();
        lines.push(
            Found::unknown(cause)
                .mended(format!(
                    "Mend {path}, or move it away while {} is closed.",
                    unlisted.browser
                ))
                .about(path, unlisted.browser),
        );
    }
    for profile in &found.profiles {
        let line = match profile.packaging {
            Packaging::Native => module_of(place, profile),
            Packaging::Snap | Packaging::Flatpak => Found::warning(
                "it runs in a sandbox, which keeps it from the card and from the module",
            )
            .by_setup(
                "Use its native package, or let setup say what may be tried.",
                TOLD,
            ),
        };
        lines.push(line.about(profile.folder.display().to_string(), &profile.title));
    }
    if lines.is_empty() {
        return vec![Found::not_applicable("no browser has a profile here")];
    }
    lines
}

fn module_of(place: &Place, profile: &Profile) -> Found {
    let listed = match database::look(&profile.folder) {
        Ok(Database::Present(listed)) => listed,
        Ok(Database::Absent) => {
            return without_module(place, profile, "it has no list of modules yet");
        }
        Ok(Database::Old) => {
            return Found::warning("its list of modules is of a kind that browsers gave up")
                .mended("Start it once with a version of today.");
        }
        Err(fault) => {
            return Found::unknown(format!(
                "its list of modules cannot be used: {}",
                Chain(&fault)
            ))
            .mended("Start the browser once and close it again; then look once more.");
        }
    };
    if let Some(module) = listed.iter().find(|module| module.is_conflicting()) {
        let cause = format!(
            "it loads {} as well, which would take the card for itself",
            readable(module.file_name())
        );
        return Found::warning(cause).by_setup("Setup takes it out.", SETUP);
    }
    match listed.iter().find(|it| it.is_opensc() || it.is_p11_kit()) {
        Some(module) => has(place, module),
        None => without_module(place, profile, "OpenSC's module is not in its list"),
    }
}

/// It may be in the list and on the disk no more.
fn has(place: &Place, module: &Module) -> Found {
    let library = Path::new(&module.library);
    // One without a folder is looked for by the system's loader.
    if library.is_absolute() {
        let below = library.strip_prefix("/").unwrap_or(library);
        if !place.root.join(below).exists() {
            let cause = format!(
                "its list names {}, which is not there",
                readable(&module.library)
            );
            return Found::warning(cause).by(
                "Take it out of the list while the browser is closed; then run cacctl setup.",
                format!(
                    "modutil -dbdir sql:DIR -delete {:?} -force",
                    readable(&module.name)
                ),
            );
        }
    }
    Found::fine(format!("by {}", readable(&module.library)))
}

fn without_module(place: &Place, profile: &Profile, cause: &str) -> Found {
    let policies = place.root.join("etc/firefox/policies/policies.json");
    if profile.title.starts_with("Firefox") && names_the_module(&policies) {
        return Found::fine(format!("by {}", policies.display()));
    }
    Found::warning(cause).by_setup(
        "The browser never asks for your certificate. Close it, and let setup add the module.",
        SETUP,
    )
}

fn roots(place: &Place) -> Vec<Found> {
    let anchors = anchors(place);
    if anchors.is_empty() {
        return vec![Found::not_applicable(
            "no authority lies in /etc/cacd/trust/anchors to compare with",
        )];
    }
    let found = profiles(place).unwrap_or_default();
    let end = now() + LIMIT;
    let lines: Vec<Found> = found
        .profiles
        .iter()
        .filter(|profile| profile.packaging == Packaging::Native)
        .map(|profile| {
            let key = profile.folder.display().to_string();
            roots_of(profile, &anchors, end).about(key, &profile.title)
        })
        .collect();
    if lines.is_empty() {
        return vec![Found::not_applicable("no browser has a profile here")];
    }
    lines
}

#[expect(
    clippy::disallowed_methods,
    reason = "other programs are given what is left of the time of this check"
)]
fn now() -> Instant {
    Instant::now()
}

fn roots_of(profile: &Profile, anchors: &[Certificate], end: Instant) -> Found {
    let missing = match database::look(&profile.folder) {
        Ok(Database::Present(_)) => match untrusted(&profile.folder, anchors, end) {
            Ok(missing) => missing,
            Err(ChildError::NotThere) => {
                return Found::unknown("certutil is not installed, which tells").by(
                    "On Fedora and RHEL: sudo dnf install nss-tools.",
                    "sudo apt install libnss3-tools",
                );
            }
            Err(fault) => {
                return Found::unknown(format!("certutil does not tell: {}", Chain(&fault)));
            }
        },
        Ok(Database::Absent | Database::Old) | Err(_) => anchors.iter().map(title).collect(),
    };
    if missing.is_empty() {
        return Found::fine("it trusts all that this machine trusts");
    }
    Found::warning(format!("it does not trust {}", missing.join(", "))).by(
        "Sites of the DoD look forged to it. Close it, and let setup add the bundle that you have fetched.",
        "cacctl setup --roots FILE --digest SHA256",
    )
}

fn title(certificate: &Certificate) -> String {
    readable(certificate.title())
}

/// Those that a database does not trust for servers.
fn untrusted(
    folder: &Path,
    anchors: &[Certificate],
    end: Instant,
) -> Result<Vec<String>, ChildError> {
    let listed = nss::listed(&certutil(folder, &["-L"], end)?);
    let is_trusted = |held: &&Held| {
        held.trust
            .split(',')
            .next()
            .is_some_and(|it| it.contains('C'))
    };
    let mut trusted = Vec::new();
    for held in listed.iter().filter(is_trusted) {
        trusted.push(certutil(folder, &["-L", "-n", &held.nickname, "-a"], end)?);
    }
    let trusted: Vec<Certificate> = trusted
        .iter()
        .filter_map(|pem| bundle::read(pem).ok())
        .flatten()
        .collect();
    let missing = anchors.iter().filter(|anchor| !trusted.contains(anchor));
    Ok(missing.map(title).collect())
}

fn certutil(folder: &Path, arguments: &[&str], end: Instant) -> Result<Vec<u8>, ChildError> {
    let mut command = Command::new("certutil");
    let mut database = std::ffi::OsString::from("sql:");
    database.push(folder);
    command.arg("-d").arg(database).args(arguments);
    let said = child::said(command, end.saturating_duration_since(now()))?;
    Ok(said.text.into_bytes())
}

/// A file that is no bundle is told of elsewhere.
fn anchors(place: &Place) -> Vec<Certificate> {
    let entries = std::fs::read_dir(place.root.join(ANCHORS))
        .into_iter()
        .flatten();
    let mut paths: Vec<PathBuf> = entries
        .take(MOST_FILES)
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    let bundles = paths.iter().filter_map(|path| {
        let bytes = bounded_file::read(path, bundle::LARGEST_FILE).ok()?;
        bundle::read(&bytes).ok()
    });
    bundles
        .flatten()
        .filter(Certificate::is_self_signed_authority)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::check::Verdict;

    const PROFILE: &str = "home/.mozilla/firefox/a.default";

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn with_firefox() -> Self {
            let machine = Self::new();
            let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
            machine.write("home/.mozilla/firefox/profiles.ini", list.as_bytes());
            machine
        }

        fn write(&self, path: &str, bytes: &[u8]) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }

        fn modules(&self) -> Vec<Found> {
            modules(&Place::below(self.0.path()))
        }

        fn roots(&self) -> Vec<Found> {
            roots(&Place::below(self.0.path()))
        }
    }

    fn told(found: &[Found]) -> (Verdict, String) {
        let [found] = found else {
            panic!("{found:?}");
        };
        (found.verdict(), format!("{found:?}"))
    }

    #[test]
    fn without_a_browser_there_is_nothing_to_check() {
        let machine = Machine::new();

        assert_eq!(told(&machine.modules()).0, Verdict::NotApplicable);
        assert_eq!(told(&machine.roots()).0, Verdict::NotApplicable);
    }

    #[test]
    fn a_profile_has_the_module_in_its_list_or_by_policy() {
        let machine = Machine::with_firefox();
        let list = format!("{PROFILE}/pkcs11.txt");

        assert_eq!(told(&machine.modules()).0, Verdict::Warning);
        machine.write(&list, b"name=Internal\nlibrary=\n");
        let (verdict, text) = told(&machine.modules());
        assert_eq!(verdict, Verdict::Warning);
        assert!(text.contains("Setup(\"browsers\")"), "{text}");

        let policies = br#"{"policies": {"SecurityDevices": {"x": "/usr/lib/opensc-pkcs11.so"}}}"#;
        machine.write("etc/firefox/policies/policies.json", policies);
        assert_eq!(told(&machine.modules()).0, Verdict::Fine);

        machine.write("etc/firefox/policies/policies.json", b"{");
        machine.write(&list, b"name=CAC\nlibrary=/usr/lib/opensc-pkcs11.so\n");
        let (verdict, text) = told(&machine.modules());
        assert_eq!(verdict, Verdict::Warning);
        assert!(text.contains("which is not there"), "{text}");

        machine.write("usr/lib/opensc-pkcs11.so", b"");
        assert_eq!(told(&machine.modules()).0, Verdict::Fine);
    }

    #[test]
    fn what_stands_in_the_way_is_told() {
        let machine = Machine::with_firefox();
        let list = format!("{PROFILE}/pkcs11.txt");

        machine.write(&list, b"name=Old\nlibrary=/usr/lib/libcoolkeypk11.so\n");
        assert!(told(&machine.modules()).1.contains("libcoolkeypk11.so"));
        machine.write(&list, b"nonsense");
        assert_eq!(told(&machine.modules()).0, Verdict::Unknown);
        fs::remove_file(machine.0.path().join(&list)).unwrap();
        machine.write(&format!("{PROFILE}/secmod.db"), b"");
        assert!(told(&machine.modules()).1.contains("gave up"));
    }

    #[test]
    fn a_broken_list_of_profiles_and_a_sandbox_are_told() {
        let machine = Machine::new();
        machine.write("home/.mozilla/firefox/profiles.ini", b"Path");
        assert_eq!(told(&machine.modules()).0, Verdict::Unknown);

        let machine = Machine::new();
        machine.write("home/snap/chromium/current/a", b"");
        let (verdict, text) = told(&machine.modules());
        assert_eq!(verdict, Verdict::Warning);
        assert!(text.contains("Setup(\"sandboxes\")"), "{text}");
    }

    #[test]
    fn a_profile_trusts_what_the_machine_trusts_or_not() {
        let root = include_bytes!("../../../tests/data/openssl/root.der");
        let machine = Machine::with_firefox();
        let folder = machine.0.path().join(PROFILE);
        fs::create_dir_all(&folder).unwrap();
        let certutil = |arguments: &[&str]| {
            let database = format!("sql:{}", folder.display());
            let done = Command::new("certutil")
                .args(["-d", &database])
                .args(arguments)
                .output()
                .expect("certutil (make deps)");
            assert!(done.status.success(), "{done:?}");
        };

        assert_eq!(told(&machine.roots()).0, Verdict::NotApplicable);
        machine.write("etc/cacd/trust/anchors/root.der", root);
        assert_eq!(told(&machine.roots()).0, Verdict::Warning);
        certutil(&["-N", "--empty-password"]);
        let file = machine.0.path().join("etc/cacd/trust/anchors/root.der");
        let file = file.to_str().unwrap();
        certutil(&["-A", "-n", "A root", "-t", ",,", "-i", file]);
        let (verdict, text) = told(&machine.roots());
        assert_eq!(
            verdict,
            Verdict::Warning,
            "without trust it counts for nothing"
        );
        assert!(text.contains("it does not trust"), "{text}");
        certutil(&["-M", "-n", "A root", "-t", "C,,"]);
        assert_eq!(told(&machine.roots()).0, Verdict::Fine);
    }
}
