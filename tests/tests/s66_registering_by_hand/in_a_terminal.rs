//! The same by a person, who sits at a terminal.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use anyhow::{Context as _, ensure};
use cac_common::wizard::AskKind;
use cac_tests::portal::Layout;
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::samples;
use rustix::process::Signal;

use crate::scene::{JANE, PASSWORD, PORTAL, Scene};

const SIZE: Size = Size {
    columns: 80,
    rows: 24,
};
/// Nothing that is asked leaves it.
const TALL: Size = Size {
    columns: 120,
    rows: 60,
};
/// What a question for a password says.
const PASSWORD_ASKED: &str = "not shown";

#[test]
fn s65_by_hand_in_a_terminal_from_the_log_in_to_a_saved_confirmation() -> anyhow::Result<()> {
    let (scene, card) = Scene::with_jane(Layout::TwoOrigins)?;
    let terminal = scene.lab.terminal(TALL)?;
    let (text, page) = (
        terminal.folder().join("it.txt"),
        terminal.folder().join("it.html"),
    );
    let save = format!("--save {} --save {}", text.display(), page.display());

    terminal.enter(&format!("cacctl wizard {PORTAL} {save}; echo ended $?"))?;
    let name = format!("{}:", label(&scene, 0)?);
    terminal.shows(&["▶  1  Log in", "·  4  Register"])?;
    answer(&terminal, (&name, 1), JANE)?;
    answer(&terminal, (PASSWORD_ASKED, 1), "wrong")?;
    terminal.shows(&["did not take", "after 3 wrong passwords"])?;
    answer(&terminal, (&name, 2), JANE)?;
    answer(&terminal, (PASSWORD_ASKED, 2), PASSWORD)?;
    terminal.shows(&["▶  4  Register"])?;
    assert_eq!(card.log().pin_attempts(), 0, "the card is not needed yet");
    answer(&terminal, (PASSWORD_ASKED, 3), PASSWORD)?;
    answer(&terminal, ("PIN of ", 1), samples::PIN)?;
    terminal.shows(&[
        "All steps are done",
        "Your CAC has been registered",
        "ended 0",
    ])?;

    terminal.is_the_shells_again()?;
    let seen = terminal.all_text()?;
    for secret in [PASSWORD, samples::PIN, "wrong\n"] {
        ensure!(!seen.contains(secret), "{secret} is on the screen:\n{seen}");
    }
    assert_eq!(card.log().pin_attempts(), 1);
    assert_eq!(scene.portal.registrations()?.len(), 1);
    let saved = fs::read_to_string(&text)?;
    ensure!(
        saved.starts_with("Your CAC has been registered\n"),
        "{saved}"
    );
    ensure!(fs::read_to_string(&page)?.starts_with("<!DOCTYPE html>"));
    for file in [&text, &page] {
        assert_eq!(fs::metadata(file)?.permissions().mode() & 0o777, 0o600);
    }
    terminal.enter(&format!(
        "cacctl wizard --confirmation {save}; echo again $?"
    ))?;
    terminal.shows(&["is there already", "again 5"])?;
    Ok(())
}

#[test]
fn s65_interrupted_it_goes_on_later_or_stops_and_the_terminal_echoes_again() -> anyhow::Result<()> {
    let (scene, _card) = Scene::with_jane(Layout::OneOrigin)?;
    let terminal = scene.lab.terminal(TALL)?;
    terminal.enter(&format!("cacctl wizard {PORTAL}"))?;
    let name = format!("{}:", label(&scene, 0)?);
    answer(&terminal, (&name, 1), JANE)?;
    asks(&terminal, PASSWORD_ASKED, 1)?;

    terminal.write("half of it")?;
    terminal.press("C-c")?;
    terminal.shows(&["What now?"])?;
    terminal.enter("l")?;
    terminal.shows(&["left as it is"])?;
    terminal.is_the_shells_again()?;
    let left = scene.lab.wait_until_asked(0, 0)?;
    assert_eq!(left.next_ask().map(|(place, _)| place), Some(1));

    terminal.enter("cacctl wizard")?;
    asks(&terminal, PASSWORD_ASKED, 2)?;
    terminal.press("C-c")?;
    asks(&terminal, "What now?", 2)?;
    terminal.enter("s")?;
    terminal.shows(&["Stopped."])?;
    terminal.is_the_shells_again()?;
    scene
        .lab
        .wait_for_card(0, "nobody registers by hand", |card| card.wizard.is_none())?;
    Ok(())
}

