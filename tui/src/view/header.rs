//! The line on top, and the problems beneath it.

use cac_common::identity::readable;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::{flow, width, wrap_at_most};
use crate::app::{App, Link};
use crate::phrase::{self, Tone};
use crate::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let right = right(app, theme);
    let right_width = right.iter().map(|span| width(&span.content)).sum::<u16>();
    let room = area.width.saturating_sub(right_width + 3);
    let left = flow(left(app, theme), room, 3);
    let left = left.into_iter().next().unwrap_or_default();
    let mut line = vec![Span::raw(" ")];
    line.extend(left.spans);
    let left_area = Rect {
        width: area.width.saturating_sub(right_width + 2),
        ..area
    };
    frame.render_widget(Paragraph::new(Line::from(line)), left_area);
    let right_area = Rect {
        x: area
            .right()
            .saturating_sub((right_width + 1).min(area.width)),
        width: right_width.min(area.width),
        ..area
    };
    frame.render_widget(Paragraph::new(Line::from(right)), right_area);
}

fn left(app: &App, theme: Theme) -> Vec<Vec<Span<'static>>> {
    let (tone, mark, state) = match (&app.link, &app.snapshot) {
        (Link::Connecting, _) => (Tone::Working, "○", "connecting".to_owned()),
        (Link::Away { since, .. }, _) => {
            let away = phrase::span(app.now.since(*since));
            let away = if app.now.since(*since).as_secs() < 60 {
                "away".to_owned()
            } else {
                format!("away for {away}")
            };
            (Tone::Bad, "○", away)
        }
        (Link::Connected, None) => (Tone::Good, "●", "running".to_owned()),
        (Link::Connected, Some(snapshot)) => {
            let running = app.now.since(snapshot.daemon.started_at);
            let running = match running.as_secs() {
                0..60 => "just started".to_owned(),
                _ => format!("running {}", phrase::span(running)),
            };
            (Tone::Good, "●", running)
        }
    };
    let mut pieces = vec![vec![
        Span::styled("cacd ", theme.strong()),
        Span::styled(format!("{mark} "), theme.tone(tone)),
        Span::styled(
            state,
            theme.tone(if tone == Tone::Good {
                Tone::Quiet
            } else {
                tone
            }),
        ),
    ]];
    if let Some(snapshot) = &app.snapshot {
        pieces.push(vec![Span::styled(
            readable(&snapshot.daemon.host),
            theme.label(),
        )]);
    }
    pieces
}

fn right(app: &App, theme: Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let waiting = u64::try_from(app.cards_waiting()).unwrap_or(u64::MAX);
    if waiting > 0 && app.link == Link::Connected {
        let text = phrase::counted(waiting, "card needs you", "cards need you");
        spans.push(Span::styled(text, theme.tone(Tone::Wanted)));
        spans.push(Span::raw("   "));
    }
    spans.push(Span::raw(phrase::clock(app.now, &app.zone)));
    spans
}

/// The problems, as many as there is room for without hiding the panes.
pub(super) fn problem_lines(app: &App, whole: Rect, theme: Theme) -> Vec<Line<'static>> {
    let most = match whole.height {
        0..10 => 0,
        10..20 => 1,
        // Without a picture there are no panes to hide.
        _ if app.snapshot.is_none() => 6,
        20..30 => 3,
        _ => 4,
    };
    let problems = app.problems();
    let mut lines = Vec::new();
    for (at, problem) in problems.iter().enumerate() {
        let room = most - lines.len();
        if room == 0 {
            break;
        }
        let hidden = problems.len() - at - 1;
        let is_last_line = room == 1;
        // Each gets its first line before any gets another.
        let rows = room.saturating_sub(hidden).max(1);
        let more = if is_last_line && hidden > 0 {
            format!("  (p: {hidden} more)")
        } else {
            String::new()
        };
        let columns = whole.width.saturating_sub(4 + width(&more));
        let wrapped = wrap_at_most(&problem.text, columns, rows);
        let count = wrapped.len();
        for (row, text) in wrapped.into_iter().enumerate() {
            let mark = if row == 0 {
                Theme::mark(problem.tone)
            } else {
                " "
            };
            let mut spans = vec![
                Span::styled(format!(" {mark} "), theme.tone(problem.tone)),
                Span::styled(text, theme.tone(problem.tone)),
            ];
            if row + 1 == count {
                spans.push(Span::styled(more.clone(), theme.label()));
            }
            lines.push(Line::from(spans));
        }
    }
    lines
}
