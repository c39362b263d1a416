//! Registering by hand, at servers that do as they like.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cac_common::cause::Kind as CauseKind;
use cac_common::locked::Locked;
use cac_common::password::Password;
use proptest::prelude::*;
use rustls::version::{TLS12, TLS13};

use super::super::wizard::{Begins, Leg, Session, Shown, Turn, Value, Why};
use super::holder::{Holder, Kind};
use super::server::{self, Asks, Authority, Reply, Server, page, redirect, status};
use super::{LIMITS, Limits, portal, portal_at};
use cac_common::trace::Trace;

const STEPS: &str = r##"
[[wizard]]
title = "Log in"
page = "/login"
form = "#login"
fields = [
    { name = "user", label = "User name" },
    { name = "password", label = "Password", kind = "password" },
]
proof = "#home"

[[wizard]]
title = "Open the account"
page = "/account"
proof = "#account"

[[wizard]]
title = "Register"
page = "/register"
form = "#register"
proof = "#done"
certificate = true
account_selector = "#name"
"##;

const LOG_IN: &str = "<title>Log In</title><form id=login method=post action=/login>\
    <input type=hidden name=csrf value=c1><input name=user>\
    <input type=password name=password></form>";
const REGISTER: &str = "<title>Register</title><form id=register method=post action=/register>\
    <input type=hidden name=csrf value=c2><button>Register</button></form>";
const DONE: &str = "<title>Done</title><h1 id=done>Registered</h1>\
    <table><tr><th>Account</th><td id=name>jane.doe</td></tr></table>";
const SECRET: &str = "Wren-Quartz";

fn as_it_should(request: &str) -> Reply {
    let (line, _) = request.split_once("\r\n").unwrap();
    match line {
        "GET /login HTTP/1.1" => status("200 OK", "Set-Cookie: sid=1\r\n", LOG_IN),
        "POST /login HTTP/1.1" => status("303 See Other", "Location: /home\r\n", ""),
        "GET /home HTTP/1.1" => page("<p id=home>Welcome"),
        "GET /account HTTP/1.1" => page("<p id=account>Account"),
        "GET /register HTTP/1.1" => page(REGISTER),
        "POST /register HTTP/1.1" => page(DONE),
        other => panic!("{other} was not to be asked"),
    }
}

#[tokio::test]
async fn by_hand_from_page_to_page_with_the_key_used_for_the_last_step_alone() {
    for version in [&TLS12, &TLS13] {
        let (mut session, server, holder) = begun(version, as_it_should).await;
        let mut steps = Vec::new();
        let mut legs = Vec::new();
        for (at, begins) in [
            (0, Begins::Opening),
            (0, Begins::Sending(typed())),
            (2, Begins::Sending(Vec::new())),
        ] {
            let leg = Leg {
                at,
                begins,
                identity: holder.identity(),
                signs: true,
            };
            let mut trace = Trace::default();
            let turned = session.go(leg, &mut trace, |at| steps.push(at));
            legs.push((turned.await.unwrap(), holder.signed()));
        }

        let asks = |at| Turn::Asks { at, why: Why::Next };
        let shown = Shown {
            text: "Registered\nAccount jane.doe".into(),
            html: DONE.into(),
            account: Some("jane.doe".into()),
        };
        let done = Turn::Done {
            registered: Some(Some("jane.doe".into())),
            shown: Some(shown),
        };
        assert_eq!(legs, [(asks(0), 0), (asks(2), 0), (done, 1)], "{version:?}");
        assert_eq!(steps, [0, 0, 1, 2, 2]);
        let requests = server.requests();
        let sent = |path: &str| {
            let mut requests = requests.iter();
            requests.find(|it| it.starts_with(path)).unwrap().clone()
        };
        let log_in = sent("POST /login");
        let own = format!("origin: {}\r\n", server.origin());
        let from = format!("referer: {}/login\r\n", server.origin());
        for part in ["cookie: sid=1\r\n", &own, &from] {
            assert!(log_in.contains(part), "{part}: {log_in}");
        }
        assert!(
            log_in.ends_with("csrf=c1&user=jane.doe&password=Wren-Quartz"),
            "{log_in}"
        );
        assert!(sent("POST /register").ends_with("csrf=c2"));
    }
}

