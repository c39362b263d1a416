//! Clients that send nonsense, too much, half of something, or nothing at all.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use cac_common::interface::{Refusal, SubmitPin, method};
use cac_common::snapshot::Visit;
use cac_tests::harness::tempers::{GARBAGE, HALF, is_served, nested, pour, say};
use cac_tests::harness::{
    LIMIT, Lab, Recorded, as_user, john, message, pin_for, resident_kilobytes,
};
use cac_tests::virtual_card::CardModel;

const GROWTH_AT_MOST: u64 = 20 * 1024;

/// Of one user; the daemon takes fewer.
const MANY: usize = 300;

#[test]
fn s17_garbage_is_refused_in_words_and_others_are_served() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let before = lab.wait_for("the readers are at their seat", |snapshot| {
        let mut readers = snapshot.readers.iter();
        !snapshot.readers.is_empty() && readers.all(|reader| reader.seat.is_some())
    })?;
    let deep = nested(30_000);
    for garbage in GARBAGE.into_iter().chain([&deep[..]]) {
        let answer = say(&lab.socket(), garbage)?;
        assert!(
            answer.contains("org.varlink.service.InvalidParameter"),
            "{garbage:?} is answered with {answer:?}"
        );
    }
    for (call, error) in [
        ("{\"method\":\"nonsense\"}", "MethodNotFound"),
        ("{\"method\":\"org.cacd1.Nonsense\"}", "MethodNotFound"),
        ("{\"method\":\"com.example.Nonsense\"}", "InterfaceNotFound"),
        ("{\"method\":\"org.cacd1.Monitor\"}", "ExpectedMore"),
        ("{\"method\":\"org.cacd1.GetHistory\"}", "InvalidParameter"),
        (
            "{\"method\":\"org.cacd1.GetHistory\",\"parameters\":{\"limit\":4000000000}}",
            "InvalidParameter",
        ),
        (
            "{\"method\":\"org.cacd1.Clear\",\"parameters\":{\"scope\":{\"what\":\"all\",\"x\":1}}}",
            "InvalidParameter",
        ),
        (
            "{\"method\":\"org.cacd1.SubmitPin\",\"parameters\":{\"card\":1}}",
            "InvalidParameter",
        ),
    ] {
        let reply = lab.block_on(async {
            let mut caller = Recorded::connect(&lab.socket()).await?;
            caller.call(call, &[]).await
        })?;
        let told = reply.error.unwrap_or_default();
        assert!(told.ends_with(error), "{call} is answered with {told}");
    }
    assert_eq!(lab.snapshot()?, before, "nothing came of it");
    Ok(())
}

#[test]
fn s17_a_message_without_end_is_cut_off_and_costs_nothing() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    lab.snapshot()?;
    let before = resident_kilobytes(lab.pid()?)?;

    let taken = pour(&lab.socket())?;

    println!("{taken} bytes were taken");
    let after = resident_kilobytes(lab.pid()?)?;
    assert!(after.saturating_sub(before) < GROWTH_AT_MOST);
    lab.snapshot()?;
    Ok(())
}

#[test]
fn s17_who_stops_half_way_keeps_nobody_waiting() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let mut half = UnixStream::connect(lab.socket())?;
    half.write_all(HALF)?;
    let mut gone = UnixStream::connect(lab.socket())?;
    gone.write_all(HALF)?;
    drop(gone);
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    let call = message(method::SUBMIT_PIN, pin_for(&shown)?)?;
    // A pipe that says nothing and does not end, and what is no pipe.
    let (silent, kept_open) = std::io::pipe()?;
    let zeros = std::fs::File::open("/dev/zero")?;
    let (silent, file) = ([silent.as_fd()], [zeros.as_fd()]);

    let replies = lab.block_on(async {
        let mut one = Recorded::connect(&lab.socket()).await?;
        let mut other = Recorded::connect(&lab.socket()).await?;
        let (no_pipe, no_end) =
            tokio::try_join!(one.call(&call, &file), other.call(&call, &silent))?;
        anyhow::Ok([no_pipe, no_end])
    })?;

    for reply in replies {
        assert_eq!(reply.error, Refusal::NoPin.to_reply().error);
    }
    drop(kept_open);
    lab.snapshot()?;
    half.write_all(b"apshot\"}\0")?;
    half.set_read_timeout(Some(LIMIT))?;
    let mut answer = [0; 16];
    half.read_exact(&mut answer)?;
    assert!(answer.starts_with(b"{\"parameters\""), "late, but whole");
    assert_eq!(card.log().pin_attempts(), 0);
    Ok(())
}

#[test]
fn s17_idle_connections_of_one_user_leave_room_for_others() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let before = resident_kilobytes(lab.pid()?)?;
    let socket = lab.socket();
    let idle = as_user(65534, 65534, async || {
        let mut idle = Vec::new();
        for _ in 0..MANY {
            idle.push(UnixStream::connect(&socket)?);
        }
        Ok(idle)
    })?;

    let mut served = 0;
    for stream in &idle {
        served += usize::from(is_served(stream)?);
    }
    println!("{served} of {MANY} connections are served");
    assert!((1..MANY).contains(&served), "{served}");
    lab.snapshot()?;
    let after = resident_kilobytes(lab.pid()?)?;
    assert!(after.saturating_sub(before) < GROWTH_AT_MOST);

    // Nor does root shut itself out.
    let own: Vec<UnixStream> = (0..MANY)
        .map(|_| UnixStream::connect(lab.socket()))
        .collect::<Result<_, _>>()?;
    lab.snapshot()?;
    drop((idle, own));
    let socket = lab.socket();
    cac_tests::wait::wait_until("there is room again", LIMIT, || {
        as_user(65534, 65534, async || {
            is_served(&UnixStream::connect(&socket)?)
        })
        .unwrap_or(false)
    })?;
    Ok(())
}

#[test]
fn s17_a_pin_for_a_card_that_never_was_reaches_none() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    let right = pin_for(&shown)?;
    for wrong in [
        SubmitPin {
            visit: Visit(shown.visit.0 + 1),
            ..right.clone()
        },
        SubmitPin {
            card: cac_common::identity::CardId("nobody's".into()),
            ..right
        },
    ] {
        let refused = cac_tests::harness::refusal(lab.submit(wrong, "123456"))?;
        assert_eq!(refused, Refusal::NoSuchCard);
    }
    assert_eq!(card.log().pin_attempts(), 0);
    Ok(())
}
