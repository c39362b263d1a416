//! Registering by hand, and who may register.

use cac_common::eligibility::{Category, Known, Standing};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{PinStatus, Snapshot};
use cac_common::wizard::{Ask, AskKind, Confirmation, Wizard, WizardState};
use cacctl::app::Screen;
use cacctl::keys::Command;

use super::*;

#[test]
fn a_portal_waits_for_the_wizard() {
    look_at("wizard_wanted", &app(desk(None)));
}

#[test]
fn the_wizard_says_what_it_would_do() {
    look_at("wizard_offered", &offered());
    let mut loading = app(desk(None));
    press(&mut loading, &[Command::Wizard]);
    look_at("wizard_offered_early", &loading);
}

#[test]
fn the_wizard_asks_for_a_name_and_a_password() {
    look_at("wizard_name", &asking_name());
    look_at("wizard_password", &asking_password());
}

#[test]
fn the_wizard_asks_for_the_pin_and_warns_before_the_last_try() {
    look_at("wizard_pin", &asking_pin(Some(3)));
    look_at("wizard_last_try", &insisting());
}

#[test]
fn the_wizard_says_what_it_waits_for() {
    look_at("wizard_working", &following(WizardState::Working));
    look_at("wizard_telling", &following(WizardState::Telling));
    look_at("wizard_stopped", &stopped());
    look_at("wizard_stopped_halfway", &stopped_halfway());
}

#[test]
fn the_wizard_asks_before_it_stops() {
    let mut app = asking_name();
    press(&mut app, &[Command::Stop]);

    look_at("wizard_stopping", &app);
}

#[test]
fn while_the_dialog_is_closed_the_panes_tell_where_the_wizard_is() {
    let mut app = following(WizardState::Telling);
    press(&mut app, &[Command::Back]);
    look_at("wizard_left", &app);
    press(&mut app, &[Command::Open]);

    look_at("wizard_left_details", &app);
}

#[test]
fn the_confirmation_is_shown_and_saved() {
    let mut app = shown(invented::confirmation());
    look_at("wizard_shown", &app);
    press(&mut app, &[Command::Save]);
    look_at("wizard_saving", &app);
    let path = "/home/jane/cac-travel-confirmation.txt".into();
    update(&mut app, Message::Saved(Ok(path)));
    look_at("wizard_saved", &app);
    let trouble = Trouble {
        what: "There is no lp on this machine: entity not found".into(),
        advice: Some("It is kept."),
    };
    update(&mut app, Message::Printed(Err(trouble)));

    look_at("wizard_not_printed", &app);
}

#[test]
fn a_long_confirmation_scrolls() {
    let mut app = shown(long_confirmation());
    press(&mut app, &[Command::Move(Move::PageDown)]);

    look_at("wizard_shown_long", &app);
}

#[test]
fn with_nothing_plugged_in_it_is_said_why_there_is_no_wizard() {
    let mut app = app(invented::nothing_plugged_in());
    press(&mut app, &[Command::Wizard]);

    look_at("wizard_nothing_plugged_in", &app);
}

#[test]
fn eligibility_is_asked_and_told() {
    let mut app = eligibility(invented::desk());
    look_at("eligibility_category", &app);
    press(
        &mut app,
        &[
            Command::Move(Move::Down),
            Command::Move(Move::Down),
            Command::Open,
        ],
    );
    look_at("eligibility_question", &app);
    press(&mut app, &[Command::No]);
    look_at("eligibility_component", &app);
    press(&mut app, &[Command::Move(Move::Last), Command::Open]);
    look_at("eligibility_sponsor", &app);
    press(&mut app, &[Command::Save]);

    look_at("eligibility_letter", &app);
}

#[test]
fn eligibility_is_told_by_the_card_where_it_can_be() {
    look_at("eligibility_civilian", &eligibility(civilian()));
}

