//! What stands in the way, at each step.

use anyhow::{bail, ensure};
use cac_common::cause::{Cause, Kind};
use cac_common::interface::Refusal;
use cac_common::wizard::{Move, Wizard, WizardState};
use cac_tests::harness::{Plan, refusal};
use cac_tests::portal::{Fault, Given, Layout};
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

use crate::scene::{JANE, PASSWORD, PORTAL, Scene};

#[test]
fn s66_a_wrong_password_is_sent_once_and_the_lock_is_told_before_the_next() -> anyhow::Result<()> {
    let (scene, card) = Scene::with_jane(Layout::TwoOrigins)?;
    let lab = &scene.lab;
    lab.start_wizard(0, PORTAL)?;

    // At the log-in, then where it is asked for again.
    let first = lab.wait_until_asked(0, 0)?;
    lab.answer_all(0, &[JANE, "wrong"])?;
    let again = asked_again(&scene, &first)?;
    lab.answer_all(0, &[JANE, PASSWORD])?;
    let last = lab.wait_until_asked(0, 3)?;
    lab.answer_all(0, &["wrong", samples::PIN])?;
    let twice = asked_again(&scene, &last)?;
    assert_eq!(card.log().pin_attempts(), 0, "the card was not needed");
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;
    scene.wait_for_label(0, "registered")?;

    assert_eq!(first.caution, None);
    assert!(says(again.problem.as_ref(), "did not take"), "{again:?}");
    assert!(
        says(
            again.caution.as_ref(),
            "after 3 wrong passwords, for 15 minutes"
        ),
        "{again:?}"
    );
    assert!(
        says(twice.caution.as_ref(), "One more may lock it"),
        "{twice:?}"
    );
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s66_an_account_that_is_locked_ends_it_and_is_told() -> anyhow::Result<()> {
    let (scene, _card) = Scene::with_jane(Layout::OneOrigin)?;
    let lab = &scene.lab;
    lab.start_wizard(0, PORTAL)?;
    let mut before = lab.wait_until_asked(0, 0)?;
    for _ in 0..2 {
        lab.answer_all(0, &[JANE, "wrong"])?;
        before = asked_again(&scene, &before)?;
    }
    lab.answer_all(0, &[JANE, "wrong"])?;

    let stopped = wait_until_stopped(&scene, 0)?;

    assert_eq!(cause(&stopped)?.kind, Kind::SaidByPortal);
    scene.wait_for_label(0, "locked out")?;
    Ok(())
}

#[test]
fn s66_stopped_at_each_step_nothing_is_left_of_it_and_it_can_be_begun_again() -> anyhow::Result<()>
{
    let (scene, card) = Scene::with_jane(Layout::TwoOrigins)?;
    let lab = &scene.lab;
    lab.start_wizard(0, PORTAL)?;
    lab.wait_until_asked(0, 0)?;
    let second = lab.start_wizard(0, PORTAL).unwrap_err();
    lab.answer(0, JANE)??;
    lab.move_wizard(0, Move::Stop)?;
    scene.come_to_the_last_step(0, JANE)?;
    lab.answer(0, PASSWORD)??;
    lab.move_wizard(0, Move::Stop)?;
    lab.wait_for_card(0, "nobody registers", |card| card.wizard.is_none())?;
    assert_eq!(scene.portal.registrations()?.len(), 0);
    assert_eq!(card.log().pin_attempts(), 0);

    // Back to the log-in, and on.
    scene.come_to_the_last_step(0, JANE)?;
    lab.move_wizard(0, Move::Back)?;
    lab.wait_until_asked(0, 0)?;
    lab.answer_all(0, &[JANE, PASSWORD])?;
    lab.wait_until_asked(0, 3)?;
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;
    scene.wait_for_label(0, "registered")?;

    ensure!(second.to_string().contains("by hand already"), "{second:?}");
    Ok(())
}

#[test]
fn s66_a_portal_that_goes_away_at_a_step_is_told_and_the_step_goes_on_when_it_is_back()
-> anyhow::Result<()> {
    let (scene, card) = Scene::with_jane(Layout::TwoOrigins)?;
    let lab = &scene.lab;
    scene.portal.set_fault(Fault::Down)?;
    lab.start_wizard(0, PORTAL)?;
    let gone_at_first = wait_until_stopped(&scene, 0)?;
    scene.portal.set_fault(Fault::Normal)?;
    lab.move_wizard(0, Move::Again)?;
    lab.wait_until_asked(0, 0)?;
    scene.portal.set_fault(Fault::Down)?;
    lab.answer_all(0, &[JANE, PASSWORD])?;
    let gone_at_log_in = wait_until_stopped(&scene, 0)?;
    scene.portal.set_fault(Fault::Normal)?;
    lab.move_wizard(0, Move::Again)?;
    lab.wait_until_asked(0, 0)?;
    lab.answer_all(0, &[JANE, PASSWORD])?;
    lab.wait_until_asked(0, 3)?;
    scene.portal.set_fault(Fault::Down)?;
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;
    let gone_at_last = wait_until_stopped(&scene, 3)?;
    assert_eq!(
        card.log().pin_attempts(),
        0,
        "the portal was not there to sign for"
    );
    scene.portal.set_fault(Fault::Normal)?;
    lab.move_wizard(0, Move::Again)?;
    lab.wait_until_asked(0, 3)?;
    // Taken, and not answered.
    let breaks_off: Fault = "close at request".parse()?;
    scene.portal.set_fault(breaks_off)?;
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;
    let broken_off = wait_until_stopped(&scene, 3)?;
    scene.portal.set_fault(Fault::Normal)?;
    lab.move_wizard(0, Move::Again)?;
    lab.wait_until_asked(0, 3)?;
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;
    scene.wait_for_label(0, "registered")?;

    for gone in [gone_at_first, gone_at_log_in, gone_at_last] {
        assert_eq!(cause(&gone)?.kind, Kind::ConnectionRefused, "{gone:?}");
        assert_eq!(gone.problem, None, "{gone:?}");
    }
    assert!(
        says(broken_off.problem.as_ref(), "not known"),
        "{broken_off:?}"
    );
    Ok(())
}

#[test]
fn s66_a_session_that_is_over_leads_back_to_the_log_in_and_nothing_is_sent_again()
-> anyhow::Result<()> {
    let (scene, card) = Scene::with_jane(Layout::TwoOrigins)?;
    let lab = &scene.lab;
    scene.come_to_the_last_step(0, JANE)?;
    scene.portal.end_sessions()?;
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;

    let back = lab.wait_until_asked(0, 0)?;
    lab.answer_all(0, &[JANE, PASSWORD])?;
    lab.wait_until_asked(0, 3)?;
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;
    scene.wait_for_label(0, "registered")?;

    assert!(says(back.problem.as_ref(), "session is over"), "{back:?}");
    assert_eq!(card.log().pin_attempts(), 1);
    Ok(())
}

#[test]
fn s66_a_page_that_has_changed_ends_it_with_what_was_seen() -> anyhow::Result<()> {
    for (from, to, at, wanted) in [
        ("form#log-in-form\"", "form#log-in-2\"", 0, "form#log-in-2"),
        ("main#home\"", "main#welcome\"", 0, "main#welcome"),
        ("\"main#card\"", "\"main#cards\"", 2, "main#cards"),
        ("\"user\", label", "\"name\", label", 0, "field name"),
        ("main#confirmation\"", "main#receipt\"", 3, "main#receipt"),
    ] {
        let mut scene = Scene::with(
            Plan::default(),
            Layout::TwoOrigins,
            Given::InTls,
            |profile| {
                let (rules, steps) = profile.split_once("[[wizard]]").unwrap();
                format!("{rules}[[wizard]]{}", steps.replace(from, to))
            },
        )?;
        let card = CardHandle::new(samples::jane(), CardModel::T1)?;
        scene.lab.insert(0, &card)?;
        scene.lab.wait_until_whole(0)?;
        let lab = &scene.lab;
        lab.start_wizard(0, PORTAL)?;
        if wanted != "form#log-in-2" {
            lab.wait_until_asked(0, 0)?;
            lab.answer_all(0, &[JANE, PASSWORD])?;
        }
        if at == 3 {
            lab.wait_until_asked(0, 3)?;
            lab.answer_all(0, &[PASSWORD, samples::PIN])?;
        }

        let stopped = wait_until_stopped(&scene, at)?;

        let cause = cause(&stopped)?;
        assert_eq!(cause.kind, Kind::OtherPage, "{stopped:?}");
        assert!(cause.detail.contains(wanted), "{stopped:?}");
    }
    Ok(())
}

#[test]
fn s66_a_wrong_pin_is_sent_once_and_the_step_is_asked_for_again() -> anyhow::Result<()> {
    let (scene, card) = Scene::with_jane(Layout::TwoOriginsByForm)?;
    let lab = &scene.lab;
    scene.come_to_the_last_step(0, JANE)?;
    let last = lab.wait_until_asked(0, 3)?;
    let malformed = {
        lab.answer(0, PASSWORD)??;
        refusal(lab.answer(0, "12345")?)?
    };
    lab.answer(0, "999999")??;
    let again = asked_again(&scene, &last)?;
    lab.answer_all(0, &[PASSWORD, samples::PIN])?;
    scene.wait_for_label(0, "registered")?;

    assert_eq!(malformed, Refusal::MalformedPin);
    assert!(says(again.problem.as_ref(), "PIN"), "{again:?}");
    assert_eq!(card.log().pin_attempts(), 2);
    assert_eq!(card.tries_left(), 3);
    Ok(())
}

fn asked_again(scene: &Scene, before: &Wizard) -> anyhow::Result<Wizard> {
    scene
        .lab
        .wait_for_wizard(0, "the same is asked again", |wizard| {
            let asks = matches!(wizard.state, WizardState::Asking { .. });
            asks && wizard.at == before.at && wizard.turn != before.turn && wizard.problem.is_some()
        })
}

fn wait_until_stopped(scene: &Scene, at: u32) -> anyhow::Result<Wizard> {
    scene.lab.wait_for_wizard(0, "it has stopped", |wizard| {
        wizard.at == at && matches!(wizard.state, WizardState::Stopped { .. })
    })
}

fn cause(wizard: &Wizard) -> anyhow::Result<&Cause> {
    let WizardState::Stopped { cause } = &wizard.state else {
        bail!("it has not stopped: {wizard:?}");
    };
    Ok(cause)
}

fn says(text: Option<&String>, part: &str) -> bool {
    text.is_some_and(|text| text.contains(part))
}
