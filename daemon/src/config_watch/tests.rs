use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Uid, getuid};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::access::Access;

/// More than anything here takes.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);

/// Longer than a change needs to be read.
const QUIET: std::time::Duration = std::time::Duration::from_secs(1);

struct Following {
    first: Loaded,
    ask: mpsc::Sender<()>,
    reloads: mpsc::Receiver<Loaded>,
}

impl Following {
    fn begin(folder: &Path) -> Self {
        let mut follower = Follower::new(Loader::new(folder));
        let first = follower.load();
        let (sender, reloads) = mpsc::channel(1);
        let (access, _) = watch::channel(Access::new("a-group"));
        let (ask, asked) = mpsc::channel(1);
        tokio::spawn(follower.follow(asked, sender, access));
        Self {
            first,
            ask,
            reloads,
        }
    }

    async fn until(&mut self, what: &str, reached: impl Fn(&Loaded) -> bool) {
        tokio::time::timeout(LIMIT, async {
            while let Some(loaded) = self.reloads.recv().await {
                if reached(&loaded) {
                    return;
                }
            }
            panic!("the configuration is not followed any more");
        })
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
    }

    async fn until_portals(&mut self, names: &[&str]) {
        self.until(&names.join(" "), |loaded| names_of(loaded) == names)
            .await;
    }

    /// Nothing is read again.
    async fn stays_quiet(&mut self) -> bool {
        tokio::time::timeout(QUIET, self.reloads.recv())
            .await
            .is_err()
    }
}

fn names_of(loaded: &Loaded) -> Vec<&str> {
    loaded
        .portals
        .iter()
        .map(|portal| portal.profile().name.as_str())
        .collect()
}

#[tokio::test]
async fn a_folder_of_profiles_named_from_the_start_is_followed() {
    let place = place();
    let portals = place.path().join("elsewhere");
    fs::create_dir(&portals).unwrap();
    fs::write(
        place.path().join("cacd.toml"),
        format!("[portals]\nfolder = {portals:?}\n"),
    )
    .unwrap();
    let mut following = Following::begin(place.path());

    write_profile(&portals, "one", None);

    following.until_portals(&["one"]).await;
}

#[tokio::test]
async fn a_folder_that_is_made_later_is_followed() {
    let place = place();
    let folder = place.path().join("etc/cacd");
    let mut following = Following::begin(&folder);
    assert!(following.first.problems.is_empty());

    fs::create_dir_all(folder.join("portals.d")).unwrap();
    write_profile(&folder.join("portals.d"), "one", None);
    following.until_portals(&["one"]).await;
    write_profile(&folder.join("portals.d"), "two", None);

    following.until_portals(&["one", "two"]).await;
}

#[tokio::test]
async fn a_folder_that_goes_and_comes_back_is_followed() {
    let place = place();
    let folder = place.path().join("cacd");
    let portals = folder.join("portals.d");
    fs::create_dir_all(&portals).unwrap();
    write_profile(&portals, "one", None);
    let mut following = Following::begin(&folder);
    assert_eq!(names_of(&following.first), ["one"]);

    for _ in 0..2 {
        fs::remove_dir_all(&folder).unwrap();
        following.until_portals(&[]).await;
        fs::create_dir_all(&portals).unwrap();
        write_profile(&portals, "one", None);
        following.until_portals(&["one"]).await;
        fs::rename(&folder, place.path().join("old")).unwrap();
        fs::create_dir_all(&portals).unwrap();
        following.until_portals(&[]).await;
        write_profile(&portals, "two", None);
        following.until_portals(&["two"]).await;
        fs::remove_dir_all(place.path().join("old")).unwrap();
    }
}

#[tokio::test]
async fn changes_without_end_are_read_all_the_same() {
    let place = place();
    let portals = place.path().join("portals.d");
    fs::create_dir(&portals).unwrap();
    let mut following = Following::begin(place.path());
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (is_over, notes) = (Arc::clone(&is_over), portals.join("notes"));
        move || {
            while !is_over.load(Ordering::Relaxed) {
                fs::write(&notes, "again").unwrap();
                std::thread::park_timeout(std::time::Duration::from_millis(20));
            }
        }
    });

    write_profile(&portals, "one", None);
    following.until_portals(&["one"]).await;
    let unsettled = !is_over.swap(true, Ordering::Relaxed);

    writer.join().unwrap();
    assert!(unsettled);
}

