//! Every key in the help does what it says, in every mode that it is listed for.
//!
//! Nothing here names a key: the table is gone through, so a new line of it is
//! tried by itself, and a new mode fails until there is a screen of it.

use cacctl::keys::{Binding, EVERYWHERE, Mode, Pressed, TABLE, pressed};
use cacctl::update::Mouse;

use super::*;

#[test]
fn every_key_of_the_table_does_what_it_says() {
    let mut idle = Vec::new();
    for mode in EVERYWHERE {
        let bindings = TABLE.iter().filter(|binding| binding.modes.contains(mode));
        for binding in bindings {
            for event in binding.presses() {
                let Some(Pressed::Command(command)) = pressed(*mode, &event) else {
                    panic!("{event:?} means no command in {mode:?}");
                };
                assert_eq!(command, binding.command, "{event:?} in {mode:?}");
            }
            if !does_it(*mode, binding) && !may_do_nothing(*mode, binding.command) {
                idle.push(format!("{} in {mode:?}: {}", binding.shown, binding.help));
            }
        }
    }
    assert_eq!(idle, [""; 0], "these did nothing on any screen");
}

#[test]
fn a_hint_at_the_bottom_does_the_same_when_it_is_clicked() {
    let mut desk = app(invented::desk());
    desk.size = (120, 36);
    let footer = drawn(&desk, desk.size, MONOCHROME);
    let footer = footer.lines().last().unwrap().to_owned();
    for (hint, expected) in [("c clear", Mode::Choose), ("? help", Mode::Help)] {
        let before = footer.find(hint).unwrap();
        let column = u16::try_from(footer[..before].chars().count()).unwrap();
        let mut app = app(invented::desk());
        app.size = (120, 36);

        // The line is drawn between quotes.
        click(&mut app, column - 1, 35);

        assert_eq!(app.mode(), expected, "{hint}");
    }
}

#[test]
fn a_click_beside_a_dialog_does_nothing() {
    for command in [Command::Palette, Command::Clear] {
        let mut app = app(invented::desk());
        app.size = (120, 36);
        press(&mut app, &[command]);
        let before = app.screen.clone();

        for row in 0..35 {
            click(&mut app, 1, row);
        }

        assert_eq!(app.screen, before, "{command:?}");
    }
}

/// What is found by letters, and a notice.
pub(super) fn every_app() -> Vec<App> {
    let mut notice = app(registering::with_notice());
    press(&mut notice, &[Command::Register]);
    let mut palette = app(invented::desk());
    press(&mut palette, &[Command::Palette]);
    letters(&mut palette, "re");
    let mut searched = history();
    press(&mut searched, &[Command::Filter]);
    letters(&mut searched, "card");
    let mut stated = app(invented::desk());
    press(
        &mut stated,
        &[Command::Checklist, Command::Move(Move::Last)],
    );
    let mut small = app(invented::desk());
    update(&mut small, Message::Resized(40, 8));
    press(&mut small, &[Command::Checklist, Command::Open]);
    let mut apps = vec![notice, palette, searched, stated, small];
    for (pane, text) in [
        (Pane::Readers, "a"),
        (Pane::Certificates, "9"),
        (Pane::Registration, "o"),
        (Pane::Happened, "nothing has this"),
    ] {
        let mut app = app(invented::desk());
        app.focus = pane;
        press(&mut app, &[Command::Filter]);
        letters(&mut app, text);
        apps.push(app);
    }
    apps
}

fn letters(app: &mut App, text: &str) {
    for letter in text.chars() {
        update(app, Message::Stroke(Stroke::Letter(letter)));
    }
}

