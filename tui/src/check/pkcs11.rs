//! What browsers and mail programs reach the card through: OpenSC's module
//! (PKCS#11), and p11-kit, which tells programs of it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use cac_common::snapshot::Stage;

use super::child::{self, ChildError, Said};
use super::look::Place;
use super::machine::first_line;
use super::outcome::outcomes;
use super::{By, Check, Found};
use crate::browsers::modules::OPENSC;
use crate::browsers::{libraries, p11_kit, packages};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "pkcs11-module",
        title: "OpenSC's module is there",
        meaning: "Browsers and mail programs reach a card through a module (PKCS#11), and OpenSC's \
             is the one that knows the CAC. cacd itself needs none.",
        after: &[],
        by: By::Machine(module_is_there),
        outcomes: module_is_there::ALL,
    },
    Check {
        name: "pkcs11-card",
        title: "the module sees the card",
        meaning: "The module was loaded in a program of its own (pkcs11-tool), as a browser would, and \
             asked which cards it sees. No PIN is asked for, and nothing is signed.",
        after: &["pkcs11-module"],
        by: By::Machine(sees_the_card),
        outcomes: sees_the_card::ALL,
    },
    Check {
        name: "pkcs11-others",
        title: "no other module is in its way",
        meaning: "Two modules for one card show every certificate twice, and may spend PIN tries twice. \
             coolkey and cackey are old ones, made for the CAC before OpenSC knew it.",
        after: &[],
        by: By::Machine(others),
        outcomes: others::ALL,
    },
    Check {
        name: "p11-kit",
        title: "p11-kit knows the module",
        meaning: "p11-kit keeps a list of modules for all programs that ask it. Where OpenSC's is \
             not in it, each program has to be told by itself.",
        after: &["pkcs11-module"],
        by: By::Machine(knows_the_module),
        outcomes: knows_the_module::ALL,
    },
];

const REMOVE_IT: &str = "Remove it from the programs that load it, and then from the machine: with its package, if it has one.";

/// The packages of them, as Debian and their makers call them.
const THEIR_PACKAGES: [&str; 2] = ["cackey", "coolkey"];

/// Of coolkey and cackey.
const OTHERS: [&str; 3] = ["libcoolkeypk11.so", "libcackey.so", "cackey.so"];

/// The module reads a card that it does not know, which takes some seconds.
const LIMIT: Duration = Duration::from_secs(5);

/// What pkcs11-tool says first of a module that it has loaded.
const LOADED: &str = "Cryptoki version";

/// The first version that knows PSS, which TLS 1.3 wants.
const OLDEST: (u32, u32) = (0, 20);

pub(crate) fn module(place: &Place) -> Option<PathBuf> {
    libraries::find(&place.root, &OPENSC[..1])
}

outcomes! {
    module_is_there {
        THERE: Outcome::fine("{path}");
        NOT_THERE: Outcome::failed("it is in none of the folders for libraries").by(
            "cacd works without it; browsers do not. On Fedora and RHEL: sudo dnf install opensc.",
            "sudo apt install opensc",
        );
    }
}

outcomes! {
    sees_the_card {
        NO_MODULE: Outcome::not_applicable("there is no module");
        NOT_LET_IN: Outcome::not_applicable("pcscd does not let you in");
        NO_TOOL: Outcome::unknown("there is no pkcs11-tool to load it with").by(
            "It comes with OpenSC.",
            "sudo apt install opensc",
        );
        NOT_STARTED: Outcome::unknown("it cannot be started");
        HANGS: Outcome::failed("it did not end within {seconds} s").by(
            "A browser that loads it hangs as long. Another program may keep the card, or pcscd hang.",
            "pkcs11-tool --list-slots",
        );
        NOT_LOADED: Outcome::failed("it cannot be loaded: {why}").by(
            "Install OpenSC anew; where another version was built by hand, remove that.",
            "sudo apt install --reinstall opensc-pkcs11",
        );
        TOO_OLD: Outcome::warning("it is OpenSC {version}, which is too old for TLS 1.3")
            .by("Install 0.23 or later.", "sudo apt install opensc");
        SEES: Outcome::fine("it does");
        NO_CARD: Outcome::not_applicable("it sees a reader and no card");
        NO_READER: Outcome::not_applicable("it sees no reader");
        NO_CARD_BUT_CACD: Outcome::failed("it sees a reader and no card, and cacd has read one")
            .by(super::NOT_SEEN, super::NOT_SEEN_BY);
        NO_READER_BUT_CACD: Outcome::failed("it sees no reader, and cacd has read one")
            .by(super::NOT_SEEN, super::NOT_SEEN_BY);
    }
}

const NOT_SEEN: &str = "Browsers do not see it either. Where pcscd lets you in, the module may not know \
     the card: OpenSC 0.23 or later does.";
