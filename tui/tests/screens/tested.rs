//! A sign-in that is tried.

use cac_common::interface::TestReply;
use cac_common::reader::ReaderStatus;
use cacctl::keys::Command;

use super::trials::{long, registered, unrecognised};
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
