//! Cards that lie in a reader which pcscd takes for empty.
//!
//! pcscd counts each card that it sees come or go. A reset that fails, since
//! the card is just being pulled, has it note the reader as empty without
//! counting; and a card that is back before it looks again never went, as far
//! as it knows (pcsc-lite: `SCardReconnect` and `EHStatusHandlerThread`). Such a
//! reader stays empty to every program, until a card is taken out of it again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cac_common::reader::{ReaderName, ReaderStatus};

use crate::card::transport::SeenReader;

/// pcscd looks every 0.4 s by itself: a card that is gone is counted by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// The readers that became empty without being counted.
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
            still.is_some_and(|reader| is_empty(reader) && reader.changes == loss.changes)
        });
        for reader in now.iter().filter(|reader| is_empty(reader)) {
            let had_a_card = before.iter().any(|old| {
                old.name == reader.name && old.changes == reader.changes && !is_empty(old)
            });
            if had_a_card {
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

fn is_empty(reader: &SeenReader) -> bool {
    reader.status == ReaderStatus::Empty
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
        for then in [
            reader(ReaderStatus::Empty, 2),
            card.clone(),
            reader(ReaderStatus::NoAnswer, 1),
            Vec::new(),
        ] {
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
}
