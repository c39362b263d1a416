use cac_common::snapshot::Snapshot;
use cac_common::trace::Trace;
use jiff::tz::TimeZone;

use super::*;
use crate::invented;
use crate::keys::{Command, Mode};
use crate::update::{Message, update};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::PinStatus;

#[test]
fn nothing_is_asked_of_the_card_before_a_yes_and_a_pin() {
    let mut app = at_the_desk();

    let offered = press(&mut app, Command::TestPortal);
    let mode = app.mode();
    let prompted = press(&mut app, Command::Yes);

    assert_eq!((offered, prompted), (None, None));
    assert_eq!(mode, Mode::TestOffer);
    assert_eq!(app.mode(), Mode::Pin);
    let Screen::PinPrompt(prompt) = &app.screen else {
        panic!("{:?}", app.screen);
    };
    let to = PinUse::Test {
        portal: "travel".into(),
    };
    assert_eq!(prompt.to, to, "the portal that is picked");
}

#[test]
fn the_pin_is_handed_over_for_the_test_and_nothing_else() {
    let mut app = at_the_prompt(invented::desk());

    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    let action = press(&mut app, Command::Open);

    let Some(Action::TestPortal { request, since }) = action else {
        panic!("{action:?}");
    };
    assert_eq!((request.portal.as_str(), since), ("travel", app.now));
    assert!(!request.even_the_last_try && !request.with_page);
    assert_eq!(app.mode(), Mode::Testing);
    assert_eq!(app.secret_length(), 0);
}

#[test]
fn the_last_try_takes_the_word() {
    for tries_left in [Some(1), None] {
        let mut app = at_the_prompt(with_pin(PinStatus::Ready { tries_left }));
        update(&mut app, Message::Stroke(Stroke::Secret(6)));

        let first = press(&mut app, Command::Open);
        let second = press(&mut app, Command::Open);
        for letter in "yes".chars() {
            update(&mut app, Message::Stroke(Stroke::Letter(letter)));
        }
        let third = press(&mut app, Command::Open);

        assert_eq!((first, second), (None, None), "{tries_left:?}");
        assert!(
            matches!(&third, Some(Action::TestPortal { request, .. }) if request.even_the_last_try),
            "{third:?}"
        );
    }
}

#[test]
fn a_card_that_needs_no_pin_is_tested_all_the_same() {
    let mut desk = invented::desk();
    let card = desk.readers[2].card.as_mut().unwrap();
    card.registrations.truncate(1);
    let mut app = at_the_prompt(desk.clone());

    update(&mut app, Message::Snapshot(Box::new(desk)));

    assert_eq!(app.mode(), Mode::Pin);
}

