//! Registering a card by hand, in an account that was logged in to.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Form};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::by_card::{PRESENT_CARD, Token};
use super::{Csrf, Peer, RequestError, Site, redirect, session};
use crate::portal::certificate::Holder;
use crate::portal::pages::{self, forms};
use crate::portal::store::{ByHand, LogIn, Purpose, Session};
use crate::portal::terms::Given;

/// Where a token is taken back to.
pub(super) const RETURN: &str = "/account/card/return";
pub(super) const CONFIRMATION: &str = "/account/card/confirmation";

#[derive(Deserialize)]
pub(super) struct Registering {
    csrf: String,
    password: String,
    /// PEM, where it is given as text.
    certificate: Option<String>,
}

/// A session with somebody in it.
struct LoggedIn {
    session: Session,
    account: String,
}

pub(super) async fn cards(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let Some(LoggedIn { session, account }) = logged_in(&site, &headers).await? else {
        return to_the_log_in();
    };
    let cards = site
        .with_store(move |store| store.cards_of(&account))
        .await?;
    Ok(forms::cards(&cards, &session.csrf))
}

pub(super) async fn clear(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(form): Form<Csrf>,
) -> Result<Response, RequestError> {
    let Some(LoggedIn { session, account }) = logged_in(&site, &headers).await? else {
        return to_the_log_in();
    };
    if session.csrf != form.csrf {
        return Ok(forms::expired());
    }
    site.with_store(move |store| store.clear_cards(&account))
        .await?;
    redirect(StatusCode::SEE_OTHER, "/account/card")
}

pub(super) async fn form(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let given = site.shared.terms.given;
    match logged_in(&site, &headers).await? {
        Some(LoggedIn { session, .. }) => Ok(forms::password_again(&session.csrf, given, false)),
        None => to_the_log_in(),
    }
}

/// With the password again, then with the card: here, or at the host that asks
/// for it.
pub(super) async fn register(
    State(site): State<Site>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(form): Form<Registering>,
) -> Result<Response, RequestError> {
    let Some(LoggedIn { session, account }) = logged_in(&site, &headers).await? else {
        return to_the_log_in();
    };
    if session.csrf != form.csrf {
        return Ok(forms::expired());
    }
    let (terms, now) = (site.shared.terms, site.shared.now());
    let id = session.id.clone();
    let outcome = site
        .with_store(move |store| {
            let outcome = store.check_password(&account, &form.password, &terms.lockout, now)?;
            if outcome == LogIn::Right {
                store.allow_registration(&id)?;
            }
            Ok(outcome)
        })
        .await?;
    match outcome {
        LogIn::WrongNameOrPassword => {
            return Ok(forms::password_again(&session.csrf, terms.given, true));
        }
        LogIn::LockedOut { until } => return Ok(site.locked_out(until)),
        LogIn::Right => {}
    }
    if terms.given == Given::AsText {
        let text = form.certificate.unwrap_or_default();
        return match CertificateDer::from_pem_slice(text.as_bytes()) {
            Ok(certificate) => tie(&site, session.id, &certificate).await,
            Err(_) => Ok(pages::certificate_not_accepted()),
        };
    }
    if let Some((sign_in, _account)) = site.shared.origins.apart() {
        return redirect(StatusCode::SEE_OTHER, &format!("{sign_in}{PRESENT_CARD}"));
    }
    match peer.certificate() {
        Ok(certificate) => tie(&site, session.id, &certificate).await,
        Err(page) => Ok(*page),
    }
}

/// Back from the host that asks for the card.
pub(super) async fn register_with_token(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(query): Query<Token>,
) -> Result<Response, RequestError> {
    let Some(LoggedIn { session, .. }) = logged_in(&site, &headers).await? else {
        return to_the_log_in();
    };
    let Some(token) = query.token else {
        return Ok(pages::token_refused());
    };
    let now = site.shared.now();
    let certificate = site
        .with_store(move |store| store.redeem(&token, Purpose::Register, now))
        .await?;
    match certificate {
        Some(certificate) => tie(&site, session.id, &certificate).await,
        None => Ok(pages::token_refused()),
    }
}

pub(super) async fn confirmation(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let card = match session::id(&site, &headers) {
        Some(session) => {
            site.with_store(move |store| store.card_of_session(&session))
                .await?
        }
        None => None,
    };
    match card {
        Some(card) => Ok(forms::confirmation(&card)),
        None => redirect(StatusCode::FOUND, "/account/card"),
    }
}

async fn tie(site: &Site, session: String, certificate: &[u8]) -> Result<Response, RequestError> {
    let Ok(holder) = Holder::from_der(certificate) else {
        return Ok(pages::certificate_not_accepted());
    };
    let (terms, now) = (site.shared.terms, site.shared.now());
    let outcome = site
        .with_store(move |store| store.register_by_hand(&session, &holder, &terms, now))
        .await?;

    tracing::info!(?outcome, "registration by hand answered");
    match outcome {
        ByHand::Registered => redirect(StatusCode::SEE_OTHER, CONFIRMATION),
        ByHand::NotAsked => Ok(forms::expired()),
        ByHand::NotTheirs => Ok(forms::not_theirs()),
        ByHand::TooManyCards => Ok(pages::too_many_cards()),
        ByHand::Taken => Ok(pages::taken_card()),
    }
}

async fn logged_in(site: &Site, headers: &HeaderMap) -> Result<Option<LoggedIn>, RequestError> {
    let session = session::current(site, headers).await?;
    Ok(session.and_then(|session| {
        let account = session.account.clone()?;
        Some(LoggedIn { session, account })
    }))
}

fn to_the_log_in() -> Result<Response, RequestError> {
    redirect(StatusCode::FOUND, "/login")
}
