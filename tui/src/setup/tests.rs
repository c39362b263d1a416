//! Whole setups and undoings in homes of their own, with NSS's own tools.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::browsers::Home;
use crate::browsers::database::{self, Database};

mod blocked;
mod databases;
mod sandboxes;
mod scdaemon;

/// A root, and an authority that it vouches for.
const AUTHORITIES: &[u8] = include_bytes!("../../../tests/data/openssl/authorities.zip");

/// A machine that has OpenSC, and a home on it.
struct Bench {
    folder: tempfile::TempDir,
    places: Places,
}

/// Every file and folder, with its mode and its bytes.
type Picture = BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>;

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let home = folder.path().join("home");
        let library = root.join("usr/lib/opensc-pkcs11.so");
        for folder in [library.parent().unwrap(), &home, &root.join("proc")] {
            fs::create_dir_all(folder).unwrap();
        }
        let path = std::env::var_os("PATH").unwrap();
        let installed = Places::of(Scope::User, |name| match name {
            "HOME" => Some(home.clone().into()),
            _ => None,
        });
        let installed = installed.unwrap().opensc().expect("OpenSC (make deps)");
        symlink(installed, &library).unwrap();
        let places = Places {
            configuration: home.join(".config"),
            gnupg: home.join(".gnupg"),
            record: home.join(".local/state/cacd/setup"),
            processes: root.join("proc"),
            home: Home {
                data: home.join(".local/share"),
                programs: std::env::split_paths(&path).collect(),
                folder: home,
            },
            root,
        };
        Self { folder, places }
    }

    fn home(&self, below: &str) -> PathBuf {
        self.places.home.folder.join(below)
    }

    /// A profile of Firefox that was started before.
    fn with_firefox(self) -> Self {
        let profile = self.home(".mozilla/firefox/a.default");
        fs::create_dir_all(&profile).unwrap();
        let list = "[Profile0]\nName=default\nIsRelative=1\nPath=a.default\n";
        fs::write(profile.with_file_name("profiles.ini"), list).unwrap();
        certutil(&profile, &["-N", "--empty-password"]);
        self
    }

    fn firefox(&self) -> PathBuf {
        self.home(".mozilla/firefox/a.default")
    }

    fn roots(&self) -> Roots {
        let path = self.folder.path().join("authorities.zip");
        fs::write(&path, AUTHORITIES).unwrap();
        Roots::read(&path, None).unwrap()
    }

    fn picture(&self) -> Picture {
        fn add(path: &Path, picture: &mut Picture) {
            let found = fs::symlink_metadata(path).unwrap();
            let mode = found.permissions().mode();
            let bytes = found.is_file().then(|| fs::read(path).unwrap());
            picture.insert(path.to_owned(), (mode, bytes));
            if found.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    add(&entry.unwrap().path(), picture);
                }
            }
        }
        let mut picture = Picture::new();
        add(&self.places.home.folder, &mut picture);
        add(&self.places.root, &mut picture);
        picture
    }

    async fn plan(&self, scope: Scope, roots: Option<&Roots>) -> Vec<Step> {
        let wanted = Wanted {
            scope,
            roots,
            system_store: roots.is_some(),
            only: &[],
        };
        plan(&self.places, wanted).await
    }

    /// Plans and does it.
    async fn set_up(&self, scope: Scope, roots: Option<&Roots>) -> Vec<Line> {
        let plan = self.plan(scope, roots).await;
        carry_out(&self.places, plan, |_| Ok(())).await.unwrap()
    }

    async fn is_to_do(&self, scope: Scope, roots: Option<&Roots>) -> bool {
        self.plan(scope, roots).await.iter().any(Step::is_to_do)
    }

    async fn undo(&self, force: Force) -> Vec<Line> {
        take_back(&self.places, force, |_| Ok(())).await.unwrap()
    }
}

