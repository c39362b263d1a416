//! Where the card stands at each portal, and what to do about the one picked.

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryKind, Registration, Stage};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{cut, fit, seen, width, wrap, wrap_at_most};
use crate::app::{App, Pane};
use crate::phrase::{self, Tone, times};
use crate::theme::Theme;
use crate::waiting::Wait;

/// Rows of advice that are kept while at least as many portals are seen.
const ADVICE: u16 = 3;

/// Columns of a row that are neither title nor status.
const BETWEEN: u16 = 6;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Registration);
    let seen = rows_seen(app, pane::within(area));
    let title = pane::title(app, Pane::Registration, "Registration", &seen, area.width);
    let area = pane::draw(frame, area, &title, has_focus, theme);
    let registrations = app.registrations();
    if registrations.is_empty() {
        let lines: Vec<Line<'_>> = wrap(nothing(app), area.width.saturating_sub(2))
            .into_iter()
            .map(|line| Line::styled(format!(" {line}"), theme.label()))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    if let Some(text) = pane::nothing_found(app, Pane::Registration) {
        frame.render_widget(Line::styled(text, theme.label()), area);
        return;
    }
    let parts = Parts::of(app, area, theme);
    let cursor = app.registration_row();
    let lines: Vec<Line<'_>> = parts
        .rows
        .iter()
        .map(|at| {
            let line = row(app, &registrations[*at], parts.titles, area.width, theme);
            if has_focus && *at == cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    let listed = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines), area);
    let advice_height = u16::try_from(parts.advice.len()).unwrap_or(u16::MAX);
    let gap = u16::from(listed + advice_height < area.height);
    let beneath = Rect {
        y: area.y + listed + gap,
        height: advice_height.min(area.height),
        ..area
    };
    let beneath = beneath.intersection(area);
    frame.render_widget(Paragraph::new(parts.advice), beneath);
    let picked = registrations.get(cursor).filter(|_| has_focus);
    if let Some((what, at)) = picked.and_then(|one| times::moment_of(&one.status, one.since)) {
        let at = times::exact(at, &app.zone);
        pane::moment(frame, area, what, &at, theme);
    }
}

/// The row of the list on each line of the inside of the pane.
pub(super) fn rows_seen(app: &App, within: Rect) -> Vec<usize> {
    Parts::of(app, within, Theme::MONOCHROME).rows
}

/// What stands in the pane: rows of the list, and below them what to do next.
struct Parts {
    rows: Vec<usize>,
    advice: Vec<Line<'static>>,
    /// Columns of the titles of portals.
    titles: u16,
}

impl Parts {
    fn of(app: &App, within: Rect, theme: Theme) -> Self {
        let shown = app.shown(Pane::Registration);
        let count = u16::try_from(shown.len()).unwrap_or(u16::MAX);
        let advice_room = within
            .height
            .saturating_sub(count.saturating_add(1))
            .max(ADVICE.min(within.height / 2));
        let titles = width_of_titles(app, within.width);
        let columns = within.width.saturating_sub(2);
        let advice = advice(app, titles, columns, advice_room, theme);
        let advice_height = u16::try_from(advice.len()).unwrap_or(u16::MAX);
        let list_height = within.height.saturating_sub(advice_height);
        Self {
            rows: seen(&shown, app.registration_row(), list_height).collect(),
            advice,
            titles,
        }
    }
}

fn nothing(app: &App) -> &'static str {
    let Some(snapshot) = &app.snapshot else {
        return "";
    };
    if !snapshot.may_act {
        return "You may not see where people are registered.";
    }
    let has_portals = !snapshot.portals.is_empty();
    match (has_portals, app.card()) {
        (false, _) => "No portal is configured.",
        (true, Some(card)) if matches!(card.stage, Stage::Failed { .. }) => {
            "Nothing is known: the card cannot be read."
        }
        (true, Some(card)) if card.stage == Stage::Held => {
            "Nothing is known yet: another program has the card."
        }
        (true, Some(_)) => "Nothing is known yet: the card is being read.",
        (true, None) => "Put your card in to see where you are registered.",
    }
}

fn row(
    app: &App,
    registration: &Registration,
    titles: u16,
    columns: u16,
    theme: Theme,
) -> Line<'static> {
    let tone = phrase::tone(&registration.status);
    let room = columns.saturating_sub(titles + BETWEEN);
    let status = match status_that_fits(app, registration, room) {
        Ok(status) => status,
        Err(_) => registration.status.label().to_owned(),
    };
    Line::from(vec![
        Span::raw(format!(" {}  ", fit(title(app, registration), titles))),
        Span::styled(
            format!("{} {} ", Theme::mark(tone), fit(&status, room)),
            theme.tone(tone),
        ),
    ])
}

/// The status as told in one row; as an error if it is too long for that.
fn status_that_fits(app: &App, registration: &Registration, room: u16) -> Result<String, String> {
    let status = times::status(&registration.status, app.now);
    let short = times::short_status(&registration.status, app.now);
    if width(&status) <= room {
        Ok(status)
    } else if width(&short) <= room {
        Ok(short)
    } else {
        Err(status)
    }
}

