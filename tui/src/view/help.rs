//! The keys, what each status means and what to do about it, and the words of
//! the field.

use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::time::UtcSeconds;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, wrap};
use crate::app::{App, HelpPage};
use crate::glossary::{GLOSSARY, Term};
use crate::keys::{Binding, TABLE};
use crate::phrase;
use crate::theme::Theme;

const WIDEST: u16 = 96;
const LEFT: u16 = 26;

/// Where what is in the help stands, in rows from its beginning.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct HelpLayout {
    /// The first row of each section.
    pub starts: Vec<u16>,
    /// The row of the status it was opened on.
    pub about: Option<u16>,
    /// How many rows do not fit.
    pub room: u16,
}

impl HelpLayout {
    /// The section on top when so many rows are scrolled away.
    pub fn section_at(&self, scroll: u16) -> usize {
        let begun = self.starts.iter().filter(|start| **start <= scroll);
        begun.count().saturating_sub(1)
    }
}

/// The titles of the sections, in their order.
const SECTIONS: [&str; 5] = [
    "Keys where you were",
    "All keys",
    "Where a card can stand at a portal, and what to do",
    "Glossary",
    "What is kept, and what is not",
];

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, page: &HelpPage, theme: Theme) {
    let size = size(frame.area());
    let (columns, _) = pane::room_in_dialog(frame.area(), size);
    let text = Text::of(app, page, columns, theme);
    let title = format!(
        "Help {} of {}: {}",
        page.section + 1,
        SECTIONS.len(),
        SECTIONS.get(page.section).copied().unwrap_or_default()
    );
    let within = pane::dialog(frame, &title, size, theme);
    let room = rows(&text.lines).saturating_sub(within.height);
    let scroll = page.scroll.min(room);
    frame.render_widget(Paragraph::new(text.lines).scroll((scroll, 0)), within);
    pane::more_below(frame, within, room - scroll, theme);
}

pub(super) fn layout(app: &App, page: &HelpPage, whole: Rect) -> HelpLayout {
    let (columns, height) = pane::room_in_dialog(whole, size(whole));
    let text = Text::of(app, page, columns, Theme::MONOCHROME);
    HelpLayout {
        room: rows(&text.lines).saturating_sub(height),
        starts: text.starts,
        about: text.about,
    }
}

fn size(whole: Rect) -> (u16, u16) {
    (
        WIDEST.min(whole.width),
        whole.height.saturating_sub(2).max(whole.height.min(3)),
    )
}

