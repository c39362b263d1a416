//! The PIN of a card: how it stands, and another in its place.

mod no_clear_answer;

use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::Output;
use std::{fs, thread};

use anyhow::{Context as _, ensure};
use cac_common::client::Client;
use cac_common::interface::{GetHistory, Refusal, method};
use cac_common::locked::Locked;
use cac_tests::harness::{
    LIMIT, Lab, Plan, Recorded, appears_in, as_user, files_below, jane, memory_of, message,
    pin_for, pipe_with, refusal, the_card_of,
};
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};
use cac_tests::wait::wait_until;
use rustix::process::{Pid, Signal, kill_process};

/// As `cacctl --help` lists them.
const FAILED: i32 = 1;
const NEEDS_PERSON: i32 = 4;
const REFUSED: i32 = 5;

const OLD: &str = samples::PIN;
const NEW: &str = "735190";
const WRONG: &str = "111111";

/// `nobody` and `nogroup`.
const NOBODY: (u32, u32) = (65534, 65534);

#[test]
fn s89_a_changed_pin_signs_in_and_the_old_one_does_no_more() -> anyhow::Result<()> {
    let mut lab = Plan::default()
        .settings("[pin]\nkeep = \"visit\"\n")
        .start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    lab.type_pin(0, OLD)?;
    lab.wait_for_status(0, "registered")?;
    ensure!(lab.card(&lab.snapshot()?, 0)?.pin_kept, "as it is set");

    let changed = change(&lab, &[OLD, NEW, NEW])?;

    ensure!(changed.status.success(), "{changed:?}");
    assert_eq!(said(&changed), "The PIN is changed.\n");
    assert_eq!(changes(&card), 1);
    assert!(!card.pin_is_verified(), "somebody is still logged in");
    lab.wait_for_card(0, "the old PIN is wiped", |card| !card.pin_kept)?;
    lab.wait_for_entries("The PIN of the card was changed", 1)?;

    let before = printed(&lab, OLD)?;
    assert_eq!(before.status.code(), Some(NEEDS_PERSON), "{before:?}");
    assert_eq!(card.tries_left(), 2);
    let after = printed(&lab, NEW)?;
    ensure!(after.status.success(), "{after:?}");
    assert_eq!(card.tries_left(), 3);
    lab.take_out(0)?;
    lab.cacctl(&["clear", "--all", "--yes"])?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    let registered = lab.cacctl_with_input(&["register"], format!("{NEW}\n").as_bytes())?;
    ensure!(registered.status.success(), "{registered:?}");
    Ok(())
}

#[test]
fn s89_a_card_of_every_protocol_and_reference_changes_its_pin() -> anyhow::Result<()> {
    for (model, which) in [
        (CardModel::T0, "(key reference 80)"),
        (CardModel::DUAL, "(key reference 80)"),
        (CardModel::GLOBAL_PIN, "(key reference 00)"),
    ] {
        let mut lab = Lab::start()?;
        lab.welcome(samples::jane())?;
        let card = with_jane(&mut lab, model)?;

        let status = lab.cacctl(&["pin", "status"])?;
        let changed = change(&lab, &[OLD, NEW, NEW])?;
        let after = printed(&lab, NEW)?;

        ensure!(said(&status).contains(which), "{status:?}");
        ensure!(changed.status.success(), "{which}: {changed:?}");
        ensure!(after.status.success(), "{which}: {after:?}");
        assert_eq!(changes(&card), 1);
        assert!(!card.pin_is_verified(), "{which}: still logged in");
    }
    Ok(())
}

#[test]
fn s89_a_wrong_old_pin_costs_a_try_and_the_last_is_never_spent_unasked() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;

    for left in [2, 1] {
        let wrong = change(&lab, &[WRONG, NEW, NEW])?;

        assert_eq!(wrong.status.code(), Some(NEEDS_PERSON), "{wrong:?}");
        ensure!(told(&wrong).contains("PIN not accepted"), "{wrong:?}");
        assert_eq!(card.tries_left(), left);
    }
    let status = lab.cacctl(&["pin", "status"])?;
    ensure!(said(&status).contains("1 try left"), "{status:?}");
    let unasked = change(&lab, &[OLD, NEW, NEW])?;
    assert_eq!(unasked.status.code(), Some(REFUSED), "{unasked:?}");
    ensure!(
        told(&unasked).contains("--even-the-last-try"),
        "{unasked:?}"
    );
    assert_eq!((changes(&card), card.tries_left()), (2, 1));

    let insisted = lab.cacctl_with_input(
        &["pin", "change", "--even-the-last-try"],
        lines(&[OLD, NEW, NEW]).as_bytes(),
    )?;

    ensure!(insisted.status.success(), "{insisted:?}");
    assert_eq!((changes(&card), card.tries_left()), (3, 3));
    Ok(())
}

