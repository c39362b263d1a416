//! `cacctl trust`: who lies in the folder, and a bundle that is put there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context as _, ensure};
use cac_common::bundle::{self, sha256};
use cac_common::certificate::ChainStatus;
use cac_common::snapshot::Card;
use cac_tests::harness::{Lab, jane};
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::{CardModel, samples};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};

/// As `cacctl --help` lists them.
const FAILED: i32 = 1;
const NEEDS_PERSON: i32 = 4;
const REFUSED: i32 = 5;

#[test]
fn s88_a_bundle_whose_roots_were_compared_is_in_force_at_once() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_for_card(0, "it is judged", |card| {
        is_chain(card, |chain| *chain == ChainStatus::NotConfigured)
    })?;
    let bundle = bundle_of_all(&lab)?;
    let before = trust(&lab, &["list"])?;
    assert_eq!(before.status.code(), Some(NEEDS_PERSON), "{before:?}");

    let unasked = import(&lab, &[])?;
    let wrong = import(&lab, &["--digest", &"00".repeat(32)])?;
    let target = folder(&lab).join("anchors/authorities-v1.pem");
    ensure!(!target.exists(), "nothing was said yes to");
    let root = sha256(samples::authority().root_der());
    let right = import(&lab, &["--digest", &root.to_uppercase()])?;

    assert_eq!(unasked.status.code(), Some(NEEDS_PERSON), "{unasked:?}");
    assert_eq!(wrong.status.code(), Some(REFUSED), "{wrong:?}");
    ensure!(told(&wrong).contains(&root), "{wrong:?}");
    ensure!(right.status.success(), "{right:?}");
    ensure!(said(&right).contains(&root.to_uppercase()), "{right:?}");
    lab.wait_for_card(0, "it is trusted", |card| {
        is_chain(card, |chain| matches!(chain, ChainStatus::Trusted { .. }))
    })?;
    let mode = fs::metadata(&target)?.permissions().mode();
    assert_eq!(mode & 0o777, 0o644);

    let list = trust(&lab, &["list"])?;
    ensure!(list.status.success(), "{list:?}");
    for part in [
        "anchors/authorities-v1.pem: 3 certificates",
        "what signs itself in it is trusted; imported on ",
        " from authorities v1.pem",
        &format!("SHA-256 {}", root.to_uppercase()),
        "2 issuing authorities",
        "issued by DOD ID CA-9901; trusted",
    ] {
        ensure!(said(&list).contains(part), "{part}: {}", said(&list));
    }

    let written = (fs::read(&target)?, fs::metadata(&target)?.modified()?);
    let of_the_file = sha256(&fs::read(&bundle)?);
    let again = import(&lab, &["--digest", &of_the_file])?;
    ensure!(again.status.success(), "{again:?}");
    ensure!(said(&again).contains("Nothing is new"), "{again:?}");
    let now = (fs::read(&target)?, fs::metadata(&target)?.modified()?);
    ensure!(now == written, "it was written again");
    let names = names_in(&folder(&lab).join("anchors"))?;
    assert_eq!(names, ["authorities-v1.pem"], "nothing else is left");
    Ok(())
}

#[test]
fn s88_at_a_terminal_the_roots_are_shown_and_a_yes_is_asked_for() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let bundle = bundle_of_all(&lab)?;
    let target = folder(&lab).join("anchors/dod.pem");
    let size = Size {
        columns: 120,
        rows: 40,
    };
    let terminal = Terminal::open(size, &lab.socket())?;
    let command = format!(
        "clear; cacctl trust import '{}' --name dod --folder {}; echo it ended with $?",
        bundle.display(),
        folder(&lab).display()
    );
    let root = sha256(samples::authority().root_der()).to_uppercase();

    terminal.enter(&command)?;
    terminal.shows(&["root DoD Root CA 99", &root, "[y/N]"])?;
    terminal.enter("no")?;
    terminal.shows(&["nothing was written", "it ended with 5"])?;
    ensure!(!target.exists());

    terminal.enter("clear")?;
    terminal.hides(&["[y/N]"])?;
    terminal.enter(&command)?;
    terminal.shows(&["[y/N]"])?;
    terminal.enter("y")?;
    terminal.shows(&["1 root trusted", "it ended with 0"])?;
    ensure!(target.exists());
    Ok(())
}

