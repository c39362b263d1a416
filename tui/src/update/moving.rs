//! Where the keys that move lead, in whatever has the keyboard.

use super::{Action, dialogs, eligibility, wizard};
use crate::app::{App, Chosen, ClearStep, Pane, Pick, Screen};
use crate::clearing;
use crate::keys::Command;
use crate::view;

/// How far the keys that turn a page go.
const PAGE: usize = 10;

/// Moves in whatever has the keyboard.
pub(super) fn go(app: &mut App, command: Command) -> Option<Action> {
    let room = view::scroll_room(app);
    match &mut app.screen {
        Screen::Details { scroll, .. } | Screen::Help { scroll } => {
            let at = moved(command, usize::from(*scroll), usize::from(room));
            *scroll = u16::try_from(at).unwrap_or(u16::MAX);
        }
        Screen::History(_) => return dialogs::go_in_history(app, command),
        Screen::Clear(ClearStep::Choosing { cursor }) => {
            let at = *cursor;
            let last = clearing::choices(app).len().saturating_sub(1);
            app.screen = Screen::Clear(ClearStep::Choosing {
                cursor: moved(command, at, last),
            });
        }
        Screen::Wizard(_) => wizard::scroll(app, command, room),
        Screen::Eligibility(_) => eligibility::go(app, command, room),
        Screen::Clear(_) | Screen::PinPrompt(_) => {}
        Screen::Panes => go_in_pane(app, command),
    }
    None
}

fn go_in_pane(app: &mut App, command: Command) {
    match app.focus {
        Pane::Readers | Pane::Card => {
            let row = moved(
                command,
                app.chosen_row(),
                app.rows().len().saturating_sub(1),
            );
            let pick = app.rows().get(row).map(Chosen::pick);
            pick_row(app, pick);
        }
        Pane::Certificates => {
            app.certificate = moved(command, app.certificate, last_of(app.certificates()));
        }
        Pane::Registration => {
            let registrations = app.registrations();
            let row = moved(command, app.registration_row(), last_of(registrations));
            app.registration = registrations.get(row).map(|one| one.portal.clone());
        }
        Pane::Happened => {
            let last = last_of(app.happened());
            let row = moved(command, app.happened_row(), last);
            // On the newest the list follows what happens next.
            app.happened = app
                .happened()
                .get(row)
                .map(|entry| entry.id)
                .filter(|_| row < last);
        }
    }
}

fn pick_row(app: &mut App, pick: Option<Pick>) {
    if pick != app.picked {
        app.certificate = 0;
        app.registration = None;
    }
    app.picked = pick;
}

/// Where a cursor comes to that may stand at 0 to `last`.
pub(super) fn moved(command: Command, at: usize, last: usize) -> usize {
    let to = match command {
        Command::Up => at.saturating_sub(1),
        Command::Down => at + 1,
        Command::PageUp => at.saturating_sub(PAGE),
        Command::PageDown => at + PAGE,
        Command::First => 0,
        Command::Last => last,
        Command::NextPane
        | Command::PreviousPane
        | Command::Open
        | Command::Back
        | Command::Register
        | Command::Clear
        | Command::History
        | Command::Problems
        | Command::ShowDodId
        | Command::Help
        | Command::Yes
        | Command::No
        | Command::Wizard
        | Command::Eligibility
        | Command::StepBack
        | Command::Stop
        | Command::Kept
        | Command::Save
        | Command::Print
        | Command::Quit
        | Command::Redraw
        | Command::Suspend => at,
    };
    to.min(last)
}

pub(super) fn last_of<T>(list: &[T]) -> usize {
    list.len().saturating_sub(1)
}
