//! Writes what the running dashboard shows in one scene, with its colours as
//! escape sequences: `picture SCENE COLUMNS ROWS [OPTION OF CACCTL]…`.
//! `scripts/picture` draws it.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use cac_tests::harness::{LIMIT, Lab, Plan, jane, john};
use cac_tests::portal::Fault;
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::fault::{Hold, Moment};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

const SCENES: &str = "registered, empty, no-reader-service, reading, needs-pin, pin, last-try, \
                      wrong-pin, waiting, history, help, clear, details, outlook, checklist, \
                      palette, eligibility, wizard, narrow, stranger, away, never-there";

/// Who may register at a portal.
const ROUTES: &str = r#"
[[eligibility]]
categories = ["contractor"]
way = "sponsor"
text = "Ask your Task Monitor."
sponsor = { who = "your Task Monitor" }

[[eligibility]]
way = "self"
text = "Put your card in and type its PIN: the account is yours at once."
"#;

/// A second portal, so that the list is one.
const RECORDS: &str = "records";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scene, columns, rows, options @ ..] = arguments.as_slice() else {
        bail!("usage: picture SCENE COLUMNS ROWS [OPTION]…, where SCENE is one of: {SCENES}");
    };
    let size = Size {
        columns: columns.parse().context("COLUMNS")?,
        rows: rows.parse().context("ROWS")?,
    };
    let picture = shown(scene, size, options)?;
    Ok(std::io::stdout().write_all(picture.as_bytes())?)
}

fn shown(scene: &str, size: Size, options: &[String]) -> anyhow::Result<String> {
    let mut lab = Plan::default()
        .settings("[retry]\nfirst_wait = \"40s\"\n")
        .start()?;
    let profile = match scene {
        "eligibility" => lab.portal().profile_with(ROUTES),
        "wizard" => lab.portal().full_profile(),
        _ => lab.portal().profile(),
    };
    let profile = profile
        .replace("name = \"reference\"", "name = \"records\"")
        .replace("title = \"Reference portal\"", "title = \"Records\"");
    lab.write_profile(RECORDS, &profile)?;
    lab.wait_for("both portals are known", |snapshot| {
        snapshot.portals.len() == 2
    })?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    was_here(&mut lab, &john(CardModel::T1)?)?;
    match scene {
        "stranger" => {
            lab.register(0, &card, samples::PIN)?;
            let terminal = lab.terminal(size)?;
            terminal.enter("setpriv --reuid=nobody --regid=nogroup --clear-groups cacctl")?;
            terminal.shows(&["Ask your administrator"])?;
            return terminal.picture();
        }
        "never-there" => {
            lab.kill()?;
            let terminal = lab.terminal(size)?;
            terminal.enter("cacctl")?;
            terminal.shows(&["cannot connect"])?;
            return terminal.picture();
        }
        _ => {}
    }
    let dashboard = lab.terminal(size)?;
    dashboard.enter(&format!("cacctl {}", options.join(" ")))?;
    dashboard.shows(&["Readers", "? help"])?;
    let held = play(scene, &mut lab, &dashboard, &card)?;
    let picture = dashboard.picture();
    drop(held);
    picture
}

/// A card that is seen before, and in no reader now.
fn was_here(lab: &mut Lab, card: &CardHandle) -> anyhow::Result<()> {
    lab.insert(0, card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.take_out(0)
}

/// Brings it about. A card that is held goes on when the hold is dropped.
fn play(
    scene: &str,
    lab: &mut Lab,
    dashboard: &Terminal,
    card: &CardHandle,
) -> anyhow::Result<Option<Hold>> {
    match scene {
        "empty" => {
            dashboard.shows(&["No card is in this reader"])?;
            return Ok(None);
        }
        "no-reader-service" => {
            lab.kill_pcscd()?;
            dashboard.shows(&["pcscd"])?;
            return Ok(None);
        }
        "reading" => {
            let hold = card.hold_at(Moment::next_of_any().after(20));
            lab.insert(0, card)?;
            hold.wait_until_reached(LIMIT)?;
            dashboard.shows(&["reading"])?;
            return Ok(Some(hold));
        }
        "waiting" => lab.portal().set_fault(Fault::Down)?,
        _ => {}
    }
    lab.insert(0, card)?;
    dashboard.shows(&["r: type the PIN"])?;
    let (pin, then): (Option<&str>, &[&str]) = match scene {
        "needs-pin" => (None, &["needs PIN"]),
        "pin" => (None, &[]),
        "wrong-pin" | "last-try" => (Some("111111"), &["tries left."]),
        "waiting" => (Some(samples::PIN), &["waiting"]),
        "registered" | "history" | "help" | "clear" | "details" | "outlook" | "checklist"
        | "palette" | "eligibility" | "wizard" | "away" => (
            Some(samples::PIN),
            // In ASCII the tick is another.
            &[" registered", "portal: registered"],
        ),
        "narrow" => (Some(samples::PIN), &[" registered"]),
        _ => bail!("SCENE is one of: {SCENES}"),
    };
    if let Some(pin) = pin {
        type_pin(dashboard, pin)?;
    }
    dashboard.shows(then)?;
    if scene == "narrow" {
        dashboard.hides(&["… signing in"])?;
    }
    match scene {
        "pin" => {
            dashboard.write("r1357")?;
            dashboard.shows(&["••••_"])?;
        }
        "last-try" => {
            type_pin(dashboard, "111111")?;
            dashboard.shows(&["One try is left."])?;
            type_pin(dashboard, "111111")?;
            dashboard.shows(&["really?"])?;
        }
        "history" => {
            dashboard.write("y")?;
            dashboard.shows(&["History (1"])?;
        }
        "help" => {
            dashboard.write("?")?;
            dashboard.shows(&["Keys"])?;
        }
        "clear" => {
            dashboard.write("c")?;
            dashboard.shows(&["Clear what is kept"])?;
            dashboard.press("Enter")?;
            dashboard.shows(&["y clears it"])?;
        }
        "details" => {
            dashboard.press("BTab")?;
            dashboard.press("Enter")?;
            dashboard.shows(&["issuer"])?;
        }
        "outlook" => {
            dashboard.write("d")?;
            dashboard.shows(&["Outlook: what ends"])?;
        }
        "checklist" => {
            dashboard.write("t")?;
            dashboard.shows(&["Nothing ", "Enter what was checked"])?;
        }
        "palette" => {
            dashboard.write(":re")?;
            dashboard.shows(&["Actions", "wizard: register by hand"])?;
        }
        "eligibility" => {
            dashboard.write("e")?;
            dashboard.shows(&["Eligibility"])?;
            dashboard.hides(&["Asking cacd"])?;
        }
        "wizard" => {
            dashboard.write("w")?;
            dashboard.shows(&["Register by hand", "y begin"])?;
        }
        "away" => {
            lab.kill()?;
            dashboard.shows(&["what you see is from", "cannot connect"])?;
        }
        _ => {}
    }
    Ok(None)
}

fn type_pin(dashboard: &Terminal, pin: &str) -> anyhow::Result<()> {
    dashboard.shows(&["r: type the PIN"])?;
    dashboard.write("r")?;
    dashboard.shows(&["6 to 8 digits"])?;
    dashboard.write(pin)?;
    let [dots, stars] = ["•", "*"].map(|digit| format!("{}_", digit.repeat(pin.len())));
    dashboard.wait_for("all digits are there", |screen| {
        screen.contains(&dots) || screen.contains(&stars)
    })?;
    dashboard.press("Enter")
}
