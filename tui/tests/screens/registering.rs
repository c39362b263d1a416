//! A card on its way to a portal.

use cac_common::eligibility::{Route, Way};
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{PinStatus, Snapshot};
use cac_common::time::UtcSeconds;
use cacctl::app::Pane;
use cacctl::keys::Command;

use super::*;

#[test]
fn a_portal_is_waited_for() {
    let mut desk = invented::desk();
    card(&mut desk).registrations[1].status = RegistrationStatus::Waiting {
        until: UtcSeconds(invented::NOW.0 + 40),
        attempt: 2,
        cause: "Connection refused".into(),
    };

    look_at("waiting", &app(desk));
}

#[test]
fn the_pin_was_wrong() {
    let mut desk = invented::desk();
    card(&mut desk).pin = PinStatus::Ready {
        tries_left: Some(2),
    };
    card(&mut desk).registrations[1].status = RegistrationStatus::NeedsPin {
        tries_left: Some(2),
    };
    let mut entry = desk.happened[5].clone();
    entry.id = 7;
    entry.kind = HistoryKind::Pin;
    entry.text = "wrong PIN, 2 tries left".into();
    desk.happened.push(entry);

    look_at("wrong_pin", &app(desk));
}

#[test]
fn the_pin_prompt() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Register]);
    update(&mut app, Message::Stroke(Stroke::Secret(5)));
    press(&mut app, &[Command::Open]);

    look_at("pin_prompt", &app);
}

#[test]
fn the_pin_prompt_before_the_last_try() {
    look_at("last_try", &insisting());
}

#[test]
fn a_notice_that_waits_to_be_accepted() {
    let mut app = app(with_notice());
    look_at("notice_waits", &app);
    press(&mut app, &[Command::Register]);
    look_at("notice", &app);

    let action = update(&mut app, Message::Command(Command::Yes));

    let Some(Action::Accept(accepted)) = action else {
        panic!("{action:?}");
    };
    assert_eq!(
        (accepted.portal.as_str(), accepted.sha256.as_str()),
        ("travel", "00ff")
    );
    update(&mut app, Message::Accepted(Ok(())));
    assert_eq!(app.screen, Screen::Panes);
}

pub(super) fn with_notice() -> Snapshot {
    let mut desk = invented::desk();
    card(&mut desk).registrations[1].status = RegistrationStatus::NeedsConsent {
        notice: Notice {
            text: format!(
                "You are accessing a government information system that is provided for \
                 authorised use only. {}By using it you consent to this.",
                "Communications on it may be monitored, recorded and searched. ".repeat(6)
            ),
            sha256: "00ff".into(),
        },
    };
    desk
}

#[test]
fn who_needs_a_sponsor_is_told_whom_to_ask() {
    let mut snapshot = invented::desk();
    let registration = &mut card(&mut snapshot).registrations[0];
    registration.status = RegistrationStatus::NeedsSponsor;
    registration.route = Some(Route {
        categories: Vec::new(),
        components: Vec::new(),
        question: None,
        way: Way::Sponsor,
        text: "Ask your Task Monitor, your Contracting Officer Representative or another \
               representative of the government to sponsor you."
            .into(),
        sponsor: None,
    });

    let mut app = app(snapshot);
    app.focus = Pane::Registration;
    press(&mut app, &[Command::Move(Move::First)]);

    look_at("needs_a_sponsor", &app);
}
