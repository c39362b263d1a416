//! Wrong PINs typed into the dashboard, down to the last try.

use cac_tests::harness::{Lab, john};
use cac_tests::terminal::{Size, Terminal};
use cac_tests::virtual_card::{CardModel, samples};

const WRONG: &str = "111111";

const SIZE: Size = Size {
    columns: 80,
    rows: 24,
};

#[test]
fn s22_the_dashboard_tells_the_tries_left_and_spends_the_last_only_on_the_word()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let dashboard = lab.dashboard(SIZE)?;
    dashboard.shows(&["needs PIN", "PIN ●●● 3 tries left"])?;

    type_pin(&dashboard, WRONG)?;
    dashboard.shows(&[
        "PIN ●● 2 tries left",
        "accepted; 2 tries left.",
        "r: type the PIN",
    ])?;
    assert_eq!(card.tries_left(), 2);

    type_pin(&dashboard, WRONG)?;
    dashboard.shows(&["PIN ● 1 try left", "One try is left."])?;
    assert_eq!(card.tries_left(), 1);

    card.clear_log();
    type_pin(&dashboard, samples::PIN)?;
    dashboard.shows(&["This may be the last try", "really?  _"])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["Type the word yes"])?;
    dashboard.write("ye")?;
    dashboard.shows(&["really?  ye_"])?;
    dashboard.press("Enter")?;
    dashboard.shows(&["Type the word yes"])?;
    assert_eq!(
        (card.tries_left(), card.log().pin_attempts()),
        (1, 0),
        "nothing is sent before the word is there"
    );

    dashboard.press("Escape")?;
    dashboard.shows(&["PIN      _  (6 to 8 digits)"])?;
    dashboard.press("Escape")?;
    dashboard.hides(&["6 to 8 digits"])?;
    assert_eq!(
        (card.tries_left(), card.log().pin_attempts()),
        (1, 0),
        "leaving sends nothing either"
    );

    type_pin(&dashboard, samples::PIN)?;
    dashboard.shows(&["really?  _"])?;
    dashboard.write("yes")?;
    dashboard.press("Enter")?;
    dashboard.shows(&["✔ registered", "PIN ●●● 3 tries left"])?;
    assert_eq!((card.tries_left(), card.log().pin_attempts()), (3, 1));
    Ok(())
}

fn type_pin(dashboard: &Terminal, pin: &str) -> anyhow::Result<()> {
    dashboard.shows(&["r: type the PIN"])?;
    dashboard.write("r")?;
    dashboard.shows(&["6 to 8 digits"])?;
    dashboard.write(pin)?;
    dashboard.shows(&[&format!("{}_", "•".repeat(pin.len()))])?;
    dashboard.press("Enter")
}