#[test]
fn s89_a_blocked_pin_is_told_with_where_to_go() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    for _ in 0..3 {
        lab.cacctl_with_input(
            &["pin", "change", "--even-the-last-try"],
            lines(&[WRONG, NEW, NEW]).as_bytes(),
        )?;
    }
    assert_eq!(card.tries_left(), 0);

    let status = lab.cacctl(&["pin", "status"])?;
    let json = lab.cacctl(&["pin", "status", "--json"])?;
    let more = lab.cacctl_with_input(
        &["pin", "change", "--even-the-last-try"],
        lines(&[OLD, NEW, NEW]).as_bytes(),
    )?;

    for output in [&status, &json, &more] {
        assert_eq!(output.status.code(), Some(REFUSED), "{output:?}");
    }
    for part in ["blocked", "RAPIDS", "two forms of identification", "PUK"] {
        ensure!(said(&status).contains(part), "{part}: {status:?}");
    }
    let json: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(json["pin"]["state"], "blocked");
    assert_eq!(json["pin_reference"], "application");
    assert_eq!(changes(&card), 3, "it is not asked any more");
    Ok(())
}

#[test]
fn s89_what_is_against_the_rules_never_reaches_the_card() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    let before = card.log().count();

    for (typed, why) in [
        (&["12345", NEW, NEW][..], "no fewer than six"),
        (&[OLD, "12345678a", NEW], "digits alone"),
        (&[OLD, "123456789", NEW], "no more than eight"),
        (&[OLD, OLD, OLD], "the new PIN is the old one"),
        (&[OLD, NEW, WRONG], "typed in two ways"),
        (&[OLD, NEW], "no PIN was typed"),
    ] {
        let refused = change(&lab, typed)?;

        assert_eq!(refused.status.code(), Some(NEEDS_PERSON), "{refused:?}");
        ensure!(told(&refused).contains(why), "{refused:?}");
    }
    // Past cacctl, the service looks at them itself.
    let request = pin_for(&lab.card(&lab.snapshot()?, 0)?)?;
    for (pair, name) in [
        (format!("{OLD}\n{OLD}"), "SamePin"),
        (format!("{OLD}\n12345"), "MalformedPin"),
        (format!("12345\n{NEW}"), "MalformedPin"),
        (format!("{OLD}\n{NEW}\n"), "MalformedPin"),
        (format!("12345678\n{OLD}999"), "MalformedPin"),
        (OLD.to_owned(), "MalformedPin"),
        (String::new(), "NoPin"),
    ] {
        let call = message(method::CHANGE_PIN, &request)?;
        let pipe = pipe_with(&pair)?;
        let reply = lab.block_on(async {
            let mut caller = Recorded::connect(&lab.socket()).await?;
            caller.call(&call, &[pipe.as_fd()]).await
        })?;
        assert_eq!(reply.error, Some(format!("org.cacd1.{name}")), "{pair:?}");
    }
    assert_eq!(card.log().count(), before, "the card was asked");
    Ok(())
}

#[test]
fn s89_where_no_answer_comes_both_pins_are_possible_and_that_is_said() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    card.pull_at(Moment::next(instruction::CHANGE_REFERENCE_DATA));

    let pulled = change(&lab, &[OLD, NEW, NEW])?;

    is_unknown(&pulled)?;
    lab.wait_until_empty(0)?;
    lab.wait_for_entries("It is not known whether the PIN was changed", 1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let old = printed(&lab, OLD)?;
    ensure!(old.status.success(), "it was pulled before that: {old:?}");

    // Done, and the answer is none that says so.
    card.garble_at(
        Moment::next(instruction::CHANGE_REFERENCE_DATA),
        &[0x6F, 0x00],
    );
    let garbled = change(&lab, &[OLD, NEW, NEW])?;
    is_unknown(&garbled)?;
    let new = printed(&lab, NEW)?;
    ensure!(new.status.success(), "it was done: {new:?}");
    assert_eq!(changes(&card), 1, "it was sent again");
    assert_eq!(card.tries_left(), 3);
    Ok(())
}

