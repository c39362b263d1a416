//! A limit on how long a connection may take to be made, which does not
//! count while the key signs.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use cac_common::identity::readable;
use cac_common::proxy::Proxy;
use tower_layer::Layer;
use tower_service::Service;

use super::failure::{Lost, deepest, find};
use super::witness::Witness;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// No connection was made in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct NotConnected(Duration);

/// Gives up when neither a connection nor a request for the certificate came
/// within `limit`. A card is slow to sign, and from then on the limit of the
/// whole sign-in has to do.
#[derive(Clone)]
pub(super) struct ConnectLimit {
    pub(super) limit: Duration,
    pub(super) witness: Arc<Witness>,
}

impl<S> Layer<S> for ConnectLimit {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited {
            inner,
            limit: self.clone(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Limited<S> {
    inner: S,
    limit: ConnectLimit,
}

impl<S, Target> Service<Target> for Limited<S>
where
    S: Service<Target, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let connecting = self.inner.call(target);
        let ConnectLimit { limit, witness } = self.limit.clone();
        Box::pin(async move {
            let asked_before = witness.seen().asked;
            let mut connecting = std::pin::pin!(connecting);
            if let Ok(result) = tokio::time::timeout(limit, connecting.as_mut()).await {
                return result;
            }
            if witness.seen().asked == asked_before {
                return Err(NotConnected(limit).into());
            }
            connecting.await
        })
    }
}

impl Lost {
    /// Why there was no way through `proxy`, unless the server at its end had a word in it.
    pub(super) fn at_proxy(&self, proxy: &Proxy) -> Option<String> {
        let error = &self.error;
        let is_the_servers = self.was_asked || find::<rustls::Error>(error).is_some();
        if is_the_servers || !error.is_connect() {
            return None;
        }
        let host = &self.host;
        if error.is_dns() {
            return Some(format!("the name of the proxy {proxy} is not known"));
        }
        if find::<NotConnected>(error).is_some() || error.is_timeout() {
            return Some(format!(
                "no way to {host} through the proxy {proxy} in time"
            ));
        }
        Some(match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => {
                format!("the proxy {proxy} cannot be reached: connection refused")
            }
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                format!("the proxy {proxy} cannot be reached: no network leads there")
            }
            Some(_) => format!(
                "the connection to {host} through the proxy {proxy} broke off: {}",
                readable(&deepest(error))
            ),
            None => format!(
                "the proxy {proxy} refuses to lead to {host}: {}",
                readable(deepest(error).trim_start_matches("tunnel error: "))
            ),
        })
    }
}
