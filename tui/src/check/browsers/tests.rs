//! What each of them comes to.

use std::fs;

use super::*;
use crate::check::Outcome;
use crate::check::tests::{Case, case, single};

const ROOT: &[u8] = include_bytes!("../../../../tests/data/openssl/root.der");

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

pub(in crate::check) fn cases() -> Vec<Case> {
    let mut cases = of_lists();
    cases.extend(of_what_lies_elsewhere());
    cases.extend(of_sandboxes());
    cases.extend(of_the_roots());
    cases
}

fn of_lists() -> Vec<Case> {
    let machine = Machine::with_firefox();
    let list = format!("{PROFILE}/pkcs11.txt");
    let policies = "etc/firefox/policies/policies.json";
    let mut cases = Vec::new();
    let mut comes_to = |expected: Outcome| {
        cases.push(single("browser-module", expected, machine.modules()));
    };

    comes_to(modules::NO_LIST);
    machine.write(&list, b"name=Internal\nlibrary=\n");
    comes_to(modules::NOT_LISTED);
    let names_it = br#"{"policies": {"SecurityDevices": {"x": "/usr/lib/opensc-pkcs11.so"}}}"#;
    machine.write(policies, names_it);
    comes_to(modules::BY_POLICY);
    // Broken, and somebody else's.
    let foreign = br#"{"policies": {"DisableTelemetry": true}}"#;
    for other in [&b"{"[..], foreign, b"[]", b""] {
        machine.write(policies, other);
        comes_to(modules::NOT_LISTED);
    }
    machine.write(&list, b"name=CAC\nlibrary=/usr/lib/opensc-pkcs11.so\n");
    comes_to(modules::GONE);
    machine.write("usr/lib/opensc-pkcs11.so", b"");
    comes_to(modules::LISTED);
    machine.write(&list, b"name=Old\nlibrary=/usr/lib/libcoolkeypk11.so\n");
    comes_to(modules::OTHER_MODULE);
    machine.write(&list, b"nonsense");
    comes_to(modules::BROKEN_LIST);
    fs::remove_file(machine.0.path().join(&list)).unwrap();
    machine.write(&format!("{PROFILE}/secmod.db"), b"");
    comes_to(modules::OLD_LIST);
    cases
}

fn of_what_lies_elsewhere() -> Vec<Case> {
    // As Chromium itself does, its data is looked for where XDG_DATA_HOME says.
    let elsewhere = Machine::new();
    elsewhere.write("home/.config/chromium/a", b"");
    let list = b"name=CAC\nlibrary=opensc-pkcs11.so\n";
    elsewhere.write("elsewhere/pki/nssdb/pkcs11.txt", list);
    let before = elsewhere.modules();
    let after = modules(&Place {
        data: Some(elsewhere.0.path().join("elsewhere")),
        ..Place::below(elsewhere.0.path())
    });
    let bare = Machine::new();
    let homeless = Place {
        home: None,
        ..Place::below(bare.0.path())
    };
    let unlisted = Machine::new();
    unlisted.write("home/.mozilla/firefox/profiles.ini", b"Path");
    let module = |expected, found| single("browser-module", expected, found);
    vec![
        module(modules::NO_LIST, before),
        module(modules::LISTED, after),
        module(modules::NO_BROWSER, bare.modules()),
        module(modules::NO_HOME, modules(&homeless)),
        module(modules::NO_PROFILES, unlisted.modules()),
    ]
}

fn of_sandboxes() -> Vec<Case> {
    let machine = Machine::new();
    let own = "home/.var/app/org.mozilla.firefox";
    let profiles = format!("{own}/.mozilla/firefox");
    let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
    machine.write(&format!("{profiles}/profiles.ini"), list.as_bytes());
    let list = format!("{profiles}/a.default/pkcs11.txt");
    let names = |library: &str| {
        machine.write(&list, format!("name=CAC\nlibrary={library}\n").as_bytes());
    };
    let metadata = "var/lib/flatpak/app/org.mozilla.firefox/current/active/metadata";
    let mut cases = Vec::new();
    let mut comes_to = |expected: Outcome| {
        cases.push(single("browser-module", expected, machine.modules()));
    };

    comes_to(modules::SANDBOXED);
    machine.write(&list, b"nonsense");
    comes_to(modules::BROKEN_LIST);
    machine.write(&list, b"name=Internal\nlibrary=\n");
    comes_to(modules::SANDBOXED);
    names("/app/lib/opensc-pkcs11.so");
    comes_to(modules::MAY_BE_KEPT_AWAY);
    machine.write(metadata, b"[Context]\nsockets=x11;\n");
    comes_to(modules::KEPT_AWAY);
    machine.write(metadata, b"[Context]\nsockets=x11;pcsc;\n");
    comes_to(modules::INSIDE);
    let seen = format!("{own}/data/opensc-pkcs11.so");
    names(&machine.0.path().join(&seen).display().to_string());
    comes_to(modules::GONE_INSIDE);
    machine.write(&seen, b"");
    comes_to(modules::LISTED_INSIDE);

    // No snapd is asked where nothing could come of it.
    let snap = Machine::new();
    snap.write("home/snap/chromium/current/a", b"");
    cases.push(single("browser-module", modules::SANDBOXED, snap.modules()));
    snap.write("etc/cacd/trust/anchors/root.der", ROOT);
    cases.push(single("browser-roots", roots::NO_LIST, snap.roots()));
    cases
}

/// With real databases, made by NSS's own certutil.
fn of_the_roots() -> Vec<Case> {
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
    let anchor = "etc/cacd/trust/anchors/root.der";
    let bare = Machine::new();
    bare.write(anchor, ROOT);
    let mut cases = vec![
        single("browser-roots", roots::NO_ANCHORS, machine.roots()),
        single("browser-roots", roots::NO_BROWSER, bare.roots()),
    ];
    let mut comes_to = |expected: Outcome| {
        cases.push(single("browser-roots", expected, machine.roots()));
    };

    machine.write(anchor, ROOT);
    comes_to(roots::NOT_TRUSTED);
    certutil(&["-N", "--empty-password"]);
    let file = machine.0.path().join(anchor);
    let file = file.to_str().unwrap();
    certutil(&["-A", "-n", "A root", "-t", ",,", "-i", file]);
    // Without trust it counts for nothing.
    comes_to(roots::NOT_TRUSTED);
    certutil(&["-M", "-n", "A root", "-t", "C,,"]);
    comes_to(roots::TRUSTED);

    for (error, expected) in [
        (ChildError::NotThere, roots::NO_CERTUTIL),
        (ChildError::TooLong(LIMIT), roots::NOT_TOLD),
    ] {
        let found = judge_roots(Err(error));
        cases.push(case("browser-roots", expected, found));
    }
    cases
}
