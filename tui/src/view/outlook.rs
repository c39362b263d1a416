//! What ends when, what ends first first, with what to do about the one picked.

mod timeline;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::{fit, fit_right, width, window, wrap};
use super::{certificates, pane};
use crate::app::App;
use crate::outlook::{Ending, Outlook, What};
use crate::phrase::{self, Tone, times};
use crate::theme::Theme;
use cac_common::identity::readable;

/// From this size on the months stand above the list.
const WIDE: u16 = 100;
const HIGH: u16 = 24;

/// Characters that most advice has no more of.
const ADVICE: u16 = 480;

/// With fewer columns of a name nobody knows whose it is.
const LEAST_WHOSE: u16 = 12;

/// Characters beside the names in the line that says whose it is and when it ends.
const ENDS: u16 = 45;

/// A bar as wide as the screen says no more.
const LONGEST_BAR: u16 = 24;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, cursor: usize, theme: Theme) {
    let outlook = Outlook::of(app);
    let [above, below] = areas(area, &outlook);
    let within = pane::draw(frame, above, "Outlook: what ends, and when", true, theme);
    if outlook.endings.is_empty() {
        let lines = notes(&outlook, app, within.width, theme);
        frame.render_widget(Paragraph::new(lines), within);
        return;
    }
    let months = months(&outlook, app, area, theme);
    let [top, list] = around_list(within, &months);
    frame.render_widget(Paragraph::new(months), top);
    let columns = Columns::new(&outlook, app, list.width);
    let seen = window(outlook.endings.len(), cursor, list.height);
    let hidden = outlook.endings.len() - seen.end;
    let mut lines: Vec<Line<'_>> = seen
        .map(|at| {
            let line = row(app, &outlook.endings[at], &columns, theme);
            if at == cursor {
                pane::under_cursor(line, theme)
            } else {
                line
            }
        })
        .collect();
    if hidden == 0 {
        lines.push(Line::default());
        lines.extend(notes(&outlook, app, list.width, theme));
    }
    frame.render_widget(Paragraph::new(lines), list);
    pane::more_below(
        frame,
        within,
        u16::try_from(hidden).unwrap_or(u16::MAX),
        theme,
    );
    if let Some(ending) = outlook.endings.get(cursor) {
        picked(frame, below, app, &outlook, ending, theme);
    }
}

fn areas(area: Rect, outlook: &Outlook<'_>) -> [Rect; 2] {
    let beneath = if area.height < 12 || outlook.endings.is_empty() {
        0
    } else {
        let columns = area.width.saturating_sub(4).max(1);
        let names = |one: &Ending<'_>| width(&one.whose()).saturating_add(width(&one.reader.0));
        let names = outlook.endings.iter().map(names).max().unwrap_or(0);
        // One line of the two has room in the advice.
        let more = (names.saturating_add(ENDS) - 1) / columns;
        let rows = ADVICE.div_ceil(columns).saturating_add(more);
        rows.saturating_add(2).min(area.height / 2)
    };
    Layout::vertical([Constraint::Fill(1), Constraint::Length(beneath)]).areas(area)
}

fn months(outlook: &Outlook<'_>, app: &App, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    if area.width >= WIDE && area.height >= HIGH {
        timeline::lines(outlook, app, area.width.saturating_sub(4), theme)
    } else {
        Vec::new()
    }
}