#[tokio::test]
async fn what_symbolic_links_lead_to_is_followed() {
    let place = place();
    let (folder, store) = (place.path().join("cacd"), place.path().join("store"));
    for version in ["first", "second"] {
        fs::create_dir_all(store.join(version)).unwrap();
        write_profile(&store.join(version), version, None);
    }
    symlink("first", store.join("current")).unwrap();
    fs::create_dir(&folder).unwrap();
    symlink("../store/current", folder.join("portals.d")).unwrap();
    symlink("../store/cacd.toml", folder.join("cacd.toml")).unwrap();
    let mut following = Following::begin(&folder);
    assert_eq!(names_of(&following.first), ["first"]);

    fs::write(store.join("cacd.toml"), "[access]\ngroup = \"others\"\n").unwrap();
    following
        .until("the group", |loaded| loaded.config.admin_group == "others")
        .await;
    symlink("second", store.join("next")).unwrap();
    fs::rename(store.join("next"), store.join("current")).unwrap();

    following.until_portals(&["second"]).await;
}

#[tokio::test]
async fn an_anchor_that_changes_under_its_name_is_read_again() {
    let place = place();
    let (folder, elsewhere) = (place.path().join("cacd"), place.path().join("pki"));
    fs::create_dir_all(folder.join("portals.d")).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    let anchor = elsewhere.join("root.pem");
    write_profile(&folder.join("portals.d"), "one", Some(&anchor));
    let mut following = Following::begin(&folder);
    let is_missed = |loaded: &Loaded| loaded.problems.iter().any(|p| p.contains("root.pem"));
    assert!(is_missed(&following.first));

    fs::write(&anchor, authority()).unwrap();
    following.until_portals(&["one"]).await;
    fs::write(&anchor, "no certificate").unwrap();

    following.until("the fault", is_missed).await;
}

#[tokio::test]
async fn a_revocation_list_is_missed_and_followed_and_keeps_no_portal_out() {
    let place = place();
    let (folder, elsewhere) = (place.path().join("cacd"), place.path().join("pki"));
    fs::create_dir_all(folder.join("portals.d")).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    let (anchor, list) = (elsewhere.join("root.pem"), elsewhere.join("root.crl"));
    fs::write(&anchor, authority()).unwrap();
    write_profile(&folder.join("portals.d"), "one", Some(&anchor));
    let profile = folder.join("portals.d/one.toml");
    let text = fs::read_to_string(&profile).unwrap();
    fs::write(&profile, format!("revocation_lists = [{list:?}]\n{text}")).unwrap();
    let mut following = Following::begin(&folder);
    let is_missed = |loaded: &Loaded| loaded.problems.iter().any(|p| p.contains("root.crl"));
    assert!(is_missed(&following.first));
    assert_eq!(names_of(&following.first), ["one"]);

    fs::write(&list, "no list").unwrap();

    let is_seen = |loaded: &Loaded| loaded.problems.iter().any(|p| p.contains("list 1 cannot"));
    following.until("the other fault", is_seen).await;
}

#[tokio::test]
async fn a_root_that_is_put_among_the_trusted_ones_is_trusted() {
    let place = place();
    let mut following = Following::begin(place.path());
    assert!(!following.first.authorities.has_anchors());

    let anchors = place.path().join("trust/anchors");
    fs::create_dir_all(&anchors).unwrap();
    fs::write(anchors.join("root.pem"), authority()).unwrap();

    following
        .until("the root", |loaded| loaded.authorities.has_anchors())
        .await;
}

#[tokio::test]
async fn nothing_is_read_again_for_reading_it_or_for_a_file_of_someone_else() {
    let place = place();
    let portals = place.path().join("portals.d");
    fs::create_dir(&portals).unwrap();
    let mut following = Following::begin(place.path());

    write_profile(&portals, "one", None);
    following.until_portals(&["one"]).await;
    // The steps of writing it may have been told apart.
    while !following.stays_quiet().await {}
    fs::write(place.path().join("a-neighbour"), "changed").unwrap();

    assert!(following.stays_quiet().await);
}

