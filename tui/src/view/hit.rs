//! What stands at a place on the screen, for the mouse.

use ratatui::layout::{Position, Rect};

use super::{
    areas, certificates, clear, footer, happened, header, height_of, history, layout, outlook,
    palette, pane, readers, registration,
};
use crate::app::{App, ClearStep, Pane, Screen};
use crate::keys::Command;
use crate::theme::Theme;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// A key at the bottom.
    Key(Command),
    /// A pane, and the row of its whole list.
    Pane(Pane, Option<usize>),
    /// A row of the list that is open.
    Row(usize),
}

/// What can be clicked at this place, counted from the upper left corner.
pub fn hit(app: &App, column: u16, row: u16) -> Option<Hit> {
    let whole = Rect::new(0, 0, app.size.0, app.size.1);
    let at = Position::new(column, row);
    let problems = header::problem_lines(app, whole, Theme::MONOCHROME);
    let said = footer::said_lines(app, whole, Theme::MONOCHROME);
    let [_, _, body, _, bottom] = areas(whole, height_of(&problems), height_of(&said));
    if bottom.contains(at) {
        return footer::command_at(app, bottom, column).map(Hit::Key);
    }
    if let Screen::Palette(palette) = &app.screen {
        return palette::row_at(palette, whole, at).map(Hit::Row);
    }
    if let Screen::Clear(ClearStep::Choosing { cursor }) = &app.screen {
        return clear::row_at(app, *cursor, whole, at).map(Hit::Row);
    }
    if !body.contains(at) {
        return None;
    }
    if let Screen::History(list) = &app.screen {
        return history::row_at(list, body, at).map(Hit::Row);
    }
    if let Screen::Outlook { cursor } = app.screen {
        return outlook::row_at(app, cursor, body, row).map(Hit::Row);
    }
    if app.screen != Screen::Panes || app.snapshot.is_none() {
        return None;
    }
    let mut panes = layout::arrange(body, app).into_iter();
    let (pane, area) = panes.find(|(_, area)| area.contains(at))?;
    let within = pane::within(area);
    let rows = match pane {
        Pane::Readers => readers::rows_seen(app, within),
        Pane::Card => Vec::new(),
        Pane::Certificates => certificates::rows_seen(app, within),
        Pane::Registration => registration::rows_seen(app, within),
        Pane::Happened => happened::rows_seen(app, within),
    };
    let line = row.checked_sub(within.y).map(usize::from);
    Some(Hit::Pane(
        pane,
        line.and_then(|line| rows.get(line).copied()),
    ))
}
