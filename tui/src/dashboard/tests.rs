use cac_common::snapshot::Snapshot;
use cac_common::wizard::{Ask, AskKind, Wizard, WizardState};
use crossterm::event::KeyCode;
use proptest::prelude::*;

use super::*;
use crate::app::Screen as Shown;
use crate::invented;

#[test]
fn the_digits_of_a_pin_never_reach_the_state() {
    let mut desk = desk_with_open_prompt();

    for digit in "918273".chars() {
        press(&mut desk, KeyCode::Char(digit));
    }

    let state = format!("{:?}", desk.app);
    assert_eq!(desk.app.secret_length(), 6);
    assert!(
        !state.contains("918273") && !state.contains("9, 1, 8"),
        "{state}"
    );
    let (digits, count) = desk.secret.take().unwrap();
    assert_eq!(&digits.bytes()[..count], b"918273");
}

#[test]
fn what_was_typed_is_wiped_when_the_prompt_closes() {
    let mut desk = desk_with_open_prompt();
    for digit in "123456".chars() {
        press(&mut desk, KeyCode::Char(digit));
    }

    press(&mut desk, KeyCode::Esc);

    assert_eq!(desk.app.screen, Shown::Panes);
    assert_eq!(desk.secret.count(), 0);
}

#[test]
fn what_was_typed_is_wiped_when_the_card_is_taken_out() {
    let mut desk = desk_with_open_prompt();
    press(&mut desk, KeyCode::Char('1'));

    desk.take(Message::Snapshot(Box::new(invented::nothing_plugged_in())));

    assert_eq!(desk.app.screen, Shown::Panes);
    assert_eq!(desk.secret.count(), 0);
}

#[test]
fn the_pin_is_still_there_when_it_is_to_be_sent() {
    let mut desk = desk_with_open_prompt();
    for digit in "123456".chars() {
        press(&mut desk, KeyCode::Char(digit));
    }

    let action = press(&mut desk, KeyCode::Enter);

    assert!(matches!(action, Some(Action::SubmitPin(_))), "{action:?}");
    assert_eq!(desk.secret.count(), 6);
}

#[test]
fn the_pin_of_a_test_is_still_there_when_it_is_to_be_sent_and_not_in_the_state() {
    let mut desk = closed_desk();
    desk.take(Message::Snapshot(Box::new(invented::desk())));
    for key in "oy918273".chars() {
        press(&mut desk, KeyCode::Char(key));
    }

    let action = press(&mut desk, KeyCode::Enter);

    assert!(
        matches!(action, Some(Action::TestPortal { .. })),
        "{action:?}"
    );
    let state = format!("{:?}", desk.app);
    assert!(!state.contains("918273"), "{state}");
    let (digits, count) = desk.secret.take().unwrap();
    assert_eq!(&digits.bytes()[..count], b"918273");
}

#[test]
fn the_last_digit_can_be_taken_back() {
    let mut desk = desk_with_open_prompt();
    for digit in "1234567".chars() {
        press(&mut desk, KeyCode::Char(digit));
    }

    press(&mut desk, KeyCode::Backspace);

    assert_eq!(desk.app.secret_length(), 6);
    assert_eq!(desk.secret.count(), 6);
}

#[test]
fn a_password_never_reaches_the_state_and_is_there_when_it_is_to_be_sent() {
    let mut desk = desk_that_asks_for_a_password();

    for c in "Öpen 7 q?x".chars() {
        press(&mut desk, KeyCode::Char(c));
    }
    press(&mut desk, KeyCode::Backspace);

    let state = format!("{:?}", desk.app);
    assert!(!state.contains("pen 7"), "{state}");
    let action = press(&mut desk, KeyCode::Enter);
    assert!(
        matches!(action, Some(Action::AnswerWithSecret(_))),
        "{action:?}"
    );
    let (bytes, length) = desk.secret.take().unwrap();
    assert_eq!(&bytes.bytes()[..length], "Öpen 7 q?".as_bytes());
}

#[test]
fn a_password_is_wiped_when_the_dialog_closes_or_something_else_is_asked() {
    let mut closed = desk_that_asks_for_a_password();
    let mut changed = desk_that_asks_for_a_password();
    press(&mut closed, KeyCode::Char('a'));
    press(&mut changed, KeyCode::Char('a'));

    press(&mut closed, KeyCode::Esc);
    changed.take(Message::Snapshot(Box::new(asking(4))));

    assert_eq!(closed.secret.count(), 0);
    assert_eq!(changed.secret.count(), 0);
}

