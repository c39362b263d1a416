//! The help: keys, statuses, words.

use cacctl::keys::{Command, Move};

use super::*;

#[test]
fn its_sections_one_after_the_other() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Help]);
    for name in ["keys", "all_keys", "statuses", "glossary", "kept"] {
        look_at(&format!("help_{name}"), &app);
        press(&mut app, &[Command::NextPane]);
    }
    assert_eq!(section(&app), 0);

    press(&mut app, &[Command::PreviousPane]);
    assert_eq!(section(&app), 4);
}

#[test]
fn opened_on_a_registration_it_begins_at_its_status() {
    let mut app = app(invented::desk());
    app.focus = Pane::Registration;
    press(
        &mut app,
        &[Command::Move(Move::Last), Command::Open, Command::Help],
    );

    look_at("help_on_a_registration", &app);
    let text = drawn(&app, (80, 24), MONOCHROME);
    assert!(text.contains("▶✖ not found"), "{text}");

    press(&mut app, &[Command::Back]);
    assert!(matches!(app.screen, Screen::Details { .. }));
}

#[test]
fn the_keys_of_where_one_came_from_come_first() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Outlook, Command::Help]);

    look_at("help_from_the_outlook", &app);
}

#[test]
fn scrolled_by_hand_the_title_tells_the_section_on_top() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Help]);
    for _ in 0..20 {
        press(&mut app, &[Command::Move(Move::PageDown)]);
        let text = drawn(&app, (80, 24), MONOCHROME);
        let told = format!("Help {} of 5", section(&app) + 1);
        assert!(text.contains(&told), "{text}");
    }
    assert_eq!(section(&app), 3);
}

pub(super) fn every_app() -> Vec<App> {
    let mut glossary = app(extreme());
    press(&mut glossary, &[Command::Help, Command::PreviousPane]);
    let mut status = app(extreme());
    press(
        &mut status,
        &[Command::Move(Move::Last), Command::Help, Command::NextPane],
    );
    vec![glossary, status]
}

fn section(app: &App) -> usize {
    if let Screen::Help(page) = &app.screen {
        page.section
    } else {
        usize::MAX
    }
}
