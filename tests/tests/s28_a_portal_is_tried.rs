//! The portals as they are described, and a sign-in tried by hand.

use anyhow::{Context as _, ensure};
use cac_common::registration::RegistrationStatus;
use cac_tests::harness::{Lab, jane};
use cac_tests::virtual_card::{CardModel, samples};

/// As `cacctl --help` lists them.
const FAILED: i32 = 1;
const USAGE: i32 = 2;

#[test]
fn s28_a_sign_in_tried_by_hand_shows_every_hop_and_rule_and_writes_nothing_down()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let pin = format!("{}\n", samples::PIN);
    let tried = |arguments: &[&str]| {
        let arguments = [&["portal", "test"], arguments].concat();
        lab.cacctl_with_input(&arguments, pin.as_bytes())
    };

    let text = tried(&["reference"])?;
    let json = tried(&["reference", "--json"])?;
    let unknown = tried(&["nowhere"])?;
    let listed = lab.cacctl(&["portal", "list"])?;
    let shown = lab.cacctl(&["portal", "show", "reference"])?;

    ensure!(text.status.success(), "{text:?}");
    let text = String::from_utf8(text.stdout)?;
    for part in [
        "GET https://localhost:",
        "asked for the certificate, and the card signed",
        "rule 1   registered    matches",
        "outcome  registered",
        "Nothing was written down",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(json["outcome"]["state"], "registered");
    assert_eq!(json["trace"]["hops"][0]["signed"], true);
    assert_eq!(unknown.status.code(), Some(USAGE), "{unknown:?}");
    let listed = String::from_utf8(listed.stdout)?;
    assert!(
        listed.contains("\nreference  Reference portal  https://localhost:"),
        "{listed}"
    );
    let shown = String::from_utf8(shown.stdout)?;
    assert!(shown.contains("user-not-found"), "{shown}");
    // Neither of the two is a registration.
    let status = lab.label(&lab.snapshot()?, 0).map(str::to_owned);
    assert_eq!(status.as_deref(), Some("needs PIN"));
    assert!(!card.pin_is_verified(), "somebody is still logged in");
    assert_eq!(card.tries_left(), 3);
    assert!(!lab.log().contains(samples::PIN), "the PIN is in the log");
    Ok(())
}

#[test]
fn s28_what_no_rule_matches_is_told_with_why_and_a_broken_profile_with_its_line()
-> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::jane())?;
    let card = jane(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_until_whole(0)?;
    let profile = lab.portal().profile();
    let (before, _) = profile.split_once("[[outcome]]").context("it has rules")?;
    let blind = before.replace("name = \"reference\"", "name = \"blind\"");
    let rule = "[[outcome]]\nresult = \"not-found\"\ntext = \"User Not Found\"\n";
    lab.write_profile("blind", &format!("{blind}{rule}"))?;
    lab.wait_for("the second profile is read", |snapshot| {
        snapshot.portals.len() == 2
    })?;
    lab.write_profile("broken", "name = \"broken\"\ntitel = \"x\"\n")?;
    lab.wait_for("the fault is told", |snapshot| snapshot.problems.len() == 1)?;
    let pin = format!("{}\n", samples::PIN);

    let page = lab.folder().join("page.html");
    let file = page.to_str().context("the folder has a plain name")?;
    let arguments = ["portal", "test", "blind", "--page", file];
    let tried = lab.cacctl_with_input(&arguments, pin.as_bytes())?;
    let listed = lab.cacctl(&["portal", "list"])?;

    assert_eq!(tried.status.code(), Some(FAILED), "{tried:?}");
    let tried = String::from_utf8(tried.stdout)?;
    assert!(
        tried.contains("rule 1   not-found     \u{201c}User Not Found\u{201d} is not on the page"),
        "{tried}"
    );
    assert!(tried.contains("no rule of the profile matches"), "{tried}");
    assert!(tried.contains("\u{201c}My Account\u{201d}"), "{tried}");
    assert!(tried.contains("status 200, SHA-256 "), "{tried}");
    let page = std::fs::read_to_string(page)?;
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("My Account"),
        "{page}"
    );
    let listed = String::from_utf8(listed.stdout)?;
    assert!(
        listed.contains("broken.toml:2:1: unknown field"),
        "{listed}"
    );
    assert!(listed.contains("2 | titel = \"x\"\n  | ^^^^^"), "{listed}");
    let snapshot = lab.snapshot()?;
    let registrations = lab.card(&snapshot, 0)?.registrations;
    assert!(
        registrations
            .iter()
            .all(|one| matches!(one.status, RegistrationStatus::NeedsPin { .. })),
        "{registrations:?}"
    );
    Ok(())
}