#[test]
fn a_password_for_which_there_is_no_room_is_not_sent_until_it_is_emptied() {
    let mut desk = desk_that_asks_for_a_password();
    press(&mut desk, KeyCode::Char('a'));
    for _ in 0..128 {
        press(&mut desk, KeyCode::Char('ä'));
    }

    let cut = press(&mut desk, KeyCode::Enter);
    press(&mut desk, KeyCode::Backspace);
    let shortened = press(&mut desk, KeyCode::Enter);
    for _ in 0..200 {
        press(&mut desk, KeyCode::Backspace);
    }
    press(&mut desk, KeyCode::Char('a'));
    let again = press(&mut desk, KeyCode::Enter);

    assert_eq!((cut, shortened), (None, None));
    assert!(
        matches!(again, Some(Action::AnswerWithSecret(_))),
        "{again:?}"
    );
    assert_eq!(desk.secret.count(), 1);
}

/// A name and a password as they are pasted, with letters that are commands elsewhere.
const PASTED: &str = "jane.q\nq?y pä\u{1f511}ss word\n";

#[test]
fn a_pasted_name_and_password_are_each_sent_whole_whenever_the_name_is_taken() {
    let (name, password) = PASTED.trim().split_once('\n').unwrap();
    let both = |is_answered| {
        asks(&[
            ("User name", AskKind::Text, is_answered),
            ("Password", AskKind::Password, false),
        ])
    };
    for taken_after in 0..=password.chars().count() + 1 {
        let mut desk = closed_desk();
        let news = [(taken_after, at(3, both(true)))];

        let sent = paste(&mut desk, at(3, both(false)), &news);

        assert_eq!(sent, [name, password], "taken after {taken_after}");
        assert_eq!(desk.secret.count(), 0);
    }
}

#[test]
fn of_a_password_that_is_pasted_before_it_is_asked_for_nothing_is_sent() {
    let (name, password) = PASTED.trim().split_once('\n').unwrap();
    let length = password.chars().count() + 1;
    let only_name = asks(&[("User name", AskKind::Text, false)]);
    for works_after in 0..=length {
        for asks_after in works_after..=length {
            let mut desk = closed_desk();
            let news = [
                (works_after, at(4, WizardState::Working)),
                (asks_after, asking(5)),
            ];

            let sent = paste(&mut desk, at(3, only_name.clone()), &news);

            let whole = [name, password];
            let meant = if asks_after == 0 {
                &whole[..]
            } else {
                &whole[..1]
            };
            assert_eq!(sent, meant, "{works_after}, {asks_after}");
        }
    }
}

#[test]
fn what_was_typed_too_soon_is_said_and_emptied_with_one_key() {
    let mut desk = desk_that_asks_for_a_password();
    desk.take(Message::Snapshot(Box::new(at(4, WizardState::Working))));
    press(&mut desk, KeyCode::Char('q'));
    desk.take(Message::Snapshot(Box::new(asking(5))));
    let picture = format!("{:?}", desk.app.screen);
    assert!(picture.contains("is missing in it"), "{picture}");
    press(&mut desk, KeyCode::Char('a'));

    let cut = press(&mut desk, KeyCode::Enter);
    let control_u = KeyEvent::new(KeyCode::Char('u'), crossterm::event::KeyModifiers::CONTROL);
    let message = desk.message_for(&Event::Key(control_u)).unwrap();
    desk.take(message);
    press(&mut desk, KeyCode::Char('b'));
    let again = press(&mut desk, KeyCode::Enter);

    assert_eq!(cut, None);
    assert!(
        matches!(again, Some(Action::AnswerWithSecret(_))),
        "{again:?}"
    );
}

/// What is sent while it is pasted, each piece of news coming after so many keys
/// that follow the name.
fn paste(desk: &mut Desk, first: Snapshot, news: &[(usize, Snapshot)]) -> Vec<String> {
    desk.take(Message::Snapshot(Box::new(first)));
    press(desk, KeyCode::Char('w'));
    let (name, password) = PASTED.split_once('\n').unwrap();
    let mut sent = Vec::new();
    let mut take = |desk: &mut Desk, action: Option<Action>| match action {
        None => {}
        Some(Action::Answer(request)) => sent.extend(request.value),
        Some(Action::AnswerWithSecret(_)) => {
            let (bytes, length) = desk.secret.take().unwrap();
            sent.push(String::from_utf8(bytes.bytes()[..length].to_vec()).unwrap());
        }
        Some(other) => panic!("{other:?}"),
    };
    let key = |c| match c {
        '\n' => KeyCode::Enter,
        c => KeyCode::Char(c),
    };
    for c in name.chars().chain(['\n']) {
        let action = press(desk, key(c));
        take(desk, action);
    }
    let keys = password.chars().map(Some).chain([None]);
    for (at, c) in keys.enumerate() {
        for (_, snapshot) in news.iter().filter(|(after, _)| *after == at) {
            let action = desk.take(Message::Snapshot(Box::new(snapshot.clone())));
            take(desk, action);
        }
        if let Some(c) = c {
            let action = press(desk, key(c));
            take(desk, action);
        }
    }
    sent
}

