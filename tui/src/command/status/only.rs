//! The part of the state that is about one card, or one portal.

use cac_common::identity::CardId;
use cac_common::snapshot::Snapshot;

use crate::command::which;
use crate::failure::Failure;

/// What is asked for; everything where nothing is named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Only<'a> {
    pub(super) card: Option<&'a str>,
    pub(super) portal: Option<&'a str>,
}

impl Only<'_> {
    /// Whether there are such.
    pub(super) fn check(self, snapshot: &Snapshot) -> Result<(), Failure> {
        if let Some(name) = self.portal {
            which::portal(snapshot, name)?;
        }
        let Some(card) = self.card else {
            return Ok(());
        };
        let in_readers = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
        let known = snapshot.known.iter().map(|known| &known.card);
        let mut there: Vec<&String> = in_readers
            .filter_map(|card| card.id.as_ref())
            .chain(known)
            .map(|id| &id.0)
            .collect();
        there.sort_unstable();
        there.dedup();
        if there.iter().any(|id| *id == card) {
            return Ok(());
        }
        Err(Failure::OtherCard {
            id: CardId(card.to_owned()),
            there: which::names(there.into_iter()),
        })
    }

    /// What is left of the state. The readers of other cards are none of it.
    pub(super) fn of(self, mut snapshot: Snapshot) -> Snapshot {
        if let Some(wanted) = self.card {
            let is_meant = |id: Option<&CardId>| id.is_some_and(|id| id.0 == wanted);
            snapshot.readers.retain(|reader| {
                let card = reader.card.as_ref();
                is_meant(card.and_then(|card| card.id.as_ref()))
            });
            snapshot.known.retain(|known| is_meant(Some(&known.card)));
            snapshot
                .happened
                .retain(|entry| is_meant(entry.card.as_ref()));
        }
        if let Some(wanted) = self.portal {
            snapshot.portals.retain(|portal| portal.name == wanted);
            for card in snapshot
                .readers
                .iter_mut()
                .filter_map(|it| it.card.as_mut())
            {
                card.registrations.retain(|one| one.portal == wanted);
                card.wizard.take_if(|wizard| wizard.portal != wanted);
            }
            for known in &mut snapshot.known {
                known.registrations.retain(|one| one.portal == wanted);
            }
            snapshot
                .happened
                .retain(|entry| entry.portal.as_deref() == Some(wanted));
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    const JANE: &str = "4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81";
    const ROE: &str = "a8c3d9e0-1111-4222-8333-444455556666";

    #[test]
    fn one_card_is_left_in_its_reader_or_among_the_known() {
        for (card, readers) in [(JANE, 1), (ROE, 0)] {
            let only = Only {
                card: Some(card),
                portal: None,
            };
            let left = only.of(invented::desk());

            assert!(only.check(&invented::desk()).is_ok());
            assert_eq!(left.readers.len(), readers, "{card}");
            assert!(left.known.iter().all(|known| known.card.0 == card));
            assert_eq!(left.portals, invented::desk().portals);
        }
    }

    #[test]
    fn one_portal_is_left_of_every_card() {
        let only = Only {
            card: None,
            portal: Some("travel"),
        };

        let left = only.of(invented::desk());

        assert_eq!(left.readers.len(), invented::desk().readers.len());
        let cards = left.readers.iter().filter_map(|it| it.card.as_ref());
        let at: Vec<&str> = cards
            .flat_map(|card| &card.registrations)
            .map(|one| &one.portal[..])
            .collect();
        assert_eq!(at, ["travel"]);
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        for (card, portal, told) in [
            (Some("4f1e"), None, "4f1e"),
            (None, Some("travle"), "travel"),
        ] {
            let refused = Only { card, portal }.check(&invented::desk()).unwrap_err();

            assert!(refused.to_string().contains(told), "{refused}");
        }
    }
}
