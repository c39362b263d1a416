//! What the keys and the answers do in the PIN prompt, in `clear` and in the history.

use cac_common::interface::{Clear, ClearScope, GetHistory, Lost, SubmitPin};
use cac_common::snapshot::HistoryEntry;

use super::moving::moved;
use super::{Action, Stroke, complain, edit_yes, loading, portal_test, say};
use crate::app::{
    App, ClearStep, HistoryList, Page, PinPrompt, PinStep, PinUse, Screen, may_be_the_last_try,
};
use crate::clearing;
use crate::failure::Trouble;
use crate::keys::Move;
use crate::phrase::{self, Tone};

/// A PIN has six to eight digits (SP 800-73pt2-5 §2.4.3).
pub(super) const PIN_LENGTH: std::ops::RangeInclusive<usize> = 6..=8;

/// How many entries one page of the history has.
const ENTRIES: u32 = 200;

/// More entries than this are not kept; the newest go first.
const MOST_ENTRIES: usize = 10_000;

/// How near the end the next page is asked for.
const NEAR: usize = 50;

pub(super) fn type_pin(app: &mut App, stroke: Stroke) {
    let Screen::PinPrompt(prompt) = &mut app.screen else {
        return;
    };
    prompt.problem = None;
    match stroke {
        Stroke::Secret(count) => prompt.digits = count,
        Stroke::NotADigit => prompt.problem = Some("A PIN has digits only."),
        Stroke::NoLockedMemory => {
            prompt.problem =
                Some("No memory can be locked for the PIN: raise the limit with ulimit -l.");
        }
        Stroke::NoRoom => prompt.problem = Some("A PIN has no more than 8 digits."),
        Stroke::Letter(_) | Stroke::EraseLetter | Stroke::EraseLetters => {
            if let PinStep::Insisting { typed } = &mut prompt.step {
                edit_yes(typed, stroke);
            }
        }
        Stroke::TooSoon => {}
    }
}

/// Hands the PIN over, unless it cannot be one or may be the last try.
pub(super) fn send_pin(app: &mut App) -> Option<Action> {
    let Screen::PinPrompt(prompt) = &app.screen else {
        return None;
    };
    let prompt = prompt.clone();
    let (_, card) = app.card_in_visit(&prompt.card, prompt.visit)?;
    let may_be_the_last = may_be_the_last_try(&card.pin);
    let stay = |app: &mut App, step: PinStep, problem: Option<&'static str>| {
        app.screen = Screen::PinPrompt(PinPrompt {
            step,
            problem,
            ..prompt.clone()
        });
        None
    };
    let insists = match &prompt.step {
        PinStep::Typing => {
            if !PIN_LENGTH.contains(&prompt.digits) {
                let problem = "A PIN has 6 to 8 digits; the card has not been asked.";
                return stay(app, PinStep::Typing, Some(problem));
            }
            if may_be_the_last {
                let typed = String::new();
                return stay(app, PinStep::Insisting { typed }, None);
            }
            false
        }
        PinStep::Insisting { typed } if typed == "yes" => true,
        step @ PinStep::Insisting { .. } => {
            let problem = "Type the word yes, or go back with Esc.";
            return stay(app, step.clone(), Some(problem));
        }
    };
    if let PinUse::Test { portal } = &prompt.to {
        let portal = portal.clone();
        return Some(portal_test::begin(app, prompt, portal, insists));
    }
    app.screen = Screen::Panes;
    say(app, Tone::Working, "The PIN is on its way to the card.");
    Some(Action::SubmitPin(SubmitPin {
        card: prompt.card,
        visit: prompt.visit,
        even_the_last_try: insists,
    }))
}

/// Takes the scope under the cursor, and has what would be lost counted.
pub(super) fn choose(app: &mut App) -> Option<Action> {
    let Screen::Clear(ClearStep::Choosing { cursor }) = app.screen else {
        return None;
    };
    let (_, scope) = clearing::choices(app).into_iter().nth(cursor)?;
    app.screen = Screen::Clear(ClearStep::Counting {
        scope: scope.clone(),
    });
    Some(Action::Clear(Clear {
        scope,
        dry_run: true,
    }))
}

