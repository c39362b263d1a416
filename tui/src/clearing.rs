//! What the dashboard offers to clear.

use cac_common::identity::CardId;
use cac_common::interface::ClearScope;
use cac_common::time::UtcSeconds;

use crate::app::App;

/// Each with the scope the daemon is asked for.
pub fn choices(app: &App) -> Vec<(String, ClearScope)> {
    let mut choices = Vec::new();
    if let Some(card) = app.card_id() {
        let holder = holder_of(app, card);
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

/// The name of a card's holder, if it is shown to us.
pub fn holder_of(app: &App, card: &CardId) -> Option<String> {
    let snapshot = app.snapshot.as_ref()?;
    let in_reader = snapshot
        .readers
        .iter()
        .filter_map(|reader| reader.card.as_ref())
        .find(|one| one.id.as_ref() == Some(card))
        .and_then(|one| one.holder.as_ref())
        .map(|holder| holder.name.to_string());
    in_reader.or_else(|| {
        let known = snapshot.known.iter().find(|known| known.card == *card)?;
        Some(known.name.clone())
    })
}