#[tokio::test]
async fn a_portal_that_goes_away_at_any_request_stops_it_there_and_it_can_be_gone_on_with() {
    // Six requests from the log-in to the end; 1 is the first.
    for (gone, stops_at) in (1..).zip([0, 0, 0, 1, 2, 2]) {
        let asked = AtomicUsize::new(0);
        let (mut session, server, holder) = begun(&TLS13, move |request| {
            if asked.fetch_add(1, Ordering::SeqCst) + 1 == gone {
                Reply::Close
            } else {
                as_it_should(request)
            }
        })
        .await;
        let mut stops = Vec::new();
        let mut turn = go(&mut session, &holder, 0, Begins::Opening).await;
        let mut legs = 0;
        while !matches!(turn, Turn::Done { .. }) {
            legs += 1;
            assert!(legs < 9, "it goes in a circle: {turn:?}");
            turn = match turn {
                Turn::Stopped { at, cause, .. } => {
                    // With TLS 1.3 that may be its verdict on the certificate.
                    let kind = if gone == 6 {
                        CauseKind::NotSaid
                    } else {
                        CauseKind::ConnectionClosed
                    };
                    assert_eq!(cause.kind, kind, "gone at request {gone}");
                    stops.push(at);
                    go(&mut session, &holder, at, Begins::Opening).await
                }
                Turn::Asks { at: 0, .. } => {
                    go(&mut session, &holder, 0, Begins::Sending(typed())).await
                }
                Turn::Asks { at, .. } => {
                    go(&mut session, &holder, at, Begins::Sending(Vec::new())).await
                }
                other @ (Turn::Tells { .. }
                | Turn::Notice { .. }
                | Turn::LockedOut { .. }
                | Turn::Done { .. }) => {
                    panic!("{other:?}")
                }
            };
        }

        assert_eq!(stops, [stops_at], "gone at request {gone}");
        // Where the log-in itself was lost, a person types once more.
        let typed_twice = usize::from(matches!(gone, 2 | 3));
        assert_eq!(sent(&server), 1 + typed_twice, "gone at request {gone}");
    }
}

#[tokio::test]
async fn a_form_that_leads_elsewhere_is_not_sent() {
    let (mut session, server, holder) = begun(&TLS13, |_| {
        page(
            "<form id=login method=post action=https://elsewhere.example/>\
              <input name=user><input type=password name=password></form>",
        )
    })
    .await;
    go(&mut session, &holder, 0, Begins::Opening).await;

    let turn = go(&mut session, &holder, 0, Begins::Sending(typed())).await;

    let Turn::Stopped {
        at: 0,
        cause,
        sent: false,
    } = turn
    else {
        panic!("{turn:?}");
    };
    assert_eq!(cause.kind, CauseKind::RedirectsAway);
    assert_eq!(sent(&server), 0);
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again_however_the_portal_asks() {
    for again in ["307 Temporary Redirect", "308 Permanent Redirect"] {
        let (mut session, server, holder) = begun(&TLS13, move |request| {
            if request.starts_with("POST") {
                status(again, "Location: /login\r\n", "")
            } else {
                page(LOG_IN)
            }
        })
        .await;
        go(&mut session, &holder, 0, Begins::Opening).await;

        let turn = go(&mut session, &holder, 0, Begins::Sending(typed())).await;

        assert!(matches!(turn, Turn::Stopped { at: 0, .. }), "{turn:?}");
        assert_eq!(sent(&server), 1, "{again}");
    }
}

#[tokio::test]
async fn a_notice_that_nobody_has_accepted_is_theirs_to_accept() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Never);
    let server = Server::start(config, |_| {
        page("<p id=notice>You are using a system<form id=yes method=post><button>OK</button></form>")
    })
    .await;
    let rules = format!("[consent]\nselector = \"#notice\"\nform = \"#yes\"\n{STEPS}");
    let mut session = Session::new(Arc::new(portal_at(&server.origin(), &ca, &rules)));

    let turn = go(
        &mut session,
        &Holder::new(Kind::P256, &ca),
        0,
        Begins::Opening,
    )
    .await;

    let Turn::Notice { at: 0, notice } = turn else {
        panic!("{turn:?}");
    };
    assert!(
        notice.text.starts_with("You are using a system"),
        "{notice:?}"
    );
}