#[test]
fn s88_what_somebody_else_put_there_stays_and_what_is_no_bundle_is_refused() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    bundle_of_all(&lab)?;
    let anchors = folder(&lab).join("anchors");
    fs::create_dir(&anchors)?;
    let theirs = anchors.join("authorities-v1.pem");
    fs::write(&theirs, "# theirs\n")?;
    let root = sha256(samples::authority().root_der());

    let refused = import(&lab, &["--digest", &root])?;
    let beside = import(&lab, &["--digest", &root, "--name", "mine"])?;

    assert_eq!(refused.status.code(), Some(REFUSED), "{refused:?}");
    ensure!(told(&refused).contains("--name"), "{refused:?}");
    assert_eq!(fs::read_to_string(&theirs)?, "# theirs\n");
    ensure!(beside.status.success(), "{beside:?}");
    assert_eq!(names_in(&anchors)?, ["authorities-v1.pem", "mine.pem"]);
    for (name, bytes) in [
        ("cut.zip", b"PK\x03\x04 and no more".as_slice()),
        ("notes.p7b", b"no certificate"),
    ] {
        let path = lab.folder().join(name);
        fs::write(&path, bytes)?;
        let path = path.display().to_string();

        let refused = trust(&lab, &["import", &path, "--digest", &root])?;

        assert_eq!(refused.status.code(), Some(FAILED), "{refused:?}");
    }
    assert_eq!(names_in(&anchors)?.len(), 2);
    Ok(())
}

#[test]
fn s88_what_was_imported_before_is_replaced_only_where_that_is_wanted() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let bundle = bundle_of_all(&lab)?;
    let root = sha256(samples::authority().root_der());
    ensure!(import(&lab, &["--digest", &root])?.status.success());
    let target = folder(&lab).join("anchors/authorities-v1.pem");
    let before = fs::read(&target)?;
    // Another file of that name.
    let other = Other::new("Other Root")?;
    let of_the_other = sha256(&other.der);
    fs::write(&bundle, &other.der)?;

    let refused = import(&lab, &["--digest", &of_the_other])?;
    let kept = fs::read(&target)?;
    let replaced = import(&lab, &["--digest", &of_the_other, "--replace"])?;

    assert_eq!(refused.status.code(), Some(REFUSED), "{refused:?}");
    for part in ["authorities-v1.pem was imported before", "--replace"] {
        ensure!(told(&refused).contains(part), "{part}: {refused:?}");
    }
    assert_eq!(kept, before);
    ensure!(replaced.status.success(), "{replaced:?}");
    let held = bundle::read(&fs::read(&target)?)?;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].der(), other.der);
    // What somebody put there is not replaced, whatever is wanted.
    fs::write(&target, "# theirs\n")?;
    let theirs = import(&lab, &["--digest", &of_the_other, "--replace"])?;
    assert_eq!(theirs.status.code(), Some(REFUSED), "{theirs:?}");
    assert_eq!(fs::read_to_string(&target)?, "# theirs\n");
    Ok(())
}

