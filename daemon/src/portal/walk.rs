//! From page to page, as redirects and forms that send themselves lead.

use std::sync::Arc;
use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::identity::readable;
use cac_common::proxy::Proxy;
use cac_common::registration::{Notice, Outcome};
use cac_common::time::UtcSeconds;
use cac_common::trace::Hop;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, redirect, retry};
use rustls::ClientConfig;
use url::Url;

use super::connecting::ConnectLimit;
use super::consent::Shown;
use super::cookies::Jar;
use super::failure::Lost;
use super::filling::Once;
use super::form::Form;
use super::outcome::Answer;
use super::page::Page;
use super::trace::Started;
use super::witness::Witness;
use super::{Portal, SignInError};

pub(super) const MOST_REDIRECTS: usize = 10;
const LARGEST_PAGE: usize = 1 << 20;
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);
const FORM: &[u8] = b"<form";
const USER_AGENT: &str = concat!("cacd/", env!("CARGO_PKG_VERSION"));
const ACCEPT: HeaderValue = HeaderValue::from_static("text/html, application/xhtml+xml, */*;q=0.1");

/// Where following the redirects ended.
pub(super) enum End {
    Answer(Answer),
    /// Nothing was sent there.
    Elsewhere {
        origin: String,
        answer: Answer,
    },
    Circle,
    TooLarge,
    /// The proxy made no way to the portal, which has not said a word.
    NoWay(String),
    /// A person has to accept it first.
    Notice(Notice),
    /// A notice that cannot be accepted for a person.
    NoForm,
    /// What was sent is to be sent once more, elsewhere; it is gone.
    Twice,
}

impl End {
    /// What it means that no answer came that could be judged.
    pub(super) fn without_an_answer(self) -> Outcome {
        match self {
            Self::Elsewhere { origin, .. } => leads_away(&origin),
            Self::Circle => Outcome::Unsupported {
                cause: Cause::new(
                    Kind::RedirectsEndlessly,
                    format!("the portal redirects more than {MOST_REDIRECTS} times"),
                ),
            },
            Self::NoWay(why) => Outcome::Unavailable {
                cause: Cause::new(Kind::ProxyRefuses, why),
                retry_after: None,
            },
            Self::Notice(notice) => Outcome::NeedsConsent { notice },
            Self::NoForm => Outcome::Unsupported {
                cause: Cause::new(
                    Kind::NoticeNotAcceptable,
                    "the portal shows a notice that cannot be accepted with a mere yes",
                ),
            },
            Self::TooLarge => Outcome::Unrecognised {
                cause: Cause::new(Kind::UnknownPage, "a page of more than 1 MiB"),
            },
            Self::Answer(_) | Self::Twice => Outcome::Unrecognised {
                cause: Cause::new(
                    Kind::UnknownPage,
                    "the portal wants sent again, elsewhere, what is sent only once",
                ),
            },
        }
    }
}

pub(super) fn too_late() -> Outcome {
    Outcome::Unavailable {
        cause: Cause::new(Kind::NoAnswer, "the portal did not answer in time"),
        retry_after: None,
    }
}

pub(super) fn leads_away(origin: &str) -> Outcome {
    Outcome::Unsupported {
        cause: Cause::new(
            Kind::RedirectsAway,
            format!("the portal sends us to {origin}, which its profile does not name"),
        ),
    }
}

enum Body {
    Whole(Vec<u8>),
    TooLarge,
}

/// Follows no redirect by itself, and makes a connection within `limit`.
pub(super) fn client(
    limit: Duration,
    portal: &Portal,
    config: ClientConfig,
    witness: &Arc<Witness>,
) -> Result<Client, SignInError> {
    // Without one of its own, the client would take the environment's.
    let builder = match &portal.proxy {
        Some(proxy) => Client::builder().proxy(through(Arc::clone(proxy))),
        None => Client::builder().no_proxy(),
    };
    builder
        .tls_backend_preconfigured(config)
        .connector_layer(ConnectLimit {
            limit,
            witness: Arc::clone(witness),
        })
        .https_only(true)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .user_agent(USER_AGENT)
        .default_headers(HeaderMap::from_iter([(header::ACCEPT, ACCEPT)]))
        .build()
        .map_err(SignInError::Client)
}

fn through(proxy: Arc<Proxy>) -> reqwest::Proxy {
    reqwest::Proxy::custom(move |url| proxy.is_for(url).then(|| proxy.address().clone()))
}

