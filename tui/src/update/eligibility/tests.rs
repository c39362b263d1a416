use cac_common::eligibility::{Category, Known, Standing, Verdict, Way};
use jiff::tz::TimeZone;

use super::*;
use crate::invented;
use crate::keys::Command;
use crate::keys::Mode;
use crate::update::{Action, Message, update};

#[test]
fn the_rules_of_the_portal_that_is_picked_are_asked_for() {
    let mut app = at_the_desk(invented::desk());

    let action = press(&mut app, Command::Eligibility);

    assert_eq!(action, Some(Action::LoadProfile("ako".into())));
}

#[test]
fn without_a_card_the_portal_is_chosen() {
    let mut desk = invented::desk();
    desk.readers.clear();
    desk.known.clear();
    let mut app = at_the_desk(desk);

    let first = press(&mut app, Command::Eligibility);
    press(&mut app, Command::Move(Move::Down));
    let chosen = press(&mut app, Command::Open);

    assert_eq!(first, None);
    assert_eq!(chosen, Some(Action::LoadProfile("travel".into())));
}

#[test]
fn the_only_portal_is_not_asked_for() {
    let mut desk = invented::desk();
    desk.readers.clear();
    desk.known.clear();
    desk.portals.truncate(1);
    let mut app = at_the_desk(desk);

    let action = press(&mut app, Command::Eligibility);

    assert_eq!(action, Some(Action::LoadProfile("ako".into())));
}

#[test]
fn where_there_is_no_portal_that_is_said() {
    let mut app = at_the_desk(invented::nothing_plugged_in());

    press(&mut app, Command::Eligibility);

    assert_eq!(app.screen, Screen::Panes);
    assert!(app.said.is_some_and(|said| said.text.contains("No portal")));
}

#[test]
fn the_rules_of_another_portal_than_the_one_asked_for_are_not_taken() {
    let mut app = at_the_desk(invented::desk());
    press(&mut app, Command::Eligibility);
    let mut other = invented::ako();
    other.name = "travel".into();

    update(
        &mut app,
        Message::Profile {
            of: other.name.clone(),
            profile: Ok(Box::new(other)),
        },
    );

    assert!(open_mut(&mut app).is_none());
}

#[test]
fn what_the_card_tells_is_not_asked() {
    let mut desk = invented::desk();
    let holder = &mut desk.readers[2].card.as_mut().unwrap().holder;
    holder.as_mut().unwrap().standing = Standing {
        category: Some(Known::good(Category::Civilian, "FASC-N")),
        component: None,
    };
    let mut app = opened(desk);

    assert_eq!(way(&mut app), Some(Way::Self_));
    assert_eq!(app.mode(), Mode::Verdict);
}

#[test]
fn answers_lead_to_a_sponsor_and_can_be_taken_back() {
    let mut app = opened(invented::desk());
    choose(&mut app, "contractor");
    press(&mut app, Command::No);
    choose(&mut app, "none of these");
    let sponsor = way(&mut app);

    press(&mut app, Command::Back);
    press(&mut app, Command::Back);
    press(&mut app, Command::Yes);
    let changed = open_mut(&mut app).map(|open| open.answers.len());
    press(&mut app, Command::Back);
    press(&mut app, Command::Back);
    let is_open = app.screen != Screen::Panes;
    press(&mut app, Command::Back);

    assert_eq!(sponsor, Some(Way::Sponsor));
    assert_eq!(changed, Some(3));
    assert!(is_open);
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn the_letter_to_the_sponsor_is_saved() {
    let mut app = opened(invented::desk());
    choose(&mut app, "contractor");
    press(&mut app, Command::No);
    choose(&mut app, "none of these");

    press(&mut app, Command::Save);
    let action = press(&mut app, Command::Open);
    update(&mut app, Message::Saved(Ok("/home/jane/it.txt".into())));

    let Some(Action::Save { file, contents }) = action else {
        panic!("{action:?}");
    };
    assert_eq!(file, "~/cac-ako-sponsor.txt");
    assert!(contents.contains("DOE, JANE Q"), "{contents}");
    assert_eq!(app.mode(), Mode::Verdict);
}

#[test]
fn where_no_sponsor_is_needed_there_is_no_letter() {
    let mut app = opened(invented::desk());
    choose(&mut app, "civilian");

    press(&mut app, Command::Save);

    assert_eq!(app.mode(), Mode::Verdict);
    let said = dialog_mut(&mut app).and_then(|dialog| dialog.said.clone());
    assert!(said.is_some_and(|said| said.text.contains("No sponsor")));
}

fn at_the_desk(snapshot: Snapshot) -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    update(&mut app, Message::Snapshot(Box::new(snapshot)));
    app.registration = Some("ako".into());
    app
}

fn opened(snapshot: Snapshot) -> App {
    let mut app = at_the_desk(snapshot);
    press(&mut app, Command::Eligibility);
    update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Ok(Box::new(invented::ako())),
        },
    );
    app
}

/// By the text of the choice.
fn choose(app: &mut App, choice: &str) {
    let open = open_mut(app).unwrap();
    let mut choices = open.choices().into_iter();
    let at = choices.position(|text| text == choice).unwrap();
    for _ in 0..at {
        press(app, Command::Move(Move::Down));
    }
    press(app, Command::Open);
}

fn way(app: &mut App) -> Option<Way> {
    match open_mut(app)?.verdict() {
        Verdict::Open(route) => Some(route.way),
        Verdict::Ask(_) | Verdict::Nothing => None,
    }
}

fn press(app: &mut App, command: Command) -> Option<Action> {
    update(app, Message::Command(command))
}
