//! The readers and what is in them, then the cards seen before.

use cac_common::reader::ReaderStatus;
use cac_common::snapshot::{Reader, Stage};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{cut, fit, fit_right, seen, width, wrap_at_most};
use crate::app::{App, Chosen, Pane};
use crate::phrase::{self, Tone, times};
use crate::theme::Theme;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Readers);
    let seen = rows_seen(app, pane::within(area));
    let title = pane::title(app, Pane::Readers, "Readers", &seen, area.width);
    let area = pane::draw(frame, area, &title, has_focus, theme);
    let rows = app.rows();
    let chosen = app.chosen_row();
    if rows.is_empty() {
        let lines = wrap_at_most(
            "No reader is plugged in. Plug one in; it shows here by itself.",
            area.width.saturating_sub(2),
            usize::from(area.height),
        );
        let lines: Vec<Line<'_>> = lines
            .into_iter()
            .map(|line| Line::styled(format!(" {line}"), theme.label()))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    if let Some(text) = pane::nothing_found(app, Pane::Readers) {
        frame.render_widget(Line::styled(text, theme.label()), area);
        return;
    }
    let lines: Vec<Line<'_>> = seen
        .into_iter()
        .map(|at| {
            let is_chosen = at == chosen;
            let line = row(app, rows[at], is_chosen, area.width, theme);
            if is_chosen && has_focus {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
    if has_focus {
        seen_at(frame, area, app, theme);
    }
}

/// When exactly the card that is chosen was put in or last seen, on the lower edge.
pub(super) fn seen_at(frame: &mut Frame<'_>, within: Rect, app: &App, theme: Theme) {
    let (what, at) = match app.chosen() {
        Some(Chosen::Known(known)) => ("last seen", known.last_seen),
        Some(Chosen::Reader(reader)) => match &reader.card {
            Some(card) => ("put in", card.inserted_at),
            None => return,
        },
        None => return,
    };
    pane::moment(frame, within, what, &times::exact(at, &app.zone), theme);
}

/// The row of the list on each line of the inside of the pane.
pub(super) fn rows_seen(app: &App, within: Rect) -> Vec<usize> {
    seen(&app.shown(Pane::Readers), app.chosen_row(), within.height).collect()
}

fn row(app: &App, row: Chosen<'_>, is_chosen: bool, columns: u16, theme: Theme) -> Line<'static> {
    let (mark, tone, name, content) = match row {
        Chosen::Reader(reader) => {
            let (mark, tone, content) = content(app, reader);
            (mark, tone, short_name(app, reader), content)
        }
        Chosen::Known(known) => {
            let name = match &known.dod_id_tail {
                Some(tail) => format!("{} •{tail}", known.name),
                None => known.name.clone(),
            };
            (
                "◦",
                Tone::Quiet,
                name,
                phrase::ago(app.now, known.last_seen),
            )
        }
    };
    let room = columns.saturating_sub(5);
    let right = cut(&content, (room / 2).max(room.saturating_sub(width(&name))));
    let left = room.saturating_sub(width(&right) + 1);
    let pointer = if is_chosen { "▶" } else { " " };
    let name_style = match row {
        Chosen::Reader(_) => Style::new(),
        Chosen::Known(_) => theme.label(),
    };
    Line::from(vec![
        Span::raw(format!(" {pointer}")),
        Span::styled(format!("{mark} "), theme.tone(tone)),
        Span::styled(fit(&name, left), name_style),
        Span::styled(
            fit_right(&right, room.saturating_sub(left)),
            if tone == Tone::Bad {
                theme.tone(tone)
            } else {
                theme.label()
            },
        ),
    ])
}

/// Without the numbers PC/SC ends a name with, where there is no other of that name.
pub(super) fn short_name(app: &App, reader: &Reader) -> String {
    let name = without_numbers(&reader.name.0);
    let is_alone = app.snapshot.as_ref().is_some_and(|snapshot| {
        let others = snapshot.readers.iter();
        others
            .filter(|other| without_numbers(&other.name.0) == name)
            .count()
            == 1
    });
    if is_alone { name } else { &reader.name.0 }.to_owned()
}

/// `SCR3310 [CCID] 00 00` without its two numbers.
fn without_numbers(name: &str) -> &str {
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    match name.rsplitn(3, ' ').collect::<Vec<_>>().as_slice() {
        [slot, reader, rest] if is_number(slot) && is_number(reader) => rest,
        _ => name,
    }
}

/// A mark, how it stands, and what is in the reader, in a word or by name.
fn content(app: &App, reader: &Reader) -> (&'static str, Tone, String) {
    let Some(card) = &reader.card else {
        return match reader.status {
            ReaderStatus::Empty => ("○", Tone::Quiet, "empty".into()),
            ReaderStatus::NoAnswer => ("✖", Tone::Bad, "no answer".into()),
            ReaderStatus::Card => ("●", Tone::Quiet, "in use".into()),
        };
    };
    // The number is there before the name is.
    let holder = card.holder.as_ref().map(|holder| holder.name.to_string());
    let holder = holder.or_else(|| card.dod_id.map(|dod_id| app.dod_id(dod_id)));
    match &card.stage {
        Stage::Reading { .. } => (
            "●",
            Tone::Working,
            holder.unwrap_or_else(|| "reading".into()),
        ),
        Stage::Held => ("✖", Tone::Bad, holder.unwrap_or_else(|| "held".into())),
        Stage::Failed { .. } => (
            "✖",
            Tone::Bad,
            holder.unwrap_or_else(|| "unreadable".into()),
        ),
        Stage::Read => {
            let (mark, tone) = if card.needs_pin() {
                ("!", Tone::Wanted)
            } else {
                ("●", Tone::Good)
            };
            (mark, tone, holder.unwrap_or_else(|| "a card".into()))
        }
    }
}
