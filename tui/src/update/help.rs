//! Where the help begins, and how its sections are turned.

use super::moving::moved;
use crate::app::{App, HelpPage, Pane, Screen};
use crate::keys::Move;
use crate::view;

/// Begins with the keys of where it was opened; on a registration, with its status.
pub(super) fn open(app: &mut App) {
    if let Screen::Help(_) = app.screen {
        return;
    }
    let about = status_picked(app);
    app.lay_on_top(Screen::Help(HelpPage {
        from: app.mode(),
        about,
        section: 0,
        scroll: 0,
    }));
    if about.is_some() {
        let layout = view::help_layout(app);
        if let (Screen::Help(page), Some(row)) = (&mut app.screen, layout.about) {
            // With the row above it.
            page.scroll = row.saturating_sub(1).min(layout.room);
            page.section = layout.section_at(page.scroll);
        }
    }
}

/// The label of the registration that is open, or was picked by hand.
fn status_picked(app: &App) -> Option<&'static str> {
    let is_picked = app.screen == Screen::Panes && app.focus == Pane::Registration;
    let picked = app.registration.clone().filter(|_| is_picked);
    let portal = app.opened().or(picked)?;
    let mut registrations = app.registrations().iter();
    let registration = registrations.find(|one| one.portal == portal)?;
    Some(registration.status.label())
}

/// To the next section, or the one before; from the last to the first.
pub(super) fn turn(app: &mut App, steps: isize) {
    let layout = view::help_layout(app);
    if let Screen::Help(page) = &mut app.screen {
        let count = layout.starts.len().max(1);
        let to = page.section.wrapping_add_signed(steps);
        page.section = if to == usize::MAX {
            count - 1
        } else {
            to % count
        };
        let start = layout.starts.get(page.section).copied().unwrap_or(0);
        page.scroll = start.min(layout.room);
    }
}

pub(super) fn scroll(app: &mut App, to: Move) {
    let layout = view::help_layout(app);
    if let Screen::Help(page) = &mut app.screen {
        let at = moved(to, usize::from(page.scroll), usize::from(layout.room));
        page.scroll = u16::try_from(at).unwrap_or(u16::MAX);
        page.section = layout.section_at(page.scroll);
    }
}
