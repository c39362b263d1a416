//! What browsers and mail programs reach the card through: OpenSC's module
//! (PKCS#11), and p11-kit, which tells programs of it.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use cac_common::snapshot::Stage;

use super::child::{self, ChildError};
use super::look::Place;
use super::machine::first_line;
use super::{By, Check, Found};
use crate::browsers::modules::OPENSC;
use crate::browsers::{libraries, p11_kit};

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
        name: "pkcs11-card",
        title: "the module sees the card",
        meaning: "The module was loaded in a program of its own (pkcs11-tool), as a browser would, and \
             asked which cards it sees. No PIN is asked for, and nothing is signed.",
        after: &["pkcs11-module"],
        by: By::Machine(sees_the_card),
    },
    Check {
        name: "pkcs11-others",
        title: "no other module is in its way",
        meaning: "Two modules for one card show every certificate twice, and may spend PIN tries twice. \
             coolkey and cackey are old ones, made for the CAC before OpenSC knew it.",
        after: &[],
        by: By::Machine(others),
    },
    Check {
        name: "p11-kit",
        title: "p11-kit knows the module",
        meaning: "p11-kit keeps a list of modules for all programs that ask it. Where OpenSC's is \
             not in it, each program has to be told by itself.",
        after: &["pkcs11-module"],
        by: By::Machine(knows_the_module),
    },
];

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

fn module_is_there(place: &Place) -> Vec<Found> {
    vec![match module(place) {
        Some(path) => Found::fine(path.display().to_string()),
        None => Found::failed("it is in none of the folders for libraries").by(
            "cacd works without it; browsers do not. On Fedora and RHEL: sudo dnf install opensc.",
            "sudo apt install opensc",
        ),
    }]
}

fn sees_the_card(place: &Place) -> Vec<Found> {
    let Some(module) = module(place) else {
        return vec![Found::not_applicable("there is no module")];
    };
    if super::pcscd::turns_away(place) {
        return vec![Found::not_applicable("pcscd does not let you in")];
    }
    let mut command = Command::new("pkcs11-tool");
    command.arg("--module").arg(module);
    command.args(["--show-info", "--list-slots"]);
    vec![match child::said(command, LIMIT) {
        Ok(said) => judge(&said.text, card_is_read(place)),
        Err(ChildError::NotThere) => Found::unknown("there is no pkcs11-tool to load it with").by(
            "It comes with OpenSC.",
            "sudo apt install opensc",
        ),
        Err(error @ ChildError::TooLong(_)) => Found::failed(error.to_string()).by(
            "A browser that loads it hangs as long. Another program may keep the card, or pcscd hang.",
            "pkcs11-tool --list-slots",
        ),
        Err(error @ ChildError::NotStarted(_)) => Found::unknown(error.to_string()),
    }]
}

/// Whether the daemon has read a card that is in, as far as is known.
fn card_is_read(place: &Place) -> bool {
    let readers = place.picture.iter().flat_map(|picture| &picture.readers);
    let mut cards = readers.filter_map(|reader| reader.card.as_ref());
    cards.any(|card| card.stage == Stage::Read)
}

/// pkcs11-tool fails where there is no slot too, so that its end says nothing.
fn judge(said: &str, card_is_read: bool) -> Found {
    if !said.contains(LOADED) {
        let cause = format!("it cannot be loaded: {}", first_line(said));
        return Found::failed(cause).by(
            "Install OpenSC anew; where another version was built by hand, remove that.",
            "sudo apt install --reinstall opensc-pkcs11",
        );
    }
    let version = said.lines().find_map(version);
    if let Some((major, minor)) = version.filter(|version| *version < OLDEST) {
        let cause = format!("it is OpenSC {major}.{minor}, which is too old for TLS 1.3");
        return Found::warning(cause).by("Install 0.23 or later.", "sudo apt install opensc");
    }
    let labels = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("token label"));
    let count = labels.count();
    if count > 0 {
        return Found::fine("it does");
    }
    let slots = said.lines().filter(|line| line.starts_with("Slot "));
    let cause = if slots.count() > 0 {
        "it sees a reader and no card"
    } else {
        "it sees no reader"
    };
    if card_is_read {
        return Found::failed(format!("{cause}, and cacd has read one")).by(
            "Browsers do not see it either. Where pcscd lets you in, the module may not know the card: \
             OpenSC 0.23 or later does.",
            "pkcs11-tool --list-slots",
        );
    }
    Found::not_applicable(cause)
}

