//! What a notification looks like: its picture, its buttons, how much it presses.

use super::Action;
use crate::command::agent::telling::{Lasts, Note};
use crate::settings::Kind;

impl Action {
    /// What a click on the notification itself is called.
    const DEFAULT: &str = "default";
    const OPEN: &str = "open";
    const TOMORROW: &str = "tomorrow";

    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            Self::DEFAULT | Self::OPEN => Some(Self::Open),
            Self::TOMORROW => Some(Self::RemindTomorrow),
            _ => None,
        }
    }
}

/// Each by its name and what people read.
pub(super) fn actions(note: &Note) -> Vec<&'static str> {
    let open = [Action::DEFAULT, "Open", Action::OPEN, "Open"];
    let tomorrow = [Action::TOMORROW, "Remind me tomorrow"];
    match note.kind {
        Kind::Card | Kind::Registered => open[..2].to_vec(),
        Kind::Pin => open.to_vec(),
        Kind::NeedsYou if note.lasts == Lasts::News => Vec::new(),
        Kind::NeedsYou | Kind::Expiry => open.into_iter().chain(tomorrow).collect(),
    }
}

/// 0 is low and 1 is normal.
pub(super) fn urgency(note: &Note) -> u8 {
    u8::from(note.lasts != Lasts::News)
}

/// Of the Icon Naming Specification.
pub(super) fn icon(kind: Kind) -> &'static str {
    match kind {
        Kind::Card | Kind::Registered => "security-high",
        Kind::Pin => "dialog-password",
        Kind::NeedsYou => "dialog-warning",
        Kind::Expiry => "appointment-soon",
    }
}

pub(super) fn without_markup(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
