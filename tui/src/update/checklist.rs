//! What keys and answers do in the checklist.

#[cfg(test)]
mod tests;

use cac_common::interface::PortalDetails;

use super::Action;
use super::moving::{last_of, moved};
use crate::app::{App, ChecklistScreen, Link, Screen};
use crate::check::Finding;
use crate::check::look::Looked;
use crate::failure::Trouble;
use crate::keys::Move;

pub(super) fn open(app: &mut App) -> Option<Action> {
    app.screen = Screen::Checklist(ChecklistScreen::default());
    next(app)
}

fn list_mut(app: &mut App) -> Option<&mut ChecklistScreen> {
    app.screens_mut().find_map(|screen| {
        if let Screen::Checklist(list) = screen {
            Some(list)
        } else {
            None
        }
    })
}

/// Looks around on this machine if things have changed since; else asks for the
/// next profile that was not asked for yet, one at a time.
pub(super) fn next(app: &mut App) -> Option<Action> {
    let surroundings = Some(app.surroundings());
    let list = list_mut(app)?;
    if list.looked_at != surroundings {
        list.looked_at = surroundings;
        list.round += 1;
        return Some(Action::LookAround(list.round));
    }
    if app.link != Link::Connected {
        return None;
    }
    let portals = app.snapshot.iter().flat_map(|it| &it.portals);
    let names: Vec<String> = portals.map(|portal| portal.name.clone()).collect();
    let list = list_mut(app)?;
    if list.asking.is_some() {
        return None;
    }
    let mut names = names.into_iter();
    let name = names.find(|name| !list.profiles.contains_key(name))?;
    list.asking = Some(name.clone());
    Some(Action::LoadProfile(name))
}

pub(super) fn profile(
    app: &mut App,
    of: &str,
    profile: Result<Box<PortalDetails>, Trouble>,
) -> Option<Action> {
    let list = list_mut(app)?;
    // Another one was asked for meanwhile, or none is any more.
    if list.asking.as_deref() != Some(of) {
        return None;
    }
    list.asking = None;
    list.profiles.insert(of.to_owned(), profile.map(|_| ()));
    next(app)
}

/// What one check of this machine came to.
pub(super) fn looked(app: &mut App, round: u64, looked: Looked) -> Option<Action> {
    let list = list_mut(app)?;
    if list.round == round {
        list.machine.insert(looked.check, looked.found);
    }
    next(app)
}

/// What the daemon said holds no longer when it has gone.
pub(super) fn forget(app: &mut App) {
    if let Some(list) = list_mut(app) {
        list.profiles.clear();
        list.asking = None;
    }
}

pub(super) fn run_anew(app: &mut App) -> Option<Action> {
    // Where the cursor goes by itself is worked out anew too.
    let list = list_mut(app)?;
    list.profiles.clear();
    list.asking = None;
    list.picked = None;
    list.machine.clear();
    list.looked_at = None;
    next(app)
}

/// Opens the line under the cursor.
pub(super) fn enter(app: &mut App) {
    let Some(name) = under_cursor(app).map(|(name, _)| name) else {
        return;
    };
    if let Some(list) = list_mut(app) {
        list.picked = Some(name);
        list.opened = Some(0);
    }
}

/// Its key, and whether it is the person's to say.
fn under_cursor(app: &App) -> Option<(String, bool)> {
    let Screen::Checklist(list) = &app.screen else {
        return None;
    };
    let findings = app.findings(list);
    let finding = findings.get(list.row(&findings))?;
    Some((finding.key(), finding.check.is_stated()))
}

/// Back from one line to the list; whether one was open.
pub(super) fn closes_line(app: &mut App) -> bool {
    list_mut(app).is_some_and(|list| list.opened.take().is_some())
}

pub(super) fn tick(app: &mut App) {
    if let Some((name, true)) = under_cursor(app) {
        if let Some(list) = list_mut(app) {
            list.picked = Some(name.clone());
        }
        if !app.ticked.remove(&name) {
            app.ticked.insert(name);
        }
    }
}

pub(super) fn go(app: &mut App, to: Move, room: u16) {
    let Screen::Checklist(list) = &app.screen else {
        return;
    };
    let findings = app.findings(list);
    let row = moved(to, list.row(&findings), last_of(&findings));
    let key = findings.get(row).map(Finding::key);
    let Some(list) = list_mut(app) else {
        return;
    };
    if let Some(scroll) = &mut list.opened {
        let at = moved(to, usize::from(*scroll), usize::from(room));
        *scroll = u16::try_from(at).unwrap_or(u16::MAX);
    } else {
        list.picked = key;
    }
}
