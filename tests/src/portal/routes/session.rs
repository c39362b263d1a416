//! The cookie, and the session it stands for.

use axum::http::header::InvalidHeaderValue;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

use super::{RequestError, Site, nonce};
use crate::portal::host::Host;
use crate::portal::store::Session;

/// Cookies are told apart by the host's name and not by its port, so each
/// host has one of its own.
pub(super) fn cookie_name(site: &Site) -> &'static str {
    match site.host {
        Host::SignIn => "portal_session",
        Host::Account => "account_session",
    }
}

pub(super) fn id(site: &Site, headers: &HeaderMap) -> Option<String> {
    cookies(headers)
        .find(|(name, _)| *name == cookie_name(site))
        .map(|(_, session)| session.to_owned())
}

pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

pub(super) fn set_cookie(
    site: &Site,
    response: &mut Response,
    session: &str,
) -> Result<(), InvalidHeaderValue> {
    let name = cookie_name(site);
    let cookie = format!("{name}={session}; Path=/; HttpOnly; Secure; SameSite=Lax");
    let cookie = HeaderValue::from_str(&cookie)?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(())
}

/// The one the cookie names, if there is one.
pub(super) async fn current(
    site: &Site,
    headers: &HeaderMap,
) -> Result<Option<Session>, RequestError> {
    match id(site, headers) {
        Some(id) => site.with_store(move |store| store.session(&id)).await,
        None => Ok(None),
    }
}

/// The one the cookie names, or else a new one that is nobody's yet.
pub(super) async fn some(site: &Site, headers: &HeaderMap) -> Result<Session, RequestError> {
    if let Some(session) = current(site, headers).await? {
        return Ok(session);
    }
    let session = Session {
        id: nonce(),
        csrf: nonce(),
        account: None,
        notice: None,
    };
    let (id, csrf) = (session.id.clone(), session.csrf.clone());
    let now = site.shared.now();
    site.with_store(move |store| store.open_session(&id, &csrf, now))
        .await?;
    Ok(session)
}
