//! Databases that somebody has used: with a password, with a root in them that
//! is not trusted, changed since.

use super::*;

const OTHER: &str = "Mine";

/// The root of the bundle is there already, under a name of its own.
fn add_root(bench: &Bench, roots: &Roots, trust: &str) {
    let file = bench.folder.path().join("root.der");
    fs::write(&file, roots.anchors[0].der()).unwrap();
    let file = file.to_str().unwrap();
    let add = ["-A", "-n", "A root", "-t", trust, "-i", file];
    certutil(&bench.firefox(), &add);
}

async fn trust_of(folder: &Path, nickname: &str) -> Option<String> {
    let held = crate::browsers::nss::certificates(folder).await.unwrap();
    let mut held = held.into_iter();
    Some(held.find(|held| held.nickname == nickname)?.trust)
}

fn modutil(folder: &Path, arguments: &[&str]) {
    let done = Command::new("modutil")
        .arg("-dbdir")
        .arg(format!("sql:{}", folder.display()))
        .args(arguments)
        .arg("-force")
        .output()
        .expect("modutil (make deps)");
    assert!(done.status.success(), "{done:?}");
}

/// As coolkey's package left it.
fn list_a_conflicting_one(folder: &Path) {
    let mut list = fs::read_to_string(folder.join(database::MODULES)).unwrap();
    list.push_str("library=/usr/lib/pkcs11/libcoolkeypk11.so\nname=Old card\n\n");
    fs::write(folder.join(database::MODULES), list).unwrap();
}