#[tokio::test]
async fn a_pipe_in_place_of_a_file_is_a_problem_and_holds_up_nothing() {
    let place = place();
    fs::create_dir(place.path().join("trust")).unwrap();
    fs::create_dir(place.path().join("portals.d")).unwrap();
    let pipes = ["cacd.toml", "trust/a.pem", "portals.d/a.toml"];
    for name in pipes {
        let path = place.path().join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
    }

    let problems = Loader::new(place.path()).load().problems;

    for name in pipes {
        let told = |problem: &String| problem.contains(name) && problem.contains("regular");
        assert!(problems.iter().any(told), "{name}: {problems:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_watched_is_a_problem() {
    let place = place();
    fs::write(
        place.path().join("cacd.toml"),
        "[access]\ngroup = \"others\"\n",
    )
    .unwrap();
    // It can be passed through, and not be looked into.
    let through = fs::Permissions::from_mode(0o111);
    fs::set_permissions(place.path(), through).unwrap();

    let folder = place.path().to_owned();
    let loaded = std::thread::spawn(move || {
        if getuid().is_root() {
            let nobody = Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        }
        Follower::new(Loader::new(&folder)).load()
    })
    .join()
    .unwrap();

    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(loaded.config.admin_group, "others");
    let told = |problem: &String| problem.contains("cacd.toml are not noticed");
    assert!(loaded.problems.iter().any(told), "{:?}", loaded.problems);
}

#[test]
fn what_is_read_comes_into_force_as_a_whole_or_not_at_all() {
    let place = place();
    let (portals, trust) = (place.path().join("portals.d"), place.path().join("trust"));
    fs::create_dir(&portals).unwrap();
    fs::create_dir(&trust).unwrap();
    write_profile(&portals, "one", None);
    let mut loader = Loader::new(place.path());
    assert_eq!(names_of(&loader.load()), ["one"]);
    let breaks: [(&Path, &str); 3] = [
        (&portals.join("three.toml"), "start = 5"),
        (&trust.join("anchors.pem"), "no certificate"),
        (
            &place.path().join("cacd.toml"),
            "[pin]\nkeep = \"for ever\"\n",
        ),
    ];

    for (broken, text) in breaks {
        write_profile(&portals, "two", None);
        fs::remove_file(portals.join("one.toml")).unwrap();
        fs::write(broken, text).unwrap();
        let refused = loader.load();
        fs::remove_file(broken).unwrap();
        let taken = loader.load();

        assert!(refused.is_refused, "{broken:?}");
        assert_eq!(names_of(&refused), ["one"]);
        let name = broken.to_str().unwrap();
        assert!(refused.problems[0].contains(name), "{:?}", refused.problems);
        assert!(!taken.is_refused);
        assert_eq!(taken.problems, Vec::<String>::new());
        assert_eq!(names_of(&taken), ["two"]);
        fs::remove_file(portals.join("two.toml")).unwrap();
        write_profile(&portals, "one", None);
        assert_eq!(names_of(&loader.load()), ["one"]);
    }
}

#[test]
fn at_the_start_all_that_can_be_read_is_in_force() {
    let place = place();
    let portals = place.path().join("portals.d");
    fs::create_dir(&portals).unwrap();
    write_profile(&portals, "one", None);
    fs::write(portals.join("two.toml"), "start = 5").unwrap();

    let loaded = Loader::new(place.path()).load();

    assert!(!loaded.is_refused);
    assert_eq!(names_of(&loaded), ["one"]);
    assert_eq!(loaded.problems.len(), 1);
}

#[tokio::test]
async fn it_is_read_again_when_that_is_asked_for() {
    let place = place();
    let mut following = Following::begin(place.path());
    assert!(following.stays_quiet().await);

    following.ask.send(()).await.unwrap();

    following
        .until("an answer", |loaded| !loaded.is_refused)
        .await;
}

fn place() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn write_profile(folder: &Path, name: &str, anchor: Option<&Path>) {
    let anchors: Vec<&Path> = anchor.into_iter().collect();
    let text = format!(
        "name = \"{name}\"\ntitle = \"A portal\"\norigin = \"https://portal.example\"\n\
         start = \"/\"\ntrust_anchors = {anchors:?}\n\n\
         [[outcome]]\nresult = \"registered\"\ntext = \"Welcome\"\n"
    );
    // As editors do.
    let beside = folder.join(format!("{name}.new"));
    fs::write(&beside, text).unwrap();
    fs::rename(beside, folder.join(format!("{name}.toml"))).unwrap();
}

fn authority() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["An authority".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.self_signed(&key).unwrap().pem()
}
