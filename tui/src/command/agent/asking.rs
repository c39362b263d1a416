//! Whom the agent asks for a PIN, and when: decided from the snapshot alone.

use std::collections::{HashMap, HashSet};

use cac_common::identity::readable;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, PinStatus, Reader, Snapshot, Stage, Visit};
use cac_common::time::UtcSeconds;

use crate::app::may_be_the_last_try;
use crate::failure::Failure;

/// A PIN that the daemon has taken for a card, until the card has judged it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handed {
    pub(super) visit: Visit,
    /// As many as there were before.
    tries_left: u8,
    was_at_work: bool,
    /// Where it was wrong, for the first time.
    pub(super) asks_again: bool,
}

/// What came of a PIN.
pub(super) enum Outcome<'a> {
    Pending,
    /// It was refused, and one more may be spent.
    Wrong {
        place: (&'a Reader, &'a Card),
        tries_left: u8,
    },
    /// Nobody is to be asked again.
    Over,
}

impl Handed {
    /// Nothing for a card that does not count.
    pub(super) fn new(card: &Card) -> Option<Self> {
        Some(Self {
            visit: card.visit,
            tries_left: tries_left(card)?,
            was_at_work: false,
            asks_again: true,
        })
    }

    /// Whatever comes of it, nobody is asked again.
    pub(super) fn for_the_last_time(self) -> Self {
        Self {
            asks_again: false,
            ..self
        }
    }

    pub(super) fn outcome<'a>(&mut self, snapshot: &'a Snapshot) -> Outcome<'a> {
        let Some(place) = cards(snapshot).find(|(_, card)| card.visit == self.visit) else {
            return Outcome::Over;
        };
        let (_, card) = place;
        if is_at_work(card) {
            self.was_at_work = true;
            return Outcome::Pending;
        }
        match tries_left(card) {
            Some(left) if left < self.tries_left && is_to_be_asked_for(card) => Outcome::Wrong {
                place,
                tries_left: left,
            },
            Some(left) if left == self.tries_left && !self.was_at_work && card.needs_pin() => {
                Outcome::Pending
            }
            _ => Outcome::Over,
        }
    }
}

fn tries_left(card: &Card) -> Option<u8> {
    if let PinStatus::Ready { tries_left } = card.pin {
        tries_left
    } else {
        None
    }
}

/// Which cards a person was asked about.
pub(super) struct Watch {
    /// Whose agent this is.
    user: Option<String>,
    /// When the daemon was started that counts the visits.
    daemon: UtcSeconds,
    /// How often the holder of each card had been called for by then.
    asked: HashMap<Visit, u32>,
    /// Whose holders do not want to type it now.
    declined: HashSet<Visit>,
    is_hidden: bool,
}

impl Watch {
    pub(super) fn new(user: Option<String>) -> Self {
        Self {
            user,
            daemon: UtcSeconds::default(),
            asked: HashMap::new(),
            declined: HashSet::new(),
            is_hidden: false,
        }
    }

    /// The next card to ask about. What a dashboard shows was asked by it.
    pub(super) fn next<'a>(
        &mut self,
        snapshot: &'a Snapshot,
        has_dashboard: bool,
    ) -> Option<(&'a Reader, &'a Card)> {
        if self.daemon != snapshot.daemon.started_at {
            self.daemon = snapshot.daemon.started_at;
            self.asked.clear();
            self.declined.clear();
        }
        self.asked
            .retain(|visit, _| cards(snapshot).any(|(_, card)| card.visit == *visit));
        self.declined
            .retain(|visit| cards(snapshot).any(|(_, card)| card.visit == *visit));
        for (reader, card) in cards(snapshot) {
            if self.is_due(card) {
                self.was_asked(snapshot, card.visit);
                if !has_dashboard {
                    return Some((reader, card));
                }
            }
        }
        None
    }

    /// Whoever was called for until now need not be asked for that again.
    pub(super) fn was_asked(&mut self, snapshot: &Snapshot, visit: Visit) {
        if let Some((_, card)) = cards(snapshot).find(|(_, card)| card.visit == visit) {
            self.asked.insert(visit, card.asked);
        }
    }

    /// Its holder is to be asked, now or next.
    fn is_due(&self, card: &Card) -> bool {
        let so_far = self.asked.get(&card.visit).copied().unwrap_or_default();
        card.asked > so_far && self.is_ours(card) && is_to_be_asked_for(card)
    }

    /// Nobody is to be told that the PIN is needed: its holder knows.
    pub(super) fn is_known_to_its_holder(&self, card: &Card) -> bool {
        self.is_due(card) || self.declined.contains(&card.visit)
    }

    /// What came of asking.
    pub(super) fn has_answered(&mut self, visit: Visit, answer: &Result<(), Failure>) {
        if let Err(Failure::PinCancelled | Failure::PinNotGiven { .. }) = answer {
            self.declined.insert(visit);
        } else {
            self.declined.remove(&visit);
        }
    }

    /// A card that is another's is for another's agent.
    pub(super) fn is_ours(&self, card: &Card) -> bool {
        match (&card.user, &self.user) {
            (Some(holder), Some(user)) => holder == user,
            (None, _) | (_, None) => true,
        }
    }

    /// Why a card is not seen that is there; once.
    pub(super) fn is_hidden(&mut self, snapshot: &Snapshot) -> Option<Failure> {
        let mut readers = snapshot.readers.iter();
        let hidden = readers.find(|reader| reader.hidden.is_some());
        let was_hidden = std::mem::replace(&mut self.is_hidden, hidden.is_some());
        hidden
            .filter(|_| !was_hidden)
            .map(|reader| Failure::CardHidden {
                reader: readable(&reader.name.0),
                why: reader.hidden,
            })
    }
}