#[tokio::test]
async fn authorities_come_before_the_module_and_each_is_undone() {
    let bench = Bench::new();
    let roots = bench.roots();
    let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
    fs::create_dir_all(bench.firefox()).unwrap();
    fs::write(bench.home(".mozilla/firefox/profiles.ini"), list).unwrap();
    let before = bench.picture();

    let done = bench.set_up(Scope::User, Some(&roots)).await;
    let undone = bench.undo(Force::Own).await;

    let of_firefox = of_firefox(&done);
    let steps: Vec<&str> = of_firefox.iter().map(|line| &*line.step).collect();
    assert_eq!(steps, ["authorities", "browsers"], "{done:?}");
    let makes = |line: &&&Line| line.text.iter().any(|it| it.contains("makes its database"));
    assert_eq!(of_firefox.iter().filter(makes).count(), 1, "{done:?}");
    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn a_database_with_a_password_takes_the_module_and_says_why_no_root() {
    let bench = Bench::new().with_firefox();
    let roots = bench.roots();
    let folder = bench.firefox();
    let (empty, password) = passwords(&bench);
    certutil(&folder, &["-W", "-f", &empty, "-@", &password]);
    let before = bench.picture();

    let done = bench.set_up(Scope::User, Some(&roots)).await;
    let listed = modules(&folder);
    let undone = bench.undo(Force::Own).await;

    let line = of_firefox(&done)[0];
    assert_eq!(line.state, Standing::Blocked);
    assert!(line.text[0].contains("has a password"), "{line:?}");
    let fix = line.fix.as_deref().unwrap_or_default();
    assert!(fix.contains("primary password"), "{line:?}");
    assert!(
        standings(&done).contains(&("browsers", Standing::Done)),
        "{done:?}"
    );
    assert!(listed.contains(&"CAC Module".to_owned()), "{listed:?}");
    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn trust_comes_back_once_a_password_that_was_set_since_is_gone() {
    let bench = Bench::new().with_firefox();
    let roots = bench.roots();
    add_root(&bench, &roots, "p,p,");
    let folder = bench.firefox();
    bench.set_up(Scope::User, Some(&roots)).await;
    let (empty, password) = passwords(&bench);
    certutil(&folder, &["-W", "-f", &empty, "-@", &password]);

    let locked = bench.undo(Force::Own).await;
    let given = trust_of(&folder, "A root").await.unwrap();
    certutil(&folder, &["-W", "-f", &password, "-@", &empty]);
    let undone = bench.undo(Force::Own).await;

    let line = of_firefox(&locked).pop().unwrap();
    assert_eq!(line.state, Standing::Failed, "{line:?}");
    assert!(line.text[0].contains("has a password"), "{line:?}");
    assert!(crate::browsers::nss::is_anchor(&given), "{given}");
    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    let trust = trust_of(&folder, "A root").await;
    assert_eq!(trust.as_deref(), Some("p,p,"));
    assert_eq!(nss_names(&folder).await, ["A root"]);
    assert_eq!(modules(&folder), ["NSS Internal PKCS #11 Module"]);
}

/// Files with none and with one, for certutil.
fn passwords(bench: &Bench) -> (String, String) {
    let file = |name: &str, text: &str| {
        let path = bench.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    (file("none", "\n"), file("one", "a primary password\n"))
}

#[tokio::test]
async fn a_root_that_is_there_is_trusted_and_gets_its_trust_back() {
    for trust in [",,", "C,,", "p,p,", "c,,C"] {
        let bench = Bench::new().with_firefox();
        let roots = bench.roots();
        add_root(&bench, &roots, trust);
        let folder = bench.firefox();
        let was = trust_of(&folder, "A root").await;
        let before = bench.picture();

        let done = bench.set_up(Scope::User, Some(&roots)).await;
        let given = trust_of(&folder, "A root").await.unwrap();
        let again = bench.is_to_do(Scope::User, Some(&roots)).await;
        let count = nss_names(&folder).await.len();
        bench.undo(Force::Own).await;

        let line = of_firefox(&done)[0];
        assert_eq!(line.state, Standing::Done, "{line:?}");
        assert!(line.text[0].contains("is there already"), "{line:?}");
        assert!(crate::browsers::nss::is_anchor(&given), "{trust}: {given}");
        assert!(!again, "{trust}: twice it changes nothing");
        assert_eq!(count, 2, "the root is there once");
        assert_eq!(bench.picture(), before, "{trust}");
        assert_eq!(trust_of(&folder, "A root").await, was);
    }
}

#[tokio::test]
async fn a_browser_that_used_its_database_since_keeps_what_it_stored_and_no_trust() {
    for (since, wanted) in [(None, "p,p,"), (Some("CT,C,"), "CT,C,")] {
        let bench = Bench::new().with_firefox();
        let roots = bench.roots();
        add_root(&bench, &roots, "p,p,");
        let folder = bench.firefox();
        bench.set_up(Scope::User, Some(&roots)).await;
        let other = bench.folder.path().join("other.der");
        fs::write(
            &other,
            include_bytes!("../../../../tests/data/openssl/card.der"),
        )
        .unwrap();
        let other = other.to_str().unwrap();
        certutil(&folder, &["-A", "-n", OTHER, "-t", ",,", "-i", other]);
        if let Some(trust) = since {
            certutil(&folder, &["-M", "-n", "A root", "-t", trust]);
        }

        let undone = bench.undo(Force::Own).await;

        assert!(
            undone.iter().all(|it| it.state == Standing::Undone),
            "{undone:?}"
        );
        let trust = trust_of(&folder, "A root").await.unwrap();
        assert!(
            crate::browsers::nss::is_same_trust(&trust, wanted),
            "{trust}"
        );
        let mut names = nss_names(&folder).await;
        names.sort();
        assert_eq!(names, ["A root", OTHER]);
    }
}

#[tokio::test]
async fn two_of_one_name_that_are_trusted_differently_are_a_persons() {
    let bench = Bench::new().with_firefox();
    for (file, trust) in [("one.der", ",,"), ("other.der", "C,C,")] {
        let file = bench.folder.path().join(file);
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9",
            ])
            .args(["-subj", "/CN=Test Root", "-outform", "DER", "-out"])
            .arg(&file)
            .args(["-keyout", "/dev/null"])
            .output()
            .expect("openssl (make deps)");
        assert!(made.status.success(), "{made:?}");
        let add = ["-A", "-n", "A root", "-t", trust, "-i"];
        certutil(
            &bench.firefox(),
            &[&add[..], &[file.to_str().unwrap()]].concat(),
        );
    }
    let roots = Roots::read(&bench.folder.path().join("one.der"), None).unwrap();

    let done = bench.set_up(Scope::User, Some(&roots)).await;

    let line = of_firefox(&done)[0];
    assert_eq!(line.state, Standing::Blocked, "{line:?}");
    assert!(line.text[0].contains("trusted differently"), "{line:?}");
}

#[tokio::test]
async fn of_a_list_of_modules_that_was_changed_since_ours_alone_is_taken_out() {
    let bench = Bench::new().with_firefox();
    let folder = bench.firefox();
    list_a_conflicting_one(&folder);
    bench.set_up(Scope::User, None).await;
    modutil(&folder, &["-add", OTHER, "-libfile", "p11-kit-proxy.so"]);

    let undone = bench.undo(Force::Own).await;

    assert_eq!(modules(&folder), ["NSS Internal PKCS #11 Module", OTHER]);
    let of_firefox = of_firefox(&undone);
    let line = of_firefox.first().unwrap();
    assert_eq!(line.state, Standing::Undone);
    assert!(
        line.text[0].contains(
            "the module \"Old card\" (/usr/lib/pkcs11/libcoolkeypk11.so) is not put back"
        ),
        "{line:?}"
    );
}

#[tokio::test]
async fn a_module_that_somebody_has_removed_since_stays_removed() {
    let bench = Bench::new().with_firefox();
    let folder = bench.firefox();
    list_a_conflicting_one(&folder);
    bench.set_up(Scope::User, None).await;
    modutil(&folder, &["-delete", "CAC Module"]);

    let undone = bench.undo(Force::Own).await;

    assert_eq!(modules(&folder), ["NSS Internal PKCS #11 Module"]);
    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
}

#[tokio::test]
async fn a_database_that_is_gone_since_needs_no_undoing() {
    let bench = Bench::new().with_firefox();
    let roots = bench.roots();
    let folder = bench.firefox();
    add_root(&bench, &roots, ",,");
    list_a_conflicting_one(&folder);
    bench.set_up(Scope::User, Some(&roots)).await;
    for file in apply::FILES {
        fs::remove_file(folder.join(file)).unwrap();
    }

    let undone = bench.undo(Force::Own).await;

    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[tokio::test]
async fn a_flatpak_takes_authorities_once_it_has_a_database() {
    let bench = Bench::new();
    let roots = bench.roots();
    let firefox = bench.home(".var/app/org.mozilla.firefox/.mozilla/firefox");
    let profile = firefox.join("a.default");
    fs::create_dir_all(&profile).unwrap();
    let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
    fs::write(firefox.join("profiles.ini"), list).unwrap();
    let state = |lines: &[Line]| {
        let line = of_firefox(lines)
            .into_iter()
            .find(|line| line.step == "authorities");
        line.map(|line| (line.state, line.text.join("; ")))
    };

    let unused = bench.set_up(Scope::User, Some(&roots)).await;
    certutil(&profile, &["-N", "--empty-password"]);
    let before = bench.picture();
    let done = bench.set_up(Scope::User, Some(&roots)).await;
    let count = nss_names(&profile).await.len();
    let listed = modules(&profile);

    let (standing, text) = state(&unused).unwrap();
    assert_eq!(standing, Standing::Blocked);
    assert!(text.contains("is not there yet"), "{text}");
    assert_eq!(
        state(&done).map(|it| it.0),
        Some(Standing::Done),
        "{done:?}"
    );
    assert_eq!(count, 2);
    assert_eq!(
        listed,
        ["NSS Internal PKCS #11 Module"],
        "no module of this machine"
    );
    bench.undo(Force::Own).await;
    let of_it = |mut picture: Picture| {
        picture.retain(|path, _| path.starts_with(&profile));
        picture
    };
    assert_eq!(of_it(bench.picture()), of_it(before));
}
