//! `cacctl setup` with what people have: bundles of every form, a
//! `scdaemon.conf` of their own, files that somebody has broken since; and no
//! card is read by it.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, ensure};
use cac_common::bundle::sha256;
use cac_tests::harness::{Account, opensc_module, picture};
use cac_tests::pcscd;
use cac_tests::virtual_card::samples;
use serde_json::Value;

/// As `cacctl --help` lists them.
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const NEEDS_PERSON: i32 = 4;

/// Where Debian installs it.
const SCDAEMON: &str = "/usr/lib/gnupg/scdaemon";

fn write(account: &Account, name: &str, bytes: &[u8]) -> anyhow::Result<(String, String)> {
    let path = account.home().with_file_name(name);
    fs::write(&path, bytes)?;
    Ok((path.display().to_string(), sha256(bytes)))
}

/// By OpenSSL, from PEM.
fn pkcs7(account: &Account, form: &str) -> anyhow::Result<Vec<u8>> {
    let authority = samples::authority();
    let pem = authority.root_pem() + &authority.issuing_pem();
    let (pem, _) = write(account, "all.pem", pem.as_bytes())?;
    let made = Command::new("openssl")
        .args(["crl2pkcs7", "-nocrl", "-outform", form, "-certfile", &pem])
        .output()?;
    ensure!(made.status.success(), "{made:?}");
    Ok(made.stdout)
}

fn step<'a>(printed: &'a Value, name: &str, about: &str) -> anyhow::Result<&'a Value> {
    let steps = printed["steps"].as_array().context("there are steps")?;
    let mut steps = steps.iter();
    let is_meant = |step: &&Value| {
        step["step"] == name && step["about"].as_str().is_some_and(|it| it.contains(about))
    };
    steps
        .find(is_meant)
        .with_context(|| format!("{name}: {printed}"))
}

fn json(output: &Output) -> anyhow::Result<Value> {
    serde_json::from_slice(&output.stdout).with_context(|| format!("JSON: {output:?}"))
}

/// The trust of each certificate, by its name.
fn trusts(account: &Account) -> anyhow::Result<Vec<(String, String)>> {
    let listed = account.certutil(&account.firefox(), &["-L"])?;
    let lines = listed.lines().skip_while(|line| !line.contains("JAR/XPI"));
    let lines = lines
        .skip(1)
        .filter_map(|line| line.trim().rsplit_once(' '));
    let mut trusts: Vec<(String, String)> = lines
        .map(|(name, trust)| (name.trim().to_owned(), trust.to_owned()))
        .collect();
    trusts.sort();
    Ok(trusts)
}

#[test]
fn s86_a_bundle_of_every_form_is_taken() -> anyhow::Result<()> {
    const ARCHIVE: &[u8] = include_bytes!("../data/openssl/authorities.zip");

    let account = Account::new()?.with_firefox()?;
    let authority = samples::authority();
    let of_root = &sha256(authority.root_der())[..8];
    for (name, bytes, root, count) in [
        ("root.der", authority.root_der().to_vec(), of_root, 1),
        ("all.p7b", pkcs7(&account, "DER")?, of_root, 3),
        ("all.pem.p7b", pkcs7(&account, "PEM")?, of_root, 3),
        ("authorities.zip", ARCHIVE.to_vec(), "a1497346", 2),
    ] {
        let (path, digest) = write(&account, name, &bytes)?;
        let before = picture(&account.home())?;
        let with_roots = [
            "--json",
            "--yes",
            "--only",
            "authorities",
            "--roots",
            &path,
            "--digest",
            &digest,
        ];

        let done = account.setup(&with_roots)?;
        let held = trusts(&account)?;
        let again = account.setup(&with_roots)?;
        let undone = account.setup(&["--undo", "--yes"])?;

        ensure!(done.status.success(), "{name}: {done:?}");
        let printed = json(&done)?;
        assert_eq!(printed["roots"]["digest"], digest, "{name}");
        assert_eq!(
            step(&printed, "authorities", "Firefox")?["state"],
            "done",
            "{name}"
        );
        let trusted: Vec<_> = held.iter().filter(|(_, trust)| trust == "C,C,").collect();
        ensure!(
            matches!(trusted[..], [(title, _)] if title.contains(root)),
            "{name}: {held:?}"
        );
        assert_eq!(held.len(), count, "{name}: {held:?}");
        assert_eq!(
            step(&json(&again)?, "authorities", "Firefox")?["state"],
            "there",
            "{name}"
        );
        ensure!(undone.status.success(), "{name}: {undone:?}");
        assert_eq!(picture(&account.home())?, before, "{name}");
    }
    // Where no step takes it, it is not passed over.
    let path = account.home().with_file_name("root.der");
    let unused = account.setup(&["--only", "browsers", "--roots", &path.display().to_string()])?;
    assert_eq!(unused.status.code(), Some(USAGE), "{unused:?}");
    Ok(())
}

