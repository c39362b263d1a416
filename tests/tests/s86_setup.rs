//! `cacctl setup` makes the card available and takes that back, also when it is
//! killed: by NSS's own tools, p11-kit's and Firefox's files, and the system's
//! store of authorities.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cac_tests::clock;
use cac_tests::harness::{Account, Picture, picture};
use cac_tests::virtual_card::samples;
use cac_tests::wait::wait_until;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

/// Kills at moments that a seed chooses, in a run of the test.
const KILLS: usize = 24;

const SEED: u64 = 20_261_127;

const LIMIT: Duration = Duration::from_secs(20);

/// SQLite writes what is not there any more in another way than what never was.
const BY_CONTENT: [&str; 2] = ["cert9.db", "key4.db"];

fn roots(account: &Account) -> anyhow::Result<String> {
    let path = account.home().with_file_name("roots.pem");
    fs::write(&path, samples::authority().root_pem())?;
    Ok(path.display().to_string())
}

fn steps(output: &Output) -> anyhow::Result<Vec<(String, String)>> {
    let printed: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("what is printed is JSON: {output:?}"))?;
    let steps = printed["steps"].as_array().context("there are steps")?;
    let text = |step: &Value, field: &str| step[field].as_str().unwrap_or_default().to_owned();
    Ok(steps
        .iter()
        .map(|step| (text(step, "step"), text(step, "state")))
        .collect())
}

fn digest_of(account: &Account, roots: &str) -> anyhow::Result<String> {
    let planned = account.setup(&["--dry-run", "--json", "--roots", roots])?;
    let printed: Value = serde_json::from_slice(&planned.stdout)?;
    let digest = printed["roots"]["digest"].as_str();
    Ok(digest.context("the digest is told")?.to_owned())
}

/// The same files with the same bytes, but for databases, which have to hold the same.
fn assert_is_as_before(
    account: &Account,
    before: &Picture,
    listed: &str,
    moment: &str,
) -> anyhow::Result<()> {
    let now = picture(&account.home())?;
    let names = |picture: &Picture| picture.keys().cloned().collect::<BTreeSet<PathBuf>>();
    ensure!(
        names(&now) == names(before),
        "{moment}: {:?} instead of {:?}",
        names(&now),
        names(before)
    );
    for (path, there) in &now {
        let by_content = BY_CONTENT.iter().any(|name| path.ends_with(name));
        ensure!(
            by_content || before.get(path) == Some(there),
            "{moment}: {} has changed",
            path.display()
        );
    }
    let now = account.certutil(&account.firefox(), &["-L"])?;
    ensure!(now == listed, "{moment}: {now}");
    Ok(())
}

#[test]
fn s86_what_is_planned_is_done_once_and_undone_byte_by_byte() -> anyhow::Result<()> {
    let account = Account::new()?.with_firefox()?;
    let roots = roots(&account)?;
    let before = picture(&account.home())?;
    let digest = digest_of(&account, &roots)?;
    let with_roots = ["--json", "--yes", "--roots", &roots, "--digest", &digest];

    let unasked = account.setup(&["--json"])?;
    let unchanged = picture(&account.home())?;
    let wrong = account.setup(&["--json", "--yes", "--roots", &roots, "--digest", "00"])?;
    let done = account.setup(&with_roots)?;
    let once = picture(&account.home())?;
    let again = account.setup(&with_roots)?;
    let twice = picture(&account.home())?;
    let undone = account.setup(&["--undo", "--yes", "--json"])?;
    let nothing = account.setup(&["--undo", "--yes", "--json"])?;

    assert_eq!(
        unasked.status.code(),
        Some(5),
        "nobody said yes: {unasked:?}"
    );
    assert_eq!(unchanged, before);
    assert_eq!(wrong.status.code(), Some(5), "another digest: {wrong:?}");
    assert!(done.status.success(), "{done:?}");
    let state_of = |steps: &[(String, String)], name: &str| {
        let found = steps.iter().find(|(step, _)| step == name);
        found.map(|(_, state)| state.clone())
    };
    let done = steps(&done)?;
    assert_eq!(state_of(&done, "p11-kit").as_deref(), Some("done"));
    assert_eq!(state_of(&done, "browsers").as_deref(), Some("done"));
    assert!(again.status.success(), "{again:?}");
    assert!(steps(&again)?.iter().all(|(_, state)| state == "there"));
    assert_eq!(once, twice, "twice it changes nothing");
    assert!(undone.status.success(), "{undone:?}");
    assert_eq!(picture(&account.home())?, before);
    assert_eq!(steps(&nothing)?, []);
    Ok(())
}

