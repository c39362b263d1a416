//! Disks that are full, held or damaged, and backups for when they fail.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_common::client::ClientError;
use cac_common::interface::{Refusal, method};
use cac_tests::harness::{LIMIT, Lab, Recorded, as_user, files_below, jane, john, message};
use cac_tests::virtual_card::{CardModel, samples};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rusqlite::Connection;

/// Something that could not be written down is tried again after half a minute.
const SAVED_LATER: Duration = LIMIT.saturating_mul(3);

const SEED_VARIABLE: &str = "CACD_DAMAGE_SEED";

/// How many databases are damaged.
const DAMAGES: u32 = 16;

#[test]
fn s91_on_a_full_disk_cards_are_served_and_all_is_saved_once_there_is_room() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    lab.start_again_on_a_small_disk(1024)?;
    let folder = lab.state_as_the_daemon_sees_it()?;
    let filler = folder.join("of-another-program");
    fill(&filler)?;
    let card = john(CardModel::T1)?;

    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered (not saved)")?;
    let problem = lab.snapshot()?.daemon.store_problem;
    fs::remove_file(&filler)?;
    let saved = lab.wait_for_at_most(SAVED_LATER, "it is saved by itself", |snapshot| {
        lab.label(snapshot, 0) == Some("registered")
    })?;

    assert!(
        problem.as_ref().is_some_and(|why| why.contains("full")),
        "{problem:?}"
    );
    assert_eq!(saved.daemon.store_problem, None);
    assert_eq!(registrations_in(&folder)?, 1);
    assert_eq!(card.log().pin_attempts(), 1, "without another signature");
    Ok(())
}

#[test]
fn s91_a_database_that_is_held_at_the_start_is_used_once_it_is_let_go() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    lab.stop()?;
    let other = Connection::open(lab.database())?;
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")?;
    let card = john(CardModel::T1)?;

    lab.start_again()?;
    let problem = lab.snapshot()?.daemon.store_problem;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered (not saved)")?;
    drop(other);
    let saved = lab.wait_for_at_most(SAVED_LATER, "it is saved by itself", |snapshot| {
        lab.label(snapshot, 0) == Some("registered")
    })?;

    assert!(
        problem.as_ref().is_some_and(|why| why.contains("locked")),
        "{problem:?}"
    );
    assert_eq!(saved.daemon.store_problem, None);
    assert_eq!(registrations_in(&lab.state_folder())?, 1);
    Ok(())
}

#[test]
fn s91_a_database_of_a_later_version_is_left_as_it_is_and_cards_are_served() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    lab.stop()?;
    Connection::open(lab.database())?.pragma_update(None, "user_version", 99)?;
    let before = fs::read(lab.database())?;
    let card = john(CardModel::T1)?;

    lab.start_again()?;
    let problem = lab.snapshot()?.daemon.store_problem;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.stop()?;

    assert!(
        problem
            .as_ref()
            .is_some_and(|why| why.contains("version 99")),
        "{problem:?}"
    );
    assert!(fs::read(lab.database())? == before);
    Ok(())
}

