//! The keys at the bottom, and what came of the last request above them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::{width, wrap_at_most};
use crate::app::App;
use crate::keys::{Binding, Command, Mode, TABLE};
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
    let fitting = fitting(&hints(app.mode()), area.width);
    fitting.into_iter().map(&mut place).collect()
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
    let of = |command, meaning| Hint {
        key: key_of(mode, command),
        meaning,
        command: Some(command),
    };
    let arrows = |meaning| Hint {
        key: "Up/Down",
        meaning,
        command: None,
    };
    let (back, help, quit) = (
        of(Command::Back, "back"),
        of(Command::Help, "help"),
        of(Command::Quit, "quit"),
    );
    match mode {
        Mode::Panes => panes(),
        Mode::Details => vec![
            arrows("scroll"),
            of(Command::Register, "register"),
            of(Command::Wizard, "wizard"),
            of(Command::Eligibility, "eligible"),
            of(Command::ShowDodId, "DoD ID"),
            help,
            back,
            quit,
        ],
        Mode::Notice => vec![
            arrows("scroll"),
            of(Command::Yes, "accept the notice"),
            back,
            quit,
        ],
        Mode::Help | Mode::History | Mode::Verdict => vec![arrows("scroll"), back, quit],
        Mode::Choose => vec![
            arrows("choose"),
            of(Command::Open, "see what would be lost"),
            back,
        ],
        Mode::Confirm => vec![of(Command::Yes, "clear it"), back],
        Mode::Pin => vec![
            of(Command::Open, "send to the card"),
            of(Command::Back, "give up"),
        ],
        Mode::Offer => vec![
            of(Command::Yes, "begin"),
            of(Command::Kept, "last confirmation"),
            back,
            quit,
        ],
        Mode::Text | Mode::Password | Mode::WizardPin => vec![
            of(Command::Open, "answer"),
            of(Command::StepBack, "step back"),
            of(Command::Stop, "stop"),
            of(Command::Back, "leave it as it is"),
        ],
        Mode::Wizard => vec![
            of(Command::Stop, "stop"),
            of(Command::Back, "leave it as it is"),
            quit,
        ],
        Mode::TooSoon => vec![
            of(Command::Stop, "stop"),
            of(Command::Back, "leave it as it is"),
        ],
        Mode::Stop => vec![of(Command::Yes, "stop it"), of(Command::Back, "go on")],
        Mode::Ended => vec![of(Command::Open, "close"), quit],
        Mode::Shown => vec![
            arrows("scroll"),
            of(Command::Save, "save"),
            of(Command::Print, "print"),
            of(Command::Back, "close"),
            quit,
        ],
        Mode::FileName => vec![of(Command::Open, "save"), back],
        Mode::Answer => vec![arrows("choose"), of(Command::Open, "answer"), back, quit],
        Mode::YesOrNo => vec![of(Command::Yes, "yes"), of(Command::No, "no"), back, quit],
        Mode::Insist => vec![
            Hint {
                key: "yes Enter",
                ..of(Command::Open, "spend the try")
            },
            back,
        ],
        Mode::Filter => vec![
            arrows("choose"),
            of(Command::Open, "keep"),
            of(Command::Back, "show all"),
        ],
        Mode::Palette => vec![arrows("choose"), of(Command::Open, "do it"), back],
        Mode::Outlook => vec![
            arrows("choose"),
            of(Command::Open, "details"),
            of(Command::Help, "help"),
            back,
            quit,
        ],
    }
}

fn panes() -> Vec<Hint> {
    let hint = |binding: &Binding| {
        let (key, meaning) = binding.footer?;
        Some(Hint {
            key,
            meaning,
            command: Some(binding.command),
        })
    };
    TABLE.iter().filter_map(hint).collect()
}

/// How the key of a command is written in this mode.
fn key_of(mode: Mode, command: Command) -> &'static str {
    let mut bound = TABLE.iter();
    let binding = bound.find(|it| it.command == command && it.modes.contains(&mode));
    let shown = binding.map_or("", |binding| binding.shown);
    shown.split(", ").next().unwrap_or_default()
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
    use crate::keys::EVERYWHERE;

    #[test]
    fn how_to_get_out_is_shown_as_long_as_anything_is() {
        let fitting = fitting(&hints(Mode::Panes), 30);

        let keys: Vec<&str> = fitting.iter().map(|hint| hint.key).collect();
        assert_eq!(keys, [":", "?", "q"]);
    }

    #[test]
    fn every_hint_names_a_key_that_means_it() {
        for mode in EVERYWHERE {
            for hint in hints(*mode) {
                assert!(!hint.key.is_empty(), "{} in {mode:?}", hint.meaning);
            }
        }
    }
}
