//! What each of them comes to.

use std::sync::Arc;

use super::*;
use crate::check::Verdict;
use crate::check::tests::{Case, case, single};
use crate::invented;

fn said(is_fine: bool, text: &str) -> Said {
    Said {
        is_fine,
        text: text.into(),
    }
}

fn shown(load: &str, active: &str, result: &str, file: &str) -> Said {
    let text =
        format!("LoadState={load}\nActiveState={active}\nResult={result}\nUnitFileState={file}\n");
    said(true, &text)
}

const HANGS: ChildError = ChildError::TooLong(LIMIT);

pub(in crate::check) fn cases() -> Vec<Case> {
    let mut cases = of_the_unit();
    cases.extend(of_the_clock());
    cases.extend(of_logins());
    cases
}

fn of_the_unit() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let mut cases = vec![single(
        "unit",
        unit::NO_SYSTEMD,
        unit(&Place::below(root.path())),
    )];
    for (load, active, file, is_reached, expected) in [
        ("loaded", "active", "enabled", true, unit::RUNS),
        ("loaded", "active", "enabled-runtime", true, unit::RUNS),
        ("loaded", "reloading", "static", true, unit::RUNS),
        ("loaded", "active", "disabled", true, unit::NOT_ENABLED),
        ("loaded", "inactive", "enabled", false, unit::STOPPED),
        ("loaded", "failed", "enabled", false, unit::FAILED),
        ("loaded", "activating", "enabled", false, unit::FAILED),
        ("loaded", "activating", "enabled", true, unit::RUNS),
        ("loaded", "inactive", "enabled", true, unit::ANOTHER),
        ("not-found", "inactive", "", false, unit::NOT_INSTALLED),
        ("not-found", "inactive", "", true, unit::BY_HAND),
        ("masked", "inactive", "masked", false, unit::MASKED),
        ("masked", "inactive", "masked", true, unit::BY_HAND),
    ] {
        let result = "exit-code";
        let found = judge_unit(Ok(&shown(load, active, result, file)), is_reached);
        cases.push(case("unit", expected, found));
    }
    let starting = shown("loaded", "activating", "success", "enabled");
    for (is_reached, expected) in [(false, unit::STARTING), (true, unit::RUNS)] {
        let found = judge_unit(Ok(&starting), is_reached);
        cases.push(case("unit", expected, found));
    }
    for unanswered in [
        Ok(&said(false, "Failed to connect to bus\n")),
        Err(&HANGS),
        Err(&ChildError::NotThere),
    ] {
        let found = judge_unit(unanswered, false);
        cases.push(case("unit", unit::NOT_TOLD, found));
    }
    cases
}

#[test]
fn without_systemd_there_is_no_unit() {
    let root = tempfile::tempdir().unwrap();

    let found = unit(&Place::below(root.path()));

    assert_eq!(found[0].verdict(), Verdict::NotApplicable);
}

fn of_the_clock() -> Vec<Case> {
    let cases = [
        (Ok(said(true, "NTP=yes\nNTPSynchronized=yes\n")), clock::SET),
        // Set by what systemd knows nothing of, or by the host of a container.
        (Ok(said(true, "NTP=no\nNTPSynchronized=yes\n")), clock::SET),
        (
            Ok(said(true, "NTP=no\nNTPSynchronized=no\n")),
            clock::NOT_SET,
        ),
        (Ok(said(true, "NTPSynchronized=no\n")), clock::NOT_SET),
        // Just after the machine has started.
        (
            Ok(said(true, "NTP=yes\nNTPSynchronized=no\n")),
            clock::NOT_YET,
        ),
        (Ok(said(true, "")), clock::NOT_TOLD),
        (Ok(said(true, "NTP=yes\n")), clock::NOT_TOLD),
        (Ok(said(false, "NTPSynchronized=yes\n")), clock::NOT_TOLD),
        (Ok(said(false, "Failed to connect to bus")), clock::NOT_TOLD),
        (Err(HANGS), clock::NOT_TOLD),
        (Err(ChildError::NotThere), clock::NOBODY),
    ];
    let cases = cases.into_iter().map(|(said, expected)| {
        let found = judge_clock(said.as_ref());
        case("clock-synchronised", expected, found)
    });
    cases.collect()
}

/// A machine with these files, for all to read.
fn with_logins(pam: &str, sssd: &str) -> (tempfile::TempDir, Place) {
    let root = tempfile::tempdir().unwrap();
    for folder in ["etc/pam.d", "etc/sssd"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("etc/pam.d/login"), pam).unwrap();
    fs::write(root.path().join("etc/sssd/sssd.conf"), sssd).unwrap();
    let place = Place::below(root.path());
    (root, place)
}

fn of_logins() -> Vec<Case> {
    let sssd = "[pam]\n# pam_cert_auth = False\npam_cert_auth = True\n";
    let mut cases = Vec::new();
    for (pam, sssd, asks) in [
        ("auth sufficient pam_pkcs11.so\n", "", true),
        ("#auth sufficient pam_pkcs11.so\n", "", false),
        ("password optional pam_pkcs11.so\n", "", false),
        ("-auth sufficient pam_sss.so forward_pass\n", sssd, true),
        ("auth sufficient pam_sss.so require_cert_auth\n", "", true),
        (
            "auth sufficient pam_sss.so\n",
            "#pam_cert_auth = True",
            false,
        ),
        ("auth required pam_unix.so\n", sssd, false),
    ] {
        let (_root, mut place) = with_logins(pam, sssd);
        let without = local_login(&place);
        place.picture = Some(Arc::new(invented::desk()));
        let with = local_login(&place);

        let expected = if asks {
            [local_login::NONE_IN, local_login::IS_IN]
        } else {
            [local_login::NOBODY, local_login::NOBODY]
        };
        for (expected, found) in expected.into_iter().zip([without, with]) {
            cases.push(single("local-login", expected, found));
        }
    }
    cases.push(case(
        "local-login",
        local_login::PERHAPS,
        judge_login(Asks::Perhaps, true),
    ));
    cases
}
