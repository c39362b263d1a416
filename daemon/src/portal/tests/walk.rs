//! Redirects, cookies, and what the last page is taken for.

use std::time::Duration;

use cac_common::cause::{Cause, Kind as Why};
use cac_common::registration::Outcome;
use rustls::version::TLS13;

use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Reply, Server};
use super::{ACCOUNT, RULES, portal, registered, sign_in, without_page};

#[tokio::test]
async fn a_redirect_to_an_origin_not_named_sends_nothing_there() {
    let ca = Authority::new("Test CA");
    let config = || server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let foreign = Server::start(config(), |_| server::page(ACCOUNT)).await;
    let to = format!("{}/account?token=1", foreign.origin());
    let server = Server::start(config(), move |_| server::redirect(&to)).await;
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

    assert_eq!(
        outcome.unwrap(),
        Outcome::Unsupported {
            cause: Cause::new(
                Why::RedirectsAway,
                format!(
                    "the portal sends us to {}, which its profile does not name",
                    foreign.origin()
                )
            )
        }
    );
    assert_eq!(foreign.connections(), 0);
}

#[tokio::test]
async fn redirects_within_the_profile_keep_cookies_and_the_connection() {
    let ca = Authority::new("Test CA");
    let config = || server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let accounts = Server::start(config(), |_| server::page(ACCOUNT)).await;
    let to = format!("{}/account", accounts.origin());
    let server = Server::start(config(), move |head| {
        if head.starts_with("GET /sign-in ") {
            server::status(
                "303 See Other",
                "Location: next?a=b#c\r\nSet-Cookie: s=1\r\n",
                "",
            )
        } else {
            server::redirect(&to)
        }
    })
    .await;
    let holder = Holder::new(Kind::P256, &ca);
    let rules = format!("redirect_origins = [\"{}\"]\n{RULES}", accounts.origin());

    let outcome = sign_in(&portal(&server, &ca, &rules), holder.identity()).await;

    assert_eq!(outcome.unwrap(), registered());
    assert_eq!(server.connections(), 1);
    let requests = server.requests();
    assert!(requests[1].starts_with("GET /next?a=b HTTP/1.1\r\n"));
    assert!(requests[1].contains("cookie: s=1\r\n"));
    // Once for each server.
    assert_eq!(holder.signed(), 2);
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let server = Server::start(config, |_| server::redirect("/sign-in")).await;
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

    assert_eq!(
        outcome.unwrap(),
        Outcome::Unsupported {
            cause: Cause::new(
                Why::RedirectsEndlessly,
                "the portal redirects more than 10 times"
            )
        }
    );
    assert_eq!(server.requests().len(), 11);
}

#[tokio::test]
async fn the_first_rule_that_matches_counts() {
    let rules = r#"
[[outcome]]
result = "locked-out"
status = 403
text = "no"

[[outcome]]
result = "not-eligible"
path = "/elsewhere"

[[outcome]]
result = "not-found"
text = "User   Not Found"

[[outcome]]
result = "needs-wizard"
selector = "form.link"

[[outcome]]
result = "registered"
selector = "main#account"

[[outcome]]
result = "needs-sponsor"
path = "/sign"

[[outcome]]
result = "rejected"
status = 500
"#;
    for (reply, expected) in [
        (
            server::page("<p>User <b>Not</b>\nFound<form class=link></form>"),
            Outcome::NotFound,
        ),
        (
            server::page("<form class='a link'></form><main id=account></main>"),
            Outcome::NeedsWizard,
        ),
        (
            server::page("<main id=account></main>"),
            Outcome::Registered { account: None },
        ),
        (server::page("<p>hello"), Outcome::NeedsSponsor),
        (
            server::status("500 Oops", "", "<p>User not found"),
            Outcome::NeedsSponsor,
        ),
        (server::status("403 No", "", "<p>no"), Outcome::LockedOut),
        // Apache's word for what no rule can know.
        (
            server::status(
                "403 Forbidden",
                "",
                "Reason: Cannot perform Post-Handshake Authentication.",
            ),
            too_late(),
        ),
    ] {
        assert_eq!(answered(reply, rules).await, expected);
    }
}

