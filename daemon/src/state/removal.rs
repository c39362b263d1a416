//! What becomes of a session when its card is taken out.
//!
//! A card is bound to the session in which it accepted a PIN of the user's: the
//! one in front of its reader, or the one that the PIN opened. It stays bound
//! while it is out for the time of grace, and where it is not the card that went
//! but pcscd or the reader; so nobody gets around it by a short pull.

use std::time::Duration;

use cac_common::config::OnRemoval;
use cac_common::identity::CardId;
use cac_common::reader::ReaderName;

use super::State;
use super::notes::Note;
use super::visit::CardVisit;
use crate::event::{Effect, Front, Now, SessionToEnd};

/// Cards that went with pcscd or with their reader, and may come back. There
/// are no more readers than this (pcsc-lite's `PCSCLITE_MAX_READERS_CONTEXTS`).
const MOST_LOST: usize = 16;

/// A card, and the session that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bound {
    card: CardId,
    reader: ReaderName,
    seat: String,
    front: Front,
}

/// Cards that are bound and in no reader.
#[derive(Debug, Default)]
pub(super) struct Absent {
    /// Taken out, and until when they may be back.
    out: Vec<(Bound, Duration)>,
    /// Not taken out, as far as is known.
    lost: Vec<Bound>,
}

impl Bound {
    /// A card that has just accepted the PIN of whoever is in front.
    pub(super) fn to(front: &Front, seat: Option<&str>, card: &CardVisit) -> Option<Self> {
        Some(Self {
            card: card.id()?.clone(),
            reader: card.reader.clone(),
            seat: seat?.to_owned(),
            front: front.clone(),
        })
    }
}

impl Absent {
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.out.iter().map(|(_, due)| *due).min()
    }

    /// A reader went, or pcscd did, with a bound card in it.
    pub(super) fn lost(&mut self, bound: Option<Bound>) {
        self.lost.extend(bound);
        if self.lost.len() > MOST_LOST {
            self.lost.remove(0);
        }
    }

    /// A bound card is back at its seat, by its number.
    pub(super) fn back(&mut self, id: &CardId, seat: &str, reader: &ReaderName) -> Option<Bound> {
        let is_it = |bound: &Bound| bound.card == *id && bound.seat == seat;
        let out = self.out.iter().position(|(bound, _)| is_it(bound));
        let bound = if let Some(at) = out {
            self.out.remove(at).0
        } else {
            let lost = self.lost.iter().position(is_it);
            self.lost.remove(lost?)
        };
        Some(Bound {
            reader: reader.clone(),
            ..bound
        })
    }
}

impl State {
    /// A bound card was taken out of its reader.
    pub(super) fn taken_out(&mut self, bound: Option<Bound>, now: Now) {
        if self.config.on_removal != OnRemoval::Nothing
            && let Some(bound) = bound
        {
            let due = now.monotonic + self.config.removal_grace;
            self.absent.out.push((bound, due));
        }
    }

    /// The time of grace is over for those that are not back.
    pub(super) fn end_sessions(&mut self, now: Now) -> Vec<Effect> {
        let how = self.config.on_removal;
        let is_due = |(_, due): &mut (Bound, Duration)| *due <= now.monotonic;
        let due: Vec<_> = self.absent.out.extract_if(.., is_due).collect();
        if how == OnRemoval::Nothing {
            return Vec::new();
        }
        let sessions = due.into_iter().map(|(bound, _)| SessionToEnd {
            reader: bound.reader,
            card: bound.card,
            uid: bound.front.uid,
            session: bound.front.session,
            how,
        });
        sessions.map(Effect::EndSession).collect()
    }

    pub(super) fn session_ended(
        session: &SessionToEnd,
        result: &Result<(), String>,
        now: Now,
    ) -> Vec<Effect> {
        if let Err(reason) = result {
            tracing::warn!(
                uid = session.uid,
                reason,
                "a session stays as it is, though its card was taken out"
            );
        }
        vec![Note::session_ended(session, result).at(now)]
    }
}