#[tokio::test]
async fn a_page_that_the_key_signs_for_waits_until_it_may() {
    let ca = Authority::new("Test CA");
    let config = server::config(&ca, &TLS13, &Asks::Kindly(&ca));
    let server = Server::start(config, |_| page(DONE)).await;
    let steps = "[[wizard]]\ntitle = \"Register\"\npage = \"/register\"\nproof = \"#done\"\n\
                 certificate = true\n";
    let mut session = Session::new(Arc::new(portal(&server, &ca, steps)));
    let holder = Holder::new(Kind::P256, &ca);
    let leg = |signs| Leg {
        at: 0,
        begins: Begins::Opening,
        identity: holder.identity(),
        signs,
    };
    let mut trace = Trace::default();

    let asks = session.go(leg(false), &mut trace, |_| {}).await.unwrap();
    let asked = server.requests().len();
    let done = session.go(leg(true), &mut trace, |_| {}).await.unwrap();

    assert_eq!(
        asks,
        Turn::Asks {
            at: 0,
            why: Why::Next
        }
    );
    assert_eq!((asked, holder.signed()), (0, 1));
    assert!(
        matches!(
            done,
            Turn::Done {
                registered: Some(_),
                ..
            }
        ),
        "{done:?}"
    );
}

/// What a portal may answer, whatever it is asked.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 1..8)
}

fn answer(which: u8) -> Reply {
    match which % 14 {
        0 => page(LOG_IN),
        1 => page("<p id=home>Welcome"),
        2 => page("<p>Something else"),
        3 => redirect("/login"),
        4 => status("303 See Other", "Location: /home\r\n", ""),
        5 => status("307 Temporary Redirect", "Location: /login\r\n", ""),
        6 => status("308 Permanent Redirect", "Location: /other\r\n", ""),
        7 => status("401 Unauthorized", "WWW-Authenticate: Basic\r\n", LOG_IN),
        8 => status("500 Internal Server Error", "", ""),
        9 => status("503 Service Unavailable", "Retry-After: 0\r\n", ""),
        10 => Reply::Close,
        11 => Reply::Stalled,
        12 => status("408 Request Timeout", "Connection: close\r\n", ""),
        _ => Reply::Bytes(b"no HTTP at all\r\n\r\n".to_vec()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_password_is_sent_at_most_once_whatever_the_portal_answers(answers in answers()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let asked = AtomicUsize::new(0);
            let (mut session, server, holder) = begun(&TLS13, move |_| {
                // First the form; all that follows is the portal's choice.
                match asked.fetch_add(1, Ordering::SeqCst) {
                    0 => page(LOG_IN),
                    number => answer(answers[(number - 1) % answers.len()]),
                }
            })
            .await;
            let turn = go(&mut session, &holder, 0, Begins::Opening).await;
            assert_eq!(turn, Turn::Asks { at: 0, why: Why::Next });

            go(&mut session, &holder, 0, Begins::Sending(typed())).await;

            assert!(sent(&server) <= 1, "{:?}", server.requests());
        });
    }
}

async fn begun(
    version: &'static rustls::SupportedProtocolVersion,
    reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> (Session, Server, Holder) {
    let ca = Authority::new("Test CA");
    // Asks everyone, and lets those in who have none.
    let config = server::config(&ca, version, &Asks::Kindly(&ca));
    let server = Server::start(config, reply).await;
    let session = Session::new(Arc::new(portal(&server, &ca, STEPS)));
    let holder = Holder::new(Kind::P256, &ca);
    (session, server, holder)
}

async fn go(session: &mut Session, holder: &Holder, at: usize, begins: Begins) -> Turn {
    // A portal that stalls is not waited for as long as people would.
    let limits = Limits {
        whole: Duration::from_secs(1),
        ..LIMITS
    };
    let leg = Leg {
        at,
        begins,
        identity: holder.identity(),
        signs: true,
    };
    let mut trace = Trace::default();
    let turned = session.go_within(limits, leg, &mut trace, |_| {});
    turned.await.unwrap()
}

fn typed() -> Vec<(String, Value)> {
    let mut bytes = Locked::new().unwrap();
    bytes.bytes_mut()[..SECRET.len()].copy_from_slice(SECRET.as_bytes());
    let password = Password::new(bytes, SECRET.len()).unwrap();
    vec![
        ("user".into(), Value::Text("jane.doe".into())),
        ("password".into(), Value::Password(password)),
    ]
}

/// How often the password reached the portal.
fn sent(server: &Server) -> usize {
    let requests = server.requests();
    requests.iter().filter(|it| it.contains(SECRET)).count()
}
