//! Desks that are hard to draw: at every size, in ASCII, and without colour.

use cac_common::identity::CardId;
use cac_common::reader::ServiceStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Stage;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr as _;

use super::*;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

/// Where cells go wrong: the smallest there are, those next to where the layout
/// changes, and those that are usual.
const EVERY_SIZE: [(u16, u16); 18] = [
    (1, 1),
    (2, 1),
    (1, 2),
    (2, 2),
    (3, 60),
    (200, 1),
    (5, 5),
    (9, 4),
    (20, 8),
    (40, 12),
    (50, 40),
    (79, 24),
    (80, 24),
    (81, 25),
    (120, 36),
    (132, 43),
    (199, 59),
    (200, 60),
];

/// Sixty-four columns or characters each, of kinds that break tables.
fn long_names() -> [(&'static str, String); 6] {
    [
        ("latin", "W".repeat(64)),
        ("wide", "\u{65e5}\u{672c}".repeat(32)),
        ("combining", "e\u{301}\u{302}\u{327}".repeat(16)),
        ("right_to_left", "\u{5d0}\u{5d1} \u{202e}\u{627}".repeat(13)),
        ("control", "a\u{7}\u{8}\u{0}\n\t\r\u{9b}2K\u{85}".repeat(6)),
        (
            "escapes",
            "\u{1b}[2J\u{1b}]0;x\u{7}\u{1b}P\u{1f468}\u{200d}\u{1f469}".repeat(4),
        ),
    ]
}

#[test]
fn every_scene_at_three_sizes() {
    for (name, snapshot) in scenes() {
        for size in SIZES {
            let drawn = drawn(&sized(app(snapshot.clone()), size), size, MONOCHROME);

            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), drawn);
        }
    }
}

#[test]
fn every_scene_in_ascii() {
    for (name, snapshot) in scenes() {
        let size = (80, 24);
        let theme = Theme::DEFAULT.in_ascii();
        let drawn = drawn(&sized(app(snapshot), size), size, theme);

        insta::assert_snapshot!(format!("{name}_ascii"), drawn);
    }
}

#[test]
fn the_main_dialogs_over_the_hardest_scenes() {
    for (name, snapshot) in scenes() {
        if name == "empty" || name == "one_card" {
            continue;
        }
        for (dialog, keys) in [
            ("register", &[Command::Register][..]),
            ("help", &[Command::Help]),
            ("clear", &[Command::Clear]),
            ("details", &[Command::Open]),
        ] {
            let size = (200, 60);
            let mut app = sized(app(snapshot.clone()), size);
            press(&mut app, keys);

            insta::assert_snapshot!(
                format!("{name}_{dialog}_200x60"),
                drawn(&app, size, MONOCHROME)
            );
        }
    }
}

#[test]
fn no_cell_is_outside_or_cut_in_half_at_any_size() {
    for size in EVERY_SIZE {
        for app in every_hard_app() {
            let app = sized(app, size);

            is_whole(&buffer(&app, size, Theme::DEFAULT));
        }
    }
}

#[test]
fn ascii_changes_no_column() {
    for size in [(40, 12), (80, 24), (120, 36)] {
        for app in every_hard_app() {
            let app = sized(app, size);

            let signs = buffer(&app, size, Theme::DEFAULT);
            let plain = buffer(&app, size, Theme::DEFAULT.in_ascii());

            for (sign, plain) in signs.content.iter().zip(&plain.content) {
                assert!(plain.symbol().is_ascii(), "{plain:?}");
                if sign.symbol().is_ascii() {
                    assert_eq!(sign, plain);
                } else {
                    assert_eq!(plain.symbol().len(), 1);
                    assert_eq!(sign.style(), plain.style());
                }
            }
        }
    }
}

#[test]
fn without_colour_all_is_told_in_the_same_words() {
    for app in every_hard_app() {
        let size = (120, 36);
        let app = sized(app, size);

        let coloured = drawn(&app, size, Theme::DEFAULT);

        assert_eq!(coloured, drawn(&app, size, MONOCHROME));
    }
}

