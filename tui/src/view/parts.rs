//! A dialog of which the middle scrolls, between a head and a foot that stay.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{width, window, wrap, wrap_at_most};
use crate::app::{App, Said};
use crate::phrase::Tone;
use crate::theme::Theme;
use cac_common::identity::legible;
use unicode_width::UnicodeWidthChar as _;

const WIDEST: u16 = 76;

/// A dialog that is laid out for so many columns.
pub(super) struct Sheet<'a, Dialog> {
    pub(super) app: &'a App,
    pub(super) dialog: &'a Dialog,
    /// What came of the last key.
    said: Option<&'a Said>,
    pub(super) columns: u16,
    pub(super) theme: Theme,
}

impl<'a, Dialog> Sheet<'a, Dialog> {
    pub(super) fn new(
        app: &'a App,
        dialog: &'a Dialog,
        said: Option<&'a Said>,
        whole: Rect,
        theme: Theme,
    ) -> Self {
        Self {
            app,
            dialog,
            said,
            columns: columns(whole),
            theme,
        }
    }

    pub(super) fn marked(&self, text: &str, tone: Tone) -> Vec<Line<'static>> {
        marked(text, self.columns, tone, self.theme)
    }

    pub(super) fn shortened(&self, text: &str, tone: Tone) -> Vec<Line<'static>> {
        shortened(text, self.columns, tone, self.theme)
    }

    pub(super) fn quiet(&self, text: &str) -> Vec<Line<'static>> {
        paragraph(text, self.columns, Tone::Quiet, self.theme)
    }

    /// What was said last, and the keys.
    pub(super) fn foot(&self, hints: &[(&'static str, &'static str)]) -> Vec<Line<'static>> {
        let mut lines = said(self.said, self.columns, self.theme);
        lines.insert(0, Line::default());
        lines.extend(keys(hints, self.columns, self.theme));
        lines
    }
}

#[derive(Default)]
pub(super) struct Parts {
    pub(super) head: Vec<Line<'static>>,
    pub(super) middle: Vec<Line<'static>>,
    pub(super) foot: Vec<Line<'static>>,
}

/// What is seen of a middle that does not fit.
#[derive(Clone, Copy)]
pub(super) enum Seen {
    /// This row is among it.
    Row(usize),
    /// From this row on.
    From(u16),
}

/// How many columns there are within.
pub(super) fn columns(whole: Rect) -> u16 {
    outer(whole).saturating_sub(4)
}

fn outer(whole: Rect) -> u16 {
    WIDEST
        .min(whole.width.saturating_sub(2))
        .max(whole.width.min(20))
}

impl Parts {
    fn size(&self, whole: Rect) -> (u16, u16) {
        let all = [&self.head, &self.middle, &self.foot].map(|part| rows(part));
        let height = all.into_iter().fold(2, u16::saturating_add);
        let most = whole.height.saturating_sub(2).max(whole.height.min(3));
        (outer(whole), height.min(most))
    }

    /// How many rows of the middle do not fit.
    pub(super) fn hidden(&self, whole: Rect) -> u16 {
        let (_, height) = pane::room_in_dialog(whole, self.size(whole));
        rows(&self.middle).saturating_sub(self.room(height))
    }

    /// The rows that are left to the middle.
    fn room(&self, height: u16) -> u16 {
        height.saturating_sub(rows(&self.head).saturating_add(rows(&self.foot)))
    }

    pub(super) fn draw(self, frame: &mut Frame<'_>, title: &str, seen: Seen, theme: Theme) {
        let within = pane::dialog(frame, title, self.size(frame.area()), theme);
        let room = self.room(within.height);
        let hidden = rows(&self.middle).saturating_sub(room);
        let range = match seen {
            Seen::Row(row) => window(self.middle.len(), row, room),
            Seen::From(row) => {
                let first = usize::from(row.min(hidden));
                first..self.middle.len().min(first + usize::from(room))
            }
        };
        let below = u16::try_from(self.middle.len() - range.end).unwrap_or(u16::MAX);
        let mut lines = self.head;
        lines.extend(self.middle.into_iter().skip(range.start).take(range.len()));
        lines.extend(self.foot);
        // Where not all of it fits, the end is what is needed to go on.
        let lost = rows(&lines).saturating_sub(within.height);
        frame.render_widget(Paragraph::new(lines).scroll((lost, 0)), within);
        if room > 0 {
            let above = u16::try_from(range.start).unwrap_or(u16::MAX);
            pane::more_above(frame, within, title, above, theme);
            pane::more_below(frame, within, below, theme);
        }
    }
}

fn rows(lines: &[Line<'_>]) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}

/// Text from outside, of any length.
pub(super) fn paragraph(text: &str, columns: u16, tone: Tone, theme: Theme) -> Vec<Line<'static>> {
    let lines = wrap(&legible(text), columns).into_iter();
    lines
        .map(|line| Line::styled(line, theme.tone(tone)))
        .collect()
}

/// The same with the mark of its tone.
pub(super) fn marked(text: &str, columns: u16, tone: Tone, theme: Theme) -> Vec<Line<'static>> {
    with_mark(wrap(&legible(text), columns.saturating_sub(2)), tone, theme)
}

/// The same, cut off where it would leave no room for the rest.
pub(super) fn shortened(text: &str, columns: u16, tone: Tone, theme: Theme) -> Vec<Line<'static>> {
    const MOST: usize = 4;
    let lines = wrap_at_most(text, columns.saturating_sub(2), MOST);
    with_mark(lines, tone, theme)
}

fn with_mark(lines: Vec<String>, tone: Tone, theme: Theme) -> Vec<Line<'static>> {
    let lines = lines.into_iter().enumerate().map(|(at, line)| {
        let mark = if at == 0 { Theme::mark(tone) } else { " " };
        Line::styled(format!("{mark} {line}"), theme.tone(tone))
    });
    lines.collect()
}

pub(super) fn said(said: Option<&Said>, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    said.map_or_else(Vec::new, |said| {
        shortened(&said.text, columns, said.tone, theme)
    })
}

/// Where something is typed that may be seen: its end, if it is long. The label
/// is harmless already.
pub(super) fn input(label: &str, typed: &str, columns: u16, theme: Theme) -> Line<'static> {
    let room = columns.saturating_sub(width(label) + 3);
    let mut kept = Vec::new();
    let mut used = 0;
    for c in typed.chars().rev() {
        let wide = u16::try_from(c.width().unwrap_or(0)).unwrap_or(0);
        if used + wide > room {
            break;
        }
        used += wide;
        kept.push(c);
    }
    let end: String = kept.into_iter().rev().collect();
    Line::from(vec![
        Span::styled(format!("{label}  "), theme.label()),
        Span::styled(format!("{end}_"), theme.strong()),
    ])
}

/// Keys and what they do, on as many lines as it takes.
pub(super) fn keys(
    hints: &[(&'static str, &'static str)],
    columns: u16,
    theme: Theme,
) -> Vec<Line<'static>> {
    let pieces = hints.iter().map(|(key, meaning)| {
        vec![
            Span::styled(*key, theme.key()),
            Span::styled(format!(" {meaning}"), theme.label()),
        ]
    });
    super::text::flow(pieces.collect(), columns, 3)
}
