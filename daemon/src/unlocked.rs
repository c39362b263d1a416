//! Pages for secrets on a machine that lets us lock none, or too few: a secret is
//! held all the same, and that is told once.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use cac_common::locked::Locked;

use crate::journal::Message;

/// For the history.
pub(crate) const SENTENCE: &str =
    "Memory cannot be locked: a PIN that is in use could be swapped out to disk";

static IS_TOLD: AtomicBool = AtomicBool::new(false);

/// Whether the history is to be told that memory cannot be locked: it is, once.
pub(crate) fn is_to_be_noted() -> bool {
    static IS_NOTED: AtomicBool = AtomicBool::new(false);
    let can_be_locked = page().is_ok_and(|page| page.is_locked());
    !can_be_locked && !IS_NOTED.swap(true, Ordering::Relaxed)
}

/// A page for a secret.
pub(crate) fn page() -> io::Result<Locked> {
    let page = Locked::new()?;
    if !page.is_locked() && !IS_TOLD.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            message_id = Message::NoLockedMemory.id(),
            "memory cannot be locked: a PIN that is in use could be swapped out to disk"
        );
    }
    Ok(page)
}
