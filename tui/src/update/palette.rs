//! What the keys do in the palette, and while a list is searched.

use super::moving::{go_in_pane, moved, pick_row};
use super::{Action, Stroke, edit, obey, open, say};
use crate::app::{App, Does, Filter, Palette, Pane, Screen, Subject};
use crate::keys::Move;
use crate::phrase::Tone;

pub(super) fn show(app: &mut App) {
    let palette = Palette::of(app);
    app.lay_on_top(Screen::Palette(palette));
}

pub(super) fn typed(app: &mut App, stroke: Stroke) {
    if let Screen::Palette(palette) = &mut app.screen {
        edit(&mut palette.typed, stroke);
        palette.cursor = 0;
    } else if app.types_filter() {
        if let Some(filter) = &mut app.filter {
            edit(&mut filter.text, stroke);
        }
        stay_among_the_found(app);
    }
}

pub(super) fn go(app: &mut App, to: Move) {
    if let Screen::Palette(palette) = &mut app.screen {
        let last = palette.found().len().saturating_sub(1);
        palette.cursor = moved(to, palette.cursor, last);
    }
}

/// Does what is under the cursor, where the palette was opened.
pub(super) fn choose(app: &mut App) -> Option<Action> {
    let Screen::Palette(palette) = &app.screen else {
        return None;
    };
    let does = palette.chosen()?.does.clone();
    app.take_off_top();
    super::settle(app);
    match does {
        Does::Command(command) => return obey(app, command),
        Does::Portal(pick, portal) => {
            pick_row(app, pick);
            super::settle(app);
            if app.registrations().iter().any(|one| one.portal == portal) {
                open(app, Subject::Registration(portal));
            } else {
                say(app, Tone::Wanted, "That registration is no longer there.");
            }
        }
        Does::Row(pick) => {
            app.screen = Screen::Panes;
            pick_row(app, Some(pick));
            super::settle(app);
        }
    }
    None
}

/// Searches the list that has the keys; what is looked for there already can be changed.
pub(super) fn search(app: &mut App) {
    // The card is the one that is chosen among the readers.
    let pane = match app.focus {
        Pane::Card => Pane::Readers,
        pane @ (Pane::Readers | Pane::Certificates | Pane::Registration | Pane::Happened) => pane,
    };
    let text = app.filter_of(pane).map(|filter| filter.text.clone());
    app.filter = Some(Filter {
        pane,
        text: text.unwrap_or_default(),
        is_typed: true,
    });
}

/// What was typed holds from now on, unless it is nothing.
pub(super) fn keep_filter(app: &mut App) {
    if let Some(filter) = &mut app.filter {
        filter.is_typed = false;
    }
    if app
        .filter
        .as_ref()
        .is_some_and(|it| it.text.trim().is_empty())
    {
        app.filter = None;
    }
}

/// The cursor stands on a row that is shown, if there is one.
pub(super) fn stay_among_the_found(app: &mut App) {
    let Some(pane) = app.filter.as_ref().map(|filter| filter.pane) else {
        return;
    };
    if !app.shown(pane).contains(&app.cursor(pane)) {
        go_in_pane(app, pane, Move::First);
    }
}
