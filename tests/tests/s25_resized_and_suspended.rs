//! The terminal changes its size, and the dashboard goes to sleep and comes back.

use cac_tests::harness::{Lab, john};
use cac_tests::terminal::{Size, Terminal, without_clocks};
use cac_tests::virtual_card::{CardModel, samples};
use rustix::process::Signal;

const SIZE: Size = Size {
    columns: 80,
    rows: 24,
};

#[test]
fn s25_the_dashboard_is_right_at_every_size_and_after_each() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    let dashboard = lab.dashboard(SIZE)?;
    let before = dashboard.shows(&["✔ registered", "account john.roe"])?;

    for (columns, rows) in [
        (40, 10),
        (1, 1),
        (200, 60),
        (2, 3),
        (120, 1),
        (3, 50),
        (120, 36),
    ] {
        let size = Size { columns, rows };
        dashboard.resize(size)?;
        match (columns, rows) {
            (40.., 10..) => {
                dashboard.shows(&["ROE, JOHN", "✔ registered", "q quit"])?;
                fills(&dashboard, size)?;
            }
            // Too small to tell anything, but what is there is the dashboard's.
            _ => assert!(dashboard.behind()?.is_other_screen),
        }
    }
    // Faster than anyone can draw.
    for columns in 1..60 {
        dashboard.resize(Size { columns, rows: 20 })?;
    }

    dashboard.resize(SIZE)?;
    dashboard.wait_for("the screen is as before", |screen| {
        without_clocks(screen) == without_clocks(&before)
    })?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s25_the_dashboard_comes_back_from_ctrl_z_and_a_pin_half_typed_is_gone() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let dashboard = lab.dashboard(SIZE)?;
    dashboard.shows(&["r: type the PIN"])?;
    dashboard.write("r")?;
    dashboard.shows(&["6 to 8 digits"])?;
    dashboard.write("246")?;
    dashboard.shows(&["•••_"])?;

    dashboard.press("C-z")?;
    dashboard.is_the_shells_again()?;
    // What changes meanwhile is seen afterwards.
    dashboard.resize(Size {
        columns: 100,
        rows: 30,
    })?;
    lab.take_out(0)?;
    dashboard.enter("fg")?;

    let back = dashboard.shows(&["No card is in this reader", "q quit"])?;
    assert!(!back.contains("6 to 8 digits"), "{back}");
    fills(
        &dashboard,
        Size {
            columns: 100,
            rows: 30,
        },
    )?;
    assert!(dashboard.behind()?.is_other_screen);
    lab.insert(0, &card)?;
    dashboard.shows(&["r: type the PIN"])?;
    dashboard.write("r")?;
    dashboard.shows(&["PIN      _  (6 to 8 digits)"])?;
    dashboard.press("C-c")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s25_the_dashboard_draws_itself_anew_after_someone_else_has_stopped_it() -> anyhow::Result<()> {
    let lab = Lab::start()?;
    let dashboard = lab.dashboard(SIZE)?;
    let program = dashboard.program()?;
    // At rest: stopped in the middle of a picture, it leaves half of one.
    dashboard.shows(&["Reader Virtual PCD 00 01 found", "q quit"])?;

    rustix::process::kill_process(program, Signal::STOP)?;
    dashboard.shows(&["Stopped"])?;
    // The end of a line, as the shell has to read it in the modes it was left with.
    dashboard.write("fg")?;
    dashboard.press("C-j")?;

    dashboard.hides(&["Stopped"])?;
    dashboard.shows(&["Readers", "q quit"])?;
    dashboard.write("?")?;
    dashboard.shows(&["Help"])?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

/// Waits until the panes reach from edge to edge.
fn fills(dashboard: &Terminal, size: Size) -> anyhow::Result<()> {
    dashboard.wait_for("the panes fill the screen", |screen| {
        let lines: Vec<&str> = screen.lines().collect();
        lines.len() == usize::from(size.rows)
            && lines[1].chars().count() == usize::from(size.columns)
    })?;
    Ok(())
}
