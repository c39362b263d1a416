//! The line of what goes between readers and cards.

use cac_common::activity::{Apdu, Purpose};
use cac_common::interface::ActivityReply;
use cac_common::reader::ReaderName;
use cacctl::app::{ActivityNews, Batch};
use cacctl::keys::Command;

use super::*;

#[test]
fn it_stands_above_the_keys() {
    let mut app = shown();
    look_at("activity_nothing_yet", &app);
    told(&mut app, &[apdu()], 0);
    look_at("activity", &app);
    told(&mut app, &[pin()], 3);
    look_at("activity_missed", &app);
    let away = ActivityNews::Away(unreachable());
    update(&mut app, Message::Activity(away));
    look_at("activity_away", &app);
}

#[test]
fn the_key_begins_it_and_ends_it() {
    let mut app = app(invented::desk());

    let begun = update(&mut app, Message::Command(Command::Activity));
    assert_eq!(begun, Some(Action::FollowActivity(true)));
    told(&mut app, &[apdu()], 0);
    let ended = update(&mut app, Message::Command(Command::Activity));
    assert_eq!(ended, Some(Action::FollowActivity(false)));

    told(&mut app, &[apdu()], 0);
    assert_eq!(app.activity, None);
}

#[test]
fn a_stranger_is_told_why_not() {
    let mut app = app(invented::desk().for_a_stranger());

    let action = update(&mut app, Message::Command(Command::Activity));

    assert_eq!(action, None);
    assert!(
        app.said
            .is_some_and(|said| said.text.contains("cacd-admin"))
    );
}

pub(super) fn every_app() -> Vec<App> {
    let mut long = app(extreme());
    press(&mut long, &[Command::Activity]);
    let name = "\u{65e5}\u{672c}\u{8a9e} \u{202e}\u{1b}[2J ".repeat(40);
    let apdu = Apdu {
        reader: ReaderName(name.clone()),
        instruction: name.clone(),
        status: Some(name),
        ..apdu()
    };
    told(&mut long, &[apdu], u64::MAX);
    vec![shown(), long]
}

fn shown() -> App {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Activity]);
    update(&mut app, Message::Activity(ActivityNews::Listening));
    app
}

fn told(app: &mut App, apdus: &[Apdu], missed: u64) {
    let mut batch = Batch::default();
    batch.add(ActivityReply {
        apdus: apdus.to_vec(),
        missed,
    });
    update(app, Message::Activity(ActivityNews::Told(batch)));
}

fn apdu() -> Apdu {
    Apdu {
        reader: ReaderName("SCR3310 [CCID] 00 00".into()),
        purpose: Purpose::Read,
        number: 7,
        instruction: "GET DATA".into(),
        sent: Some(12),
        received: 256,
        status: Some("9000".into()),
        milliseconds: 21,
    }
}

/// Of a PIN not even the length is told.
fn pin() -> Apdu {
    Apdu {
        purpose: Purpose::SignIn,
        number: 2,
        instruction: "VERIFY".into(),
        sent: None,
        received: 2,
        milliseconds: 40,
        ..apdu()
    }
}
