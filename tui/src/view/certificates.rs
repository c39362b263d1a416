//! The certificates of the card: one row for each slot.

use cac_common::certificate::CertificateSummary;
use cac_common::identity::masked;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pane;
use super::text::{fit, fit_right, seen, width};
use crate::app::{App, Chosen, Pane};
use crate::phrase::Tone;
use crate::phrase::certificate::{place, standing, verdict};
use crate::phrase::times;
use crate::theme::Theme;

const LONGEST_BAR: u16 = 24;

/// Which columns there is room for, and how wide they are.
struct Columns {
    slot: u16,
    upn: u16,
    issuer: u16,
    key: u16,
    signs_in: u16,
    verdict: u16,
    bar: u16,
    standing: u16,
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let has_focus = pane::has_focus(app, Pane::Certificates);
    let certificates = app.certificates();
    let rows = rows_seen(app, pane::within(area));
    let title = pane::title(app, Pane::Certificates, "Certificates", &rows, area.width);
    let area = pane::draw(frame, area, &title, has_focus, theme);
    if certificates.is_empty() {
        let text = match app.chosen() {
            Some(Chosen::Reader(reader)) if reader.card.is_some() => " None is read yet.",
            Some(_) | None if !app.may_act() => " You may not see them.",
            Some(_) | None => " They show when a card is in.",
        };
        frame.render_widget(Paragraph::new(Line::styled(text, theme.label())), area);
        return;
    }
    if let Some(text) = pane::nothing_found(app, Pane::Certificates) {
        frame.render_widget(Line::styled(text, theme.label()), area);
        return;
    }
    let columns = columns(app, area.width);
    let lines: Vec<Line<'_>> = rows
        .into_iter()
        .map(|at| {
            let is_cursor = has_focus && at == app.certificate;
            let line = row(app, &certificates[at], &columns, theme);
            if is_cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
    if has_focus && let Some(certificate) = certificates.get(app.certificate) {
        let at = times::exact(certificate.not_after, &app.zone);
        pane::moment(frame, area, "ends", &at, theme);
    }
}

/// The row of the list on each line of the inside of the pane.
pub(super) fn rows_seen(app: &App, within: Rect) -> Vec<usize> {
    let shown = app.shown(Pane::Certificates);
    seen(&shown, app.certificate, within.height).collect()
}

/// How much of a whole there is, on so many columns.
pub(super) fn bar(part: u64, whole: u64, columns: u16) -> String {
    let columns = u64::from(columns);
    let filled = columns
        .saturating_mul(part.min(whole))
        .checked_div(whole)
        .unwrap_or(0);
    (0..columns)
        .map(|column| if column < filled { '━' } else { '─' })
        .collect()
}

fn columns(app: &App, room: u16) -> Columns {
    let widest = |told: &dyn Fn(&CertificateSummary) -> u16| {
        let all = app.certificates().iter();
        all.map(told).max().unwrap_or(0)
    };
    let with_gap = |wide: u16, gap| if wide > 0 { wide + gap } else { 0 };
    let if_room = |least, columns| if room >= least { columns } else { 0 };
    let upn = widest(&|one| width(upn_shown(app, one)).min(40));
    let verdict = widest(&|one| width(&verdict(one)));
    let mut columns = Columns {
        slot: 18,
        upn: if_room(110, with_gap(upn, 2)),
        issuer: 0,
        key: if_room(50, 9),
        signs_in: if_room(70, 9),
        verdict: if_room(100, with_gap(verdict, 2)),
        bar: if_room(70, 8),
        standing: widest(&|one| width(&standing(one, app.now, &app.zone).1)),
    };
    let used = 5
        + columns.slot
        + columns.upn
        + columns.key
        + columns.signs_in
        + columns.verdict
        + columns.bar
        + columns.standing;
    let left = room.saturating_sub(used);
    columns.issuer = left.min(widest(&|one| width(&one.issuer) + 2));
    if columns.bar > 0 {
        columns.bar += left - columns.issuer;
    }
    columns
}

fn row(
    app: &App,
    certificate: &CertificateSummary,
    columns: &Columns,
    theme: Theme,
) -> Line<'static> {
    let (tone, standing) = standing(certificate, app.now, &app.zone);
    let login = app.card().and_then(|card| card.login.as_ref());
    let signs_in = login.is_some_and(|login| login.slot == certificate.slot);
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
        Span::raw(column(&place(certificate), columns.slot)),
        Span::raw(column(&certificate.issuer, columns.issuer)),
        Span::styled(
            column(upn_shown(app, certificate), columns.upn),
            theme.label(),
        ),
        Span::styled(column(&certificate.key, columns.key), theme.label()),
        Span::styled(
            column(if signs_in { "signs in" } else { "" }, columns.signs_in),
            theme.strong(),
        ),
        Span::styled(
            column(&verdict(certificate), columns.verdict),
            theme.label(),
        ),
    ];
    if columns.bar > 1 {
        // A bar as wide as the screen says no more.
        let length = columns.bar.min(LONGEST_BAR);
        let left = certificate.not_after.since(app.now).as_secs();
        let whole = certificate
            .not_after
            .since(certificate.not_before)
            .as_secs();
        let bar = if app.now < certificate.not_before {
            bar(0, 1, length - 1)
        } else {
            bar(left, whole, length - 1)
        };
        let style = if tone == Tone::Good {
            theme.label()
        } else {
            theme.tone(tone)
        };
        spans.push(Span::styled(bar, style));
        spans.push(Span::raw("  "));
    }
    spans.push(Span::styled(
        fit_right(&standing, columns.standing),
        theme.tone(if tone == Tone::Good {
            Tone::Quiet
        } else {
            tone
        }),
    ));
    Line::from(spans)
}

/// A text and the gap behind it, in so many columns.
fn column(text: &str, columns: u16) -> String {
    let mut text = fit(text, columns.saturating_sub(1));
    if columns > 0 {
        text.push(' ');
    }
    text
}

/// A UPN that names its holder by number is hidden with the DoD ID.
fn upn_shown<'a>(app: &App, certificate: &'a CertificateSummary) -> &'a str {
    let upn = certificate.upn.as_deref().unwrap_or_default();
    if app.shows_dod_id || masked(upn) == upn {
        upn
    } else {
        ""
    }
}
