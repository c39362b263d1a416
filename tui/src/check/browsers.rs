//! The browsers of whoever asks: which of their profiles load the card's module
//! and trust the authorities that this machine trusts.

mod sandboxed;

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
use super::outcome::{Told, outcomes};
use super::{By, Check, Found};
use crate::browsers::database::{self, Database};
use crate::browsers::modules::Module;
use crate::browsers::nss::{self, Held};
use crate::browsers::sandbox::Sandbox;
use crate::browsers::tool::NO_CARD;
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
        outcomes: modules::ALL,
    },
    Check {
        name: "browser-roots",
        title: "browsers trust the DoD's authorities",
        meaning: "Each browser profile keeps its own list of authorities. It is held against those that \
             lie in /etc/cacd/trust/anchors; where one is missing, sites of the DoD look forged.",
        after: &[],
        by: By::Machine(roots),
        outcomes: roots::ALL,
    },
];

/// What this machine trusts for cards.
const ANCHORS: &str = "etc/cacd/trust/anchors";
const MOST_FILES: usize = 256;

/// Of all calls of programs: less than a check may take.
const LIMIT: Duration = Duration::from_secs(5);

/// The steps of setup that mend it.
const SETUP: &str = "browsers";
const TOLD: &str = "sandboxes";

const ADD_IT: &str =
    "The browser never asks for your certificate. Close it, and let setup add the module.";

const IF_IT_DOES_NOT_ASK: &str = "Where the browser does not ask for your certificate, use its native package, or let setup say what may be tried.";

outcomes! {
    modules {
        NO_HOME: Outcome::not_applicable("there is no home folder");
        NO_BROWSER: Outcome::not_applicable("no browser has a profile here");
        NO_PROFILES: Outcome::unknown("its list of profiles cannot be used: {why}")
            .mended("Mend {path}, or move it away while {browser} is closed.");
        SANDBOXED: Outcome::warning("it runs in a sandbox, which loads no module of this machine, and its list names none of its own")
            .by_setup("Use its native package, or let setup say what may be tried.", super::TOLD);
        KEPT_AWAY: Outcome::warning("its list names {path}, and its sandbox keeps it from pcscd")
            .by_setup("Setup says what lets it reach pcscd; start it anew then.", super::TOLD);
        MAY_BE_KEPT_AWAY: Outcome::unknown("its list names {path}; whether its sandbox lets it reach pcscd is not known")
            .by_setup(super::IF_IT_DOES_NOT_ASK, super::TOLD);
        INSIDE: Outcome::unknown("it may reach pcscd, and its list names {path}; whether that is in its sandbox is not seen from here")
            .by_setup(super::IF_IT_DOES_NOT_ASK, super::TOLD);
        LISTED_INSIDE: Outcome::fine("by {path}, and its sandbox lets it reach pcscd");
        NO_LIST: Outcome::warning("it has no list of modules yet")
            .by_setup(super::ADD_IT, super::SETUP);
        OLD_LIST: Outcome::warning("its list of modules is of a kind that browsers gave up")
            .mended("Start it once with a version of today.");
        BROKEN_LIST: Outcome::unknown("its list of modules cannot be used: {why}")
            .mended("Start the browser once and close it again; then look once more.");
        OTHER_MODULE: Outcome::warning("it loads {module} as well, which would take the card for itself")
            .by_setup("Setup takes it out.", super::SETUP);
        LISTED: Outcome::fine("by {path}");
        BY_POLICY: Outcome::fine("by {path}, for all users");
        GONE: Outcome::warning("its list names {path}, which is not there")
            .by_setup("Close it, and let setup name the module that is there.", super::SETUP);
        GONE_INSIDE: Outcome::warning("its list names {path}, which is not in its sandbox")
            .mended("Take it out of its security devices. Use its native package to sign in with a card.");
        NOT_LISTED: Outcome::warning("OpenSC's module is not in its list")
            .by_setup(super::ADD_IT, super::SETUP);
    }
}

outcomes! {
    roots {
        NO_ANCHORS: Outcome::not_applicable(
            "no authority lies in /etc/cacd/trust/anchors to compare with",
        );
        NO_BROWSER: Outcome::not_applicable("no browser has a profile here");
        NO_CERTUTIL: Outcome::unknown("certutil is not installed, which tells").by(
            "On Fedora and RHEL: sudo dnf install nss-tools.",
            "sudo apt install libnss3-tools",
        );
        NOT_TOLD: Outcome::unknown("certutil does not tell: {why}");
        NO_LIST: Outcome::warning("it runs in a sandbox, and has no list of authorities yet")
            .mended("Start it once and close it again; then let setup add them.");
        TRUSTED: Outcome::fine("it trusts all that this machine trusts");
        NOT_TRUSTED: Outcome::warning("it does not trust {authorities}").by(
            "Sites of the DoD look forged to it. Close it, and let setup add the bundle that you have fetched.",
            "cacctl setup --roots FILE --digest SHA256",
        );
    }
}

