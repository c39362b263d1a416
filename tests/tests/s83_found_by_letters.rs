//! What can be done is found by a few letters, rows by words of theirs, and
//! whatever is seen can be clicked.

use std::path::Path;

use anyhow::ensure;
use cac_tests::harness::{Lab, Plan, jane, john};
use cac_tests::terminal::{Size, Terminal, Wheel, pane_of};
use cac_tests::virtual_card::{CardModel, samples};
use rusqlite::Connection;

const DOD_ID: &str = "1234567890";

/// Of a portal that nobody answers for.
const TRAVEL: &str = "\
name = \"travel\"
title = \"Travel office\"
origin = \"https://localhost:1\"
start = \"/\"
";

#[test]
fn s83_an_action_is_found_by_letters_and_done_where_it_was_looked_for() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    let before = dashboard.shows(&["Put yours in", "empty", "Reader Virtual PCD 00 01 found"])?;

    // What cannot be done is found too, dimmed, and says why.
    look_for(&dashboard, "regis")?;
    dashboard.shows(&["No card is in this reader; put yours in, chip first."])?;
    let picture = dashboard.picture()?;
    let rows = pane_of(&dashboard.text()?, "Actions");
    ensure!(rows[1].contains("register: asks for the PIN"), "{rows:?}");
    ensure!(dims(&picture, "wizard: "), "{picture}");
    ensure!(!dims(&picture, "eligibility: whether"), "{picture}");
    dashboard.press("Enter")?;
    dashboard.hides(&["Actions"])?;
    dashboard.shows(&["! No card is in this reader; put yours in, chip first."])?;
    // Letters can be taken back, one and all; those of nothing find nothing.
    look_for(&dashboard, "zzz")?;
    dashboard.shows(&["Nothing has these letters. Erase one, or go back with Esc."])?;
    dashboard.press("BSpace")?;
    dashboard.shows(&[": zz▏"])?;
    dashboard.press("C-u")?;
    dashboard.shows(&[": ▏", "the whole history"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Actions", "No card is in this reader; put"])?;
    let after = dashboard.text()?;
    assert_eq!(
        pane_of(&after, "Registration"),
        pane_of(&before, "Registration")
    );

    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    dashboard.shows(&["! needs PIN"])?;
    // From the details: Esc leads back to them, and Enter does it there.
    open_the_first_certificate(&dashboard)?;
    let details = dashboard.shows(&["UPN", "••••••7890"])?;
    ensure!(!details.contains(DOD_ID), "{details}");
    look_for(&dashboard, "dod")?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Actions"])?;
    dashboard.shows(&["╔ Certificate"])?;
    look_for(&dashboard, "dod")?;
    dashboard.press("Enter")?;
    dashboard.hides(&["Actions"])?;
    dashboard.shows(&["╔ Certificate", DOD_ID])?;
    look_for(&dashboard, "dod id")?;
    dashboard.press("Enter")?;
    dashboard.hides(&[DOD_ID])?;
    // In any case; a row below the first by a key; readers like actions.
    look_for(&dashboard, "DATES")?;
    dashboard.press("Enter")?;
    dashboard.shows(&["Outlook: what ends, and when"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Outlook: what ends"])?;
    look_for(&dashboard, "reader v")?;
    let screen = dashboard.shows(&["reader Virtual PCD 00 00: DOE, JANE Q"])?;
    let rows = pane_of(&screen, "Actions");
    for (row, name) in rows[1..].iter().zip(["00 00: DOE, JANE Q", "00 01 "]) {
        ensure!(row.contains(name), "in their order: {rows:?}");
    }
    dashboard.press("C-n")?;
    dashboard.press("Enter")?;
    dashboard.hides(&["Actions"])?;
    dashboard.shows(&["▶○ Virtual PCD 00 01"])?;
    look_for(&dashboard, "jane")?;
    dashboard.shows(&["reader Virtual PCD 00 00: DOE, JANE Q"])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["▶! Virtual PCD 00 00"])?;
    look_for(&dashboard, "history")?;
    dashboard.press("Enter")?;
    dashboard.shows(&["History (1 of", "Card put into"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["History (1 of"])?;

    // A portal is found like an action.
    look_for(&dashboard, "portal ref")?;
    dashboard.shows(&["portal Reference portal: needs PIN"])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["╔ Registration"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["╔ Registration"])?;
    // The main job, by letters alone.
    look_for(&dashboard, "register: asks")?;
    dashboard.press("Enter")?;
    dashboard.type_pin(samples::PIN)?;
    dashboard.shows(&["✔ registered"])?;
    look_for(&dashboard, "quit")?;
    dashboard.press("Enter")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s83_each_list_shows_only_the_rows_with_the_words_until_escape() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    lab.write_profile("travel", TRAVEL)?;
    lab.wait_for("the second portal is there", |snapshot| {
        snapshot.portals.len() == 2
    })?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_until_whole(0)?;
    lab.insert(1, &john(CardModel::T1)?)?;
    lab.wait_until_whole(1)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    dashboard.shows(&["DOE, JANE Q", "ROE, JOHN", "Travel office", "9D Encryption"])?;

    // The keys begin at the registrations.
    let lists = [
        ("Registration", "TRAVEL off", "Travel office", "Reference"),
        ("What happened", "put into 01", "Card put into", "found"),
        ("Readers", "roe", "ROE, JOHN", "DOE, JANE Q"),
        (
            "Certificates",
            "encryp",
            "9D Encryption",
            "9A Authentication",
        ),
    ];
    for (title, words, found, other) in lists {
        let all = pane_of(&dashboard.text()?, title);
        for text in [found, other] {
            ensure!(all.iter().any(|row| row.contains(text)), "{text}: {all:?}");
        }
        dashboard.write("/")?;
        dashboard.shows(&[&format!("{title} /▏"), "Esc show all"])?;
        dashboard.write(words)?;
        dashboard.shows(&[&format!("{title} /{words}▏")])?;
        shows_alone(&dashboard, title, found, other)?;
        // What was typed holds while the keys do other things.
        dashboard.press("Enter")?;
        dashboard.hides(&["▏"])?;
        dashboard.press("Down")?;
        dashboard.write("?")?;
        dashboard.shows(&["╔ Help "])?;
        dashboard.press("Escape")?;
        dashboard.hides(&["╔ Help "])?;
        shows_alone(&dashboard, title, found, other)?;
        // It can be changed, to what nothing has too.
        dashboard.write("/")?;
        dashboard.shows(&[&format!("{title} /{words}▏")])?;
        dashboard.write("zz")?;
        dashboard.shows(&["(0 found)", "Nothing here has these words."])?;
        dashboard.press("Escape")?;
        dashboard.wait_for("all rows are there again", |screen| {
            let rows = pane_of(screen, title);
            let is_there = |text| rows.iter().any(|row| row.contains(text));
            is_there(found) && is_there(other) && !screen.contains(" found)")
        })?;
        dashboard.press("Tab")?;
        if title == "Readers" {
            // The card has no rows to look for.
            dashboard.press("Tab")?;
        }
    }
    Ok(())
}

#[test]
fn s83_the_history_is_searched_to_its_beginning_and_escape_leads_back() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.stop()?;
    years_ago(&lab.database())?;
    lab.start_again()?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_until_whole(0)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    let panes = dashboard.shows(&["! needs PIN", "┏ Registration"])?;
    ensure!(!panes.contains("heirloom"), "{panes}");

    dashboard.write("y")?;
    let newest = dashboard.shows(&["History (1 of 200 or more)", "Card put into"])?;
    ensure!(!newest.contains("heirloom"), "{newest}");
    dashboard.write("/")?;
    dashboard.shows(&["History /▏", "Enter keep", "Esc show all"])?;
    // What the first page does not have is found: the daemon looks through all of it.
    dashboard.write("HEIRLOOM")?;
    let found = dashboard.shows(&["History /HEIRLOOM▏ (1 of 2)", "Esc show all"])?;
    let rows = pane_of(&found, "History");
    let entries: Vec<&String> = rows.iter().filter(|row| !row.trim().is_empty()).collect();
    ensure!(entries.len() == 2, "{entries:?}");
    ensure!(entries[0].contains("the later heirloom"), "{entries:?}");
    ensure!(entries[1].contains("the first heirloom"), "{entries:?}");
    // The keys move among what was found, and the entry is told in full.
    dashboard.press("Enter")?;
    dashboard.shows(&["History /HEIRLOOM (1 of 2)"])?;
    dashboard.press("Down")?;
    dashboard.shows(&["History /HEIRLOOM (2 of 2)", "number 1 "])?;
    // It can be changed, to what nothing has too.
    dashboard.write("/")?;
    dashboard.shows(&["History /HEIRLOOM▏"])?;
    dashboard.write("s of nobody")?;
    dashboard.shows(&["No entry has this in its text. Esc shows all again."])?;

    dashboard.press("Escape")?;
    dashboard.shows(&["History (1 of 200 or more)", "Card put into"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["History ("])?;
    dashboard.shows(&["┏ Registration", "! needs PIN"])?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s83_what_is_seen_can_be_clicked_and_the_wheel_turns_what_is_under_it() -> anyhow::Result<()> {
    let mut lab = Plan::default().readers(2).start()?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_until_whole(0)?;
    lab.insert(1, &john(CardModel::T1)?)?;
    lab.wait_until_whole(1)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    dashboard.shows(&["9A Authentication", "ROE, JOHN"])?;
    ensure!(dashboard.behind()?.takes_mouse, "it asks for the mouse");

    // A click picks, a second one opens.
    for (name, row) in [("ROE, JOHN", "00 01"), ("DOE, JANE Q", "00 00")] {
        dashboard.click(&format!("Virtual PCD {row}"))?;
        dashboard.wait_for("the card of that row is shown", |screen| {
            let card = pane_of(screen, "Card");
            screen.contains("┏ Readers") && card.iter().any(|line| line.contains(name))
        })?;
    }
    dashboard.click("Virtual PCD 00 00")?;
    dashboard.shows(&["╔ "])?;
    dashboard.click("Esc back")?;
    dashboard.hides(&["╔ "])?;
    dashboard.click("9D Encryption")?;
    dashboard.shows(&["┏ Certificates"])?;
    dashboard.click("9D Encryption")?;
    dashboard.shows(&["╔ Certificate", "slot          9D Encryption"])?;
    dashboard.click("Esc back")?;
    dashboard.hides(&["╔ "])?;

    // Keys in the footer, and the wheel in what they open.
    dashboard.click("? help")?;
    dashboard.shows(&["╔ Help 1 of", "║ Keys where you were"])?;
    dashboard.wheel(Wheel::Down, "╔ Help ")?;
    dashboard.hides(&["║ Keys where you were"])?;
    dashboard.wheel(Wheel::Up, "╔ Help ")?;
    dashboard.shows(&["╔ Help 1 of", "║ Keys where you were"])?;
    dashboard.click("Esc back")?;
    dashboard.hides(&["╔ Help "])?;
    dashboard.click(": actions")?;
    dashboard.shows(&["Actions"])?;
    dashboard.write("history")?;
    dashboard.shows(&[": history▏"])?;
    dashboard.click("the whole history")?;
    dashboard.shows(&["History (1 of"])?;
    dashboard.wheel(Wheel::Down, "Card put into")?;
    dashboard.shows(&["History (4 of"])?;
    dashboard.wheel(Wheel::Up, "Card put into")?;
    dashboard.shows(&["History (1 of"])?;
    dashboard.click("Esc back")?;
    dashboard.hides(&["History (1 of"])?;
    // Over a list the wheel moves its rows, wherever the keys are.
    dashboard.wheel(Wheel::Down, "9A Authentication")?;
    dashboard.click("┌ Registration")?;
    dashboard.shows(&["┏ Registration"])?;
    dashboard.click("Certificates")?;
    dashboard.shows(&["┏ Certificates"])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["╔ Certificate", "slot          9E Card"])?;
    dashboard.click("q quit")?;
    dashboard.is_the_shells_again()?;
    Ok(())
}

#[test]
fn s83_the_mouse_is_given_back_when_asked_and_whenever_the_shell_has_the_terminal()
-> anyhow::Result<()> {
    let lab = Lab::start()?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    for takes_mouse in [true, false] {
        takes(&dashboard, takes_mouse)?;
        dashboard.press("C-z")?;
        dashboard.is_the_shells_again()?;
        ensure!(
            !dashboard.behind()?.takes_mouse,
            "the shell has no use for it"
        );
        dashboard.enter("fg")?;
        dashboard.shows(&["Readers", "q quit"])?;
        takes(&dashboard, takes_mouse)?;
        if takes_mouse {
            dashboard.write("m")?;
            dashboard.shows(&["The mouse is the terminal's again"])?;
        }
    }
    dashboard.write("m")?;
    dashboard.shows(&["The mouse is the dashboard's"])?;
    takes(&dashboard, true)?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;
    ensure!(
        !dashboard.behind()?.takes_mouse,
        "the shell has no use for it"
    );
    Ok(())
}

/// Writes down what happened before the daemon was there: more than one page of the
/// history, with one word in the first entry and in one more, far from the newest.
fn years_ago(database: &Path) -> anyhow::Result<()> {
    let connection = Connection::open(database)?;
    connection.execute_batch(
        "DELETE FROM history;
         DELETE FROM sqlite_sequence WHERE name = 'history';
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO history (at, kind, text)
         SELECT unixepoch() - 100000 + i, 'card',
             CASE i WHEN 1 THEN 'the first heirloom' WHEN 700 THEN 'the later heirloom'
                 ELSE 'hay, straw ' || i END
         FROM n;",
    )?;
    Ok(())
}

/// Opens the palette and types letters.
fn look_for(dashboard: &Terminal, letters: &str) -> anyhow::Result<()> {
    dashboard.write(":")?;
    dashboard.shows(&["╔ Actions", ": ▏"])?;
    dashboard.write(letters)?;
    dashboard.shows(&[&format!(": {letters}▏")])?;
    Ok(())
}

/// The keys are about the registrations.
fn open_the_first_certificate(dashboard: &Terminal) -> anyhow::Result<()> {
    dashboard.press("BTab")?;
    dashboard.shows(&["┏ Certificates"])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["╔ Certificate", "slot          9A Authentication"])?;
    Ok(())
}

/// Waits until the list shows what was found, and no other row.
fn shows_alone(dashboard: &Terminal, title: &str, found: &str, other: &str) -> anyhow::Result<()> {
    dashboard.wait_for(&format!("{found} stands there alone"), |screen| {
        let rows = pane_of(screen, title);
        let is_there = |text| rows.iter().any(|row| row.contains(text));
        is_there(found) && !is_there(other)
    })?;
    Ok(())
}

/// Waits until the dashboard has the mouse, or has it not.
fn takes(dashboard: &Terminal, mouse: bool) -> anyhow::Result<()> {
    let mut asked = Ok(());
    dashboard.wait_for(&format!("the mouse is taken: {mouse}"), |_| {
        let behind = dashboard.behind();
        match behind {
            Ok(behind) => behind.is_other_screen && behind.takes_mouse == mouse,
            Err(error) => {
                asked = Err(error);
                true
            }
        }
    })?;
    asked
}

/// Whether this text is dimmed in a picture.
fn dims(picture: &str, text: &str) -> bool {
    let Some((before, _)) = picture.split_once(text) else {
        return false;
    };
    let style = before.rfind("\x1b[").map(|at| &before[at + 2..]);
    style.is_some_and(|style| {
        let numbers = style.split_once('m').map_or("", |(numbers, _)| numbers);
        numbers.split(';').any(|number| number == "2")
    })
}