#[test]
fn s65_a_dashboard_killed_in_the_middle_goes_on_where_it_was_when_opened_again()
-> anyhow::Result<()> {
    let (scene, card) = Scene::with_jane(Layout::TwoOrigins)?;
    let killed = scene.lab.dashboard(SIZE)?;
    killed.press("w")?;
    killed.shows(&["Register by hand", "·  4  Register", "y begins"])?;
    killed.press("y")?;
    killed.shows(&["▶  1  Log in", &format!("{}  _", label(&scene, 0)?)])?;
    killed.write(JANE)?;
    killed.press("Enter")?;
    wait_for_password(&scene, 0)?;
    killed.shows(&["Caps Lock"])?;
    killed.write("half of it")?;
    killed.shows(&["••••••••••_"])?;

    killed.signal(Signal::KILL)?;
    let again = scene.lab.dashboard(SIZE)?;
    let lp = printer(&again)?;
    again.shows(&["step 1 of 4 waits for you"])?;
    again.press("w")?;
    again.shows(&["✔ typed", "Caps Lock"])?;
    again.hides(&["•_"])?;
    again.write(PASSWORD)?;
    again.press("Enter")?;
    again.shows(&["▶  4  Register", "Caps Lock"])?;
    again.write(PASSWORD)?;
    again.press("Enter")?;
    again.shows(&["✔ typed", "(6 to 8 digits)"])?;
    again.write(samples::PIN)?;
    again.press("Enter")?;
    again.shows(&["All steps are done", "Your CAC has been registered"])?;

    let file = again.folder().join("it.txt");
    again.press("s")?;
    again.shows(&["save to"])?;
    again.press("C-u")?;
    again.write(&file.display().to_string())?;
    again.press("Enter")?;
    again.shows(&["Saved to "])?;
    again.press("p")?;
    again.shows(&["Sent to the printer. request id is Room-7"])?;
    again.press("Escape")?;
    again.hides(&["Your CAC has been registered"])?;
    scene.wait_for_label(0, "registered")?;

    let saved = fs::read_to_string(&file)?;
    ensure!(
        saved.starts_with("Your CAC has been registered\n"),
        "{saved}"
    );
    assert_eq!(fs::read_to_string(lp)?, saved);
    assert_eq!(card.log().pin_attempts(), 1);
    scene
        .lab
        .wait_for_card(0, "the end was seen", |card| card.wizard.is_none())?;
    again.press("q")?;
    again.is_the_shells_again()?;
    Ok(())
}

/// Waits for a question that was asked so often by now.
fn asks(terminal: &Terminal, question: &str, times: usize) -> anyhow::Result<()> {
    let what = format!("{question} is asked {times} times");
    terminal.wait_for(&what, |screen| screen.matches(question).count() == times)?;
    Ok(())
}

fn answer(terminal: &Terminal, asked: (&str, usize), text: &str) -> anyhow::Result<()> {
    let (question, times) = asked;
    asks(terminal, question, times)?;
    terminal.enter(text)
}

/// What is asked first at a step.
fn label(scene: &Scene, step: u32) -> anyhow::Result<String> {
    let wizard = scene.lab.wait_until_asked(0, step)?;
    let (_, ask) = wizard.next_ask().context("something is asked")?;
    Ok(ask.label.clone())
}

fn wait_for_password(scene: &Scene, step: u32) -> anyhow::Result<()> {
    scene
        .lab
        .wait_for_wizard(0, "the password is asked for", |wizard| {
            let next = wizard.next_ask();
            wizard.at == step && next.is_some_and(|(_, ask)| ask.kind == AskKind::Password)
        })?;
    Ok(())
}

/// A program in the place of `lp`; gives the file that it prints to.
fn printer(terminal: &Terminal) -> anyhow::Result<std::path::PathBuf> {
    let paper = terminal.folder().join("paper");
    let mut options = OpenOptions::new();
    let mut lp = options
        .write(true)
        .create_new(true)
        .mode(0o755)
        .open(terminal.folder().join("lp"))?;
    let script = format!(
        "#!/bin/sh\ncat > '{}'\necho request id is Room-7\n",
        paper.display()
    );
    lp.write_all(script.as_bytes())?;
    Ok(paper)
}
