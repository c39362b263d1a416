//! The whole history, newest first, with the picked entry in full beneath.

use cac_common::snapshot::HistoryEntry;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{cut, fit, window, wrap_at_most};
use crate::app::{App, HistoryList, Page};
use crate::happening;
use crate::phrase::{self, Tone, times};
use crate::theme::Theme;

/// From this width on the kind of an entry stands beside it.
const WIDE: u16 = 70;

/// `412 days ago`.
const LONGEST_AGO: u16 = 12;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, list: &HistoryList, theme: Theme) {
    let [above, below] = areas(area);
    let title = title(list, above.width);
    let within = pane::draw(frame, above, &title, true, theme);
    if list.entries.is_empty() {
        let (tone, text) = nothing(list);
        let lines: Vec<Line<'_>> = wrap_at_most(&text, within.width.saturating_sub(2), 4)
            .into_iter()
            .map(|line| Line::styled(format!(" {line}"), theme.tone(tone)))
            .collect();
        frame.render_widget(Paragraph::new(lines), within);
        return;
    }
    let lines: Vec<Line<'_>> = window(list.entries.len(), list.cursor, within.height)
        .map(|at| {
            let line = row(app, &list.entries[at], within.width, theme);
            if at == list.cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), within);
    if let Some(entry) = list.entries.get(list.cursor) {
        picked(frame, below, app, entry, list, theme);
    }
}

/// What is looked for, and how much came so far.
fn title(list: &HistoryList, columns: u16) -> String {
    let searched = list.search.as_ref().map_or_else(String::new, |search| {
        let end = if search.is_typed { "▏" } else { "" };
        format!(" /{}{end}", cut(&search.text, columns.saturating_sub(36)))
    });
    let count = list.entries.len();
    let at = list.cursor + 1;
    let told = match &list.page {
        Page::Loading(_) if count == 0 => "loading".to_owned(),
        Page::NotAsked | Page::End | Page::Failed(..) if count == 0 => {
            return format!("History{searched}");
        }
        Page::NotAsked | Page::End => format!("{at} of {count}"),
        Page::Loading(_) | Page::More(_) | Page::Failed(..) => format!("{at} of {count} or more"),
    };
    format!("History{searched} ({told})")
}

/// Said where there is no entry.
fn nothing(list: &HistoryList) -> (Tone, String) {
    match &list.page {
        Page::Failed(_, trouble) => (Tone::Bad, trouble.what.clone()),
        Page::Loading(request) => match request.before {
            Some(before) => (
                Tone::Working,
                format!("Nothing so far; looking before entry {before}. Esc stops it."),
            ),
            None => (Tone::Working, "Asking cacd.".to_owned()),
        },
        Page::NotAsked | Page::More(_) | Page::End if list.search.is_some() => (
            Tone::Quiet,
            "No entry has this in its text. Esc shows all again.".to_owned(),
        ),
        Page::NotAsked | Page::More(_) | Page::End => {
            (Tone::Quiet, "Nothing has happened yet.".to_owned())
        }
    }
}

fn areas(area: Rect) -> [Rect; 2] {
    let beneath = if area.height > 10 { 5 } else { 0 };
    Layout::vertical([Constraint::Fill(1), Constraint::Length(beneath)]).areas(area)
}

/// The entry at this line of the screen.
pub(super) fn row_at(list: &HistoryList, area: Rect, at: Position) -> Option<usize> {
    let within = pane::within(areas(area)[0]);
    if !within.contains(at) {
        return None;
    }
    let mut seen = window(list.entries.len(), list.cursor, within.height);
    seen.nth(usize::from(at.y - within.y))
}

fn row(app: &App, entry: &HistoryEntry, columns: u16, theme: Theme) -> Line<'static> {
    let ago = times::relative(app.now, entry.at);
    let mut spans = vec![Span::styled(
        format!(" {}  ", fit(&ago, LONGEST_AGO)),
        theme.label(),
    )];
    let mut used = LONGEST_AGO + 3;
    if columns >= WIDE {
        spans.push(Span::styled(
            fit(phrase::kind(entry.kind), 14),
            theme.label(),
        ));
        used += 14;
    }
    spans.push(Span::raw(fit(
        &happening::told(entry, app.snapshot.as_ref()),
        columns.saturating_sub(used + 1),
    )));
    spans.push(Span::raw(" "));
    Line::from(spans)
}

fn picked(
    frame: &mut Frame<'_>,
    area: Rect,
    app: &App,
    entry: &HistoryEntry,
    list: &HistoryList,
    theme: Theme,
) {
    let within = pane::draw(frame, area, "Entry", false, theme);
    let columns = within.width.saturating_sub(2);
    let text = happening::told(entry, app.snapshot.as_ref());
    let mut lines: Vec<Line<'_>> = wrap_at_most(&text, columns, 2)
        .into_iter()
        .map(|line| Line::raw(format!(" {line}")))
        .collect();
    let room = usize::from(within.height).saturating_sub(lines.len());
    let at = times::to_the_second(entry.at, &app.zone);
    let mut facts = vec![at, format!("number {}", entry.id)];
    facts.extend(entry.reader.as_ref().map(|name| format!("reader {name}")));
    facts.extend(entry.portal.as_ref().map(|name| format!("portal {name}")));
    facts.extend(entry.card.as_ref().map(|card| format!("card {card}")));
    if let Page::Failed(_, trouble) = &list.page {
        facts = vec![format!("older ones: {}", trouble.what)];
    }
    let facts = wrap_at_most(&facts.join(", "), columns, room);
    lines.extend(
        facts
            .into_iter()
            .map(|line| Line::styled(format!(" {line}"), theme.label())),
    );
    frame.render_widget(Paragraph::new(lines), within);
}
