//! Forms that send themselves.

use cac_common::cause::{Cause, Kind as Why};
use cac_common::registration::Outcome;
use cac_common::trace::Trace;
use rustls::ServerConfig;
use rustls::version::TLS13;

use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Server};
use super::{ACCOUNT, RULES, portal, registered, sign_in};
use crate::portal::sign_in_traced;

const FIELDS: &str = "<input type=hidden name=RelayState value='a b'>\
    <input type=hidden name=SAMLResponse value='PD94+secret/=='>";
const BODY: &str = "RelayState=a+b&SAMLResponse=PD94%2Bsecret%2F%3D%3D";

#[tokio::test]
async fn a_saml_response_goes_from_the_identity_provider_to_the_portal() {
    let ca = Authority::new("Test CA");
    let asking = server::config(&ca, &TLS13, &Asks::Naming(&ca));
    let quiet = server::config(&ca, &TLS13, &Asks::Never);
    let portal_at = Server::reserve().await;
    let acs = format!("{}/acs", portal_at.origin());
    let idp = Server::start(asking, move |_| form_to(&acs, FIELDS)).await;
    let to_idp = format!("Location: {}/sso?SAMLRequest=1\r\n", idp.origin());
    let sp = portal_at.serve(quiet, move |request| {
        if request.starts_with("GET /sign-in ") {
            let cookie = "Set-Cookie: relay=1; Path=/; SameSite=None\r\n";
            server::status("302 Found", &format!("{to_idp}{cookie}"), "")
        } else if request.starts_with("POST /acs ") {
            let headers = "Location: /account\r\nSet-Cookie: session=1; Path=/\r\n";
            server::status("303 See Other", headers, "")
        } else {
            server::page(ACCOUNT)
        }
    });
    let holder = Holder::new(Kind::P256, &ca);
    let rules = format!("redirect_origins = [\"{}\"]\n{RULES}", idp.origin());
    let mut trace = Trace::default();

    let outcome = sign_in_traced(&portal(&sp, &ca, &rules), holder.identity(), &mut trace).await;

    assert_eq!(outcome.unwrap(), registered());
    assert_eq!(holder.signed(), 1);
    let [_, posted, got] = &sp.requests()[..] else {
        panic!("{:?}", sp.requests());
    };
    assert!(posted.contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"));
    assert!(posted.contains("\r\ncookie: relay=1\r\n"), "{posted}");
    assert!(posted.ends_with(&format!("\r\n\r\n{BODY}")), "{posted}");
    assert!(got.starts_with("GET /account "), "{got}");
    assert!(got.contains("\r\ncookie: relay=1; session=1\r\n"), "{got}");
    let [_, page, post, last] = &trace.hops[..] else {
        panic!("{trace:?}");
    };
    assert_eq!(page.redirect, Some(format!("{}/acs", sp.origin())));
    assert_eq!((post.method.as_str(), post.status), ("POST", Some(303)));
    assert_eq!(post.fields, ["RelayState", "SAMLResponse"]);
    assert_eq!((last.method.as_str(), last.fields.len()), ("GET", 0));
    assert!(!format!("{trace:?}").contains("secret"), "{trace:?}");
}

#[tokio::test]
async fn a_form_to_an_origin_not_named_is_not_sent() {
    let ca = Authority::new("Test CA");
    let foreign = Server::start(config(&ca), |_| server::page(ACCOUNT)).await;
    let to = format!("{}/acs", foreign.origin());
    let server = Server::start(config(&ca), move |_| form_to(&to, FIELDS)).await;
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

    assert_eq!(outcome.unwrap(), elsewhere(&foreign.origin()));
    assert_eq!(foreign.connections(), 0);
}

#[tokio::test]
async fn a_redirect_says_by_its_status_whether_the_form_goes_along() {
    for (status, method, is_sent_again) in [
        (301, "GET", false),
        (302, "GET", false),
        (303, "GET", false),
        (307, "POST", true),
        (308, "POST", true),
    ] {
        let ca = Authority::new("Test CA");
        let server = Server::start(config(&ca), move |request| {
            let path = request.split(' ').nth(1);
            match path {
                Some("/sign-in") => form_to("/acs", FIELDS),
                Some("/acs") => server::status(&format!("{status} Go"), "Location: /next\r\n", ""),
                _ => server::page(ACCOUNT),
            }
        })
        .await;
        let holder = Holder::new(Kind::P256, &ca);

        let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

        assert_eq!(outcome.unwrap(), registered());
        let last = server.requests().pop().unwrap();
        assert!(last.starts_with(&format!("{method} /next ")), "{last}");
        assert_eq!(last.ends_with(BODY), is_sent_again, "{last}");
    }
}

#[tokio::test]
async fn a_redirect_takes_no_form_to_an_origin_not_named() {
    let ca = Authority::new("Test CA");
    let foreign = Server::start(config(&ca), |_| server::page(ACCOUNT)).await;
    let to = format!("Location: {}/acs\r\n", foreign.origin());
    let server = Server::start(config(&ca), move |request| {
        if request.starts_with("POST ") {
            server::status("307 Temporary Redirect", &to, "")
        } else {
            form_to("/acs", FIELDS)
        }
    })
    .await;
    let holder = Holder::new(Kind::P256, &ca);

    let outcome = sign_in(&portal(&server, &ca, RULES), holder.identity()).await;

    assert_eq!(outcome.unwrap(), elsewhere(&foreign.origin()));
    assert_eq!(foreign.connections(), 0);
}

#[tokio::test]
async fn forms_in_a_circle_end() {
    let ca = Authority::new("Test CA");
    let server = Server::start(config(&ca), |_| form_to("/acs", FIELDS)).await;
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
async fn what_a_person_has_to_send_is_not_sent() {
    let rules = "[consent]\nselector = \"#notice\"\nform = \"form\"\n";
    for page in [
        form("/acs", &format!("{FIELDS}<input name=user>"), ""),
        form("/acs", &format!("{FIELDS}<input type=password name=p>"), ""),
        form("/acs", FIELDS, "<p id=notice>You are accessing a system"),
    ] {
        let ca = Authority::new("Test CA");
        let server = Server::start(config(&ca), move |_| server::page(&page)).await;
        let holder = Holder::new(Kind::P256, &ca);
        let rules = format!("{rules}{RULES}");

        let outcome = sign_in(&portal(&server, &ca, &rules), holder.identity()).await;

        assert!(
            matches!(
                outcome,
                Ok(Outcome::Unrecognised { .. } | Outcome::Unsupported { .. })
            ),
            "{outcome:?}"
        );
        assert_eq!(server.requests().len(), 1);
    }
}

fn config(ca: &Authority) -> ServerConfig {
    server::config(ca, &TLS13, &Asks::Naming(ca))
}

fn form_to(action: &str, fields: &str) -> server::Reply {
    server::page(&form(action, fields, ""))
}

fn form(action: &str, fields: &str, more: &str) -> String {
    format!(
        "<title>Going on</title><body onload='document.forms[0].submit()'>{more}\
         <form method=post action='{action}'>{fields}</form>"
    )
}

fn elsewhere(origin: &str) -> Outcome {
    Outcome::Unsupported {
        cause: Cause::new(
            Why::RedirectsAway,
            format!("the portal sends us to {origin}, which its profile does not name"),
        ),
    }
}
