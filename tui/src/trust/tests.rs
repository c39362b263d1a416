use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const ROOT: &[u8] = include_bytes!("../../../tests/data/openssl/root.der");
const AUTHORITY: &[u8] = include_bytes!("../../../tests/data/openssl/authority.der");
const CARD: &[u8] = include_bytes!("../../../tests/data/openssl/card.der");
const DOD: &[u8] = include_bytes!("../../../tests/data/dod/dod-ca-certs-2019.der.p7b");

/// 2018-01-01 and 2026-11-27, 00:00 UTC.
const THEN: UtcSeconds = UtcSeconds(1_514_764_800);
const NOW: UtcSeconds = UtcSeconds(1_795_737_600);

#[test]
fn what_signs_itself_is_trusted_among_the_anchors_alone() {
    let folder = folder(&[
        ("anchors/root.cer", ROOT),
        ("ca.crt", AUTHORITY),
        ("card.der", CARD),
        ("notes.txt", b"no certificate"),
    ]);
    let held = Held::read(folder.path()).unwrap();
    let names: Vec<&str> = held.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["anchors/root.cer", "ca.crt", "card.der"]);

    let roles = |held: &Held| {
        let all: Vec<Certificate> = held.certificates().cloned().collect();
        let authorities = held.authorities(&all);
        let roles: Vec<Role> = authorities.iter().map(|one| one.role).collect();
        roles
    };

    assert_eq!(roles(&held), [Role::Anchor, Role::Issuing, Role::EndEntity]);
    assert!(held.names(&held.authorities(&parsed(AUTHORITY))[0].subject));
    assert!(parsed(ROOT).iter().all(|root| held.has(root)));
    let beside = self::folder(&[("root.cer", ROOT)]);
    let beside = Held::read(beside.path()).unwrap();
    assert_eq!(roles(&beside), [Role::Root]);
    assert!(
        !beside.has(&parsed(ROOT)[0]),
        "it is not trusted where it lies"
    );
}

#[test]
fn a_folder_that_is_not_there_is_empty() {
    let held = Held::read(Path::new("/nowhere/trust")).unwrap();

    assert!(held.files.is_empty());
    assert_eq!(held.anchors().count(), 0);
}

#[test]
fn what_is_odd_about_a_bundle_is_said() {
    let certificates = parsed(DOD);

    let then = warnings(&certificates, THEN).join("\n");
    let now = warnings(&certificates, NOW).join("\n");

    assert!(then.contains("DoD Root CA 2 signs with SHA-1"), "{then}");
    assert_eq!(then.lines().count(), 1, "{then}");
    for part in [
        "It is old: the newest authority in it, DOD",
        "It is of the past: 38 issuing authorities, and all have ended.",
    ] {
        assert!(now.contains(part), "{now}");
    }
    assert!(!now.contains("DoD Root CA 3 has ended"), "{now}");
}

#[test]
fn a_file_that_is_of_no_use_is_told_with_what_is_wrong() {
    let folder = folder(&[
        ("anchors/ca.der", AUTHORITY),
        ("cut.der", &ROOT[..ROOT.len() - 1]),
    ]);

    let held = Held::read(folder.path()).unwrap();

    let told: Vec<Vec<String>> = held.files.iter().map(|it| it.warnings(THEN)).collect();
    assert_eq!(
        told[0],
        ["Nothing in it signs itself, so nothing in it is trusted."]
    );
    assert!(
        told[1][0].starts_with("It is left out: certificate 1"),
        "{told:?}"
    );
}

#[test]
fn the_folder_is_that_of_the_daemon_that_is_asked() {
    let variable = |name: &str| match name {
        "XDG_RUNTIME_DIR" => Some("/run/user/1000".into()),
        "HOME" => Some("/home/jane".into()),
        _ => None,
    };
    for (named, socket, wanted) in [
        (None, "/run/cacd/socket", "/etc/cacd/trust"),
        (
            None,
            "/run/user/1000/cacd/socket",
            "/home/jane/.config/cacd/trust",
        ),
        (
            Some(Path::new("/srv/trust")),
            "/run/cacd/socket",
            "/srv/trust",
        ),
    ] {
        let folder = super::folder(named, Path::new(socket), variable);

        assert_eq!(folder, PathBuf::from(wanted));
    }
}

fn parsed(bytes: &[u8]) -> Vec<Certificate> {
    bundle::read(bytes).unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(ANCHORS)).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}