#[test]
fn s89_a_card_that_takes_no_new_pin_keeps_the_old_one() -> anyhow::Result<()> {
    for status in [[0x6A, 0x80], [0x69, 0x82], [0x69, 0x85]] {
        let mut lab = Lab::start()?;
        lab.welcome(samples::jane())?;
        let card = with_jane(&mut lab, CardModel::T1)?;
        card.garble_at(Moment::next(instruction::CHANGE_REFERENCE_DATA), &status);

        let refused = change(&lab, &[OLD, NEW, NEW])?;

        assert_eq!(refused.status.code(), Some(REFUSED), "{refused:?}");
        for part in ["the PIN was not changed", "The old PIN holds"] {
            ensure!(told(&refused).contains(part), "{refused:?}");
        }
        lab.wait_for_entries("The PIN was not changed", 1)?;
    }
    Ok(())
}

#[test]
fn s89_a_card_that_another_program_holds_is_waited_for() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    let mut holder = lab.neighbour(Path::new(env!("CARGO_BIN_EXE_pcsc-client")), 0)?;
    let mut done = Ok(false);
    wait_until("the other program has the card for itself", LIMIT, || {
        done = holder.try_to("exclusive");
        !matches!(done, Ok(false))
    })?;
    done?;

    let changed = thread::scope(|scope| {
        let change = scope.spawn(|| change(&lab, &[OLD, NEW, NEW]));
        lab.wait_for_entries("PIN typed, to change it", 1)?;
        assert_eq!(changes(&card), 0);
        holder.tell("close")?;
        change.join().ok().context("it panicked")?
    })?;

    ensure!(changed.status.success(), "{changed:?}");
    assert_eq!(changes(&card), 1);
    Ok(())
}

#[test]
fn s89_a_service_that_dies_in_the_middle_leaves_it_unknown() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    let hold = card.hold_at(Moment::next(instruction::CHANGE_REFERENCE_DATA));

    let killed = thread::scope(|scope| {
        let change = scope.spawn(|| change(&lab, &[OLD, NEW, NEW]));
        hold.wait_until_reached(LIMIT)?;
        let pid = i32::try_from(lab.pid()?).ok().and_then(Pid::from_raw);
        kill_process(pid.context("it runs")?, Signal::KILL)?;
        change.join().ok().context("it panicked")?
    })?;
    hold.release();

    is_unknown(&killed)?;
    lab.kill()?;
    lab.start_again()?;
    lab.wait_until_whole(0)?;
    assert!(changes(&card) <= 1, "it was sent again");
    Ok(())
}

#[test]
fn s89_nobody_but_the_one_at_the_seat_changes_a_pin() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    let (socket, request) = (lab.socket(), pin_for(&lab.card(&lab.snapshot()?, 0)?)?);

    let refused = as_user(NOBODY.0, NOBODY.1, async || {
        let mut client = Client::connect(&socket).await?;
        let (old, new) = (locked(OLD)?, locked(NEW)?);
        refusal(client.change_pin(request, old, new).await)
    })?;

    assert_eq!(refused, Refusal::NotAtTheSeat);
    assert_eq!(changes(&card), 0);
    Ok(())
}

