use cac_common::interface::{Clear, ClearScope, Lost, Register, SubmitPin};
use cac_common::reader::{ReaderName, ReaderStatus};
use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::snapshot::{Card, PinStatus, Visit};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::*;
use crate::app::Pick;
use crate::invented;
use crate::keys::Move;

#[test]
fn the_card_that_needs_its_pin_is_shown_first() {
    let app = at_the_desk();

    assert_eq!(app.chosen_row(), 2);
    assert_eq!(app.registration_row(), 1, "Travel, which needs the PIN");
}

#[test]
fn what_was_picked_by_hand_stays_picked() {
    let mut app = at_the_desk();
    app.focus = Pane::Readers;

    press(&mut app, Command::Move(Move::First));
    take_snapshot(&mut app, invented::desk());

    let first = Pick::Reader(ReaderName("Alcor AU9540 01 00".into()));
    assert_eq!(app.picked, Some(first));
    assert_eq!(app.chosen_row(), 0);
}

#[test]
fn a_picked_reader_that_is_unplugged_is_let_go() {
    let mut app = at_the_desk();
    app.picked = Some(Pick::Reader(ReaderName("Alcor AU9540 01 00".into())));
    let mut without = invented::desk();
    without.readers.remove(0);

    take_snapshot(&mut app, without);

    assert_eq!(app.picked, None);
}

#[test]
fn enter_on_a_portal_that_needs_the_pin_opens_the_prompt() {
    let mut app = at_the_desk();

    press(&mut app, Command::Open);

    assert!(matches!(app.screen, Screen::PinPrompt(_)));
}

#[test]
fn enter_on_any_other_portal_opens_its_details() {
    let mut app = at_the_desk();

    press(&mut app, Command::Move(Move::First));
    press(&mut app, Command::Open);

    let ako = Subject::Registration("ako".into());
    assert!(matches!(&app.screen, Screen::Details { of, .. } if *of == ako));
}

