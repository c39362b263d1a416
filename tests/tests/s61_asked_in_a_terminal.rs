//! What a card cannot tell is asked in a terminal.

use cac_tests::harness::Lab;
use cac_tests::terminal::{Size, Terminal};

const AKO: &str = include_str!("../../systemd/portals.d/ako.toml.sample");

#[test]
fn s61_without_a_card_a_contractor_is_asked_and_told_to_find_a_sponsor() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    lab.write_profile("ako", AKO)?;
    lab.wait_for("the profile is known", |snapshot| {
        snapshot.portals.iter().any(|portal| portal.name == "ako")
    })?;
    let size = Size {
        columns: 80,
        rows: 24,
    };
    let terminal = Terminal::open(size, &lab.socket())?;

    terminal.enter("cacctl eligibility ako")?;
    terminal.shows(&["Which of these are you?"])?;
    terminal.shows(&["3  contractor"])?;
    terminal.enter("9")?;
    terminal.shows(&["Type one of the numbers."])?;
    terminal.enter("3")?;
    terminal.shows(&["[y/n]"])?;
    terminal.enter("n")?;
    terminal.shows(&["Which of these do you belong to?"])?;
    terminal.enter("0")?;

    terminal.shows(&["You need a sponsor."])?;
    terminal.shows(&["cacctl eligibility --letter FILE"])?;

    terminal.enter("clear; cacctl eligibility ako --timeout 1; echo it ended with $?")?;
    terminal.shows(&["nobody has answered within 1 s", "it ended with 4"])?;
    terminal.enter("echo what is typed now is the shell\'s")?;
    terminal.shows(&["what is typed now is the shell's"])?;
    Ok(())
}