pub(super) fn preview(app: &mut App, counted: &ClearScope, lost: Result<Lost, Trouble>) {
    // An answer that nobody waits for any more changes nothing.
    let Screen::Clear(ClearStep::Counting { scope }) = &app.screen else {
        return;
    };
    if scope != counted {
        return;
    }
    match lost {
        Ok(lost) => {
            app.screen = Screen::Clear(ClearStep::Preview {
                scope: counted.clone(),
                lost,
            });
        }
        Err(trouble) => {
            app.screen = Screen::Panes;
            complain(app, &trouble);
        }
    }
}

pub(super) fn confirm(app: &mut App) -> Option<Action> {
    let Screen::Clear(ClearStep::Preview { scope, lost }) = &app.screen else {
        return None;
    };
    if *lost == Lost::default() {
        app.screen = Screen::Panes;
        return None;
    }
    let scope = scope.clone();
    app.screen = Screen::Clear(ClearStep::Clearing {
        scope: scope.clone(),
    });
    Some(Action::Clear(Clear {
        scope,
        dry_run: false,
    }))
}

pub(super) fn cleared(app: &mut App, scope: &ClearScope, lost: Result<Lost, Trouble>) {
    if matches!(&app.screen, Screen::Clear(ClearStep::Clearing { scope: shown }) if shown == scope)
    {
        app.screen = Screen::Panes;
    }
    match lost {
        Ok(lost) => match phrase::traces(&lost) {
            Some(traces) => say(app, Tone::Wanted, &format!("Clear: {traces}.")),
            None => say(
                app,
                Tone::Good,
                &format!("Cleared: {}.", phrase::lost(&lost)),
            ),
        },
        Err(trouble) => complain(app, &trouble),
    }
}

pub(super) fn open_history(app: &mut App) -> Action {
    app.screen = loading();
    Action::LoadHistory(GetHistory::newest(ENTRIES))
}

pub(super) fn take_page(
    app: &mut App,
    before: Option<i64>,
    entries: Result<Vec<HistoryEntry>, Trouble>,
) {
    let Screen::History(list) = &mut app.screen else {
        return;
    };
    let expected = list.entries.last().map(|entry| entry.id);
    if list.page != Page::Loading || expected != before {
        return;
    }
    match entries {
        Ok(page) => {
            list.page = if page.is_empty() {
                Page::End
            } else {
                Page::More
            };
            list.entries.extend(page);
            let excess = list.entries.len().saturating_sub(MOST_ENTRIES);
            if excess > 0 {
                list.entries.drain(..excess);
                list.cursor = list.cursor.saturating_sub(excess);
                list.starts_later = true;
            }
        }
        Err(trouble) => list.page = Page::Failed(trouble),
    }
}

pub(super) fn go_in_history(app: &mut App, to: Move) -> Option<Action> {
    let Screen::History(list) = &mut app.screen else {
        return None;
    };
    if to == Move::First && list.starts_later {
        return Some(open_history(app));
    }
    let oldest = list.entries.len().saturating_sub(1);
    list.cursor = moved(to, list.cursor, oldest);
    next_page(list)
}

pub(super) fn put_cursor_in_history(app: &mut App, row: usize) -> Option<Action> {
    let Screen::History(list) = &mut app.screen else {
        return None;
    };
    list.cursor = row.min(list.entries.len().saturating_sub(1));
    next_page(list)
}

fn next_page(list: &mut HistoryList) -> Option<Action> {
    let may_ask = matches!(list.page, Page::More | Page::Failed(_));
    if !may_ask || list.cursor + NEAR < list.entries.len() {
        return None;
    }
    list.page = Page::Loading;
    Some(Action::LoadHistory(GetHistory {
        before: list.entries.last().map(|entry| entry.id),
        ..GetHistory::newest(ENTRIES)
    }))
}
