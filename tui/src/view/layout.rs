//! Where the panes stand.

use ratatui::layout::{Constraint, Layout, Rect};

use super::card;
use crate::app::{App, Pane};

/// From this width on, panes stand beside each other.
const WIDE: u16 = 80;

/// A frame and one row.
const LEAST: u16 = 3;

/// Panes that stand beside each other.
struct Row {
    panes: &'static [Pane],
    /// What it takes to show all of it.
    wanted: u16,
    /// The row with the least goes first when there is no room.
    weight: u8,
}

pub(super) fn arrange(area: Rect, app: &App) -> Vec<(Pane, Rect)> {
    let rows = if area.width >= WIDE {
        wide(area, app)
    } else {
        narrow(area, app)
    };
    let mut rows = drop_what_does_not_fit(rows, area.height, app.focus);
    let heights = heights(&rows, area.height);
    let mut placed = Vec::new();
    let mut top = area.y;
    for (row, height) in rows.iter_mut().zip(heights) {
        let line = Rect::new(area.x, top, area.width, height).intersection(area);
        top = top.saturating_add(height);
        match row.panes {
            [left, right] => {
                let [left_area, right_area] =
                    Layout::horizontal([Constraint::Length(left_width(area)), Constraint::Fill(1)])
                        .areas(line);
                placed.extend([(*left, left_area), (*right, right_area)]);
            }
            panes => placed.extend(panes.iter().map(|pane| (*pane, line))),
        }
    }
    placed
}

/// The panes that there is no room for.
pub(super) fn left_out(placed: &[(Pane, Rect)]) -> Vec<Pane> {
    let is_placed = |pane: &Pane| placed.iter().any(|(other, _)| other == pane);
    let all = Pane::ALL.into_iter();
    all.filter(|pane| !is_placed(pane)).collect()
}

fn left_width(area: Rect) -> u16 {
    u16::try_from(u32::from(area.width) * 45 / 100).unwrap_or(area.width)
}

fn wide(area: Rect, app: &App) -> Vec<Row> {
    let right = area.width.saturating_sub(left_width(area));
    let top = reader_rows(app).max(card::height(app, right.saturating_sub(4)));
    let upper = top.clamp(3, (area.height / 3).max(3)) + 2;
    vec![
        Row {
            panes: &[Pane::Readers, Pane::Card],
            wanted: upper,
            weight: 2,
        },
        Row {
            panes: &[Pane::Certificates],
            wanted: certificate_rows(app).min((area.height / 3).max(4)) + 2,
            weight: 1,
        },
        Row {
            panes: &[Pane::Registration, Pane::Happened],
            wanted: area.height,
            weight: 3,
        },
    ]
}

fn narrow(area: Rect, app: &App) -> Vec<Row> {
    let card = card::height(app, area.width.saturating_sub(4)).clamp(1, 6) + 2;
    let registrations = rows_of(app.registrations().len()).clamp(1, 6) + 5;
    vec![
        Row {
            panes: &[Pane::Readers],
            wanted: reader_rows(app).clamp(1, 4) + 2,
            weight: 3,
        },
        Row {
            panes: &[Pane::Card],
            wanted: card,
            weight: 4,
        },
        Row {
            panes: &[Pane::Registration],
            wanted: registrations,
            weight: 5,
        },
        Row {
            panes: &[Pane::Certificates],
            wanted: certificate_rows(app).clamp(1, 4) + 2,
            weight: 1,
        },
        Row {
            panes: &[Pane::Happened],
            wanted: area.height,
            weight: 2,
        },
    ]
}

fn drop_what_does_not_fit(mut rows: Vec<Row>, height: u16, focus: Pane) -> Vec<Row> {
    loop {
        let least = rows_of(rows.len()).saturating_mul(LEAST);
        if least <= height || rows.len() == 1 {
            return rows;
        }
        let lightest = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.panes.contains(&focus))
            .min_by_key(|(_, row)| row.weight)
            .map(|(at, _)| at);
        let Some(lightest) = lightest else {
            return rows;
        };
        rows.remove(lightest);
    }
}

/// Every row the least, then what it wants, the weightiest first; what is left
/// goes to the last.
fn heights(rows: &[Row], height: u16) -> Vec<u16> {
    let mut heights: Vec<u16> = rows.iter().map(|_| LEAST.min(height)).collect();
    let mut left = height.saturating_sub(heights.iter().sum());
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // The one that wants everything comes last, or the others would get nothing.
    order.sort_by_key(|at| (rows[*at].wanted >= height, u8::MAX - rows[*at].weight));
    for at in order {
        let more = rows[at].wanted.saturating_sub(heights[at]).min(left);
        heights[at] += more;
        left -= more;
    }
    if let Some(last) = heights.last_mut() {
        *last += left;
    }
    heights
}

fn reader_rows(app: &App) -> u16 {
    rows_of(app.rows().len())
}

fn certificate_rows(app: &App) -> u16 {
    rows_of(app.certificates().len()).max(1)
}

fn rows_of(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