/// As wide as they are, as long as each status can be named beside them.
fn width_of_titles(app: &App, columns: u16) -> u16 {
    let (mut longest, mut labels) = (0, 0);
    for registration in app.registrations() {
        longest = longest.max(width(title(app, registration)));
        labels = labels.max(width(registration.status.label()));
    }
    let room = columns.saturating_sub(labels + BETWEEN);
    longest.min(room.max(columns / 4))
}

fn title<'a>(app: &'a App, registration: &'a Registration) -> &'a str {
    app.portal(&registration.portal)
        .map_or(&registration.portal, |portal| &portal.title)
}

/// What the status of the registration picked means and what to do next.
fn advice(app: &App, titles: u16, columns: u16, most: u16, theme: Theme) -> Vec<Line<'static>> {
    let Some(registration) = app.registrations().get(app.registration_row()) else {
        return Vec::new();
    };
    let waits_for_pin = app.registrations().iter().any(|one| needs_pin(&one.status));
    let mut lines = Vec::new();
    if waits_for_pin {
        lines.push(match app.card() {
            Some(_) => Line::from(vec![
                Span::raw(" "),
                Span::styled("r", theme.key()),
                Span::styled(": type the PIN", theme.tone(Tone::Wanted)),
            ]),
            None => Line::styled(" Put the card in.", theme.tone(Tone::Wanted)),
        });
    }
    if matches!(registration.status, RegistrationStatus::NeedsConsent { .. }) {
        lines.push(Line::from(vec![
            Span::raw(" "),
            Span::styled("r", theme.key()),
            Span::styled(": read the notice", theme.tone(Tone::Wanted)),
        ]));
    }
    let by_hand = app.wizard_at(&registration.portal).map(phrase::wizard);
    let wants_wizard = registration.status == RegistrationStatus::NeedsWizard;
    let what = match by_hand {
        Some(stands) => Some(format!(": {stands}")),
        None if wants_wizard && app.card().is_some() => Some(": register by hand".to_owned()),
        None => None,
    };
    if let Some(what) = what {
        let room = columns.saturating_sub(2);
        lines.push(Line::from(vec![
            Span::raw(" "),
            Span::styled("w", theme.key()),
            Span::styled(cut(&what, room), theme.tone(Tone::Wanted)),
        ]));
    }
    let mut text = Vec::new();
    // At the last try the advice says how many are left, and matters more.
    let is_last_try = matches!(
        registration.status,
        RegistrationStatus::NeedsPin {
            tries_left: Some(1)
        }
    );
    let wants_pin = needs_pin(&registration.status) && !is_last_try;
    if let Some(said) = last_said_of_the_pin(app).filter(|_| wants_pin) {
        text.push(format!("{said}."));
    }
    let room = (columns + 2).saturating_sub(titles + BETWEEN);
    if let Err(status) = status_that_fits(app, registration, room)
        && !needs_pin(&registration.status)
    {
        text.push(sentence(&status));
    }
    if let Some(account) = account(&registration.status) {
        text.push(format!("Account {account}."));
    }
    let says_more = !matches!(
        registration.status,
        RegistrationStatus::NeedsPin {
            tries_left: Some(2..)
        }
    );
    if says_more && let Some(advice) = registration.advice() {
        text.push(advice);
    }
    text.extend(wait(app, registration));
    let room = usize::from(most).saturating_sub(lines.len());
    let tone = phrase::tone(&registration.status);
    for line in wrap_at_most(&text.join(" "), columns, room) {
        let style = if tone == Tone::Bad {
            theme.tone(Tone::Quiet)
        } else {
            theme.label()
        };
        lines.push(Line::styled(format!(" {line}"), style));
    }
    lines
}

/// What works by itself: for how long already, and how to stop it.
fn wait(app: &App, registration: &Registration) -> Option<String> {
    if phrase::tone(&registration.status) != Tone::Working {
        return None;
    }
    let wait = Wait::of(app, registration)?;
    let to_stop = format!("To stop it: {}", wait.to_stop.to_lowercase());
    if registration.status != RegistrationStatus::SigningIn {
        return Some(to_stop);
    }
    let waited = wait.since.map(|since| phrase::span(app.now.since(since)));
    let waited = waited.map_or_else(String::new, |span| format!(" {span}"));
    Some(format!("Waits{waited} for {}. {to_stop}", wait.what))
}

fn account(status: &RegistrationStatus) -> Option<&str> {
    if let RegistrationStatus::Registered { account, .. }
    | RegistrationStatus::RegisteredNotSaved { account, .. } = status
    {
        account.as_deref()
    } else {
        None
    }
}

fn sentence(text: &str) -> String {
    format!("{}.", phrase::capitalised(text))
}

/// What happened to the last PIN typed for this card in this visit.
fn last_said_of_the_pin(app: &App) -> Option<&str> {
    let card = app.card()?;
    let entry = app.happened().iter().rev().find(|entry| {
        entry.kind == HistoryKind::Pin
            && entry.at >= card.inserted_at
            && (entry.card.is_none() || entry.card == card.id)
    })?;
    Some(entry.text.trim_end_matches('.'))
}

fn needs_pin(status: &RegistrationStatus) -> bool {
    matches!(
        status,
        RegistrationStatus::NeedsPin { .. } | RegistrationStatus::OutOfDate { .. }
    )
}