#[test]
fn s91_a_database_damaged_anywhere_is_told_or_served_and_its_bytes_are_kept() -> anyhow::Result<()>
{
    let seed = match std::env::var(SEED_VARIABLE) {
        Ok(seed) => seed.parse()?,
        Err(_) => rand::random(),
    };
    println!("{SEED_VARIABLE}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    lab.stop()?;
    let whole = fs::read(lab.database())?;
    let mut kept_aside = 0;

    for damage in 1..=DAMAGES {
        let mut bytes = whole.clone();
        let at = random.random_range(0..bytes.len());
        if random.random_bool(0.2) {
            bytes.truncate(at);
        } else {
            let length = random.random_range(1..4096).min(bytes.len() - at);
            random.fill(&mut bytes[at..at + length]);
        }
        for file in files_below(&lab.state_folder())? {
            if !file.ends_with("cacd.key") {
                fs::remove_file(file)?;
            }
        }
        fs::write(lab.database(), &bytes)?;

        lab.start_again()?;
        lab.wait_for("the card in the reader is served", |snapshot| {
            lab.label(snapshot, 0).is_some()
        })
        .with_context(|| format!("damage {damage} at {at} of seed {seed}"))?;
        lab.kill()?;

        let aside = files_below(&lab.state_folder())?.into_iter().find(|path| {
            path.to_string_lossy()
                .ends_with(|c: char| c.is_ascii_digit())
        });
        if let Some(aside) = aside {
            kept_aside += 1;
            ensure!(
                fs::read(&aside)? == bytes || lab.log().contains("found to be corrupt"),
                "damage {damage} at {at} of seed {seed} is not kept as it was"
            );
        }
    }

    println!("{kept_aside} of {DAMAGES} were kept aside");
    assert!(kept_aside > 0);
    Ok(())
}

#[test]
fn s91_a_backup_is_restored_and_whoever_was_registered_is() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let registered = lab.register(0, &card, samples::PIN)?;
    lab.wait_for_entries("registered to account", 1)?;
    let file = lab.folder().join("cacd.tar");
    let name = file.to_str().context("it is text")?;

    let made = lab.cacctl(&["backup", name])?;
    let again = lab.cacctl(&["backup", name])?;
    lab.wait_for_entries("took a backup", 1)?;
    lab.take_out(0)?;
    lab.stop()?;
    for file in files_below(&lab.state_folder())? {
        fs::remove_file(file)?;
    }
    let unpacked = Command::new("tar")
        .arg("-x")
        .arg("-C")
        .arg(lab.state_folder())
        .arg("-f")
        .arg(&file)
        .status()?;
    lab.start_again()?;
    let known = lab.snapshot()?.known;
    lab.insert(0, &card)?;
    let back = lab.wait_for_status(0, "registered")?;

    assert!(made.status.success(), "{made:?}");
    assert_eq!(again.status.code(), Some(5), "{again:?}");
    assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    assert!(unpacked.success());
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].registrations, registered.registrations);
    assert!(back.recognised);
    assert_eq!(card.log().pin_attempts(), 1, "without another signature");
    Ok(())
}

#[test]
fn s91_who_may_not_act_gets_no_backup_and_who_may_needs_the_right_end_of_a_pipe()
-> anyhow::Result<()> {
    let lab = Lab::start()?;
    let (read_end, write_end) = std::io::pipe()?;
    let nobody_reads = {
        let (read_end, write_end) = std::io::pipe()?;
        drop(read_end);
        lab.ask(async |client| client.backup(write_end).await)
    };

    let call = message(method::BACKUP, serde_json::json!({}))?;
    let socket = lab.socket();
    let says = async |descriptors: &[BorrowedFd<'_>]| {
        let mut caller = Recorded::connect(&socket).await?;
        Ok(caller.call(&call, descriptors).await?.error)
    };
    let stranger = as_user(65534, 65534, async || says(&[]).await)?;
    let wrong_end = lab.block_on(says(&[read_end.as_fd()]))?;
    let no_pipe = lab.block_on(says(&[]))?;
    drop(write_end);

    let denied = "org.varlink.service.PermissionDenied";
    assert_eq!(stranger.as_deref(), Some(denied));
    assert_eq!(wrong_end.as_deref(), Some("org.cacd1.NoPipe"));
    assert_eq!(no_pipe.as_deref(), Some("org.cacd1.NoPipe"));
    assert!(
        matches!(nobody_reads, Err(ClientError::Refused(Refusal::NotTaken))),
        "{nobody_reads:?}"
    );
    Ok(())
}

/// Takes what room there is.
fn fill(path: &Path) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    for size in [4096, 1] {
        let block = vec![0xA5; size];
        while file.write_all(&block).is_ok() {}
    }
    Ok(())
}

/// In a copy: SQLite would follow the way into the daemon's namespace to a file of ours.
fn registrations_in(folder: &Path) -> anyhow::Result<i64> {
    let copy = tempfile::tempdir()?;
    for file in ["cacd.db", "cacd.db-wal"] {
        fs::copy(folder.join(file), copy.path().join(file))?;
    }
    let connection = Connection::open(copy.path().join("cacd.db"))?;
    Ok(connection.query_row("SELECT count(*) FROM registration", [], |row| row.get(0))?)
}
