//! Portals of two origins: one that asks for the card, and one that has the accounts.

use std::time::Duration;

use axum::http::StatusCode;
use cac_common::cause::Kind;
use cac_tests::portal::authority::{Authority, ServerFlaw};
use cac_tests::portal::{
    Alert, AnswerFault, ConnectionFault, Fault, Host, Layout, Moment, Parting, ReferencePortal,
    Shown,
};

use crate::row::{Row, Then};
use crate::stage::{Stage, portal};

#[test]
fn s50_a_token_in_the_address_leads_to_the_account_at_the_other_origin() -> anyhow::Result<()> {
    registered_at(Layout::TwoOrigins)
}

#[test]
fn s50_a_form_that_sends_itself_leads_to_the_account_at_the_other_origin() -> anyhow::Result<()> {
    registered_at(Layout::TwoOriginsByForm)
}

fn registered_at(layout: Layout) -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |config| config.layout = layout)?;

    stage.play(&[Row::at(&portal, "two origins")])?;

    let (sign_in, account) = (portal.seen(Host::SignIn), portal.seen(Host::Account));
    assert_eq!((sign_in.certificates, account.certificates), (1, 0));
    assert_eq!(account.requests_for("/sign-in/return").cookies, 0);
    assert_eq!(account.requests_for("/account").count, 1);
    assert_eq!(portal.registrations()?.len(), 1);

    let by_profile = portal.profile().replace(
        &format!(
            "redirect_origins = [\"{}\"]",
            portal.origin_of(Host::Account)
        ),
        "redirect_origins = []",
    );
    stage.play(&[
        Row::at(&portal, "the profile does not name the other origin")
            .by(by_profile)
            .is("unsupported", 1)
            .because(Kind::RedirectsAway),
    ])?;

    assert_eq!(
        portal.seen(Host::Account),
        account,
        "nothing was sent there"
    );
    stage.close()
}

#[test]
fn s50_whatever_fails_at_the_host_of_the_accounts_is_not_blamed_on_the_card() -> anyhow::Result<()>
{
    let mut stage = Stage::open()?;
    let portal = portal(&stage, "portal", |config| {
        config.layout = Layout::TwoOrigins;
    })?;
    let parted = |with, at| Fault::Connection(ConnectionFault::Parted { with, at });
    let row = |name: &str, fault| at_the_accounts(&portal, name, fault);
    let failing = |name: &str, fault, kind| {
        let row = row(name, fault).is("waiting", 1).because(kind);
        row.then(Then::GoesOn)
    };
    let unavailable = Fault::Status {
        code: StatusCode::SERVICE_UNAVAILABLE,
        retry_after: None,
    };
    let a_minute = Duration::from_mins(1);
    let shown = |page| Fault::Answer(AnswerFault::Page(page));

    stage.play(&[
        failing("down", Fault::Down, Kind::ConnectionRefused),
        failing("busy", unavailable, Kind::PortalBusy),
        failing(
            "closes",
            parted(Parting::Close, Moment::Hello),
            Kind::ConnectionClosed,
        ),
        failing(
            "resets",
            parted(Parting::Reset, Moment::Request),
            Kind::ConnectionClosed,
        ),
        row(
            "alert",
            parted(Parting::Alert(Alert::HandshakeFailure), Moment::Hello),
        )
        .is("unsupported", 1)
        .because(Kind::TlsTrouble),
        row(
            "wants to ask late",
            parted(Parting::Alert(Alert::MissingExtension), Moment::Request),
        )
        .is("unsupported", 1)
        .because(Kind::AsksLatePostHandshake),
        row("locked", shown(Shown::Locked(a_minute)))
            .by(portal.full_profile())
            .is("locked out", 1),
        row("not found", shown(Shown::NotFound))
            .by(portal.full_profile())
            .is("not found", 1),
    ])?;

    stage.close()
}

#[test]
fn s50_a_host_of_the_accounts_that_cannot_be_trusted_gets_no_token() -> anyhow::Result<()> {
    let mut stage = Stage::open()?;
    let flawed = Authority::new()?.flawed_server(&ServerFlaw::Expired)?;
    let portal = portal(&stage, "portal", |config| {
        config.layout = Layout::TwoOrigins;
        config.account_identity = Some(flawed);
    })?;

    stage.play(&[Row::at(&portal, "untrusted")
        .is("unsupported", 1)
        .because(Kind::ServerExpired)])?;

    assert_eq!(portal.seen(Host::Account).requests().count, 0);
    stage.close()
}

fn at_the_accounts<'a>(portal: &'a ReferencePortal, name: &str, fault: Fault) -> Row<'a> {
    Row {
        host: Some(Host::Account),
        ..Row::at(portal, name).with(fault)
    }
}