#[test]
fn each_tone_is_drawn_as_the_theme_has_it() {
    let screen = buffer(&app(everything_wrong()), (120, 36), Theme::DEFAULT);
    let wrong = row_with(&screen, "✖ rejected");
    let rejected = cell_of(&wrong, "✖ rejected");
    assert_eq!(rejected.fg, Color::Red);
    assert!(rejected.modifier.contains(Modifier::BOLD));

    let screen = buffer(&app(invented::desk()), (120, 36), Theme::DEFAULT);
    let good = cell_of(&row_with(&screen, "✔ registered"), "✔ registered");
    assert_eq!(good.fg, Color::Green);
}

#[test]
fn the_row_of_the_cursor_is_reversed_and_no_other_is() {
    let screen = buffer(&app(invented::desk()), (120, 36), Theme::DEFAULT);

    let reversed = |row: &[Cell]| {
        row.iter()
            .any(|cell| cell.modifier.contains(Modifier::REVERSED))
    };
    let rows: Vec<_> = screen
        .content
        .chunks(120)
        .filter(|row| reversed(row))
        .collect();

    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(text_of(rows[0]).contains("needs PIN"), "{rows:?}");
    let under = rows[0]
        .iter()
        .filter(|cell| cell.modifier.contains(Modifier::REVERSED));
    for cell in under {
        assert_eq!(cell.fg, Color::Reset);
    }
}

#[test]
fn an_old_picture_is_pale_and_has_no_colour() {
    let mut desk = app(invented::desk());
    update(&mut desk, Message::Away(unreachable()));

    let screen = buffer(&desk, (120, 36), Theme::DEFAULT);

    let row = row_with(&screen, "✔ registered");
    let cell = cell_of(&row, "✔ registered");
    assert_eq!(cell.fg, Color::Reset);
    assert!(cell.modifier.contains(Modifier::DIM));
    assert!(!cell.modifier.contains(Modifier::BOLD));
}

