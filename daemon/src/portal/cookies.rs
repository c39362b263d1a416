//! The cookies of one sign-in (RFC 6265), gone when it is over.
//!
//! As in a browser, a cookie goes back to the host that set it, whatever the
//! port, or to a domain that the host belongs to. Nothing goes to an origin
//! that the profile does not name, since no request does.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use cac_common::time::UtcSeconds;
use reqwest::header::{self, HeaderMap, HeaderValue};
use url::{Host, Url};

/// For all hosts of a profile. RFC 6265, 6.1 wants 50 for each; a portal that
/// sets more is not worth the memory.
const MOST: usize = 100;
/// Name, value, domain and path together (RFC 6265, 6.1).
const LARGEST: usize = 4096;

/// Makes a cookie header of what earlier answers set.
#[derive(Default)]
pub(super) struct Jar(Vec<Cookie>);

struct Cookie {
    name: Vec<u8>,
    value: Vec<u8>,
    /// In lower case.
    domain: String,
    /// Not for the hosts below the domain.
    is_for_host_only: bool,
    path: String,
}

/// A cookie as an answer sets it.
struct Written {
    cookie: Cookie,
    /// It has expired, which takes away one that is there.
    is_over: bool,
}

impl Jar {
    /// Takes the cookies of an answer from `url`.
    pub(super) fn take(&mut self, url: &Url, headers: &HeaderMap, now: UtcSeconds) {
        // Held against the server's own clock where it tells it.
        let now = header(headers, &header::DATE)
            .and_then(Moment::read)
            .or_else(|| Moment::of(now));
        for value in headers.get_all(header::SET_COOKIE) {
            let Some(Written { cookie, is_over }) = Written::read(url, value.as_bytes(), now)
            else {
                continue;
            };
            let place = self.0.iter().position(|old| old.is_replaced_by(&cookie));
            match place {
                Some(place) if is_over => drop(self.0.remove(place)),
                // It keeps its place in the order (RFC 6265, 5.3).
                Some(place) => self.0[place] = cookie,
                None if !is_over && self.0.len() < MOST => self.0.push(cookie),
                None => {}
            }
        }
    }

    /// What a request to `url` carries (RFC 6265, 5.4).
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let mut cookies: Vec<&Cookie> = self.0.iter().filter(|it| it.goes_to(url)).collect();
        cookies.sort_by_key(|cookie| usize::MAX - cookie.path.len());
        let pairs: Vec<Vec<u8>> = cookies.into_iter().map(Cookie::pair).collect();
        let mut value = HeaderValue::from_bytes(&pairs.join(&b"; "[..])).ok()?;
        value.set_sensitive(true);
        Some(value).filter(|value| !value.is_empty())
    }
}

impl Cookie {
    fn goes_to(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let is_host = host == self.domain;
        (is_host || !self.is_for_host_only && is_below(host, &self.domain))
            && is_path_under(url.path(), &self.path)
    }

    fn is_replaced_by(&self, other: &Self) -> bool {
        (&self.name, &self.domain, &self.path) == (&other.name, &other.domain, &other.path)
    }

    fn pair(&self) -> Vec<u8> {
        [&self.name[..], b"=", &self.value].concat()
    }
}

impl Written {
    /// RFC 6265, 5.2 and 5.3; `None` for what is no cookie, or not for `url` to set.
    fn read(url: &Url, text: &[u8], now: Option<Moment>) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b';');
        let (name, value) = split(parts.next()?)?;
        let mut domain = None;
        let mut path = None;
        let mut expires = None;
        let mut max_age = None;
        for attribute in parts {
            let (name, value) = split(attribute).unwrap_or((attribute.trim_ascii(), b""));
            let Ok(value) = std::str::from_utf8(value) else {
                continue;
            };
            match name.to_ascii_lowercase().as_slice() {
                b"domain" => domain = Some(value.trim_start_matches('.').to_ascii_lowercase()),
                b"path" => path = Some(value),
                b"expires" => expires = Moment::read(value).or(expires),
                b"max-age" => max_age = seconds(value).or(max_age),
                _ => {}
            }
        }
        let domain = domain.filter(|domain| !domain.is_empty());
        // RFC 6265bis, 4.1.3.2: its host alone is to have it.
        if name.is_empty() || name.starts_with(b"__Host-") && domain.is_some() {
            return None;
        }
        let path = path.filter(|path| path.starts_with('/'));
        let (domain, is_for_host_only) = scope(url, domain)?;
        let cookie = Cookie {
            name: name.to_vec(),
            value: value.to_vec(),
            domain,
            is_for_host_only,
            path: path.unwrap_or_else(|| folder(url)).to_owned(),
        };
        let size = name.len() + value.len() + cookie.domain.len() + cookie.path.len();
        let is_over = match max_age {
            Some(seconds) => seconds <= 0,
            None => matches!((expires, now), (Some(expires), Some(now)) if expires <= now),
        };
        (size <= LARGEST).then_some(Self { cookie, is_over })
    }
}