#[test]
fn s86_for_all_users_the_systems_files_change_and_come_back() -> anyhow::Result<()> {
    let account = Account::new()?.with_firefox()?.with_a_system()?;
    let roots = roots(&account)?;
    let policies = account.system("/etc/firefox/policies/policies.json");
    fs::create_dir_all(policies.parent().context("it lies in a folder")?)?;
    let own =
        "{\"policies\": {\"DisableTelemetry\": true, \"SecurityDevices\": {\"Mine\": \"/a.so\"}}}";
    fs::write(&policies, own)?;
    let store = account.system("/etc/ssl/certs/ca-certificates.crt");
    let home = picture(&account.home())?;
    // What has never been made on this machine is made once, so that it is as it is always made.
    let digest = digest_of(&account, &roots)?;
    let with_all = [
        "--system",
        "--json",
        "--yes",
        "--roots",
        &roots,
        "--digest",
        &digest,
        "--system-store",
    ];
    ensure!(account.setup(&with_all)?.status.success());
    ensure!(
        account
            .setup(&["--system", "--undo", "--yes"])?
            .status
            .success()
    );
    let before = picture(&account.system("/"))?;

    let done = account.setup(&with_all)?;
    let merged: Value = serde_json::from_slice(&fs::read(&policies)?)?;
    let trusted = fs::read_to_string(&store)?;
    let again = account.setup(&with_all)?;
    let undone = account.setup(&["--system", "--undo", "--yes", "--json"])?;

    assert!(done.status.success(), "{done:?}");
    assert_eq!(merged["policies"]["DisableTelemetry"], true);
    assert_eq!(merged["policies"]["SecurityDevices"]["Mine"], "/a.so");
    let library = merged["policies"]["SecurityDevices"]["CAC Module"].as_str();
    assert!(
        library.is_some_and(|it| it.ends_with("/opensc-pkcs11.so")),
        "{merged}"
    );
    let root = samples::authority().root_pem();
    let line = root.lines().nth(1).context("a PEM has lines")?;
    assert!(trusted.contains(line), "the system trusts the root");
    assert!(
        steps(&again)?.iter().all(|(_, state)| state == "there"),
        "{again:?}"
    );
    assert!(undone.status.success(), "{undone:?}");
    let now = picture(&account.system("/"))?;
    for path in now.keys().chain(before.keys()) {
        assert_eq!(now.get(path), before.get(path), "{}", path.display());
    }
    assert_eq!(fs::read_to_string(&policies)?, own);
    assert_eq!(picture(&account.home())?, home, "no home is touched");
    Ok(())
}

#[test]
fn s86_what_somebody_has_changed_since_is_left_and_named() -> anyhow::Result<()> {
    let account = Account::new()?.with_firefox()?;
    let before = picture(&account.home())?;
    ensure!(account.setup(&["--yes"])?.status.success());
    let module = account.home().join(".config/pkcs11/modules/opensc.module");
    fs::write(&module, "module: mine.so\n")?;

    let kept = account.setup(&["--undo", "--yes"])?;
    let text = fs::read_to_string(&module)?;
    let forced = account.setup(&["--undo", "--yes", "--force"])?;

    assert_eq!(kept.status.code(), Some(1), "{kept:?}");
    let told = String::from_utf8_lossy(&kept.stdout).into_owned();
    assert!(told.contains(&module.display().to_string()), "{told}");
    assert_eq!(text, "module: mine.so\n");
    assert!(forced.status.success(), "{forced:?}");
    assert_eq!(picture(&account.home())?, before);
    Ok(())
}

