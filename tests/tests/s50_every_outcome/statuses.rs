//! Where a card stands that a portal has met before, or another card of its holder.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use axum::http::StatusCode;
use cac_common::cause::Kind;
use cac_common::registration::RegistrationStatus;
use cac_tests::clock;
use cac_tests::harness::{Lab, PORTAL, the_card_of};
use cac_tests::portal::{Lockout, Renewal, Terms};
use cac_tests::virtual_card::card_file::{CardFile, Slot};
use cac_tests::virtual_card::certificate::Validity;
use cac_tests::virtual_card::key::KeyAlgorithm;
use cac_tests::virtual_card::person::Person;
use cac_tests::virtual_card::{CardHandle, CardModel, samples};

use crate::row::{Row, cause};
use crate::stage::{Stage, portal, status};

/// The same card with the certificates, and so the keys, of another.
fn renewed(card: &CardFile, with: &CardFile) -> anyhow::Result<CardFile> {
    let (old, new) = (tempfile::tempdir()?, tempfile::tempdir()?);
    card.save(old.path())?;
    with.save(new.path())?;
    for slot in Slot::ALL {
        for ending in ["crt", "key"] {
            let name = format!("{:02x}.{ending}", slot.reference());
            fs::copy(new.path().join(&name), old.path().join(&name))?;
        }
    }
    Ok(CardFile::load(old.path())?)
}

fn another_card_of_john() -> anyhow::Result<CardFile> {
    the_card_of(Person::john_roe(), KeyAlgorithm::P256, samples::PIN)
}

#[test]
fn s50_who_is_registered_already_is_registered_and_nothing_changes() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;

    stage.play(&[Row::at(&portal, "new"), Row::at(&portal, "already there")])?;

    assert_eq!(portal.registrations()?.len(), 1);
    assert_eq!(portal.sign_ins(), 2);
    stage.close()
}

#[test]
fn s50_a_renewed_certificate_and_a_second_card_are_out_of_date_and_sign_in_again()
-> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let by_hand = portal(&stage, "by-hand", |config| {
        config.terms.renewal = Renewal::ByHand;
    })?;
    let one_card = portal(&stage, "one-card", |config| {
        config.terms.most_cards = Some(1);
    })?;
    let wizard = |portal, name: &str| Row::at(portal, name).is("needs the wizard", 1);
    stage.play(&[
        Row::at(&by_hand, "the first card"),
        Row::at(&one_card, "the first card"),
    ])?;

    stage.change_card(&renewed(samples::john(), &another_card_of_john()?)?)?;
    assert_eq!(stage.lab.portal().registrations()?.len(), 2);
    stage.change_card(&another_card_of_john()?)?;
    assert_eq!(stage.lab.portal().registrations()?.len(), 3);

    stage.play(&[
        wizard(&by_hand, "another card, by hand alone").by(by_hand.full_profile()),
        wizard(&one_card, "more cards than there may be").by(one_card.full_profile()),
    ])?;
    stage.close()
}

#[test]
fn s50_a_registration_that_is_due_stays_and_is_checked_with_the_next_pin() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.welcome(samples::john())?;
    let profile = lab.portal().profile();
    let soon = profile.replace("recheck = \"30d\"", "recheck = \"1s\"");
    ensure!(soon != profile, "the profile says when it is checked again");
    let card = CardHandle::new(samples::john(), CardModel::T1)?;
    lab.register(0, &card, samples::PIN)?;
    let is_due = |due| {
        lab.wait_for_card(0, "it is registered, and due or not", |card| {
            status(card, PORTAL).is_ok_and(|status| {
                matches!(status, RegistrationStatus::Registered { recheck_due, .. }
                    if recheck_due == due)
            })
        })
    };
    is_due(false)?;

    lab.write_profile(PORTAL, &soon)?;
    let due = is_due(true)?;

    let advice = status(&due, PORTAL)?.advice().unwrap_or_default();
    assert!(advice.contains("the next PIN you type"), "{advice}");
    assert_eq!((card.log().pin_attempts(), lab.portal().sign_ins()), (1, 1));
    lab.write_profile(PORTAL, &profile)?;
    lab.type_pin(0, samples::PIN)?;
    is_due(false)?;
    assert_eq!((card.log().pin_attempts(), lab.portal().sign_ins()), (2, 2));
    assert_eq!(lab.portal().registrations()?.len(), 1);
    Ok(())
}

#[test]
fn s50_an_account_that_is_locked_is_left_alone() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let lasts = Duration::from_mins(15);
    let terms = |status| Terms {
        lockout: Lockout {
            after: 3,
            lasts,
            status,
        },
        ..Terms::default()
    };
    let with_200 = portal(&stage, "with-200", |config| {
        config.terms = terms(StatusCode::OK);
    })?;
    let with_423 = portal(&stage, "with-423", |config| {
        config.terms = terms(StatusCode::LOCKED);
    })?;
    for portal in [&with_200, &with_423] {
        portal.lock("john.roe", lasts)?;
    }
    let row = |portal, name: &str| Row::at(portal, name).is("locked out", 1);

    stage.play(&[
        row(&with_200, "with 200").by(with_200.full_profile()),
        row(&with_423, "with 423").by(with_423.full_profile()),
    ])?;

    with_423.let_pass(lasts);
    stage.play(&[Row::at(&with_423, "afterwards").by(with_423.full_profile())])?;
    stage.close()
}

#[test]
fn s50_a_certificate_that_the_portal_does_not_want_is_told_as_such() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |_| {})?;
    let authentication = "certificate = \"authentication\"";
    let signature = portal
        .profile()
        .replace(authentication, "certificate = \"signature\"");

    stage.play(&[Row::at(&portal, "the signature certificate")
        .by(signature)
        .rejected(Kind::WrongUse)])?;

    stage.close()
}

#[test]
fn s50_a_card_out_of_its_time_is_rejected_before_anyone_is_asked() -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    let now = clock::now();
    let day = Duration::from_hours(24);
    let early = Validity {
        not_before: now + day,
        not_after: now + 365 * day,
    };
    let order = samples::order(Person::john_roe(), KeyAlgorithm::P256, early);
    let not_yet = samples::authority().issue_card(&order)?;

    for (card, kind) in [
        (samples::expired(), Kind::CertificateExpired),
        (&not_yet, Kind::CertificateNotYetValid),
    ] {
        let card = CardHandle::new(card, CardModel::T1)?;
        lab.insert(0, &card)?;
        let shown = lab.wait_for_status(0, "rejected")?;
        let stands = status(&shown, PORTAL)?;
        assert_eq!(cause(&stands).map(|cause| cause.kind), Some(kind));
        assert!(stands.advice().is_some_and(|advice| !advice.is_empty()));
        assert!(
            lab.type_pin(0, samples::PIN).is_err(),
            "there is no use for a PIN"
        );
        assert_eq!((card.log().pin_attempts(), card.tries_left()), (0, 3));
        lab.take_out(0)?;
    }
    assert_eq!(lab.portal().connections(), 0);
    Ok(())
}
