mod end;
mod place;

use cac_common::interface::{AnswerWizard, GetConfirmation, MoveWizard, StartWizard};
use cac_common::snapshot::{PinStatus, Snapshot, Visit};
use cac_common::time::UtcSeconds;
use cac_common::wizard::{Ask, AskKind, Move, Wizard, WizardState};
use jiff::tz::TimeZone;

use super::*;
use crate::app::may_be_the_last_try;
use crate::invented;
use crate::keys::{Command, Mode};
use crate::update::{Action, Message, Stroke, update};

#[test]
fn the_wizard_begins_after_a_yes_at_the_portal_that_is_picked() {
    let mut app = at_the_desk(None);

    let asked = press(&mut app, Command::Wizard);
    let begun = press(&mut app, Command::Yes);

    assert_eq!(asked, Some(Action::LoadProfile("ako".into())));
    let request = StartWizard {
        card: card_id(),
        visit: Visit(4),
        portal: "ako".into(),
    };
    let begins = Action::BeginWizard {
        first: None,
        request,
    };
    assert_eq!(begun, Some(begins));
}

#[test]
fn escape_before_the_beginning_begins_nothing() {
    let mut app = at_the_desk(None);
    press(&mut app, Command::Wizard);

    let action = press(&mut app, Command::Back);

    assert_eq!(action, None);
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn a_portal_without_steps_is_not_begun_at() {
    let mut app = at_the_desk(None);
    press(&mut app, Command::Wizard);
    let mut profile = invented::ako();
    profile.wizard.clear();
    update(
        &mut app,
        Message::Profile {
            of: profile.name.clone(),
            profile: Ok(Box::new(profile)),
        },
    );

    let action = press(&mut app, Command::Yes);

    assert_eq!(action, None);
    assert!(app.said.unwrap().text.contains("has no steps"));
}

#[test]
fn what_the_daemon_refuses_at_the_beginning_is_told() {
    let mut app = at_the_desk(None);
    press(&mut app, Command::Wizard);
    press(&mut app, Command::Yes);

    update(&mut app, Message::Begun(Err(trouble())));

    assert_eq!(app.screen, Screen::Panes);
    assert!(app.said.is_some_and(|said| said.text == "no"));
}

#[test]
fn one_that_is_under_way_is_shown_where_it_is() {
    let mut app = at_the_desk(Some(asking(AskKind::Text, false)));

    let action = press(&mut app, Command::Wizard);

    assert_eq!(action, None);
    assert_eq!(app.mode(), Mode::Text);
}

#[test]
fn one_at_another_portal_is_shown_with_a_word_about_it() {
    let mut app = at_the_desk(Some(invented::wizard("records", WizardState::Telling)));

    press(&mut app, Command::Wizard);

    assert_eq!(dialog(&app).map(|dialog| &*dialog.portal), Some("records"));
    assert!(said(&app).contains("under way"));
}

#[test]
fn one_that_is_done_elsewhere_is_put_away_before_another_begins() {
    let mut done = invented::wizard("records", done(true));
    done.turn = 9;
    let mut app = at_the_desk(Some(done));
    press(&mut app, Command::Wizard);

    let action = press(&mut app, Command::Yes);

    let Some(Action::BeginWizard { first, .. }) = action else {
        panic!("{action:?}");
    };
    assert_eq!(first, Some(moved_to(9, Move::Stop)));
}

#[test]
fn without_a_card_it_is_said_what_to_do() {
    let mut app = at_the_desk(None);
    let mut empty = invented::desk();
    empty.readers.remove(2);
    show(&mut app, empty);

    let action = press(&mut app, Command::Wizard);

    assert_eq!(action, None);
    assert_eq!(app.screen, Screen::Panes);
    assert!(app.said.is_some());
}

#[test]
fn a_name_is_typed_and_sent_as_it_is() {
    let mut app = following(asking(AskKind::Text, false));
    type_in(&mut app, "jane.q  ");
    update(&mut app, Message::Stroke(Stroke::EraseLetter));

    let action = press(&mut app, Command::Open);

    let request = AnswerWizard {
        value: Some("jane.q".into()),
        ..answer_to(0)
    };
    assert_eq!(action, Some(Action::Answer(request)));
}

#[test]
fn a_password_is_sent_as_a_secret_and_nothing_of_it_stands_in_the_state() {
    let mut app = following(asking(AskKind::Password, true));
    update(&mut app, Message::Stroke(Stroke::Secret(11)));

    let action = press(&mut app, Command::Open);

    assert_eq!(action, Some(Action::AnswerWithSecret(answer_to(1))));
    assert_eq!(app.secret_length(), 0);
}

#[test]
fn nothing_typed_is_not_sent() {
    for kind in [AskKind::Text, AskKind::Password, AskKind::Pin] {
        let mut app = following(asking(kind, true));

        let action = press(&mut app, Command::Open);

        assert_eq!(action, None, "{kind:?}");
        assert!(!said(&app).is_empty(), "{kind:?}");
    }
}

#[test]
fn what_was_sent_is_sent_once_until_something_else_is_asked() {
    let mut app = following(asking(AskKind::Password, true));
    update(&mut app, Message::Stroke(Stroke::Secret(11)));
    press(&mut app, Command::Open);

    show(&mut app, with(asking(AskKind::Password, true)));
    update(&mut app, Message::Stroke(Stroke::Secret(11)));
    let again = press(&mut app, Command::Open);
    let mut next = asking(AskKind::Password, true);
    next.turn += 1;
    show(&mut app, with(next));

    assert_eq!(again, None);
    assert_eq!(app.mode(), Mode::Password);
    assert_eq!(app.secret_length(), 0);
}

#[test]
fn after_a_refusal_it_can_be_typed_again() {
    let mut app = following(asking(AskKind::Text, false));
    type_in(&mut app, "jane");
    press(&mut app, Command::Open);

    update(&mut app, Message::Sent(Err(trouble())));

    assert_eq!(app.mode(), Mode::Text);
    assert_eq!(said(&app), "no");
}

#[test]
fn what_is_half_typed_goes_when_something_else_is_asked() {
    let mut app = following(asking(AskKind::Password, true));
    update(&mut app, Message::Stroke(Stroke::Secret(5)));

    let mut next = asking(AskKind::Password, true);
    next.turn += 1;
    show(&mut app, with(next));

    assert_eq!(app.secret_length(), 0);
}

#[test]
fn what_is_half_typed_stays_when_something_else_changes() {
    let mut app = following(asking(AskKind::Password, true));
    update(&mut app, Message::Stroke(Stroke::Secret(5)));

    let mut later = with(asking(AskKind::Password, true));
    later.happened.clear();
    show(&mut app, later);

    assert_eq!(app.secret_length(), 5);
}

#[test]
fn a_pin_of_the_right_length_is_sent_and_the_last_try_wants_a_yes() {
    for (tries_left, keys) in [(Some(3), 1), (Some(1), 2), (None, 2)] {
        let mut desk = with(asking(AskKind::Pin, true));
        let pin = PinStatus::Ready { tries_left };
        let is_last = may_be_the_last_try(&pin);
        desk.readers[2].card.as_mut().unwrap().pin = pin;
        let mut app = at_the_desk(None);
        show(&mut app, desk);
        press(&mut app, Command::Wizard);
        update(&mut app, Message::Stroke(Stroke::Secret(6)));

        let mut sent = Vec::new();
        sent.extend(press(&mut app, Command::Open));
        if is_last {
            assert_eq!(app.mode(), Mode::Insist);
            assert_eq!(press(&mut app, Command::Open), None);
            type_in(&mut app, "yes");
            sent.extend(press(&mut app, Command::Open));
        }

        let request = AnswerWizard {
            even_the_last_try: is_last,
            ..answer_to(1)
        };
        assert_eq!(sent, [Action::AnswerWithSecret(request)], "{keys}");
    }
}

#[test]
fn of_the_word_that_spends_the_last_try_its_letters_alone_are_taken() {
    let mut desk = with(asking(AskKind::Pin, true));
    desk.readers[2].card.as_mut().unwrap().pin = PinStatus::Unknown;
    let mut app = at_the_desk(None);
    show(&mut app, desk);
    press(&mut app, Command::Wizard);
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, Command::Open);

    type_in(&mut app, "aaéé\u{1f511}Yb");

    let Some(WizardStep::Following(typed)) = dialog(&app).map(|dialog| &dialog.step) else {
        panic!("{:?}", app.screen);
    };
    assert_eq!(typed.insists.as_deref(), Some("aay"));
    update(&mut app, Message::Stroke(Stroke::EraseLetters));
    type_in(&mut app, "ÿYES");
    assert!(press(&mut app, Command::Open).is_some());
}

