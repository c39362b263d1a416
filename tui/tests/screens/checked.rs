//! The checklist.

use cac_common::certificate::{ChainStatus, Revocation};
use cac_common::snapshot::{PinStatus, Snapshot, Stage};
use cacctl::check::look::Looked;
use cacctl::check::{self, Outcome};
use cacctl::keys::Command;

use super::*;

#[test]
fn the_checklist_where_all_is_well() {
    look_at("checklist_well", &checklist(well()));
}

#[test]
fn the_checklist_while_it_is_being_found_out() {
    let mut reading = invented::desk();
    card(&mut reading).stage = Stage::Reading {
        done: 3,
        of: 9,
        what: None,
    };
    let mut app = app(reading);
    press(&mut app, &[Command::Checklist]);

    look_at("checklist_running", &app);
    look_at("checklist_connecting", &connecting());
}

#[test]
fn the_checklist_with_nothing_plugged_in() {
    look_at(
        "checklist_nothing",
        &checklist(invented::nothing_plugged_in()),
    );
}

#[test]
fn the_checklist_where_everything_is_wrong() {
    let mut app = checklist(troubled());
    look_at("checklist_troubled", &app);
    press(&mut app, &[Command::Open]);

    look_at("checklist_troubled_line", &app);
}

#[test]
fn the_checklist_of_a_card_with_many_faults() {
    let mut app = checklist(invented::checked());
    look_at("checklist_faults", &app);
    press(&mut app, &[Command::Move(Move::Last), Command::Tick]);

    look_at("checklist_ticked", &app);
}

#[test]
fn the_checklist_while_the_daemon_is_away() {
    let mut app = checklist(invented::desk());
    update(&mut app, Message::Away(unreachable()));

    look_at("checklist_away", &app);
}

#[test]
fn the_checklist_with_long_names() {
    let mut app = checklist(extreme());
    press(&mut app, &[Command::Move(Move::First)]);
    press(&mut app, &[Command::Move(Move::Down); 6]);

    look_at("checklist_long", &app);
    press(&mut app, &[Command::Open]);
    look_at("checklist_long_line", &app);
}

#[test]
fn a_command_stands_on_a_line_of_its_own_to_be_copied() {
    let mut desk = well();
    desk.service = cac_common::reader::ServiceStatus::Away;
    let mut app = checklist(desk);
    press(&mut app, &[Command::Open]);

    let drawn = drawn(&app, (80, 24), MONOCHROME);

    let command = "║   sudo systemctl enable --now pcscd.socket  ";
    assert!(drawn.contains(command), "{drawn}");
}

#[test]
fn the_verdict_has_its_tone_and_the_cursor_stands_on_the_cause() {
    let theme = Theme::DEFAULT;
    let mut desk = well();
    card(&mut desk).pin = PinStatus::Blocked;
    let mut app = checklist(desk);
    let cursor = |app: &App| {
        let rows = rows(app, theme);
        let under = |row: &&Vec<Cell>| {
            row.iter()
                .any(|cell| cell.modifier.contains(Modifier::REVERSED))
        };
        let under: Vec<_> = rows.iter().filter(under).map(|row| words(row)).collect();
        assert_eq!(under.len(), 1, "{under:?}");
        under.concat()
    };
    assert!(cursor(&app).contains("PIN tries are left"));

    press(&mut app, &[Command::Move(Move::Up)]);

    assert!(cursor(&app).contains("nothing else is wrong"));
    let rows = rows(&app, theme);
    for (text, colour) in [
        ("✖ failed   PIN tries", Color::Red),
        ("✔ fine     the card is read ", Color::Green),
    ] {
        let row = rows.iter().find(|row| words(row).contains(text)).unwrap();
        assert!(row.iter().any(|cell| cell.fg == colour), "{text}");
    }
}

#[test]
fn the_spinner_turns_with_the_seconds_and_nothing_else_does() {
    let mut reading = well();
    card(&mut reading).stage = Stage::Reading {
        done: 3,
        of: 9,
        what: None,
    };
    let mut app = checklist(reading);
    let first = drawn(&app, (80, 24), MONOCHROME);
    app.now = UtcSeconds(app.now.0 + 1);
    let second = drawn(&app, (80, 24), MONOCHROME);

    let changed = |(one, two): (char, char)| (one != two).then_some((one, two));
    let changed: Vec<_> = first
        .chars()
        .zip(second.chars())
        .filter_map(changed)
        .collect();

    assert!(!changed.is_empty());
    assert!(
        changed
            .iter()
            .all(|(one, two)| "|/-\\".contains(*one) && "|/-\\".contains(*two)),
        "{changed:?}"
    );
}

pub(super) fn every_app() -> Vec<App> {
    let mut line = checklist(extreme());
    press(
        &mut line,
        &[
            Command::Move(Move::First),
            Command::Move(Move::Down),
            Command::Move(Move::Down),
            Command::Move(Move::Down),
            Command::Move(Move::Down),
            Command::Open,
        ],
    );
    vec![
        connecting(),
        checklist(troubled()),
        checklist(extreme()),
        line,
    ]
}

fn rows(app: &App, theme: Theme) -> Vec<Vec<Cell>> {
    let mut screen = Terminal::new(TestBackend::new(120, 36)).unwrap();
    screen.draw(|frame| view::draw(frame, app, theme)).unwrap();
    let content = &screen.backend().buffer().content;
    content.chunks(120).map(<[Cell]>::to_vec).collect()
}

fn words(row: &[Cell]) -> String {
    row.iter().map(Cell::symbol).collect()
}

fn connecting() -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    press(&mut app, &[Command::Checklist]);
    app
}

fn well() -> Snapshot {
    let mut desk = invented::desk();
    desk.portals.truncate(1);
    let card = card(&mut desk);
    card.registrations.truncate(1);
    card.certificates[0].chain = ChainStatus::Trusted {
        path: vec!["DOD ID CA-73".into(), "DoD Root CA 6".into()],
    };
    card.certificates[0].revocation = Revocation::Good { at: invented::NOW };
    desk
}

/// Every check of this machine finds that it is so. What is asked for then.
pub(super) fn machine_is_sound(app: &mut App) -> Option<Action> {
    let asked = check::of_the_machine().filter_map(|check| {
        let found = vec![Outcome::fine("it is so").found()];
        let looked = Looked { check, found };
        update(app, Message::Looked { round: 1, looked })
    });
    asked.last()
}

/// With every profile there, and a machine that has all it needs.
fn checklist(snapshot: Snapshot) -> App {
    let names: Vec<String> = snapshot.portals.iter().map(|it| it.name.clone()).collect();
    let mut app = app(snapshot);
    press(&mut app, &[Command::Checklist]);
    machine_is_sound(&mut app);
    for name in names {
        let mut profile = invented::ako();
        profile.name = name;
        update(
            &mut app,
            Message::Profile {
                of: profile.name.clone(),
                profile: Ok(Box::new(profile)),
            },
        );
    }
    app
}