/// `Library          OpenSC smartcard framework (ver 0.23)`.
fn version(line: &str) -> Option<(u32, u32)> {
    let line = line.strip_prefix("Library")?;
    let (_, version) = line.split_once("(ver ")?;
    let (major, minor) = version.trim_end_matches(')').split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn others(place: &Place) -> Vec<Found> {
    vec![match libraries::find(&place.root, &OTHERS) {
        Some(path) => Found::warning(path.display().to_string()).by(
            "Remove it from the programs that load it, and then from the machine.",
            "sudo apt remove coolkey cackey",
        ),
        None => Found::fine("neither coolkey nor cackey is there"),
    }]
}

fn knows_the_module(place: &Place) -> Vec<Found> {
    if module(place).is_none() {
        return vec![Found::not_applicable("there is no module")];
    }
    let configured = p11_kit::configured(&place.root, place.configuration.as_deref());
    vec![match p11_kit::opensc(&configured) {
        Some(path) => Found::fine(path.display().to_string()),
        None => Found::warning("none of its files names OpenSC's module").by_setup(
            "Programs that ask p11-kit do not see the card. Setup writes the file.",
            "p11-kit",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::check::Verdict;

    fn write(place: &Place, path: &str, text: &str) {
        let path = place.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn verdicts(place: &Place) -> [Verdict; 2] {
        [module_is_there(place), knows_the_module(place)].map(|found| found[0].verdict())
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
                [Verdict::Failed, Verdict::NotApplicable],
                "{folder}"
            );

            write(&place, &format!("{folder}/{}", OPENSC[0]), "");

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
            write(&place, &format!("usr/lib/{}", OPENSC[0]), "");

            write(&place, file, text);

            assert_eq!(verdicts(&place), [Verdict::Fine, verdict], "{file}");
        }
    }

    const INFO: &str = "Cryptoki version 3.0\nManufacturer     OpenSC Project\n\
        Library          OpenSC smartcard framework (ver 0.26)\nAvailable slots:\n";
    const SLOT: &str = "Slot 0 (0x0): Virtual PCD 00 00\n";
    const TOKEN: &str = "  token label        : DOE.JANE.Q\n";

    #[test]
    fn a_users_file_counts_only_where_the_machine_lets_it() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::below(root.path());
        write(&place, &format!("usr/lib/{}", OPENSC[0]), "");
        let own = "home/.config/pkcs11/modules/opensc.module";
        write(&place, own, "module: opensc-pkcs11.so");
        let before = verdicts(&place);
        write(&place, p11_kit::CONFIGURATION, "user-config: none\n");

        assert_eq!(before, [Verdict::Fine, Verdict::Fine]);
        assert_eq!(verdicts(&place), [Verdict::Fine, Verdict::Warning]);
    }

    #[test]
    fn what_the_module_sees_has_a_verdict() {
        let old = INFO.replace("0.26", "0.19");
        for (said, card_is_read, verdict) in [
            (format!("{INFO}{SLOT}{TOKEN}"), true, Verdict::Fine),
            (format!("{INFO}{SLOT}  (empty)\n"), true, Verdict::Failed),
            (
                format!("{INFO}{SLOT}  (empty)\n"),
                false,
                Verdict::NotApplicable,
            ),
            (format!("{INFO}No slots.\n"), false, Verdict::NotApplicable),
            (format!("{INFO}No slots.\n"), true, Verdict::Failed),
            (format!("{old}{SLOT}{TOKEN}"), true, Verdict::Warning),
            (
                "sc_dlopen failed: no such file\n".into(),
                true,
                Verdict::Failed,
            ),
            (String::new(), false, Verdict::Failed),
        ] {
            let found = judge(&said, card_is_read);

            assert_eq!(found.verdict(), verdict, "{said}");
            assert!(!format!("{found:?}").contains("DOE"), "{found:?}");
        }
    }

    #[test]
    fn an_old_module_beside_it_is_told() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::below(root.path());
        let none = others(&place)[0].verdict();
        write(&place, "usr/lib64/pkcs11/libcoolkeypk11.so", "");

        assert_eq!(
            [none, others(&place)[0].verdict()],
            [Verdict::Fine, Verdict::Warning]
        );
    }
}