const NOT_SEEN_BY: &str = "pkcs11-tool --list-slots";

outcomes! {
    others {
        PACKAGED: Outcome::warning("{path}")
            .by(super::REMOVE_IT, "sudo apt remove {packages}");
        THERE: Outcome::warning("{path}, which no package of dpkg has put there")
            .by(super::REMOVE_IT, "rpm -qf {path}");
        NONE: Outcome::fine("neither coolkey nor cackey is there");
    }
}

outcomes! {
    knows_the_module {
        NO_MODULE: Outcome::not_applicable("there is no module");
        KNOWN: Outcome::fine("{path}");
        NOT_KNOWN: Outcome::warning("none of its files names OpenSC's module").by_setup(
            "Programs that ask p11-kit do not see the card. Setup writes the file.",
            "p11-kit",
        );
    }
}

fn module_is_there(place: &Place) -> Vec<Found> {
    vec![match module(place) {
        Some(path) => module_is_there::THERE.told(&[("path", &path.display())]),
        None => module_is_there::NOT_THERE.found(),
    }]
}

fn sees_the_card(place: &Place) -> Vec<Found> {
    let Some(module) = module(place) else {
        return vec![sees_the_card::NO_MODULE.found()];
    };
    if super::pcscd::turns_away(place) {
        return vec![sees_the_card::NOT_LET_IN.found()];
    }
    let mut command = Command::new("pkcs11-tool");
    command.arg("--module").arg(module);
    command.args(["--show-info", "--list-slots"]);
    let said = child::said(command, LIMIT);
    vec![judge(said.as_ref(), card_is_read(place))]
}

/// Whether the daemon has read a card that is in, as far as is known.
fn card_is_read(place: &Place) -> bool {
    let readers = place.picture.iter().flat_map(|picture| &picture.readers);
    let mut cards = readers.filter_map(|reader| reader.card.as_ref());
    cards.any(|card| card.stage == Stage::Read)
}

/// pkcs11-tool fails where there is no slot too, so that its end says nothing.
fn judge(said: Result<&Said, &ChildError>, card_is_read: bool) -> Found {
    let said = match said {
        Ok(said) => &said.text,
        Err(ChildError::NotThere) => return sees_the_card::NO_TOOL.found(),
        Err(ChildError::TooLong(limit)) => {
            return sees_the_card::HANGS.told(&[("seconds", &limit.as_secs())]);
        }
        Err(ChildError::NotStarted(_)) => return sees_the_card::NOT_STARTED.found(),
    };
    if !said.contains(LOADED) {
        return sees_the_card::NOT_LOADED.told(&[("why", &first_line(said))]);
    }
    let version = said.lines().find_map(version);
    if let Some((major, minor)) = version.filter(|version| *version < OLDEST) {
        return sees_the_card::TOO_OLD.told(&[("version", &format!("{major}.{minor}"))]);
    }
    let labels = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("token label"));
    let count = labels.count();
    if count > 0 {
        return sees_the_card::SEES.found();
    }
    let slots = said.lines().filter(|line| line.starts_with("Slot "));
    let outcome = match (slots.count() > 0, card_is_read) {
        (true, false) => sees_the_card::NO_CARD,
        (false, false) => sees_the_card::NO_READER,
        (true, true) => sees_the_card::NO_CARD_BUT_CACD,
        (false, true) => sees_the_card::NO_READER_BUT_CACD,
    };
    outcome.found()
}

/// `Library          OpenSC smartcard framework (ver 0.23)`.
fn version(line: &str) -> Option<(u32, u32)> {
    let line = line.strip_prefix("Library")?;
    let (_, version) = line.split_once("(ver ")?;
    let (major, minor) = version.trim_end_matches(')').split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn others(place: &Place) -> Vec<Found> {
    let Some(path) = libraries::find(&place.root, &OTHERS) else {
        return vec![others::NONE.found()];
    };
    let packages = packages::installed(&place.root, &THEIR_PACKAGES, &OTHERS);
    let outcome = if packages.is_empty() {
        others::THERE
    } else {
        others::PACKAGED
    };
    vec![outcome.told(&[("path", &path.display()), ("packages", &packages.join(" "))])]
}

fn knows_the_module(place: &Place) -> Vec<Found> {
    if module(place).is_none() {
        return vec![knows_the_module::NO_MODULE.found()];
    }
    let configured = p11_kit::configured(&place.root, place.configuration.as_deref());
    vec![match p11_kit::opensc(&configured) {
        Some(path) => knows_the_module::KNOWN.told(&[("path", &path.display())]),
        None => knows_the_module::NOT_KNOWN.found(),
    }]
}

#[cfg(test)]
pub(super) mod tests;
