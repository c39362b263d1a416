//! The keys, and what each status means and what to do about it.

use cac_common::registration::{Notice, RegistrationStatus};
use cac_common::time::UtcSeconds;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, wrap};
use crate::app::App;
use crate::keys::TABLE;
use crate::phrase;
use crate::theme::Theme;

const WIDEST: u16 = 96;
const LEFT: u16 = 26;

pub(super) fn draw(frame: &mut Frame<'_>, app: &App, scroll: u16, theme: Theme) {
    let size = size(frame.area());
    let (columns, height) = pane::room_in_dialog(frame.area(), size);
    let lines = lines(app, columns, theme);
    let room = rows(&lines).saturating_sub(height);
    let within = pane::dialog(frame, "Help", size, theme);
    frame.render_widget(Paragraph::new(lines).scroll((scroll.min(room), 0)), within);
}

pub(super) fn scroll_room(app: &App, whole: Rect) -> u16 {
    let (columns, height) = pane::room_in_dialog(whole, size(whole));
    let theme = Theme::MONOCHROME;
    rows(&lines(app, columns, theme)).saturating_sub(height)
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

fn lines(app: &App, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled("Keys", theme.strong())];
    for binding in TABLE {
        let left = Span::styled(fit(binding.shown, LEFT), theme.key());
        lines.extend(beside(left, binding.help, columns));
    }
    lines.push(Line::default());
    lines.push(Line::styled(
        "Where a card can stand at a portal, and what to do",
        theme.strong(),
    ));
    for status in every_status(app.now) {
        let tone = phrase::tone(&status);
        let label = format!("{} {}", Theme::mark(tone), status.label());
        let left = Span::styled(fit(&label, LEFT), theme.tone(tone));
        let advice = status
            .advice()
            .unwrap_or_else(|| nothing_to_do(&status).into());
        lines.extend(beside(left, &advice, columns));
    }
    lines.push(Line::default());
    lines.extend(
        wrap(
            "The PIN goes from the keyboard to the card; it is never kept, and the last try is \
             never spent unless you insist. A password goes to its portal alone, once, and is kept \
             nowhere. Reading a card needs no PIN. Text to copy: \
             cacctl status. Everything this screen shows: cacctl status --json.",
            columns,
        )
        .into_iter()
        .map(Line::raw),
    );
    lines
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
