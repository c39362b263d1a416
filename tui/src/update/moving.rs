//! Where the keys that move lead, in whatever has the keyboard.

use super::{Action, checklist, eligibility, help, history, palette, portal_test, wizard};
use crate::app::{App, Chosen, ClearStep, Pane, Pick, Screen};
use crate::clearing;
use crate::keys::Move;
use crate::outlook::Outlook;
use crate::view;

/// How far the keys that turn a page go.
const PAGE: usize = 10;

/// Moves in whatever has the keyboard.
pub(super) fn go(app: &mut App, to: Move) -> Option<Action> {
    let room = view::scroll_room(app);
    match &mut app.screen {
        Screen::Help(_) => help::scroll(app, to),
        Screen::Details { scroll, .. } => {
            let at = moved(to, usize::from(*scroll), usize::from(room));
            *scroll = u16::try_from(at).unwrap_or(u16::MAX);
        }
        Screen::History(_) => return history::go(app, to),
        Screen::Clear(ClearStep::Choosing { cursor }) => {
            let at = *cursor;
            let last = clearing::choices(app).len().saturating_sub(1);
            app.screen = Screen::Clear(ClearStep::Choosing {
                cursor: moved(to, at, last),
            });
        }
        Screen::Outlook { cursor } => {
            let at = *cursor;
            let last = last_of(&Outlook::of(app).endings);
            app.screen = Screen::Outlook {
                cursor: moved(to, at, last),
            };
        }
        Screen::Wizard(_) => wizard::scroll(app, to, room),
        Screen::Eligibility(_) => eligibility::go(app, to, room),
        Screen::PortalTest(_) => portal_test::scroll(app, to, room),
        Screen::Checklist(_) => checklist::go(app, to, room),
        Screen::Clear(_) | Screen::PinPrompt(_) => {}
        Screen::Palette(_) => palette::go(app, to),
        Screen::Panes => go_in_pane(app, app.focus, to),
    }
    None
}

/// Moves among the rows of a pane that are shown.
pub(super) fn go_in_pane(app: &mut App, pane: Pane, to: Move) {
    let shown = app.shown(if pane == Pane::Card {
        Pane::Readers
    } else {
        pane
    });
    let at = shown.iter().position(|row| *row == app.cursor(pane));
    let Some(last) = shown.len().checked_sub(1) else {
        return;
    };
    // From a row that is not shown it goes to the first that is.
    let Some(row) = shown.get(at.map_or(0, |at| moved(to, at, last))) else {
        return;
    };
    put_cursor(app, pane, *row);
}

/// Puts the cursor of a pane on a row of its whole list.
pub(super) fn put_cursor(app: &mut App, pane: Pane, row: usize) {
    match pane {
        Pane::Readers | Pane::Card => {
            let pick = app.rows().get(row).map(Chosen::pick);
            pick_row(app, pick);
        }
        Pane::Certificates => app.certificate = row,
        Pane::Registration => {
            let registration = app.registrations().get(row);
            app.registration = registration.map(|one| one.portal.clone());
        }
        Pane::Happened => {
            // On the newest the list follows what happens next.
            let last = last_of(app.happened());
            let entry = app.happened().get(row).filter(|_| row < last);
            app.happened = entry.map(|entry| entry.id);
        }
    }
}

pub(super) fn pick_row(app: &mut App, pick: Option<Pick>) {
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