#[test]
fn s89_neither_pin_is_left_anywhere() -> anyhow::Result<()> {
    /// Digits that stand nowhere by chance.
    const PINS: [&str; 2] = ["83947261", "59160374"];

    let mut lab = Lab::start()?;
    let file = the_card_of(Person::jane_doe(), KeyAlgorithm::P256, PINS[0])?;
    lab.welcome(&file)?;
    let card = CardHandle::new(&file, CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_until_whole(0)?;
    let hold = card.hold_at(Moment::next(instruction::CHANGE_REFERENCE_DATA));
    let call = message(method::CHANGE_PIN, pin_for(&shown)?)?;
    let pipe = pipe_with(&PINS.join("\n"))?;

    let mut caller = lab.block_on(Recorded::connect(&lab.socket()))?;
    let reply = lab.block_on(async {
        let passed = [pipe.as_fd()];
        let answer = caller.call(&call, &passed);
        // Now, while the card changes it, both are there.
        let reached = tokio::task::spawn_blocking(move || {
            hold.wait_until_reached(LIMIT)?;
            anyhow::Ok(hold)
        });
        let released = async {
            let hold = reached.await??;
            for pin in PINS {
                ensure!(is_in_memory(&lab, pin.as_bytes())?, "{pin} in use");
            }
            hold.release();
            Ok(())
        };
        let (reply, released) = tokio::join!(answer, released);
        released?;
        reply
    })?;
    assert_eq!(reply.error, None);
    drop(pipe);
    lab.wait_for_entries("The PIN of the card was changed", 1)?;
    lab.block_on(caller.call(
        &message(method::GET_HISTORY, GetHistory::newest(1000))?,
        &[],
    ))?;

    for pin in PINS {
        for (how, bytes) in encodings(pin) {
            assert!(!appears_in(&bytes, caller.crossed()), "on the socket {how}");
            for path in files_below(lab.folder())? {
                let is_there = appears_in(&bytes, &fs::read(&path)?);
                assert!(!is_there, "in {} {how}", path.display());
            }
            assert!(!is_in_memory(&lab, &bytes)?, "in memory {how}");
        }
    }
    // What does stand in each place is found there.
    assert!(appears_in(b"ChangePin", caller.crossed()));
    assert!(lab.log().contains("PIN changed"), "{}", lab.log());
    Ok(())
}

fn with_jane(lab: &mut Lab, model: CardModel) -> anyhow::Result<CardHandle> {
    let card = jane(model)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    Ok(card)
}

fn change(lab: &Lab, typed: &[&str]) -> anyhow::Result<Output> {
    change_by(lab, &[], typed)
}

fn change_by(lab: &Lab, more: &[&str], typed: &[&str]) -> anyhow::Result<Output> {
    let arguments = [&["pin", "change"], more].concat();
    lab.cacctl_with_input(&arguments, lines(typed).as_bytes())
}

fn printed(lab: &Lab, pin: &str) -> anyhow::Result<Output> {
    lab.cacctl_with_input(&["card", "show", "--printed"], lines(&[pin]).as_bytes())
}

fn lines(typed: &[&str]) -> String {
    typed.join("\n") + "\n"
}

/// How often the card was sent a PIN and another.
fn changes(card: &CardHandle) -> usize {
    let log = card.log();
    let entries = log.entries().iter();
    entries
        .filter(|apdu| apdu.ins == instruction::CHANGE_REFERENCE_DATA)
        .count()
}

fn is_unknown(output: &Output) -> anyhow::Result<()> {
    let told = told(output);
    ensure!(output.status.code() == Some(FAILED), "{output:?}");
    ensure!(
        told.contains("it is not known whether the PIN was changed"),
        "{told}"
    );
    ensure!(told.contains("Try the new PIN"), "{told}");
    Ok(())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn locked(pin: &str) -> anyhow::Result<(Locked, usize)> {
    let mut digits = Locked::new()?;
    digits.bytes_mut()[..pin.len()].copy_from_slice(pin.as_bytes());
    Ok((digits, pin.len()))
}

/// As it could have been written. Eight digits fill the block of the command.
fn encodings(pin: &str) -> Vec<(&'static str, Vec<u8>)> {
    let list = |form: fn(u8) -> String, between: &str| {
        let parts: Vec<String> = pin.bytes().map(form).collect();
        parts.join(between).into_bytes()
    };
    vec![
        ("as digits", pin.as_bytes().to_vec()),
        (
            "as UTF-16",
            pin.bytes().flat_map(|byte| [byte, 0]).collect(),
        ),
        ("in hex", list(|byte| format!("{byte:02x}"), "")),
        ("in hex, apart", list(|byte| format!("{byte:02x}"), " ")),
        ("as a list", list(|byte| byte.to_string(), ", ")),
        ("as a JSON list", list(|byte| byte.to_string(), ",")),
    ]
}

fn is_in_memory(lab: &Lab, bytes: &[u8]) -> anyhow::Result<bool> {
    let memory = memory_of(lab.pid()?)?;
    Ok(memory.iter().any(|piece| appears_in(bytes, piece)))
}