fn rows(lines: &[Line<'_>]) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}

struct Text {
    lines: Vec<Line<'static>>,
    starts: Vec<u16>,
    about: Option<u16>,
    columns: u16,
    theme: Theme,
}

impl Text {
    fn of(app: &App, page: &HelpPage, columns: u16, theme: Theme) -> Self {
        let mut text = Self {
            lines: Vec::new(),
            starts: Vec::new(),
            about: None,
            columns,
            theme,
        };
        for (at, title) in SECTIONS.into_iter().enumerate() {
            if at > 0 {
                text.lines.push(Line::default());
            }
            text.starts.push(rows(&text.lines));
            text.lines.push(Line::styled(title, theme.strong()));
            match at {
                0 => text.keys(|binding| binding.modes.contains(&page.from)),
                1 => text.keys(|_| true),
                2 => text.statuses(app.now, page.about),
                3 => text.glossary(),
                _ => text.kept(),
            }
        }
        text
    }

    fn keys(&mut self, shows: impl Fn(&Binding) -> bool) {
        for binding in TABLE.iter().filter(|binding| shows(binding)) {
            let left = Span::styled(fit(binding.shown, LEFT), self.theme.key());
            self.lines.extend(beside(left, binding.help, self.columns));
        }
    }

    fn statuses(&mut self, now: UtcSeconds, about: Option<&str>) {
        for status in every_status(now) {
            let tone = phrase::tone(&status);
            let is_it = about == Some(status.label()) && self.about.is_none();
            if is_it {
                self.about = Some(rows(&self.lines));
            }
            let pointer = if is_it { "▶" } else { " " };
            let label = format!("{pointer}{} {}", Theme::mark(tone), status.label());
            let left = Span::styled(fit(&label, LEFT), self.theme.tone(tone));
            let advice = status
                .advice()
                .unwrap_or_else(|| nothing_to_do(&status).into());
            self.lines.extend(beside(left, &advice, self.columns));
        }
    }

    fn kept(&mut self) {
        let text = "The PIN goes from the keyboard to the card; it is never kept, and the last \
                    try is never spent unless you insist. A password goes to its portal alone, \
                    once, and is kept nowhere. Reading a card needs no PIN. Text to copy: cacctl \
                    status. Everything this screen shows: cacctl status --json.";
        let lines = wrap(text, self.columns).into_iter();
        self.lines.extend(lines.map(Line::raw));
    }

    fn glossary(&mut self) {
        for Term { term, meaning } in GLOSSARY {
            let left = Span::styled(fit(term, LEFT), self.theme.key());
            self.lines.extend(beside(left, meaning, self.columns));
        }
    }
}

fn nothing_to_do(status: &RegistrationStatus) -> &'static str {
    if *status == RegistrationStatus::SigningIn {
        "The card is signing, or the portal answering. Leave the card in."
    } else {
        "Nothing to do."
    }
}

fn beside(left: Span<'static>, right: &str, columns: u16) -> Vec<Line<'static>> {
    let narrow = columns < 2 * LEFT;
    let room = if narrow {
        columns.saturating_sub(2)
    } else {
        columns - LEFT
    };
    let mut lines = Vec::new();
    let mut first = Some(left);
    if narrow {
        lines.extend(first.take().map(Line::from));
    }
    for text in wrap(right, room) {
        let indent = if narrow { 2 } else { usize::from(LEFT) };
        let left = first
            .take()
            .unwrap_or_else(|| Span::raw(" ".repeat(indent)));
        lines.push(Line::from(vec![left, Span::raw(text)]));
    }
    lines
}

/// One of each, for the sake of its label and advice.
fn every_status(now: UtcSeconds) -> Vec<RegistrationStatus> {
    let registered = |recheck_due| RegistrationStatus::Registered {
        since: now,
        checked_at: now,
        account: None,
        recheck_due,
    };
    let cause = || String::from("the cause stands here");
    vec![
        registered(false),
        registered(true),
        RegistrationStatus::RegisteredNotSaved {
            account: None,
            reason: cause(),
        },
        RegistrationStatus::NotSeen,
        RegistrationStatus::NeedsPin {
            tries_left: Some(3),
        },
        RegistrationStatus::OutOfDate {
            tries_left: Some(3),
        },
        RegistrationStatus::SigningIn,
        RegistrationStatus::Waiting {
            until: now,
            attempt: 1,
            cause: "The cause stands here".into(),
        },
        RegistrationStatus::NeedsConsent {
            notice: Notice {
                text: String::new(),
                sha256: String::new(),
            },
        },
        RegistrationStatus::NeedsWizard,
        RegistrationStatus::NotEligible,
        RegistrationStatus::NeedsSponsor,
        RegistrationStatus::NotFound,
        RegistrationStatus::Forbidden {
            cause: cause().into(),
        },
        RegistrationStatus::Rejected {
            cause: cause().into(),
        },
        RegistrationStatus::PinBlocked,
        RegistrationStatus::LockedOut { until: None },
        RegistrationStatus::Unsupported {
            cause: "The reason stands here".into(),
        },
        RegistrationStatus::Unrecognised {
            cause: "its title".into(),
        },
        RegistrationStatus::CardFailed {
            cause: "The cause stands here".into(),
        },
    ]
}
