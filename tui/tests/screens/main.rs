//! Every screen as it is drawn, at the two usual sizes; and nothing that panics at any.

mod activity;
mod by_hand;
mod checked;
mod conditions;
mod hard;
mod help;
#[path = "../support/invented.rs"]
mod invented;
mod keys;
mod outlook;
mod registering;
#[path = "../support/scenes.rs"]
mod scenes;
mod tested;
#[path = "../support/trials.rs"]
mod trials;
mod waits;

use cac_common::finding::Weight;
use cac_common::interface::{ClearScope, GetHistory, HistoryReply, Lost};
use cac_common::snapshot::{HistoryKind, PinStatus, Snapshot, Stage};
use cac_common::time::UtcSeconds;
use cacctl::app::{App, Pane, Screen};
use cacctl::failure::Trouble;
use cacctl::keys::{Command, Move};
use cacctl::theme::Theme;
use cacctl::update::{Action, Message, Stroke, update};
use cacctl::view;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};
use scenes::{card, extreme, finding, many, nameless, troubled};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 36)];

const MONOCHROME: Theme = Theme::MONOCHROME;

#[test]
fn the_desk() {
    look_at("desk", &app(invented::desk()));
}

#[test]
fn nothing_is_plugged_in() {
    look_at("nothing_plugged_in", &app(invented::nothing_plugged_in()));
}

#[test]
fn the_daemon_has_not_answered_yet() {
    look_at("connecting", &App::new(invented::NOW, TimeZone::UTC));
}

#[test]
fn the_daemon_went_away() {
    let mut app = app(invented::desk());
    update(&mut app, Message::Away(unreachable()));
    app.now = UtcSeconds(app.now.0 + 180);

    look_at("daemon_away", &app);
}

#[test]
fn the_daemon_was_never_there() {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    update(&mut app, Message::Away(unreachable()));

    look_at("daemon_never_there", &app);
}

#[test]
fn the_smart_card_service_is_away_and_more_is_wrong() {
    look_at("troubled", &app(troubled()));
}

#[test]
fn a_stranger_sees_readers_only() {
    look_at("stranger", &app(invented::desk().for_a_stranger()));
}

#[test]
fn a_card_is_being_read() {
    let mut desk = invented::desk();
    let card = card(&mut desk);
    card.stage = Stage::Reading {
        done: 3,
        of: 9,
        what: None,
    };
    card.certificates.clear();
    card.registrations.clear();
    card.pin = PinStatus::Unknown;

    look_at("reading", &app(desk));
}

#[test]
fn of_a_card_being_read_the_number_is_there_before_the_name() {
    look_at("reading_nameless", &app(nameless()));
}

#[test]
fn a_card_that_was_checked_shows_what_came_of_it() {
    look_at("checked", &app(invented::checked()));
    look_at(
        "checked_card",
        &opened(invented::checked(), Pane::Readers, 0),
    );
    for (down, name) in [(0, "checked_certificate"), (1, "revoked_certificate")] {
        let of = opened(invented::checked(), Pane::Certificates, down);

        look_at(name, &of);
    }
}

#[test]
fn what_is_only_worth_knowing_of_a_card_shouts_at_nobody() {
    let mut desk = invented::checked();
    card(&mut desk)
        .findings
        .retain(|finding| finding.weight == Weight::Note);
    let theme = Theme::DEFAULT;
    let mut screen = Terminal::new(TestBackend::new(80, 24)).unwrap();

    screen
        .draw(|frame| view::draw(frame, &app(desk), theme))
        .unwrap();

    let buffer = screen.backend().buffer();
    let row = (0..24)
        .map(|row| row * 80..(row + 1) * 80)
        .map(|row| &buffer.content[row])
        .find(|row| {
            row.iter()
                .map(Cell::symbol)
                .collect::<String>()
                .contains("Key History")
        })
        .unwrap();
    assert!(row.iter().all(|cell| cell.fg == Color::Reset), "{row:?}");
}

#[test]
fn of_many_certificates_it_is_said_which_are_seen() {
    let mut many = app(many());
    many.focus = Pane::Certificates;
    press(&mut many, &[Command::Move(Move::PageDown)]);

    look_at("many_certificates", &many);
}

#[test]
fn a_card_with_findings_cannot_be_read() {
    let mut desk = invented::desk();
    let card = card(&mut desk);
    card.stage = Stage::Failed {
        cause: "the card was reset by another program".into(),
    };
    card.findings = vec![
        finding("9D certificate", "compressed data ends early"),
        finding("CHUID", "FASC-N is 24 bytes"),
    ];

    look_at("unreadable", &app(desk));
}

