//! What work under way shares with whoever ends the visit it is for.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cac_common::pin::NewPin;
use cac_common::snapshot::PinStatus;
use tokio::sync::Notify;

use super::by_hand::ByHand;
use super::card_work::Worker;
use crate::card::error::{CardError, StatusWord};
use crate::card::logged_in::Done;
use crate::card::transport::{Transport, TransportError};
use crate::event::HeldPin;

/// A card that has not done its work after this long does not answer.
const LIMIT: Duration = Duration::from_mins(1);

/// How often work is begun anew because another program reset the card.
const TRIES: u32 = 3;

/// What work under way for a visit shares with whoever ends the visit.
#[derive(Default)]
pub(super) struct Visiting {
    pub(super) ended: Arc<AtomicBool>,
    /// The latest judging; earlier ones ask nobody any more.
    pub(super) judging: AtomicU32,
    /// Wakes a sign-in that waits for its portal.
    pub(super) stop: Notify,
    /// The PIN of the work under way.
    lent: Mutex<Lent>,
    pub(super) by_hand: ByHand,
}

/// A PIN, and what is to replace it, if it is to be changed.
type Lot = (HeldPin, Option<NewPin>);

/// A PIN that is lent to work with the card.
#[derive(Default)]
pub(super) struct Lent {
    /// Not there while the card works with it.
    pin: Option<HeldPin>,
    /// What is to replace it; goes wherever it goes.
    new: Option<NewPin>,
    /// Its time is over: what the card gives back is not kept.
    is_over: bool,
    /// Which piece of work may take it; one that was given up takes it no more.
    turn: u64,
}

impl Lent {
    /// The turn of a piece of work that is about to ask for the card; none
    /// where there is no PIN for it.
    fn begin(&mut self) -> Option<u64> {
        self.pin.as_ref()?;
        self.turn += 1;
        Some(self.turn)
    }

    /// The PIN, if it is still this piece's turn, and what is to replace it.
    fn take(&mut self, turn: u64) -> Option<Lot> {
        if self.turn != turn {
            return None;
        }
        Some((self.pin.take()?, self.new.take()))
    }
}

impl Visiting {
    /// Wipes the PIN, now or as soon as the card has done with it.
    pub(super) fn forget_pin(&self) {
        let mut lent = self.lent();
        lent.is_over = true;
        lent.pin = None;
        lent.new = None;
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.forget_pin();
        self.by_hand.end();
        self.stop.notify_one();
    }

    fn lent(&self) -> MutexGuard<'_, Lent> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends a PIN to what follows.
    pub(super) fn lend(&self, pin: HeldPin) {
        let mut lent = self.lent();
        lent.pin = Some(pin);
        lent.new = None;
        lent.is_over = false;
        // Work that was given up, and may still begin, is for another PIN.
        lent.turn += 1;
    }

    /// The same, with what is to replace it.
    pub(super) fn lend_both(&self, pin: HeldPin, new: NewPin) {
        self.lend(pin);
        self.lent().new = Some(new);
    }

    /// Takes back what is left of it.
    pub(super) fn take_back(&self) -> Option<HeldPin> {
        self.lent().pin.take()
    }

    /// Does `work` with the card and the PIN that is lent, and begins anew
    /// where another program reset the card and the PIN is here again: it was
    /// not sent, or accepted, and nothing is lost. Blocks. Says nothing of a
    /// failure where the PIN's time was over.
    pub(super) fn with_pin<T: Send + 'static>(
        self: &Arc<Self>,
        worker: &Worker,
        spent: &mut Spent,
        work: impl Fn(&mut dyn Transport, HeldPin) -> Done<T> + Clone + Send + 'static,
    ) -> Result<T, Option<CardError>> {
        self.with_lent(worker, spent, move |transport, (pin, _)| {
            Some((work(transport, pin), None))
        })
    }

    /// The same, with the PIN and what is to replace it.
    pub(super) fn with_both<T: Send + 'static>(
        self: &Arc<Self>,
        worker: &Worker,
        spent: &mut Spent,
        work: impl Fn(&mut dyn Transport, (HeldPin, NewPin)) -> (Done<T>, Option<NewPin>)
        + Clone
        + Send
        + 'static,
    ) -> Result<T, Option<CardError>> {
        self.with_lent(worker, spent, move |transport, (pin, new)| {
            Some(work(transport, (pin, new?)))
        })
    }

    fn with_lent<T: Send + 'static>(
        self: &Arc<Self>,
        worker: &Worker,
        spent: &mut Spent,
        work: impl Fn(&mut dyn Transport, Lot) -> Option<(Done<T>, Option<NewPin>)>
        + Clone
        + Send
        + 'static,
    ) -> Result<T, Option<CardError>> {
        let mut number = 1;
        loop {
            match self.with_lent_once(worker, spent, work.clone()) {
                Err(Some(failure)) if number < TRIES && self.may_begin_anew(&failure) => {
                    tracing::debug!(error = %failure, "work with a card is begun anew");
                    number += 1;
                }
                result => return result,
            }
        }
    }

    fn with_lent_once<T: Send + 'static>(
        self: &Arc<Self>,
        worker: &Worker,
        spent: &mut Spent,
        work: impl FnOnce(&mut dyn Transport, Lot) -> Option<(Done<T>, Option<NewPin>)> + Send + 'static,
    ) -> Result<T, Option<CardError>> {
        let turn = self.lent().begin().ok_or(None)?;
        let visiting = Arc::clone(self);
        // The PIN stays where it can be wiped until the card is open and locked.
        let ended = worker.run_once(LIMIT, move |transport| {
            let lot = visiting.lent().take(turn)?;
            work(transport, lot)
        });
        // Work that was given up may still begin.
        self.lent().turn += 1;
        // Without a PIN its time, or the visit, was over before the card was open.
        let (done, new) = ended?.ok_or(None)?;
        self.keep(done.pin, new);
        spent.apdus += done.apdus;
        if done.tries.is_some() {
            spent.tries = done.tries;
        }
        Ok(done.result?)
    }

    /// Keeps a PIN for later, unless its time, or the visit, is over.
    fn keep(&self, pin: Option<HeldPin>, new: Option<NewPin>) {
        let mut lent = self.lent();
        if !lent.is_over && pin.is_some() {
            lent.pin = pin;
            lent.new = new;
        }
    }

    fn may_begin_anew(&self, failure: &CardError) -> bool {
        (self.lent().pin.as_ref()).is_some_and(|pin| may_be_a_reset(failure, pin))
    }
}

