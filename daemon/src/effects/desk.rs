//! A reader for tests, whose card others can lock, or keep for themselves.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

use cac_common::reader::ReaderName;
use tokio::sync::mpsc;

use crate::card::transport::{Protocol, Readers, Report, Transport, TransportError};

pub(super) fn reader() -> ReaderName {
    ReaderName("Reader 0".into())
}

pub(super) struct Desk {
    is_locked: Mutex<bool>,
    unlocked: Condvar,
    /// What the next openings fail with.
    refusals: Mutex<VecDeque<TransportError>>,
    openings: mpsc::UnboundedSender<()>,
}

/// Another program's lock on the card.
pub(super) struct Lock(Arc<Desk>);

/// A card that knows no command.
struct BlankCard;

impl Desk {
    /// Gives a message for every time somebody opens the card.
    pub(super) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<()>) {
        let (openings, opened) = mpsc::unbounded_channel();
        let desk = Self {
            is_locked: Mutex::new(false),
            unlocked: Condvar::new(),
            refusals: Mutex::default(),
            openings,
        };
        (Arc::new(desk), opened)
    }

    pub(super) fn lock(self: &Arc<Self>) -> Lock {
        *self.is_locked.lock().unwrap() = true;
        Lock(Arc::clone(self))
    }

    pub(super) fn refuse(&self, error: &TransportError, times: usize) {
        let refusals = std::iter::repeat_n(error.clone(), times);
        self.refusals.lock().unwrap().extend(refusals);
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        *self.0.is_locked.lock().unwrap() = false;
        self.0.unlocked.notify_all();
    }
}

impl Readers for Desk {
    fn with_card(
        &self,
        _: &ReaderName,
        work: &mut dyn FnMut(&mut dyn Transport),
    ) -> Result<(), TransportError> {
        // A test that has seen enough listens no more.
        let _ = self.openings.send(());
        if let Some(error) = self.refusals.lock().unwrap().pop_front() {
            return Err(error);
        }
        let is_locked = self.is_locked.lock().unwrap();
        drop(self.unlocked.wait_while(is_locked, |is_locked| *is_locked));
        work(&mut BlankCard);
        Ok(())
    }

    fn watch(&self, _: &mut dyn FnMut(Report)) {}

    fn seat(&self, _: &ReaderName) -> Option<String> {
        Some("seat0".into())
    }

    fn stop(&self) {}
}

impl Transport for BlankCard {
    fn protocol(&self) -> Protocol {
        Protocol::T1
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn transmit(&mut self, _: &[u8]) -> Result<Vec<u8>, TransportError> {
        Ok(vec![0x6A, 0x82])
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}
