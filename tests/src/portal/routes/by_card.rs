//! Signing in by card, on one host or from one to the other.

use std::sync::atomic::Ordering;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::{Extension, Form};
use serde::Deserialize;

use super::{Peer, RequestError, Site, by_hand, consent, nonce, redirect, session};
use crate::portal::certificate::Holder;
use crate::portal::fault::Fault;
use crate::portal::host::Layout;
use crate::portal::pages::{self, forms};
use crate::portal::store::{NewSession, Purpose, Sessions, SignIn};

/// Where a token is taken back to.
pub(super) const RETURN: &str = "/sign-in/return";
/// Where the host of the accounts sends those who register by hand.
pub(super) const PRESENT_CARD: &str = "/present-card";

#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) token: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SamlResponse {
    #[serde(rename = "SAMLResponse")]
    token: String,
}

pub(super) async fn sign_in(
    State(site): State<Site>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    if let Some(notice) = consent::still_needed(&site, &headers).await? {
        return Ok(notice);
    }
    let certificate = match peer.certificate() {
        Ok(certificate) => certificate,
        Err(page) => return Ok(*page),
    };
    match site.shared.layout() {
        Layout::OneOrigin => admit(&site, &headers, &certificate).await,
        Layout::TwoOrigins => {
            let token = token(&site, certificate.to_vec(), Purpose::SignIn).await?;
            let account = site.shared.origins.account();
            redirect(
                StatusCode::FOUND,
                &format!("{account}{RETURN}?token={token}"),
            )
        }
        Layout::TwoOriginsByForm => {
            let token = token(&site, certificate.to_vec(), Purpose::SignIn).await?;
            let account = site.shared.origins.account();
            Ok(forms::travelling(&format!("{account}{RETURN}"), &token))
        }
    }
}

/// For those who register by hand: their session does not travel with a form
/// from another site, so the token goes in the address.
pub(super) async fn present(
    State(site): State<Site>,
    Extension(peer): Extension<Peer>,
) -> Result<Response, RequestError> {
    let certificate = match peer.certificate() {
        Ok(certificate) => certificate,
        Err(page) => return Ok(*page),
    };
    let token = token(&site, certificate.to_vec(), Purpose::Register).await?;
    let account = site.shared.origins.account();
    let to = format!("{account}{}?token={token}", by_hand::RETURN);
    redirect(StatusCode::FOUND, &to)
}

pub(super) async fn return_by_address(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(query): Query<Token>,
) -> Result<Response, RequestError> {
    come_back(&site, &headers, query.token).await
}

pub(super) async fn return_by_form(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(form): Form<SamlResponse>,
) -> Result<Response, RequestError> {
    come_back(&site, &headers, Some(form.token)).await
}

pub(super) async fn account(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let account = match session::id(&site, &headers) {
        Some(session) => {
            site.with_store(move |store| store.account_of(&session))
                .await?
        }
        None => None,
    };
    match account {
        Some(account) => Ok(pages::account(&account)),
        None => redirect(StatusCode::FOUND, "/"),
    }
}

async fn token(
    site: &Site,
    certificate: Vec<u8>,
    purpose: Purpose,
) -> Result<String, RequestError> {
    let token = nonce();
    let now = site.shared.now();
    site.with_store({
        let token = token.clone();
        move |store| store.add_token(&token, &certificate, purpose, now)
    })
    .await?;
    Ok(token)
}

async fn come_back(
    site: &Site,
    headers: &HeaderMap,
    token: Option<String>,
) -> Result<Response, RequestError> {
    let Some(token) = token else {
        return Ok(pages::token_refused());
    };
    let now = site.shared.now();
    let certificate = site
        .with_store(move |store| store.redeem(&token, Purpose::SignIn, now))
        .await?;
    match certificate {
        Some(certificate) => admit(site, headers, &certificate).await,
        None => Ok(pages::token_refused()),
    }
}

/// The end of every sign-in.
async fn admit(
    site: &Site,
    headers: &HeaderMap,
    certificate: &[u8],
) -> Result<Response, RequestError> {
    let holder = match Holder::from_der(certificate) {
        Ok(holder) => holder,
        Err(error) => {
            tracing::info!(%error, "certificate not accepted");
            return Ok(pages::certificate_not_accepted());
        }
    };
    let new = NewSession {
        id: nonce(),
        csrf: nonce(),
        before: session::id(site, headers),
        worth: match site.shared.fault(site.host) {
            Fault::StaleCookies => Sessions::FirstIsStale,
            Fault::Normal
            | Fault::Down
            | Fault::Slow(_)
            | Fault::Status { .. }
            | Fault::Connection(_)
            | Fault::Answer(_) => Sessions::Sound,
        },
    };
    let id = new.id.clone();
    let (terms, now) = (site.shared.terms, site.shared.now());
    let outcome = site
        .with_store(move |store| store.sign_in(&holder, &new, &terms, now))
        .await?;

    tracing::info!(?outcome, "sign-in answered");
    Ok(match outcome {
        SignIn::SignedIn => {
            site.shared.sign_ins.fetch_add(1, Ordering::SeqCst);
            let mut response = redirect(StatusCode::FOUND, "/account")?;
            session::set_cookie(site, &mut response, &id)?;
            response
        }
        SignIn::Unnamed => pages::certificate_not_accepted(),
        SignIn::NotListed => pages::user_not_found(),
        SignIn::NotAuthorised => pages::not_authorised(),
        SignIn::NoAccount => pages::no_account(),
        SignIn::NotEligible => pages::not_eligible(),
        SignIn::NeedsSponsor => pages::needs_sponsor(),
        SignIn::LockedOut { until } => site.locked_out(until),
        SignIn::HasAnotherCard { since } => pages::another_card(&since),
        SignIn::TooManyCards => pages::too_many_cards(),
        SignIn::Taken => pages::taken_card(),
    })
}
