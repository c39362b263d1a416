//! Since when a card has stood where it stands at each portal.

use std::collections::BTreeMap;
use std::mem::{self, Discriminant};

use cac_common::registration::RegistrationStatus;
use cac_common::time::UtcSeconds;

use super::State;
use crate::event::Now;

/// When each status that is shown began, by the portal's name.
#[derive(Default)]
pub(super) struct Since(BTreeMap<String, Began>);

struct Began {
    kind: Discriminant<RegistrationStatus>,
    at: UtcSeconds,
}

impl Since {
    /// It has this status, since `at` unless it had one of that kind before.
    pub(super) fn note(&mut self, portal: &str, status: &RegistrationStatus, at: UtcSeconds) {
        let kind = mem::discriminant(status);
        let at = status.began_at().unwrap_or(at);
        match self.0.get_mut(portal) {
            Some(began) if began.kind == kind => {}
            Some(began) => *began = Began { kind, at },
            None => {
                self.0.insert(portal.to_owned(), Began { kind, at });
            }
        }
    }

    pub(super) fn at(&self, portal: &str) -> Option<UtcSeconds> {
        self.0.get(portal).map(|began| began.at)
    }

    /// Drops what is not to be kept, and what a clock that was set back since
    /// would show in the future.
    fn tidy(&mut self, is_kept: impl Fn(&str) -> bool, now: UtcSeconds) {
        self.0.retain(|portal, began| {
            began.at = began.at.min(now);
            is_kept(portal)
        });
    }
}

impl State {
    /// To be called at the end of each step.
    pub(super) fn note_what_began(&mut self, now: Now) {
        let cards = self.readers.values_mut();
        for card in cards.filter_map(|slot| slot.visit.as_mut()) {
            for portal in &self.portals {
                if let Some(stand) = card.stands.get(&portal.name) {
                    let status = stand.status(&card.pin, portal, now);
                    card.since.note(&portal.name, &status, now.utc);
                }
            }
            let stands = &card.stands;
            card.since
                .tidy(|portal| stands.contains_key(portal), now.utc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: RegistrationStatus = RegistrationStatus::NeedsPin {
        tries_left: Some(3),
    };

    #[test]
    fn another_count_of_tries_is_no_other_status() {
        let mut since = Since::default();

        since.note("ako", &WAITS, UtcSeconds(10));
        let fewer = RegistrationStatus::NeedsPin {
            tries_left: Some(2),
        };
        since.note("ako", &fewer, UtcSeconds(20));
        assert_eq!(since.at("ako"), Some(UtcSeconds(10)));

        since.note("ako", &RegistrationStatus::SigningIn, UtcSeconds(30));
        assert_eq!(since.at("ako"), Some(UtcSeconds(30)));
    }

    #[test]
    fn nothing_begins_in_the_future_of_a_clock_that_was_set_back() {
        let mut since = Since::default();
        since.note("ako", &WAITS, UtcSeconds(100));

        since.tidy(|_| true, UtcSeconds(50));

        assert_eq!(since.at("ako"), Some(UtcSeconds(50)));
    }

    #[test]
    fn a_registration_says_itself_when_it_began() {
        let mut since = Since::default();
        let registered = RegistrationStatus::Registered {
            since: UtcSeconds(5),
            checked_at: UtcSeconds(80),
            account: None,
            recheck_due: false,
        };

        since.note("ako", &registered, UtcSeconds(90));

        assert_eq!(since.at("ako"), Some(UtcSeconds(5)));
    }

    #[test]
    fn what_is_no_longer_shown_is_forgotten() {
        let mut since = Since::default();
        since.note("ako", &WAITS, UtcSeconds(10));

        since.tidy(|portal| portal != "ako", UtcSeconds(20));

        assert_eq!(since.at("ako"), None);
    }
}
