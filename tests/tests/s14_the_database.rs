//! What was kept is cleared, and what happens where nothing can be kept.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use cac_common::interface::{Clear, ClearScope, GetHistory};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::HistoryKind;
use cac_common::time::UtcSeconds;
use cac_tests::harness::{LIMIT, Lab, PORTAL, appears_in, files_below, jane, john};
use cac_tests::virtual_card::{CardModel, samples};
use rusqlite::{Connection, OpenFlags};

/// Something that could not be written down is tried again after half a minute.
const SAVED_LATER: Duration = LIMIT.saturating_mul(3);

#[test]
fn s14_what_is_cleared_is_counted_first_and_gone_after() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let shown = lab.register(0, &card, samples::PIN)?;
    lab.wait_for_entries("registered to account", 1)?;
    let id = shown.id.context("it is known")?;
    let clear = |dry_run| Clear {
        scope: ClearScope::Card { card: id.clone() },
        dry_run,
    };
    assert!(is_on_disk(&lab, b"JANE")?, "the name is kept until then");

    let (would_be, was) = (clear(true), clear(false));
    let counted = lab.ask(async |client| client.clear(&would_be).await)?;
    assert_eq!(lab.snapshot()?.known.len(), 1, "to count is not to clear");
    assert_eq!(counted.cards, 1);
    assert_eq!(counted.certificates, 4);
    assert_eq!(counted.registrations, 1);
    let lost = lab.ask(async |client| client.clear(&was).await)?;

    assert_eq!(lost, counted);
    let after = lab.wait_for("the card in the reader starts anew", |snapshot| {
        lab.label(snapshot, 0) == Some("needs PIN") && snapshot.known.is_empty()
    })?;
    assert!(!lab.card(&after, 0)?.recognised);
    assert!(!is_on_disk(&lab, b"JANE")?, "nothing of the name is left");
    lab.wait_for_entries("User 0 cleared card", 1)?;
    assert_eq!(card.log().pin_attempts(), 1, "the card was not asked");

    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    Ok(())
}

#[test]
fn s14_the_history_is_searched() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    let shown = lab.register(0, &card, samples::PIN)?;
    lab.wait_for_entries("registered to account", 1)?;
    let all = lab.history()?;
    let search = |wanted: GetHistory| {
        let reply = lab.ask(async |client| client.search_history(&wanted).await)?;
        let texts = reply.entries.into_iter().map(|entry| entry.text);
        anyhow::Ok(texts.collect::<Vec<String>>())
    };
    let any = || GetHistory::newest(1000);
    let with = |text: &str| GetHistory {
        text: Some(text.into()),
        ..any()
    };

    let registered = search(with("REGISTERED TO account"))?;
    assert_eq!(registered.len(), 1, "{registered:?}");
    let of_the_card = search(GetHistory {
        card: shown.id.clone(),
        kind: Some(HistoryKind::Registration),
        portal: Some(PORTAL.into()),
        ..any()
    })?;
    assert!(of_the_card.contains(&registered[0]), "{of_the_card:?}");
    assert!(of_the_card.len() < all.len());
    let since = GetHistory {
        since: Some(UtcSeconds(0)),
        ..any()
    };
    assert_eq!(search(since)?.len(), all.len());
    let until = GetHistory {
        until: Some(UtcSeconds(1)),
        ..any()
    };
    assert_eq!(search(until)?, Vec::<String>::new());
    for hostile in [
        "%",
        "_%",
        "\0",
        "'; DROP TABLE history; --",
        &"é".repeat(16_000),
    ] {
        assert_eq!(search(with(hostile))?, Vec::<String>::new());
    }
    assert_eq!(lab.history()?, all);

    let told = lab.cacctl(&[
        "history",
        "--search",
        "Registered TO",
        "--kind",
        "registration",
        "--since",
        "1d",
    ])?;
    let told = String::from_utf8(told.stdout)?;
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains(&registered[0]), "{told}");
    let older = lab.cacctl(&["history", "--until", "1d"])?;
    assert!(
        older.status.success() && older.stdout.is_empty(),
        "{older:?}"
    );
    Ok(())
}

#[test]
fn s14_all_can_be_cleared() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    lab.wait_for_entries("registered to account", 1)?;
    lab.take_out(0)?;
    lab.wait_for_entries("Card taken out", 1)?;
    let all = |dry_run| Clear {
        scope: ClearScope::All {},
        dry_run,
    };
    let (would_be, was) = (all(true), all(false));

    let counted = lab.ask(async |client| client.clear(&would_be).await)?;
    let lost = lab.ask(async |client| client.clear(&was).await)?;

    assert_eq!(lost, counted);
    assert!(lost.history > 0 && lost.personas == 1, "{lost:?}");
    let left = lab.wait_for_entries("User 0 cleared everything", 1)?;
    assert_eq!(lab.history()?, left);
    assert!(lab.snapshot()?.known.is_empty());
    assert!(!is_on_disk(&lab, b"ROE")?);
    Ok(())
}

