//! Draws the dashboard.
//!
//! ```text
//!  header: the daemon, what needs a person, the time
//!  problems, if there are any
//! ┌ Readers ─────────┐┌ Card ─────────────────────────┐
//! │ and cards seen   ││ its holder, its PIN, its read │
//! │ before           ││                               │
//! └──────────────────┘└───────────────────────────────┘
//! ┌ Certificates ─────────────────────────────────────┐
//! │ one row for each slot                             │
//! └───────────────────────────────────────────────────┘
//! ┌ Registration ────┐┌ What happened ────────────────┐
//! │ one row a portal ││ the newest at the bottom      │
//! │ what to do next  ││                               │
//! └──────────────────┘└───────────────────────────────┘
//!  what came of the last request
//!  what goes to the cards, if it is asked for
//!  footer: the keys
//! ```
//!
//! Below 80 columns the panes stand one above the other, and the ones that
//! matter least go first when there is no room. Dialogs lie on top. All of it
//! is a pure function of [`App`].

mod activity;
mod ascii;
mod card;
mod certificates;
mod checklist;
mod clear;
mod details;
mod eligibility;
mod footer;
mod happened;
mod header;
mod help;
mod history;
mod hit;
mod layout;
mod outlook;
mod palette;
mod pane;
mod parts;
mod pin_prompt;
mod portal_test;
mod readers;
mod registration;
pub(crate) mod text;
mod wizard;

pub use self::help::HelpLayout;
pub use self::hit::{Hit, hit};

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use crate::app::{App, Link, Pane, Screen};
use crate::theme::Theme;

/// What to do about a card that does not answer.
pub const NO_ANSWER: &str =
    "The card does not answer: take it out, wipe the chip, and put it in chip first.";

pub fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let whole = frame.area();
    let problems = header::problem_lines(app, whole, theme);
    let said = footer::said_lines(app, whole, theme);
    let [top, banner, body, answer, bottom] = areas(whole, height_of(&problems), height_of(&said));

    header::draw(frame, top, app, theme);
    frame.render_widget(Paragraph::new(problems), banner);
    if let Screen::History(list) = &app.screen {
        history::draw(frame, body, app, list, theme);
    } else if let Screen::Outlook { cursor } = app.screen {
        outlook::draw(frame, body, app, cursor, theme);
        if app.link != Link::Connected {
            make_old(frame, body, theme);
        }
    } else if app.snapshot.is_some() {
        panes(frame, body, app, theme);
    } else {
        connecting(frame, body, app, theme);
    }
    frame.render_widget(Paragraph::new(said), answer);
    footer::draw(frame, bottom, app, theme);

    match &app.screen {
        Screen::Panes | Screen::History(_) | Screen::Outlook { .. } => {}
        Screen::Details { of, scroll } => details::draw(frame, app, of, *scroll, theme),
        Screen::PinPrompt(prompt) => pin_prompt::draw(frame, app, prompt, theme),
        Screen::Wizard(dialog) => wizard::draw(frame, app, dialog, theme),
        Screen::Eligibility(dialog) => eligibility::draw(frame, app, dialog, theme),
        Screen::Clear(step) => clear::draw(frame, app, step, theme),
        Screen::Help(page) => help::draw(frame, app, page, theme),
        Screen::Palette(palette) => palette::draw(frame, palette, theme),
        Screen::PortalTest(dialog) => portal_test::draw(frame, app, dialog, theme),
        Screen::Checklist(list) => checklist::draw(frame, app, list, theme),
    }
    fill(frame, theme);
    mend(frame);
    if theme.ascii {
        ascii::translate(frame.buffer_mut());
    }
}

/// The header, the problems, the panes, what was said, and the keys.
fn areas(whole: Rect, problems: u16, said: u16) -> [Rect; 5] {
    Layout::vertical([
        Constraint::Length(u16::from(whole.height > 2)),
        Constraint::Length(problems),
        Constraint::Fill(1),
        Constraint::Length(said),
        Constraint::Length(u16::from(whole.height > 3)),
    ])
    .areas(whole)
}

