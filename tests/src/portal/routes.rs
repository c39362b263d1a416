//! Which request gets which page.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use rustls::pki_types::CertificateDer;
use tokio::task::{self, JoinError};
use tokio::time;

use super::certificate::Holder;
use super::fault::Fault;
use super::pages;
use super::server::Shared;
use super::store::{Sessions, SignIn, Store, StoreError};

const SESSION: &str = "portal_session";

/// The certificate that came with the connection, if one did.
#[derive(Clone)]
pub(super) struct Peer(pub(super) Option<CertificateDer<'static>>);

#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the work was given up")]
    Work(#[from] JoinError),
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(async || pages::landing()))
        .route("/help", get(async || pages::help()))
        .route("/sign-in", get(sign_in))
        .route("/account", get(account))
        .fallback(async || pages::not_found())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            misbehave,
        ))
        .with_state(shared)
}

/// Stands before every page and does what the fault in force says.
async fn misbehave(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Result<Response, RequestError> {
    shared.counts.requests.fetch_add(1, Ordering::SeqCst);
    let mut faults = shared.fault.subscribe();
    let fault = *faults.borrow_and_update();
    match fault {
        Fault::Normal | Fault::Down => {}
        Fault::Slow(by) => {
            // Either end of the wait will do: late, or no longer slow.
            let _late_or_lifted = time::timeout(by, faults.changed()).await;
        }
        Fault::Status { code, retry_after } => {
            let mut response = pages::out_of_order(code);
            if let Some(after) = retry_after {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
            }
            return Ok(response);
        }
        Fault::StaleCookies => {
            if let Some(session) = session_cookie(request.headers())
                && with_store(&shared, move |store| store.is_stale(&session)).await?
            {
                return Ok(pages::stale_session());
            }
        }
    }
    Ok(next.run(request).await)
}

async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Extension(peer): Extension<Peer>,
) -> Result<Response, RequestError> {
    let Some(certificate) = peer.0 else {
        return Ok(pages::no_certificate());
    };
    let holder = match Holder::from_der(&certificate) {
        Ok(holder) => holder,
        Err(error) => {
            tracing::info!(%error, "certificate not accepted");
            return Ok(pages::certificate_not_accepted());
        }
    };
    let fault = *shared.fault.borrow();
    let sessions = match fault {
        Fault::StaleCookies => Sessions::FirstIsStale,
        Fault::Normal | Fault::Down | Fault::Slow(_) | Fault::Status { .. } => Sessions::Sound,
    };
    let session = format!("{:032x}", rand::random::<u128>());
    let cookie = format!("{SESSION}={session}; Path=/; HttpOnly; Secure; SameSite=Lax");
    let outcome = with_store(&shared, move |store| {
        store.sign_in(&holder, &session, sessions)
    })
    .await?;

    tracing::info!(?outcome, "sign-in answered");
    Ok(match outcome {
        SignIn::SignedIn => {
            shared.counts.sign_ins.fetch_add(1, Ordering::SeqCst);
            (
                StatusCode::FOUND,
                [
                    (header::LOCATION, "/account".to_owned()),
                    (header::SET_COOKIE, cookie),
                ],
            )
                .into_response()
        }
        SignIn::NotListed => pages::user_not_found(),
        SignIn::NotAuthorised => pages::not_authorised(),
        SignIn::NoAccount => pages::no_account(),
    })
}

async fn account(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
) -> Result<Response, RequestError> {
    let account = match session_cookie(&headers) {
        Some(session) => with_store(&shared, move |store| store.account_of(&session)).await?,
        None => None,
    };
    Ok(match account {
        Some(account) => pages::account(&account),
        None => (StatusCode::FOUND, [(header::LOCATION, "/")]).into_response(),
    })
}

async fn with_store<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, RequestError> {
    let shared = Arc::clone(shared);
    Ok(task::spawn_blocking(move || work(&mut shared.store())).await??)
}

fn session_cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION)
        .map(|(_, session)| session.to_owned())
}

impl IntoResponse for RequestError {
    fn into_response(self) -> Response {
        tracing::error!(error = ?self, "request failed");
        pages::out_of_order(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
