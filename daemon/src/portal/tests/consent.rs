//! A notice is shown, and accepted by a person alone.

use cac_common::cause::{Cause, Kind as Why};
use cac_common::registration::{Notice, Outcome};
use rustls::version::TLS13;

use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Server};
use super::{ACCOUNT, RULES, portal, registered, sign_in};
use crate::portal::Identity;

const CONSENT: &str = "[consent]\nselector = \"#notice\"\nform = \"form#accept\"\n\
    button = \"button[value=yes]\"\n";

/// A page that goes on to the account once its form is sent.
async fn with_form(ca: &Authority, inside: &'static str) -> Server {
    let config = server::config(ca, &TLS13, &Asks::Naming(ca));
    Server::start(config, move |head| {
        if head.starts_with("POST /accept ") {
            return server::redirect("/account");
        }
        if head.starts_with("GET /account ") {
            return server::page(ACCOUNT);
        }
        server::page(&format!(
            "<div id=notice><p>You are using  a system.</p><p>\u{1b}[2JIt is watched.</p></div>\
             <form id=accept method=post action=/accept>{inside}</form>"
        ))
    })
    .await
}

const INSIDE: &str = "<input type=hidden name=csrf value='a b'><input type=checkbox name=read required>\
    <button name=answer value=no>Decline</button><button name=answer value=yes>I accept</button>";

#[tokio::test]
async fn a_notice_is_shown_until_a_person_has_accepted_that_very_text() {
    let ca = Authority::new("Test CA");
    let server = with_form(&ca, INSIDE).await;
    let portal = portal(&server, &ca, &format!("{CONSENT}{RULES}"));
    let holder = Holder::new(Kind::P256, &ca);
    let identity = |accepted: &str| Identity {
        accepted: vec![accepted.to_owned()],
        ..holder.identity()
    };

    let first = sign_in(&portal, identity("00")).await.unwrap();
    let Outcome::NeedsConsent { notice } = first else {
        panic!("{first:?}");
    };
    let posted = |server: &Server| {
        let requests = server.requests();
        requests
            .into_iter()
            .filter(|it| it.starts_with("POST"))
            .count()
    };
    let before = posted(&server);
    let second = sign_in(&portal, identity(&notice.sha256)).await.unwrap();

    let Notice { text, .. } = notice;
    let shown = "You are using a system. \u{FFFD}[2JIt is watched. Decline I accept";
    assert_eq!(text, shown);
    assert_eq!(before, 0, "nobody had accepted it");
    assert_eq!(second, registered());
    assert_eq!(posted(&server), 1);
    let requests = server.requests();
    let sent = requests.iter().find(|it| it.starts_with("POST")).unwrap();
    let length = "csrf=a+b&read=on&answer=yes".len();
    assert!(
        sent.contains(&format!("content-length: {length}\r\n")),
        "{sent}"
    );
}

#[tokio::test]
async fn a_notice_that_asks_for_more_than_a_yes_is_not_answered() {
    let consent = CONSENT.replace("button = \"button[value=yes]\"\n", "");
    for inside in [
        "<input name=name><button>I accept</button>",
        "<button value=no>Decline</button><button value=yes>I accept</button>",
        "<button formaction=/elsewhere>I accept</button>",
        "<button disabled>I accept</button>",
        "<input type=hidden name=a>",
    ] {
        let ca = Authority::new("Test CA");
        let server = with_form(&ca, inside).await;
        let portal = portal(&server, &ca, &format!("{consent}{RULES}"));

        let outcome = sign_in(&portal, Holder::new(Kind::P256, &ca).identity()).await;

        assert_eq!(
            outcome.unwrap(),
            Outcome::Unsupported {
                cause: Cause::new(
                    Why::NoticeNotAcceptable,
                    "the portal shows a notice that cannot be accepted with a mere yes"
                )
            },
            "{inside}"
        );
    }
}
