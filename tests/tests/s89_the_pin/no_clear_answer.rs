//! A PIN that is changed while nobody waits for the answer, and by a card that
//! counts no tries.

use anyhow::ensure;
use cac_tests::harness::{LIMIT, Lab};
use cac_tests::terminal::Size;
use cac_tests::virtual_card::fault::Moment;
use cac_tests::virtual_card::{CardModel, instruction, samples};

use super::{
    FAILED, NEEDS_PERSON, NEW, OLD, REFUSED, WRONG, change_by, changes, lines, said, told,
    with_jane,
};

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
    let late = change_by(&lab, &["--timeout", SOON], &[NEW, OLD, OLD])?;
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

    let unasked = change_by(&lab, &[], &[OLD, NEW, NEW])?;
    let asked = changes(&card);
    let wrong = change_by(&lab, &insisting, &[WRONG, NEW, NEW])?;
    let right = change_by(&lab, &insisting, &[OLD, NEW, NEW])?;

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