#[test]
fn without_a_card_the_portal_is_chosen_first() {
    let mut desk = invented::desk();
    desk.readers.clear();
    desk.known.clear();
    let mut app = app(desk);
    press(&mut app, &[Command::Eligibility, Command::Move(Move::Down)]);
    look_at("eligibility_portals", &app);
    press(&mut app, &[Command::Move(Move::Up), Command::Open]);
    look_at("eligibility_loading", &app);
    update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Ok(Box::new(invented::ako())),
        },
    );

    look_at("eligibility_nobody", &app);
}

#[test]
fn what_is_long_leaves_room_for_the_answer() {
    look_at("wizard_long", &long());
    let mut app = long();
    if let Screen::Wizard(dialog) = &app.screen {
        assert_eq!(dialog.portal, "ako");
    }
    let narrow = (44, 20);
    update(&mut app, Message::Resized(narrow.0, narrow.1));
    insta::assert_snapshot!("wizard_long_narrow", drawn(&app, narrow, MONOCHROME));
    let mut sponsor = sponsored();
    update(&mut sponsor, Message::Resized(narrow.0, narrow.1));
    insta::assert_snapshot!(
        "eligibility_sponsor_narrow",
        drawn(&sponsor, narrow, MONOCHROME)
    );
}

/// One of each, the last with everything long.
pub(super) fn every_app() -> Vec<App> {
    let mut stopping = asking_name();
    press(&mut stopping, &[Command::Stop]);
    let mut sent = asking_password();
    press(&mut sent, &[Command::Open]);
    let mut letter = sponsored();
    press(&mut letter, &[Command::Save]);
    vec![
        offered(),
        asking_name(),
        asking_password(),
        sent,
        asking_pin(Some(3)),
        insisting(),
        following(WizardState::Working),
        following(WizardState::Telling),
        stopped(),
        stopped_halfway(),
        stopping,
        ended(),
        naming_a_file(),
        shown(invented::confirmation()),
        shown(long_confirmation()),
        eligibility(invented::desk()),
        eligibility(civilian()),
        asked_yes_or_no(),
        sponsored(),
        letter,
        long(),
    ]
}

fn desk(wizard: Option<Wizard>) -> Snapshot {
    let mut desk = invented::desk();
    let card = card(&mut desk);
    card.registrations[0].status = RegistrationStatus::NeedsWizard;
    card.registrations.swap(0, 1);
    card.registrations.remove(0);
    card.wizard = wizard;
    desk
}

fn offered() -> App {
    let mut app = app(desk(None));
    press(&mut app, &[Command::Wizard]);
    update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Ok(Box::new(invented::ako())),
        },
    );
    app
}

fn following(state: WizardState) -> App {
    opened_with(invented::wizard("ako", state))
}

fn opened_with(wizard: Wizard) -> App {
    let mut app = app(desk(Some(wizard)));
    press(&mut app, &[Command::Wizard]);
    app
}

fn ask(label: &str, kind: AskKind, is_answered: bool) -> Ask {
    Ask {
        label: label.into(),
        kind,
        is_answered,
    }
}

fn asking(is_answered: bool) -> WizardState {
    WizardState::Asking {
        asks: vec![
            ask("User name", AskKind::Text, is_answered),
            ask("Password", AskKind::Password, false),
        ],
    }
}

fn asking_name() -> App {
    let mut app = following(asking(false));
    for letter in "jane.q".chars() {
        update(&mut app, Message::Stroke(Stroke::Letter(letter)));
    }
    app
}

fn asking_password() -> App {
    let mut app = opened_with(Wizard {
        problem: Some("The portal does not take this password.".into()),
        caution: Some(
            "After 3 wrong passwords the portal locks the account for 15 minutes.".into(),
        ),
        ..invented::wizard("ako", asking(true))
    });
    update(&mut app, Message::Stroke(Stroke::Secret(9)));
    app
}