pub(super) fn cards(snapshot: &Snapshot) -> impl Iterator<Item = (&Reader, &Card)> {
    let readers = snapshot.readers.iter();
    readers.filter_map(|reader| Some((reader, reader.card.as_ref()?)))
}

/// The card of this visit, if its PIN is still wanted.
pub(super) fn find(snapshot: &Snapshot, visit: Visit) -> Option<&Card> {
    cards(snapshot)
        .map(|(_, card)| card)
        .find(|card| card.visit == visit && is_to_be_asked_for(card))
}

/// It waits for a PIN, and one may be spent on it.
fn is_to_be_asked_for(card: &Card) -> bool {
    card.stage == Stage::Read
        && card.needs_pin()
        && !is_at_work(card)
        && !may_be_the_last_try(&card.pin)
}

pub(super) fn is_at_work(card: &Card) -> bool {
    let mut registrations = card.registrations.iter();
    card.pin_kept || registrations.any(|one| one.status == RegistrationStatus::SigningIn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn a_card_is_asked_about_once_and_again_when_its_holder_is_called_for() {
        let mut watch = Watch::new(None);
        let mut desk = with_a_card(|_| ());

        assert!(watch.next(&desk, false).is_some());
        assert!(watch.next(&desk, false).is_none());
        desk = with_a_card(|card| card.asked = 2);
        assert!(watch.next(&desk, false).is_some());
        assert!(watch.next(&desk, false).is_none());
    }

    #[test]
    fn a_card_that_was_out_is_asked_about_again() {
        let mut watch = Watch::new(None);

        assert!(watch.next(&with_a_card(|_| ()), false).is_some());
        assert!(watch.next(&invented::nothing_plugged_in(), false).is_none());
        let back = with_a_card(|card| card.visit.0 += 1);
        assert!(watch.next(&back, false).is_some());
    }

    #[test]
    fn visits_of_another_start_of_the_daemon_are_others() {
        let mut watch = Watch::new(None);
        let mut desk = with_a_card(|_| ());

        assert!(watch.next(&desk, false).is_some());
        desk.daemon.started_at.0 += 1;
        assert!(watch.next(&desk, false).is_some());
    }

    #[test]
    fn what_a_dashboard_has_shown_is_not_asked_for_when_it_closes() {
        let mut watch = Watch::new(None);
        let desk = with_a_card(|_| ());

        assert!(watch.next(&desk, true).is_none());
        assert!(watch.next(&desk, false).is_none());
    }

    #[test]
    fn nobody_is_asked_where_no_pin_may_be_spent_or_none_is_wanted() {
        let cases: [fn(&mut Card); 6] = [
            |card| {
                card.pin = PinStatus::Ready {
                    tries_left: Some(1),
                }
            },
            |card| card.pin = PinStatus::Ready { tries_left: None },
            |card| card.pin_kept = true,
            |card| {
                card.stage = Stage::Reading {
                    done: 1,
                    of: 9,
                    what: None,
                }
            },
            |card| card.registrations[1].status = RegistrationStatus::SigningIn,
            |card| card.user = Some("john".into()),
        ];
        for change in cases {
            let mut watch = Watch::new(Some("jane".into()));
            let desk = with_a_card(change);

            assert!(watch.next(&desk, false).is_none(), "{desk:?}");
            // Nothing was asked: once it may be, it is.
            assert!(watch.next(&with_a_card(|_| ()), false).is_some());
        }
    }

    #[test]
    fn who_may_not_see_a_card_is_told_once() {
        let mut watch = Watch::new(None);
        let desk = invented::desk().for_a_stranger();

        assert!(watch.is_hidden(&desk).is_some());
        assert!(watch.is_hidden(&desk).is_none());
        assert!(watch.next(&desk, false).is_none());
    }

    #[test]
    fn a_pin_is_wrong_once_the_card_counts_down_and_waits_again() {
        let left = |tries| PinStatus::Ready {
            tries_left: Some(tries),
        };
        let before = with_a_card(|card| card.pin = left(3));
        let at_work = with_a_card(|card| {
            card.pin = left(2);
            card.pin_kept = true;
        });
        let told = |tries| {
            let mut handed = cards(&before)
                .find_map(|(_, card)| Handed::new(card))
                .unwrap();
            assert!(matches!(handed.outcome(&before), Outcome::Pending));
            assert!(matches!(handed.outcome(&at_work), Outcome::Pending));
            match handed.outcome(&with_a_card(|card| card.pin = left(tries))) {
                Outcome::Wrong { tries_left, .. } => Some(tries_left),
                Outcome::Over => None,
                Outcome::Pending => panic!("it waits for ever"),
            }
        };

        assert_eq!(told(2), Some(2));
        // Never for the last try, and not where it was right.
        assert_eq!(told(1), None);
        assert_eq!(told(3), None);
    }

    #[test]
    fn what_comes_of_a_pin_is_not_waited_for_where_the_card_is_out_or_registered() {
        let before = with_a_card(|_| ());
        let registered = with_a_card(|card| card.registrations.clear());
        for after in [registered, invented::nothing_plugged_in()] {
            let mut handed = cards(&before)
                .find_map(|(_, card)| Handed::new(card))
                .unwrap();

            assert!(matches!(handed.outcome(&after), Outcome::Over));
        }
    }

    /// Jane's card, called for once.
    fn with_a_card(change: impl FnOnce(&mut Card)) -> Snapshot {
        let mut desk = invented::desk();
        let mut cards = desk.readers.iter_mut().filter_map(|it| it.card.as_mut());
        let card = cards.next().unwrap();
        card.asked = 1;
        change(card);
        desk
    }
}