/// One request.
pub(super) struct Ask {
    pub(super) url: Url,
    /// Sent with it, for a POST.
    pub(super) form: Option<Form>,
    /// The same, of what may be sent once.
    pub(super) once: Option<Once>,
}

impl Ask {
    pub(super) fn page(url: Url) -> Self {
        Self {
            url,
            form: None,
            once: None,
        }
    }

    fn form(form: Form) -> Self {
        Self {
            form: Some(form.clone()),
            ..Self::page(form.action)
        }
    }

    pub(super) fn once(once: Once) -> Self {
        Self {
            url: once.action.clone(),
            form: None,
            once: Some(once),
        }
    }

    pub(super) fn method(&self) -> Method {
        if self.form.is_some() || self.once.is_some() {
            Method::POST
        } else {
            Method::GET
        }
    }

    /// Of the fields that are sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        let form = self.form.iter().flat_map(|form| &form.names);
        form.chain(self.once.iter().flat_map(|once| &once.names))
    }

    /// What a redirect wants asked instead (RFC 9110, 15.4; as browsers take
    /// 301 and 302).
    fn redirected(&self, response: &Response) -> Option<Self> {
        let form = match response.status().as_u16() {
            301..=303 => None,
            307 | 308 => self.form.clone(),
            _ => return None,
        };
        let location = text(response.headers(), &header::LOCATION)?;
        let url = self.url.join(location).ok()?;
        Some(Self {
            url,
            form,
            once: None,
        })
    }

    /// Whether a redirect wants sent again what was to be sent once.
    fn wants_it_twice(&self, response: &Response) -> bool {
        self.once.is_some() && matches!(response.status().as_u16(), 307 | 308)
    }
}

/// From page to page, as redirects and forms that send themselves lead.
pub(super) struct Walk<'a> {
    pub(super) portal: &'a Portal,
    pub(super) client: Client,
    pub(super) witness: &'a Witness,
    pub(super) cookies: &'a mut Jar,
    pub(super) now: UtcSeconds,
    /// Notices, by the SHA-256 of their texts.
    pub(super) accepted: Vec<String>,
}

/// What a page leads to.
enum Next {
    Nothing,
    Form(Form),
    End(End),
}

impl Walk<'_> {
    pub(super) async fn follow(&mut self, mut ask: Ask, hops: &mut Vec<Hop>) -> Result<End, Lost> {
        let mut redirects = Vec::new();
        for _ in 0..=MOST_REDIRECTS {
            let before = self.witness.seen();
            let mut hop = Started::new(&ask, before, hops);
            let sent = self.request(&mut ask).send().await;
            hop.has_asked(self.witness.seen());
            if let Some(doubt) = self.witness.take_doubt() {
                hop.doubts(doubt);
                self.portal.lists.tell(&self.portal.profile.name, doubt);
            }
            let mut response = match sent {
                Ok(response) => response,
                Err(error) => {
                    hop.failed(&error);
                    let seen = self.witness.seen();
                    let lost = Lost {
                        host: host(&ask.url),
                        error,
                        was_asked: seen.asked > before.asked,
                        certificate_unanswered: seen.signed > before.signed,
                    };
                    let proxy = self.portal.proxy.as_ref();
                    let proxy = proxy.filter(|proxy| proxy.is_for(&ask.url));
                    let cause = proxy.and_then(|proxy| lost.at_proxy(proxy));
                    return cause.map_or(Err(lost), |cause| Ok(End::NoWay(cause)));
                }
            };
            hop.answered(&response);
            self.cookies.take(&ask.url, response.headers(), self.now);
            // Read to its end for a redirect too, or the connection is of no more
            // use and the key has to sign again.
            let body = read(&mut response).await;
            hop.ended();
            let mut answer = answer(ask.url.clone(), redirects, &response, Vec::new());
            if ask.wants_it_twice(&response) {
                return Ok(End::Twice);
            }
            let next = if let Some(next) = ask.redirected(&response) {
                next
            } else {
                let body = body.map_err(|error| {
                    hop.failed(&error);
                    Lost {
                        host: host(&ask.url),
                        error,
                        was_asked: false,
                        certificate_unanswered: false,
                    }
                })?;
                let Body::Whole(body) = body else {
                    return Ok(End::TooLarge);
                };
                answer.body = body;
                match self.next_on(&answer) {
                    Next::Form(form) => Ask::form(form),
                    Next::Nothing => return Ok(End::Answer(answer)),
                    Next::End(end) => return Ok(end),
                }
            };
            hop.leads_to(&next.url);
            answer.redirects.push(next.url.clone());
            if !self.portal.profile.allows(&next.url) {
                return Ok(End::Elsewhere {
                    origin: readable(&next.url.origin().ascii_serialization()),
                    answer,
                });
            }
            redirects = answer.redirects;
            ask = next;
        }
        Ok(End::Circle)
    }

    fn request(&self, ask: &mut Ask) -> RequestBuilder {
        let mut request = self.client.request(ask.method(), ask.url.clone());
        if let Some(cookies) = self.cookies.header(&ask.url) {
            request = request.header(header::COOKIE, cookies);
        }
        if let Some(form) = &ask.form {
            request = request
                .header(header::CONTENT_TYPE, Form::CONTENT_TYPE)
                .body(form.body.clone());
        }
        if let Some(once) = &mut ask.once {
            request = request
                .header(header::CONTENT_TYPE, &once.content_type)
                // Many a portal takes no form without them.
                .header(header::ORIGIN, once.page.origin().ascii_serialization())
                .header(header::REFERER, referrer(&once.page, &ask.url))
                .body(std::mem::take(&mut once.body));
        }
        request
    }

    /// What the page sends by itself, or a person has accepted.
    fn next_on(&self, answer: &Answer) -> Next {
        let mut words = answer.body.windows(FORM.len());
        if !answer.status.is_success() || !words.any(|word| word.eq_ignore_ascii_case(FORM)) {
            return Next::Nothing;
        }
        let Ok(page) = Page::parse(answer.content_type.as_deref(), &answer.body) else {
            return Next::Nothing;
        };
        let consent = self.portal.consent.as_ref();
        match consent.and_then(|consent| consent.look(&page, &answer.url, &self.accepted)) {
            Some(Shown::Accepted(form)) => return Next::Form(form),
            Some(Shown::New(notice)) => return Next::End(End::Notice(notice)),
            Some(Shown::NoForm) => return Next::End(End::NoForm),
            None => {}
        }
        let markup = page.markup();
        match markup.and_then(|markup| Form::sent_by_itself(markup, &answer.url)) {
            Some(form) => Next::Form(form),
            None => Next::Nothing,
        }
    }
}

