//! A sign-in that is tried.

use cac_common::cause::{Cause, Kind};
use cac_common::interface::TestReply;
use cac_common::profile::RuleResult;
use cac_common::reader::ReaderStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::trace::{Hop, RuleTried, Trace};
use cacctl::keys::Command;

use super::*;

#[test]
fn a_test_says_first_what_it_would_do() {
    let mut app = offered(invented::desk());
    look_at("test_offered", &app);
    press(&mut app, &[Command::Yes]);

    look_at("test_pin", &app);
}

#[test]
fn a_test_says_what_it_waits_for() {
    let mut app = waiting(invented::desk());
    app.now = UtcSeconds(app.now.0 + 4);
    look_at("test_waiting", &app);
    app.now = UtcSeconds(app.now.0 + 40);
    look_at("test_slow", &app);
    let mut without = invented::desk();
    without.readers[2].card = None;
    without.readers[2].status = ReaderStatus::Empty;
    update(&mut app, Message::Snapshot(Box::new(without)));
    look_at("test_card_gone", &app);
    update(&mut app, Message::Away(unreachable()));

    look_at("test_daemon_gone", &app);
}

#[test]
fn each_hop_and_rule_is_told_and_what_came_of_it_first() {
    let mut app = told(registered());
    look_at("test_registered", &app);
    press(&mut app, &[Command::Save]);
    look_at("test_saving", &app);

    let mut app = told(unrecognised());
    look_at("test_unrecognised", &app);
    press(&mut app, &[Command::Move(Move::Last)]);
    look_at("test_unrecognised_end", &app);
}

#[test]
fn a_refused_pin_is_told_with_the_tries_that_are_left() {
    look_at("test_failed", &failed());
}

#[test]
fn the_outcome_has_its_tone_and_the_rule_that_matches_too() {
    let theme = Theme::DEFAULT;
    for (reply, colour) in [(registered(), Color::Green), (unrecognised(), Color::Red)] {
        let app = told(reply);
        let rows = rows(&app, theme);

        let of = |text: &str| {
            let row = rows.iter().find(|row| words(row).contains(text));
            row.unwrap_or_else(|| panic!("{text}"))
        };
        let label = if colour == Color::Green {
            "✔ Registered"
        } else {
            "✖ Unrecognised"
        };
        assert!(of(label).iter().any(|cell| cell.fg == colour), "{label}");
    }
}

fn rows(app: &App, theme: Theme) -> Vec<Vec<Cell>> {
    let mut screen = Terminal::new(TestBackend::new(80, 24)).unwrap();
    screen.draw(|frame| view::draw(frame, app, theme)).unwrap();
    let content = &screen.backend().buffer().content;
    content.chunks(80).map(<[Cell]>::to_vec).collect()
}

fn words(row: &[Cell]) -> String {
    row.iter().map(Cell::symbol).collect()
}

pub(super) fn every_app() -> Vec<App> {
    let mut prompt = offered(extreme());
    press(&mut prompt, &[Command::Yes]);
    let mut saving = told(unrecognised());
    press(&mut saving, &[Command::Save]);
    vec![
        offered(extreme()),
        prompt,
        waiting(invented::desk()),
        told(unrecognised()),
        told(long()),
        saving,
        failed(),
    ]
}

fn offered(snapshot: Snapshot) -> App {
    let mut app = app(snapshot);
    press(&mut app, &[Command::TestPortal]);
    app
}

fn waiting(snapshot: Snapshot) -> App {
    let mut app = offered(snapshot);
    press(&mut app, &[Command::Yes]);
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, &[Command::Open]);
    app
}

fn told(reply: TestReply) -> App {
    let mut app = waiting(invented::desk());
    let message = Message::Tested {
        portal: "travel".into(),
        since: app.now,
        reply: Ok(Box::new(reply)),
    };
    update(&mut app, message);
    app
}

fn failed() -> App {
    let mut app = waiting(invented::desk());
    let message = Message::Tested {
        portal: "travel".into(),
        since: app.now,
        reply: Err(Trouble {
            what: "PIN not accepted; 2 tries left".into(),
            advice: Some(
                "Your PIN was sent once and thrown away. Try again when you are sure of it.",
            ),
        }),
    };
    update(&mut app, message);
    app
}

fn hop(url: &str, status: u16) -> Hop {
    Hop {
        method: "GET".into(),
        url: url.into(),
        status: Some(status),
        took: 182,
        protocol: Some("HTTP/1.1".into()),
        ..Hop::default()
    }
}

pub(super) fn registered() -> TestReply {
    let first = Hop {
        asked: true,
        signed: true,
        cookies: 1,
        redirect: Some("https://travel.example/home".into()),
        ..hop("https://travel.example/", 302)
    };
    TestReply {
        outcome: RegistrationStatus::Registered {
            since: invented::NOW,
            checked_at: invented::NOW,
            account: Some("jane.q.doe".into()),
            recheck_due: false,
        },
        trace: Trace {
            hops: vec![first, hop("https://travel.example/home", 200)],
            rules: vec![
                RuleTried {
                    number: 1,
                    result: RuleResult::NotFound,
                    misses: Some("\u{201c}User Not Found\u{201d} is not on the page".into()),
                },
                RuleTried {
                    number: 2,
                    result: RuleResult::Registered,
                    misses: None,
                },
            ],
        },
        page: None,
    }
}

fn unrecognised() -> TestReply {
    let mut reply = registered();
    reply.outcome = RegistrationStatus::Unrecognised {
        cause: Cause::new(Kind::UnknownPage, "Welcome to Travel, 1234567890").on_page(
            200,
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        ),
    };
    reply.trace.rules[1].misses = Some("the status is 200, not 403".into());
    reply
}

/// Everything long, wide or out of range.
fn long() -> TestReply {
    let long = "\u{65e5}\u{672c}\u{8a9e} e\u{301} \u{202e}\u{1b}[2J ".repeat(40);
    let failed = Hop {
        status: None,
        failure: Some(long.clone()),
        fields: vec![long.clone(); 2],
        doubt: Some(long.clone()),
        redirect: Some(long.clone()),
        took: u64::MAX,
        cookies: u32::MAX,
        ..hop(&long, 0)
    };
    TestReply {
        outcome: RegistrationStatus::Waiting {
            until: UtcSeconds(i64::MAX),
            attempt: 1,
            cause: Cause::new(Kind::NoAnswer, long.clone()),
        },
        trace: Trace {
            hops: vec![failed; 3],
            rules: vec![RuleTried {
                number: u32::MAX,
                result: RuleResult::NeedsSponsor,
                misses: Some(long),
            }],
        },
        page: None,
    }
}
