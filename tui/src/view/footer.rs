//! The keys at the bottom, and what came of the last request above them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::{width, wrap_at_most};
use crate::app::App;
use crate::keys::{Mode, TABLE};
use crate::theme::Theme;

type Hint = (&'static str, &'static str);

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let hints = hints(app.mode());
    let mut spans = vec![Span::raw(" ")];
    for (at, (key, meaning)) in fitting(&hints, area.width).into_iter().enumerate() {
        if at > 0 {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(key, theme.key()));
        spans.push(Span::styled(format!(" {meaning}"), theme.label()));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

pub(super) fn said_lines(app: &App, whole: Rect, theme: Theme) -> Vec<Line<'static>> {
    let Some(said) = &app.said else {
        return Vec::new();
    };
    let most = if whole.height < 10 { 1 } else { 3 };
    let lines = wrap_at_most(&said.text, whole.width.saturating_sub(4), most);
    lines
        .into_iter()
        .enumerate()
        .map(|(at, text)| {
            let mark = if at == 0 { Theme::mark(said.tone) } else { " " };
            Line::styled(format!(" {mark} {text}"), theme.tone(said.tone))
        })
        .collect()
}

fn hints(mode: Mode) -> Vec<Hint> {
    match mode {
        Mode::Panes => TABLE.iter().filter_map(|binding| binding.footer).collect(),
        Mode::Details => vec![
            ("Up/Down", "scroll"),
            ("Esc", "back"),
            ("r", "register"),
            ("w", "wizard"),
            ("e", "eligible"),
            ("x", "DoD ID"),
            ("?", "help"),
            ("q", "quit"),
        ],
        Mode::Notice => vec![
            ("Up/Down", "scroll"),
            ("y", "accept the notice"),
            ("Esc", "back"),
            ("q", "quit"),
        ],
        Mode::Help | Mode::History => {
            vec![("Up/Down", "scroll"), ("Esc", "back"), ("q", "quit")]
        }
        Mode::Choose => vec![
            ("Up/Down", "choose"),
            ("Enter", "see what would be lost"),
            ("Esc", "back"),
        ],
        Mode::Confirm => vec![("y", "clear it"), ("Esc", "back")],
        Mode::Pin => vec![("Enter", "send to the card"), ("Esc", "give up")],
        Mode::Offer => vec![
            ("y", "begin"),
            ("v", "last confirmation"),
            ("Esc", "back"),
            ("q", "quit"),
        ],
        Mode::Text | Mode::Password | Mode::WizardPin => vec![
            ("Enter", "answer"),
            ("F9", "step back"),
            ("F8", "stop"),
            ("Esc", "leave it as it is"),
        ],
        Mode::Wizard => vec![("F8", "stop"), ("Esc", "leave it as it is"), ("q", "quit")],
        Mode::TooSoon => vec![("F8", "stop"), ("Esc", "leave it as it is")],
        Mode::Stop => vec![("y", "stop it"), ("Esc", "go on")],
        Mode::Ended => vec![("Enter", "close"), ("q", "quit")],
        Mode::Shown => vec![
            ("Up/Down", "scroll"),
            ("s", "save"),
            ("p", "print"),
            ("Esc", "close"),
            ("q", "quit"),
        ],
        Mode::FileName => vec![("Enter", "save"), ("Esc", "back")],
        Mode::Answer => vec![
            ("Up/Down", "choose"),
            ("Enter", "answer"),
            ("Esc", "back"),
            ("q", "quit"),
        ],
        Mode::YesOrNo => vec![("y", "yes"), ("n", "no"), ("Esc", "back"), ("q", "quit")],
        Mode::Verdict => vec![("Up/Down", "scroll"), ("Esc", "back"), ("q", "quit")],
        Mode::Insist => vec![("yes Enter", "spend the try"), ("Esc", "back")],
    }
}

/// As many hints as fit; the last two, which lead out, stay longest.
fn fitting(hints: &[Hint], columns: u16) -> Vec<Hint> {
    let needed = |hints: &[Hint]| {
        hints
            .iter()
            .map(|(key, meaning)| width(key) + width(meaning) + 3)
            .sum::<u16>()
            .saturating_sub(1)
    };
    let mut hints = hints.to_vec();
    while needed(&hints) > columns && hints.len() > 2 {
        hints.remove(hints.len() - 3);
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_to_get_out_is_shown_as_long_as_anything_is() {
        let fitting = fitting(&hints(Mode::Panes), 30);

        let keys: Vec<&str> = fitting.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["Tab", "?", "q"]);
    }
}
