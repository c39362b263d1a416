//! What it comes to when all goes well, and what is left of it.

use std::fs;

use anyhow::ensure;
use cac_common::wizard::{AskKind, Wizard, WizardState};
use cac_tests::harness::{Plan, appears_in, files_below, memory_of};
use cac_tests::portal::{Given, Layout};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

use crate::scene::{JANE, JOHN, PASSWORD, PORTAL, Scene};

#[test]
fn s66_by_hand_from_the_log_in_to_a_saved_confirmation_in_every_layout() -> anyhow::Result<()> {
    for layout in [
        Layout::OneOrigin,
        Layout::TwoOrigins,
        Layout::TwoOriginsByForm,
    ] {
        let (scene, card) = Scene::with_jane(layout)?;
        let lab = &scene.lab;

        lab.start_wizard(0, PORTAL)?;
        let log_in = lab.wait_until_asked(0, 0)?;
        lab.answer_all(0, &[JANE, PASSWORD])?;
        let last = lab.wait_until_asked(0, 3)?;
        assert_eq!(card.log().pin_attempts(), 0, "the card is not needed yet");
        lab.answer_all(0, &[PASSWORD, samples::PIN])?;
        let done = lab.wait_for_wizard(0, "all is done", |wizard| {
            matches!(wizard.state, WizardState::Done { .. })
        })?;
        scene.wait_for_label(0, "registered")?;

        let kinds = |wizard: &Wizard| {
            let WizardState::Asking { asks } = &wizard.state else {
                return Vec::new();
            };
            asks.iter().map(|ask| ask.kind).collect()
        };
        assert_eq!(kinds(&log_in), [AskKind::Text, AskKind::Password]);
        assert_eq!(kinds(&last), [AskKind::Password, AskKind::Pin]);
        assert_eq!(
            log_in.steps,
            [
                "Log in",
                "My Account",
                "CAC/Certificate Registration",
                "Register"
            ]
        );
        assert_eq!(
            done.state,
            WizardState::Done {
                is_registered: true,
                has_confirmation: true
            }
        );
        let registrations = scene.portal.registrations()?;
        assert_eq!(registrations.len(), 1, "{registrations:?}");
        assert_eq!(registrations[0].account, JANE);
        assert_eq!(card.log().pin_attempts(), 1);
        ensure!(!card.pin_is_verified(), "the card is left logged in");
        let kept = lab.confirmation(0, PORTAL)?;
        let kept = kept.ok_or_else(|| anyhow::anyhow!("nothing was kept"))?;
        assert!(
            kept.text.starts_with("Your CAC has been registered\n"),
            "{}",
            kept.text
        );
        assert!(kept.text.contains("Account\njane.doe"), "{}", kept.text);
        assert!(kept.html.starts_with("<!DOCTYPE html>"), "{}", kept.html);
    }
    Ok(())
}

#[test]
fn s66_where_the_certificate_is_given_as_text_no_pin_is_asked_for() -> anyhow::Result<()> {
    let steps = |profile: String| {
        let field = "kind = \"password\" }]\nproof = \"main#confirmation\"\ncertificate = true";
        let with_text = "kind = \"password\" }, { name = \"certificate\", \
                         kind = \"certificate\" }]\nproof = \"main#confirmation\"";
        assert!(profile.contains(field), "{profile}");
        profile.replace(field, with_text)
    };
    let mut scene = Scene::with(Plan::default(), Layout::TwoOrigins, Given::AsText, steps)?;
    let card = CardHandle::new(samples::jane(), CardModel::T1)?;
    scene.lab.insert(0, &card)?;
    scene.lab.wait_until_whole(0)?;
    scene.come_to_the_last_step(0, JANE)?;

    scene.lab.answer_all(0, &[PASSWORD])?;
    scene.wait_for_label(0, "registered")?;

    assert_eq!(scene.portal.registrations()?.len(), 1);
    assert_eq!(card.log().pin_attempts(), 0);
    Ok(())
}