/// What can come in while somebody types.
#[derive(Debug, Clone)]
enum Step {
    Key(KeyCode),
    /// The daemon asks for something else, or for the same.
    Turn(u64),
    Refused,
    CardOut,
    Away,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<char>().prop_map(|c| Step::Key(KeyCode::Char(c))),
        2 => prop_oneof![
            Just(KeyCode::Enter),
            Just(KeyCode::Esc),
            Just(KeyCode::Backspace),
            Just(KeyCode::F(8)),
            Just(KeyCode::F(9)),
            Just(KeyCode::Char('w')),
            Just(KeyCode::Char('y')),
        ]
        .prop_map(Step::Key),
        2 => (3..5_u64).prop_map(Step::Turn),
        1 => Just(Step::Refused),
        1 => Just(Step::CardOut),
        1 => Just(Step::Away),
    ]
}

proptest! {
    #[test]
    fn whatever_comes_in_no_more_of_a_password_is_kept_than_is_shown_and_nothing_once_it_is_sent(
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let trouble = || Trouble { what: "no".into(), advice: None };
        let mut desk = desk_that_asks_for_a_password();
        let mut asked = Some(3);
        for step in steps {
            let action = match step {
                Step::Key(code) => press(&mut desk, code),
                Step::Turn(turn) => {
                    asked = Some(turn);
                    desk.take(Message::Snapshot(Box::new(asking(turn))))
                }
                Step::Refused => desk.take(Message::Sent(Err(trouble()))),
                Step::CardOut => {
                    asked = None;
                    let empty = invented::nothing_plugged_in();
                    desk.take(Message::Snapshot(Box::new(empty)))
                }
                Step::Away => desk.take(Message::Away(trouble())),
            };
            if let Some(Action::AnswerWithSecret(request)) = action {
                prop_assert_eq!(Some(request.turn), asked);
                let (_, length) = desk.secret.take().unwrap();
                prop_assert!(length > 0);
                prop_assert_eq!(desk.app.secret_length(), 0);
            }
            prop_assert_eq!(desk.secret.count(), desk.app.secret_length());
        }
    }
}

fn desk_that_asks_for_a_password() -> Desk {
    let mut desk = closed_desk();
    desk.take(Message::Snapshot(Box::new(asking(3))));
    press(&mut desk, KeyCode::Char('w'));
    assert_eq!(desk.app.mode(), Mode::Password);
    desk
}

fn asking(turn: u64) -> Snapshot {
    at(turn, asks(&[("Password", AskKind::Password, false)]))
}

fn asks(asks: &[(&str, AskKind, bool)]) -> WizardState {
    let ask = |(label, kind, is_answered): &(&str, AskKind, bool)| Ask {
        label: (*label).into(),
        kind: *kind,
        is_answered: *is_answered,
    };
    WizardState::Asking {
        asks: asks.iter().map(ask).collect(),
    }
}

fn at(turn: u64, state: WizardState) -> Snapshot {
    let mut snapshot = invented::desk();
    let card = snapshot.readers[2].card.as_mut().unwrap();
    card.wizard = Some(Wizard {
        turn,
        ..invented::wizard("ako", state)
    });
    snapshot
}

fn closed_desk() -> Desk {
    let (answer, _) = mpsc::channel(1);
    Desk {
        app: App::new(invented::NOW, TimeZone::UTC),
        secret: SecretEntry::default(),
        socket: PathBuf::new().into(),
        answer,
        activity: None,
    }
}

fn desk_with_open_prompt() -> Desk {
    let mut desk = closed_desk();
    desk.take(Message::Snapshot(Box::new(invented::desk())));
    press(&mut desk, KeyCode::Char('r'));
    assert!(matches!(desk.app.screen, Shown::PinPrompt(_)));
    desk
}

fn press(desk: &mut Desk, code: KeyCode) -> Option<Action> {
    let message = desk.message_for(&Event::Key(KeyEvent::from(code)))?;
    desk.take(message)
}
