use cac_common::snapshot::{Snapshot, Stage};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::*;
use crate::check::look::Looked;
use crate::check::{self, Finding, Outcome, Verdict};
use crate::invented;
use crate::keys::{Command, Mode};
use crate::update::{Message, update};

#[test]
fn every_profile_is_asked_for_one_after_the_other() {
    let mut app = at(invented::desk());

    let at_once = press(&mut app, Command::Checklist);
    let first = looked(&mut app, 1);
    let second = came(&mut app, "ako");
    let third = came(&mut app, "travel");
    let end = came(&mut app, "records");

    let asked = [first, second, third];
    let names = ["ako", "travel", "records"];
    assert_eq!(
        asked,
        names.map(|name| Some(Action::LoadProfile(name.into())))
    );
    assert_eq!(at_once, Some(Action::LookAround(1)));
    assert_eq!(end, None);
    assert_eq!(verdicts_running(&app), 2, "chain and revocation are judged");
}

#[test]
fn one_that_does_not_come_is_told_and_the_next_is_asked_for() {
    let mut app = at(invented::desk());
    press(&mut app, Command::Checklist);
    looked(&mut app, 1);

    let next = update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Err(trouble()),
        },
    );

    assert_eq!(next, Some(Action::LoadProfile("travel".into())));
    let checks = checks(&app);
    let ako = checks.iter().find(|check| check.key() == "portal ako");
    assert_eq!(ako.map(Finding::cause), Some("it is gone"));
}

#[test]
fn without_a_daemon_it_opens_and_asks_once_one_is_there() {
    let mut app = App::new(invented::NOW, TimeZone::UTC);

    let first = press(&mut app, Command::Checklist);
    let then = update(&mut app, Message::Snapshot(Box::new(invented::desk())));
    let gone = update(&mut app, Message::Away(trouble()));
    let late = update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Err(trouble()),
        },
    );
    let again = update(&mut app, Message::Snapshot(Box::new(invented::desk())));
    let profile = looked(&mut app, 3);

    assert_eq!(first, Some(Action::LookAround(1)));
    assert_eq!(then, Some(Action::LookAround(2)));
    assert_eq!((gone, late), (None, None));
    assert_eq!(again, Some(Action::LoadProfile("ako".into())));
    assert_eq!(profile, None, "one is on its way");
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
    let then = looked(&mut app, 2);

    assert_eq!(action, Some(Action::LookAround(2)));
    assert_eq!(then, Some(Action::LoadProfile("ako".into())));
}

#[test]
fn it_is_looked_around_again_once_a_reader_or_card_has_changed_and_late_news_is_dropped() {
    let mut app = at(invented::desk());
    press(&mut app, Command::Checklist);
    let mut empty = invented::desk();
    empty.readers[2].card = None;

    let same = update(&mut app, Message::Snapshot(Box::new(invented::desk())));
    let taken_out = update(&mut app, Message::Snapshot(Box::new(empty)));
    looked(&mut app, 1);
    let late = machine(&app);
    looked(&mut app, 2);

    assert_eq!(same, Some(Action::LoadProfile("ako".into())));
    assert_eq!(taken_out, Some(Action::LookAround(2)));
    assert_eq!(late, 0);
    assert_eq!(machine(&app), check::of_the_machine().count());
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
    assert_eq!(under_cursor(&app), Some(("unit".into(), false)));
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
    assert!(stated.contains("stated-password"), "{stated:?}");
    assert!(app.ticked.is_empty(), "a second time takes it back");
}

#[test]
fn seconds_count_only_while_something_is_being_found_out() {
    let mut app = at(invented::checked());
    press(&mut app, Command::Checklist);

    looked(&mut app, 1);
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

fn checks_of(app: &App) -> Vec<Finding> {
    let mut list = ChecklistScreen::default();
    for check in check::of_the_machine() {
        list.machine
            .insert(check, vec![Outcome::fine("it is so").found()]);
    }
    for name in ["ako", "travel", "records"] {
        list.profiles.insert(name.into(), Ok(()));
    }
    app.findings(&list)
}

fn checks(app: &App) -> Vec<Finding> {
    let Screen::Checklist(list) = &app.screen else {
        panic!("{:?}", app.screen);
    };
    app.findings(list)
}

fn verdicts_running(app: &App) -> usize {
    verdicts_running_in(&checks(app))
}

fn verdicts_running_in(checks: &[Finding]) -> usize {
    let running = Verdict::Running;
    checks.iter().filter(|it| it.verdict() == running).count()
}

fn trouble() -> Trouble {
    Trouble {
        what: "it is gone".into(),
        advice: None,
    }
}

fn machine(app: &App) -> usize {
    let Screen::Checklist(list) = &app.screen else {
        panic!("{:?}", app.screen);
    };
    list.machine.len()
}

/// Every check of this machine; what comes of the first.
fn looked(app: &mut App, round: u64) -> Option<Action> {
    let mut actions = check::of_the_machine().map(|check| {
        let found = vec![Outcome::fine("it is so").found()];
        let looked = Looked { check, found };
        update(app, Message::Looked { round, looked })
    });
    let first = actions.next().flatten();
    assert_eq!(actions.flatten().next(), None);
    first
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