#[test]
fn s66_a_page_that_the_card_signs_for_is_asked_for_with_the_pin_and_not_before()
-> anyhow::Result<()> {
    let steps = |profile: String| {
        let (rules, wizard) = profile.split_once("[[wizard]]").unwrap_or_default();
        let (log_in, _) = wizard.split_once("[[wizard]]").unwrap_or_default();
        format!(
            "{rules}[[wizard]]{log_in}[[wizard]]\ntitle = \"Show the card\"\npage = \"/sign-in\"\n\
             proof = \"main#account\"\ncertificate = true\n"
        )
    };
    let mut scene = Scene::with(Plan::default(), Layout::TwoOrigins, Given::InTls, steps)?;
    let card = CardHandle::new(samples::jane(), CardModel::T1)?;
    scene.lab.insert(0, &card)?;
    scene.lab.wait_until_whole(0)?;
    let lab = &scene.lab;
    lab.start_wizard(0, PORTAL)?;
    lab.wait_until_asked(0, 0)?;
    lab.answer_all(0, &[JANE, PASSWORD])?;

    let first = lab.wait_until_asked(0, 1)?;
    lab.answer(0, "999999")??;
    let again = lab.wait_for_wizard(0, "the PIN is asked for again", |wizard| {
        wizard.turn != first.turn && wizard.next_ask().is_some() && wizard.problem.is_some()
    })?;
    lab.answer(0, samples::PIN)??;
    scene.wait_for_label(0, "registered")?;

    let problem = again.problem.unwrap_or_default();
    assert_eq!(problem, "PIN not accepted; 2 tries are left.");
    assert_eq!(
        first.next_ask().map(|(_, ask)| ask.kind),
        Some(AskKind::Pin)
    );
    assert_eq!(card.log().pin_attempts(), 2);
    assert_eq!(scene.portal.registrations()?.len(), 1);
    Ok(())
}

#[test]
fn s66_two_register_by_hand_at_once_and_each_is_registered_as_themselves() -> anyhow::Result<()> {
    let (mut scene, janes) = Scene::with_jane(Layout::TwoOrigins)?;
    let johns = CardHandle::new(samples::john(), CardModel::T1)?;
    scene.lab.insert(1, &johns)?;
    scene.lab.wait_until_whole(1)?;
    let lab = &scene.lab;

    for reader in [0, 1] {
        lab.start_wizard(reader, PORTAL)?;
    }
    for (reader, user) in [(1, JOHN), (0, JANE)] {
        lab.wait_until_asked(reader, 0)?;
        lab.answer_all(reader, &[user, PASSWORD])?;
    }
    for reader in [0, 1] {
        lab.wait_until_asked(reader, 3)?;
        lab.answer_all(reader, &[PASSWORD, samples::PIN])?;
    }
    for reader in [0, 1] {
        scene.wait_for_label(reader, "registered")?;
    }

    let mut accounts: Vec<String> = (scene.portal.registrations()?.into_iter())
        .map(|one| one.account)
        .collect();
    accounts.sort();
    assert_eq!(accounts, [JANE, JOHN]);
    for (reader, user) in [(0, JANE), (1, JOHN)] {
        let kept = lab.confirmation(reader, PORTAL)?.unwrap();
        assert!(kept.text.contains(user), "{}", kept.text);
    }
    assert_eq!(janes.log().pin_attempts() + johns.log().pin_attempts(), 2);
    Ok(())
}

#[test]
fn s66_after_it_the_password_is_in_no_file_and_no_memory() -> anyhow::Result<()> {
    let mut scene = Scene::with(
        Plan::default(),
        Layout::TwoOrigins,
        Given::InTls,
        |profile| profile,
    )?;
    let card = CardHandle::new(samples::jane(), CardModel::T1)?;
    scene.lab.insert(0, &card)?;
    scene.lab.wait_until_whole(0)?;
    let lab = &scene.lab;
    scene.come_to_the_last_step(0, JANE)?;
    lab.answer(0, PASSWORD)??;
    // It waits for the PIN, and is there.
    assert!(
        is_in_memory(&scene, PASSWORD.as_bytes())?,
        "the search finds it"
    );
    lab.answer(0, samples::PIN)??;
    scene.wait_for_label(0, "registered")?;

    let encoded = "Wren-Quartz%267%2B43%25";
    let history: Vec<String> = lab.history()?.into_iter().map(|entry| entry.text).collect();
    let told = format!("{:?} {history:?}", lab.snapshot()?);
    assert!(told.contains("registering by hand is done"), "{told}");
    for secret in [PASSWORD, encoded] {
        assert!(!told.contains(secret), "{secret} is told");
        assert!(
            !is_in_memory(&scene, secret.as_bytes())?,
            "{secret} is in memory"
        );
        for path in files_below(lab.folder())? {
            // The portal's own side is another machine.
            if path.starts_with(lab.folder().join("portals")) {
                continue;
            }
            let bytes = fs::read(&path)?;
            assert!(
                !appears_in(secret.as_bytes(), &bytes),
                "in {}",
                path.display()
            );
        }
    }
    assert!(is_in_memory(&scene, b"by-hand")?);
    Ok(())
}

fn is_in_memory(scene: &Scene, bytes: &[u8]) -> anyhow::Result<bool> {
    let regions = memory_of(scene.lab.pid()?)?;
    Ok(regions.iter().any(|region| appears_in(bytes, region)))
}