/// What was appointed until 2019, all of which has ended.
#[test]
fn s88_an_old_bundle_is_told_as_old_and_misses_the_issuer_of_a_card() -> anyhow::Result<()> {
    const OLD: &[u8] = include_bytes!("../data/dod/dod-ca-certs-2019.der.p7b");

    let mut lab = Lab::start()?;
    fs::remove_file(folder(&lab).join("issuing.pem"))?;
    let path = lab.folder().join("dod-2019.p7b");
    fs::write(&path, OLD)?;
    let path = path.display().to_string();
    lab.insert(0, &jane(CardModel::T1)?)?;

    let imported = trust(&lab, &["import", &path, "--digest", &sha256(OLD)])?;
    lab.wait_for_card(0, "it is judged by it", |card| {
        is_chain(card, |chain| {
            matches!(chain, ChainStatus::NotTrusted { .. })
        })
    })?;
    let list = trust(&lab, &["list"])?;
    let show = trust(&lab, &["show", "anchors/dod-2019.pem"])?;
    let json = trust(&lab, &["show", &path, "--json"])?;

    ensure!(imported.status.success(), "{imported:?}");
    assert_eq!(list.status.code(), Some(NEEDS_PERSON), "{list:?}");
    for told in [said(&imported), said(&list), said(&show)] {
        let told = in_one_line(&told);
        for part in [
            "It is old: the newest authority in it, DOD",
            "is from more than two years ago",
            "38 issuing authorities, and all have ended",
            "DoD Root CA 2 signs with SHA-1",
        ] {
            ensure!(told.contains(part), "{part}: {told}");
        }
    }
    let list = in_one_line(&said(&list));
    for part in [
        "issued by DOD ID CA-9901; not trusted",
        "That issuer is in no file: it may be newer than they are. Import a newer bundle",
    ] {
        ensure!(list.contains(part), "{part}: {list}");
    }
    let show = said(&show);
    ensure!(
        show.contains("imported on ") && show.contains("from dod-2019.p7b, SHA-256"),
        "{show}"
    );
    let json: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    let authorities = json["authorities"].as_array().context("it has some")?;
    let count = |role: &str| authorities.iter().filter(|it| it["role"] == role).count();
    assert_eq!((count("anchor"), count("issuing")), (4, 38), "{json}");
    Ok(())
}

#[test]
fn s88_an_archive_is_imported_as_one_file() -> anyhow::Result<()> {
    const ARCHIVE: &[u8] = include_bytes!("../data/openssl/authorities.zip");
    const ROOT: &[u8] = include_bytes!("../data/openssl/root.der");

    let lab = Lab::start()?;
    let path = lab.folder().join("authorities.zip");
    fs::write(&path, ARCHIVE)?;
    let path = path.display().to_string();

    let imported = trust(&lab, &["import", &path, "--digest", &sha256(ROOT)])?;

    ensure!(imported.status.success(), "{imported:?}");
    let anchors = folder(&lab).join("anchors");
    assert_eq!(names_in(&anchors)?, ["authorities.pem"]);
    let held = bundle::read(&fs::read(anchors.join("authorities.pem"))?)?;
    assert_eq!(held.len(), 2);
    ensure!(
        held.iter().any(|one| one.der() == ROOT),
        "the root is in it"
    );
    Ok(())
}

#[test]
fn s88_what_has_no_root_is_put_beside_and_makes_nothing_trusted() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    fs::remove_file(folder(&lab).join("issuing.pem"))?;
    let path = lab.folder().join("issuers.pem");
    fs::write(&path, samples::authority().issuing_pem())?;
    let path = path.display().to_string();

    let imported = trust(&lab, &["import", &path])?;

    ensure!(imported.status.success(), "{imported:?}");
    ensure!(
        said(&imported).contains("nothing more is trusted"),
        "{imported:?}"
    );
    assert_eq!(names_in(&folder(&lab))?, ["issuers.pem"]);
    Ok(())
}

#[test]
fn s88_a_card_by_an_issuer_that_is_not_there_is_told() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let trust_folder = folder(&lab);
    fs::remove_file(trust_folder.join("issuing.pem"))?;
    let other = Other::new("Other Root")?;
    fs::create_dir(trust_folder.join("anchors"))?;
    fs::write(trust_folder.join("anchors/other.der"), &other.der)?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_for_card(0, "it is judged", |card| {
        is_chain(card, |chain| {
            matches!(chain, ChainStatus::NotTrusted { .. })
        })
    })?;

    let list = trust(&lab, &["list"])?;
    let json = trust(&lab, &["list", "--json"])?;

    assert_eq!(list.status.code(), Some(NEEDS_PERSON), "{list:?}");
    for part in [
        "issued by DOD ID CA-9901; not trusted",
        "That issuer is in no file",
        "put there by hand",
    ] {
        ensure!(said(&list).contains(part), "{part}: {}", said(&list));
    }
    let json: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(json["cards"][0]["issuer_is_here"], false);
    assert_eq!(json["files"][0]["authorities"][0]["role"], "anchor");
    Ok(())
}

