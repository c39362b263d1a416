//! The portal cannot be reached, or is too busy: what is waited for, and whether the PIN outlives it.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::StatusCode;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Card;
use cac_tests::harness::{Plan, john};
use cac_tests::portal::Fault;
use cac_tests::virtual_card::{CardModel, samples};

/// What the busy portal asks for.
const RETRY_AFTER: Duration = Duration::from_mins(2);

#[test]
fn s05_a_pin_that_is_kept_goes_on_by_itself_when_the_portal_is_back() -> anyhow::Result<()> {
    let mut lab = Plan::default()
        .settings("[pin]\nkeep = \"5m\"\n[retry]\nfirst_wait = \"1s\"\nlongest_wait = \"1s\"\n")
        .start()?;
    lab.welcome(samples::john())?;
    lab.portal().set_fault(Fault::Down)?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let read = card.log().count();

    lab.type_pin(0, samples::PIN)?;
    lab.wait_for("two sign-ins have failed", |snapshot| {
        let card = lab.card(snapshot, 0);
        card.is_ok_and(|card| waiting(&card).is_some_and(|(_, attempt)| attempt >= 2))
    })?;
    assert_eq!(
        card.log().count(),
        read,
        "a portal that is away costs the card nothing"
    );
    lab.portal().set_fault(Fault::Normal)?;
    lab.wait_for_status(0, "registered")?;

    let log = card.log();
    assert_eq!((log.pin_attempts(), log.key_operations()), (1, 1));
    assert_eq!(lab.portal().registrations()?.len(), 1);
    lab.wait_for_entries("registered to account", 1)?;
    assert_eq!(lab.wait_for_entries("PIN typed", 1)?.len(), 1);
    Ok(())
}

#[test]
fn s05_a_pin_kept_for_the_sign_in_alone_is_asked_for_again() -> anyhow::Result<()> {
    let mut lab = Plan::default()
        .settings("[retry]\nfirst_wait = \"1s\"\nlongest_wait = \"1s\"\n")
        .start()?;
    lab.welcome(samples::john())?;
    lab.portal().set_fault(Fault::Down)?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;
    lab.wait_until_whole(0)?;
    let read = card.log().count();

    lab.type_pin(0, samples::PIN)?;
    let snapshot = lab.wait_for("a time is told", |snapshot| {
        lab.label(snapshot, 0) == Some("waiting")
    })?;
    let (until, attempt) = waiting(&lab.card(&snapshot, 0)?).context("it waits")?;
    assert_eq!(attempt, 1);
    assert!(until >= shown.inserted_at, "{until:?}");
    lab.portal().set_fault(Fault::Normal)?;
    lab.wait_for_status(0, "needs PIN")?;
    assert_eq!(card.log().count(), read, "the card was left alone");
    assert_eq!(lab.portal().requests(), 0);

    lab.type_pin(0, samples::PIN)?;
    lab.wait_for_status(0, "registered")?;
    let log = card.log();
    assert_eq!((log.pin_attempts(), log.key_operations()), (1, 1));
    Ok(())
}

#[test]
fn s05_a_busy_portal_gets_the_time_it_asks_for() -> anyhow::Result<()> {
    let mut lab = Plan::default()
        .settings("[retry]\nfirst_wait = \"1s\"\nlongest_wait = \"1s\"\n")
        .start()?;
    lab.welcome(samples::john())?;
    lab.portal().set_fault(Fault::Status {
        code: StatusCode::SERVICE_UNAVAILABLE,
        retry_after: Some(RETRY_AFTER),
    })?;
    let card = john(CardModel::T1)?;
    lab.insert(0, &card)?;
    let shown = lab.wait_for_status(0, "needs PIN")?;

    lab.type_pin(0, samples::PIN)?;
    let busy = lab.wait_for_status(0, "waiting")?;

    let (until, _) = waiting(&busy).context("it waits")?;
    assert!(
        until.since(shown.inserted_at) >= RETRY_AFTER,
        "the portal's own time counts, not ours: {:?}",
        until.since(shown.inserted_at)
    );
    assert_eq!(card.log().pin_attempts(), 1);
    assert!(!card.pin_is_verified(), "it waits with the card logged out");
    assert!(lab.portal().registrations()?.is_empty());
    Ok(())
}

fn waiting(card: &Card) -> Option<(cac_common::time::UtcSeconds, u32)> {
    card.registrations.iter().find_map(|registration| {
        if let RegistrationStatus::Waiting { until, attempt, .. } = &registration.status {
            Some((*until, *attempt))
        } else {
            None
        }
    })
}
