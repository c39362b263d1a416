//! The daemon dies and comes back, or was never there, while the dashboard is open.

use cac_tests::harness::{Lab, john};
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::{CardModel, samples};

const SIZE: Size = Size {
    columns: 80,
    rows: 24,
};

#[test]
fn s23_the_dashboard_keeps_an_old_picture_marked_as_such_and_reconnects_by_itself()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    let dashboard = lab.dashboard(SIZE)?;
    dashboard.shows(&["cacd ●", "ROE, JOHN", "✔ registered"])?;

    lab.kill()?;
    dashboard.shows(&[
        "cacd ○ away",
        "cacd is away; what you see is from ",
        "Try: systemctl status cacd",
        "ROE, JOHN",
        "✔ registered",
    ])?;
    // No key waits for a daemon that is not there.
    dashboard.write("?")?;
    dashboard.shows(&["Help"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Help"])?;

    lab.start_again()?;
    let current = dashboard.shows(&["cacd ● just started", "ROE, JOHN", "✔ registered"])?;
    assert!(!current.contains("away"), "{current}");
    // What happens now is seen.
    lab.take_out(0)?;
    dashboard.shows(&["No card is in this reader"])?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s23_a_dashboard_without_a_daemon_says_what_to_do_and_fills_itself_later() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.kill()?;
    let terminal = lab.terminal(SIZE)?;

    terminal.enter("cacctl")?;
    terminal.shows(&[
        "cacd ○ away",
        "Cannot connect to",
        "Is it running? Try: systemctl status cacd",
        "fills itself",
    ])?;

    lab.start_again()?;
    let filled = terminal.shows(&["cacd ● just started", "No card is in this reader"])?;
    assert!(!filled.contains("away"), "{filled}");
    terminal.write("q")?;
    terminal.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s23_a_command_without_a_daemon_says_what_to_do_and_ends() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let terminal = Terminal::open(SIZE, &folder.path().join("socket"))?;

    terminal.enter("cacctl status; echo ended with $?")?;

    terminal.shows(&["cannot connect to", "systemctl status cacd", "ended with 3"])?;
    Ok(())
}
