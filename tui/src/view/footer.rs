//! The keys at the bottom, and what came of the last request above them.

mod hints;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::activity;
use super::text::{width, wrap_at_most};
use crate::app::App;
use crate::keys::Command;
use crate::possible::why_not;
use crate::theme::Theme;

/// A key and what it does.
#[derive(Clone, Copy)]
struct Hint {
    key: &'static str,
    meaning: &'static str,
    command: Option<Command>,
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let mut spans = Vec::new();
    let mut used = 0;
    for (left, hint) in placed(app, area) {
        let gap = usize::from(left.saturating_sub(area.x + used));
        used = left - area.x + width(hint.key) + 1 + width(hint.meaning);
        spans.push(Span::raw(" ".repeat(gap)));
        let is_possible = hint.command.is_none_or(|it| why_not(app, it).is_none());
        let (key, meaning) = if is_possible {
            (theme.key(), theme.label())
        } else {
            (theme.dimmed(), theme.dimmed())
        };
        spans.push(Span::styled(hint.key, key));
        spans.push(Span::styled(format!(" {}", hint.meaning), meaning));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// The command of the hint at this column.
pub(super) fn command_at(app: &App, area: Rect, column: u16) -> Option<Command> {
    let mut hints = placed(app, area).into_iter();
    let (_, hint) = hints.find(|(left, hint)| {
        let end = left + width(hint.key) + 1 + width(hint.meaning);
        (*left..end).contains(&column)
    })?;
    hint.command
}

/// The hints that fit, each with its first column.
fn placed(app: &App, area: Rect) -> Vec<(u16, Hint)> {
    let mut left = area.x + 1;
    let mut place = |hint: Hint| {
        let at = left;
        left += width(hint.key) + width(hint.meaning) + 3;
        (at, hint)
    };
    let fitting = fitting(&hints::of(app.mode()), area.width);
    fitting.into_iter().map(&mut place).collect()
}

pub(super) fn said_lines(app: &App, whole: Rect, theme: Theme) -> Vec<Line<'static>> {
    let most = if whole.height < 10 { 1 } else { 3 };
    let mut lines = Vec::new();
    if let Some(said) = &app.said {
        let wrapped = wrap_at_most(&said.text, whole.width.saturating_sub(4), most);
        lines.extend(wrapped.into_iter().enumerate().map(|(at, text)| {
            let mark = if at == 0 { Theme::mark(said.tone) } else { " " };
            Line::styled(format!(" {mark} {text}"), theme.tone(said.tone))
        }));
    }
    lines.extend(activity::line(app, whole.width, theme));
    lines
}

/// As many hints as fit; the last three, which lead to all else and out, stay longest.
fn fitting(hints: &[Hint], columns: u16) -> Vec<Hint> {
    let needed = |hints: &[Hint]| {
        hints
            .iter()
            .map(|hint| width(hint.key) + width(hint.meaning) + 3)
            .sum::<u16>()
            .saturating_sub(1)
    };
    let mut hints = hints.to_vec();
    while needed(&hints) > columns && hints.len() > 2 {
        hints.remove(hints.len().saturating_sub(4));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Mode;

    #[test]
    fn how_to_get_out_is_shown_as_long_as_anything_is() {
        let fitting = fitting(&hints::of(Mode::Panes), 30);

        let keys: Vec<&str> = fitting.iter().map(|hint| hint.key).collect();
        assert_eq!(keys, [":", "?", "q"]);
    }
}
