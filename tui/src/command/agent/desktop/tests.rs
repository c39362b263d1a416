use cac_common::reader::ReaderName;

use super::*;
use crate::cli::Place;

const NOW: UtcSeconds = UtcSeconds(1_000);

#[test]
fn what_was_shown_is_not_missing_and_another_in_its_place_is() {
    let mut shown = Shown::default();
    let first = note(1, Lasts::WhileTrue);
    assert!(shown.is_missing(&key("a"), &first, NOW));

    shown.was_shown(7, key("a"), first.clone());

    assert!(!shown.is_missing(&key("a"), &first, NOW));
    assert!(shown.is_missing(&key("a"), &note(2, Lasts::WhileTrue), NOW));
    assert_eq!(shown.number(&key("a")), Some(7), "it is replaced");
    assert_eq!(shown.number(&key("b")), None);
}

#[test]
fn of_what_a_server_showed_that_has_gone_only_what_is_true_is_shown_again() {
    for (lasts, is_shown_again) in [
        (Lasts::WhileTrue, true),
        (Lasts::UntilSeen, false),
        (Lasts::News, false),
    ] {
        let mut shown = Shown::default();
        shown.was_shown(7, key("a"), note(1, lasts));

        shown.is_lost();

        let is_missing = shown.is_missing(&key("a"), &note(1, lasts), NOW);
        assert_eq!(is_missing, is_shown_again, "{lasts:?}");
        assert_eq!(shown.number(&key("a")), None);
    }
}

#[test]
fn news_that_could_not_be_shown_for_long_are_none() {
    let mut shown = Shown::default();
    let late = UtcSeconds(NOW.0 + STALE + 1);

    assert!(shown.is_missing(&key("a"), &note(1, Lasts::News), NOW));
    assert!(!shown.is_missing(&key("a"), &note(1, Lasts::News), late));
    assert!(shown.is_missing(&key("b"), &note(2, Lasts::WhileTrue), late));
}

#[test]
fn no_more_are_remembered_than_there_is_room_for() {
    let mut shown = Shown::default();

    for id in 0..1_000 {
        shown.was_shown(id, key(&id.to_string()), note(1, Lasts::UntilSeen));
    }

    assert_eq!(shown.open.len(), MOST_OPEN);
    assert_eq!(shown.number(&key("999")), Some(999));
}

#[test]
fn only_a_signal_of_ours_in_its_right_shape_means_something() {
    let mut shown = Shown::default();
    shown.was_shown(7, key("a"), note(1, Lasts::WhileTrue));

    let unknown = signal("ActionInvoked", &(8_u32, "open"));
    let no_action = signal("ActionInvoked", &(7_u32, "rm"));
    let misshapen = signal("ActionInvoked", &("7", 1_u32));
    let other = signal("Opened", &(7_u32, "open"));
    for none in [unknown, no_action, misshapen, other] {
        assert!(shown.take(&none).is_none(), "{none:?}");
    }
    assert!(
        shown
            .take(&signal("ActivationToken", &(7_u32, "tok")))
            .is_none()
    );
    let invoked = shown.take(&signal("ActionInvoked", &(7_u32, "default")));
    assert!(matches!(
        invoked,
        Some(Heard::Invoked { action: Action::Open, activation: Some(token), .. }) if token == "tok"
    ));
    assert!(
        shown
            .take(&signal("NotificationClosed", &(7_u32, 2_u32)))
            .is_none()
    );
    assert!(
        shown
            .take(&signal("ActionInvoked", &(7_u32, "default")))
            .is_none()
    );
}

#[test]
fn a_token_without_an_end_is_not_kept() {
    let mut shown = Shown::default();
    shown.was_shown(7, key("a"), note(1, Lasts::WhileTrue));

    let long = "x".repeat(LONGEST_TOKEN + 1);
    shown.take(&signal("ActivationToken", &(7_u32, long.as_str())));

    assert_eq!(shown.activation, None);
}

#[test]
fn what_looks_like_markup_is_shown_as_it_is() {
    let text = without_markup("<b>A&B</b>");

    assert_eq!(text, "&lt;b&gt;A&amp;B&lt;/b&gt;");
}

fn signal<B>(name: &str, arguments: &B) -> Message
where
    B: serde::Serialize + zbus::zvariant::DynamicType,
{
    Message::signal(PATH, SERVICE, name)
        .build(arguments)
        .unwrap()
}

fn key(reader: &str) -> Key {
    Key::Reader(ReaderName(reader.into()))
}

fn note(serial: u64, lasts: Lasts) -> Note {
    Note {
        serial,
        kind: Kind::NeedsYou,
        lasts,
        since: NOW,
        summary: "A".into(),
        body: "B".into(),
        place: Place::default(),
        ends: Vec::new(),
    }
}
