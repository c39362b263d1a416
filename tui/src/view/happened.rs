//! What happened last, the newest at the bottom.

use cac_common::snapshot::HistoryEntry;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, width, window, wrap_at_most};
use crate::app::{App, Pane};
use crate::happening;
use crate::phrase::times;
use crate::theme::Theme;

/// The most columns that how long ago takes: `412 days ago`.
const LONGEST_AGO: u16 = 12;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Happened);
    let title = pane::title(app, Pane::Happened, "What happened", &[], area.width);
    let area = pane::draw(frame, area, &title, has_focus, theme);
    let entries = app.happened();
    if entries.is_empty() {
        let text = if app.may_act() {
            " Nothing yet."
        } else {
            " You may not see it."
        };
        let line = Line::styled(text, theme.label());
        frame.render_widget(Paragraph::new(line), area);
        return;
    }
    if let Some(text) = pane::nothing_found(app, Pane::Happened) {
        frame.render_widget(Line::styled(text, theme.label()), area);
        return;
    }
    let cursor = app.happened_row();
    let lines: Vec<Line<'_>> = lines_seen(app, area, theme)
        .into_iter()
        .map(|(at, line)| {
            if has_focus && at == cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
    if has_focus && let Some(entry) = entries.get(cursor) {
        let at = times::to_the_second(entry.at, &app.zone);
        pane::moment(frame, area, "at", &at, theme);
    }
}

/// The row of the list on each line of the inside of the pane.
pub(super) fn rows_seen(app: &App, within: Rect) -> Vec<usize> {
    let lines = lines_seen(app, within, Theme::MONOCHROME);
    lines.into_iter().map(|(at, _)| at).collect()
}

fn lines_seen(app: &App, within: Rect, theme: Theme) -> Vec<(usize, Line<'static>)> {
    let entries = app.happened();
    let ago = |entry: &HistoryEntry| width(&times::relative(app.now, entry.at));
    let left = entries.iter().map(ago).max().unwrap_or(0).min(LONGEST_AGO);
    let mut lines = Vec::new();
    let mut cursor_line = 0;
    for at in app.shown(Pane::Happened) {
        let of_this = rows(app, &entries[at], left, within, theme);
        if at == app.happened_row() {
            cursor_line = lines.len() + of_this.len().saturating_sub(1);
        }
        lines.extend(of_this.into_iter().map(|line| (at, line)));
    }
    let seen = window(lines.len(), cursor_line, within.height);
    lines.drain(seen).collect()
}

/// How long ago, and the text on at most two lines.
fn rows(
    app: &App,
    entry: &HistoryEntry,
    left: u16,
    within: Rect,
    theme: Theme,
) -> Vec<Line<'static>> {
    let room = within.width.saturating_sub(left + 4);
    let ago = times::relative(app.now, entry.at);
    let told = happening::told(entry, app.snapshot.as_ref());
    wrap_at_most(&told, room, usize::from(within.height.clamp(1, 2)))
        .into_iter()
        .enumerate()
        .map(|(row, text)| {
            let ago = if row == 0 { ago.as_str() } else { "" };
            Line::from(vec![
                Span::styled(format!(" {}  ", fit(ago, left)), theme.label()),
                Span::raw(fit(&text, room)),
                Span::raw(" "),
            ])
        })
        .collect()
}