#[test]
fn the_details_of_everything() {
    for (name, focus, keys) in [
        ("details_reader", Pane::Readers, &[Command::Open][..]),
        ("details_certificate", Pane::Certificates, &[Command::Open]),
        ("details_entry", Pane::Happened, &[Command::Open]),
        (
            "details_registration",
            Pane::Registration,
            &[Command::Move(Move::Last), Command::Open],
        ),
        (
            "details_known_card",
            Pane::Readers,
            &[Command::Move(Move::Last), Command::Open],
        ),
    ] {
        let mut app = app(invented::desk());
        app.focus = focus;
        press(&mut app, keys);

        look_at(name, &app);
    }
}

#[test]
fn the_details_of_the_problems() {
    let mut app = app(troubled());
    press(&mut app, &[Command::Problems]);

    look_at("details_problems", &app);
}

#[test]
fn the_dod_id_shows_when_asked_for() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::ShowDodId]);

    look_at("dod_id_shown", &app);
}

#[test]
fn clearing_offers_what_can_be_cleared() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Clear]);

    look_at("clear_choosing", &app);
}

#[test]
fn clearing_shows_what_would_be_lost() {
    let mut app = previewing();
    look_at("clear_preview", &app);
    card(app.snapshot.as_mut().unwrap()).pin_kept = true;
    look_at("clear_preview_kept", &app);
}

#[test]
fn whose_card_it_is_stands_beside_it() {
    let mut desk = invented::desk();
    card(&mut desk).user = Some("jane".into());

    let screen = drawn(&app(desk), (120, 36), MONOCHROME);

    assert!(screen.contains("user jane"), "{screen}");
}

#[test]
fn the_history() {
    look_at("history", &history());
}

#[test]
fn the_help() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Help]);

    look_at("help", &app);
    press(&mut app, &[Command::Move(Move::Last)]);
    look_at("help_end", &app);
}

#[test]
fn a_narrow_terminal_stacks_the_panes() {
    insta::assert_snapshot!(
        "narrow",
        drawn(&app(invented::desk()), (50, 40), MONOCHROME)
    );
    insta::assert_snapshot!("tiny", drawn(&app(invented::desk()), (40, 12), MONOCHROME));
}

#[test]
fn in_ascii_nothing_else_is_drawn() {
    let theme = Theme::DEFAULT.in_ascii();
    for app in every_app() {
        let text = drawn(&app, (100, 40), theme);

        assert!(text.is_ascii(), "{text}");
    }
    insta::assert_snapshot!("ascii", drawn(&app(invented::desk()), (80, 24), theme));
}

#[test]
fn without_colour_no_cell_has_one() {
    for app in every_app() {
        let mut app = app;
        app.size = (100, 40);
        let mut screen = Terminal::new(TestBackend::new(100, 40)).unwrap();
        screen
            .draw(|frame| view::draw(frame, &app, MONOCHROME))
            .unwrap();

        let cells = &screen.backend().buffer().content;
        let plain = Color::Reset;
        assert!(
            cells
                .iter()
                .all(|cell| cell.fg == plain && cell.bg == plain)
        );
    }
}

#[test]
fn the_dod_id_is_nowhere_on_the_screen_until_asked_for() {
    for app in every_app() {
        for size in [(80, 24), (120, 36), (200, 60)] {
            let text = drawn(&app, size, MONOCHROME);

            assert!(!text.contains("1234567890"), "{text}");
        }
    }
}

/// Of all sizes, every screen has the smallest, and every size has a few screens:
/// each round gives each screen another size.
#[test]
fn no_size_makes_anything_panic() {
    const ROUNDS: usize = 32;
    // Neither has a divisor in common with the number of sizes, so that no screen
    // gets the same one twice.
    const BETWEEN_ROUNDS: usize = 13;
    const BETWEEN_SCREENS: usize = 11;
    let columns = (1..12).chain((12..=210).step_by(11));
    let all: Vec<_> = columns
        .flat_map(|columns| {
            [1, 2, 3, 4, 5, 6, 8, 9, 11, 14, 19, 24, 36, 61].map(|rows| (columns, rows))
        })
        .collect();
    let smallest = [1, 2, 3, 5, 8].map(|columns| [1, 2, 3, 5].map(|rows| (columns, rows)));
    for size in smallest.into_iter().flatten() {
        for app in &mut every_app() {
            is_drawn_to_its_end(app, size);
        }
    }
    for round in 0..ROUNDS {
        for (number, app) in every_app().iter_mut().enumerate() {
            let at = round * BETWEEN_ROUNDS + number * BETWEEN_SCREENS;
            is_drawn_to_its_end(app, all[at % all.len()]);
        }
    }
}

