//! Logging in by user name and password.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::{Form, RequestError, Site, nonce, redirect, session};
use crate::portal::pages::forms;
use crate::portal::store::LogIn;

#[derive(Deserialize)]
pub(super) struct Credentials {
    csrf: String,
    user: String,
    password: String,
}

pub(super) async fn form(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    shown(&site, &headers).await
}

/// The form, in a session that its answer has to come with.
pub(super) async fn shown(site: &Site, headers: &HeaderMap) -> Result<Response, RequestError> {
    let session = session::some(site, headers).await?;
    let mut page = forms::log_in(&session.csrf, false);
    session::set_cookie(site, &mut page, &session.id)?;
    Ok(page)
}

pub(super) async fn log_in(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Result<Response, RequestError> {
    let session = session::current(&site, &headers).await?;
    let Some(session) = session.filter(|session| session.csrf == form.csrf) else {
        return Ok(forms::expired());
    };
    let new = [nonce(), nonce()];
    let [id, csrf] = new.clone();
    let (terms, now) = (site.shared.terms, site.shared.now());
    let before = session.id;
    let outcome = site
        .with_store(move |store| {
            let outcome = store.check_password(&form.user, &form.password, &terms.lockout, now)?;
            if outcome == LogIn::Right {
                store.log_in(&form.user, [&id, &csrf], &before, now)?;
            }
            Ok(outcome)
        })
        .await?;

    tracing::info!(?outcome, "log-in answered");
    Ok(match outcome {
        LogIn::Right => {
            let [id, _csrf] = new;
            let mut response = redirect(StatusCode::SEE_OTHER, "/home")?;
            session::set_cookie(&site, &mut response, &id)?;
            response
        }
        LogIn::WrongNameOrPassword => forms::log_in(&session.csrf, true),
        LogIn::LockedOut { until } => site.locked_out(until),
    })
}

pub(super) async fn home(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let session = session::current(&site, &headers).await?;
    match session.and_then(|session| session.account) {
        Some(account) => Ok(forms::home(&account)),
        None => redirect(StatusCode::FOUND, "/login"),
    }
}
