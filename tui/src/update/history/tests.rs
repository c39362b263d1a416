use cac_common::snapshot::HistoryEntry;
use jiff::tz::TimeZone;

use super::*;
use crate::invented;
use crate::keys::{Command, Mode};
use crate::update::{Message, update};

#[test]
fn the_next_page_is_asked_for_near_the_end() {
    let mut app = opened();

    let action = answer(&mut app, &newest(), invented::desk().happened, Some(1));

    assert_eq!(action, Some(Action::LoadHistory(before(1))));
    assert_eq!(press(&mut app, Command::Move(Move::Down)), None);
}

#[test]
fn the_end_is_asked_for_once() {
    let mut app = opened();
    answer(&mut app, &newest(), Vec::new(), None);

    assert_eq!(press(&mut app, Command::Move(Move::Down)), None);
}

#[test]
fn what_did_not_come_is_asked_for_again_by_moving() {
    let mut app = opened();
    let trouble = Trouble {
        what: "cannot connect".into(),
        advice: None,
    };
    let request = newest();
    let reply = Err(trouble);
    update(&mut app, Message::Page { request, reply });

    let action = press(&mut app, Command::Move(Move::Down));

    assert_eq!(action, Some(Action::LoadHistory(newest())));
}

#[test]
fn what_is_typed_is_looked_for_and_answers_to_what_was_typed_before_are_not_shown() {
    let mut app = opened();
    answer(&mut app, &newest(), invented::desk().happened, None);
    press(&mut app, Command::Filter);
    assert_eq!(app.mode(), Mode::Filter);

    let first = letter(&mut app, 'p');
    let second = letter(&mut app, 'i');

    assert_eq!(first, Some(Action::LoadHistory(with("p"))));
    assert_eq!(second, Some(Action::LoadHistory(with("pi"))));
    answer(&mut app, &with("p"), invented::desk().happened, None);
    assert_eq!(shown(&mut app), 0);
    answer(&mut app, &with("pi"), invented::desk().happened, None);
    assert_eq!(shown(&mut app), 6);
}

#[test]
fn it_is_searched_though_the_pane_behind_it_is_empty() {
    let mut app = opened();
    app.focus = crate::app::Pane::Certificates;
    let gone = Box::new(invented::nothing_plugged_in());
    update(&mut app, Message::Snapshot(gone));

    press(&mut app, Command::Filter);

    assert_eq!(app.mode(), Mode::Filter);
}

#[test]
fn a_search_that_found_nothing_yet_goes_on_by_itself() {
    let mut app = opened();
    press(&mut app, Command::Filter);
    letter(&mut app, 'p');

    let action = answer(&mut app, &with("p"), Vec::new(), Some(700));

    let next = GetHistory {
        before: Some(700),
        ..with("p")
    };
    assert_eq!(action, Some(Action::LoadHistory(next)));
}

#[test]
fn escape_shows_all_again_and_then_leads_home() {
    let mut app = opened();
    press(&mut app, Command::Filter);
    letter(&mut app, 'p');
    press(&mut app, Command::Open);
    assert_eq!(app.mode(), Mode::History);

    let action = press(&mut app, Command::Back);

    assert_eq!(action, Some(Action::LoadHistory(newest())));
    press(&mut app, Command::Back);
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn a_page_that_comes_while_the_help_lies_on_top_is_there_beneath_it() {
    let mut app = opened();
    press(&mut app, Command::Help);

    answer(&mut app, &newest(), invented::desk().happened, None);
    press(&mut app, Command::Back);

    assert_eq!(app.mode(), Mode::History);
    assert_eq!(shown(&mut app), 6);
}

fn opened() -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    update(&mut app, Message::Snapshot(Box::new(invented::desk())));
    let action = press(&mut app, Command::History);
    assert_eq!(action, Some(Action::LoadHistory(newest())));
    app
}

fn press(app: &mut App, command: Command) -> Option<Action> {
    update(app, Message::Command(command))
}

fn letter(app: &mut App, letter: char) -> Option<Action> {
    update(app, Message::Stroke(Stroke::Letter(letter)))
}

fn answer(
    app: &mut App,
    request: &GetHistory,
    entries: Vec<HistoryEntry>,
    next_before: Option<i64>,
) -> Option<Action> {
    let request = request.clone();
    let reply = Ok(HistoryReply {
        entries,
        next_before,
    });
    update(app, Message::Page { request, reply })
}

fn shown(app: &mut App) -> usize {
    app.history_mut().unwrap().entries.len()
}

fn newest() -> GetHistory {
    GetHistory::newest(ENTRIES)
}

fn before(id: i64) -> GetHistory {
    GetHistory {
        before: Some(id),
        ..newest()
    }
}

fn with(text: &str) -> GetHistory {
    GetHistory {
        text: Some(text.into()),
        ..newest()
    }
}
