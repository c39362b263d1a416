//! Writes down how a sign-in goes.

use std::time::{Duration, Instant};

use cac_common::identity::readable;
use cac_common::trace::Hop;
use reqwest::{Response, header};
use url::Url;

use super::failure::deepest;
use super::revocation::Doubt;
use super::walk::Ask;
use super::witness::Seen;

/// One request under way; what is known of it stands with the others at once.
pub(super) struct Started<'a> {
    hop: &'a mut Hop,
    before: Seen,
    at: Instant,
}

impl<'a> Started<'a> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it measures how long the portal takes"
    )]
    pub(super) fn new(ask: &Ask, before: Seen, hops: &'a mut Vec<Hop>) -> Self {
        let names = ask.names();
        let hop = Hop {
            method: ask.method().to_string(),
            url: without_secrets(&ask.url),
            fields: names.map(|name| readable(name)).collect(),
            ..Hop::default()
        };
        Self {
            hop: hops.push_mut(hop),
            before,
            at: Instant::now(),
        }
    }

    pub(super) fn has_asked(&mut self, seen: Seen) {
        self.hop.asked = seen.asked > self.before.asked;
        self.hop.signed = seen.signed > self.before.signed;
        self.ended();
    }

    pub(super) fn answered(&mut self, response: &Response) {
        self.hop.status = Some(response.status().as_u16());
        self.hop.protocol = Some(format!("{:?}", response.version()));
        let cookies = response.headers().get_all(header::SET_COOKIE).iter();
        self.hop.cookies = u32::try_from(cookies.count()).unwrap_or(u32::MAX);
    }

    pub(super) fn doubts(&mut self, doubt: Doubt) {
        self.hop.doubt = Some(doubt.to_string());
    }

    pub(super) fn leads_to(&mut self, url: &Url) {
        self.hop.redirect = Some(without_secrets(url));
    }

    pub(super) fn failed(&mut self, error: &reqwest::Error) {
        self.hop.failure = Some(readable(&deepest(error)));
    }

    pub(super) fn ended(&mut self) {
        self.hop.took = milliseconds(self.at.elapsed());
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// An address with the names in its query, and without their values.
pub(super) fn without_secrets(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_fragment(None);
    // Neither is there in an address that we ask.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    // Path parameters are where some servers keep the session.
    let path: Vec<&str> = url
        .path()
        .split('/')
        .map(|part| part.split(';').next().unwrap_or_default())
        .collect();
    shown.set_path(&path.join("/"));
    let names: Vec<String> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}=\u{2026}"),
            None => "\u{2026}".into(),
        })
        .collect();
    shown.set_query(None);
    let query = if names.is_empty() {
        String::new()
    } else {
        format!("?{}", names.join("&"))
    };
    readable(&format!("{shown}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_a_query_are_not_shown() {
        for (url, shown) in [
            ("https://a.example/b", "https://a.example/b"),
            (
                "https://u:p@a.example/b?token=secret&c=1#frag",
                "https://a.example/b?token=\u{2026}&c=\u{2026}",
            ),
            ("https://a.example/?", "https://a.example/"),
            (
                "https://a.example/b;jsessionid=secret/c?eyJhbGci",
                "https://a.example/b/c?\u{2026}",
            ),
        ] {
            assert_eq!(without_secrets(&Url::parse(url).unwrap()), shown);
        }
    }
}
