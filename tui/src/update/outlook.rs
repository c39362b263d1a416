//! What keys and snapshots do while it is shown what ends when.

use super::moving::{last_of, pick_row};
use crate::app::{App, Pick, Screen, Subject};
use crate::outlook::{Outlook, What};

/// Keeps the cursor on something that is there.
pub(super) fn settle(app: &mut App) {
    if let Screen::Outlook { cursor } = app.screen {
        let last = last_of(&Outlook::of(app).endings);
        app.screen = Screen::Outlook {
            cursor: cursor.min(last),
        };
    }
}

/// The details of what is under the cursor.
pub(super) fn enter(app: &mut App, cursor: usize) {
    let outlook = Outlook::of(app);
    let Some(ending) = outlook.endings.get(cursor) else {
        return;
    };
    let of = match ending.what {
        What::Card => Subject::Card,
        What::Certificate(certificate) => Subject::Certificate(certificate.slot),
    };
    let pick = Pick::Reader(ending.reader.clone());
    pick_row(app, Some(pick));
    app.lay_on_top(Screen::Details { of, scroll: 0 });
}
