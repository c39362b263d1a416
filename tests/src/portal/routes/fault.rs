//! Stands before every page and does what the fault in force says.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::time;

use super::{Peer, RequestError, Site, by_card, by_password, http_date, redirect, session};
use crate::portal::fault::{AnswerFault, Fault, Shown};
use crate::portal::pages::{self, foreign};

/// What a page without end consists of.
const ENDLESS_BEGINS: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n\
    <meta charset=\"utf-8\">\n<title>Endless</title>\n</head>\n<body>\n<main id=\"endless\">\n";
const ENDLESS_GOES_ON: &str = "<p>And so on, and so on, and so on, and so on, and so on.</p>\n";
/// So many lines are handed over at once.
const LINES: usize = 64;

const HUGE: HeaderName = HeaderName::from_static("x-huge");

pub(super) async fn misbehave(
    State(site): State<Site>,
    request: Request,
    next: Next,
) -> Result<Response, RequestError> {
    count(&site, &request);
    let mut faults = site.shared.faults(site.host);
    let fault = *faults.borrow_and_update();
    match fault {
        Fault::Normal | Fault::Down | Fault::Connection(_) => Ok(next.run(request).await),
        Fault::Slow(by) => {
            // Either end of the wait will do: late, or no longer slow.
            let _late_or_lifted = time::timeout(by, faults.changed()).await;
            Ok(next.run(request).await)
        }
        Fault::Status { code, retry_after } => {
            let mut response = pages::out_of_order(code);
            if let Some(after) = retry_after {
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs()));
            }
            Ok(response)
        }
        Fault::StaleCookies => {
            if let Some(session) = session::id(&site, request.headers())
                && site
                    .with_store(move |store| store.is_stale(&session))
                    .await?
            {
                return Ok(pages::stale_session());
            }
            Ok(next.run(request).await)
        }
        Fault::Answer(fault) => answer(&site, fault, request, next).await,
    }
}

fn count(site: &Site, request: &Request) {
    let with_certificate = request
        .extensions()
        .get::<Peer>()
        .is_some_and(|peer| !matches!(peer, Peer::None));
    let cookies = session::cookies(request.headers()).count();
    site.shared
        .tally(site.host)
        .request(request.uri().path(), cookies, with_certificate);
}

async fn answer(
    site: &Site,
    fault: AnswerFault,
    request: Request,
    next: Next,
) -> Result<Response, RequestError> {
    match fault {
        AnswerFault::Page(page) => {
            let path = request.uri().path();
            let ends_a_sign_in = ["/sign-in", by_card::RETURN, "/account"].contains(&path);
            if ends_a_sign_in {
                show(site, page, request.headers()).await
            } else {
                Ok(next.run(request).await)
            }
        }
        AnswerFault::Endless => {
            let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            let body = Body::new(Endless { has_begun: false });
            Ok((StatusCode::OK, headers, body).into_response())
        }
        AnswerFault::RedirectLoop => redirect(StatusCode::FOUND, &one_hop_further(request.uri())),
        AnswerFault::RedirectAway { port } => redirect(
            StatusCode::FOUND,
            &format!("https://127.0.0.1:{port}/sign-in"),
        ),
        AnswerFault::HugeHeader { bytes } => {
            let mut response = next.run(request).await;
            let value = vec![b'x'; usize::try_from(bytes).unwrap_or(usize::MAX)];
            response
                .headers_mut()
                .insert(HUGE, HeaderValue::from_maybe_shared(Bytes::from(value))?);
            Ok(response)
        }
    }
}

async fn show(site: &Site, page: Shown, headers: &HeaderMap) -> Result<Response, RequestError> {
    let at = |wait: Duration| {
        let wait = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
        site.shared.now().saturating_add(wait)
    };
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    Ok(match page {
        Shown::NoAccount => pages::no_account(),
        Shown::NotEligible => pages::not_eligible(),
        Shown::NeedsSponsor => pages::needs_sponsor(),
        Shown::NotFound => pages::user_not_found(),
        Shown::Forbidden => pages::not_authorised(),
        Shown::Unauthorised => pages::unauthorised(),
        Shown::Locked(time) => site.locked_out(at(time)),
        Shown::Maintenance(wait) => {
            pages::maintenance(unavailable, Some(HeaderValue::from(wait.as_secs())))
        }
        Shown::MaintenanceUntil(wait) => {
            let date = HeaderValue::from_str(&http_date(at(wait)))?;
            pages::maintenance(unavailable, Some(date))
        }
        Shown::MaintenanceNotice => pages::maintenance(StatusCode::OK, None),
        Shown::LogIn => by_password::shown(site, headers).await?,
        Shown::Unrecognised => foreign::unrecognised(),
        Shown::Iis(refusal) => foreign::iis(refusal),
        Shown::F5 => foreign::f5_redirect(),
    })
}

/// Each address is another one, so that remembering them finds no loop.
fn one_hop_further(uri: &Uri) -> String {
    let hop: u64 = uri
        .query()
        .and_then(|query| query.strip_prefix("hop="))
        .and_then(|hop| hop.parse().ok())
        .unwrap_or(0);
    format!("{}?hop={}", uri.path(), hop.saturating_add(1))
}

struct Endless {
    has_begun: bool,
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = if self.has_begun {
            Bytes::from(ENDLESS_GOES_ON.repeat(LINES))
        } else {
            self.has_begun = true;
            Bytes::from_static(ENDLESS_BEGINS.as_bytes())
        };
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }
}
