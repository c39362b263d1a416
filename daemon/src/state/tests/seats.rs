//! Who sees and may use what, whatever happens to seats, readers and cards.

mod whose;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cac_common::identity::{CardId, HolderName, PersonaId};
use cac_common::interface::{Refusal, Register};
use cac_common::reader::ReaderName;
use cac_common::snapshot::{HistoryEntry, KnownPersona, Snapshot, Visit};
use cac_common::time::UtcSeconds;

use super::fixtures::{card_id, certificate_of, holder, reader_name};
use super::sessions::{JANE, JOHN};
use super::{Act, CARDS, READERS, What, WhatFor, World};
use crate::card::change::Change;
use crate::event::{
    Answer, Effect, Event, FoundSeat, Front, HeldPin, NewNote, Peer, PinChangeEvent, RequestId,
    SessionEvent, SessionToEnd, WizardEvent,
};
use crate::supervisor::Published;

/// In front of no seat, ever.
const STRANGER: u32 = 4_000_000;

/// What is known of seats, kept beside the state.
#[derive(Default)]
pub(super) struct Seats {
    /// Who is in front, by seat.
    in_front: BTreeMap<String, u32>,
    /// Whose PIN a card has accepted, or may have, in which session.
    pub(super) bound: BTreeSet<(CardId, u32, String)>,
    /// When each card was last taken out by hand.
    pub(super) taken: BTreeMap<CardId, Duration>,
    /// Sessions that were to be ended.
    pub(super) ended: Vec<SessionToEnd>,
    /// The seat that each reader was last found at.
    found: BTreeMap<ReaderName, (u64, Option<String>)>,
    /// Who was the first in front of a card's reader, once its seat was known.
    first: BTreeMap<Visit, u32>,
    /// Whose PIN a card has accepted, or may have.
    proved: BTreeSet<(Visit, u32)>,
    /// Who typed a PIN to see what is printed.
    asked: BTreeSet<(Visit, u32)>,
    pub(super) pcscd_went: bool,
    entries: i64,
}

/// As `World` configures it.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// One that a user has at a seat.
pub(super) fn session_of(seat: &str, uid: u32) -> String {
    format!("{seat}-{uid}")
}

fn user(uid: u32) -> Peer {
    Peer {
        uid,
        is_administrator: false,
    }
}

impl World {
    pub(super) fn seats(&mut self, in_front: [Option<u32>; 2]) {
        let names = ["seat0", "seat1"].into_iter().map(str::to_owned);
        let in_front: BTreeMap<String, u32> = names
            .zip(in_front)
            .filter_map(|(seat, uid)| Some((seat, uid?)))
            .collect();
        self.seats.in_front.clone_from(&in_front);
        let fronts = in_front.into_iter().map(|(seat, uid)| {
            let session = session_of(&seat, uid);
            (seat, Front { uid, session })
        });
        self.step(Event::Session(SessionEvent::Seats(fronts.collect())));
    }

    /// The reader is found at its seat, or at none.
    pub(super) fn finish_seat(&mut self, reader: ReaderName, arrival: u64, how: u64) {
        let own = if reader == reader_name(0) {
            "seat0"
        } else {
            "seat1"
        };
        let seat = (how % 5 != 4).then(|| own.to_owned());
        if self.arrival(&reader) == Some(arrival) {
            let found = (arrival, seat.clone());
            self.seats.found.insert(reader.clone(), found);
        }
        self.step(Event::SeatFound(FoundSeat {
            reader,
            arrival,
            seat,
        }));
    }

    /// What is told becomes part of the picture.
    pub(super) fn note(&mut self, note: NewNote) {
        self.seats.entries += 1;
        let entry = HistoryEntry {
            id: self.seats.entries,
            at: note.at,
            kind: note.kind,
            reader: note.reader,
            card: note.card,
            portal: note.portal,
            text: note.text,
        };
        let effects = self.state.step(Event::Noted(entry), self.now);
        assert!(effects.is_empty());
    }

    pub(super) fn know_everyone(&mut self) {
        let known = (0..CARDS).map(|card| KnownPersona {
            persona: PersonaId(format!("persona of {}", card_id(card))),
            card: card_id(card),
            name: HolderName::from_common_name(holder(card)).0.to_string(),
            dod_id_tail: Some(tail_of(card).to_owned()),
            last_seen: UtcSeconds(0),
            registrations: Vec::new(),
        });
        let known = known.collect();
        self.state.step(Event::Known(known), self.now);
    }

