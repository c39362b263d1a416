//! What is printed on a card, for whoever gives its PIN.

use anyhow::ensure;
use cac_tests::harness::{Lab, jane};
use cac_tests::virtual_card::{CardModel, samples};

/// As `cacctl --help` lists them.
const NEEDS_PERSON: i32 = 4;

#[test]
fn s27_what_is_printed_is_shown_for_the_pin_and_kept_nowhere() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let pin = format!("{}\n", samples::PIN);

    let wrong = lab.cacctl_with_input(&["card", "show", "--printed"], b"999999\n")?;
    let after_wrong = card.tries_left();
    let text = lab.cacctl_with_input(&["card", "show", "--printed"], pin.as_bytes())?;
    let json = lab.cacctl_with_input(&["card", "show", "--printed", "--json"], pin.as_bytes())?;

    assert_eq!(wrong.status.code(), Some(NEEDS_PERSON), "{wrong:?}");
    let told = String::from_utf8(wrong.stderr)?;
    assert!(
        told.contains("PIN not accepted; 2 tries are left"),
        "{told}"
    );
    assert_eq!(after_wrong, 2);
    ensure!(text.status.success(), "{text:?}");
    let text = String::from_utf8(text.stdout)?;
    let (_, printed) = text.split_once("printed on the card").unwrap_or_default();
    assert!(printed.contains("name          DOE, JANE Q\n"), "{text}");
    assert!(
        printed.contains("affiliation   UNIFORMED SERVICE\n"),
        "{text}"
    );
    // As it was issued, and as the chip has it.
    assert!(!printed.contains("Printed Information"), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(json["printed"]["name"], "DOE, JANE Q");
    assert_eq!(json["printed"]["findings"], serde_json::json!([]));
    assert_eq!(card.tries_left(), 3);
    assert!(!card.pin_is_verified(), "somebody is still logged in");
    let shown = lab.snapshot()?;
    assert!(
        shown
            .happened
            .iter()
            .any(|entry| entry.text == "PIN typed, to read what is printed on the card")
    );
    assert!(!lab.log().contains(samples::PIN), "the PIN is in the log");
    Ok(())
}