#[test]
fn going_back_from_the_last_try_forgets_the_digits() {
    let mut desk = with(asking(AskKind::Pin, true));
    desk.readers[2].card.as_mut().unwrap().pin = PinStatus::Unknown;
    let mut app = at_the_desk(None);
    show(&mut app, desk);
    press(&mut app, Command::Wizard);
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, Command::Open);

    press(&mut app, Command::Back);

    assert_eq!(app.secret_length(), 0);
    assert_eq!(app.mode(), Mode::WizardPin);
}

#[test]
fn enter_goes_on_after_what_was_done_elsewhere_and_tries_again_after_a_stop() {
    let cause = || "no route".into();
    for (state, to) in [
        (WizardState::Telling, Move::On),
        (WizardState::Stopped { cause: cause() }, Move::Again),
    ] {
        let mut app = following(invented::wizard("ako", state));

        let action = press(&mut app, Command::Open);
        let again = press(&mut app, Command::Open);

        assert_eq!(action, Some(Action::MoveWizard(moved_to(3, to))));
        assert_eq!(again, None, "{to:?}");
    }
}

#[test]
fn a_step_back_is_asked_for_while_nothing_is_at_work() {
    let mut asking = following(asking(AskKind::Text, false));
    let mut working = following(invented::wizard("ako", WizardState::Working));

    let back = press(&mut asking, Command::StepBack);
    let not_now = press(&mut working, Command::StepBack);

    assert_eq!(back, Some(Action::MoveWizard(moved_to(3, Move::Back))));
    assert_eq!(not_now, None);
    assert!(said(&working).contains("at work"));
}