fn is_drawn_to_its_end(app: &mut App, size: (u16, u16)) {
    update(app, Message::Resized(size.0, size.1));
    drawn(app, size, MONOCHROME);
    update(app, Message::Command(Command::Move(Move::Last)));
    drawn(app, size, MONOCHROME);
}

/// One of each screen, the last with everything long, wide or out of range.
fn every_app() -> Vec<App> {
    let mut prompt = app(invented::desk());
    press(&mut prompt, &[Command::Register]);
    let mut help = app(invented::desk());
    press(&mut help, &[Command::Help]);
    let mut choosing = app(invented::desk());
    press(&mut choosing, &[Command::Clear]);
    let mut reader = app(extreme());
    reader.focus = Pane::Readers;
    press(&mut reader, &[Command::Open]);
    let mut certificate = app(extreme());
    certificate.focus = Pane::Certificates;
    press(&mut certificate, &[Command::Open]);
    let mut extreme_prompt = app(extreme());
    press(&mut extreme_prompt, &[Command::Register]);
    let mut happened = app(invented::desk());
    happened.focus = Pane::Happened;
    let mut apps = vec![
        app(invented::checked()),
        opened(invented::checked(), Pane::Readers, 0),
        opened(invented::checked(), Pane::Certificates, 1),
        app(nameless()),
        opened(nameless(), Pane::Readers, 0),
        opened(nameless(), Pane::Certificates, 0),
        app(many()),
        opened(extreme(), Pane::Readers, 0),
        app(invented::desk()),
        app(invented::nothing_plugged_in()),
        app(troubled()),
        App::new(invented::NOW, TimeZone::UTC),
        prompt,
        insisting(),
        help,
        choosing,
        previewing(),
        history(),
        happened,
        app(extreme()),
        reader,
        certificate,
        extreme_prompt,
    ];
    apps.extend(by_hand::every_app());
    apps.extend(keys::every_app());
    apps.extend(outlook::every_app());
    apps.extend(tested::every_app());
    apps.extend(checked::every_app());
    apps.extend(help::every_app());
    apps.extend(activity::every_app());
    apps
}

/// With the details of what is so many rows below the first of a pane.
fn opened(snapshot: Snapshot, pane: Pane, down: usize) -> App {
    let mut app = app(snapshot);
    app.focus = pane;
    press(&mut app, &vec![Command::Move(Move::Down); down]);
    press(&mut app, &[Command::Open]);
    app
}

fn insisting() -> App {
    let mut desk = invented::desk();
    card(&mut desk).pin = PinStatus::Ready {
        tries_left: Some(1),
    };
    let mut app = app(desk);
    press(&mut app, &[Command::Register]);
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, &[Command::Open]);
    update(&mut app, Message::Stroke(Stroke::Letter('y')));
    app
}

fn previewing() -> App {
    let mut app = app(invented::desk());
    press(
        &mut app,
        &[Command::Clear, Command::Move(Move::Last), Command::Open],
    );
    update(
        &mut app,
        Message::Counted {
            scope: ClearScope::All {},
            lost: Ok(Lost {
                sessions: 0,
                cards: 2,
                certificates: 8,
                personas: 2,
                registrations: 4,
                history: 61,
                consents: 3,
                confirmations: 1,
                copies: Vec::new(),
                traces_remain: false,
            }),
        },
    );
    app
}

fn history() -> App {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::History]);
    update(
        &mut app,
        Message::Page {
            request: GetHistory::newest(200),
            reply: Ok(HistoryReply {
                entries: invented::desk().happened.into_iter().rev().collect(),
                next_before: None,
            }),
        },
    );
    app
}

fn unreachable() -> Trouble {
    Trouble {
        what: "cannot connect to /run/cacd/socket: Connection refused".into(),
        advice: Some("Is it running? Try: systemctl status cacd."),
    }
}

fn app(snapshot: Snapshot) -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    update(&mut app, Message::Snapshot(Box::new(snapshot)));
    app
}

fn press(app: &mut App, commands: &[Command]) {
    for command in commands {
        update(app, Message::Command(*command));
    }
}

fn look_at(name: &str, app: &App) {
    for size in SIZES {
        let name = format!("{name}_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, drawn(app, size, MONOCHROME));
    }
}

fn drawn(app: &App, (columns, rows): (u16, u16), theme: Theme) -> String {
    let mut screen = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    screen.draw(|frame| view::draw(frame, app, theme)).unwrap();
    screen.backend().to_string()
}