fn certutil(folder: &Path, arguments: &[&str]) {
    let done = Command::new("certutil")
        .arg("-d")
        .arg(format!("sql:{}", folder.display()))
        .args(arguments)
        .output()
        .expect("certutil (make deps)");
    assert!(done.status.success(), "{done:?}");
}

fn modules(folder: &Path) -> Vec<String> {
    match database::look(folder).unwrap() {
        Database::Present(modules) => modules.into_iter().map(|it| it.name).collect(),
        Database::Absent | Database::Old => Vec::new(),
    }
}

/// Other browsers may be on the machine that tests run on.
fn of_firefox(lines: &[Line]) -> Vec<&Line> {
    let lines = lines.iter();
    lines
        .filter(|line| line.about.contains("Firefox"))
        .collect()
}

fn standings(lines: &[Line]) -> Vec<(&str, Standing)> {
    lines.iter().map(|it| (&*it.step, it.state)).collect()
}

#[tokio::test]
async fn what_is_set_up_is_there_and_undone_it_is_as_it_was() {
    let bench = Bench::new().with_firefox();
    let roots = bench.roots();
    let before = bench.picture();

    let done = bench.set_up(Scope::User, Some(&roots)).await;
    let again = bench.is_to_do(Scope::User, Some(&roots)).await;
    let has_module = modules(&bench.firefox()).contains(&"CAC Module".to_owned());
    let undone = bench.undo(Force::Own).await;

    assert!(
        done.iter()
            .all(|it| matches!(it.state, Standing::There | Standing::Done)),
        "{done:?}"
    );
    assert!(!again, "twice it changes nothing");
    assert!(has_module);
    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn for_all_users_policies_and_stores_change_and_no_home() {
    let bench = Bench::new().with_firefox();
    let roots = bench.roots();
    let policies = bench.places.system("etc/firefox/policies/policies.json");
    fs::create_dir_all(policies.parent().unwrap()).unwrap();
    fs::write(&policies, "{\"policies\": {\"DisableTelemetry\": true}}").unwrap();
    fs::set_permissions(&policies, fs::Permissions::from_mode(0o640)).unwrap();
    let before = bench.picture();

    let done = bench.set_up(Scope::System, Some(&roots)).await;
    let policies_now = fs::read_to_string(&policies).unwrap();
    let kit = bench.places.system("etc/pkcs11/modules/opensc.module");
    let kit = fs::read_to_string(kit).unwrap();
    let undone = bench.undo(Force::Own).await;

    assert_eq!(
        standings(&done),
        [
            ("module", Standing::There),
            ("p11-kit", Standing::Done),
            ("firefox-policy", Standing::Done),
            // This machine that is made up has no store.
            ("system-store", Standing::Blocked),
        ]
    );
    assert!(policies_now.contains("DisableTelemetry"), "{policies_now}");
    assert!(policies_now.contains("cacd-"), "{policies_now}");
    assert!(kit.contains("opensc-pkcs11.so"), "{kit}");
    assert_eq!(undone.len(), 2);
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn what_somebody_has_changed_since_is_kept_unless_that_is_wanted() {
    let bench = Bench::new();
    let before = bench.picture();
    bench.set_up(Scope::User, None).await;
    let path = bench.home(".config/pkcs11/modules/opensc.module");
    fs::write(&path, "module: mine.so\n").unwrap();

    let kept = bench.undo(Force::Own).await;
    let text = fs::read_to_string(&path).unwrap();
    let forced = bench.undo(Force::Everything).await;

    assert!(
        standings(&kept).contains(&("p11-kit", Standing::Kept)),
        "{kept:?}"
    );
    assert_eq!(text, "module: mine.so\n");
    assert_eq!(standings(&forced), [("p11-kit", Standing::Undone)]);
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn what_a_browser_has_stored_since_stays() {
    let bench = Bench::new().with_firefox();
    let roots = bench.roots();
    bench.set_up(Scope::User, Some(&roots)).await;
    let folder = bench.firefox();
    let root = folder.join("own.pem");
    fs::write(&root, roots.others[0].pem()).unwrap();
    let own = ["-A", "-n", "Mine", "-t", ",,", "-i", root.to_str().unwrap()];
    // Another of that name would be the one that setup has added.
    certutil(&folder, &["-D", "-n", &roots::nickname(&roots.others[0])]);
    certutil(&folder, &own);

    let undone = bench.undo(Force::Own).await;

    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    let left = nss_names(&folder).await;
    assert_eq!(left, ["Mine"]);
    assert_eq!(modules(&folder), ["NSS Internal PKCS #11 Module"]);
}

async fn nss_names(folder: &Path) -> Vec<String> {
    let held = crate::browsers::nss::certificates(folder).await.unwrap();
    held.into_iter().map(|held| held.nickname).collect()
}

#[tokio::test]
async fn a_module_in_the_way_is_taken_out_and_comes_back() {
    let bench = Bench::new().with_firefox();
    let folder = bench.firefox();
    let mut list = fs::read_to_string(folder.join(database::MODULES)).unwrap();
    list.push_str("library=/usr/lib/pkcs11/libcoolkeypk11.so\nname=Old card\n\n");
    fs::write(folder.join(database::MODULES), list).unwrap();
    let before = bench.picture();

    bench.set_up(Scope::User, None).await;
    let with_ours = modules(&folder);
    bench.undo(Force::Own).await;

    assert_eq!(with_ours, ["NSS Internal PKCS #11 Module", "CAC Module"]);
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn a_module_that_is_not_there_any_more_makes_room_for_the_one_that_is() {
    let bench = Bench::new().with_firefox();
    let list = bench.firefox().join(database::MODULES);
    let mut text = fs::read_to_string(&list).unwrap();
    text.push_str("library=/opt/gone/opensc-pkcs11.so\nname=CAC Module\n\n");
    fs::write(&list, text).unwrap();
    let before = bench.picture();

    let done = bench.set_up(Scope::User, None).await;
    let text = fs::read_to_string(&list).unwrap();
    let again = bench.set_up(Scope::User, None).await;
    bench.undo(Force::Own).await;

    assert_eq!(of_firefox(&done)[0].state, Standing::Done);
    assert!(!text.contains("/opt/gone"), "{text}");
    let installed = bench.places.system("usr/lib/opensc-pkcs11.so");
    assert!(text.contains(&installed.display().to_string()), "{text}");
    assert_eq!(of_firefox(&again)[0].state, Standing::There);
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn without_opensc_no_browser_has_the_module() {
    let bench = Bench::new().with_firefox();
    fs::remove_file(bench.places.system("usr/lib/opensc-pkcs11.so")).unwrap();

    let user = bench.set_up(Scope::User, None).await;
    let system = bench.set_up(Scope::System, None).await;

    assert_eq!(of_firefox(&user)[0].state, Standing::Blocked);
    let policy = system.iter().find(|line| line.step == "firefox-policy");
    assert_eq!(policy.unwrap().state, Standing::Blocked);
}

#[tokio::test]
async fn what_root_has_set_for_itself_is_nothing_for_all_users() {
    let bench = Bench::new();
    bench.set_up(Scope::User, None).await;
    let own = bench
        .places
        .configuration
        .join("pkcs11/modules/opensc.module");
    assert!(own.exists());

    let done = bench.set_up(Scope::System, None).await;

    assert_eq!(standings(&done)[1], ("p11-kit", Standing::Done));
}

#[tokio::test]
async fn a_browser_that_runs_keeps_its_database_and_stops_nothing_else() {
    let bench = Bench::new().with_firefox();
    let process = bench.places.processes.join("77");
    fs::create_dir_all(&process).unwrap();
    symlink("/usr/lib/firefox-esr/firefox-esr", process.join("exe")).unwrap();
    fs::write(process.join("environ"), "").unwrap();
    fs::write(process.join("cmdline"), "firefox-esr\0").unwrap();
    let list = fs::read(bench.firefox().join(database::MODULES)).unwrap();

    let done = bench.set_up(Scope::User, None).await;

    assert!(
        standings(&done).contains(&("browsers", Standing::Blocked)),
        "{done:?}"
    );
    assert!(
        standings(&done).contains(&("p11-kit", Standing::Done)),
        "{done:?}"
    );
    assert_eq!(
        fs::read(bench.firefox().join(database::MODULES)).unwrap(),
        list
    );
}

#[tokio::test]
async fn what_was_half_recorded_had_not_begun() {
    let bench = Bench::new();
    let before = bench.picture();
    bench.set_up(Scope::User, None).await;
    let record = bench.places.record.join("record.jsonl");
    let mut text = fs::read_to_string(&record).unwrap();
    text.push_str("{\"begun\":{\"id\":9,\"ste");
    fs::write(&record, text).unwrap();

    let undone = bench.undo(Force::Own).await;

    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    assert_eq!(bench.picture(), before);
}

#[tokio::test]
async fn a_list_that_modutil_wrote_half_of_is_put_back() {
    let bench = Bench::new().with_firefox();
    let path = bench.firefox().join(database::MODULES);
    let before = fs::read(&path).unwrap();
    bench.set_up(Scope::User, None).await;
    let record = bench.places.record.join("record.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    let cut: String = text
        .split_inclusive('\n')
        .take_while(|line| !line.starts_with("{\"done\"") || !line.contains("pkcs11.txt"))
        .collect();
    fs::write(&record, cut).unwrap();
    let mut half = before.clone();
    half.extend_from_slice(b"\nlibrary=/usr/lib/ope");
    fs::write(&path, half).unwrap();

    let undone = bench.undo(Force::Own).await;

    assert!(
        undone.iter().all(|it| it.state == Standing::Undone),
        "{undone:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_record_that_is_broken_undoes_nothing_and_says_where() {
    let bench = Bench::new();
    bench.set_up(Scope::User, None).await;
    let record = bench.places.record.join("record.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    for (broken, number) in [
        (format!("{text}nonsense\n"), text.lines().count() + 1),
        (text.replacen("\"begun\"", "\"began\"", 1), 2),
        (text.replacen("\"step\"", "\"../step\"", 1), 2),
    ] {
        fs::write(&record, broken).unwrap();

        let refused = take_back(&bench.places, Force::Own, |_| Ok(())).await;

        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.starts_with(&format!("line {number} of the record")),
            "{refused}"
        );
    }
}

#[test]
fn a_bundle_counts_only_with_the_digest_that_was_named() {
    let bench = Bench::new();
    let path = bench.folder.path().join("a.zip");
    fs::write(&path, AUTHORITIES).unwrap();
    let digest = Roots::read(&path, None).unwrap().digest;
    let with_colons: Vec<&str> = digest
        .as_bytes()
        .chunks(2)
        .map(|it| std::str::from_utf8(it).unwrap())
        .collect();

    let named = Roots::read(&path, Some(&with_colons.join(":").to_uppercase()));
    let other = Roots::read(&path, Some(&digest[1..]));

    assert_eq!(named.unwrap().anchors.len(), 1);
    assert!(matches!(other, Err(SetupFault::Digest { .. })));
}

#[test]
fn the_home_of_another_is_left_alone() {
    // The root of the file system is root's; of anybody else's home root is told so.
    let folder = tempfile::tempdir().unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(folder.path(), Some(12345), None).unwrap();
    }
    let home = if rustix::process::geteuid().is_root() {
        folder.path()
    } else {
        Path::new("/")
    };

    let refused = Places::of(Scope::User, |name| (name == "HOME").then(|| home.into()));

    assert!(matches!(refused, Err(SetupFault::OtherHome { .. })));
}
