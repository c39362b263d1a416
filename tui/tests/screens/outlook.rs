//! What ends when.

use cac_common::certificate::Revocation;
use cac_common::identity::HolderName;
use cac_common::reader::{ReaderName, ReaderStatus};
use cac_common::snapshot::Snapshot;
use cac_common::time::UtcSeconds;
use cacctl::keys::{Command, Move};
use cacctl::update::{Mouse, MouseDid};
use ratatui::style::Modifier;

use super::*;

const DAY: i64 = 86_400;

#[test]
fn of_one_card() {
    look_at("outlook", &opened(invented::checked(), 0));
}

#[test]
fn of_several_cards_it_is_told_whose_is_whose() {
    look_at("outlook_two_people", &opened(two_people(), 2));
}

#[test]
fn of_names_that_are_long() {
    let mut desk = two_people();
    for reader in &mut desk.readers {
        if let Some(holder) = reader.card.as_mut().and_then(|card| card.holder.as_mut()) {
            holder.name.last = "WOLFESCHLEGELSTEINHAUSENBERGERDORFFWELCHEVORALTERNWAREN".into();
        }
    }

    look_at("outlook_long", &opened(desk, 6));
}

#[test]
fn with_nothing_that_ends() {
    look_at("outlook_empty", &opened(invented::nothing_plugged_in(), 0));
    look_at(
        "outlook_stranger",
        &opened(invented::desk().for_a_stranger(), 0),
    );
}

#[test]
fn on_a_narrow_terminal() {
    insta::assert_snapshot!(
        "outlook_narrow",
        drawn(&opened(two_people(), 0), (50, 30), MONOCHROME)
    );
}

#[test]
fn each_nearness_stands_out_without_colour_and_with() {
    let app = opened(two_people(), 7);
    for (word, mark, colour) in [
        ("ended", "✖", Color::Red),
        ("urgent", "!!!!", Color::Yellow),
        ("this week", "!!!", Color::Yellow),
        ("very soon", "!!", Color::Yellow),
        ("soon", "!", Color::Yellow),
    ] {
        let row = row_with(&app, &format!(" {mark:4} {word}"), Theme::DEFAULT);
        let marked = row.iter().find(|cell| mark.starts_with(cell.symbol()));
        assert_eq!(marked.unwrap().fg, colour, "{word}");

        let row = row_with(&app, &format!(" {mark:4} {word}"), MONOCHROME);
        let marked = row.iter().find(|cell| mark.starts_with(cell.symbol()));
        assert!(marked.unwrap().modifier.contains(Modifier::BOLD), "{word}");
    }
}

#[test]
fn the_row_under_the_cursor_is_the_only_one_reversed() {
    let app = opened(two_people(), 3);
    let mut screen = Terminal::new(TestBackend::new(80, 24)).unwrap();

    screen
        .draw(|frame| view::draw(frame, &app, MONOCHROME))
        .unwrap();

    let cells = screen.backend().buffer().content.chunks(80);
    let reversed = cells
        .filter(|row| {
            row.iter()
                .any(|cell| cell.modifier.contains(Modifier::REVERSED))
        })
        .count();
    assert_eq!(reversed, 1);
}

#[test]
fn a_click_takes_the_cursor_and_a_second_one_opens() {
    let mut app = opened(invented::checked(), 0);
    // Below the header and the upper edge: the third row.
    let click = Mouse {
        column: 10,
        row: 4,
        did: MouseDid::Click,
    };

    update(&mut app, Message::Mouse(click));
    assert_eq!(app.screen, Screen::Outlook { cursor: 2 });
    update(&mut app, Message::Mouse(click));
    assert!(matches!(app.screen, Screen::Details { .. }));
}

#[test]
fn what_was_revoked_is_said_to_be_refused_already() {
    let app = opened(invented::checked(), 2);

    let text = drawn(&app, (120, 36), MONOCHROME);

    assert!(
        text.contains("It was revoked, and is refused already."),
        "{text}"
    );
    assert!(text.contains("Have it exchanged now."), "{text}");
}

#[test]
fn what_is_taken_out_leaves_the_cursor_on_something_and_enter_opens_it() {
    let mut app = opened(two_people(), 9);
    update(&mut app, Message::Snapshot(Box::new(invented::desk())));
    assert_eq!(app.screen, Screen::Outlook { cursor: 4 });

    press(&mut app, &[Command::Open]);
    let text = drawn(&app, (80, 24), MONOCHROME);
    assert!(text.contains("╔ Certificate"), "{text}");

    press(&mut app, &[Command::Back]);
    assert_eq!(app.screen, Screen::Outlook { cursor: 4 });
    press(&mut app, &[Command::Back]);
    assert_eq!(app.screen, Screen::Panes);
}

pub(super) fn every_app() -> Vec<App> {
    vec![
        opened(invented::checked(), 1),
        opened(two_people(), 3),
        opened(extreme(), 2),
        opened(nameless(), 0),
        opened(invented::nothing_plugged_in(), 0),
        App {
            screen: Screen::Outlook { cursor: 0 },
            ..App::new(invented::NOW, TimeZone::UTC)
        },
    ]
}

fn opened(snapshot: Snapshot, down: usize) -> App {
    let mut app = app(snapshot);
    press(&mut app, &[Command::Outlook]);
    press(&mut app, &vec![Command::Move(Move::Down); down]);
    app
}

/// Another card beside the first, and every threshold among the ends of both.
fn two_people() -> Snapshot {
    let mut desk = invented::checked();
    let later = |seconds: i64| UtcSeconds(invented::NOW.0 + seconds);
    desk.readers.swap(1, 2);
    desk.readers[2] = desk.readers[1].clone();
    desk.readers[1].name = ReaderName("Broadcom 5880 02 00".into());
    desk.readers[0].status = ReaderStatus::Empty;
    desk.known.clear();
    let Some(card) = &mut desk.readers[1].card else {
        return desk;
    };
    if let Some(holder) = &mut card.holder {
        holder.name = HolderName::from_common_name("ROE.RICHARD.4321987654").0;
    }
    card.expires = Some("2026-11-22".into());
    card.certificates.truncate(4);
    let ends = [-3 * DAY, 5 * DAY, 13 * DAY, 29 * DAY];
    for (certificate, ends) in card.certificates.iter_mut().zip(ends) {
        certificate.not_after = later(ends);
        certificate.revocation = Revocation::NotChecked;
    }
    desk
}

/// The cells of the only row in which this stands.
fn row_with(app: &App, text: &str, theme: Theme) -> Vec<Cell> {
    let mut screen = Terminal::new(TestBackend::new(80, 24)).unwrap();
    screen.draw(|frame| view::draw(frame, app, theme)).unwrap();
    let rows = screen.backend().buffer().content.chunks(80);
    let mut rows = rows.filter(|row| {
        let drawn: String = row.iter().map(Cell::symbol).collect();
        drawn.contains(text)
    });
    rows.next().unwrap_or_else(|| panic!("{text}")).to_vec()
}
