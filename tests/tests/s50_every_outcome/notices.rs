//! Notices that a portal shows before it lets anyone in.

use anyhow::{Context as _, bail, ensure};
use cac_common::cause::Kind;
use cac_common::interface::AcceptNotice;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Card;
use cac_tests::harness::{LIMIT, PORTAL};
use cac_tests::portal::Host;
use cac_tests::virtual_card::samples;
use cac_tests::wait::wait_until;

use crate::row::Row;
use crate::stage::{Stage, named, portal};

const NOTICE: &str = "You are using an information system that is invented.";
const ANOTHER: &str = "You are using an information system that is invented, and watched.";

#[test]
fn s50_a_notice_is_shown_and_the_sign_in_goes_on_once_it_is_accepted() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |config| {
        config.notice = Some(NOTICE.to_owned());
    })?;
    let full = portal.full_profile();
    let without_form = full.replace("form#accept", "form#other");
    let row = |name: &str| Row::at(&portal, name);
    stage.play(&[
        row("shown")
            .by(full.clone())
            .is("needs your consent", 1)
            .saying("once you have read and accepted it"),
        row("a profile that names no form")
            .by(without_form)
            .is("unsupported", 1)
            .because(Kind::NoticeNotAcceptable),
        row("a profile that knows of no notice")
            .is("unrecognised", 1)
            .because(Kind::UnknownPage),
    ])?;
    assert_eq!(portal.sign_ins(), 0);

    let shown = stage.sign_in(&full)?;
    // What stands on the button is accepted too, and so it is shown.
    assert_eq!(accept(&stage, &shown)?, format!("{NOTICE} I accept"));

    assert_eq!((portal.sign_ins(), portal.registrations()?.len()), (1, 1));
    assert_eq!(stage.lab.wait_for_entries("PIN typed", 1)?.len(), 1);
    stage.close()
}

#[test]
fn s50_a_notice_that_was_accepted_is_shown_to_the_card_again_only_with_another_text()
-> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |config| {
        config.notice = Some(NOTICE.to_owned());
    })?;
    let full = portal.full_profile();
    let shown = stage.sign_in(&full)?;
    accept(&stage, &shown)?;
    let accepted = || portal.seen(Host::SignIn).requests_for("/consent").count;
    let pins = |stage: &Stage| stage.card.log().pin_attempts();
    // With another profile there is something to sign in for.
    let come_back = |stage: &mut Stage, recheck: &str| -> anyhow::Result<(usize, usize, usize)> {
        let profile = full
            .replacen(&named(PORTAL), &named(&stage.portal()), 1)
            .replace("recheck = \"30d\"", recheck);
        ensure!(
            profile.contains(recheck),
            "it says when it is checked again"
        );
        stage.lab.take_out(0)?;
        stage.lab.write_profile(&stage.portal(), &profile)?;
        stage.lab.insert(0, &stage.card)?;
        stage.wait_for("it is to be checked", |status| {
            matches!(
                status,
                RegistrationStatus::Registered {
                    recheck_due: true,
                    ..
                }
            )
        })?;
        let before = (portal.sign_ins(), accepted(), pins(stage));
        stage.lab.type_pin(0, samples::PIN)?;
        Ok(before)
    };

    let (sign_ins, times, sent) = come_back(&mut stage, "recheck = \"31d\"")?;
    wait_until("it is signed in to", LIMIT, || portal.sign_ins() > sign_ins)?;
    stage.wait_for("it is registered", |status| status.label() == "registered")?;
    assert_eq!(portal.sign_ins(), sign_ins + 1);
    assert_eq!(accepted(), times + 1, "the portal asks each time");
    assert_eq!(pins(&stage), sent + 1);

    portal.set_notice(Some(ANOTHER));
    let (sign_ins, times, sent) = come_back(&mut stage, "recheck = \"32d\"")?;
    stage.wait_for("it is shown", |status| {
        status.label() == "needs your consent"
    })?;
    assert_eq!((portal.sign_ins(), accepted()), (sign_ins, times));
    assert_eq!(pins(&stage), sent + 1);

    let shown = stage.lab.card(&stage.lab.snapshot()?, 0)?;
    assert_eq!(accept(&stage, &shown)?, format!("{ANOTHER} I accept"));
    assert_eq!((portal.sign_ins(), accepted()), (sign_ins + 1, times + 1));
    stage.close()
}

/// Once somebody has read it, which is its text, the card is registered.
fn accept(stage: &Stage, shown: &Card) -> anyhow::Result<String> {
    let RegistrationStatus::NeedsConsent { notice } = stage.status(shown)? else {
        bail!("no notice is shown");
    };
    let accepted = AcceptNotice {
        card: shown.id.clone().context("the card is known")?,
        visit: shown.visit,
        portal: stage.portal(),
        sha256: notice.sha256,
    };
    stage
        .lab
        .ask(async |client| client.accept_notice(&accepted).await)?;
    stage.wait_for("it is registered", |status| status.label() == "registered")?;
    Ok(notice.text)
}