#[test]
fn no_prompt_opens_by_itself() {
    let mut app = at_the_desk();

    take_snapshot(&mut app, invented::desk());

    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn six_digits_are_handed_over_for_this_card_in_this_visit() {
    let mut app = at_the_prompt(Some(3));

    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    let action = press(&mut app, Command::Open);

    assert_eq!(action, Some(Action::SubmitPin(the_pin(false))));
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn anything_but_six_to_eight_digits_is_not_sent() {
    for digits in [0, 5, 9, 16] {
        let mut app = at_the_prompt(Some(3));

        update(&mut app, Message::Stroke(Stroke::Secret(digits)));
        let action = press(&mut app, Command::Open);

        assert_eq!(action, None, "{digits}");
        assert!(matches!(app.screen, Screen::PinPrompt(_)), "{digits}");
    }
}

#[test]
fn the_last_try_is_not_spent_with_enter_alone() {
    for tries_left in [Some(1), None] {
        let mut app = at_the_prompt(tries_left);

        update(&mut app, Message::Stroke(Stroke::Secret(6)));
        let first = press(&mut app, Command::Open);
        let second = press(&mut app, Command::Open);

        assert_eq!((first, second), (None, None), "{tries_left:?}");
    }
}

#[test]
fn the_last_try_is_spent_after_yes_and_enter() {
    let mut app = at_the_prompt(Some(1));
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, Command::Open);

    for letter in "yes".chars() {
        update(&mut app, Message::Stroke(Stroke::Letter(letter)));
    }
    let action = press(&mut app, Command::Open);

    assert_eq!(action, Some(Action::SubmitPin(the_pin(true))));
}

#[test]
fn going_back_from_the_last_try_forgets_the_digits() {
    let mut app = at_the_prompt(Some(1));
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    press(&mut app, Command::Open);

    press(&mut app, Command::Back);

    assert_eq!(app.secret_length(), 0);
    assert!(matches!(app.screen, Screen::PinPrompt(_)));
}

#[test]
fn a_prompt_whose_count_fell_to_one_in_between_warns_before_it_sends() {
    let mut app = at_the_prompt(Some(3));
    update(&mut app, Message::Stroke(Stroke::Secret(6)));

    take_snapshot(&mut app, desk_with_tries(Some(1)));
    let action = press(&mut app, Command::Open);

    assert_eq!(action, None);
    assert!(matches!(app.screen, Screen::PinPrompt(_)));
}

#[test]
fn the_prompt_closes_when_the_same_card_was_put_in_again() {
    let mut app = at_the_prompt(Some(3));
    let mut again = invented::desk();
    card(&mut again).visit = Visit(5);

    take_snapshot(&mut app, again);

    assert_eq!(app.screen, Screen::Panes);
    assert!(app.said.is_some());
}

#[test]
fn the_prompt_closes_when_the_daemon_goes_away() {
    let mut app = at_the_prompt(Some(3));

    update(&mut app, Message::Away(trouble()));

    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn the_prompt_closes_when_the_program_is_suspended() {
    let mut app = at_the_prompt(Some(3));

    let action = press(&mut app, Command::Suspend);

    assert_eq!(action, Some(Action::Suspend));
    assert_eq!(app.secret_length(), 0);
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn a_blocked_pin_is_explained_and_not_asked_for() {
    let mut app = at_the_desk();
    let mut blocked = invented::desk();
    card(&mut blocked).pin = PinStatus::Blocked;
    take_snapshot(&mut app, blocked);

    let action = press(&mut app, Command::Register);

    assert_eq!(action, None);
    assert_eq!(app.screen, Screen::Panes);
    assert!(app.said.is_some_and(|said| said.text.contains("RAPIDS")));
}

#[test]
fn where_no_pin_is_needed_the_daemon_is_asked_to_try_again() {
    let mut app = at_the_desk();
    let mut refused = invented::desk();
    card(&mut refused).registrations.remove(1);
    take_snapshot(&mut app, refused);

    let action = press(&mut app, Command::Register);

    let card = app.card_id().cloned();
    let portal = None;
    assert_eq!(action, Some(Action::Register(Register { card, portal })));
}

#[test]
fn from_the_details_of_a_portal_only_that_one_is_tried_again() {
    let mut app = at_the_desk();
    let mut refused = invented::desk();
    card(&mut refused).registrations.remove(1);
    take_snapshot(&mut app, refused);
    press(&mut app, Command::Move(Move::Last));
    press(&mut app, Command::Open);

    let action = press(&mut app, Command::Register);

    let card = app.card_id().cloned();
    let portal = Some("records".into());
    assert_eq!(action, Some(Action::Register(Register { card, portal })));
}

#[test]
fn an_empty_reader_says_what_to_do_instead_of_registering() {
    let mut app = at_the_desk();
    app.picked = Some(Pick::Reader(ReaderName("Broadcom 5880 02 00".into())));

    let action = press(&mut app, Command::Register);

    assert_eq!(action, None);
    assert!(
        app.said
            .is_some_and(|said| said.text.contains("put yours in"))
    );
}

#[test]
fn details_close_when_what_they_are_of_has_gone() {
    let mut app = at_the_desk();
    app.focus = Pane::Certificates;
    press(&mut app, Command::Open);
    let mut taken_out = invented::desk();
    taken_out.readers[2].card = None;
    taken_out.readers[2].status = ReaderStatus::Empty;

    take_snapshot(&mut app, taken_out);

    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn escape_goes_back_one_step_and_never_further_than_the_panes() {
    let mut app = at_the_desk();
    press(&mut app, Command::Clear);
    press(&mut app, Command::Open);

    press(&mut app, Command::Back);
    assert!(matches!(
        app.screen,
        Screen::Clear(ClearStep::Choosing { .. })
    ));
    press(&mut app, Command::Back);
    let action = press(&mut app, Command::Back);

    assert_eq!(action, None);
    assert_eq!(app.screen, Screen::Panes);
}

#[test]
fn clearing_counts_first_and_wants_a_yes() {
    let mut app = at_the_desk();
    press(&mut app, Command::Clear);
    press(&mut app, Command::Move(Move::Last));

    let counted = press(&mut app, Command::Open);
    let scope = ClearScope::All {};
    let lost = Lost {
        cards: 2,
        ..Lost::default()
    };
    update(
        &mut app,
        Message::Counted {
            scope: scope.clone(),
            lost: Ok(lost),
        },
    );
    let cleared = press(&mut app, Command::Yes);

    let clear = |dry_run| {
        Some(Action::Clear(Clear {
            scope: scope.clone(),
            dry_run,
        }))
    };
    assert_eq!(counted, clear(true));
    assert_eq!(cleared, clear(false));
}

#[test]
fn a_count_for_another_scope_than_the_one_asked_for_is_not_shown() {
    let mut app = at_the_desk();
    press(&mut app, Command::Clear);
    press(&mut app, Command::Move(Move::Last));
    press(&mut app, Command::Open);

    update(
        &mut app,
        Message::Counted {
            scope: ClearScope::History { before: None },
            lost: Ok(Lost::default()),
        },
    );

    assert!(matches!(
        app.screen,
        Screen::Clear(ClearStep::Counting { .. })
    ));
}

#[test]
fn the_list_of_what_happened_follows_the_newest_until_another_is_picked() {
    let mut app = at_the_desk();
    app.focus = Pane::Happened;
    assert_eq!(app.happened_row(), 5);

    press(&mut app, Command::Move(Move::Up));
    let mut later = invented::desk();
    let mut newest = later.happened[5].clone();
    newest.id = 7;
    later.happened.push(newest);
    take_snapshot(&mut app, later);

    assert_eq!(app.happened_row(), 4);
    press(&mut app, Command::Move(Move::Last));
    assert_eq!(app.happened_row(), 6);
    assert_eq!(app.happened, None);
}

#[test]
fn while_the_daemon_is_away_the_last_picture_stays_and_its_age_is_kept() {
    let mut app = at_the_desk();
    update(&mut app, Message::Away(trouble()));
    let lost_at = app.now;

    app.now = UtcSeconds(lost_at.0 + 60);
    update(&mut app, Message::Away(trouble()));

    assert!(app.snapshot.is_some());
    assert!(matches!(app.link, Link::Away { since, .. } if since == lost_at));
}

#[test]
fn with_nothing_to_count_down_the_next_change_is_the_next_minute() {
    let app = at_the_desk();

    assert_eq!(app.next_change(), UtcSeconds(invented::NOW.0 + 51));
}

#[test]
fn the_last_minute_of_a_wait_is_counted_in_seconds() {
    for (left, next) in [(40, 1), (80, 20), (600, 51), (-5, 51)] {
        let mut app = at_the_desk();
        let mut waiting = invented::desk();
        card(&mut waiting).registrations[1].status = RegistrationStatus::Waiting {
            until: UtcSeconds(invented::NOW.0 + left),
            attempt: 2,
            cause: "connection refused".into(),
        };
        take_snapshot(&mut app, waiting);

        assert_eq!(
            app.next_change(),
            UtcSeconds(invented::NOW.0 + next),
            "{left}"
        );
    }
}

#[test]
fn scrolling_ends_where_the_text_ends() {
    let mut app = at_the_desk();
    press(&mut app, Command::Help);

    press(&mut app, Command::Move(Move::Last));
    let end = app.screen.clone();
    press(&mut app, Command::Move(Move::Down));

    assert_eq!(app.screen, end);
    assert!(matches!(end, Screen::Help(page) if page.scroll > 0));
}

#[test]
fn after_a_notice_is_accepted_what_it_goes_on_with_is_told() {
    let notice = RegistrationStatus::NeedsConsent {
        notice: Notice {
            text: "You are using a system".into(),
            sha256: "00".into(),
        },
    };
    for (pin_kept, tone, told) in [
        (true, Tone::Working, "the sign-in goes on"),
        (false, Tone::Wanted, "type the PIN (r)"),
    ] {
        let mut desk = invented::desk();
        card(&mut desk).pin_kept = pin_kept;
        card(&mut desk).registrations[1].status = notice.clone();
        let mut app = App::new(invented::NOW, TimeZone::UTC);
        take_snapshot(&mut app, desk);

        update(&mut app, Message::Accepted(Ok(())));

        let said = app.said.unwrap();
        assert!(said.text.contains(told), "{said:?}");
        assert_eq!(said.tone, tone);
    }
}

fn at_the_desk() -> App {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    take_snapshot(&mut app, invented::desk());
    app
}

fn at_the_prompt(tries_left: Option<u8>) -> App {
    let mut app = at_the_desk();
    take_snapshot(&mut app, desk_with_tries(tries_left));
    press(&mut app, Command::Register);
    assert!(matches!(app.screen, Screen::PinPrompt(_)));
    app
}

fn desk_with_tries(tries_left: Option<u8>) -> Snapshot {
    let mut desk = invented::desk();
    card(&mut desk).pin = PinStatus::Ready { tries_left };
    desk
}

fn card(snapshot: &mut Snapshot) -> &mut Card {
    snapshot.readers[2].card.as_mut().unwrap()
}

fn the_pin(even_the_last_try: bool) -> SubmitPin {
    let mut desk = invented::desk();
    SubmitPin {
        card: card(&mut desk).id.clone().unwrap(),
        visit: Visit(4),
        even_the_last_try,
    }
}

fn press(app: &mut App, command: Command) -> Option<Action> {
    update(app, Message::Command(command))
}

fn trouble() -> Trouble {
    Trouble {
        what: "cannot connect".into(),
        advice: None,
    }
}

#[test]
fn why_a_key_did_nothing_is_no_longer_said_once_the_card_is_in() {
    let mut app = App::new(invented::NOW, TimeZone::UTC);
    let mut empty = invented::desk();
    empty.readers[2].card = None;
    empty.readers[2].status = ReaderStatus::Empty;
    update(&mut app, Message::Snapshot(Box::new(empty)));
    update(&mut app, Message::Command(Command::Register));
    assert!(app.said.is_some());

    update(&mut app, Message::Snapshot(Box::new(invented::desk())));

    assert_eq!(app.said, None);
}