/// NSS's tools are slow beside the rest, so that a moment chosen by chance falls
/// into them: here it is each call of them, before and after what it does.
#[test]
fn s86_killed_at_each_call_of_a_tool_it_is_undone() -> anyhow::Result<()> {
    for tool in ["certutil", "modutil"] {
        for moment in ["before", "after"] {
            for call in 1.. {
                let mut account = Account::new()?.with_firefox()?;
                let roots = roots(&account)?;
                // Of two authorities one is there, and is not trusted.
                let add = ["-A", "-n", "Mine", "-t", "p,p,", "-i", &roots];
                account.certutil(&account.firefox(), &add)?;
                let all = samples::authority().root_pem() + &samples::authority().issuing_pem();
                fs::write(&roots, all)?;
                let digest = digest_of(&account, &roots)?;
                let before = picture(&account.home())?;
                let listed = account.certutil(&account.firefox(), &["-L"])?;
                let calls = account.home().with_file_name("calls");
                fs::write(&calls, "0")?;
                let kill = format!("[ $n = {call} ] && kill -KILL $PPID");
                let (first, last) = match moment {
                    "before" => (kill.as_str(), ":"),
                    _ => (":", kill.as_str()),
                };
                let calls = calls.display();
                let script = format!(
                    "#!/bin/sh\nn=$(($(cat {calls}) + 1)); echo $n >{calls}\n{first}\n\
                     /usr/bin/{tool} \"$@\"; code=$?\n{last}\nexit $code\n"
                );
                account.put_program(tool, &script)?;
                let killed = account.setup(&["--yes", "--roots", &roots, "--digest", &digest])?;
                account.put_program(tool, &format!("#!/bin/sh\nexec /usr/bin/{tool} \"$@\"\n"))?;

                let undone = account.setup(&["--undo", "--yes"])?;

                let at = format!("{tool}, call {call}, {moment}");
                ensure!(undone.status.success(), "{at}: {undone:?}");
                assert_is_as_before(&account, &before, &listed, &at)?;
                if killed.status.success() {
                    ensure!(call > 1, "{tool} was called at all");
                    break;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn s86_killed_at_any_moment_it_is_undone_and_so_is_an_undoing() -> anyhow::Result<()> {
    let mut chance = StdRng::seed_from_u64(SEED);
    let account = Account::new()?.with_firefox()?;
    let roots = roots(&account)?;
    let digest = digest_of(&account, &roots)?;
    let all = ["--yes", "--roots", &roots, "--digest", &digest];
    let before = picture(&account.home())?;
    let listed = account.certutil(&account.firefox(), &["-L"])?;
    let begin = clock::instant();
    ensure!(account.setup(&all)?.status.success());
    let doing = begin.elapsed();
    let begin = clock::instant();
    ensure!(account.setup(&["--undo", "--yes"])?.status.success());
    let undoing = begin.elapsed();

    for kill in 1..=KILLS {
        let at = chance.random_range(Duration::ZERO..doing);
        killed_after(&account, &all, at)?;
        let later = chance.random_range(Duration::ZERO..undoing);
        if kill % 2 == 0 {
            killed_after(&account, &["--undo", "--yes"], later)?;
        }

        let undone = account.setup(&["--undo", "--yes"])?;

        let moment = format!("seed {SEED}, kill {kill}: after {at:?}, {later:?}");
        ensure!(undone.status.success(), "{moment}: {undone:?}");
        assert_is_as_before(&account, &before, &listed, &moment)?;
    }
    Ok(())
}

/// The program alone: what it has started goes on.
fn killed_after(account: &Account, arguments: &[&str], after: Duration) -> anyhow::Result<()> {
    let mut child = account
        .setup_command(arguments)?
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let end: Instant = clock::instant() + after;
    wait_until("the moment has come", LIMIT, || {
        clock::instant() >= end || !matches!(child.try_wait(), Ok(None))
    })?;
    child.kill()?;
    child.wait()?;
    Ok(())
}
