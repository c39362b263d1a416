//! Frames: of a pane, and of a dialog on top of the panes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding};

use super::text::{cut, width};
use crate::app::{App, Pane, Screen};
use crate::phrase;
use crate::theme::Theme;

/// Draws the frame of a pane and gives back what is within. The one that the
/// keys are about has a thick frame.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    has_focus: bool,
    theme: Theme,
) -> Rect {
    let border = if has_focus {
        BorderType::Thick
    } else {
        BorderType::Plain
    };
    let block = framed(title, has_focus, theme).border_type(border);
    let within = block.inner(area);
    frame.render_widget(block, area);
    within
}

/// The inside of a pane.
pub(super) fn within(area: Rect) -> Rect {
    Block::bordered().inner(area)
}

/// The name of a list, and what is looked for in it or which of its rows are seen.
pub(super) fn title(app: &App, pane: Pane, name: &str, seen: &[usize], columns: u16) -> String {
    let Some(filter) = app.filter_of(pane) else {
        let all = app.length(pane);
        return match seen {
            [only] if all > 1 => format!("{name} {} of {all}", only + 1),
            [first, .., last] if seen.len() < all => {
                format!("{name} {} to {} of {all}", first + 1, last + 1)
            }
            _ => name.to_owned(),
        };
    };
    let found = app.shown(pane).len();
    let end = if filter.is_typed { "▏" } else { "" };
    let text = cut(&filter.text, columns.saturating_sub(width(name) + 16));
    format!("{name} /{text}{end} ({found} found)")
}

/// Said in a list where nothing is found.
pub(super) fn nothing_found(app: &App, pane: Pane) -> Option<&'static str> {
    app.filter_of(pane)?;
    app.shown(pane)
        .is_empty()
        .then_some(" Nothing here has these words. Esc shows all again.")
}

pub(super) fn has_focus(app: &App, pane: Pane) -> bool {
    app.screen == Screen::Panes && app.focus == pane
}

/// A row that the keys are about. Its colours go: reversed, they would shout.
pub(super) fn under_cursor(line: Line<'static>, theme: Theme) -> Line<'static> {
    let spans = line.spans.into_iter().map(|span| {
        let style = Style::new().add_modifier(span.style.add_modifier - Modifier::DIM);
        Span::styled(span.content, style)
    });
    Line::from(spans.collect::<Vec<_>>()).style(theme.cursor())
}

/// Draws an empty dialog in the middle of `whole` and gives back what is within.
pub(super) fn dialog(frame: &mut Frame<'_>, title: &str, size: (u16, u16), theme: Theme) -> Rect {
    let area = middle(frame.area(), size);
    let block = framed(title, true, theme)
        .border_type(BorderType::Double)
        .padding(Padding::horizontal(1));
    let within = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    within
}

/// Says on the lower edge of a dialog that so many rows lie below what is seen.
pub(super) fn more_below(frame: &mut Frame<'_>, within: Rect, rows: u16, theme: Theme) {
    if rows > 0 {
        lower_edge(frame, within, &format!("{rows} more below"), theme);
    }
}

/// Says on the upper edge of a dialog that so many rows lie above what is seen,
/// where its title leaves room.
pub(super) fn more_above(
    frame: &mut Frame<'_>,
    within: Rect,
    title: &str,
    rows: u16,
    theme: Theme,
) {
    let told = format!(" {rows} more above ");
    let columns = width(&told);
    if rows == 0 || columns + width(title) + 3 > within.width {
        return;
    }
    let edge = Rect {
        x: within.right() - columns,
        y: within.y.saturating_sub(1),
        width: columns,
        height: 1,
    };
    let edge = edge.intersection(frame.area());
    frame.render_widget(Span::styled(told, theme.label()), edge);
}

/// Says on the lower edge of a pane when exactly what is under the cursor was or will be.
pub(super) fn moment(frame: &mut Frame<'_>, within: Rect, what: &str, at: &str, theme: Theme) {
    lower_edge(frame, within, &format!("{what} {at}"), theme);
}

/// Says on the upper edge of the last pane which there is no room for, and the key to them,
/// in as many words as there is room for beside its title.
pub(super) fn left_out(frame: &mut Frame<'_>, last: Rect, panes: &[Pane], theme: Theme) {
    let names: Vec<&str> = panes.iter().map(|pane| pane.name()).collect();
    let last = last.intersection(frame.area());
    if names.is_empty() || last.is_empty() {
        return;
    }
    let count = phrase::counted(names.len() as u64, "more pane", "more panes");
    let buffer = frame.buffer_mut();
    let corner = last.right().saturating_sub(1);
    let end = buffer[(corner.saturating_sub(1), last.y)].clone();
    let is_free = |x: &u16| buffer[(*x, last.y)] == end;
    let free = (last.x..corner).rev().take_while(is_free).count();
    let told = [
        format!(" Not shown (Tab): {} ", names.join(", ")),
        format!(" Tab: {count} "),
        format!(" Tab: {} more ", names.len()),
    ];
    let fitting = told.iter().find(|told| usize::from(width(told)) < free);
    if let Some(told) = fitting {
        buffer.set_string(corner - width(told), last.y, told, theme.label());
    }
}

/// Writes on the lower edge, at its right; nothing where it does not fit.
fn lower_edge(frame: &mut Frame<'_>, within: Rect, told: &str, theme: Theme) {
    let told = format!(" {told} ");
    let columns = width(&told);
    if columns > within.width {
        return;
    }
    let edge = Rect {
        x: within.right() - columns,
        y: within.bottom(),
        width: columns,
        height: 1,
    };
    let edge = edge.intersection(frame.area());
    frame.render_widget(Span::styled(told, theme.label()), edge);
}

/// Where the inside of a dialog of this size is.
pub(super) fn within_dialog(whole: Rect, size: (u16, u16)) -> Rect {
    let area = middle(whole, size);
    Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

/// The size of what is within a dialog of this size.
pub(super) fn room_in_dialog(whole: Rect, size: (u16, u16)) -> (u16, u16) {
    let area = middle(whole, size);
    (area.width.saturating_sub(4), area.height.saturating_sub(2))
}

fn framed(title: &str, has_focus: bool, theme: Theme) -> Block<'_> {
    let style = theme.border(has_focus);
    let title = if has_focus {
        Span::styled(format!(" {title} "), style)
    } else {
        Span::raw(format!(" {title} "))
    };
    Block::bordered()
        .border_style(style)
        .title(Line::from(title))
}

fn middle(whole: Rect, (columns, rows): (u16, u16)) -> Rect {
    let width = columns.min(whole.width);
    let height = rows.min(whole.height);
    Rect::new(
        whole.x + (whole.width - width) / 2,
        whole.y + (whole.height - height) / 2,
        width,
        height,
    )
}
