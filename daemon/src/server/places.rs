//! How many connections there may be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Connections at one time, of everyone and of one user.
const MOST_CONNECTIONS: usize = 512;
pub(super) const MOST_OF_ONE_USER: usize = 64;

/// Connections there are now, by user.
pub(super) type Open = Arc<Mutex<HashMap<u32, usize>>>;

/// Counts one connection for as long as it lives.
pub(super) struct Place {
    open: Open,
    uid: u32,
}

impl Place {
    pub(super) fn take(open: &Open, uid: u32) -> Option<Self> {
        let mut counts = open.lock().expect("nobody panics holding this");
        let all: usize = counts.values().sum();
        let own = counts.entry(uid).or_default();
        // Root gets in even when others have taken every place.
        if uid != 0 && (all >= MOST_CONNECTIONS || *own >= MOST_OF_ONE_USER) {
            return None;
        }
        if uid == 0 && *own >= MOST_CONNECTIONS {
            return None;
        }
        *own += 1;
        drop(counts);
        Some(Self {
            open: Arc::clone(open),
            uid,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.open.lock().expect("nobody panics holding this");
        if let Some(count) = counts.get_mut(&self.uid) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.uid);
            }
        }
    }
}
