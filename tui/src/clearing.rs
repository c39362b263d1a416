//! What the dashboard offers to clear, and what comes back by itself.

use cac_common::identity::{CardId, readable};
use cac_common::interface::ClearScope;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Snapshot};
use cac_common::time::UtcSeconds;

use crate::app::App;
use crate::happening;

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
        choices.extend(other_cards(snapshot, app.card_id()));
        for portal in &snapshot.portals {
            choices.push((
                format!("Every registration at {}", portal.title),
                ClearScope::Portal {
                    portal: portal.name.clone(),
                },
            ));
        }
    }
    choices.push((
        "Sessions with portals, of who registers by hand".into(),
        ClearScope::Sessions {},
    ));
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

/// Those in other readers, and those that were seen before and are in none.
fn other_cards<'a>(
    snapshot: &'a Snapshot,
    chosen: Option<&'a CardId>,
) -> impl Iterator<Item = (String, ClearScope)> + 'a {
    let cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
    let in_readers: Vec<(&CardId, &Card)> = cards
        .filter_map(|card| Some((card.id.as_ref()?, card)))
        .collect();
    let is_in = move |id: &CardId| chosen == Some(id);
    let out: Vec<(&CardId, String)> = snapshot
        .known
        .iter()
        .filter(|known| in_readers.iter().all(|(id, _)| **id != known.card))
        .map(|known| {
            let tail = known.dod_id_tail.as_deref().map(readable);
            let tail = tail.map_or_else(String::new, |tail| format!(" •{tail}"));
            let name = readable(&known.name);
            (
                &known.card,
                format!("The card of {name}{tail}, which is out"),
            )
        })
        .collect();
    let in_readers = in_readers.into_iter().map(|(id, card)| {
        let text = match &card.holder {
            Some(holder) => format!("The card of {}", readable(&holder.name.to_string())),
            None => "Another card in a reader".into(),
        };
        (id, text)
    });
    in_readers
        .chain(out)
        .filter(move |(id, _)| !is_in(id))
        .map(|(id, text)| (text, ClearScope::Card { card: id.clone() }))
}

/// The name of a card's holder, if it is shown to us.
pub fn holder_of(app: &App, card: &CardId) -> Option<String> {
    happening::holder_of(app.snapshot.as_ref()?, card)
}

/// One sentence for each card that is signed in again as soon as that is cleared.
pub fn comes_back(snapshot: &Snapshot, scope: &ClearScope) -> Vec<String> {
    let cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
    cards
        .filter(|card| signs_in_again(card, scope))
        .map(|card| {
            let whose = card.holder.as_ref().map_or_else(
                || "a card".into(),
                |holder| format!("the card of {}", readable(&holder.name.to_string())),
            );
            format!(
                "The PIN of {whose} is kept: it is signed in again at once, and that is written \
                 down. Take it out first if nothing is to stay."
            )
        })
        .collect()
}

fn signs_in_again(card: &Card, scope: &ClearScope) -> bool {
    let mut meant = card.registrations.iter().filter(|one| match scope {
        ClearScope::All {} => true,
        ClearScope::Card { card: id } => card.id.as_ref() == Some(id),
        ClearScope::Portal { portal } => one.portal == *portal,
        ClearScope::History { .. } | ClearScope::Sessions {} | ClearScope::Copies {} => false,
    });
    // A sign-in that is under way goes on.
    meant.any(|one| card.pin_kept || one.status == RegistrationStatus::SigningIn)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::invented;
    use crate::update::{Message, update};

    #[test]
    fn a_card_comes_back_only_where_its_pin_is_kept_and_it_is_meant() {
        let desk = |pin_kept| {
            let mut desk = invented::desk();
            let mut cards = desk.readers.iter_mut().filter_map(|it| it.card.as_mut());
            cards.next().unwrap().pin_kept = pin_kept;
            desk
        };
        let portal = |name: &str| ClearScope::Portal {
            portal: name.into(),
        };
        let card = |id: &str| ClearScope::Card {
            card: CardId(id.into()),
        };
        let own = "4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81";

        for (scope, comes) in [
            (ClearScope::All {}, true),
            (card(own), true),
            (card("another"), false),
            (portal("ako"), true),
            (portal("another"), false),
            (ClearScope::History { before: None }, false),
        ] {
            assert_eq!(
                comes_back(&desk(true), &scope).len(),
                usize::from(comes),
                "{scope:?}"
            );
            assert!(comes_back(&desk(false), &scope).is_empty(), "{scope:?}");
        }
    }

    #[test]
    fn a_card_that_was_taken_out_can_be_cleared_without_being_chosen() {
        let mut app = App::new(invented::NOW, TimeZone::UTC);
        update(&mut app, Message::Snapshot(Box::new(invented::desk())));

        let choices = choices(&app);

        let told: Vec<&str> = choices.iter().map(|(text, _)| &text[..]).collect();
        assert_eq!(
            told[..3],
            [
                "This card, of DOE, JANE Q, and its registrations",
                "The card of ROE, RICHARD •4321, which is out",
                "Every registration at AKO",
            ]
        );
        let roe = CardId("a8c3d9e0-1111-4222-8333-444455556666".into());
        assert_eq!(choices[1].1, ClearScope::Card { card: roe });
    }

    #[test]
    fn a_sign_in_that_is_under_way_is_written_down_after_all() {
        let mut desk = invented::desk();
        let mut cards = desk.readers.iter_mut().filter_map(|it| it.card.as_mut());
        cards.next().unwrap().registrations[0].status = RegistrationStatus::SigningIn;

        let told = comes_back(&desk, &ClearScope::All {});

        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("DOE, JANE Q"), "{told:?}");
    }
}