/// Each that a person is likely to meet, and the worst.
pub(super) fn scenes() -> [(&'static str, Snapshot); 5] {
    [
        ("empty", invented::nothing_plugged_in()),
        ("one_card", one_card()),
        ("two_people", two_people()),
        ("everything_wrong", everything_wrong()),
        ("long_names", long_named(&"WOLFESCHLEGEL".repeat(5)[..64])),
    ]
}

fn one_card() -> Snapshot {
    let mut desk = invented::desk();
    desk.readers.drain(..2);
    desk.known.clear();
    desk
}

/// JANE's card wants its PIN, RICHARD's is registered everywhere.
fn two_people() -> Snapshot {
    let mut desk = invented::desk();
    let mut other = desk.readers[2].clone();
    other.name.0 = "SCR3310 [CCID] 01 00".into();
    if let Some(card) = &mut other.card {
        card.visit = cac_common::snapshot::Visit(5);
        card.id = Some(CardId("a8c3d9e0-1111-4222-8333-444455556666".into()));
        card.dod_id = "2345674321".parse().ok();
        if let Some(holder) = &mut card.holder {
            holder.name.last = "ROE".into();
            holder.name.first = Some("RICHARD".into());
            holder.name.middle = None;
            holder.dod_id = card.dod_id;
            holder.category = Some("contractor · Army".into());
        }
        let registered = card.registrations[0].status.clone();
        for one in &mut card.registrations {
            one.status = registered.clone();
        }
    }
    desk.readers.push(other);
    desk
}

fn everything_wrong() -> Snapshot {
    let mut desk = invented::checked();
    desk.service = ServiceStatus::Away;
    desk.daemon.store_problem = Some("disk is full".into());
    desk.problems = vec![
        "portals.d/travel.toml:12: unknown key `orgin`".into(),
        "cacd.toml:3: no such group".into(),
    ];
    let mut second = desk.readers[2].clone();
    second.name.0 = "SCR3310 [CCID] 01 00".into();
    desk.readers.push(second);
    if let Some(second) = &mut desk.readers[3].card {
        second.visit = cac_common::snapshot::Visit(6);
        second.id = None;
        second.stage = Stage::Failed {
            cause: "the card was reset by another program".into(),
        };
        second.certificates.clear();
        second.registrations.clear();
    }
    let card = card(&mut desk);
    card.pin = PinStatus::Blocked;
    card.expires = Some("2026-11-01".into());
    card.login = None;
    for certificate in &mut card.certificates {
        certificate.not_after = UtcSeconds(invented::NOW.0 - 86_400);
    }
    let wrong = [
        RegistrationStatus::PinBlocked,
        RegistrationStatus::Rejected {
            cause: "certificate was revoked".into(),
        },
        RegistrationStatus::LockedOut { until: None },
    ];
    for (one, status) in card.registrations.iter_mut().zip(wrong) {
        one.status = status;
    }
    desk
}

pub(super) fn long_named(name: &str) -> Snapshot {
    let mut desk = two_people();
    desk.daemon.host = name.into();
    for reader in &mut desk.readers {
        reader.name.0.insert_str(0, name);
    }
    for portal in &mut desk.portals {
        portal.title = name.into();
    }
    for known in &mut desk.known {
        known.name = name.into();
    }
    for entry in &mut desk.happened {
        entry.text = name.into();
    }
    for card in desk.readers.iter_mut().filter_map(|one| one.card.as_mut()) {
        if let Some(holder) = &mut card.holder {
            holder.name.last = name.into();
            holder.name.first = Some(name.into());
            holder.category = Some(name.into());
        }
        card.user = Some(name.into());
        for certificate in &mut card.certificates {
            certificate.issuer = name.into();
            certificate.subject = name.into();
            certificate.upn = Some(name.into());
        }
    }
    desk
}

/// Every screen there is, and those scenes with the dialogs over them.
fn every_hard_app() -> Vec<App> {
    let mut snapshots: Vec<_> = scenes().into_iter().map(|(_, snapshot)| snapshot).collect();
    snapshots.extend(long_names().map(|(_, name)| long_named(&name)));
    let mut apps = every_app();
    for snapshot in snapshots {
        for keys in [
            &[][..],
            &[Command::Open],
            &[Command::Register],
            &[Command::Clear],
            &[Command::Wizard],
            &[Command::Eligibility],
            &[Command::History],
        ] {
            let mut app = app(snapshot.clone());
            press(&mut app, keys);
            apps.push(app);
        }
    }
    apps
}

pub(super) fn sized(mut app: App, size: (u16, u16)) -> App {
    update(&mut app, Message::Resized(size.0, size.1));
    app
}

pub(super) fn buffer(app: &App, (columns, rows): (u16, u16), theme: Theme) -> Buffer {
    let mut screen = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    // What reaches the terminal has lost what is covered already.
    let mut drawn = None;
    screen
        .draw(|frame| {
            view::draw(frame, app, theme);
            drawn = Some(frame.buffer_mut().clone());
        })
        .unwrap();
    drawn.expect("it was drawn")
}

/// Each cell has what one or two columns hold, and the second of two is blank.
fn is_whole(buffer: &Buffer) {
    let columns = usize::from(buffer.area.width);
    for row in buffer.content.chunks(columns) {
        let mut at = 0;
        while let Some(cell) = row.get(at) {
            let symbol = cell.symbol();
            let wide = symbol.width();
            assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
            assert!((1..=2).contains(&wide), "{symbol:?}: {}", text_of(row));
            if wide == 2 {
                let second = row.get(at + 1).map(Cell::symbol);
                assert_eq!(second, Some(" "), "{}", text_of(row));
            }
            at += wide;
        }
    }
}

pub(super) fn row_with(buffer: &Buffer, text: &str) -> Vec<Cell> {
    let columns = usize::from(buffer.area.width);
    let mut rows = buffer.content.chunks(columns);
    let row = rows.find(|row| text_of(row).contains(text));
    row.unwrap_or_else(|| panic!("no {text} in {buffer:?}"))
        .to_vec()
}

/// The first cell of a text; every character before it takes one column.
pub(super) fn cell_of(row: &[Cell], text: &str) -> Cell {
    let told = text_of(row);
    let before = told.split(text).next().unwrap_or_default();
    row[before.chars().count()].clone()
}

pub(super) fn text_of(row: &[Cell]) -> String {
    row.iter().map(Cell::symbol).collect()
}
