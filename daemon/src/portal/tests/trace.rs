//! How a sign-in went, and what redirects and headers tell.

use cac_common::cause::{Cause, Kind as Why};
use cac_common::profile::RuleResult;
use cac_common::registration::Outcome;
use cac_common::trace::{RuleTried, Trace};
use rustls::version::{TLS12, TLS13};

use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Server};
use super::{ACCOUNT, RULES, portal, portal_at, registered, without_page};
use crate::portal::sign_in_traced;

#[tokio::test]
async fn every_hop_is_told_without_what_could_be_a_secret() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |head| {
        if head.starts_with("GET /sign-in ") {
            let headers = "Location: /account?token=secret\r\nSet-Cookie: s=hidden\r\n";
            server::status("302 Found", headers, "")
        } else {
            server::page(ACCOUNT)
        }
    })
    .await;
    let holder = Holder::new(Kind::P256, &ca);
    let rules = format!("[[outcome]]\nresult = \"forbidden\"\nstatus = 403\n{RULES}");
    let mut trace = Trace::default();

    let outcome =
        sign_in_traced(&portal(&server, &ca, &rules), holder.identity(), &mut trace).await;

    assert_eq!(outcome.unwrap(), registered());
    let [first, second] = &trace.hops[..] else {
        panic!("{trace:?}");
    };
    let origin = server.origin();
    let account = format!("{origin}/account?token=\u{2026}");
    assert_eq!(first.url, format!("{origin}/sign-in"));
    assert_eq!((first.status, first.cookies), (Some(302), 1));
    assert!(first.asked && first.signed);
    assert_eq!(first.redirect.as_ref(), Some(&account));
    assert_eq!(second.url, account);
    assert_eq!(second.status, Some(200));
    assert!(!second.asked && !second.signed);
    assert_eq!(
        trace.rules,
        [
            RuleTried {
                number: 1,
                result: RuleResult::Forbidden,
                misses: Some("the status is 200, not 403".into()),
            },
            RuleTried {
                number: 2,
                result: RuleResult::Registered,
                misses: None,
            },
        ]
    );
    let told = format!("{trace:?}");
    assert!(
        !told.contains("secret") && !told.contains("hidden"),
        "{told}"
    );
}

#[tokio::test]
async fn a_server_that_has_a_later_http_is_spoken_to_in_the_one_it_has_too() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let started = async |protocols: &[&str]| {
            let mut config = server::config(&ca, version, &Asks::Naming(&ca));
            let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
            config.alpn_protocols = protocols.collect();
            Server::start(config, |_| server::page(ACCOUNT)).await
        };
        let (both, later) = (started(&["h2", "http/1.1"]).await, started(&["h2"]).await);
        let holder = Holder::new(Kind::P256, &ca);
        let mut trace = Trace::default();
        let (both, later) = (portal(&both, &ca, RULES), portal(&later, &ca, RULES));

        let with_both = sign_in_traced(&both, holder.identity(), &mut trace).await;
        let with_later = sign_in_traced(&later, holder.identity(), &mut Trace::default()).await;

        assert_eq!(with_both.unwrap(), registered(), "{version:?}");
        assert_eq!(trace.hops[0].protocol.as_deref(), Some("HTTP/1.1"));
        let cause = Cause::new(
            Why::TlsTrouble,
            "the portal at 127.0.0.1 does not speak HTTP/1.1",
        );
        assert_eq!(with_later.unwrap(), Outcome::Unsupported { cause });
    }
}

#[tokio::test]
async fn a_hop_without_an_answer_says_why() {
    let ca = Authority::new("Test CA");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    drop(listener);
    let portal = portal_at(&origin, &ca, RULES);
    let mut trace = Trace::default();

    let outcome = sign_in_traced(&portal, Holder::new(Kind::P256, &ca).identity(), &mut trace);

    assert!(matches!(outcome.await, Ok(Outcome::Unavailable { .. })));
    assert_eq!(trace.hops.len(), 1);
    assert_eq!(trace.hops[0].status, None);
    assert!(trace.hops[0].failure.is_some());
}

#[tokio::test]
async fn a_redirect_and_a_header_tell_an_outcome() {
    let ca = Authority::new("Test CA");
    let config = || server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let holder = Holder::new(Kind::P256, &ca);
    let rules = r#"
[[outcome]]
result = "not-found"
redirect = "https://elsewhere.example/login?reason=unknown"

[[outcome]]
result = "locked-out"
header = { name = "X-Auth-Error", contains = "locked" }
"#;
    for (answer, expected) in [
        (
            (
                "302 Found",
                "Location: https://elsewhere.example/login?reason=unknown&x=1\r\n",
            ),
            Outcome::NotFound,
        ),
        (
            ("200 OK", "x-auth-error: account locked\r\n"),
            Outcome::LockedOut,
        ),
        (
            ("200 OK", "x-auth-error: none\r\n"),
            Outcome::Unrecognised {
                cause: Cause::new(Why::UnknownPage, "a page without a title, 200 OK"),
            },
        ),
        (
            ("302 Found", "Location: https://elsewhere.example/\r\n"),
            Outcome::Unsupported {
                cause: Cause::new(
                    Why::RedirectsAway,
                    "the portal sends us to https://elsewhere.example, which its profile does not name",
                ),
            },
        ),
    ] {
        let (line, headers) = answer;
        let server = Server::start(config(), move |_| server::status(line, headers, "")).await;

        let outcome = super::sign_in(&portal(&server, &ca, rules), holder.identity()).await;

        assert_eq!(without_page(outcome.unwrap()), expected, "{line} {headers}");
    }
}