#[test]
fn s86_a_root_that_is_there_without_trust_is_trusted_and_undone() -> anyhow::Result<()> {
    let account = Account::new()?.with_firefox()?;
    let authority = samples::authority();
    let (path, digest) = write(&account, "root.der", authority.root_der())?;
    let add = ["-A", "-n", "Mine", "-t", "p,p,", "-i", &path];
    account.certutil(&account.firefox(), &add)?;
    let before = (picture(&account.home())?, trusts(&account)?);
    let with_roots = ["--json", "--yes", "--roots", &path, "--digest", &digest];

    let done = account.setup(&with_roots)?;
    let held = trusts(&account)?;
    let again = account.setup(&with_roots)?;
    let undone = account.setup(&["--undo", "--yes"])?;

    ensure!(done.status.success(), "{done:?}");
    assert_eq!(held, [("Mine".to_owned(), "C,C,".to_owned())]);
    let again = json(&again)?;
    assert_eq!(step(&again, "authorities", "Firefox")?["state"], "there");
    ensure!(undone.status.success(), "{undone:?}");
    assert_eq!((picture(&account.home())?, trusts(&account)?), before);
    Ok(())
}

#[test]
fn s86_a_primary_password_keeps_roots_out_and_nothing_else() -> anyhow::Result<()> {
    let account = Account::new()?.with_firefox()?;
    let (empty, _) = write(&account, "no-password", b"\n")?;
    let (password, _) = write(&account, "password", b"a primary password\n")?;
    account.certutil(&account.firefox(), &["-W", "-f", &empty, "-@", &password])?;
    let (path, digest) = write(&account, "root.der", samples::authority().root_der())?;
    let before = picture(&account.home())?;

    // NSS's tools would ask for the password at the terminal, whatever their input is.
    let done =
        account.setup_at_a_terminal(&["--json", "--yes", "--roots", &path, "--digest", &digest])?;
    let undone = account.setup_at_a_terminal(&["--undo", "--yes"])?;

    assert_eq!(done.status.code(), Some(NEEDS_PERSON), "{done:?}");
    let printed = json(&done)?;
    let blocked = step(&printed, "authorities", "Firefox")?;
    assert_eq!(blocked["state"], "blocked");
    ensure!(blocked["text"].to_string().contains("has a password"));
    ensure!(blocked["fix"].to_string().contains("primary password"));
    assert_eq!(step(&printed, "browsers", "Firefox")?["state"], "done");
    ensure!(undone.status.success(), "{undone:?}");
    assert_eq!(picture(&account.home())?, before);
    Ok(())
}

/// Looked at by GnuPG's own program.
#[test]
fn s86_scdaemon_takes_what_is_added_to_its_options() -> anyhow::Result<()> {
    ensure!(Path::new(SCDAEMON).is_file(), "scdaemon (make deps)");
    for own in [None, Some("# mine\ncard-timeout 5")] {
        let account = Account::new()?;
        let folder = account.home().join(".gnupg");
        let path = folder.join("scdaemon.conf");
        if let Some(own) = own {
            fs::create_dir(&folder)?;
            fs::write(&path, own)?;
        }
        let before = picture(&account.home())?;

        let done = account.setup(&["--json", "--yes", "--only", "scdaemon"])?;
        let text = fs::read_to_string(&path)?;
        let taken = Command::new(SCDAEMON)
            .arg("--homedir")
            .arg(&folder)
            .arg("--gpgconf-test")
            .output()?;
        let again = account.setup(&["--json", "--yes", "--only", "scdaemon"])?;
        let undone = account.setup(&["--undo", "--yes"])?;

        ensure!(done.status.success(), "{done:?}");
        let wanted = "disable-ccid\npcsc-shared\n";
        assert_eq!(
            text,
            own.map_or_else(String::new, |own| format!("{own}\n")) + wanted
        );
        ensure!(
            taken.status.success() && taken.stderr.is_empty(),
            "{taken:?}"
        );
        assert_eq!(step(&json(&again)?, "scdaemon", "")?["state"], "there");
        ensure!(undone.status.success(), "{undone:?}");
        assert_eq!(picture(&account.home())?, before);
        assert_eq!(folder.exists(), own.is_some());
    }
    Ok(())
}