/// What stands before and after the first `=`.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    Some((text[..at].trim_ascii(), text[at + 1..].trim_ascii()))
}

fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Too large for a number is too large for any sign-in.
    is_number.then(|| text.parse().unwrap_or(i64::MAX))
}

/// The domain that a cookie counts for, and whether for no host below it.
fn scope(url: &Url, domain: Option<String>) -> Option<(String, bool)> {
    let host = url.host_str()?;
    let own = Some((host.to_owned(), true));
    let Some(domain) = domain else {
        return own;
    };
    let is_name = matches!(url.host(), Some(Host::Domain(_)));
    if domain == host && (!is_name || is_public_suffix(&domain)) {
        return own;
    }
    let may_set = is_name && (domain == host || is_below(host, &domain));
    (may_set && !is_public_suffix(&domain)).then_some((domain, false))
}

/// Whether names directly under `domain` may belong to different people, as
/// far as can be told without the list of all such domains, which is larger
/// than all else here: `mil`, `co.uk`. Rather too many: a cookie for
/// `example.de` as a whole is not taken.
fn is_public_suffix(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    match labels[..] {
        [] | [_] => true,
        [_, last] => last.len() == 2,
        _ => false,
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|front| front.ends_with('.'))
}

/// RFC 6265, 5.1.4.
fn is_path_under(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie_path.ends_with('/'))
}

/// The default path of a cookie (RFC 6265, 5.1.4).
fn folder(url: &Url) -> &str {
    match url.path().rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((folder, _)) => folder,
    }
}

/// Year, month, day, hour, minute, second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment([u32; 6]);

impl Moment {
    fn of(now: UtcSeconds) -> Option<Self> {
        // Beyond its reach, `httpdate` panics.
        let since_1970 = now
            .since(UtcSeconds(0))
            .min(Duration::from_hours(24 * 365 * 1000));
        Self::read(&httpdate::fmt_http_date(
            SystemTime::UNIX_EPOCH + since_1970,
        ))
    }

    /// In any of the ways that cookies have it (RFC 6265, 5.1.1).
    fn read(text: &str) -> Option<Self> {
        let (mut time, mut day, mut month, mut year) = (None, None, None, None);
        for word in text.split(|it: char| !it.is_ascii_alphanumeric() && it != ':') {
            let number: Option<u32> = word.parse().ok();
            if time.is_none() && word.contains(':') {
                time = clock(word);
            } else if let (None, Some(number), 1 | 2) = (day, number, word.len()) {
                day = Some(number);
            } else if month.is_none() && number.is_none() {
                month = month_number(word);
            } else if let (None, Some(number), 2..=4) = (year, number, word.len()) {
                year = Some(number + century(number));
            }
        }
        let [hour, minute, second] = time?;
        let is_date = (1..=31).contains(&day?) && year? >= 1601;
        is_date.then_some(Self([year?, month?, day?, hour, minute, second]))
    }
}

fn century(year: u32) -> u32 {
    match year {
        0..=69 => 2000,
        70..=99 => 1900,
        _ => 0,
    }
}

fn month_number(word: &str) -> Option<u32> {
    const MONTHS: &str = "janfebmaraprmayjunjulaugsepoctnovdec";

    let word = word.get(..3)?.to_ascii_lowercase();
    let months = MONTHS.as_bytes().chunks(3);
    (1..)
        .zip(months)
        .find_map(|(number, month)| (month == word.as_bytes()).then_some(number))
}

fn clock(word: &str) -> Option<[u32; 3]> {
    let mut parts = word.splitn(3, ':').map(|part| part.parse().ok());
    let time = [parts.next()??, parts.next()??, parts.next()??];
    (time < [24, 0, 0] && time[1] < 60 && time[2] < 60).then_some(time)
}

fn header<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
