//! Several people watch; nobody sees time go backwards, and one who never reads disturbs no one.

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use anyhow::Context as _;
use cac_common::activity::{Apdu, Purpose};
use cac_common::client::Client;
use cac_common::interface::{Call, Clear, ClearScope, method};
use cac_common::snapshot::{HistoryKind, Snapshot};
use cac_common::time::UtcSeconds;
use cac_tests::harness::{LIMIT, Lab, john, resident_kilobytes};
use cac_tests::virtual_card::{CardModel, instruction, samples};
use cac_tests::wait::wait_for;

/// More bytes of snapshots than a socket holds for who does not read.
const CHANGES: usize = 150;

/// What one that never reads may cost.
const GROWTH_AT_MOST: u64 = 20 * 1024;

#[test]
fn s10_all_who_watch_see_the_same_in_the_same_order() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    let (one, other) = (lab.follow()?, lab.follow()?);
    let socket = lab.socket();
    let mut slow = lab.block_on(async { Client::connect(&socket).await?.monitor().await })?;
    let mut slowly_seen = Vec::new();

    lab.register(0, &card, samples::PIN)?;
    slowly_seen.push(lab.block_on(slow.next())?);
    lab.take_out(0)?;
    slowly_seen.push(lab.block_on(slow.next())?);
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "registered")?;
    lab.wait_for_entries("still registered", 1)?;

    let last = lab.snapshot()?;
    one.wait_until_at(last.revision)?;
    other.wait_until_at(last.revision)?;
    while slowly_seen
        .last()
        .is_none_or(|seen: &Snapshot| seen.revision < last.revision)
    {
        slowly_seen.push(lab.block_on(slow.next())?);
    }
    for seen in [one.seen(), other.seen(), slowly_seen] {
        let revisions: Vec<u64> = seen.iter().map(|snapshot| snapshot.revision).collect();
        assert!(
            revisions.is_sorted_by(|earlier, later| earlier < later),
            "{revisions:?}"
        );
        assert_eq!(seen.last(), Some(&last));
    }
    holds_every_step(&lab)
}

/// The history, in its order, with nothing left out.
fn holds_every_step(lab: &Lab) -> anyhow::Result<()> {
    let history = lab.history()?;
    let mut entries = history.iter();
    for step in [
        "Card put into",
        "The card of ROE, JOHN is new here",
        "Reference portal: needs PIN",
        "PIN typed",
        "Reference portal: signing in",
        "Reference portal: registered to account",
        "Card taken out",
        "Card put into",
        "Recognised the card of ROE, JOHN",
        "Reference portal: still registered",
    ] {
        entries
            .find(|entry| entry.text.contains(step))
            .with_context(|| format!("{step:?} has its place in {history:#?}"))?;
    }
    assert!(history.is_sorted_by(|earlier, later| earlier.id < later.id));
    Ok(())
}

#[test]
fn s10_one_who_never_reads_disturbs_no_one_and_costs_little() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    make_changes(&lab, CHANGES)?;
    let before = resident_kilobytes(lab.pid()?)?;
    let mut deaf = UnixStream::connect(lab.socket())?;
    deaf.write_all(&monitor_call()?)?;
    let follower = lab.follow()?;

    make_changes(&lab, CHANGES)?;

    let last = lab.snapshot()?;
    follower.wait_until_at(last.revision)?;
    assert!(follower.seen().last() == Some(&last), "another picture");
    lab.take_out(0)?;
    let after = resident_kilobytes(lab.pid()?)?;
    println!("resident before {before} kB, after {after} kB");
    assert!(
        after.saturating_sub(before) < GROWTH_AT_MOST,
        "from {before} kB to {after} kB"
    );
    drop(deaf);
    Ok(())
}

#[test]
fn s10_who_listens_hears_each_apdu_of_the_card_and_no_byte_of_it() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    let socket = lab.socket();
    let mut listener = lab.block_on(async { Client::connect(&socket).await?.activity().await })?;

    lab.register(0, &card, samples::PIN)?;
    let whole = lab.wait_until_whole(0)?;

    let log = card.log();
    let mut heard: Vec<Apdu> = Vec::new();
    while heard.len() < log.count() {
        let told = lab.block_on(listener.next())?;
        assert_eq!(told.missed, 0);
        heard.extend(told.apdus);
    }
    assert_eq!(heard.len(), log.count());
    for (line, apdu) in heard.iter().zip(log.entries()) {
        assert_eq!(line.reader.0, lab.reader_name(0));
        assert_eq!(line.status, Some(format!("{:04X}", apdu.sw.0)), "{line:?}");
        let bytes = line.sent.map(|sent| (sent + line.received) as usize);
        let has_room_for_a_pin = apdu.ins == instruction::VERIFY;
        assert_eq!(bytes, (!has_room_for_a_pin).then_some(apdu.bytes));
    }
    let for_what = |purpose| heard.iter().filter(move |line| line.purpose == purpose);
    let read = for_what(Purpose::Read).chain(for_what(Purpose::Rest));
    assert_eq!(read.count(), whole.read_apdus as usize);
    let mut signs = for_what(Purpose::SignIn);
    assert!(signs.any(|line| line.instruction == "GENERAL AUTHENTICATE"));
    for purpose in [Purpose::Read, Purpose::SignIn] {
        let numbers: Vec<u32> = for_what(purpose).map(|line| line.number).collect();
        let from_one: Vec<u32> = (1..).take(numbers.len()).collect();
        assert_eq!(numbers, from_one, "{purpose:?}");
    }
    Ok(())
}

/// Each leaves a line in the history, and so makes a new snapshot.
fn make_changes(lab: &Lab, count: usize) -> anyhow::Result<()> {
    let nothing = Clear {
        scope: ClearScope::History {
            before: Some(UtcSeconds(0)),
        },
        dry_run: false,
    };
    let clears = || -> anyhow::Result<Vec<i64>> {
        let told = lab.history()?.into_iter();
        let clears = told.filter(|entry| entry.kind == HistoryKind::Clear);
        Ok(clears.map(|entry| entry.id).collect())
    };
    let due = clears()?.len() + count;
    for _ in 0..count {
        lab.ask(async |client| client.clear(&nothing).await)?;
    }
    // The line of a change may come after its answer.
    let written = wait_for("the changes are written down", LIMIT, || {
        let written = clears().map(|all| (all.len() == due).then_some(all));
        written.transpose()
    })??;
    let newest = |seen: &Snapshot| seen.happened.last().map(|entry| entry.id);
    lab.wait_for("the changes are seen", |seen| {
        newest(seen) >= written.last().copied()
    })?;
    Ok(())
}

fn monitor_call() -> anyhow::Result<Vec<u8>> {
    let call = Call {
        method: method::MONITOR.into(),
        parameters: serde_json::Value::Null,
        more: true,
        oneway: false,
    };
    let mut bytes = serde_json::to_vec(&call)?;
    bytes.push(0);
    Ok(bytes)
}