/// What work with a card has cost, and what that last said of its PIN.
#[derive(Default)]
pub(super) struct Spent {
    pub(super) apdus: u32,
    pub(super) tries: Option<PinStatus>,
}

/// Whether another program may have reset the card: pcscd says so, or the card
/// has forgotten what was selected, or that a PIN was accepted.
fn may_be_a_reset(failure: &CardError, pin: &HeldPin) -> bool {
    if let CardError::Refused { status, .. } = failure {
        let forgot_the_pin = *status == StatusWord::SECURITY && matches!(pin, HeldPin::Accepted(_));
        return forgot_the_pin || status.is_of_another_application();
    }
    *failure == TransportError::Reset.into()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc;

    use cac_common::identity::CardId;
    use cac_common::locked::{Locked, close_once_wiped};
    use cac_common::pin::{Pin, PinFor};
    use cac_common::snapshot::Visit;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::super::desk::{Desk, reader};
    use super::*;
    use crate::activity::Activity;

    #[test]
    fn work_that_was_given_up_never_takes_the_pin_of_what_came_after_it() {
        let visiting = Visiting::default();
        visiting.lend(typed_by(1));
        let given_up = visiting.lent().begin().unwrap();
        drop(visiting.take_back());

        visiting.lend(typed_by(2));
        let next = visiting.lent().begin().unwrap();

        assert!(visiting.lent().take(given_up).is_none());
        let (taken, _) = visiting.lent().take(next).unwrap();
        assert_eq!(taken.typed_for().uid, 2);
    }

    #[test]
    fn the_machine_waits_with_its_sleep_for_a_pin_that_the_card_works_with() {
        let (desk, _opened) = Desk::new();
        let worker = Worker::start(desk, reader(), Activity::default());
        let visiting = Arc::new(Visiting::default());
        visiting.lend(typed_by(1));
        let (reached, has_pin) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let may_go_on = Arc::new(Mutex::new(may_go_on));
        let signing = std::thread::spawn({
            let visiting = Arc::clone(&visiting);
            move || {
                let work = move |_: &mut dyn Transport, pin| {
                    reached.send(()).unwrap();
                    may_go_on.lock().unwrap().recv().unwrap();
                    Done {
                        result: Ok(()),
                        pin: Some(pin),
                        tries: None,
                        apdus: 1,
                    }
                };
                visiting.with_pin(&worker, &mut Spent::default(), work)
            }
        });
        has_pin.recv().unwrap();

        let (mut watched, inhibitor) = std::io::pipe().unwrap();
        visiting.forget_pin();
        close_once_wiped(inhibitor.into());
        let mut polled = [PollFd::new(&watched, PollFlags::IN)];
        let closed = poll(&mut polled, Some(&Timespec::default())).unwrap();
        go_on.send(()).unwrap();
        signing.join().unwrap().unwrap();

        assert_eq!(closed, 0, "it sleeps, and the PIN is there");
        assert_eq!(watched.read(&mut [0]).unwrap(), 0);
        assert!(visiting.take_back().is_none());
    }

    fn typed_by(uid: u32) -> HeldPin {
        let mut digits = Locked::new().unwrap();
        digits.bytes_mut()[..6].copy_from_slice(b"123456");
        let typed_for = PinFor {
            uid,
            card: CardId("card".into()),
            visit: Visit(1),
            even_the_last_try: false,
            by_login: false,
        };
        HeldPin::Unsent(Pin::new(digits, 6, typed_for).unwrap())
    }
}
