//! The dashboard's checklist, and a sign-in that is tried there.

use std::time::Duration;

use anyhow::Context as _;
use cac_tests::harness::{LIMIT, Lab, jane};
use cac_tests::portal::Fault;
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::{CardModel, samples};
use cac_tests::wait;

/// The checklist whole.
const ALL_LINES: Size = Size {
    columns: 120,
    rows: 70,
};

const WRONG: &str = "111111";

/// Longer than any test takes; it ends when the fault is lifted.
const SLOW: Duration = Duration::from_mins(2);

#[test]
fn s82_the_checklist_follows_what_is_mended_down_to_the_first_cause() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    let dashboard = lab.dashboard(ALL_LINES)?;
    dashboard.shows(&["Put yours in", "empty"])?;

    dashboard.write("t")?;
    dashboard.shows(&[
        "Mend this first:",
        "✔ fine     cacd answers",
        "✔ fine     pcscd can be used",
        "✔ fine     a reader is plugged in",
        "✖ failed   a card is in, and answers",
        "· n/a      the card is read ",
        "Put your card in, chip first",
    ])?;

    lab.insert(0, &card)?;
    let whole = dashboard.shows(&[
        "Nothing failed;",
        "✔ fine     the card is read ",
        "✔ fine     a certificate signs you in",
        "✔ fine     PIN tries are left              3 tries left",
        "! warning  Reference portal                needs PIN (3 left)",
    ])?;
    for number in ["1234567890", "✖ failed"] {
        assert!(!whole.contains(number), "{number}: {whole}");
    }
    dashboard.hides(&["running  "])?;

    // The cursor stands on what wants a look; Enter says why, and how to go on.
    dashboard.press("End")?;
    dashboard.write(" ")?;
    dashboard.shows(&["✔ fine     user name, password at hand     so you say"])?;
    dashboard.press("Up")?;
    dashboard.press("Enter")?;
    dashboard.shows(&[
        "I know the PIN of my card: unknown",
        "check         stated-pin",
    ])?;
    dashboard.press("Escape")?;
    dashboard.shows(&["Enter what was checked"])?;
    dashboard.write("r")?;
    dashboard.shows(&["✔ fine     user name, password at hand     so you say"])?;

    lab.kill_pcscd()?;
    dashboard.shows(&[
        "Mend this first: pcscd's socket (",
        "✖ failed   pcscd's socket is there",
        "✖ failed   pcscd can be used",
        "· n/a      Reference portal                after: pcscd can be used",
    ])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["sudo systemctl enable --now pcscd.socket"])?;
    dashboard.press("Escape")?;
    dashboard.shows(&["Enter what was checked"])?;
    lab.start_pcscd_again(&[(0, &card)])?;
    dashboard.shows(&["Nothing failed;", "needs PIN (3 left)"])?;

    lab.kill()?;
    dashboard.shows(&[
        "Mend this first: Cannot connect",
        "✖ failed   cacd answers",
        "· n/a      pcscd can be used",
    ])?;
    lab.start_again()?;
    dashboard.shows(&["Nothing failed;", "needs PIN (3 left)"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Checklist"])?;
    assert_eq!(
        card.log().pin_attempts(),
        0,
        "it looks, and touches nothing"
    );
    Ok(())
}

#[test]
fn s82_a_sign_in_tried_at_the_dashboard_tells_every_hop_and_registers_nobody() -> anyhow::Result<()>
{
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    dashboard.shows(&["needs PIN"])?;

    dashboard.write("o")?;
    dashboard.shows(&[
        "Portal test: Reference portal",
        "cacd writes nothing down",
        "●●● 3 tries left",
        "goes on to the PIN",
    ])?;
    assert_eq!(card.log().pin_attempts(), 0);
    type_pin(&dashboard, samples::PIN)?;
    dashboard.shows(&[
        "✔ Registered",
        "Nothing was written down",
        "1  GET https://localhost:",
        "asked for the certificate, and the",
        "✔ rule 1 registered",
    ])?;
    assert_eq!((card.log().pin_attempts(), card.tries_left()), (1, 3));

    let file = dashboard.folder().join("test.txt");
    dashboard.write("s")?;
    dashboard.shows(&["save as  ~/cac-reference-test.txt_"])?;
    dashboard.press("C-u")?;
    dashboard.write(file.to_str().context("the folder has a plain name")?)?;
    dashboard.press("Enter")?;
    dashboard.shows(&["Saved to"])?;
    let report = std::fs::read_to_string(&file)?;
    assert!(
        report.starts_with("sign-in tried at reference, "),
        "{report}"
    );
    for part in ["GET https://localhost:", "outcome  registered"] {
        assert!(report.contains(part), "{part}: {report}");
    }
    assert!(!report.contains("1234567890"), "{report}");

    dashboard.press("Escape")?;
    dashboard.shows(&["! needs PIN"])?;
    let status = lab.label(&lab.snapshot()?, 0).map(str::to_owned);
    assert_eq!(status.as_deref(), Some("needs PIN"));
    assert!(!card.pin_is_verified(), "somebody is still logged in");
    let left = dashboard.all_text()?;
    assert!(!left.contains(samples::PIN), "{left}");
    Ok(())
}

#[test]
fn s82_a_test_that_goes_wrong_says_what_came_of_it() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let dashboard = lab.dashboard(Size::ROOMY)?;
    dashboard.shows(&["needs PIN"])?;

    // A wrong PIN is sent once.
    dashboard.write("o")?;
    type_pin(&dashboard, WRONG)?;
    dashboard.shows(&["✖ PIN not accepted", "PIN           2 tries left"])?;
    assert_eq!((card.log().pin_attempts(), card.tries_left()), (1, 2));

    // A portal that is away.
    lab.portal().set_fault(Fault::Down)?;
    dashboard.press("Enter")?;
    type_pin(&dashboard, samples::PIN)?;
    dashboard.shows(&["failed: ", "no rule of the profile was asked"])?;

    // A portal that is slow, and a card that is taken out meanwhile.
    lab.portal().set_fault(Fault::Slow(SLOW))?;
    dashboard.press("Enter")?;
    type_pin(&dashboard, samples::PIN)?;
    dashboard.shows(&[
        "Waiting for card and portal since",
        "Esc leaves it to itself",
    ])?;
    the_portal_is_asked(&lab, 0)?;
    lab.take_out(0)?;
    dashboard.shows(&["✖ The card was taken out.", "Put it in again"])?;
    lab.portal().set_fault(Fault::Normal)?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Portal test"])?;

    // A daemon that dies meanwhile.
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    lab.portal().set_fault(Fault::Slow(SLOW))?;
    let before = lab.portal().requests();
    dashboard.shows(&["! needs PIN"])?;
    dashboard.write("o")?;
    type_pin(&dashboard, samples::PIN)?;
    dashboard.shows(&["Waiting for card and portal since"])?;
    the_portal_is_asked(&lab, before)?;
    lab.kill()?;
    dashboard.shows(&["journalctl -u cacd says more.", "Enter tries once more"])?;
    dashboard.shows(&["✖ cacd is away; what you see is from"])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["cacd is away; nothing can be "])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["Portal test"])?;
    Ok(())
}

/// Waits until more requests than `before` came in.
fn the_portal_is_asked(lab: &Lab, before: usize) -> anyhow::Result<()> {
    let is_asked = || lab.portal().requests() > before;
    wait::wait_until("the portal is asked", LIMIT, is_asked)?;
    Ok(())
}

/// From the offer on.
fn type_pin(dashboard: &Terminal, pin: &str) -> anyhow::Result<()> {
    dashboard.shows(&["goes on to the PIN"])?;
    dashboard.write("y")?;
    dashboard.shows(&["try to sign in at Reference portal"])?;
    dashboard.type_pin(pin)
}