#[tokio::test]
async fn where_no_rule_matches_http_itself_counts() {
    let nginx = |text: &str| {
        let body =
            format!("<html><head><title>400 {text}</title></head><body>{text}</body></html>");
        server::status("400 Bad Request", "Content-Type: text/html\r\n", &body)
    };
    for (reply, expected) in [
        (
            nginx("No required SSL certificate was sent"),
            Outcome::Rejected {
                cause: Cause::new(Why::NoCertificate, "no certificate reached the portal"),
            },
        ),
        (
            nginx("The SSL certificate error"),
            Outcome::Rejected {
                cause: Cause::new(
                    Why::NotSaid,
                    "the portal does not say why; seen from here nothing is wrong with it, but it may be revoked, or the portal's lists of authorities or of revoked certificates may be old or incomplete",
                ),
            },
        ),
        (
            server::status("401 Unauthorized", "", ""),
            Outcome::Forbidden {
                cause: Cause::new(Why::NotKnown, "the portal does not know this certificate"),
            },
        ),
        (
            server::status(
                "403 Forbidden",
                "",
                "<title>Access\u{1b}[2J Forbidden</title>",
            ),
            Outcome::Forbidden {
                cause: Cause::new(
                    Why::Forbidden,
                    "the portal says \u{201c}Access\u{FFFD}[2J Forbidden\u{201d}",
                ),
            },
        ),
        (
            server::status(
                "403 Forbidden",
                "",
                "Reason: Cannot perform Post-Handshake Authentication.",
            ),
            too_late(),
        ),
        (
            server::status(
                "403 Forbidden",
                "",
                "<h2>HTTP Error 403.17 - Forbidden</h2>",
            ),
            Outcome::Rejected {
                cause: Cause::new(
                    Why::CertificateNotYetValid,
                    "the portal says that it has expired or is not valid yet; here it is valid, so a clock may be wrong",
                ),
            },
        ),
        (
            server::status("503 Service Unavailable", "Retry-After: 120\r\n", ""),
            Outcome::Unavailable {
                cause: Cause::new(
                    Why::PortalBusy,
                    "the portal answered 503 Service Unavailable",
                ),
                retry_after: Some(Duration::from_mins(2)),
            },
        ),
        (
            server::status("429 Too Many Requests", "Retry-After: 9999999\r\n", ""),
            Outcome::Unavailable {
                cause: Cause::new(Why::PortalBusy, "the portal answered 429 Too Many Requests"),
                retry_after: Some(Duration::from_hours(24)),
            },
        ),
        (
            server::status("404 Not Found", "", "<title>Nothing here</title>"),
            unrecognised(Why::UnknownPage, "Nothing here"),
        ),
        (
            server::page("<title>Log in</title><form><input name=p type=Password></form>"),
            unrecognised(Why::LogInForm, "Log in, a form that asks for a password"),
        ),
        (
            server::page("<p>Please sign in"),
            unrecognised(Why::UnknownPage, "a page without a title, 200 OK"),
        ),
        (
            server::status("200 OK", "Content-Type: image/png\r\n", ACCOUNT),
            unrecognised(Why::UnknownPage, "a page without a title, 200 OK"),
        ),
    ] {
        assert_eq!(without_page(answered(reply, RULES).await), expected);
    }
}

#[tokio::test]
async fn a_server_error_is_the_portals_own_and_whoever_is_busy_says_so() {
    for (status, kind) in [
        ("408 Request Timeout", Why::PortalBusy),
        ("500 Internal Server Error", Why::PortalError),
        ("501 Not Implemented", Why::PortalError),
        ("502 Bad Gateway", Why::PortalBusy),
        ("504 Gateway Timeout", Why::PortalBusy),
        ("505 HTTP Version Not Supported", Why::PortalError),
    ] {
        let expected = Outcome::Unavailable {
            cause: Cause::new(kind, format!("the portal answered {status}")),
            retry_after: None,
        };

        let outcome = answered(server::status(status, "", ""), RULES).await;

        assert_eq!(outcome, expected);
    }
}

fn unrecognised(kind: Why, title: &str) -> Outcome {
    Outcome::Unrecognised {
        cause: Cause::new(kind, title),
    }
}

fn too_late() -> Outcome {
    Outcome::Unsupported {
        cause: Cause::new(
            Why::AsksLatePostHandshake,
            "the portal asks for the certificate too late, after the connection is made (post-handshake authentication)",
        ),
    }
}

async fn answered(reply: Reply, rules: &str) -> Outcome {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let Reply::Page(head, body) = reply else {
        panic!("a page is wanted");
    };
    let server = Server::start(config, move |_| Reply::Page(head.clone(), body.clone())).await;
    let holder = Holder::new(Kind::P256, &ca);
    sign_in(&portal(&server, &ca, rules), holder.identity())
        .await
        .unwrap()
}
