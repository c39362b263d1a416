//! `cacctl setup --system` is killed at any moment, and undone: the files of
//! the system are as they were.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_tests::clock;
use cac_tests::harness::{Account, LIMIT, Picture, picture};
use cac_tests::virtual_card::samples;
use cac_tests::wait::wait_until;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// Kills at moments that a seed chooses, in a run of the test.
const KILLS: usize = 16;

const SEED: u64 = 20_261_128;

/// What takes authorities over, in the place of Debian's, which takes seconds
/// and would have nearly every kill for itself: whole, and at each call.
const REFRESH: &str = "update-ca-certificates";
const TAKES_OVER: &str = "\
cat /usr/local/share/ca-certificates/*.crt >/etc/ssl/certs/.of-the-test 2>/dev/null\n\
mv /etc/ssl/certs/.of-the-test /etc/ssl/certs/of-the-test\n";

/// What setup changes of a system; all else is looked at in the end.
const PARTS: [&str; 5] = [
    "/etc/firefox",
    "/etc/pkcs11",
    "/etc/ssl/certs",
    "/usr/local/share",
    "/var/lib",
];

struct AllUsers {
    account: Account,
    roots: String,
    digest: String,
    before: Picture,
}

impl AllUsers {
    /// With policies of an administrator's own, and a store that was used before.
    fn new() -> anyhow::Result<Self> {
        let account = Account::new()?.with_firefox()?.with_a_system()?;
        let policies = account.system("/etc/firefox/policies/policies.json");
        fs::create_dir_all(policies.parent().context("it lies in a folder")?)?;
        fs::write(
            &policies,
            "{\"policies\": {\"SecurityDevices\": {\"Mine\": \"/a.so\"}}}",
        )?;
        let path = account.home().with_file_name("roots.pem");
        let pem = samples::authority().root_pem();
        fs::write(&path, &pem)?;
        let mut all = Self {
            account,
            roots: path.display().to_string(),
            digest: cac_common::bundle::sha256(pem.as_bytes()),
            before: Picture::new(),
        };
        all.put_refresh(":", ":")?;
        let store = all.account.system("/etc/ssl/certs/of-the-test");
        fs::write(store, all.authorities()?)?;
        all.before = picture(&all.account.system("/"))?;
        Ok(all)
    }

    /// Those of the machine, as the program would take them over.
    fn authorities(&self) -> anyhow::Result<Vec<u8>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(self.account.system("/usr/local/share/ca-certificates"))? {
            paths.push(entry?.path());
        }
        paths.retain(|path| path.extension().is_some_and(|end| end == "crt"));
        paths.sort();
        let texts: Result<Vec<Vec<u8>>, _> = paths.iter().map(fs::read).collect();
        Ok(texts?.concat())
    }

    fn put_refresh(&mut self, first: &str, last: &str) -> anyhow::Result<()> {
        let script = format!("#!/bin/sh\n{first}\n{TAKES_OVER}{last}\nexit 0\n");
        self.account.put_program(REFRESH, &script)
    }

    fn all(&self) -> [&str; 7] {
        [
            "--system",
            "--yes",
            "--system-store",
            "--roots",
            &self.roots,
            "--digest",
            &self.digest,
        ]
    }

    /// The program alone: what it has started goes on.
    fn killed_after(&self, arguments: &[&str], after: Duration) -> anyhow::Result<()> {
        let mut child = self
            .account
            .setup_command(arguments)?
            .stdout(Stdio::null())
            .spawn()?;
        let end = clock::instant() + after;
        wait_until("the moment has come", LIMIT, || {
            clock::instant() >= end || !matches!(child.try_wait(), Ok(None))
        })?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    fn undo(&self, moment: &str) -> anyhow::Result<()> {
        let undone = self.account.setup(&["--system", "--undo", "--yes"])?;
        ensure!(undone.status.success(), "{moment}: {undone:?}");
        for part in PARTS {
            self.is_as_before(&self.account.system(part), moment)?;
        }
        Ok(())
    }

    fn is_as_before(&self, folder: &Path, moment: &str) -> anyhow::Result<()> {
        let is_there = folder.is_dir();
        let now = is_there.then(|| picture(folder)).transpose()?;
        let now = now.unwrap_or_default();
        let before = self.before.keys().filter(|path| path.starts_with(folder));
        for path in now.keys().chain(before) {
            ensure!(
                now.get(path) == self.before.get(path),
                "{moment}: {} is not as it was",
                path.display()
            );
        }
        Ok(())
    }

    fn has_a_record(&self) -> bool {
        self.account
            .system("/var/lib/cacd-setup/record.jsonl")
            .exists()
    }
}

#[test]
fn s86_for_all_users_killed_at_each_call_of_a_tool_it_is_undone() -> anyhow::Result<()> {
    let mut all = AllUsers::new()?;
    let home = picture(&all.account.home())?;
    for (first, last) in [("kill -KILL $PPID", ":"), (":", "kill -KILL $PPID")] {
        all.put_refresh(first, last)?;
        let killed = all.account.setup(&all.all())?;
        let moment = format!("setup, {first:?}, {last:?}");
        ensure!(!killed.status.success(), "{moment}: {killed:?}");
        ensure!(all.has_a_record(), "{moment}: it was begun");
        // The undoing calls it as well, and is killed there.
        let killed = all.account.setup(&["--system", "--undo", "--yes"])?;
        ensure!(!killed.status.success(), "{moment}: {killed:?}");
        ensure!(all.has_a_record(), "{moment}: it is not undone yet");
        all.put_refresh(":", ":")?;

        all.undo(&moment)?;
    }
    assert_eq!(picture(&all.account.home())?, home, "no home is touched");
    all.is_as_before(&all.account.system("/"), "in the end")
}

#[test]
fn s86_for_all_users_killed_at_any_moment_it_is_undone_and_so_is_an_undoing() -> anyhow::Result<()>
{
    let mut chance = StdRng::seed_from_u64(SEED);
    let all = AllUsers::new()?;
    let begin = clock::instant();
    ensure!(all.account.setup(&all.all())?.status.success());
    let doing = begin.elapsed();
    ensure!(all.has_a_record());
    let begin = clock::instant();
    all.undo("nobody kills it")?;
    let undoing = begin.elapsed();

    for kill in 1..=KILLS {
        let at = chance.random_range(Duration::ZERO..doing);
        all.killed_after(&all.all(), at)?;
        let later = chance.random_range(Duration::ZERO..undoing);
        if kill % 2 == 0 {
            all.killed_after(&["--system", "--undo", "--yes"], later)?;
        }

        all.undo(&format!(
            "seed {SEED}, kill {kill}: after {at:?}, {later:?}"
        ))?;
    }
    all.is_as_before(&all.account.system("/"), "in the end")
}