    fn arrival(&self, reader: &ReaderName) -> Option<u64> {
        self.state.readers.get(reader).map(|slot| slot.arrival)
    }

    /// Who is in front of the seat of a reader.
    fn user_at(&self, reader: &ReaderName) -> Option<u32> {
        let (arrival, seat) = self.seats.found.get(reader)?;
        let is_the_same = self.arrival(reader) == Some(*arrival);
        let seat = seat.as_ref().filter(|_| is_the_same)?;
        self.seats.in_front.get(seat).copied()
    }

    /// Before a step: what the state lets somebody do who is no administrator.
    pub(super) fn check_permission(&self, event: &Event) {
        if let Event::PinGiven { pin, .. }
        | Event::PrintedAsked { pin, .. }
        | Event::PinChange(PinChangeEvent::Asked { pin, .. })
        | Event::TestAsked { pin, .. } = event
        {
            // With the right PIN it would be shown to them.
            let found = self.reader_of(pin.typed_for().visit);
            return self.check_permitted(event, |uid| {
                let found = found.as_ref();
                found.is_some_and(|reader| self.user_at(reader) == Some(uid))
            });
        }
        if let Event::Asked { .. } = event {
            let everyone = &self.seats.in_front;
            return self.check_permitted(event, |uid| everyone.values().any(|it| *it == uid));
        }
        let visit = if let Event::NoticeAccepted { what, .. } = event {
            what.visit
        } else if let Event::Wizard(wizard) = event {
            match &**wizard {
                WizardEvent::Started { what, .. } => what.visit,
                WizardEvent::Answered { what, .. } => what.visit,
                WizardEvent::Moved { what, .. } => what.visit,
                WizardEvent::ConfirmationAsked { .. }
                | WizardEvent::ConfirmationRead { .. }
                | WizardEvent::At { .. }
                | WizardEvent::Turned { .. } => return,
            }
        } else {
            return self.check_permitted(event, |_| false);
        };
        let reader = self.reader_of(visit);
        self.check_permitted(event, |uid| {
            let sight = self.state.sight();
            let reader = reader.as_ref();
            reader.is_some_and(|reader| sight.may_use(reader, user(uid)).is_ok())
        });
    }

    fn reader_of(&self, visit: Visit) -> Option<ReaderName> {
        let mut visits = self.state.visits();
        let card = visits.find(|card| card.visit == visit);
        card.map(|card| card.reader.clone())
    }

    fn check_permitted(&self, event: &Event, may: impl Fn(u32) -> bool) {
        for uid in [JANE, JOHN, STRANGER] {
            let permitted = self.state.permits(event, user(uid)).is_ok();
            assert_eq!(permitted, may(uid), "{uid} was let, or was not");
        }
    }

    pub(super) fn note_proof(&mut self, event: &Event) {
        self.note_binding(event);
        if let Event::SignInEnded {
            visit,
            pin: Some(HeldPin::Accepted(pin)),
            ..
        } = event
        {
            self.seats.proved.insert((*visit, pin.typed_for().uid));
        }
        if let Event::PrintedAsked { pin, .. }
        | Event::PinChange(PinChangeEvent::Asked { pin, .. }) = event
        {
            let typed_for = pin.typed_for();
            self.seats.asked.insert((typed_for.visit, typed_for.uid));
        }
        if let Event::PrintedRead {
            visit,
            result: Ok(_),
            ..
        }
        | Event::PinChange(PinChangeEvent::Ended {
            visit,
            result: Ok(Change::Made),
            ..
        }) = event
        {
            let of_visit = self.seats.asked.iter().filter(|(of, _)| of == visit);
            self.seats.proved.extend(of_visit.copied());
        }
    }

    /// Upon a PIN that a card may have accepted.
    fn note_binding(&mut self, event: &Event) {
        let (visit, card) = if let Event::SignInEnded {
            visit,
            pin: Some(HeldPin::Accepted(pin)),
            ..
        } = event
        {
            (*visit, Some(pin.typed_for().card.clone()))
        } else if let Event::PrintedRead { visit, .. }
        | Event::PinChange(PinChangeEvent::Ended { visit, .. }) = event
        {
            (*visit, self.current_visits().remove(visit))
        } else {
            return;
        };
        let at = self.reader_of(visit).and_then(|reader| {
            let (_, seat) = self.seats.found.get(&reader)?;
            Some((seat.clone()?, self.user_at(&reader)?))
        });
        if let (Some(card), Some((seat, uid))) = (card, at) {
            let session = session_of(&seat, uid);
            self.seats.bound.insert((card, uid, session));
        }
    }

