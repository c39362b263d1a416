//! Fetches answers of OCSP responders, and CRLs, over HTTP. What it brings is
//! signed, so most of them are not on HTTPS, which may be asked for as well.

use std::ops::ControlFlow;
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::revocation::{Fetch, FetchError, FetchRequest};

const MOST_REDIRECTS: usize = 3;
const USER_AGENT: &str = concat!("cacd/", env!("CARGO_PKG_VERSION"));

/// The network. Each request has a connection of its own, so nothing of it
/// stays in memory: they are hours apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct Web;

type Take<'a> = &'a mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send);

impl Fetch for Web {
    async fn fetch(&self, request: FetchRequest, take: Take<'_>) -> Result<(), FetchError> {
        let host = host(&request.url);
        tokio::time::timeout(request.limit, walk(request, take))
            .await
            .unwrap_or(Err(FetchError::TimedOut { host }))
    }
}

/// Follows redirects that stay on the host.
async fn walk(request: FetchRequest, take: Take<'_>) -> Result<(), FetchError> {
    let host = host(&request.url);
    let mut url = request.url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let response = send(&request, &url).await?;
        let status = response.status();
        if status.is_success() {
            return read(response, &host, request.largest, take).await;
        }
        let Some(target) = target(&url, &response).filter(|_| status.is_redirection()) else {
            return Err(FetchError::Status {
                host,
                status: status.as_u16(),
            });
        };
        let is_web = matches!(target.scheme(), "http" | "https");
        if !is_web || target.host() != url.host() {
            return Err(FetchError::Elsewhere {
                host,
                target: target.origin().ascii_serialization(),
            });
        }
        url = target;
    }
    Err(FetchError::Circle { host })
}

async fn send(request: &FetchRequest, url: &Url) -> Result<Response, FetchError> {
    let unreachable = |error: reqwest::Error| FetchError::Unreachable {
        host: host(url),
        // The address is in the host already, and may be long.
        source: error.without_url().into(),
    };
    let client = client(url)?;
    let builder = match &request.post {
        None => client.get(url.clone()),
        Some(post) => client
            .post(url.clone())
            .header(CONTENT_TYPE, post.content_type)
            .body(post.body.clone()),
    };
    builder.send().await.map_err(unreachable)
}

async fn read(
    mut response: Response,
    host: &str,
    largest: u64,
    take: Take<'_>,
) -> Result<(), FetchError> {
    let mut left = largest;
    loop {
        let piece = response
            .chunk()
            .await
            .map_err(|error| FetchError::Unreachable {
                host: host.to_owned(),
                source: error.without_url().into(),
            })?;
        let Some(piece) = piece else {
            return Ok(());
        };
        left = left
            .checked_sub(piece.len() as u64)
            .ok_or_else(|| FetchError::TooLarge {
                host: host.to_owned(),
                largest,
            })?;
        if take(&piece).is_break() {
            return Ok(());
        }
    }
}

fn target(url: &Url, response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

fn client(url: &Url) -> Result<Client, FetchError> {
    let unreachable = |source| FetchError::Unreachable {
        host: host(url),
        source,
    };
    let mut roots = RootCertStore::empty();
    // Only HTTPS looks at them, and reading them all takes a while.
    if url.scheme() == "https" {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreachable(error.into()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .user_agent(USER_AGENT)
        .build()
        .map_err(|error| unreachable(error.into()))
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or("the address").to_owned()
}
