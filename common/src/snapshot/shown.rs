//! What goes with the cards that somebody may see, of all that is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::{HistoryEntry, HistoryKind, Reader};
use crate::identity::CardId;
use crate::reader::ReaderName;
use crate::time::UtcSeconds;

/// The cards that are shown to somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    cards: BTreeSet<CardId>,
    /// When each was put into its reader.
    since: BTreeMap<ReaderName, UtcSeconds>,
}

impl Shown {
    /// Of a picture that holds no card which they may not see.
    pub fn in_readers(readers: &[Reader]) -> Self {
        let mut shown = Self::default();
        for reader in readers {
            if let Some(card) = &reader.card {
                shown.cards.extend(card.id.clone());
                shown.since.insert(reader.name.clone(), card.inserted_at);
            }
        }
        shown
    }

    pub fn has(&self, card: &CardId) -> bool {
        self.cards.contains(card)
    }

    /// Entries about these cards; about readers and their service, which name
    /// nobody; and about a card without a name that was put in when one of
    /// these was: the same, before it was read.
    pub fn includes(&self, entry: &HistoryEntry) -> bool {
        if let Some(card) = &entry.card {
            return self.has(card);
        }
        match entry.kind {
            HistoryKind::Service | HistoryKind::Reader => true,
            HistoryKind::Card => (entry.reader.as_ref())
                .and_then(|reader| self.since.get(reader))
                .is_some_and(|since| entry.at >= *since),
            HistoryKind::Pin
            | HistoryKind::Registration
            | HistoryKind::Configuration
            | HistoryKind::Clear => false,
        }
    }
}
