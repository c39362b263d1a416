//! One sign-in at a portal: connect, let the key sign, follow redirects and
//! forms that send themselves, read the page.

use std::sync::Arc;
use std::time::Duration;

use cac_common::cause::{Cause, Kind};
use cac_common::identity::readable;
use cac_common::proxy::Proxy;
use cac_common::registration::{Notice, Outcome};
use cac_common::time::UtcSeconds;
use cac_common::trace::{Hop, Trace};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, redirect, retry};
use url::Url;

use super::connecting::ConnectLimit;
use super::consent::Shown;
use super::cookies::Jar;
use super::failure::Lost;
use super::form::Form;
use super::outcome::{self, Answer};
use super::page::Page;
use super::refusal::Own;
use super::tls;
use super::trace::Started;
use super::witness::{SigningFault, Witness};
use super::{Identity, Portal, SignInError};

const MOST_REDIRECTS: usize = 10;
const LARGEST_PAGE: usize = 1 << 20;
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);
const FORM: &[u8] = b"<form";
const USER_AGENT: &str = concat!("cacd/", env!("CARGO_PKG_VERSION"));
const ACCEPT: HeaderValue = HeaderValue::from_static("text/html, application/xhtml+xml, */*;q=0.1");

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until a connection is made or its server asks for the certificate.
    pub(super) connect: Duration,
    /// All of it, the signing included: some servers wait two minutes for a card.
    pub(super) whole: Duration,
}

pub(super) const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    whole: Duration::from_mins(2),
};

/// One sign-in with a new connection, no ticket, no cookie from before.
///
/// Blocks the thread that drives it while the key signs. What the portal and
/// the network have to say is an [`Outcome`]; an error is on our side.
pub async fn sign_in(portal: &Portal, identity: Identity) -> Result<Outcome, SignInError> {
    sign_in_traced(portal, identity, &mut Trace::default()).await
}

/// The same, with how it went.
pub async fn sign_in_traced(
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
) -> Result<Outcome, SignInError> {
    sign_in_within(LIMITS, portal, identity, trace).await
}

/// The same, with the last page, if one came.
pub async fn sign_in_with_page(
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
    page: &mut Vec<u8>,
) -> Result<Outcome, SignInError> {
    recorded(LIMITS, portal, identity, trace, page).await
}

pub(super) async fn sign_in_within(
    limits: Limits,
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
) -> Result<Outcome, SignInError> {
    recorded(limits, portal, identity, trace, &mut Vec::new()).await
}

async fn recorded(
    limits: Limits,
    portal: &Portal,
    identity: Identity,
    trace: &mut Trace,
    page: &mut Vec<u8>,
) -> Result<Outcome, SignInError> {
    let witness = Arc::new(Witness::default());
    let own = Own::new(
        &identity.certificate,
        !identity.intermediates.is_empty(),
        identity.standing.clone(),
    )?;
    let mut walk = Walk {
        portal,
        now: identity.standing.at,
        accepted: identity.accepted.clone(),
        client: client(limits, portal, identity, &witness)?,
        witness: &witness,
        cookies: Jar::default(),
    };

    let walk = tokio::time::timeout(limits.whole, walk.follow(&mut trace.hops)).await;

    let seen = witness.seen();
    match seen.fault {
        Some(SigningFault::Signer(failed)) => return Err(failed.into()),
        Some(SigningFault::Wrong) => return Err(SignInError::WrongSignature),
        None => {}
    }
    Ok(match walk {
        Err(_) => Outcome::Unavailable {
            cause: Cause::new(Kind::NoAnswer, "the portal did not answer in time"),
            retry_after: None,
        },
        Ok(Err(lost)) => lost.outcome(&own, seen),
        Ok(Ok(End::Answer(answer))) => {
            let outcome = outcome::judge(portal, &answer, &own, seen, &mut trace.rules);
            *page = answer.body;
            outcome
        }
        Ok(Ok(End::Elsewhere { origin, answer })) => {
            outcome::judge_elsewhere(portal, &answer, &mut trace.rules).unwrap_or_else(|| {
                Outcome::Unsupported {
                    cause: Cause::new(
                        Kind::RedirectsAway,
                        format!("the portal sends us to {origin}, which its profile does not name"),
                    ),
                }
            })
        }
        Ok(Ok(End::Circle)) => Outcome::Unsupported {
            cause: Cause::new(
                Kind::RedirectsEndlessly,
                format!("the portal redirects more than {MOST_REDIRECTS} times"),
            ),
        },
        Ok(Ok(End::NoWay(why))) => Outcome::Unavailable {
            cause: Cause::new(Kind::ProxyRefuses, why),
            retry_after: None,
        },
        Ok(Ok(End::Notice(notice))) => Outcome::NeedsConsent { notice },
        Ok(Ok(End::NoForm)) => Outcome::Unsupported {
            cause: Cause::new(
                Kind::NoticeNotAcceptable,
                "the portal shows a notice that cannot be accepted with a mere yes",
            ),
        },
        Ok(Ok(End::TooLarge)) => Outcome::Unrecognised {
            cause: Cause::new(Kind::UnknownPage, "a page of more than 1 MiB"),
        },
    })
}

/// Where following the redirects ended.
enum End {
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
}

enum Body {
    Whole(Vec<u8>),
    TooLarge,
}

fn client(
    limits: Limits,
    portal: &Portal,
    identity: Identity,
    witness: &Arc<Witness>,
) -> Result<Client, SignInError> {
    let config = tls::client_config(portal, identity, Arc::clone(witness))?;
    // Without one of its own, the client would take the environment's.
    let builder = match &portal.proxy {
        Some(proxy) => Client::builder().proxy(through(Arc::clone(proxy))),
        None => Client::builder().no_proxy(),
    };
    builder
        .tls_backend_preconfigured(config)
        .connector_layer(ConnectLimit {
            limit: limits.connect,
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
}

impl Ask {
    fn page(url: Url) -> Self {
        Self { url, form: None }
    }

    fn form(form: Form) -> Self {
        Self {
            url: form.action.clone(),
            form: Some(form),
        }
    }

    pub(super) fn method(&self) -> Method {
        match self.form {
            Some(_) => Method::POST,
            None => Method::GET,
        }
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
        Some(Self { url, form })
    }
}

/// From page to page, as redirects and forms that send themselves lead.
struct Walk<'a> {
    portal: &'a Portal,
    client: Client,
    witness: &'a Witness,
    cookies: Jar,
    now: UtcSeconds,
    /// Notices, by the SHA-256 of their texts.
    accepted: Vec<String>,
}

/// What a page leads to.
enum Next {
    Nothing,
    Form(Form),
    End(End),
}

impl Walk<'_> {
    async fn follow(&mut self, hops: &mut Vec<Hop>) -> Result<End, Lost> {
        let mut ask = Ask::page(self.portal.profile.start.clone());
        let mut redirects = Vec::new();
        for _ in 0..=MOST_REDIRECTS {
            let before = self.witness.seen();
            let mut hop = Started::new(&ask, before, hops);
            let sent = self.request(&ask).send().await;
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

    fn request(&self, ask: &Ask) -> RequestBuilder {
        let mut request = self.client.request(ask.method(), ask.url.clone());
        if let Some(cookies) = self.cookies.header(&ask.url) {
            request = request.header(header::COOKIE, cookies);
        }
        if let Some(form) = &ask.form {
            request = request
                .header(header::CONTENT_TYPE, Form::CONTENT_TYPE)
                .body(form.body.clone());
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
