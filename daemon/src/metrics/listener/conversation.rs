//! One request and its answer.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::metrics::Collector;

/// A request with all its headers is no longer than this.
const LONGEST_REQUEST: usize = 8 * 1024;

const MOST_HEADERS: usize = 32;

/// The whole request has to be there by then, and the answer taken in as
/// much again.
const LIMIT: Duration = Duration::from_secs(5);

/// Prometheus' text format.
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A connection that blocks.
pub(super) trait Stream: Read + Write + Send {
    /// How long one read or write may take.
    fn wait_at_most(&self, limit: Duration) -> io::Result<()>;
}

/// How somebody reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    OverASocket,
    /// The loopback interface, which a browser reaches too, for any web page.
    OverTheNetwork,
}

/// What is wanted, if it can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    All,
    /// HEAD: how it would be answered.
    Headers,
}

/// How a request is answered that gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refused(&'static str);

const MALFORMED: Refused = Refused("400 Bad Request");
const ELSEWHERE: Refused = Refused("404 Not Found");
const NOT_READ: Refused = Refused("405 Method Not Allowed\r\nAllow: GET, HEAD");
const MISDIRECTED: Refused = Refused("421 Misdirected Request");
const TOO_LARGE: Refused = Refused("431 Request Header Fields Too Large");
const NO_ANSWER: Refused = Refused("503 Service Unavailable");

/// Reads one request, answers it, and closes.
pub(super) fn hold(mut stream: Box<dyn Stream>, asker: Asker, collector: &Collector) {
    if let Err(error) = converse(&mut *stream, asker, collector) {
        tracing::debug!(%error, "metrics were not taken");
    }
}

fn converse(stream: &mut dyn Stream, asker: Asker, collector: &Collector) -> io::Result<()> {
    let wanted = read(stream, asker, now() + LIMIT)?;
    let answer = match wanted {
        Ok(wants) => match Handle::current().block_on(collector.collect()) {
            Ok(text) => answer(wants, &text),
            Err(error) => {
                tracing::debug!(%error, "metrics cannot be told");
                refusal(NO_ANSWER)
            }
        },
        Err(refused) => refusal(refused),
    };
    write(stream, answer.as_bytes(), now() + LIMIT)
}

fn read(
    stream: &mut dyn Stream,
    asker: Asker,
    deadline: Instant,
) -> io::Result<Result<Wants, Refused>> {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        stream.wait_at_most(until(deadline)?)?;
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(chunk.get(..length).unwrap_or_default());
        if let Some(wanted) = parse(&request, asker).transpose() {
            return Ok(wanted);
        }
        if request.len() > LONGEST_REQUEST {
            return Ok(Err(TOO_LARGE));
        }
    }
}

/// None as long as something is missing.
fn parse(request: &[u8], asker: Asker) -> Result<Option<Wants>, Refused> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    match parsed.parse(request) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(TOO_LARGE),
        Err(_) => return Err(MALFORMED),
    }
    let mut hosts = parsed
        .headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case("host"));
    if asker == Asker::OverTheNetwork && !hosts.all(|host| is_here(host.value)) {
        return Err(MISDIRECTED);
    }
    let target = parsed.path.unwrap_or_default();
    if target.split('?').next() != Some("/metrics") {
        return Err(ELSEWHERE);
    }
    match parsed.method {
        Some("GET") => Ok(Some(Wants::All)),
        Some("HEAD") => Ok(Some(Wants::Headers)),
        _ => Err(NOT_READ),
    }
}

/// Whether a Host header names this machine by its address. A page whose name
/// was made to lead here names itself.
fn is_here(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn answer(wants: Wants, text: &str) -> String {
    let length = text.len();
    let body = match wants {
        Wants::All => text,
        Wants::Headers => "",
    };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn refusal(Refused(status): Refused) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn write(stream: &mut dyn Stream, mut rest: &[u8], deadline: Instant) -> io::Result<()> {
    while !rest.is_empty() {
        stream.wait_at_most(until(deadline)?)?;
        let written = stream.write(rest)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn until(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it measures how long a peer takes, which decides nothing else"
)]
fn now() -> Instant {
    Instant::now()
}

impl Stream for TcpStream {
    fn wait_at_most(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

impl Stream for UnixStream {
    fn wait_at_most(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))?;
        self.set_write_timeout(Some(limit))
    }
}

#[cfg(test)]
mod tests;