#[test]
fn s86_what_was_broken_since_is_put_back_where_that_is_wanted() -> anyhow::Result<()> {
    let account = Account::new()?.with_firefox()?;
    let before = picture(&account.home())?;
    ensure!(account.setup(&["--yes"])?.status.success());
    let modules = account.firefox().join("pkcs11.txt");
    let kit = account.home().join(".config/pkcs11/modules/opensc.module");
    fs::write(&modules, "nonsense\n")?;
    fs::write(&kit, "module: mine.so\n")?;

    let kept = account.setup(&["--undo", "--yes", "--json"])?;
    let texts = (fs::read_to_string(&modules)?, fs::read_to_string(&kit)?);
    let forced = account.setup(&["--undo", "--yes", "--force", "--json"])?;

    assert_eq!(kept.status.code(), Some(FAILED), "{kept:?}");
    let printed = json(&kept)?;
    for (name, about) in [("browsers", "Firefox"), ("p11-kit", "")] {
        let step = step(&printed, name, about)?;
        assert_eq!(step["state"], "kept", "{step}");
        ensure!(step["fix"].to_string().contains("--force"), "{step}");
    }
    assert_eq!(texts, ("nonsense\n".into(), "module: mine.so\n".into()));
    ensure!(forced.status.success(), "{forced:?}");
    assert_eq!(picture(&account.home())?, before);
    Ok(())
}

#[test]
fn s86_what_an_administrator_has_changed_since_is_put_back_where_that_is_wanted()
-> anyhow::Result<()> {
    let account = Account::new()?.with_a_system()?;
    let policies = account.system("/etc/firefox/policies/policies.json");
    let before = picture(&account.system("/"))?;
    ensure!(account.setup(&["--system", "--yes"])?.status.success());
    fs::write(&policies, "{}")?;

    let kept = account.setup(&["--system", "--undo", "--yes"])?;
    let text = fs::read_to_string(&policies)?;
    let forced = account.setup(&["--system", "--undo", "--yes", "--force"])?;

    assert_eq!(kept.status.code(), Some(FAILED), "{kept:?}");
    assert_eq!(text, "{}");
    ensure!(forced.status.success(), "{forced:?}");
    assert_eq!(picture(&account.system("/"))?, before);
    Ok(())
}

/// Each call of NSS's tools would load the module and read the card.
#[test]
fn s86_no_card_is_read_and_no_pcscd_is_waited_for() -> anyhow::Result<()> {
    let account = Account::new()?.with_firefox()?;
    let (path, digest) = write(&account, "root.der", samples::authority().root_der())?;
    let socket = account.home().with_file_name("pcscd");
    let calls = answering_nobody(&socket)?;
    let setup = |arguments: &[&str]| -> anyhow::Result<()> {
        let mut command = account.setup_command(arguments)?;
        let done = command.env(pcscd::SOCKET_VARIABLE, &socket).output()?;
        ensure!(done.status.success(), "{done:?}");
        Ok(())
    };
    // Where it is not turned away, the module does call.
    let tool = account.home().join("a");
    fs::create_dir(&tool)?;
    account.certutil(&tool, &["-N", "--empty-password"])?;
    let added = Command::new("modutil")
        .arg("-dbdir")
        .arg(format!("sql:{}", tool.display()))
        .args(["-add", "A", "-force", "-libfile"])
        .arg(opensc_module()?)
        .env(pcscd::SOCKET_VARIABLE, &socket)
        .output()?;
    ensure!(added.status.success(), "{added:?}");
    let before = calls.load(Ordering::SeqCst);
    ensure!(before > 0, "the module asks for pcscd");

    setup(&["--yes", "--roots", &path, "--digest", &digest])?;
    setup(&["--yes", "--roots", &path, "--digest", &digest])?;
    setup(&["--undo", "--yes"])?;

    assert_eq!(calls.load(Ordering::SeqCst), before);
    Ok(())
}

/// Counts who comes, and closes.
fn answering_nobody(socket: &Path) -> anyhow::Result<Arc<AtomicUsize>> {
    let listener = UnixListener::bind(socket)?;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    thread::spawn(move || {
        for call in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(call);
        }
    });
    Ok(calls)
}
