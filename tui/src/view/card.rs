//! The card that is chosen: its holder, its PIN, and how far its read is.

use cac_common::identity::readable;
use cac_common::reader::ReaderStatus;
use cac_common::snapshot::{Card, Hidden, KnownPersona, PinStatus, Reader, Stage};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::NO_ANSWER;
use super::pane;
use super::text::{cut, flow, shorten, wrap};
use crate::app::{App, Chosen, Pane, may_be_the_last_try};
use crate::phrase::{self, Tone, times};
use crate::theme::Theme;

type Piece = Vec<Span<'static>>;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Card);
    let area = pane::draw(frame, area, "Card", has_focus, theme);
    let within = Rect {
        x: area.x + u16::from(area.width > 0),
        width: area.width.saturating_sub(2),
        ..area
    };
    let mut lines = lines(app, within.width, theme);
    // What is wrong with the card is not what goes when there is no room.
    let room = usize::from(within.height);
    if let Some(findings) = findings(app, within.width, theme) {
        cut_off(&mut lines, room.saturating_sub(1), within.width);
        lines.push(findings);
    } else {
        cut_off(&mut lines, room, within.width);
    }
    frame.render_widget(Paragraph::new(lines), within);
    if has_focus {
        super::readers::seen_at(frame, area, app, theme);
    }
}

/// Leaves so many lines, and marks that there were more.
fn cut_off(lines: &mut Vec<Line<'static>>, room: usize, columns: u16) {
    if lines.len() <= room {
        return;
    }
    lines.truncate(room);
    if let Some(last) = lines.last_mut() {
        last.push_span(" …");
        last.spans = shorten(std::mem::take(&mut last.spans), columns);
    }
}

/// How many rows it takes to show all of it.
pub(super) fn height(app: &App, columns: u16) -> u16 {
    let theme = Theme::MONOCHROME;
    let findings = usize::from(findings(app, columns, theme).is_some());
    u16::try_from(lines(app, columns, theme).len() + findings).unwrap_or(u16::MAX)
}

/// As many dots as tries, and how many they are in words.
pub(super) fn pin_spans(pin: &PinStatus, theme: Theme) -> Piece {
    let tone = match pin {
        PinStatus::Blocked => Tone::Bad,
        PinStatus::Unknown
        | PinStatus::Ready {
            tries_left: Some(2..),
        } => Tone::Quiet,
        PinStatus::Ready { .. } | PinStatus::OtherProgram => Tone::Wanted,
    };
    let mut spans = Vec::new();
    if let PinStatus::Ready {
        tries_left: Some(tries),
    } = pin
    {
        let dots = "●".repeat(usize::from(*tries).min(10));
        spans.push(Span::styled(format!("{dots} "), theme.tone(tone)));
    }
    spans.push(Span::styled(phrase::pin(pin), theme.tone(tone)));
    spans
}

fn lines(app: &App, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    match app.chosen() {
        None => told(
            "Plug a reader in, and put your card into it.",
            columns,
            theme,
        ),
        Some(Chosen::Known(known)) => known_lines(app, known, columns, theme),
        Some(Chosen::Reader(reader)) => match &reader.card {
            Some(card) => card_lines(app, card, columns, theme),
            None => told(absent(reader), columns, theme),
        },
    }
}

fn absent(reader: &Reader) -> &'static str {
    match reader.status {
        ReaderStatus::Empty => "No card is in this reader. Put yours in, chip first.",
        ReaderStatus::NoAnswer => NO_ANSWER,
        ReaderStatus::Card if reader.hidden == Some(Hidden::PutInBefore) => {
            "A card is in this reader. It was put in before you came to the seat: take it out and put it in again."
        }
        ReaderStatus::Card => "A card is in this reader; you may not see whose.",
    }
}

fn told(text: &str, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    wrap(text, columns)
        .into_iter()
        .map(|line| Line::styled(line, theme.label()))
        .collect()
}

fn known_lines(app: &App, known: &KnownPersona, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut pieces = vec![vec![Span::styled(readable(&known.name), theme.strong())]];
    if let Some(tail) = &known.dod_id_tail {
        pieces.push(labelled(
            "DoD ID",
            format!("••••••{}", readable(tail)),
            theme,
        ));
    }
    let mut lines = flow(pieces, columns, 3);
    let seen = format!(
        "In no reader; last seen {}.",
        phrase::ago(app.now, known.last_seen)
    );
    lines.extend(told(&seen, columns, theme));
    lines
}