#[test]
fn stopping_wants_a_yes_and_closes_the_dialog_once_it_is_done() {
    let mut app = following(asking(AskKind::Text, false));

    let asked = press(&mut app, Command::Stop);
    let stopped = press(&mut app, Command::Yes);
    show(&mut app, invented::desk());

    assert_eq!(asked, None);
    assert_eq!(stopped, Some(Action::MoveWizard(moved_to(3, Move::Stop))));
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn who_does_not_stop_goes_on_where_it_was() {
    let mut app = following(asking(AskKind::Text, false));
    press(&mut app, Command::Stop);

    press(&mut app, Command::Back);

    assert_eq!(app.mode(), Mode::Text);
}

#[test]
fn escape_leaves_the_wizard_as_it_is_and_says_so() {
    let mut app = following(asking(AskKind::Password, true));
    update(&mut app, Message::Stroke(Stroke::Secret(5)));

    let action = press(&mut app, Command::Back);

    assert_eq!(action, None);
    assert_eq!(app.secret_length(), 0);
    assert!(
        app.said
            .is_some_and(|said| said.text.contains("left as it is"))
    );
}

#[test]
fn the_dialog_closes_with_the_card_the_wizard_and_the_daemon() {
    let mut taken_out = with(asking(AskKind::Text, false));
    taken_out.readers[2].card = None;
    let mut again = with(asking(AskKind::Text, false));
    again.readers[2].card.as_mut().unwrap().visit = Visit(5);
    let ends = [
        Message::Snapshot(Box::new(taken_out)),
        Message::Snapshot(Box::new(again)),
        Message::Snapshot(Box::new(invented::desk())),
        Message::Away(trouble()),
    ];
    for end in ends {
        let mut app = following(asking(AskKind::Text, false));

        update(&mut app, end);

        assert_eq!(app.screen, Screen::Panes);
        assert!(app.said.is_some());
    }
}

#[test]
fn suspending_wipes_what_is_half_typed_and_leaves_the_rest() {
    let mut app = following(asking(AskKind::Password, true));
    update(&mut app, Message::Stroke(Stroke::Secret(5)));

    let action = press(&mut app, Command::Suspend);

    assert_eq!(action, Some(Action::Suspend));
    assert_eq!(app.secret_length(), 0);
    assert_eq!(app.mode(), Mode::Password);
}

#[test]
fn while_the_portal_is_asked_the_seconds_are_counted() {
    let app = following(invented::wizard("ako", WizardState::Working));
    let waiting = following(invented::wizard("ako", WizardState::Telling));

    assert_eq!(app.next_change(), UtcSeconds(invented::NOW.0 + 1));
    assert_eq!(waiting.next_change(), UtcSeconds(invented::NOW.0 + 51));
}

fn at_the_desk(wizard: Option<Wizard>) -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    let mut desk = invented::desk();
    desk.readers[2].card.as_mut().unwrap().wizard = wizard;
    show(&mut app, desk);
    app.registration = Some("ako".into());
    app
}

