//! The dashboard in a real terminal, from the first card to the last key, in both usual sizes.

use anyhow::ensure;
use cac_common::snapshot::Snapshot;
use cac_tests::harness::{Lab, jane};
use cac_tests::terminal::{Size, Terminal, without_clocks};
use cac_tests::virtual_card::{CardModel, samples};

const SMALL: Size = Size {
    columns: 80,
    rows: 24,
};
const LARGE: Size = Size {
    columns: 120,
    rows: 36,
};

const DOD_ID: &str = "1234567890";

#[test]
fn s20_a_day_at_the_dashboard_in_80_columns_and_24_rows() -> anyhow::Result<()> {
    a_day_at_the_dashboard(SMALL)
}

#[test]
fn s21_a_day_at_the_dashboard_in_120_columns_and_36_rows() -> anyhow::Result<()> {
    a_day_at_the_dashboard(LARGE)
}

fn a_day_at_the_dashboard(size: Size) -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let dashboard = lab.dashboard(size)?;
    let open = dashboard.behind()?;
    assert!(
        open.is_other_screen && !open.is_as_a_shell_wants_it(),
        "{open:?}"
    );
    dashboard.shows(&["Put yours in", "empty"])?;

    lab.insert(0, &card)?;
    let needs_pin = dashboard.shows(&[
        "DOE, JANE Q",
        "9A Authentication",
        "9C Signature",
        "9D Encryption",
        "9E Card",
        "Reference portal  ! needs PIN",
        "PIN ●●● 3 tries left",
        "r: type the PIN",
        "1 card needs you",
    ])?;
    assert!(!needs_pin.contains(DOD_ID), "{needs_pin}");

    type_the_pin(&dashboard)?;
    let registered = dashboard.shows(&["✔ registered", "account jane.q.doe"])?;
    assert!(!registered.contains("needs you"), "{registered}");
    assert_eq!(lab.portal().registrations()?.len(), 1);

    the_dod_id_is_shown_and_hidden(&dashboard)?;
    help_opens_and_closes(&dashboard, &registered)?;
    the_history_tells_the_day(&dashboard)?;
    clearing_shows_first_what_would_be_lost(&dashboard, &lab)?;

    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    let left = dashboard.all_text()?;
    for secret in [samples::PIN, "DOE", DOD_ID] {
        ensure!(!left.contains(secret), "{secret} is left behind:\n{left}");
    }
    Ok(())
}

/// Key by key; what is on the screen in between tells how many, and not which.
fn type_the_pin(dashboard: &Terminal) -> anyhow::Result<()> {
    dashboard.write("r")?;
    dashboard.shows(&["PIN      _  (6 to 8 digits)", "Enter sends it to the card"])?;
    for (at, digit) in samples::PIN.char_indices() {
        dashboard.write(&digit.to_string())?;
        let dots = "•".repeat(at + 1);
        let screen = dashboard.shows(&[&format!("PIN      {dots}_  (6 to 8 digits)")])?;
        no_digit_of_the_pin(&screen)?;
    }
    // What is typed by mistake can be taken back.
    dashboard.write("x")?;
    dashboard.shows(&["A PIN has digits only."])?;
    dashboard.press("BSpace")?;
    dashboard.shows(&["•••••••_"])?;
    dashboard.write(&samples::PIN[samples::PIN.len() - 1..])?;
    no_digit_of_the_pin(&dashboard.shows(&["••••••••_"])?)?;
    dashboard.press("Enter")?;
    no_digit_of_the_pin(&dashboard.hides(&["6 to 8 digits"])?)
}

/// Neither the PIN as a whole, nor three of its digits in a row.
fn no_digit_of_the_pin(screen: &str) -> anyhow::Result<()> {
    for part in samples::PIN.as_bytes().windows(3) {
        let part = std::str::from_utf8(part)?;
        ensure!(!screen.contains(part), "{part} is on the screen:\n{screen}");
    }
    Ok(())
}

fn the_dod_id_is_shown_and_hidden(dashboard: &Terminal) -> anyhow::Result<()> {
    let masked = format!("••••••{}", &DOD_ID[6..]);
    dashboard.shows(&[&masked])?;
    dashboard.write("x")?;
    dashboard.shows(&[DOD_ID])?;
    dashboard.write("x")?;
    let hidden = dashboard.shows(&[&masked])?;
    assert!(!hidden.contains(DOD_ID), "{hidden}");
    Ok(())
}

fn help_opens_and_closes(dashboard: &Terminal, before: &str) -> anyhow::Result<()> {
    dashboard.write("?")?;
    dashboard.shows(&["Help", "register: asks for the PIN if one is needed"])?;
    dashboard.write("G")?;
    dashboard.shows(&["unless you insist", "cacctl status --json"])?;
    dashboard.press("Escape")?;
    dashboard.wait_for("what lay beneath is back", |after| {
        without_clocks(after) == without_clocks(before)
    })?;
    Ok(())
}

fn the_history_tells_the_day(dashboard: &Terminal) -> anyhow::Result<()> {
    dashboard.write("y")?;
    dashboard.shows(&[
        "History (1 of",
        "registered to account",
        "Card put into",
        "PIN typed",
    ])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["History (1 of"])?;
    Ok(())
}

fn clearing_shows_first_what_would_be_lost(dashboard: &Terminal, lab: &Lab) -> anyhow::Result<()> {
    const CHOICE: &str = "▶ This card, of DOE, JANE Q, and its registrations";
    dashboard.write("c")?;
    dashboard.shows(&["Clear what is kept", CHOICE])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Clear what is kept"])?;

    dashboard.write("c")?;
    dashboard.shows(&[CHOICE])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["1 card", "4 certificates", "1 registration", "y clears it"])?;
    dashboard.press("Escape")?;
    dashboard.shows(&[CHOICE])?;
    ensure!(
        is_registered(lab, &lab.snapshot()?),
        "leaving clears nothing"
    );

    dashboard.press("Enter")?;
    dashboard.shows(&["y clears it"])?;
    dashboard.write("y")?;
    dashboard.shows(&["Cleared: 1 card"])?;
    lab.wait_for("the registration is cleared", |snapshot| {
        !is_registered(lab, snapshot)
    })?;
    dashboard.hides(&["✔ registered"])?;
    Ok(())
}

fn is_registered(lab: &Lab, snapshot: &Snapshot) -> bool {
    lab.label(snapshot, 0) == Some("registered")
}
