//! What the keys and the answers do in the history.

#[cfg(test)]
mod tests;

use cac_common::interface::{GetHistory, HistoryReply};

use super::moving::moved;
use super::{Action, Stroke, edit};
use crate::app::{App, HistoryList, Page, Screen, Search};
use crate::failure::Trouble;
use crate::keys::Move;

/// How many entries one page of the history has.
const ENTRIES: u32 = 200;

/// More entries than this are not kept; the newest go first.
const MOST_ENTRIES: usize = 10_000;

/// How near the end the next page is asked for.
const NEAR: usize = 50;

pub(super) fn show(app: &mut App) -> Option<Action> {
    app.screen = Screen::History(HistoryList::default());
    from_the_newest(app)
}

/// Asks anew: something else is looked for, or what was newest was let go.
fn from_the_newest(app: &mut App) -> Option<Action> {
    let list = app.history_mut()?;
    let text = list.search.as_ref().map(|search| search.text.trim());
    let request = GetHistory {
        text: text.filter(|text| !text.is_empty()).map(str::to_owned),
        ..GetHistory::newest(ENTRIES)
    };
    *list = HistoryList {
        page: Page::Loading(request.clone()),
        search: list.search.take(),
        ..HistoryList::default()
    };
    Some(Action::LoadHistory(request))
}

pub(super) fn take_page(
    app: &mut App,
    request: &GetHistory,
    reply: Result<HistoryReply, Trouble>,
) -> Option<Action> {
    let list = app.history_mut()?;
    // Something else was asked for since.
    if !matches!(&list.page, Page::Loading(asked) if asked == request) {
        return None;
    }
    match reply {
        Ok(reply) => {
            list.page = match reply.next_before {
                Some(before) => Page::More(GetHistory {
                    before: Some(before),
                    ..request.clone()
                }),
                None => Page::End,
            };
            list.entries.extend(reply.entries);
            let excess = list.entries.len().saturating_sub(MOST_ENTRIES);
            if excess > 0 {
                list.entries.drain(..excess);
                list.cursor = list.cursor.saturating_sub(excess);
                list.starts_later = true;
            }
            // A search looks at a bounded number of entries at a time, and goes on.
            next_page(list)
        }
        Err(trouble) => {
            list.page = Page::Failed(request.clone(), trouble);
            None
        }
    }
}

pub(super) fn go(app: &mut App, to: Move) -> Option<Action> {
    let list = app.history_mut()?;
    if to == Move::First && list.starts_later {
        return from_the_newest(app);
    }
    let oldest = list.entries.len().saturating_sub(1);
    list.cursor = moved(to, list.cursor, oldest);
    if let Page::Failed(request, _) = &list.page {
        list.page = Page::More(request.clone());
    }
    next_page(list)
}

pub(super) fn put_cursor(app: &mut App, row: usize) -> Option<Action> {
    let list = app.history_mut()?;
    list.cursor = row.min(list.entries.len().saturating_sub(1));
    next_page(list)
}

fn next_page(list: &mut HistoryList) -> Option<Action> {
    let Page::More(request) = &list.page else {
        return None;
    };
    if list.cursor + NEAR < list.entries.len() {
        return None;
    }
    let request = request.clone();
    list.page = Page::Loading(request.clone());
    Some(Action::LoadHistory(request))
}

pub(super) fn search(app: &mut App) {
    if let Some(list) = app.history_mut() {
        list.search.get_or_insert_with(Search::default).is_typed = true;
    }
}

/// Every change of what is looked for is looked for at once.
pub(super) fn typed(app: &mut App, stroke: Stroke) -> Option<Action> {
    let search = app.history_mut()?.search.as_mut()?;
    let before = search.text.clone();
    edit(&mut search.text, stroke);
    let is_another = search.text.trim() != before.trim();
    if is_another {
        from_the_newest(app)
    } else {
        None
    }
}

/// What was typed holds from now on, unless it is nothing.
pub(super) fn keep_search(app: &mut App) {
    let Some(list) = app.history_mut() else {
        return;
    };
    list.search = list
        .search
        .take()
        .filter(|search| !search.text.trim().is_empty())
        .map(|search| Search {
            is_typed: false,
            ..search
        });
}

/// Shows all again.
pub(super) fn drop_search(app: &mut App) -> Option<Action> {
    let search = app.history_mut()?.search.take()?;
    if search.text.trim().is_empty() {
        None
    } else {
        from_the_newest(app)
    }
}