/// Where the sections of the help that is open begin.
pub fn help_layout(app: &App) -> HelpLayout {
    let whole = Rect::new(0, 0, app.size.0, app.size.1);
    if let Screen::Help(page) = &app.screen {
        help::layout(app, page, whole)
    } else {
        HelpLayout::default()
    }
}

/// How many rows of what is open do not fit on the screen.
pub fn scroll_room(app: &App) -> u16 {
    let whole = Rect::new(0, 0, app.size.0, app.size.1);
    match &app.screen {
        Screen::Details { of, .. } => details::scroll_room(app, of, whole),
        Screen::Help(page) => help::layout(app, page, whole).room,
        Screen::Wizard(dialog) => wizard::scroll_room(app, dialog, whole),
        Screen::Eligibility(dialog) => eligibility::scroll_room(app, dialog, whole),
        Screen::PortalTest(dialog) => portal_test::scroll_room(app, dialog, whole),
        Screen::Checklist(list) => checklist::scroll_room(app, list, whole),
        Screen::Panes
        | Screen::PinPrompt(_)
        | Screen::Clear(_)
        | Screen::History(_)
        | Screen::Palette(_)
        | Screen::Outlook { .. } => 0,
    }
}

fn panes(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let placed = layout::arrange(area, app);
    for (pane, rect) in &placed {
        let rect = *rect;
        match pane {
            Pane::Readers => readers::draw(frame, rect, app, theme),
            Pane::Card => card::draw(frame, rect, app, theme),
            Pane::Certificates => certificates::draw(frame, rect, app, theme),
            Pane::Registration => registration::draw(frame, rect, app, theme),
            Pane::Happened => happened::draw(frame, rect, app, theme),
        }
    }
    let left_out = layout::left_out(&placed);
    if let Some((_, last)) = placed.last() {
        pane::left_out(frame, *last, &left_out, theme);
    }
    if app.link != Link::Connected {
        make_old(frame, area, theme);
    }
}

/// What may not be true any more is drawn pale.
fn make_old(frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let old = theme.old();
    let buffer = frame.buffer_mut();
    for position in area.intersection(buffer.area).positions() {
        let cell = &mut buffer[position];
        cell.modifier.remove(Modifier::BOLD);
        cell.fg = Color::Reset;
        cell.set_style(old);
    }
}

/// Takes away the wide characters of which a dialog covers the second column.
fn mend(frame: &mut Frame<'_>) {
    let buffer = frame.buffer_mut();
    let columns = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(columns) {
        let mut second_is_blank = true;
        for cell in row.iter_mut().rev() {
            let symbol = cell.symbol();
            let is_blank = symbol == " ";
            if !second_is_blank && symbol.len() > 1 && symbol.width() > 1 {
                cell.set_symbol(" ");
            }
            second_is_blank = is_blank;
        }
    }
}

/// Gives the theme's own colours to whatever has none.
fn fill(frame: &mut Frame<'_>, theme: Theme) {
    let text = theme.text();
    for cell in &mut frame.buffer_mut().content {
        if let (Color::Reset, Some(colour)) = (cell.fg, text.fg) {
            cell.fg = colour;
        }
        if let (Color::Reset, Some(colour)) = (cell.bg, text.bg) {
            cell.bg = colour;
        }
    }
}

fn connecting(frame: &mut Frame<'_>, area: Rect, app: &App, theme: Theme) {
    let text = match &app.link {
        Link::Connecting | Link::Connected => "Waiting for cacd to answer.",
        Link::Away { .. } => "Nothing to show yet. The dashboard fills itself when cacd is back.",
    };
    let lines: Vec<Line<'_>> = text::wrap(text, area.width.saturating_sub(4))
        .into_iter()
        .map(|line| Line::styled(line, theme.label()).centered())
        .collect();
    let [_, middle, _] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(height_of(&lines)),
        Constraint::Fill(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(lines), middle);
}

fn height_of(lines: &[Line<'_>]) -> u16 {
    u16::try_from(lines.len()).unwrap_or(u16::MAX)
}
