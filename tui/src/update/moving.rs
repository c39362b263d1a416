//! Where the keys that move lead, in whatever has the keyboard.

use super::{Action, dialogs, eligibility, wizard};
use crate::app::{App, Chosen, ClearStep, Pane, Pick, Screen};
use crate::clearing;
use crate::keys::Move;
use crate::view;

/// How far the keys that turn a page go.
const PAGE: usize = 10;

/// Moves in whatever has the keyboard.
pub(super) fn go(app: &mut App, to: Move) -> Option<Action> {
    let room = view::scroll_room(app);
    match &mut app.screen {
        Screen::Details { scroll, .. } | Screen::Help { scroll } => {
            let at = moved(to, usize::from(*scroll), usize::from(room));
            *scroll = u16::try_from(at).unwrap_or(u16::MAX);
        }
        Screen::History(_) => return dialogs::go_in_history(app, to),
        Screen::Clear(ClearStep::Choosing { cursor }) => {
            let at = *cursor;
            let last = clearing::choices(app).len().saturating_sub(1);
            app.screen = Screen::Clear(ClearStep::Choosing {
                cursor: moved(to, at, last),
            });
        }
        Screen::Wizard(_) => wizard::scroll(app, to, room),
        Screen::Eligibility(_) => eligibility::go(app, to, room),
        Screen::Clear(_) | Screen::PinPrompt(_) => {}
        Screen::Panes => go_in_pane(app, to),
    }
    None
}

fn go_in_pane(app: &mut App, to: Move) {
    match app.focus {
        Pane::Readers | Pane::Card => {
            let row = moved(to, app.chosen_row(), app.rows().len().saturating_sub(1));
            let pick = app.rows().get(row).map(Chosen::pick);
            pick_row(app, pick);
        }
        Pane::Certificates => {
            app.certificate = moved(to, app.certificate, last_of(app.certificates()));
        }
        Pane::Registration => {
            let registrations = app.registrations();
            let row = moved(to, app.registration_row(), last_of(registrations));
            app.registration = registrations.get(row).map(|one| one.portal.clone());
        }
        Pane::Happened => {
            let last = last_of(app.happened());
            let row = moved(to, app.happened_row(), last);
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
pub(super) fn moved(to: Move, at: usize, last: usize) -> usize {
    let to = match to {
        Move::Up => at.saturating_sub(1),
        Move::Down => at + 1,
        Move::PageUp => at.saturating_sub(PAGE),
        Move::PageDown => at + PAGE,
        Move::First => 0,
        Move::Last => last,
    };
    to.min(last)
}

pub(super) fn last_of<T>(list: &[T]) -> usize {
    list.len().saturating_sub(1)
}
