//! Notices that a portal shows before it lets anyone in.

use anyhow::{Context as _, bail};
use cac_common::cause::Kind;
use cac_common::interface::AcceptNotice;
use cac_common::registration::RegistrationStatus;

use crate::row::Row;
use crate::stage::{Stage, portal};

const NOTICE: &str = "You are using an information system that is invented.";

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
    let RegistrationStatus::NeedsConsent { notice } = stage.status(&shown)? else {
        bail!("no notice is shown");
    };
    // What stands on the button is accepted too, and so it is shown.
    assert_eq!(notice.text, format!("{NOTICE} I accept"));
    let accepted = AcceptNotice {
        card: shown.id.context("the card is known")?,
        visit: shown.visit,
        portal: stage.portal(),
        sha256: notice.sha256,
    };
    let lab = &stage.lab;
    lab.ask(async |client| client.accept_notice(&accepted).await)?;
    stage.wait_for("it is registered", |status| status.label() == "registered")?;

    assert_eq!((portal.sign_ins(), portal.registrations()?.len()), (1, 1));
    assert_eq!(lab.wait_for_entries("PIN typed", 1)?.len(), 1);
    stage.close()
}