fn around_list(within: Rect, months: &[Line<'_>]) -> [Rect; 2] {
    let months = u16::try_from(months.len()).unwrap_or(0);
    Layout::vertical([Constraint::Length(months), Constraint::Fill(1)]).areas(within)
}

/// What ends on this line of the screen.
pub(super) fn row_at(app: &App, cursor: usize, area: Rect, row: u16) -> Option<usize> {
    let outlook = Outlook::of(app);
    let months = months(&outlook, app, area, Theme::MONOCHROME);
    let [above, _] = areas(area, &outlook);
    let [_, list] = around_list(pane::within(above), &months);
    let mut seen = window(outlook.endings.len(), cursor, list.height);
    seen.nth(usize::from(row.checked_sub(list.y)?))
}

/// Which columns there is room for, and how wide they are.
struct Columns {
    word: u16,
    name: u16,
    whose: u16,
    bar: u16,
    left: u16,
    date: u16,
    /// What is left over, at the right.
    rest: u16,
}

impl Columns {
    fn new(outlook: &Outlook<'_>, app: &App, room: u16) -> Self {
        let widest = |told: &dyn Fn(&Ending<'_>) -> u16| {
            let all = outlook.endings.iter();
            all.map(told).max().unwrap_or(0)
        };
        let if_room = |least, columns| if room >= least { columns } else { 0 };
        let left = widest(&|one| width(&left(app, one))).min(20);
        let mut columns = Self {
            word: if_room(56, 10),
            name: widest(&|one| width(&one.name()))
                .min(20)
                .min(room.saturating_sub(8 + left)),
            whose: 0,
            bar: 0,
            left,
            date: if_room(60, 12),
            rest: 0,
        };
        // The mark, and a space at either end and between.
        let used = 8 + columns.word + columns.name + columns.left + columns.date;
        let mut rest = room.saturating_sub(used);
        if outlook.is_of_several() {
            let whose = widest(&|one| width(&one.whose())) + 2;
            // The mark tells the same as the word, but of what is revoked.
            if rest < whose.min(LEAST_WHOSE) {
                rest += columns.word;
                columns.word = 0;
            }
            columns.whose = rest.min(whose);
            rest -= columns.whose;
        }
        if rest > 5 {
            columns.bar = rest.min(LONGEST_BAR);
            rest -= columns.bar;
        }
        columns.rest = rest;
        columns
    }
}

fn row(app: &App, ending: &Ending<'_>, columns: &Columns, theme: Theme) -> Line<'static> {
    let nearness = ending.nearness(app.now, &app.zone);
    let (mark, word, tone) = if ending.is_revoked() {
        ("✖", "revoked", Tone::Bad)
    } else {
        (nearness.mark(), nearness.word(), nearness.tone())
    };
    let bar = if columns.bar > 2 {
        let left = ending.ends.since(app.now).as_secs();
        let length = columns.bar - 2;
        match ending.begins {
            Some(begins) if app.now < begins => certificates::bar(0, 1, length),
            Some(begins) => certificates::bar(left, ending.ends.since(begins).as_secs(), length),
            None => String::new(),
        }
    } else {
        String::new()
    };
    let left = if columns.word == 0 && ending.is_revoked() {
        word.to_owned()
    } else {
        left(app, ending)
    };
    let quiet = if tone == Tone::Quiet {
        theme.label()
    } else {
        theme.tone(tone)
    };
    Line::from(vec![
        Span::styled(format!(" {} ", fit(mark, 4)), theme.tone(tone)),
        Span::styled(fit(word, columns.word), theme.tone(tone)),
        Span::raw(fit(&ending.name(), columns.name)),
        Span::raw(" "),
        Span::styled(column(&ending.whose(), columns.whose), theme.label()),
        Span::styled(fit(&bar, columns.bar), quiet),
        Span::styled(fit_right(&left, columns.left), theme.tone(tone)),
        Span::styled(
            fit_right(&phrase::date(ending.ends, &app.zone), columns.date),
            theme.label(),
        ),
        Span::raw(fit("", columns.rest.saturating_add(1))),
    ])
}

/// A text and the gap behind it.
fn column(text: &str, columns: u16) -> String {
    let gap = columns.min(2);
    let text = fit(text, columns - gap);
    text + &" ".repeat(usize::from(gap))
}

/// `412 days left`.
fn left(app: &App, ending: &Ending<'_>) -> String {
    let begins = match ending.what {
        What::Card => app.now.min(ending.ends),
        What::Certificate(certificate) => certificate.not_before,
    };
    phrase::validity(app.now, (begins, ending.ends), &app.zone)
}

fn picked(
    frame: &mut Frame<'_>,
    area: Rect,
    app: &App,
    outlook: &Outlook<'_>,
    ending: &Ending<'_>,
    theme: Theme,
) {
    let title = phrase::capitalised(&ending.name());
    let within = pane::draw(frame, area, &title, false, theme);
    let columns = within.width.saturating_sub(2);
    let ends = times::end(app.now, ending.ends, &app.zone);
    let reader = readable(&ending.reader.0);
    let whose = format!("{}, in {reader}: ends {ends}.", ending.whose());
    let advice = outlook.advice(ending, app.now, &app.zone);
    let mut lines = Vec::new();
    for (text, style) in [(whose, theme.strong()), (advice, theme.tone(Tone::Quiet))] {
        let wrapped = wrap(&text, columns).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(format!(" {line}"), style)));
    }
    let hidden = lines.len().saturating_sub(usize::from(within.height));
    frame.render_widget(Paragraph::new(lines), within);
    pane::more_below(
        frame,
        within,
        u16::try_from(hidden).unwrap_or(u16::MAX),
        theme,
    );
}

/// What is not in the list, and why.
fn notes(outlook: &Outlook<'_>, app: &App, columns: u16, theme: Theme) -> Vec<Line<'static>> {
    let nothing = if !app.may_act() {
        Some("You may not see whose cards are there, nor when they end.")
    } else if outlook.endings.is_empty() {
        Some(
            "Nothing to tell of yet: the dates of a card show as soon as it is in a reader and read.",
        )
    } else {
        None
    };
    let notes = nothing.into_iter().map(str::to_owned);
    notes
        .chain(outlook.left_out.iter().cloned())
        .flat_map(|note| wrap(&note, columns.saturating_sub(2)))
        .map(|line| Line::styled(format!(" {line}"), theme.label()))
        .collect()
}