/// The dialog on a wizard that is under way.
fn following(wizard: Wizard) -> App {
    let mut app = at_the_desk(Some(wizard));
    press(&mut app, Command::Wizard);
    app
}

fn with(wizard: Wizard) -> Snapshot {
    let mut desk = invented::desk();
    desk.readers[2].card.as_mut().unwrap().wizard = Some(wizard);
    desk
}

/// For a user name first, and then for this.
fn asking(kind: AskKind, is_answered: bool) -> Wizard {
    let ask = |kind, is_answered| Ask {
        label: "something".into(),
        kind,
        is_answered,
    };
    let asks = vec![ask(AskKind::Text, is_answered), ask(kind, false)];
    invented::wizard("ako", WizardState::Asking { asks })
}

fn done(has_confirmation: bool) -> WizardState {
    WizardState::Done {
        is_registered: true,
        has_confirmation,
    }
}

fn keep(app: &mut App) {
    let kept = Box::new(invented::confirmation());
    update(app, Message::Kept(Ok(Some(kept))));
}

fn card_id() -> cac_common::identity::CardId {
    let card = invented::desk().readers.remove(2).card.unwrap();
    card.id.unwrap()
}

fn answer_to(ask: u32) -> AnswerWizard {
    AnswerWizard {
        card: card_id(),
        visit: Visit(4),
        turn: 3,
        ask,
        value: None,
        even_the_last_try: false,
    }
}

fn moved_to(turn: u64, to: Move) -> MoveWizard {
    MoveWizard {
        card: card_id(),
        visit: Visit(4),
        turn,
        to,
    }
}

fn said(app: &App) -> &str {
    dialog(app)
        .and_then(|dialog| dialog.said.as_ref())
        .map_or("", |said| said.text.as_str())
}

fn show(app: &mut App, snapshot: Snapshot) -> Option<Action> {
    update(app, Message::Snapshot(Box::new(snapshot)))
}

fn press(app: &mut App, command: Command) -> Option<Action> {
    update(app, Message::Command(command))
}

fn type_in(app: &mut App, text: &str) {
    for letter in text.chars() {
        update(app, Message::Stroke(Stroke::Letter(letter)));
    }
}

fn trouble() -> Trouble {
    Trouble {
        what: "no".into(),
        advice: None,
    }
}
