//! What each of them comes to.

use std::fs;

use super::*;
use crate::check::tests::{Case, case, single};
use crate::check::{Finding, Fix, Verdict};

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

pub(in crate::check) fn cases() -> Vec<Case> {
    let mut cases = of_what_it_sees();
    let root = tempfile::tempdir().unwrap();
    let place = Place::below(root.path());
    let none = [
        single(
            "pkcs11-module",
            module_is_there::NOT_THERE,
            module_is_there(&place),
        ),
        single(
            "pkcs11-card",
            sees_the_card::NO_MODULE,
            sees_the_card(&place),
        ),
        single("pkcs11-others", others::NONE, others(&place)),
        single(
            "p11-kit",
            knows_the_module::NO_MODULE,
            knows_the_module(&place),
        ),
    ];
    cases.extend(none);
    write(&place, &format!("usr/lib/{}", OPENSC[0]), "");
    write(&place, "usr/lib64/pkcs11/libcoolkeypk11.so", "");
    let there = [
        single(
            "pkcs11-module",
            module_is_there::THERE,
            module_is_there(&place),
        ),
        single("pkcs11-others", others::THERE, others(&place)),
        single(
            "p11-kit",
            knows_the_module::NOT_KNOWN,
            knows_the_module(&place),
        ),
    ];
    cases.extend(there);
    let info = "var/lib/dpkg/info/coolkey.list";
    write(&place, info, "/usr/lib/pkcs11/libcoolkeypk11.so\n");
    let packaged = others(&place);
    // cackey is not installed, and apt may not know it.
    let finding = Finding {
        check: &CHECKS[2],
        found: packaged[0].clone(),
    };
    let fix = finding.fix().map(Fix::command);
    assert_eq!(fix.as_deref(), Some("sudo apt remove coolkey"));
    cases.push(single("pkcs11-others", others::PACKAGED, packaged));
    let listed = "usr/share/p11-kit/modules/opensc.module";
    write(&place, listed, "module: opensc-pkcs11.so\n");
    let known = knows_the_module(&place);
    cases.push(single("p11-kit", knows_the_module::KNOWN, known));

    let socket = root.path().join("pcscd.comm");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let hangs_up = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let turned_away = Place {
        pcscd: Some(socket),
        ..place
    };
    let found = sees_the_card(&turned_away);
    hangs_up.join().unwrap();
    cases.push(single("pkcs11-card", sees_the_card::NOT_LET_IN, found));
    cases
}

fn of_what_it_sees() -> Vec<Case> {
    let old = INFO.replace("0.26", "0.19");
    let mut cases = Vec::new();
    for (said, card_is_read, expected) in [
        (format!("{INFO}{SLOT}{TOKEN}"), true, sees_the_card::SEES),
        (
            format!("{INFO}{SLOT}  (empty)\n"),
            true,
            sees_the_card::NO_CARD_BUT_CACD,
        ),
        (
            format!("{INFO}{SLOT}  (empty)\n"),
            false,
            sees_the_card::NO_CARD,
        ),
        (
            format!("{INFO}No slots.\n"),
            false,
            sees_the_card::NO_READER,
        ),
        (
            format!("{INFO}No slots.\n"),
            true,
            sees_the_card::NO_READER_BUT_CACD,
        ),
        (format!("{old}{SLOT}{TOKEN}"), true, sees_the_card::TOO_OLD),
        (
            "sc_dlopen failed: no such file\n".into(),
            true,
            sees_the_card::NOT_LOADED,
        ),
        (String::new(), false, sees_the_card::NOT_LOADED),
    ] {
        let said = Said {
            is_fine: true,
            text: said,
        };
        let found = judge(Ok(&said), card_is_read);
        assert!(!format!("{found:?}").contains("DOE"), "{found:?}");
        cases.push(case("pkcs11-card", expected, found));
    }
    let not_started = ChildError::NotStarted(std::io::ErrorKind::PermissionDenied.into());
    for (error, expected) in [
        (ChildError::NotThere, sees_the_card::NO_TOOL),
        (ChildError::TooLong(LIMIT), sees_the_card::HANGS),
        (not_started, sees_the_card::NOT_STARTED),
    ] {
        let found = judge(Err(&error), false);
        cases.push(case("pkcs11-card", expected, found));
    }
    cases
}
