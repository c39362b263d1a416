//! What is waited for: since when, and how to stop it.

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Snapshot;
use cac_common::wizard::WizardState;
use cacctl::app::Subject;
use cacctl::keys::{Command, Move};

use super::*;

#[test]
fn a_card_that_signs_in() {
    look_at("signing_in", &app(with(RegistrationStatus::SigningIn)));
    look_at(
        "signing_in_details",
        &details(with(RegistrationStatus::SigningIn)),
    );
}

#[test]
fn a_portal_that_is_asked_again() {
    let waiting = RegistrationStatus::Waiting {
        until: UtcSeconds(invented::NOW.0 + 240),
        attempt: 2,
        cause: "Connection refused".into(),
    };

    look_at("waiting_details", &details(with(waiting)));
}

#[test]
fn a_pin_that_is_wanted() {
    look_at("needs_pin_details", &details(invented::desk()));
}

#[test]
fn a_wizard_that_was_left() {
    let mut desk = invented::desk();
    card(&mut desk).wizard = Some(invented::wizard("travel", WizardState::Telling));

    look_at("wizard_waits_details", &details(desk));
}

#[test]
fn a_card_of_which_one_object_after_the_other_is_read() {
    let mut desk = nameless();
    card(&mut desk).stage = Stage::Reading {
        done: 3,
        of: 9,
        what: Some("9C Signature certificate".into()),
    };

    look_at("reading_by_name", &app(desk.clone()));
    look_at("reading_by_name_details", &opened(desk, Pane::Readers, 0));
}

#[test]
fn while_a_card_signs_in_seconds_count_and_after_a_minute_they_do_not() {
    let mut app = app(with(RegistrationStatus::SigningIn));
    assert_eq!(app.next_change(), UtcSeconds(app.now.0 + 1));

    app.now = UtcSeconds(app.now.0 + 60);
    assert_eq!(app.next_change().0.rem_euclid(60), 0);
}

fn with(status: RegistrationStatus) -> Snapshot {
    let mut desk = invented::desk();
    let registration = &mut card(&mut desk).registrations[1];
    registration.status = status;
    registration.since = UtcSeconds(invented::NOW.0 - 12);
    desk
}

/// Of the registration at Travel.
fn details(snapshot: Snapshot) -> App {
    let mut app = app(snapshot);
    app.focus = Pane::Registration;
    press(
        &mut app,
        &[Command::Move(Move::First), Command::Move(Move::Down)],
    );
    let portal = app.registrations()[1].portal.clone();
    app.screen = Screen::Details {
        of: Subject::Registration(portal),
        scroll: 0,
    };
    app
}
