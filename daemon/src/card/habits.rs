//! What cards of one kind were found not to do, for as long as the daemon runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// More kinds of card than any desk sees in a day; then all are learnt anew.
const MOST_KINDS: usize = 256;

/// By the answer to reset, which names a chip product. Clones share what was learnt.
#[derive(Debug, Clone, Default)]
pub struct Habits {
    found: Arc<Mutex<HashMap<Vec<u8>, Habit>>>,
}

/// What a kind of card is not to be trusted with any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Habit {
    /// It answers the next command with what was left unread of the last answer.
    pub keeps_replies: bool,
    /// It, or its reader, takes no extended length, whatever it says.
    pub refuses_extended: bool,
}

impl Habits {
    pub fn of(&self, atr: &[u8]) -> Habit {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(atr).copied().unwrap_or_default()
    }

    pub(super) fn learn(&self, atr: &[u8], lesson: impl FnOnce(&mut Habit)) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= MOST_KINDS && !found.contains_key(atr) {
            found.clear();
        }
        lesson(found.entry(atr.to_vec()).or_default());
    }
}