/// On some screen of this mode something happens that fits what it says.
fn does_it(mode: Mode, binding: &Binding) -> bool {
    let mut of_this_mode = super::every_app()
        .into_iter()
        .filter(|app| app.mode() == mode)
        .collect::<Vec<_>>();
    assert!(!of_this_mode.is_empty(), "there is no screen of {mode:?}");
    let before: Vec<String> = of_this_mode.iter().map(picture).collect();
    let mut did = false;
    for (app, before) in of_this_mode.iter_mut().zip(before) {
        // From the far end there is somewhere to go.
        if let Command::Move(Move::Up | Move::PageUp | Move::First) = binding.command {
            update(app, Message::Command(Command::Move(Move::Last)));
        }
        let start = if matches!(binding.command, Command::Move(_)) {
            picture(app)
        } else {
            before
        };
        let (focus, shows_dod_id) = (app.focus, app.shows_dod_id);
        let action = update(app, Message::Command(binding.command));
        let fits = match binding.command {
            Command::Quit => action == Some(Action::Quit),
            Command::Redraw => action == Some(Action::Redraw),
            Command::Suspend => action == Some(Action::Suspend),
            Command::Mouse => matches!(action, Some(Action::TakeMouse(_))),
            Command::Help => mode == Mode::Help || matches!(app.screen, Screen::Help(_)),
            Command::Palette => matches!(app.screen, Screen::Palette(_)),
            Command::Outlook => matches!(app.screen, Screen::Outlook { .. }),
            Command::Checklist => matches!(app.screen, Screen::Checklist(_)),
            Command::TestPortal => matches!(app.screen, Screen::PortalTest(_)),
            Command::Wizard => matches!(app.screen, Screen::Wizard(_)),
            Command::Eligibility => matches!(app.screen, Screen::Eligibility(_)),
            Command::Clear => matches!(app.screen, Screen::Clear(_)),
            Command::History => matches!(app.screen, Screen::History(_)) && action.is_some(),
            Command::Filter => app.mode() == Mode::Filter,
            Command::ShowDodId => app.shows_dod_id != shows_dod_id,
            Command::NextPane if mode == Mode::Panes => app.focus == focus.next(),
            Command::PreviousPane if mode == Mode::Panes => app.focus == focus.previous(),
            Command::Register => {
                matches!(app.screen, Screen::PinPrompt(_) | Screen::Details { .. })
                    || matches!(action, Some(Action::Register(_)))
            }
            Command::Move(_)
            | Command::NextPane
            | Command::PreviousPane
            | Command::Open
            | Command::Back
            | Command::Problems
            | Command::Yes
            | Command::No
            | Command::StepBack
            | Command::Stop
            | Command::Kept
            | Command::Save
            | Command::Print
            | Command::CheckAnew
            | Command::Tick
            | Command::Activity => action.is_some() || picture(app) != start,
        };
        did |= fits;
    }
    did
}

/// There is nothing behind the panes to go back to.
fn may_do_nothing(mode: Mode, command: Command) -> bool {
    mode == Mode::Panes && command == Command::Back
}

/// With the cursor, which stands in the style alone.
fn picture(app: &App) -> String {
    format!("{}\n{:?}", drawn(app, app.size, MONOCHROME), app.screen)
}

fn click(app: &mut App, column: u16, row: u16) {
    let did = cacctl::update::MouseDid::Click;
    update(app, Message::Mouse(Mouse { column, row, did }));
}

#[test]
fn every_action_is_found_by_a_few_letters() {
    let mut app = app(invented::desk());
    press(&mut app, &[Command::Palette]);
    letters(&mut app, "hist");

    look_at("palette", &app);

    press(&mut app, &[Command::Open]);
    assert_eq!(app.mode(), Mode::History);
}

#[test]
fn what_cannot_be_done_is_dimmed_and_says_why() {
    let mut app = app(invented::nothing_plugged_in());
    press(&mut app, &[Command::Palette]);
    letters(&mut app, "register");

    look_at("palette_not_now", &app);

    press(&mut app, &[Command::Open]);
    assert_eq!(app.screen, Screen::Panes);
    assert_eq!(app.said.unwrap().text, "No reader is plugged in.");
}

