//! Which request gets which page.

mod by_card;
mod by_hand;
mod by_password;
mod consent;
mod fault;
mod session;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use tokio::task::{self, JoinError};

use super::host::{Host, Layout};
use super::pages;
use super::pages::foreign::F5_LOG_OUT;
use super::server::Shared;
use super::store::{Store, StoreError};

/// The certificate that came with the connection.
#[derive(Clone)]
pub(super) enum Peer {
    None,
    /// One that was taken and will not do.
    Unverified(rustls::Error),
    Certificate(CertificateDer<'static>),
}

impl Peer {
    /// Or the page that says why there is none to go by.
    fn certificate(self) -> Result<CertificateDer<'static>, Box<Response>> {
        match self {
            Self::None => Err(Box::new(pages::no_certificate())),
            Self::Unverified(error) => Err(Box::new(pages::not_verified(&error.to_string()))),
            Self::Certificate(certificate) => Ok(certificate),
        }
    }
}

/// One host of a portal.
#[derive(Clone)]
pub(super) struct Site {
    shared: Arc<Shared>,
    host: Host,
}

/// Why a request failed that was nobody's fault but the portal's.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the work was given up")]
    Work(#[from] JoinError),
    #[error("cannot be sent in a header")]
    Header(#[from] header::InvalidHeaderValue),
}

/// What every form of the portal carries.
#[derive(Deserialize)]
struct Csrf {
    csrf: String,
}

pub(super) fn router(shared: Arc<Shared>, host: Host) -> Router {
    let layout = shared.layout();
    let site = Site { shared, host };
    let common = Router::new()
        .route("/", get(landing))
        .route("/help", get(async || pages::help()))
        .route(F5_LOG_OUT, get(async || pages::foreign::f5_log_out()));
    let pages = match (layout, host) {
        (Layout::OneOrigin, _) => common.merge(sign_in_pages()).merge(account_pages()),
        (Layout::TwoOrigins | Layout::TwoOriginsByForm, Host::SignIn) => common
            .merge(sign_in_pages())
            .route(by_card::PRESENT_CARD, get(by_card::present)),
        (Layout::TwoOrigins, Host::Account) => common
            .merge(account_pages())
            .route(by_hand::RETURN, get(by_hand::register_with_token))
            .route(by_card::RETURN, get(by_card::return_by_address)),
        (Layout::TwoOriginsByForm, Host::Account) => common
            .merge(account_pages())
            .route(by_hand::RETURN, get(by_hand::register_with_token))
            .route(by_card::RETURN, post(by_card::return_by_form)),
    };
    pages
        .fallback(async || pages::not_found())
        .layer(middleware::from_fn_with_state(
            site.clone(),
            fault::misbehave,
        ))
        .with_state(site)
}

fn sign_in_pages() -> Router<Site> {
    Router::new()
        .route("/sign-in", get(by_card::sign_in))
        .route("/consent", post(consent::accept))
}

fn account_pages() -> Router<Site> {
    Router::new()
        .route("/login", get(by_password::form).post(by_password::log_in))
        .route("/home", get(by_password::home))
        .route("/account", get(by_card::account))
        .route("/account/card", get(by_hand::cards))
        .route("/account/card/clear", post(by_hand::clear))
        .route(
            "/account/card/register",
            get(by_hand::form).post(by_hand::register),
        )
        .route(by_hand::CONFIRMATION, get(by_hand::confirmation))
}

async fn landing(State(site): State<Site>) -> Response {
    let (sign_in, account) = site.shared.origins.apart().unwrap_or_default();
    pages::landing(sign_in, account)
}

impl Site {
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, RequestError> {
        let shared = Arc::clone(&self.shared);
        Ok(task::spawn_blocking(move || work(&mut shared.store())).await??)
    }

    fn locked_out(&self, until: i64) -> Response {
        let status = self.shared.terms.lockout.status;
        pages::locked_out(status, &http_date(until))
    }
}

/// UTC seconds, as HTTP writes dates.
fn http_date(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

/// Random, and as long as a session's or a token's name has to be.
fn nonce() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn redirect(status: StatusCode, to: &str) -> Result<Response, RequestError> {
    let location = HeaderValue::from_str(to)?;
    Ok((status, [(header::LOCATION, location)]).into_response())
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        tracing::error!(error = ?self, "request failed");
        pages::out_of_order(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
