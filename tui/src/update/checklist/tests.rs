use cac_common::snapshot::{Snapshot, Stage};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::*;
use crate::invented;
use crate::keys::{Command, Mode};
use crate::update::{Message, update};

#[test]
fn every_profile_is_asked_for_one_after_the_other() {
    let mut app = at(invented::desk());

    let first = press(&mut app, Command::Checklist);
    let second = came(&mut app, "ako");
    let third = came(&mut app, "travel");
    let end = came(&mut app, "records");

    let asked = [first, second, third];
    let names = ["ako", "travel", "records"];
    assert_eq!(
        asked,
        names.map(|name| Some(Action::LoadProfile(name.into())))
    );
    assert_eq!(end, None);
    assert_eq!(verdicts_running(&app), 2, "chain and revocation are judged");
}

#[test]
fn one_that_does_not_come_is_told_and_the_next_is_asked_for() {
    let mut app = at(invented::desk());
    press(&mut app, Command::Checklist);

    let next = update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Err(trouble()),
        },
    );

    assert_eq!(next, Some(Action::LoadProfile("travel".into())));
    let checks = checks(&app);
    let ako = checks.iter().find(|check| check.name == "portal-ako");
    assert_eq!(ako.map(|check| &*check.cause), Some("it is gone"));
}

#[test]
fn without_a_daemon_it_opens_and_asks_once_one_is_there() {
    let mut app = App::new(invented::NOW, TimeZone::UTC);

    let first = press(&mut app, Command::Checklist);
    let then = update(&mut app, Message::Snapshot(Box::new(invented::desk())));
    update(&mut app, Message::Away(trouble()));
    let late = update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Err(trouble()),
        },
    );
    let again = update(&mut app, Message::Snapshot(Box::new(invented::desk())));

    assert_eq!((first, late), (None, None));
    assert_eq!(then, Some(Action::LoadProfile("ako".into())));
    assert_eq!(again, then);
    assert_eq!(app.mode(), Mode::Checklist);
}

#[test]
fn anew_asks_for_every_profile_once_more() {
    let mut app = at(invented::desk());
    press(&mut app, Command::Checklist);
    for name in ["ako", "travel", "records"] {
        came(&mut app, name);
    }

    let action = press(&mut app, Command::CheckAnew);

    assert_eq!(action, Some(Action::LoadProfile("ako".into())));
}

#[test]
fn the_cursor_stands_on_the_cause_until_it_is_moved() {
    let mut desk = invented::desk();
    desk.readers[2].card.as_mut().unwrap().stage = Stage::Held;
    let mut app = at(desk.clone());
    press(&mut app, Command::Checklist);

    let by_itself = under_cursor(&app);
    press(&mut app, Command::Move(Move::First));
    update(&mut app, Message::Snapshot(Box::new(desk)));

    assert_eq!(by_itself, Some(("card-read".into(), false)));
    assert_eq!(under_cursor(&app), Some(("service".into(), false)));
}

#[test]
fn enter_opens_a_line_and_escape_leads_back_to_the_list_and_then_home() {
    let mut app = at(invented::desk());
    press(&mut app, Command::Checklist);

    press(&mut app, Command::Open);
    let opened = app.mode();
    press(&mut app, Command::Back);
    let list = app.mode();
    press(&mut app, Command::Back);

    assert_eq!((opened, list), (Mode::CheckShown, Mode::Checklist));
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn only_what_is_the_persons_to_say_is_ticked_off_and_it_stays_so() {
    let mut app = at(invented::desk());
    press(&mut app, Command::Checklist);

    press(&mut app, Command::Move(Move::First));
    press(&mut app, Command::Tick);
    let tested = app.ticked.len();
    press(&mut app, Command::Move(Move::Last));
    press(&mut app, Command::Tick);
    press(&mut app, Command::Back);
    press(&mut app, Command::Checklist);
    let stated = app.ticked.clone();
    press(&mut app, Command::Move(Move::Last));
    press(&mut app, Command::Tick);

    assert_eq!(tested, 0);
    assert!(stated.contains("stated-middleware"), "{stated:?}");
    assert!(app.ticked.is_empty(), "a second time takes it back");
}

#[test]
fn seconds_count_only_while_something_is_being_found_out() {
    let mut app = at(invented::checked());
    press(&mut app, Command::Checklist);

    let running = app.next_change();
    for name in ["ako", "travel", "records"] {
        came(&mut app, name);
    }
    let done = app.next_change();
    press(&mut app, Command::Back);

    assert_eq!(running, UtcSeconds(app.now.0 + 1));
    assert_eq!(verdicts_running_in(&checks_of(&app)), 0);
    assert!(done > running, "{done:?}");
}

fn checks_of(app: &App) -> Vec<crate::check::Check> {
    let mut list = ChecklistScreen::default();
    for name in ["ako", "travel", "records"] {
        list.profiles.insert(name.into(), Ok(()));
    }
    app.checks(&list)
}

fn checks(app: &App) -> Vec<crate::check::Check> {
    let Screen::Checklist(list) = &app.screen else {
        panic!("{:?}", app.screen);
    };
    app.checks(list)
}

fn verdicts_running(app: &App) -> usize {
    verdicts_running_in(&checks(app))
}

fn verdicts_running_in(checks: &[crate::check::Check]) -> usize {
    let running = crate::check::Verdict::Running;
    checks.iter().filter(|it| it.verdict == running).count()
}

fn trouble() -> Trouble {
    Trouble {
        what: "it is gone".into(),
        advice: None,
    }
}

fn came(app: &mut App, name: &str) -> Option<Action> {
    let mut profile = invented::ako();
    profile.name = name.into();
    update(
        app,
        Message::Profile {
            of: profile.name.clone(),
            profile: Ok(Box::new(profile)),
        },
    )
}

fn at(snapshot: Snapshot) -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    update(&mut app, Message::Snapshot(Box::new(snapshot)));
    app
}

fn press(app: &mut App, command: Command) -> Option<Action> {
    update(app, Message::Command(command))
}
