//! Everything that can be done, found by a few letters.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{cut, fit, width, window, wrap_at_most};
use crate::app::{Entry, Palette};
use crate::fuzzy::Found;
use crate::theme::Theme;

const WIDEST: u16 = 84;
const HIGHEST: u16 = 24;

/// Columns for the keys that do the same.
const KEYS: u16 = 12;

pub(super) fn draw(frame: &mut Frame<'_>, palette: &Palette, theme: Theme) {
    let within = pane::dialog(frame, "Actions", size(frame.area()), theme);
    let [typed, list, why] = areas(within);
    let line = Line::from(vec![
        Span::styled(": ", theme.key()),
        Span::raw(cut(&palette.typed, typed.width.saturating_sub(4))),
        Span::styled("▏", theme.key()),
    ]);
    frame.render_widget(Paragraph::new(line), typed);
    let found = palette.found();
    if found.is_empty() {
        let text = "Nothing has these letters. Erase one, or go back with Esc.";
        frame.render_widget(Line::styled(cut(text, list.width), theme.label()), list);
        return;
    }
    let seen = window(found.len(), palette.cursor, list.height);
    let hidden = u16::try_from(found.len() - seen.end).unwrap_or(u16::MAX);
    pane::more_below(frame, within, hidden, theme);
    let lines: Vec<Line<'_>> = seen
        .map(|at| {
            let (entry, places) = &found[at];
            let line = row(entry, places, list.width, theme);
            if at == palette.cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), list);
    if let Some(told) = palette
        .chosen()
        .and_then(|entry| in_full(entry, list.width))
    {
        let lines: Vec<Line<'_>> = wrap_at_most(told, why.width, usize::from(why.height))
            .into_iter()
            .map(|line| Line::styled(line, theme.label()))
            .collect();
        frame.render_widget(Paragraph::new(lines), why);
    }
}

/// Why it cannot be done, else what its row has no room for.
fn in_full(entry: &Entry, columns: u16) -> Option<&str> {
    let is_cut = width(&entry.text) > room_for_text(columns);
    let text = is_cut.then_some(entry.text.as_str());
    entry.why_not.as_deref().or(text)
}

fn room_for_text(columns: u16) -> u16 {
    columns.saturating_sub(KEYS.min(columns / 4) + 1)
}

/// The row of the list at this place on the screen.
pub(super) fn row_at(palette: &Palette, whole: Rect, at: Position) -> Option<usize> {
    let [_, list, _] = areas(pane::within_dialog(whole, size(whole)));
    if !list.contains(at) {
        return None;
    }
    let mut seen = window(palette.found().len(), palette.cursor, list.height);
    seen.nth(usize::from(at.y - list.y))
}

fn size(whole: Rect) -> (u16, u16) {
    let columns = WIDEST.min(whole.width.saturating_sub(2));
    (columns, HIGHEST.min(whole.height.saturating_sub(2)).max(3))
}

/// What was typed, what is found, and what is to be told of that under the cursor.
fn areas(within: Rect) -> [Rect; 3] {
    let why = if within.height > 6 { 2 } else { 0 };
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(why),
    ])
    .areas(within)
}

/// The letters that were typed stand out; what cannot be done is dimmed.
fn row(entry: &Entry, found: &Found, columns: u16, theme: Theme) -> Line<'static> {
    let keys = KEYS.min(columns / 4);
    let text = cut(&entry.text, room_for_text(columns));
    let plain = if entry.why_not.is_some() {
        theme.dimmed()
    } else {
        Style::new()
    };
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (at, c) in text.chars().enumerate() {
        let is_found = found.places.binary_search(&at).is_ok();
        let style = if is_found { theme.found() } else { plain };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(c),
            _ => spans.push(Span::styled(c.to_string(), style)),
        }
    }
    let gap = columns.saturating_sub(keys + width(&text));
    spans.push(Span::raw(" ".repeat(usize::from(gap))));
    let style = if entry.why_not.is_some() {
        theme.dimmed()
    } else {
        theme.key()
    };
    spans.push(Span::styled(fit(entry.keys, keys), style));
    Line::from(spans)
}