async fn read(response: &mut Response) -> Result<Body, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST_PAGE {
            return Ok(Body::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Body::Whole(body))
}

fn answer(url: Url, redirects: Vec<Url>, response: &Response, body: Vec<u8>) -> Answer {
    let headers = response.headers();
    Answer {
        url,
        redirects,
        headers: headers.clone(),
        status: response.status(),
        content_type: text(headers, &header::CONTENT_TYPE).map(str::to_owned),
        retry_after: retry_after(headers),
        body,
    }
}

/// In seconds, or as a date, which is taken against the server's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, &header::RETRY_AFTER)?.trim();
    let wait = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        let now = httpdate::parse_http_date(text(headers, &header::DATE)?).ok()?;
        until.duration_since(now).ok()?
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Where a form came from, as browsers say it: whole to its own origin, without
/// its fragment, and by the origin alone to another (Referrer Policy, 3.7).
fn referrer(page: &Url, to: &Url) -> String {
    let mut page = page.clone();
    page.set_fragment(None);
    if page.origin() == to.origin() {
        page.into()
    } else {
        format!("{}/", page.origin().ascii_serialization())
    }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or("the portal").to_owned()
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_or_against_the_servers_clock() {
        for (value, date, seconds) in [
            ("120", None, Some(120)),
            (" 5 ", None, Some(5)),
            ("99999999", None, Some(86_400)),
            ("-1", None, None),
            ("soon", None, None),
            (
                "Sun, 06 Nov 1994 08:50:37 GMT",
                Some("Sun, 06 Nov 1994 08:49:37 GMT"),
                Some(60),
            ),
            (
                "Sat, 06 Nov 2094 08:49:37 GMT",
                Some("Sun, 06 Nov 1994 08:49:37 GMT"),
                Some(86_400),
            ),
            (
                "Sun, 06 Nov 1994 08:48:37 GMT",
                Some("Sun, 06 Nov 1994 08:49:37 GMT"),
                None,
            ),
            ("Sun, 06 Nov 1994 08:50:37 GMT", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            if let Some(date) = date {
                headers.insert(header::DATE, date.parse().unwrap());
            }

            let wait = retry_after(&headers);

            assert_eq!(wait, seconds.map(Duration::from_secs), "{value}");
        }
    }
}
