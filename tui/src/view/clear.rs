//! Clearing: what to forget, and what would be lost.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, window, wrap};
use crate::app::{App, ClearStep};
use crate::clearing;
use crate::phrase::{self, Tone};
use crate::theme::Theme;
use cac_common::identity::readable;
use cac_common::interface::{ClearScope, Lost};

const COLUMNS: u16 = 66;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, step: &ClearStep, theme: Theme) {
    let room = COLUMNS.min(frame.area().width).saturating_sub(4);
    match step {
        ClearStep::Choosing { cursor } => choosing(frame, app, *cursor, theme),
        ClearStep::Counting { scope } => {
            let text = format!(
                "Counting what would be lost with {}.",
                scope_in_words(app, scope)
            );
            told(frame, wrapped(&text, room, Tone::Working, theme), theme);
        }
        ClearStep::Clearing { scope } => {
            let text = format!("Clearing {}.", scope_in_words(app, scope));
            told(frame, wrapped(&text, room, Tone::Working, theme), theme);
        }
        ClearStep::Preview { scope, lost } => {
            let mut lines = wrapped(
                &format!("Clearing {} forgets:", scope_in_words(app, scope)),
                room,
                Tone::Quiet,
                theme,
            );
            lines.push(Line::default());
            lines.extend(wrapped(&phrase::lost(lost), room, Tone::Wanted, theme));
            lines.push(Line::default());
            if *lost == Lost::default() {
                lines.push(keys("Esc", " goes back", theme));
            } else {
                lines.extend(wrapped(
                    "It is gone for good; portals keep what they know.",
                    room,
                    Tone::Quiet,
                    theme,
                ));
                let comes_back = (app.snapshot.as_ref())
                    .map(|snapshot| clearing::comes_back(snapshot, scope))
                    .unwrap_or_default();
                for text in comes_back {
                    lines.extend(wrapped(&text, room, Tone::Wanted, theme));
                }
                lines.push(Line::default());
                lines.push(keys("y", " clears it", theme));
            }
            told(frame, lines, theme);
        }
    }
}

fn choosing(frame: &mut Frame<'_>, app: &App, cursor: usize, theme: Theme) {
    let choices = clearing::choices(app);
    let size = size(choices.len());
    let within = pane::dialog(frame, "Clear what is kept", size, theme);
    let lines: Vec<Line<'_>> = window(choices.len(), cursor, within.height)
        .map(|at| {
            let is_cursor = at == cursor;
            let pointer = if is_cursor { "▶" } else { " " };
            let text = fit(&choices[at].0, within.width.saturating_sub(2));
            let line = Line::from(format!("{pointer} {text}"));
            if is_cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), within);
}

fn size(choices: usize) -> (u16, u16) {
    let height = u16::try_from(choices).unwrap_or(u16::MAX);
    (COLUMNS, height.saturating_add(2))
}

/// The row of the choices at this place on the screen.
pub(super) fn row_at(app: &App, cursor: usize, whole: Rect, at: Position) -> Option<usize> {
    let choices = clearing::choices(app).len();
    let within = pane::within_dialog(whole, size(choices));
    if !within.contains(at) {
        return None;
    }
    let mut seen = window(choices, cursor, within.height);
    seen.nth(usize::from(at.y - within.y))
}

/// A portal by its title and a card by its holder, which is how the panes call them.
fn scope_in_words(app: &App, scope: &ClearScope) -> String {
    match scope {
        ClearScope::Portal { portal } => {
            let title = app.portal(portal).map(|portal| portal.title.clone());
            let portal = title.unwrap_or_else(|| portal.clone());
            phrase::scope(&ClearScope::Portal { portal }, &app.zone)
        }
        ClearScope::Card { card } => match clearing::holder_of(app, card) {
            Some(name) => format!("the card of {}", readable(&name)),
            None => phrase::scope(scope, &app.zone),
        },
        ClearScope::All {}
        | ClearScope::History { .. }
        | ClearScope::Sessions {}
        | ClearScope::Copies {} => phrase::scope(scope, &app.zone),
    }
}

fn told(frame: &mut Frame<'_>, lines: Vec<Line<'static>>, theme: Theme) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let size = (COLUMNS, height.saturating_add(2));
    let within = pane::dialog(frame, "Clear", size, theme);
    frame.render_widget(Paragraph::new(lines), within);
}

fn wrapped(text: &str, room: u16, tone: Tone, theme: Theme) -> Vec<Line<'static>> {
    wrap(text, room)
        .into_iter()
        .map(|line| Line::styled(line, theme.tone(tone)))
        .collect()
}

fn keys(key: &'static str, meaning: &'static str, theme: Theme) -> Line<'static> {
    let mut spans = vec![
        Span::styled(key, theme.key()),
        Span::styled(meaning, theme.label()),
    ];
    if key != "Esc" {
        spans.push(Span::styled("   Esc", theme.key()));
        spans.push(Span::styled(" goes back", theme.label()));
    }
    Line::from(spans)
}
