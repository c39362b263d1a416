//! Cards that lie in a reader which pcscd takes for empty, or for one with a
//! card that does not answer.
//!
//! pcscd counts each card that it sees come or go. A reset that fails, since
//! the card is just being pulled, has it note the reader as empty without
//! counting; and a card that is back before it looks again never went, as far
//! as it knows (pcsc-lite: `SCardReconnect` and `EHStatusHandlerThread`). Such a
//! reader stays empty to every program, until a card is taken out of it again.
//! In the same way a card that is moved while it is powered up first does not
//! answer, and is not powered up again though it lies well then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cac_common::reader::{ReaderName, ReaderStatus};

use crate::card::transport::SeenReader;

/// pcscd looks every 0.4 s by itself: a card that is gone is counted by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// The readers that became empty without being counted, or do not answer.
#[derive(Default)]
pub(super) struct Lost(BTreeMap<ReaderName, Loss>);

struct Loss {
    changes: u32,
    /// None once something was done about it.
    since: Option<Instant>,
}

impl Lost {
    pub(super) fn compare(&mut self, before: &[SeenReader], now: &[SeenReader], at: Instant) {
        self.0.retain(|name, loss| {
            let still = now.iter().find(|reader| reader.name == *name);
            still.is_some_and(|reader| !has_card(reader) && reader.changes == loss.changes)
        });
        for reader in now.iter().filter(|reader| !has_card(reader)) {
            let mut uncounted = before
                .iter()
                .filter(|old| old.name == reader.name && old.changes == reader.changes);
            let is_lost = match reader.status {
                ReaderStatus::Empty => uncounted.any(has_card),
                ReaderStatus::NoAnswer => !self.0.contains_key(&reader.name),
                ReaderStatus::Card => false,
            };
            if is_lost {
                let loss = Loss {
                    changes: reader.changes,
                    since: Some(at),
                };
                self.0.insert(reader.name.clone(), loss);
            }
        }
    }

    /// How long until something has to be done.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        let waiting = self.0.values().filter_map(|loss| loss.since);
        let first = waiting.min()?;
        Some((first + PATIENCE).saturating_duration_since(now))
    }

    /// The readers whose cards have to be looked for, each given out once.
    pub(super) fn due(&mut self, now: Instant) -> Vec<ReaderName> {
        let mut due = Vec::new();
        for (name, loss) in &mut self.0 {
            if loss.since.is_some_and(|since| now >= since + PATIENCE) {
                loss.since = None;
                due.push(name.clone());
            }
        }
        due
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the watch waits in pcscd's own call, where nobody hands a time in"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}

fn has_card(reader: &SeenReader) -> bool {
    reader.status == ReaderStatus::Card
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(status: ReaderStatus, changes: u32) -> Vec<SeenReader> {
        vec![SeenReader {
            name: ReaderName("A reader".to_owned()),
            status,
            changes,
        }]
    }

    #[test]
    fn a_card_that_was_counted_out_is_gone() {
        let start = now();
        let mut lost = Lost::default();

        lost.compare(
            &reader(ReaderStatus::Card, 1),
            &reader(ReaderStatus::Empty, 2),
            start,
        );

        assert_eq!(lost.wait(start), None);
        assert!(lost.due(start + 2 * PATIENCE).is_empty());
    }

    #[test]
    fn a_card_that_was_not_is_looked_for_once() {
        let start = now();
        let [card, empty] =
            [ReaderStatus::Card, ReaderStatus::Empty].map(|status| reader(status, 1));
        let mut lost = Lost::default();

        lost.compare(&card, &empty, start);
        lost.compare(&empty, &empty, start + PATIENCE / 2);

        assert_eq!(lost.wait(start), Some(PATIENCE));
        assert!(lost.due(start + PATIENCE / 2).is_empty());
        assert_eq!(lost.due(start + PATIENCE).len(), 1);
        assert_eq!(lost.wait(start + PATIENCE), None);
        assert!(lost.due(start + 2 * PATIENCE).is_empty());
    }

    #[test]
    fn whatever_happens_in_the_reader_ends_the_search() {
        let start = now();
        let [card, empty] =
            [ReaderStatus::Card, ReaderStatus::Empty].map(|status| reader(status, 1));
        for then in [reader(ReaderStatus::Empty, 2), card.clone(), Vec::new()] {
            let mut lost = Lost::default();
            lost.compare(&card, &empty, start);

            lost.compare(&empty, &then, start);

            assert_eq!(lost.wait(start), None, "{then:?}");
        }
    }

    #[test]
    fn a_card_that_was_found_can_be_lost_again() {
        let start = now();
        let [card, empty] =
            [ReaderStatus::Card, ReaderStatus::Empty].map(|status| reader(status, 1));
        let mut lost = Lost::default();
        lost.compare(&card, &empty, start);
        assert_eq!(lost.due(start + PATIENCE).len(), 1);

        lost.compare(&empty, &card, start + PATIENCE);
        lost.compare(&card, &empty, start + PATIENCE);

        assert_eq!(lost.due(start + 2 * PATIENCE).len(), 1);
    }

    #[test]
    fn a_card_that_does_not_answer_is_powered_up_once_more_and_only_once() {
        let start = now();
        let empty = reader(ReaderStatus::Empty, 0);
        let silent = reader(ReaderStatus::NoAnswer, 1);
        let mut lost = Lost::default();

        lost.compare(&empty, &silent, start);
        lost.compare(&silent, &silent, start + PATIENCE / 2);

        assert_eq!(lost.due(start + PATIENCE).len(), 1);
        lost.compare(&silent, &silent, start + PATIENCE);
        assert!(lost.due(start + 3 * PATIENCE).is_empty());
        lost.compare(&silent, &reader(ReaderStatus::NoAnswer, 3), start);
        assert_eq!(lost.due(start + PATIENCE).len(), 1, "another card");
    }
}
