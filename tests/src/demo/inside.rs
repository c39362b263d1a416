//! A reader inside this process, for where no pcscd can be started.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cacd::card::transport::{Readers, Report, SeenReader, Transport, TransportError};

use crate::virtual_card::CardHandle;

const NAME: &str = "Pretend Reader 00 00";

/// One reader, with a card in it or not.
#[derive(Default)]
pub(super) struct InsideReader {
    slot: Mutex<Slot>,
    changed: Condvar,
    /// Held by whoever works with the card.
    lock: Mutex<()>,
}

#[derive(Default)]
struct Slot {
    card: Option<CardHandle>,
    /// Insertions and removals so far.
    changes: u32,
    is_stopping: bool,
}

impl InsideReader {
    pub(super) fn name() -> ReaderName {
        ReaderName(NAME.to_owned())
    }

    pub(super) fn put_in(&self, card: &CardHandle) {
        let mut slot = self.slot();
        slot.take_out();
        card.put_in();
        slot.card = Some(card.clone());
        slot.changes += 1;
        self.changed.notify_all();
    }

    pub(super) fn take_out(&self) {
        self.slot().take_out();
        self.changed.notify_all();
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        // Nothing is left half done in there by anyone who panics.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn take_out(&mut self) {
        if let Some(card) = self.card.take() {
            card.take_out();
            self.changes += 1;
        }
    }

    fn report(&self) -> Report {
        Report {
            service: ServiceStatus::Running,
            readers: vec![SeenReader {
                name: InsideReader::name(),
                status: if self.card.is_some() {
                    ReaderStatus::Card
                } else {
                    ReaderStatus::Empty
                },
                changes: self.changes,
            }],
        }
    }
}

impl Readers for InsideReader {
    fn with_card(
        &self,
        reader: &ReaderName,
        work: &mut dyn FnMut(&mut dyn Transport),
    ) -> Result<(), TransportError> {
        if *reader != Self::name() {
            return Err(TransportError::ReaderGone);
        }
        let _locked = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut card = self
            .slot()
            .card
            .as_ref()
            .ok_or(TransportError::Removed)?
            .transport();
        work(&mut card);
        Ok(())
    }

    fn watch(&self, report: &mut dyn FnMut(Report)) {
        let mut reported = None;
        let mut slot = self.slot();
        while !slot.is_stopping {
            if reported != Some(slot.changes) {
                reported = Some(slot.changes);
                let now = slot.report();
                drop(slot);
                report(now);
                slot = self.slot();
                continue;
            }
            slot = self
                .changed
                .wait(slot)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn seat(&self, _: &ReaderName) -> Option<String> {
        Some("seat0".into())
    }

    fn stop(&self) {
        self.slot().is_stopping = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::virtual_card::{CardModel, samples};

    #[test]
    fn every_insertion_and_removal_is_another_report() {
        let reader = Arc::new(InsideReader::default());
        let (send, reports) = mpsc::channel();
        let watching = thread::spawn({
            let reader = Arc::clone(&reader);
            move || reader.watch(&mut |report| send.send(report).unwrap())
        });
        let next = || reports.recv().unwrap().readers.remove(0);
        let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();

        let empty = next();
        reader.put_in(&card);
        let full = next();
        reader.take_out();
        let empty_again = next();
        reader.stop();
        watching.join().unwrap();

        assert_eq!((empty.status, empty.changes), (ReaderStatus::Empty, 0));
        assert_eq!((full.status, full.changes), (ReaderStatus::Card, 1));
        assert_eq!(
            (empty_again.status, empty_again.changes),
            (ReaderStatus::Empty, 2)
        );
    }

    #[test]
    fn a_card_taken_out_in_the_middle_of_work_answers_no_more() {
        let reader = InsideReader::default();
        let card = CardHandle::new(samples::john(), CardModel::T1).unwrap();
        reader.put_in(&card);

        let mut answer = None;
        reader
            .with_card(&InsideReader::name(), &mut |transport| {
                reader.take_out();
                answer = Some(transport.transmit(&[0x00, 0x20, 0x00, 0x80]));
            })
            .unwrap();

        assert_eq!(answer, Some(Err(TransportError::Removed)));
        assert_eq!(
            reader.with_card(&InsideReader::name(), &mut |_| {}),
            Err(TransportError::Removed)
        );
    }
}