#[test]
fn s14_a_registration_that_cannot_be_saved_is_told_and_saved_later() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_for_entries("needs PIN", 1)?;
    let other = Connection::open(lab.database())?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let follower = lab.follow()?;

    lab.type_pin(0, samples::PIN)?;
    let told = lab.wait_for_status(0, "registered (not saved)")?;

    let reason = told
        .registrations
        .iter()
        .find_map(|registration| {
            if let RegistrationStatus::RegisteredNotSaved { reason, .. } = &registration.status {
                Some(reason)
            } else {
                None
            }
        })
        .context("the reason is told")?;
    assert!(reason.contains("lock"), "{reason}");
    assert_eq!(
        lab.snapshot()?.daemon.store_problem.as_ref(),
        Some(reason),
        "everyone is told"
    );
    follower.wait_until_at(lab.snapshot()?.revision)?;
    assert!(
        follower
            .seen()
            .iter()
            .all(|snapshot| lab.label(snapshot, 0) != Some("registered")),
        "it was not shown as registered before it was written down"
    );
    assert_eq!(lab.portal().registrations()?.len(), 1);
    other.execute_batch("ROLLBACK")?;
    let saved = lab.wait_for_at_most(SAVED_LATER, "it is saved by itself", |snapshot| {
        lab.label(snapshot, 0) == Some("registered")
    })?;

    assert_eq!(saved.daemon.store_problem, None);
    let rows: i64 = Connection::open_with_flags(lab.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?
        .query_row("SELECT count(*) FROM registration", [], |row| row.get(0))?;
    assert_eq!(rows, 1);
    assert_eq!(card.log().pin_attempts(), 1, "without another signature");
    Ok(())
}

#[test]
fn s14_where_nothing_can_be_written_cards_are_served_from_memory() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    lab.stop()?;

    lab.start_again_read_only()?;
    let problem = lab.snapshot()?.daemon.store_problem;
    assert!(
        problem
            .as_ref()
            .is_some_and(|problem| problem.to_lowercase().contains("read-only")),
        "{problem:?}"
    );
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered (not saved)")?;

    assert_eq!(lab.portal().registrations()?.len(), 1);
    assert!(lab.snapshot()?.known.is_empty());
    Ok(())
}

#[test]
fn s14_a_corrupt_database_is_kept_aside_and_told() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    lab.stop()?;
    let garbage = "this is no database. ".repeat(1000);
    fs::write(lab.database(), &garbage)?;

    lab.start_again()?;
    let told = lab.wait_for_entries("database was corrupt", 1)?;

    assert_eq!(told.len(), 1);
    let kept = files_below(&lab.state_folder())?
        .into_iter()
        .find(|path| path.to_string_lossy().contains("corrupt"))
        .context("it is kept")?;
    assert_eq!(fs::read_to_string(&kept)?, garbage);
    assert!(
        lab.log().contains(&kept.display().to_string()),
        "the log says where"
    );
    let card = john(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    assert_eq!(lab.snapshot()?.daemon.store_problem, None);
    Ok(())
}

#[test]
fn s14_a_database_that_is_written_anew_is_given_time_before_it_is_ready() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.stop()?;
    let old = Connection::open(lab.database())?;
    // As versions made it that gave no room back.
    old.execute_batch("PRAGMA auto_vacuum = NONE; VACUUM")?;
    assert_eq!(auto_vacuum(&old)?, 0);
    drop(old);

    let systemd = lab.start_again_listening()?;
    let mut told = Vec::new();
    while !told.contains(&"READY=1".to_owned()) {
        let mut message = [0; 4096];
        let length = systemd.recv(&mut message)?;
        let text = std::str::from_utf8(&message[..length])?;
        told.extend(text.lines().map(str::to_owned));
    }

    assert_eq!(told[0], "EXTEND_TIMEOUT_USEC=60000000", "{told:?}");
    assert_eq!(auto_vacuum(&Connection::open(lab.database())?)?, 2);
    Ok(())
}

fn auto_vacuum(connection: &Connection) -> anyhow::Result<i64> {
    Ok(connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?)
}

/// Whether the bytes stand in any file of the state folder.
fn is_on_disk(lab: &Lab, bytes: &[u8]) -> anyhow::Result<bool> {
    for path in files_below(&lab.state_folder())? {
        if appears_in(bytes, &fs::read(path)?) {
            return Ok(true);
        }
    }
    Ok(false)
}
