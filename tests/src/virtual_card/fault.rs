//! Mishaps at a chosen moment: a card pulled half-way, a card that takes its time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Shared;
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
#[derive(Clone)]
pub(super) enum Fault {
    Pull,
    Garble(Vec<u8>),
    Hold(Arc<Gate>),
}

/// A fault that waits for its moment, once.
pub(super) struct Planned {
    moment: Moment,
    fault: Fault,
}

impl Planned {
    pub(super) fn new(moment: Moment, fault: Fault) -> Self {
        Self { moment, fault }
    }
}

/// Takes out of the plan what this command sets off.
pub(super) fn due(plan: &mut Vec<Planned>, command: &[u8]) -> Vec<Fault> {
    let instruction = command.get(1).copied();
    let mut due = Vec::new();
    plan.retain_mut(|planned| {
        if planned.moment.instruction.is_some() && planned.moment.instruction != instruction {
            return true;
        }
        if planned.moment.skipped > 0 {
            planned.moment.skipped -= 1;
            return true;
        }
        due.push(planned.fault.clone());
        false
    });
    due
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
