//! What the mouse does: a click does what is under it, the wheel moves.

use super::moving::{go, go_in_pane, put_cursor};
use super::{Action, history, obey, palette};
use crate::app::{App, ClearStep, Screen};
use crate::keys::{Command, Move};
use crate::view::{Hit, hit};

/// How many rows one notch of the wheel goes.
const NOTCH: usize = 3;

/// Something that the mouse did, and where, counted from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    pub column: u16,
    pub row: u16,
    pub did: MouseDid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseDid {
    Click,
    WheelUp,
    WheelDown,
}

pub(super) fn take(app: &mut App, mouse: Mouse) -> Option<Action> {
    app.start = None;
    let hit = hit(app, mouse.column, mouse.row);
    match mouse.did {
        MouseDid::Click => click(app, hit?),
        MouseDid::WheelUp => wheel(app, hit, Move::Up),
        MouseDid::WheelDown => wheel(app, hit, Move::Down),
    }
}

/// The row under the cursor is opened, any other takes the cursor.
fn click(app: &mut App, hit: Hit) -> Option<Action> {
    match hit {
        Hit::Key(command) => obey(app, command),
        Hit::Pane(pane, row) => {
            let had_it = app.focus == pane;
            app.focus = pane;
            app.said = None;
            if app.types_filter() {
                palette::keep_filter(app);
            }
            let row = row?;
            if had_it && app.cursor(pane) == row {
                return obey(app, Command::Open);
            }
            put_cursor(app, pane, row);
            None
        }
        Hit::Row(row) => choose(app, row),
    }
}

fn choose(app: &mut App, row: usize) -> Option<Action> {
    if let Screen::History(_) = app.screen {
        return history::put_cursor(app, row);
    }
    if let Screen::Outlook { cursor } = &mut app.screen
        && *cursor != row
    {
        *cursor = row;
        return None;
    }
    if let Screen::Palette(palette) = &mut app.screen {
        palette.cursor = row;
    } else if let Screen::Clear(ClearStep::Choosing { cursor }) = &mut app.screen {
        *cursor = row;
    }
    obey(app, Command::Open)
}

fn wheel(app: &mut App, hit: Option<Hit>, to: Move) -> Option<Action> {
    let mut action = None;
    for _ in 0..NOTCH {
        if let Some(Hit::Pane(pane, _)) = hit {
            go_in_pane(app, pane, to);
        } else {
            action = action.or(go(app, to));
        }
    }
    action
}