#[test]
fn s88_a_cross_certificate_is_found_and_explained() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let anchors = folder(&lab).join("anchors");
    fs::create_dir(&anchors)?;
    let (root, bridge) = (Other::new("Root")?, Other::new("Bridge")?);
    fs::write(anchors.join("root.der"), &root.der)?;
    let cross = bridge.vouch_for(&root)?;
    fs::write(folder(&lab).join("cross.cer"), cross)?;

    let list = trust(&lab, &["list"])?;
    let shown = trust(&lab, &["show", "cross.cer"])?;
    let show = trust(&lab, &["show", "cross.cer", "--json"])?;

    for told in [said(&list), said(&shown)] {
        let told = in_one_line(&told);
        for part in [
            "cross-certificate: Root once more, as Bridge vouches for it",
            "does no harm: the shortest way to a trusted root counts",
        ] {
            ensure!(told.contains(part), "{part}: {told}");
        }
    }
    let show: serde_json::Value = serde_json::from_slice(&show.stdout)?;
    assert_eq!(show["authorities"][0]["role"], "cross_certificate");
    assert_eq!(show["authorities"][0]["issuer"], "Bridge");
    Ok(())
}

#[test]
fn s88_without_the_service_the_folder_is_told_all_the_same() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.kill()?;

    let list = trust(&lab, &["list"])?;

    ensure!(
        said(&list).contains("issuing.pem: 2 certificates"),
        "{list:?}"
    );
    ensure!(
        said(&list).contains("The service cannot be asked"),
        "{list:?}"
    );
    Ok(())
}

/// An authority of its own.
struct Other {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

impl Other {
    fn new(name: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let der = params.self_signed(&key)?.der().to_vec();
        Ok(Self { params, key, der })
    }

    /// Another certificate of an authority, for its name and key.
    fn vouch_for(&self, other: &Self) -> anyhow::Result<Vec<u8>> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        Ok(other.params.signed_by(&other.key, &issuer)?.der().to_vec())
    }
}

/// The samples' root and issuers.
fn bundle_of_all(lab: &Lab) -> anyhow::Result<PathBuf> {
    let authority = samples::authority();
    let text = authority.root_pem() + &authority.issuing_pem();
    ensure!(bundle::read(text.as_bytes())?.len() == 3);
    let path = lab.folder().join(BUNDLE);
    fs::write(&path, text)?;
    Ok(path)
}

const BUNDLE: &str = "authorities v1.pem";

fn import(lab: &Lab, more: &[&str]) -> anyhow::Result<Output> {
    let bundle = lab.folder().join(BUNDLE).display().to_string();
    trust(lab, &[&["import", &bundle], more].concat())
}

fn trust(lab: &Lab, arguments: &[&str]) -> anyhow::Result<Output> {
    let folder = folder(lab).display().to_string();
    lab.cacctl(&[&["trust"], arguments, &["--folder", &folder]].concat())
}

fn folder(lab: &Lab) -> PathBuf {
    lab.folder().join("config/trust")
}

fn names_in(folder: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).context("the folder is there")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Whether it is so of the certificate that signs in.
fn is_chain(card: &Card, is_so: impl Fn(&ChainStatus) -> bool) -> bool {
    let slot = card.login.as_ref().map(|login| login.slot);
    let mut certificates = card.certificates.iter();
    certificates.any(|one| Some(one.slot) == slot && is_so(&one.chain))
}

/// However it is filled.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
