//! Frames: of a pane, and of a dialog on top of the panes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding};

use crate::app::{App, Pane, Screen};
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

pub(super) fn has_focus(app: &App, pane: Pane) -> bool {
    app.screen == Screen::Panes && app.focus == pane
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

/// The size of what is within a dialog of this size.
pub(super) fn room_in_dialog(whole: Rect, size: (u16, u16)) -> (u16, u16) {
    let area = middle(whole, size);
    (area.width.saturating_sub(4), area.height.saturating_sub(2))
}

fn framed<'a>(title: &'a str, has_focus: bool, theme: Theme) -> Block<'a> {
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