    /// Nobody's session ends but that of whoever typed the card's PIN in it, and
    /// only when the card was taken out long enough ago and is not back.
    pub(super) fn check_session_to_end(&mut self, session: &SessionToEnd) {
        let (card, uid) = (session.card.clone(), session.uid);
        let bound = (card.clone(), uid, session.session.clone());
        assert!(
            self.seats.bound.contains(&bound),
            "not the card's session: {session:?}"
        );
        let taken = self.seats.taken.get(&card).copied();
        let taken = taken.expect("nobody has taken the card out");
        assert!(self.now.monotonic >= taken + GRACE, "before its time");
        let seat = session.session.split('-').next();
        let is_back = self.state.visits().any(|visit| {
            let slot = &self.state.readers[&visit.reader];
            visit.id() == Some(&card) && slot.seat.as_deref() == seat
        });
        assert!(!is_back, "the card is back");
        self.seats.ended.push(session.clone());
    }

    /// After a step: nobody sees what is not theirs to see.
    pub(super) fn check_sight(&mut self) {
        let published = Published::of(&self.state, self.now);
        for reader in &published.snapshot.readers {
            if let (Some(card), Some(uid)) = (&reader.card, self.user_at(&reader.name)) {
                self.seats.first.entry(card.visit).or_insert(uid);
            }
        }
        for uid in [JANE, JOHN, STRANGER] {
            let picture = published.picture(user(uid));
            let is_in_front = self.seats.in_front.values().any(|there| *there == uid);
            assert_eq!(
                (picture.may_act, picture.may_administer),
                (is_in_front, false)
            );
            for reader in &picture.readers {
                let Some(card) = &reader.card else { continue };
                assert_eq!(self.user_at(&reader.name), Some(uid), "not in front");
                assert!(
                    self.seats.first.get(&card.visit) == Some(&uid)
                        || self.seats.proved.contains(&(card.visit, uid))
                        || self.was_there_before_pcscd_went(card.visit, uid),
                    "a card that another put in is shown"
                );
            }
            check_text(&picture, published.encoded(user(uid)));
        }
    }

    /// The state remembers whom a card was for while pcscd is away; here any
    /// card that was there then may be one.
    fn was_there_before_pcscd_went(&self, visit: Visit, uid: u32) -> bool {
        let first = self.seats.first.iter();
        let mut were_for = first.chain(self.seats.proved.iter().map(|(of, uid)| (of, uid)));
        self.seats.pcscd_went && were_for.any(|(of, it)| *of < visit && *it == uid)
    }
}

/// The last four digits of the DoD ID.
fn tail_of(card: usize) -> &'static str {
    let name = holder(card);
    &name[name.len() - 4..]
}

/// No string of a person or card that is not shown stands in what is sent.
fn check_text(picture: &Snapshot, sent: &[u8]) {
    let text = std::str::from_utf8(sent).unwrap();
    let cards = picture
        .readers
        .iter()
        .filter_map(|reader| reader.card.as_ref());
    let shown: BTreeSet<&CardId> = cards.filter_map(|card| card.id.as_ref()).collect();
    let holders: BTreeSet<&str> = (0..CARDS)
        .filter(|card| shown.contains(&card_id(*card)))
        .map(holder)
        .collect();
    for card in 0..CARDS {
        if !shown.contains(&card_id(card)) {
            for string in [card_id(card).0, certificate_of(card)] {
                assert!(!text.contains(&string), "{string} in {text}");
            }
        }
        if !holders.contains(holder(card)) {
            let tail = format!("\"{}\"", tail_of(card));
            assert!(!text.contains(&tail), "{tail} in {text}");
            for string in holder(card).split('.').filter(|part| part.len() > 2) {
                assert!(!text.contains(string), "{string} in {text}");
            }
        }
    }
}

pub(super) fn at_seats(in_front: [Option<u32>; 2]) -> World {
    let mut world = World::new();
    world.finish_everything();
    world.seats(in_front);
    world
}

/// Who sees the card in a reader, of all who are no administrators.
fn shown_to(world: &World, reader: usize) -> Vec<u32> {
    assert!(reader < READERS);
    let published = Published::of(&world.state, world.now);
    let whole = &published.snapshot.readers[reader];
    assert!(whole.card.is_some(), "a card is there");
    let sees = |uid: &u32| {
        let picture = published.picture(user(*uid));
        let shown = picture.readers[reader].card.is_some();
        assert_eq!(shown, picture.readers[reader].hidden.is_none());
        shown
    };
    [JANE, JOHN, STRANGER].into_iter().filter(sees).collect()
}
