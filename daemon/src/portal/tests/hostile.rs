//! A portal that means harm gets nothing for it: no cookie of another, no
//! memory, no more time than there is.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use cac_common::cause::{Cause, Kind as Why};
use cac_common::registration::Outcome;
use cac_common::trace::Trace;
use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};

use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Reply, Reserved, Server};
use super::{
    ACCOUNT, Limits, RULES, portal, portal_at, registered, sign_in, sign_in_within, without_page,
};

/// What a sign-in may take of memory, whatever the portal sends, in kB.
const MOST_MEMORY: usize = 16 << 10;
/// Set where a test runs in a process of its own.
const ALONE: &str = "CACD_TEST_ALONE";

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(1),
    whole: Duration::from_secs(2),
};

#[test]
fn no_flood_takes_more_memory_or_time_than_there_is() {
    if std::env::var_os(ALONE).is_none() {
        let name = "portal::tests::hostile::no_flood_takes_more_memory_or_time_than_there_is";
        let mut alone = Command::new(std::env::current_exe().unwrap());
        let ended = alone
            .args(["--exact", name])
            .env(ALONE, "1")
            .output()
            .unwrap();

        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(floods());
}

#[tokio::test]
async fn a_cookie_set_for_another_host_is_sent_to_none() {
    let ca = Authority::new("Test CA");
    let accounts = Server::start(config(&ca, "127.0.0.1"), |_| server::page(ACCOUNT)).await;
    let to = format!("{}/account", accounts.origin());
    let server = Server::start(config(&ca, "localhost"), move |request| {
        if request.starts_with("GET /sign-in ") {
            let cookies = [
                "own=1",
                "local=1; Domain=localhost",
                "other=1; Domain=127.0.0.1",
                "part=1; Domain=0.0.1",
                "all=1; Domain=.",
            ];
            let cookies = cookies
                .map(|cookie| format!("Set-Cookie: {cookie}\r\n"))
                .concat();
            server::status("302 Found", &format!("Location: /next\r\n{cookies}"), "")
        } else {
            server::redirect(&to)
        }
    })
    .await;
    let holder = Holder::new(Kind::P256, &ca);
    let rules = format!("redirect_origins = [\"{}\"]\n{RULES}", accounts.origin());
    let start = format!("https://localhost:{}", server.address.port());

    let outcome = sign_in(&portal_at(&start, &ca, &rules), holder.identity()).await;

    assert_eq!(outcome.unwrap(), registered());
    let [_, next] = &server.requests()[..] else {
        panic!("{:?}", server.requests());
    };
    assert!(
        next.contains("\r\ncookie: own=1; local=1; all=1\r\n"),
        "{next}"
    );
    let elsewhere = accounts.requests().concat();
    assert!(!elsewhere.contains("cookie:"), "{elsewhere}");
}

#[tokio::test]
async fn redirects_in_a_circle_over_three_hosts_end() {
    let ca = Authority::new("Test CA");
    let reserved = [
        Server::reserve().await,
        Server::reserve().await,
        Server::reserve().await,
    ];
    let origins = reserved.each_ref().map(Reserved::origin);
    let mut next = origins.clone();
    next.rotate_left(1);
    let servers: Vec<Server> = reserved
        .into_iter()
        .zip(next)
        .map(|(reserved, next)| {
            let to = format!("{next}/sign-in");
            reserved.serve(config(&ca, "127.0.0.1"), move |_| server::redirect(&to))
        })
        .collect();
    let holder = Holder::new(Kind::P256, &ca);
    let rules = format!("redirect_origins = {origins:?}\n{RULES}");

    let outcome = sign_in(&portal_at(&origins[0], &ca, &rules), holder.identity()).await;

    assert_eq!(
        outcome.unwrap(),
        Outcome::Unsupported {
            cause: Cause::new(
                Why::RedirectsEndlessly,
                "the portal redirects more than 10 times"
            )
        }
    );
    let asked: usize = servers.iter().map(|server| server.requests().len()).sum();
    assert_eq!(asked, 11);
    // Once for each server, however often it is asked.
    assert_eq!(holder.signed(), 3);
}

fn config(ca: &Authority, name: &str) -> ServerConfig {
    server::config_for(name, ca, &TLS13, &Asks::Naming(ca))
}

async fn floods() {
    for version in [&TLS12, &TLS13] {
        // What is needed once is no part of it.
        assert_eq!(
            met_by(version, || server::page(ACCOUNT)).await,
            registered()
        );
        for (name, reply, expected) in floods_and_ends() {
            let before = memory("VmRSS:");
            std::fs::write("/proc/self/clear_refs", "5").unwrap();

            let outcome = met_by(version, reply).await;

            let taken = memory("VmHWM:").saturating_sub(before);
            assert_eq!(without_page(outcome), expected, "{name}");
            assert!(taken < MOST_MEMORY, "{name} took {taken} kB");
        }
    }
}

type Flood = (&'static str, fn() -> Reply, Outcome);

fn unreachable(why: &str) -> Outcome {
    Outcome::Unavailable {
        cause: Cause::new(
            Why::ConnectionClosed,
            format!("the portal at 127.0.0.1 cannot be reached: {why}"),
        ),
        retry_after: None,
    }
}

fn unreadable(why: &str) -> Outcome {
    Outcome::Unrecognised {
        cause: Cause::new(
            Why::UnknownPage,
            format!("an answer that cannot be read: {why}"),
        ),
    }
}

fn floods_and_ends() -> Vec<Flood> {
    let late = || Outcome::Unavailable {
        cause: Cause::new(Why::NoAnswer, "the portal did not answer in time"),
        retry_after: None,
    };
    let untitled = |status: &str| Outcome::Unrecognised {
        cause: Cause::new(
            Why::UnknownPage,
            format!("a page without a title, {status}"),
        ),
    };
    let too_large = || Outcome::Unrecognised {
        cause: Cause::new(Why::UnknownPage, "a page of more than 1 MiB"),
    };
    vec![
        ("endless page", server::endless, too_large()),
        (
            "endless chunks",
            || flood(&chunked(""), &format!("100\r\n{}\r\n", "x".repeat(0x100))),
            too_large(),
        ),
        (
            "gigantic chunk",
            || flood(&chunked("FFFFFFFFFFFFFFF\r\n"), "x"),
            too_large(),
        ),
        (
            "endless chunk extension",
            || flood(&chunked("1;a="), "x"),
            unreachable("chunk extensions over limit"),
        ),
        (
            "endless trailers",
            || flood(&chunked("0\r\n"), "A: b\r\n"),
            unreachable("chunk trailers count overflow"),
        ),
        (
            "endless line",
            || flood("HTTP/1.1 200 OK\r\nA: ", "x"),
            unreadable("message head is too large"),
        ),
        (
            "endless headers",
            || flood("HTTP/1.1 200 OK\r\n", "A: b\r\n"),
            unreadable("message head is too large"),
        ),
        (
            "endless informational answers",
            || flood("", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"),
            late(),
        ),
        (
            "no answer but junk",
            || flood("", "x"),
            unreadable("invalid HTTP version parsed"),
        ),
        (
            "ten thousand cookies",
            || cookies(10_000, 10),
            unreadable("message head is too large"),
        ),
        ("cookies of 400 kB", || cookies(90, 4_000), registered()),
        ("gzip bomb", gzip_bomb, untitled("200 OK")),
        (
            "a length beyond all there is",
            || {
                flood(
                    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                    "x",
                )
            },
            unreadable("invalid content-length parsed"),
        ),
        (
            "one byte at a time",
            || Reply::Drip(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), Duration::from_secs(1)),
            late(),
        ),
        (
            "a protocol of its own",
            || {
                flood(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
                    "x",
                )
            },
            untitled("101 Switching Protocols"),
        ),
    ]
}

/// What comes of a portal that answers so.
async fn met_by(
    version: &'static rustls::SupportedProtocolVersion,
    reply: fn() -> Reply,
) -> Outcome {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, version, &Asks::Naming(&ca));
    let server = Server::start(config, move |_| reply()).await;
    let holder = Holder::new(Kind::P256, &ca);
    let portal = portal(&server, &ca, RULES);

    sign_in_within(LIMITS, &portal, holder.identity(), &mut Trace::default())
        .await
        .unwrap()
}

fn flood(first: &str, again: &str) -> Reply {
    Reply::Flood(first.into(), again.into())
}

fn chunked(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

fn cookies(count: usize, size: usize) -> Reply {
    let cookies = (0..count).map(|n| format!("Set-Cookie: s{n}={}\r\n", "x".repeat(size)));
    let headers: String = cookies.collect();
    server::status("200 OK", &headers, ACCOUNT)
}

/// 64 MB in 64 kB.
fn gzip_bomb() -> Reply {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        gzip.write_all(&vec![b'x'; 1 << 20]).unwrap();
    }
    let body = gzip.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    Reply::Bytes([head.into_bytes(), body].concat())
}

/// In kB.
fn memory(what: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