#[test]
fn a_list_that_is_searched_shows_what_has_the_words() {
    let mut desk = app(invented::desk());
    desk.focus = Pane::Registration;
    press(&mut desk, &[Command::Filter]);
    letters(&mut desk, "REC not");

    look_at("filter", &desk);

    assert_eq!(desk.shown(Pane::Registration), [2]);
    assert_eq!(desk.registration_row(), 2);
    press(&mut desk, &[Command::Open, Command::Move(Move::Up)]);
    assert_eq!(desk.registration_row(), 2, "no other row is shown");
    press(&mut desk, &[Command::Back]);
    assert_eq!(desk.shown(Pane::Registration), [0, 1, 2]);
}

#[test]
fn a_list_without_the_words_says_so() {
    let mut desk = app(invented::desk());
    desk.focus = Pane::Readers;
    press(&mut desk, &[Command::Filter]);
    letters(&mut desk, "no reader is called this");

    look_at("filter_nothing", &desk);
}

#[test]
fn a_click_takes_a_row_and_a_second_opens_it() {
    let mut desk = app(invented::desk());
    desk.size = (120, 36);
    let lines: Vec<String> = picture_of(&desk).lines().map(str::to_owned).collect();
    let row = lines
        .iter()
        .position(|line| line.contains("Broadcom"))
        .unwrap();
    let row = u16::try_from(row).unwrap();

    click(&mut desk, 10, row);
    assert_eq!((desk.focus, desk.chosen_row()), (Pane::Readers, 1));
    assert_eq!(desk.screen, Screen::Panes);
    click(&mut desk, 10, row);

    assert_eq!(desk.mode(), Mode::Details);
}

#[test]
fn the_wheel_moves_the_list_under_it() {
    let mut desk = app(invented::desk());
    desk.size = (120, 36);
    let did = cacctl::update::MouseDid::WheelUp;

    update(
        &mut desk,
        Message::Mouse(Mouse {
            column: 80,
            row: 30,
            did,
        }),
    );

    assert_eq!(desk.happened_row(), 2);
    assert_eq!(
        desk.focus,
        Pane::Registration,
        "the keys stay where they were"
    );
}

#[test]
fn a_notice_beneath_the_help_is_not_another_persons_afterwards() {
    let both = two_notices();
    let mut app = app(both.clone());
    app.focus = Pane::Readers;
    press(
        &mut app,
        &[
            Command::Move(Move::Last),
            Command::Move(Move::Up),
            Command::Register,
        ],
    );
    assert_eq!(app.mode(), Mode::Notice);
    let picked = app.chosen().map(|chosen| chosen.pick());
    assert_eq!(
        picked,
        Some(cacctl::app::Pick::Reader(both.readers[1].name.clone()))
    );
    press(&mut app, &[Command::Help]);
    let mut other = both;
    other.readers.pop();

    update(&mut app, Message::Snapshot(Box::new(other)));
    press(&mut app, &[Command::Back]);

    assert_eq!(app.screen, Screen::Panes);
    assert!(app.card().is_some(), "the other card is there");
}

/// Two people at whom the same portal shows its notice; the last is shown first.
fn two_notices() -> Snapshot {
    let mut desk = registering::with_notice();
    let Some(jane) = desk.readers.pop() else {
        return desk;
    };
    let mut roe = jane.clone();
    roe.name.0 = "Another 03 00".into();
    if let Some(card) = &mut roe.card {
        card.visit.0 += 1;
        card.id = None;
        card.pin_kept = true;
    }
    desk.readers.clear();
    desk.readers.extend([roe, jane]);
    desk
}

#[test]
fn a_filter_moves_nothing_under_details_that_are_open() {
    let mut desk = app(registering::with_notice());
    desk.focus = Pane::Readers;
    press(&mut desk, &[Command::Filter]);
    letters(&mut desk, "doe");
    press(&mut desk, &[Command::Open, Command::Register]);
    let picked = desk.picked.clone();
    let mut changed = registering::with_notice();
    card(&mut changed).holder = None;

    update(&mut desk, Message::Snapshot(Box::new(changed)));

    assert_eq!(desk.picked, picked);
}

fn picture_of(app: &App) -> String {
    drawn(app, app.size, MONOCHROME)
}