fn card_lines(app: &App, card: &Card, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = flow(holder(app, card, theme), columns, 3);
    lines.extend(flow(card_itself(app, card, theme), columns, 3));
    lines.extend(flow(stage(app, card, columns, theme), columns, 3));
    lines
}

fn holder(app: &App, card: &Card, theme: Theme) -> Vec<Piece> {
    let dod_id = card
        .dod_id
        .map(|dod_id| labelled("DoD ID", app.dod_id(dod_id), theme));
    let Some(holder) = &card.holder else {
        let told = match (&card.stage, card.dod_id) {
            (Stage::Reading { .. }, Some(_)) => "name not read yet",
            (Stage::Reading { .. } | Stage::Read | Stage::Held | Stage::Failed { .. }, _) => {
                "Holder not known"
            }
        };
        let told = vec![Span::styled(told, theme.label())];
        return dod_id.into_iter().chain([told]).collect();
    };
    let mut pieces = vec![vec![Span::styled(
        readable(&holder.name.to_string()),
        theme.strong(),
    )]];
    pieces.extend(dod_id);
    if let Some(category) = &holder.category {
        pieces.push(vec![Span::raw(readable(category))]);
    }
    pieces
}

fn card_itself(app: &App, card: &Card, theme: Theme) -> Vec<Piece> {
    let mut pieces = Vec::new();
    // Not told before the card is read to its end.
    if !card.kind.is_empty() {
        pieces.push(vec![Span::raw(readable(&card.kind))]);
    }
    if let Some(expires) = &card.expires {
        // Both are written year first, so they compare as they read.
        let has_expired = expires.as_str() < phrase::date(app.now, &app.zone).as_str();
        let piece = if has_expired {
            vec![Span::styled(
                format!("expired {}", readable(expires)),
                theme.tone(Tone::Bad),
            )]
        } else {
            labelled("expires", readable(expires), theme)
        };
        pieces.push(piece);
    }
    if let Some(user) = &card.user {
        pieces.push(labelled("user", readable(user), theme));
    }
    let mut pin = vec![Span::styled("PIN ", theme.label())];
    pin.extend(pin_spans(&card.pin, theme));
    pieces.push(pin);
    pieces
}

fn stage(app: &App, card: &Card, columns: u16, theme: Theme) -> Vec<Piece> {
    match &card.stage {
        Stage::Reading { done, of, what } => {
            let bar = super::certificates::bar(
                u64::from(*done),
                u64::from(*of),
                columns.saturating_sub(22).min(20),
            );
            let progress = vec![
                Span::styled("reading ", theme.tone(Tone::Working)),
                Span::raw(bar),
                Span::raw(format!(" {done} of {of}")),
            ];
            let what = what.iter().map(|what| {
                let what = cut(&format!("now: {what}"), columns);
                vec![Span::styled(what, theme.label())]
            });
            std::iter::once(progress).chain(what).collect()
        }
        Stage::Held => unreadable(phrase::HELD, columns, theme),
        Stage::Failed { cause } => unreadable(&readable(cause), columns, theme),
        Stage::Read => {
            let seen = if card.recognised {
                "seen before"
            } else {
                "new here"
            };
            [
                format!("put in {}", times::relative(app.now, card.inserted_at)),
                phrase::counted(u64::from(card.read_apdus), "APDU", "APDUs"),
                seen.to_owned(),
            ]
            .into_iter()
            .map(|text| vec![Span::styled(text, theme.label())])
            .collect()
        }
    }
}

fn unreadable(cause: &str, columns: u16, theme: Theme) -> Vec<Piece> {
    wrap(&format!("Cannot be read: {cause}"), columns)
        .into_iter()
        .map(|line| vec![Span::styled(line, theme.tone(Tone::Bad))])
        .collect()
}

/// What was found, the weightiest of it in full where it fits.
fn findings(app: &App, columns: u16, theme: Theme) -> Option<Line<'static>> {
    let findings = &app.card()?.findings;
    let first = phrase::by_weight(findings).into_iter().next()?;
    let (tone, _) = phrase::weight(first.weight);
    let mark = Theme::mark(tone);
    let told = app.discreet(&first.to_string());
    let text = match findings.len() {
        1 => format!("{mark} {told}"),
        several => format!("{mark} {several} findings: {told}"),
    };
    Some(Line::styled(cut(&text, columns), theme.tone(tone)))
}

fn labelled(label: &str, value: String, theme: Theme) -> Piece {
    vec![
        Span::styled(format!("{label} "), theme.label()),
        Span::raw(value),
    ]
}

/// Whether the PIN prompt has to warn.
pub(super) fn warns(card: &Card) -> bool {
    may_be_the_last_try(&card.pin)
}
