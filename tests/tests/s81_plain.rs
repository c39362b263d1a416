//! The dashboard in sentences, for screen readers, in a real terminal.

use anyhow::ensure;
use cac_tests::harness::{Lab, jane};
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::{CardModel, samples};

/// So wide that no sentence of it is broken.
const SIZE: Size = Size {
    columns: 250,
    rows: 60,
};

#[test]
fn s81_in_plain_sentences_a_card_is_registered_and_nothing_is_drawn() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let terminal = lab.terminal(SIZE)?;

    terminal.enter("cacctl --plain")?;
    terminal.shows(&[
        "Nothing needs you.",
        "is empty.",
        "Type a letter and press Enter",
    ])?;
    is_a_plain_terminal(&terminal)?;

    lab.insert(0, &card)?;
    terminal.shows(&["This needs you, DOE, JANE Q: Reference portal: needs PIN"])?;

    terminal.enter("c")?;
    terminal.shows(&[
        "Certificate 9A Authentication of card of DOE, JANE Q",
        "and signs in.",
    ])?;

    terminal.enter("r")?;
    terminal.shows(&["PIN of DOE, JANE Q"])?;
    terminal.enter(samples::PIN)?;
    terminal.shows(&["Reference portal: registered", "That is all for now."])?;
    assert_eq!(lab.portal().registrations()?.len(), 1);

    lab.take_out(0)?;
    terminal.shows(&["card taken out."])?;
    terminal.enter("z")?;
    terminal.shows(&["No such letter."])?;
    is_a_plain_terminal(&terminal)?;
    terminal.enter("q")?;
    terminal.is_the_shells_again()?;

    let all = terminal.all_text()?;
    for secret in [samples::PIN, "1234567890"] {
        ensure!(!all.contains(secret), "{secret} was shown:\n{all}");
    }
    let once = all.matches("This needs you, DOE, JANE Q").count();
    ensure!(once == 1, "told {once} times:\n{all}");
    let signs = all.chars().filter(|c| "●○◦•✔✖▶━│┃".contains(*c)).count();
    ensure!(signs == 0, "{signs} signs:\n{all}");
    Ok(())
}

#[test]
fn s81_a_wrong_pin_and_a_service_that_goes_away_are_told_in_sentences() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    let terminal = lab.terminal(SIZE)?;
    terminal.enter("cacctl --plain")?;
    terminal.shows(&["This needs you, DOE, JANE Q: Reference portal: needs PIN"])?;

    terminal.enter("r")?;
    terminal.shows(&["PIN of DOE, JANE Q"])?;
    terminal.enter("12ab")?;
    terminal.shows(&["A PIN has digits alone; the card has not been asked."])?;
    assert_eq!(lab.portal().registrations()?.len(), 0);

    // Ctrl-C at the prompt ends the question alone.
    let asks = |times: usize| {
        terminal.wait_for("it asks", |text| {
            text.matches("PIN of DOE, JANE Q").count() == times
        })
    };
    terminal.enter("r")?;
    asks(2)?;
    terminal.press("C-c")?;
    terminal.shows(&["Stopped."])?;
    // What is typed after a question that nobody waits for any more counts.
    terminal.enter("r")?;
    asks(3)?;
    lab.take_out(0)?;
    terminal.shows(&["Card was taken out"])?;
    terminal.enter("y")?;
    terminal.shows(&["No such letter."])?;

    lab.stop()?;
    terminal.shows(&["It is tried again by itself."])?;
    lab.start_again()?;
    terminal.shows(&["The service answers again."])?;
    terminal.press("C-c")?;
    terminal.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s81_in_a_pipe_plain_is_as_watch() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let terminal = lab.terminal(SIZE)?;

    terminal.enter("cacctl --plain | head -n 1")?;

    let told = terminal.shows(&["The smart card service is there."])?;
    assert!(!told.contains("Type a letter"), "{told}");
    Ok(())
}

/// Nothing but lines that follow each other, on the shell's own screen.
fn is_a_plain_terminal(terminal: &Terminal) -> anyhow::Result<()> {
    let behind = terminal.behind()?;
    ensure!(behind.is_as_a_shell_wants_it(), "{behind:?}");
    Ok(())
}