fn asking_pin(tries_left: Option<u8>) -> App {
    let state = WizardState::Asking {
        asks: vec![ask("PIN", AskKind::Pin, false)],
    };
    let mut desk = desk(Some(invented::wizard("ako", state)));
    card(&mut desk).pin = PinStatus::Ready { tries_left };
    let mut app = app(desk);
    press(&mut app, &[Command::Wizard]);
    update(&mut app, Message::Stroke(Stroke::Secret(6)));
    app
}

fn insisting() -> App {
    let mut app = asking_pin(Some(1));
    press(&mut app, &[Command::Open]);
    update(&mut app, Message::Stroke(Stroke::Letter('y')));
    app
}

fn stopped() -> App {
    opened_with(stopped_wizard())
}

fn stopped_halfway() -> App {
    opened_with(Wizard {
        problem: Some("Whether the portal took what was sent is not known.".into()),
        ..stopped_wizard()
    })
}

fn stopped_wizard() -> Wizard {
    let cause = cac_common::cause::Cause::new(
        cac_common::cause::Kind::OtherPage,
        "the portal showed \u{201c}Scheduled Maintenance\u{201d}",
    );
    invented::wizard("ako", WizardState::Stopped { cause })
}

fn shown(confirmation: Confirmation) -> App {
    let mut app = following(WizardState::Done {
        is_registered: true,
        has_confirmation: true,
    });
    update(&mut app, Message::Kept(Ok(Some(Box::new(confirmation)))));
    app
}

fn ended() -> App {
    following(WizardState::Done {
        is_registered: true,
        has_confirmation: false,
    })
}

fn naming_a_file() -> App {
    let mut app = shown(invented::confirmation());
    press(&mut app, &[Command::Save]);
    app
}

fn long_confirmation() -> Confirmation {
    let line = |at: u32| format!("{at}. \u{65e5}\u{672c} 1234567890 {}", "word ".repeat(30));
    let lines: Vec<String> = (1..40).map(line).collect();
    Confirmation {
        text: lines.join("\n"),
        ..invented::confirmation()
    }
}

fn eligibility(snapshot: Snapshot) -> App {
    let mut app = app(snapshot);
    press(
        &mut app,
        &[Command::Move(Move::First), Command::Eligibility],
    );
    update(
        &mut app,
        Message::Profile {
            of: "ako".into(),
            profile: Ok(Box::new(invented::ako())),
        },
    );
    app
}

fn asked_yes_or_no() -> App {
    let mut app = eligibility(invented::desk());
    press(
        &mut app,
        &[
            Command::Move(Move::Down),
            Command::Move(Move::Down),
            Command::Open,
        ],
    );
    app
}

fn sponsored() -> App {
    let mut app = eligibility(invented::desk());
    press(
        &mut app,
        &[
            Command::Move(Move::Down),
            Command::Move(Move::Down),
            Command::Open,
            Command::No,
        ],
    );
    press(&mut app, &[Command::Move(Move::Last), Command::Open]);
    app
}

fn civilian() -> Snapshot {
    let mut desk = invented::desk();
    if let Some(holder) = &mut card(&mut desk).holder {
        holder.standing = Standing {
            category: Some(Known::good(Category::Civilian, "FASC-N")),
            component: Some(Known::hint("Navy".into(), "mail address")),
        };
    }
    desk
}

fn long() -> App {
    let words = "\u{65e5}\u{672c}\u{8a9e} e\u{301} \u{202e}\u{1b}[2J ".repeat(40);
    let state = WizardState::Asking {
        asks: vec![ask(&words, AskKind::Text, false); 12],
    };
    let mut snapshot = extreme();
    card(&mut snapshot).wizard = Some(Wizard {
        steps: vec![words.clone(); 40],
        at: 30,
        problem: Some(words.clone()),
        caution: Some(words.clone()),
        ..invented::wizard("ako", state)
    });
    let mut app = app(snapshot);
    press(&mut app, &[Command::Wizard]);
    assert!(matches!(app.screen, Screen::Wizard(_)));
    for letter in words.chars() {
        update(&mut app, Message::Stroke(Stroke::Letter(letter)));
    }
    app
}
