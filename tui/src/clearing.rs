//! What the dashboard offers to clear.

use cac_common::interface::ClearScope;
use cac_common::time::UtcSeconds;

use crate::app::{App, Chosen};

/// Each with the scope the daemon is asked for.
pub fn choices(app: &App) -> Vec<(String, ClearScope)> {
    let mut choices = Vec::new();
    if let Some(card) = app.card_id() {
        let holder = match app.chosen() {
            Some(Chosen::Reader(reader)) => reader
                .card
                .as_ref()
                .and_then(|card| card.holder.as_ref())
                .map(|holder| holder.name.to_string()),
            Some(Chosen::Known(known)) => Some(known.name.clone()),
            None => None,
        };
        let text = match holder {
            Some(name) => format!("This card, of {name}, and its registrations"),
            None => "This card and its registrations".into(),
        };
        choices.push((text, ClearScope::Card { card: card.clone() }));
    }
    if let Some(snapshot) = &app.snapshot {
        for portal in &snapshot.portals {
            choices.push((
                format!("Every registration at {}", portal.title),
                ClearScope::Portal {
                    portal: portal.name.clone(),
                },
            ));
        }
    }
    let month_ago = UtcSeconds(app.now.0.saturating_sub(30 * 24 * 60 * 60));
    choices.push((
        "The history older than 30 days".into(),
        ClearScope::History {
            before: Some(month_ago),
        },
    ));
    choices.push((
        "The whole history".into(),
        ClearScope::History { before: None },
    ));
    choices.push((
        "Everything: cards, registrations and history".into(),
        ClearScope::All {},
    ));
    choices
}