#[test]
fn where_no_card_can_be_asked_no_dialog_opens() {
    let blocked = with_pin(PinStatus::Blocked);
    let mut without_portals = invented::desk();
    without_portals.portals.clear();
    without_portals.readers[2]
        .card
        .as_mut()
        .unwrap()
        .registrations
        .clear();
    for (snapshot, told) in [
        (invented::nothing_plugged_in(), "No reader"),
        (blocked, "RAPIDS"),
        (without_portals, "No portal is configured."),
    ] {
        let mut app = at(snapshot);

        press(&mut app, Command::TestPortal);

        assert_eq!(app.screen, Screen::Panes);
        let said = app.said.map(|said| said.text).unwrap_or_default();
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_card_taken_out_before_the_pin_closes_the_prompt_and_keeps_the_offer_from_going_on() {
    let mut prompted = at_the_prompt(invented::desk());
    let mut offered = at_the_desk();
    press(&mut offered, Command::TestPortal);
    let mut without = invented::desk();
    without.readers[2].card = None;
    without.readers[2].status = cac_common::reader::ReaderStatus::Empty;

    for app in [&mut prompted, &mut offered] {
        update(app, Message::Snapshot(Box::new(without.clone())));
    }
    press(&mut offered, Command::Yes);

    assert_eq!(prompted.screen, Screen::Panes);
    assert!(
        prompted
            .said
            .is_some_and(|it| it.text.contains("taken out"))
    );
    assert_eq!(offered.mode(), Mode::TestOffer);
    let said = dialog_mut(&mut offered).and_then(|dialog| dialog.said.clone());
    assert!(said.is_some_and(|it| it.text.contains("No card")));
}

#[test]
fn what_came_of_it_is_shown_and_scrolls_and_is_saved() {
    let mut app = waiting();

    answer(&mut app, Ok(not_found()));
    let mode = app.mode();
    press(&mut app, Command::Save);
    let typing = app.mode();
    let action = press(&mut app, Command::Open);
    update(&mut app, Message::Saved(Ok("/home/jane/it.txt".into())));

    assert_eq!((mode, typing), (Mode::Tested, Mode::FileName));
    let Some(Action::Save { file, contents }) = action else {
        panic!("{action:?}");
    };
    assert_eq!(file, "~/cac-travel-test.txt");
    assert!(
        contents.starts_with("sign-in tried at travel, 2026-11-22 14:02:09\n\n"),
        "{contents}"
    );
    assert!(contents.contains("outcome  not found"), "{contents}");
    assert_eq!(app.mode(), Mode::Tested);
    let said = dialog_mut(&mut app).and_then(|dialog| dialog.said.clone());
    assert!(said.is_some_and(|it| it.tone == Tone::Good));
}

#[test]
fn a_refusal_is_told_in_the_dialog_and_can_be_tried_once_more() {
    let mut app = waiting();
    let trouble = Trouble {
        what: "PIN not accepted".into(),
        advice: Some("It was sent once."),
    };

    answer(&mut app, Err(trouble.clone()));
    let step = dialog_mut(&mut app).map(|dialog| dialog.step.clone());
    press(&mut app, Command::Open);

    assert_eq!(step, Some(TestStep::Failed(trouble)));
    assert_eq!(app.mode(), Mode::TestOffer);
}

#[test]
fn a_test_that_was_left_says_in_the_panes_how_it_ended() {
    let mut app = waiting();

    press(&mut app, Command::Back);
    let left = app.screen.clone();
    answer(&mut app, Ok(not_found()));

    assert_eq!(left, Screen::Panes);
    let said = app.said.map(|said| said.text).unwrap_or_default();
    assert_eq!(
        said,
        "The test of Travel has ended: not found. Nothing was written down."
    );
}

#[test]
fn the_answer_to_an_earlier_test_is_not_taken_for_that_of_the_next() {
    let mut app = waiting();
    let began = app.now;
    press(&mut app, Command::Back);
    app.now = UtcSeconds(app.now.0 + 9);
    press(&mut app, Command::TestPortal);
    press(&mut app, Command::Yes);
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, Command::Open);

    update(
        &mut app,
        Message::Tested {
            portal: "travel".into(),
            since: began,
            reply: Ok(Box::new(not_found())),
        },
    );

    assert_eq!(app.mode(), Mode::Testing);
}

#[test]
fn seconds_are_counted_while_it_waits_and_not_after() {
    let mut app = waiting();

    let waiting = app.next_change();
    answer(&mut app, Ok(not_found()));

    assert_eq!(waiting, UtcSeconds(app.now.0 + 1));
    assert!(app.next_change() > waiting);
}

#[test]
fn a_daemon_that_goes_away_leaves_the_dialog_and_wipes_the_prompt() {
    let away = || {
        Message::Away(Trouble {
            what: "gone".into(),
            advice: None,
        })
    };
    let mut typing = at_the_prompt(invented::desk());
    let mut waiting = waiting();

    update(&mut typing, away());
    update(&mut waiting, away());

    assert_eq!(typing.screen, Screen::Panes);
    assert_eq!(waiting.mode(), Mode::Testing, "the answer tells the rest");
}

fn not_found() -> TestReply {
    TestReply {
        outcome: RegistrationStatus::NotFound,
        trace: Trace::default(),
        page: None,
    }
}

fn answer(app: &mut App, reply: Result<TestReply, Trouble>) {
    let message = Message::Tested {
        portal: "travel".into(),
        since: app.now,
        reply: reply.map(Box::new),
    };
    update(app, message);
}

fn waiting() -> App {
    let mut app = at_the_prompt(invented::desk());
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, Command::Open);
    app
}

fn at_the_prompt(snapshot: Snapshot) -> App {
    let mut app = at(snapshot);
    app.registration = Some("travel".into());
    press(&mut app, Command::TestPortal);
    if app.mode() == Mode::TestOffer {
        press(&mut app, Command::Yes);
    }
    app
}

fn with_pin(pin: PinStatus) -> Snapshot {
    let mut desk = invented::desk();
    desk.readers[2].card.as_mut().unwrap().pin = pin;
    desk
}

fn at_the_desk() -> App {
    at(invented::desk())
}

fn at(snapshot: Snapshot) -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    update(&mut app, Message::Snapshot(Box::new(snapshot)));
    app
}

fn press(app: &mut App, command: Command) -> Option<Action> {
    update(app, Message::Command(command))
}
