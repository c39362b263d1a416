//! Another user of the machine opens the dashboard.

use cac_tests::harness::{Lab, jane, tells_of_jane};
use cac_tests::terminal::Size;
use cac_tests::virtual_card::{CardModel, samples};

const AS_NOBODY: &str = "setpriv --reuid=nobody --regid=nogroup --clear-groups cacctl";

#[test]
fn s26_a_stranger_sees_readers_and_no_person_and_is_told_whom_to_ask() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    let dashboard = lab.terminal(Size {
        columns: 80,
        rows: 24,
    })?;

    dashboard.enter(AS_NOBODY)?;
    let mut seen = vec![dashboard.shows(&[
        "Log in at the machine itself, or ask your",
        "cacd-admin",
        &lab.reader_name(0),
        "in use",
        "q quit",
    ])?];
    for (key, why) in [
        ("x", "No DoD ID is known here."),
        ("y", "You may not see what is kept of people"),
        ("c", "You may not clear what is kept of people"),
        ("a", "You may not see what goes to a card"),
        ("r", "You may not see or use the card in this reader."),
    ] {
        dashboard.write(key)?;
        seen.push(dashboard.shows(&[why, "Readers", "q quit"])?);
    }
    // Nor does the checklist, which anyone may see, name anybody.
    dashboard.write("t")?;
    seen.push(dashboard.shows(&["Checklist"])?);
    dashboard.press("Escape")?;
    dashboard.hides(&["Checklist"])?;
    dashboard.write("q")?;
    dashboard.is_the_shells_again()?;

    for screen in seen {
        assert_eq!(tells_of_jane(&screen), None, "{screen}");
        for word in ["9A", "registered to"] {
            assert!(!screen.contains(word), "{word} is shown:\n{screen}");
        }
    }
    Ok(())
}
