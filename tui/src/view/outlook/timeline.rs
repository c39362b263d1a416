//! The months from now on in one line, with how much ends in each.

use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::outlook::{Nearness, Outlook};
use crate::phrase;
use crate::theme::Theme;

/// What ends later than in four years stands in the list alone.
const MOST_MONTHS: usize = 48;

/// Months are no wider than this.
const WIDEST: usize = 5;

const NAMES: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Counted from the year 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Month(usize);

impl Month {
    fn of(at: UtcSeconds, zone: &TimeZone) -> Option<Self> {
        let date = phrase::date(at, zone);
        let (year, rest) = date.split_once('-')?;
        let (month, _) = rest.split_once('-')?;
        let (year, month): (usize, usize) = (year.parse().ok()?, month.parse().ok()?);
        Some(Self(year * 12 + month.checked_sub(1)?))
    }

    /// The year at its first month, else the name.
    fn label(self) -> String {
        if self.0.is_multiple_of(12) {
            (self.0 / 12).to_string()
        } else {
            NAMES[self.0 % 12].to_owned()
        }
    }
}

/// The line of months, their names beneath, and a gap; nothing if nothing that
/// is still to come ends within them.
pub(super) fn lines(
    outlook: &Outlook<'_>,
    app: &App,
    columns: u16,
    theme: Theme,
) -> Vec<Line<'static>> {
    let columns = usize::from(columns);
    let Some(first) = Month::of(app.now, &app.zone) else {
        return Vec::new();
    };
    let mut ends: Vec<(usize, Nearness)> = Vec::new();
    for ending in outlook.endings.iter().filter(|one| one.ends >= app.now) {
        let month = Month::of(ending.ends, &app.zone);
        let later = month.and_then(|month| month.0.checked_sub(first.0));
        if let Some(later) = later.filter(|later| *later < MOST_MONTHS.min(columns)) {
            ends.push((later, ending.nearness(app.now, &app.zone)));
        }
    }
    let Some(last) = ends.iter().map(|(later, _)| *later).max() else {
        return Vec::new();
    };
    let months = last + 1;
    let wide = (columns / months).clamp(1, WIDEST);
    let mut line = vec![Span::raw(" ")];
    for later in 0..months {
        let here = || ends.iter().filter(|(at, _)| *at == later);
        let rest = "─".repeat(wide - 1);
        match here().map(|(_, nearness)| *nearness).min() {
            None => line.push(Span::styled(format!("─{rest}"), theme.label())),
            Some(nearness) => {
                let count = here().count();
                let count = if count > 9 {
                    "+".into()
                } else {
                    count.to_string()
                };
                let style = theme.tone(nearness.tone()).patch(theme.strong());
                line.push(Span::styled(count, style));
                line.push(Span::styled(rest, theme.label()));
            }
        }
    }
    let names = Line::styled(
        format!(" {}", names(first, months, wide, columns)),
        theme.label(),
    );
    vec![Line::from(line), names, Line::default()]
}

/// Years before all else, then the names of months where they fit between.
fn names(first: Month, months: usize, wide: usize, columns: usize) -> String {
    let mut cells = vec![' '; columns];
    let every = |step: usize| (0..months).filter(move |at| (first.0 + at).is_multiple_of(step));
    let order = every(12)
        .chain(std::iter::once(0))
        .chain(every(6))
        .chain(every(3))
        .chain(every(1));
    for at in order {
        let label = Month(first.0 + at).label();
        let start = at * wide;
        let end = start + label.len();
        // A space on either side.
        let around = start.saturating_sub(1)..(end + 1).min(columns);
        let is_free = cells
            .get(around)
            .is_some_and(|cells| cells.iter().all(|cell| *cell == ' '));
        if !is_free {
            continue;
        }
        if let Some(place) = cells.get_mut(start..end) {
            for (cell, letter) in place.iter_mut().zip(label.chars()) {
                *cell = letter;
            }
        }
    }
    cells.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_months_never_run_into_each_other() {
        let november = Month(2026 * 12 + 10);

        for (months, wide, told) in [
            (
                15,
                5,
                "Nov  Dec  2027 Feb  Mar  Apr  May  Jun  Jul  Aug  Sep  Oct  Nov  Dec  2028",
            ),
            (15, 2, "Nov 2027  Apr   Jul   Oct   2028"),
            (15, 1, "  2027  Jul   2028"),
            (1, 5, "Nov"),
        ] {
            let names = names(november, months, wide, 80);

            assert_eq!(names.trim_end(), told, "{wide}");
        }
    }
}
