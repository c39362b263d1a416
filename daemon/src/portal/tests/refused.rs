//! Portals that do not let the holder in, or cannot be reached.

use std::time::Duration;

use cac_common::cause::{Cause, Kind as Why};
use cac_common::certificate::Revocation;
use cac_common::registration::Outcome;
use cac_common::time::UtcSeconds;
use cac_common::trace::Trace;
use rcgen::{CertificateParams, date_time_ymd};
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Reply, Server};
use super::{ACCOUNT, LIMITS, Limits, RULES, portal, portal_at, sign_in, sign_in_within};

#[tokio::test]
async fn an_unknown_issuer_is_told_by_the_alert() {
    for version in [&TLS12, &TLS13] {
        let (ca, other) = (Authority::new("Test CA"), Authority::new("Other CA"));
        let config = server::config(&ca, version, &Asks::Quietly(&ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let holder = Holder::new(Kind::P256, &other);

        let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert_eq!(
            outcome.unwrap(),
            rejected(
                Why::IssuerUnknown,
                "the portal does not know who issued it (Other CA)",
            ),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn an_expired_certificate_is_told_by_the_alert() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, version, &Asks::Naming(&ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let holder = Holder::with(Kind::P256, &ca, |params: &mut CertificateParams| {
            params.not_before = date_time_ymd(2019, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 1);
        });

        let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert_eq!(
            outcome.unwrap(),
            rejected(Why::CertificateExpired, "it expired on 2020-01-01"),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_portal_that_names_other_issuers_gets_no_certificate() {
    for version in [&TLS12, &TLS13] {
        let (ca, other) = (Authority::new("Test CA"), Authority::new("Other CA"));
        let config = server::config(&ca, version, &Asks::Naming(&ca));
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let holder = Holder::new(Kind::P256, &other);

        let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert_eq!(
            outcome.unwrap(),
            rejected(
                Why::IssuerNotAccepted,
                "the portal does not accept your card's issuer, Other CA"
            ),
            "{version:?}"
        );
        assert_eq!(holder.signed(), 0);
    }
}

#[tokio::test]
async fn a_rule_that_says_rejected_is_told_with_what_is_known_of_the_certificate() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let page = "<title>No entry</title><main id=\"no\"></main>";
    let server = Server::start(config, move |_| server::page(page)).await;
    let holder = Holder::new(Kind::P256, &ca);
    let mut identity = holder.identity();
    // 2020-06-01
    let since = UtcSeconds(1_590_969_600);
    identity.standing.revocation = Revocation::Revoked {
        since,
        reason: None,
    };
    let rules = "[[outcome]]\nresult = \"rejected\"\nselector = \"main#no\"\n";

    let outcome = sign_in(&portal(&server, &ca, rules), identity).await;

    assert_eq!(
        outcome.unwrap(),
        rejected(
            Why::CertificateRevoked,
            "the portal says \u{201c}No entry\u{201d}; it was revoked on 2020-06-01"
        )
    );
}

#[tokio::test]
async fn a_connection_closed_once_the_certificate_is_sent_is_a_refusal() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, version, &Asks::Naming(&ca));
        let server = Server::start(config, |_| Reply::Close).await;
        let holder = Holder::new(Kind::P256, &ca);

        let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert_eq!(
            outcome.unwrap(),
            rejected(
                Why::NotSaid,
                "the portal closed the connection as soon as it had it; seen from here nothing is wrong with it, but it may be revoked, or the portal's lists of authorities or of revoked certificates may be old or incomplete"
            ),
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_closed_without_asking_is_worth_another_try() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Never);
    let server = Server::start(config, |_| Reply::Close).await;
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

    assert_eq!(
        outcome.unwrap(),
        unavailable(
            Why::ConnectionClosed,
            "the portal at 127.0.0.1 cannot be reached: it closed the connection"
        )
    );
}

#[tokio::test]
async fn a_portal_that_does_not_ask_for_a_certificate_registers_nobody() {
    for version in [&TLS12, &TLS13] {
        let ca = Authority::new("Test CA");
        let config = server::config(&ca, version, &Asks::Never);
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let holder = Holder::new(Kind::P256, &ca);

        let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert_eq!(
            outcome.unwrap(),
            Outcome::Unsupported {
                cause: Cause::new(
                    Why::NeverAsks,
                    "the portal let us in without asking for the card's certificate"
                )
            },
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_never_sees_the_certificate() {
    let (ca, other) = (Authority::new("Test CA"), Authority::new("Other CA"));
    for (config, kind, reason) in [
        (
            server::config(&other, &TLS13, &Asks::Naming(&ca)),
            Why::ServerNotTrusted,
            "nothing here vouches for who issued it",
        ),
        (
            server::config_for("portal.example", &ca, &TLS13, &Asks::Naming(&ca)),
            Why::ServerMisnamed,
            "it is for another name",
        ),
    ] {
        let server = Server::start(config, |_| server::page(ACCOUNT)).await;
        let holder = Holder::new(Kind::P256, &ca);

        let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert_eq!(
            outcome.unwrap(),
            Outcome::Unsupported {
                cause: Cause::new(
                    kind,
                    format!("the own certificate of 127.0.0.1 is not trusted: {reason}")
                )
            }
        );
        assert_eq!(holder.signed(), 0);
    }
}

#[tokio::test]
async fn a_refused_connection_is_worth_another_try_and_spends_no_signature() {
    let ca = Authority::new("Test CA");
    // Taken, so that no one else listens there, and let go.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal_at(&origin, &ca, RULES), holder.identity()).await;

    assert_eq!(
        outcome.unwrap(),
        unavailable(
            Why::ConnectionRefused,
            "the portal at 127.0.0.1 cannot be reached: connection refused"
        )
    );
    assert_eq!(holder.signed(), 0);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let ca = Authority::new("Test CA");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
    });
    let holder = Holder::new(Kind::P256, &ca);
    let limits = Limits {
        connect: Duration::from_millis(200),
        ..LIMITS
    };

    let outcome = sign_in_within(
        limits,
        &portal_at(&origin, &ca, RULES),
        holder.identity(),
        &mut Trace::default(),
    )
    .await;

    assert_eq!(
        outcome.unwrap(),
        unavailable(
            Why::NoAnswer,
            "the portal at 127.0.0.1 cannot be reached: no answer in time"
        )
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_not_supported() {
    let ca = Authority::new("Test CA");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer)
            .await
            .unwrap();
        while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
    });
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal_at(&origin, &ca, RULES), holder.identity()).await;

    let outcome = outcome.unwrap();
    assert!(
        matches!(&outcome, Outcome::Unsupported { cause } if cause.kind == Why::TlsTrouble && cause.detail.starts_with("the portal at 127.0.0.1 speaks TLS")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_page_without_end_is_not_read_to_its_end() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |_| server::endless()).await;
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

    assert_eq!(
        outcome.unwrap(),
        Outcome::Unrecognised {
            cause: Cause::new(Why::UnknownPage, "a page of more than 1 MiB")
        }
    );
}

#[tokio::test]
async fn a_page_that_stalls_is_given_up_in_time() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |_| Reply::Stalled).await;
    let holder = Holder::new(Kind::P256, &ca);
    let limits = Limits {
        whole: Duration::from_millis(600),
        ..LIMITS
    };

    let outcome = sign_in_within(
        limits,
        &portal(&server, &ca, RULES),
        holder.identity(),
        &mut Trace::default(),
    )
    .await;

    assert_eq!(
        outcome.unwrap(),
        unavailable(Why::NoAnswer, "the portal did not answer in time")
    );
}

fn rejected(kind: Why, cause: &str) -> Outcome {
    Outcome::Rejected {
        cause: Cause::new(kind, cause),
    }
}

fn unavailable(kind: Why, cause: &str) -> Outcome {
    Outcome::Unavailable {
        cause: Cause::new(kind, cause),
        retry_after: None,
    }
}
