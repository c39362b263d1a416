//! The notice that has to be accepted before signing in goes on.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::session;
use super::{Csrf, Form, RequestError, Site, redirect};
use crate::portal::pages::forms;

/// The page with the notice, unless this session has accepted it, word for word.
pub(super) async fn still_needed(
    site: &Site,
    headers: &HeaderMap,
) -> Result<Option<Response>, RequestError> {
    let Some(notice) = site.shared.notice() else {
        return Ok(None);
    };
    let session = session::some(site, headers).await?;
    if session.notice.as_ref() == Some(&notice) {
        return Ok(None);
    }
    let mut page = forms::consent(&notice, &session.csrf);
    session::set_cookie(site, &mut page, &session.id)?;
    Ok(Some(page))
}

pub(super) async fn accept(
    State(site): State<Site>,
    headers: HeaderMap,
    Form(form): Form<Csrf>,
) -> Result<Response, RequestError> {
    let session = session::current(&site, &headers).await?;
    let session = session.filter(|session| session.csrf == form.csrf);
    let (Some(session), Some(notice)) = (session, site.shared.notice()) else {
        return Ok(forms::expired());
    };
    site.with_store(move |store| store.accept_notice(&session.id, &notice))
        .await?;
    redirect(StatusCode::SEE_OTHER, "/sign-in")
}
