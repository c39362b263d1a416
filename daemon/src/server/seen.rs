//! Tells the log who sees the data of others: administrators see every card,
//! the history and everyone who is known, wherever they sit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cac_common::snapshot::{Snapshot, Visit};

use crate::event::Peer;
use crate::journal::Message;
use crate::sight::Sight;

/// Whoever keeps a dashboard open is told of once in so long a time.
const AGAIN: Duration = Duration::from_hours(1);

/// What somebody has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// The card of another.
    Card(Visit),
    /// Everyone who is known.
    Known,
    /// The whole history.
    History,
}

/// What has been told already, by user.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Of a daemon of one's own everything is its user's.
    own_uid: u32,
    told: Mutex<BTreeSet<(u32, What)>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            own_uid: rustix::process::getuid().as_raw(),
            told: Mutex::default(),
        }
    }
}

impl Seen {
    /// The picture was given to them, or something of a card in it.
    pub(super) fn picture(
        self: &Arc<Self>,
        picture: &Snapshot,
        sight: &Sight,
        peer: Peer,
        request: &str,
    ) {
        if self.is_their_own(peer) {
            return;
        }
        let uid = peer.uid;
        let cards = picture.readers.iter().filter_map(|reader| {
            let card = reader.card.as_ref()?;
            let is_theirs = sight.hides(&reader.name, uid).is_none();
            (!is_theirs).then_some(card)
        });
        self.forget_all_but(picture);
        for card in cards.filter(|card| card.holder.is_some() || !card.certificates.is_empty()) {
            if self.is_news(uid, What::Card(card.visit)) {
                tracing::info!(
                    message_id = Message::OthersDataSeen.id(),
                    uid,
                    request,
                    card = card.id.as_ref().map(|id| id.0.as_str()),
                    dod_id_tail = card.dod_id.as_ref().map(|id| id.tail()),
                    "an administrator sees the card of another"
                );
            }
        }
        if !picture.known.is_empty() {
            self.for_a_while(uid, What::Known, request, "everyone who is known");
        }
    }

    pub(super) fn history(self: &Arc<Self>, peer: Peer, request: &str) {
        if !self.is_their_own(peer) {
            self.for_a_while(peer.uid, What::History, request, "everyone's history");
        }
    }

    fn is_their_own(&self, peer: Peer) -> bool {
        !peer.is_administrator || peer.uid == self.own_uid
    }

    fn for_a_while(self: &Arc<Self>, uid: u32, what: What, request: &str, whose: &str) {
        if !self.is_news(uid, what) {
            return;
        }
        tracing::info!(
            message_id = Message::OthersDataSeen.id(),
            uid,
            request,
            "an administrator sees {whose}"
        );
        let seen = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN).await;
            seen.lock().remove(&(uid, what));
        });
    }

    fn is_news(&self, uid: u32, what: What) -> bool {
        self.lock().insert((uid, what))
    }

    /// Of cards that are out nothing is remembered.
    fn forget_all_but(&self, picture: &Snapshot) {
        let cards = picture.readers.iter().flat_map(|reader| &reader.card);
        let there: BTreeSet<Visit> = cards.map(|card| card.visit).collect();
        self.lock().retain(|(_, what)| match what {
            What::Card(visit) => there.contains(visit),
            What::Known | What::History => true,
        });
    }

    /// Of this user.
    #[cfg(test)]
    pub(super) fn count(&self, uid: u32) -> usize {
        self.lock().iter().filter(|(of, _)| *of == uid).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<(u32, What)>> {
        self.told.lock().expect("nobody panics holding this")
    }
}