fn home(place: &Place) -> Option<Home> {
    let home = place.home.clone()?;
    Some(Home {
        data: (place.data.clone()).unwrap_or_else(|| home.join(".local/share")),
        programs: ["usr/bin", "usr/local/bin"]
            .map(|below| place.root.join(below))
            .into(),
        folder: home,
    })
}

fn modules(place: &Place) -> Vec<Found> {
    let Some(home) = home(place) else {
        return vec![modules::NO_HOME.found()];
    };
    let found = browsers::find(&home);
    let end = now() + LIMIT;
    let mut lines = Vec::new();
    for unlisted in &found.unlisted {
        let path = unlisted.path.display().to_string();
        let told: &Told<'_> = &[
            ("why", &Chain(&unlisted.fault)),
            ("path", &path),
            ("browser", &unlisted.browser),
        ];
        let line = modules::NO_PROFILES.told(told);
        lines.push(line.about(&path, unlisted.browser));
    }
    for profile in &found.profiles {
        let line = match Sandbox::of(&home.folder, profile) {
            None => module_of(place, profile),
            Some(sandbox) => sandboxed::module_of(profile, &sandbox, || {
                sandboxed::reaches_pcscd(place, &home, &sandbox, end)
            }),
        };
        lines.push(line.about(profile.folder.display().to_string(), &profile.title));
    }
    if lines.is_empty() {
        return vec![modules::NO_BROWSER.found()];
    }
    lines
}

fn module_of(place: &Place, profile: &Profile) -> Found {
    let listed = match database::look(&profile.folder) {
        Ok(Database::Present(listed)) => listed,
        Ok(Database::Absent) => {
            return by_policy(place, profile).unwrap_or_else(|| modules::NO_LIST.found());
        }
        Ok(Database::Old) => return modules::OLD_LIST.found(),
        Err(fault) => return modules::BROKEN_LIST.told(&[("why", &Chain(&fault))]),
    };
    if let Some(module) = listed.iter().find(|module| module.is_conflicting()) {
        let name = readable(module.file_name());
        return modules::OTHER_MODULE.told(&[("module", &name)]);
    }
    match of_the_card(&listed) {
        Some(module) => has(place, module),
        None => by_policy(place, profile).unwrap_or_else(|| modules::NOT_LISTED.found()),
    }
}

fn of_the_card(listed: &[Module]) -> Option<&Module> {
    listed.iter().find(|it| it.is_opensc() || it.is_p11_kit())
}

/// It may be in the list and on the disk no more.
fn has(place: &Place, module: &Module) -> Found {
    let path = readable(&module.library);
    if module.is_there(&place.root) {
        modules::LISTED.told(&[("path", &path)])
    } else {
        modules::GONE.told(&[("path", &path)])
    }
}

fn by_policy(place: &Place, profile: &Profile) -> Option<Found> {
    let policies = place.root.join("etc/firefox/policies/policies.json");
    let is_named = profile.title.starts_with("Firefox") && names_the_module(&policies);
    is_named.then(|| modules::BY_POLICY.told(&[("path", &policies.display())]))
}

fn roots(place: &Place) -> Vec<Found> {
    let anchors = anchors(place);
    if anchors.is_empty() {
        return vec![roots::NO_ANCHORS.found()];
    }
    let found = home(place).map(|home| browsers::find(&home));
    let end = now() + LIMIT;
    let lines: Vec<Found> = found
        .unwrap_or_default()
        .profiles
        .iter()
        .map(|profile| {
            let key = profile.folder.display().to_string();
            roots_of(profile, &anchors, end).about(key, &profile.title)
        })
        .collect();
    if lines.is_empty() {
        return vec![roots::NO_BROWSER.found()];
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
        Ok(Database::Present(_)) => untrusted(&profile.folder, anchors, end),
        // Setup makes none there.
        Ok(Database::Absent) if profile.packaging != Packaging::Native => {
            return roots::NO_LIST.found();
        }
        Ok(Database::Absent | Database::Old) | Err(_) => Ok(anchors.iter().map(title).collect()),
    };
    judge_roots(missing)
}

fn judge_roots(missing: Result<Vec<String>, ChildError>) -> Found {
    match missing {
        Ok(missing) if missing.is_empty() => roots::TRUSTED.found(),
        Ok(missing) => roots::NOT_TRUSTED.told(&[("authorities", &missing.join(", "))]),
        Err(ChildError::NotThere) => roots::NO_CERTUTIL.found(),
        Err(fault) => roots::NOT_TOLD.told(&[("why", &Chain(&fault))]),
    }
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
    command.env(NO_CARD.0, NO_CARD.1);
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
pub(super) mod tests;
