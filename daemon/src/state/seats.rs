//! Who is in front of which seat, whose each card is there, and what follows
//! from that for those who ask for something.
//!
//! A card is for the user who is in front when it is put in; if nobody is, for
//! whoever comes first. After that it is for nobody else at that seat, until it
//! is put in again or accepts the PIN of another who is in front.

use std::collections::BTreeMap;

use cac_common::interface::Refusal;
use cac_common::reader::ReaderName;
use cac_common::snapshot::Visit;

use super::removal::Bound;
use super::{ReaderSlot, State};
use crate::event::{Effect, Event, FoundSeat, Front, Peer, PinChangeEvent, WizardEvent};
use crate::sight::{InFront, Sight};

impl State {
    pub(super) fn seat_found(&mut self, found: FoundSeat) -> Vec<Effect> {
        let slot = self.readers.get_mut(&found.reader);
        if let Some(slot) = slot.filter(|slot| slot.arrival == found.arrival) {
            slot.seat = found.seat;
        }
        Vec::new()
    }

    /// Gives each card to whom it is for, and binds it to the session that goes
    /// with it, after whatever has happened.
    pub(super) fn give_cards(&mut self) {
        for slot in self.readers.values_mut() {
            let front = slot.front(&self.in_front);
            let user = front.map(|front| front.uid);
            let Some(card) = &mut slot.visit else {
                continue;
            };
            let proved = card.proved.take();
            let proved = proved.filter(|proof| proof.by_login || user == Some(proof.uid));
            if let Some(proof) = proved {
                card.is_for = Some(proof.uid);
                card.opens_for = Some(proof.uid);
            }
            card.is_for = card.is_for.or(user);
            if let Some(front) = front.filter(|front| card.opens_for == Some(front.uid)) {
                card.opens_for = None;
                card.bound = Bound::to(front, slot.seat.as_deref(), card);
            }
            if card.bound.is_none()
                && let (Some(id), Some(seat)) = (card.id(), &slot.seat)
            {
                card.bound = self.absent.back(id, seat, &card.reader);
            }
        }
    }

    /// Who sees what now.
    pub fn sight(&self) -> Sight {
        let readers = self.readers.iter().filter_map(|(name, slot)| {
            let uid = slot.front(&self.in_front)?.uid;
            let visit = slot.visit.as_ref();
            let sees_card = visit.is_none_or(|card| card.is_for == Some(uid));
            Some((name.clone(), InFront { uid, sees_card }))
        });
        Sight::new(self.in_front.values().map(|front| front.uid), readers)
    }

    /// Whether somebody may have this done.
    pub fn permits(&self, event: &Event, by: Peer) -> Result<(), Refusal> {
        if by.is_administrator {
            return Ok(());
        }
        let sight = self.sight();
        sight.may_act(by)?;
        match event {
            Event::PinGiven { pin, .. }
            | Event::PrintedAsked { pin, .. }
            | Event::PinChange(PinChangeEvent::Asked { pin, .. })
            | Event::TestAsked { pin, .. } => {
                // Whoever knows it may have the card show itself to them.
                match sight.may_use(self.reader_of(pin.typed_for().visit)?, by) {
                    Err(Refusal::PutInBefore) => Ok(()),
                    other => other,
                }
            }
            Event::NoticeAccepted { what, .. } => sight.may_use(self.reader_of(what.visit)?, by),
            // It takes those cards that they may use.
            Event::Asked { .. } => Ok(()),
            Event::Wizard(event) => {
                let visit = match &**event {
                    WizardEvent::Started { what, .. } => what.visit,
                    WizardEvent::Answered { what, .. } => what.visit,
                    WizardEvent::Moved { what, .. } => what.visit,
                    WizardEvent::ConfirmationAsked { what, .. } => {
                        let mut visits = self.visits();
                        let card = visits.find(|card| {
                            card.id() == Some(&what.card) && sight.may_use(&card.reader, by).is_ok()
                        });
                        return card.map(|_| ()).ok_or(Refusal::NotAtTheSeat);
                    }
                    WizardEvent::ConfirmationRead { .. }
                    | WizardEvent::At { .. }
                    | WizardEvent::Turned { .. } => return Err(Refusal::PermissionDenied),
                };
                sight.may_use(self.reader_of(visit)?, by)
            }
            Event::ClearAsked { .. }
            | Event::BackedUp { .. }
            | Event::Readers(_)
            | Event::Progress { .. }
            | Event::CardRead { .. }
            | Event::RestRead { .. }
            | Event::Judged { .. }
            | Event::CardRemembered { .. }
            | Event::PrintedRead { .. }
            | Event::PinChange(PinChangeEvent::Ended { .. })
            | Event::PortalTested { .. }
            | Event::SignInEnded { .. }
            | Event::Recorded { .. }
            | Event::Session(_)
            | Event::SeatFound(_)
            | Event::SessionEnded(..)
            | Event::Known(_)
            | Event::Noted(_)
            | Event::Cleared { .. }
            | Event::Configured { .. }
            | Event::Store { .. }
            | Event::Tick => Err(Refusal::PermissionDenied),
        }
    }

    fn reader_of(&self, visit: Visit) -> Result<&ReaderName, Refusal> {
        let mut visits = self.visits();
        let card = visits.find(|card| card.visit == visit);
        card.map(|card| &card.reader).ok_or(Refusal::NoSuchCard)
    }
}

impl ReaderSlot {
    /// The session that is in front of its seat.
    fn front<'a>(&self, in_front: &'a BTreeMap<String, Front>) -> Option<&'a Front> {
        in_front.get(self.seat.as_ref()?)
    }
}
