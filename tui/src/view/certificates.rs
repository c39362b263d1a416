//! The certificates of the card: one row for each slot.

use cac_common::certificate::CertificateSummary;
use cac_common::time::UtcSeconds;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, fit_right, width, window};
use crate::app::{App, Chosen, Pane};
use crate::phrase::{self, Tone};
use crate::theme::Theme;

/// From here on an end is near.
const SOON: i64 = 30;

/// Which columns there is room for, and how wide they are.
struct Columns {
    slot: u16,
    upn: u16,
    issuer: u16,
    key: u16,
    signs_in: u16,
    bar: u16,
    validity: u16,
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Certificates);
    let area = pane::draw(frame, area, "Certificates", has_focus, theme);
    let certificates = app.certificates();
    if certificates.is_empty() {
        let text = match app.chosen() {
            Some(Chosen::Reader(reader)) if reader.card.is_some() => " None was read.",
            _ => " They show when a card is in.",
        };
        frame.render_widget(Paragraph::new(Line::styled(text, theme.label())), area);
        return;
    }
    let columns = columns(app, area.width);
    let lines: Vec<Line<'_>> = window(certificates.len(), app.certificate, area.height)
        .map(|at| {
            let is_cursor = has_focus && at == app.certificate;
            let line = row(app, &certificates[at], &columns, theme);
            if is_cursor {
                line.style(theme.cursor())
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// How much of a span is left, in eighths of a column.
pub(super) fn bar(part: u64, whole: u64, columns: u16) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let inside = u64::from(columns.saturating_sub(2));
    let eighths = (inside * 8)
        .saturating_mul(part.min(whole))
        .checked_div(whole)
        .unwrap_or(0);
    let mut bar = String::from("▕");
    for column in 0..inside {
        let filled = eighths.saturating_sub(column * 8).min(8);
        bar.push(match usize::try_from(filled) {
            Ok(eighths @ 0..8) => EIGHTHS[eighths],
            _ => '█',
        });
    }
    bar.push('▏');
    bar
}

/// How the validity of a certificate stands.
pub(super) fn tone(certificate: &CertificateSummary, now: UtcSeconds) -> Tone {
    if now > certificate.not_after || now < certificate.not_before {
        Tone::Bad
    } else if phrase::days_left(now, certificate.not_after) < SOON {
        Tone::Wanted
    } else {
        Tone::Good
    }
}

fn columns(app: &App, room: u16) -> Columns {
    let validity = app
        .certificates()
        .iter()
        .map(|one| width(&phrase::validity(app.now, one.not_before, one.not_after)))
        .max()
        .unwrap_or(0);
    let if_room = |least, columns| if room >= least { columns } else { 0 };
    let mut columns = Columns {
        slot: 18,
        upn: if_room(110, 26),
        issuer: 0,
        key: if_room(50, 10),
        signs_in: if_room(70, 10),
        bar: if_room(70, 13),
        validity,
    };
    let used = 3
        + columns.slot
        + columns.upn
        + columns.key
        + columns.signs_in
        + columns.bar
        + columns.validity;
    columns.issuer = room.saturating_sub(used);
    columns
}

fn row(
    app: &App,
    certificate: &CertificateSummary,
    columns: &Columns,
    theme: Theme,
) -> Line<'static> {
    let tone = tone(certificate, app.now);
    let login = app.card().and_then(|card| card.login.as_ref());
    let signs_in = login.is_some_and(|login| login.slot == certificate.slot);
    let validity = phrase::validity(app.now, certificate.not_before, certificate.not_after);
    let mut spans = vec![
        Span::raw(" "),
        Span::styled(
            Theme::mark(if tone == Tone::Good {
                Tone::Quiet
            } else {
                tone
            }),
            theme.tone(tone),
        ),
        Span::raw(" "),
        Span::raw(fit(&certificate.slot.to_string(), columns.slot)),
        Span::raw(fit(&certificate.issuer, columns.issuer)),
        Span::styled(
            fit(
                certificate
                    .upn
                    .as_deref()
                    .map_or("", |upn| upn_shown(app, upn)),
                columns.upn,
            ),
            theme.label(),
        ),
        Span::styled(fit(&certificate.key, columns.key), theme.label()),
        Span::styled(
            fit(if signs_in { "signs in" } else { "" }, columns.signs_in),
            theme.strong(),
        ),
    ];
    if columns.bar > 1 {
        let left = certificate.not_after.since(app.now).as_secs();
        let whole = certificate
            .not_after
            .since(certificate.not_before)
            .as_secs();
        let bar = if app.now < certificate.not_before {
            bar(0, 1, columns.bar - 1)
        } else {
            bar(left, whole, columns.bar - 1)
        };
        spans.push(Span::styled(bar, theme.tone(tone)));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::styled(
        fit_right(&validity, columns.validity),
        theme.tone(if tone == Tone::Good {
            Tone::Quiet
        } else {
            tone
        }),
    ));
    Line::from(spans)
}

/// A UPN that is the DoD ID is hidden with it.
fn upn_shown<'a>(app: &App, upn: &'a str) -> &'a str {
    let dod_id = app
        .card()
        .and_then(|card| card.holder.as_ref()?.dod_id)
        .map(|dod_id| dod_id.to_string());
    match dod_id {
        Some(dod_id) if !app.shows_dod_id && upn.contains(&dod_id) => "",
        _ => upn,
    }
}
