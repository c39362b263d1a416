//! What happened last, the newest at the bottom.

use cac_common::snapshot::HistoryEntry;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, window, wrap_at_most};
use crate::app::{App, Pane};
use crate::phrase;
use crate::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Happened);
    let area = pane::draw(frame, area, "What happened", has_focus, theme);
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
    let cursor = app.happened_row();
    let mut lines = Vec::new();
    let mut cursor_line = 0;
    for (at, entry) in entries.iter().enumerate() {
        let is_cursor = at == cursor;
        for line in rows(app, entry, area.width, theme) {
            lines.push(if has_focus && is_cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            });
        }
        if is_cursor {
            cursor_line = lines.len().saturating_sub(1);
        }
    }
    let seen = window(lines.len(), cursor_line, area.height);
    let lines: Vec<Line<'_>> = lines.drain(seen).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// The time, and the text on at most two lines.
fn rows(app: &App, entry: &HistoryEntry, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    let room = columns.saturating_sub(12);
    let stamp = phrase::stamp(app.now, entry.at, &app.zone);
    wrap_at_most(&entry.text, room, 2)
        .into_iter()
        .enumerate()
        .map(|(row, text)| {
            let left = if row == 0 { stamp.as_str() } else { "" };
            Line::from(vec![
                Span::styled(format!(" {left:8}  "), theme.label()),
                Span::raw(fit(&text, room)),
                Span::raw(" "),
            ])
        })
        .collect()
}
