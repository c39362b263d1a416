//! What happened last, the newest at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, window};
use crate::app::{App, Pane};
use crate::phrase;
use crate::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Happened);
    let area = pane::draw(frame, area, "What happened", has_focus, theme);
    let entries = app.happened();
    if entries.is_empty() {
        let line = Line::styled(" Nothing yet.", theme.label());
        frame.render_widget(Paragraph::new(line), area);
        return;
    }
    let cursor = app.happened_row();
    let lines: Vec<Line<'_>> = window(entries.len(), cursor, area.height)
        .map(|at| {
            let entry = &entries[at];
            let stamp = phrase::stamp(app.now, entry.at, &app.zone);
            let line = Line::from(vec![
                Span::styled(format!(" {stamp}  "), theme.label()),
                Span::raw(fit(&entry.text, area.width.saturating_sub(12))),
                Span::raw(" "),
            ]);
            if has_focus && at == cursor {
                line.style(theme.cursor())
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}
