//! A PIN that is changed while nobody waits for the answer, and by a card that
//! counts no tries.

use std::process::Output;

use anyhow::ensure;
use cac_tests::harness::{LIMIT, Lab, jane};
use cac_tests::terminal::Size;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::{CardHandle, CardModel, instruction, samples};

/// As `cacctl --help` lists them.
const FAILED: i32 = 1;
const NEEDS_PERSON: i32 = 4;
const REFUSED: i32 = 5;

const OLD: &str = samples::PIN;
const NEW: &str = "735190";
const WRONG: &str = "111111";

/// Seconds: long enough to reach the card, which answers nothing.
const SOON: &str = "10";

#[test]
fn s89_whoever_does_not_wait_for_the_answer_is_told_that_it_is_open() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::T1)?;
    let hold = card.hold_at(Moment::next(instruction::CHANGE_REFERENCE_DATA));
    let terminal = lab.terminal(Size {
        columns: 120,
        rows: 40,
    })?;
    terminal.enter("clear; cacctl pin change; echo it ended with $?")?;
    for (prompt, pin) in [
        ("Old PIN of DOE, JANE Q", OLD),
        ("New PIN, six to eight digits", NEW),
        ("New PIN again", NEW),
    ] {
        terminal.shows(&[prompt])?;
        terminal.enter(pin)?;
    }
    hold.wait_until_reached(LIMIT)?;

    terminal.press("C-c")?;

    terminal.shows(&[
        "interrupted; it is not known whether the PIN was changed",
        "cacctl history says what came of it",
        "it ended with 1",
    ])?;
    hold.release();
    lab.wait_for_entries("The PIN of the card was changed", 1)?;
    assert_eq!(changes(&card), 1);

    // The same where the time is up.
    let hold = card.hold_at(Moment::next(instruction::CHANGE_REFERENCE_DATA));
    let late = change(&lab, &["--timeout", SOON], &[NEW, OLD, OLD])?;
    hold.wait_until_reached(LIMIT)?;
    hold.release();
    assert_eq!(late.status.code(), Some(FAILED), "{late:?}");
    for part in [
        "the card has not answered within 10 s; it is not known whether the PIN was changed",
        "cacctl history says what came of it",
    ] {
        ensure!(told(&late).contains(part), "{late:?}");
    }
    lab.wait_for_entries("The PIN of the card was changed", 2)?;
    Ok(())
}

#[test]
fn s89_a_card_that_counts_no_tries_is_asked_only_where_that_is_insisted_on() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = with_jane(&mut lab, CardModel::NO_COUNT)?;
    let insisting = ["--even-the-last-try"];

    let unasked = change(&lab, &[], &[OLD, NEW, NEW])?;
    let asked = changes(&card);
    let wrong = change(&lab, &insisting, &[WRONG, NEW, NEW])?;
    let right = change(&lab, &insisting, &[OLD, NEW, NEW])?;

    assert_eq!(unasked.status.code(), Some(REFUSED), "{unasked:?}");
    ensure!(
        told(&unasked).contains("or the card does not say how many"),
        "{unasked:?}"
    );
    assert_eq!(asked, 0);
    assert_eq!(wrong.status.code(), Some(NEEDS_PERSON), "{wrong:?}");
    ensure!(
        told(&wrong).contains("PIN not accepted; the card does not say how many tries are left"),
        "{wrong:?}"
    );
    ensure!(right.status.success(), "{right:?}");
    ensure!(said(&right).starts_with("The PIN is changed"), "{right:?}");
    assert_eq!(changes(&card), 2);
    let new = lab.cacctl_with_input(
        &["card", "show", "--printed", "--even-the-last-try"],
        lines(&[NEW]).as_bytes(),
    )?;
    ensure!(new.status.success(), "{new:?}");
    Ok(())
}

fn with_jane(lab: &mut Lab, model: CardModel) -> anyhow::Result<CardHandle> {
    let card = jane(model)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    Ok(card)
}

fn change(lab: &Lab, more: &[&str], typed: &[&str]) -> anyhow::Result<Output> {
    lab.cacctl_with_input(
        &[&["pin", "change"], more].concat(),
        lines(typed).as_bytes(),
    )
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

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
