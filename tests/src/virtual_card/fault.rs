//! Mishaps at a chosen moment: a card pulled half-way, another program that
//! meddles, a card that takes its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::card_file::CardFile;
use super::chip::Chip;
use super::key::KeyError;
use super::{CardHandle, CardModel, Shared};
use crate::clock;
use crate::wait::WaitedInVain;

/// A command yet to come, counted from the moment the fault is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    instruction: Option<u8>,
    skipped: usize,
}

impl Moment {
    /// The next command with this instruction byte.
    pub const fn next(instruction: u8) -> Self {
        Self {
            instruction: Some(instruction),
            skipped: 0,
        }
    }

    /// The next command, whatever it is.
    pub const fn next_of_any() -> Self {
        Self {
            instruction: None,
            skipped: 0,
        }
    }

    /// The same, after `skipped` more such commands.
    #[must_use]
    pub const fn after(self, skipped: usize) -> Self {
        Self { skipped, ..self }
    }
}

/// What goes wrong.
pub(super) enum Fault {
    Pull,
    Reset,
    ResetUnheard,
    SelectOther,
    Swap(Box<Chip>),
    Garble(Vec<u8>),
    Hold(Arc<Gate>),
}

impl CardHandle {
    /// Pulls the card when this moment comes: the command gets no answer.
    pub fn pull_at(&self, moment: Moment) {
        self.plan(moment, Fault::Pull);
    }

    /// Lets another program reset the card right before the command of this moment.
    pub fn reset_at(&self, moment: Moment) {
        self.plan(moment, Fault::Reset);
    }

    /// The same, and nobody is told: pcscd lets a reset that was asked for
    /// before the card was locked come after that.
    pub fn reset_unheard_at(&self, moment: Moment) {
        self.plan(moment, Fault::ResetUnheard);
    }

    /// Lets another program select another applet right before the command of
    /// this moment. The log does not show it: it is of what is asked here.
    pub fn select_other_at(&self, moment: Moment) {
        self.plan(moment, Fault::SelectOther);
    }

    /// Pulls the card when this moment comes, and puts another one in at once:
    /// connections from before answer `Removed`, and the handle is now for the
    /// other card. A reader of pcscd sees it with a new `Insertion`.
    pub fn swap_at(
        &self,
        moment: Moment,
        file: &CardFile,
        model: CardModel,
    ) -> Result<(), KeyError> {
        let other = Chip::new(file, model)?;
        self.plan(moment, Fault::Swap(Box::new(other)));
        Ok(())
    }

    /// Lets the command of this moment be done, and these bytes be its answer.
    pub fn garble_at(&self, moment: Moment, answer: &[u8]) {
        self.plan(moment, Fault::Garble(answer.to_vec()));
    }

    /// Lets the command of this moment wait until the hold is released.
    pub fn hold_at(&self, moment: Moment) -> Hold {
        let (hold, fault) = Hold::new(Arc::clone(&self.shared));
        self.plan(moment, fault);
        hold
    }

    fn plan(&self, moment: Moment, fault: Fault) {
        let planned = Planned { moment, fault };
        self.shared.lock().faults.push(planned);
    }
}

/// A fault that waits for its moment, once.
pub(super) struct Planned {
    moment: Moment,
    fault: Fault,
}

/// Takes out of the plan what this command sets off.
pub(super) fn due(plan: &mut Vec<Planned>, command: &[u8]) -> Vec<Fault> {
    let instruction = command.get(1).copied();
    let is_due = |planned: &mut Planned| {
        let moment = &mut planned.moment;
        if moment.instruction.is_some() && moment.instruction != instruction {
            return false;
        }
        let is_due = moment.skipped == 0;
        moment.skipped = moment.skipped.saturating_sub(1);
        is_due
    };
    let due = plan.extract_if(.., is_due);
    due.map(|planned| planned.fault).collect()
}

/// Where a held command waits.
#[derive(Default)]
pub(super) struct Gate {
    has_arrived: AtomicBool,
    is_open: AtomicBool,
}

impl Gate {
    pub(super) fn arrive(&self) {
        self.has_arrived.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::SeqCst)
    }
}

/// Keeps a command from being answered. Dropping it lets the command go on.
pub struct Hold {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
}

impl Hold {
    pub(super) fn new(shared: Arc<Shared>) -> (Self, Fault) {
        let gate = Arc::new(Gate::default());
        let fault = Fault::Hold(Arc::clone(&gate));
        (Self { shared, gate }, fault)
    }

    /// Returns when the command has come and waits.
    pub fn wait_until_reached(&self, limit: Duration) -> Result<(), WaitedInVain> {
        let begin = clock::instant();
        let mut state = self.shared.lock();
        while !self.gate.has_arrived.load(Ordering::SeqCst) {
            let Some(left) = limit
                .checked_sub(begin.elapsed())
                .filter(|left| !left.is_zero())
            else {
                return Err(WaitedInVain {
                    what: "the held command came".to_owned(),
                    limit,
                });
            };
            state = match self.shared.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        Ok(())
    }

    /// Lets the command go on.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Under the lock, so that the waiting command cannot miss it.
        let state = self.shared.lock();
        self.gate.is_open.store(true, Ordering::SeqCst);
        drop(state);
        self.shared.changed.notify_all();
    }
}
