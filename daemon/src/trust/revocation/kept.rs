//! What was learnt, for as long as it is good.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cac_common::time::UtcSeconds;

/// A bounded number of answers, each with the time in which it is good.
pub(super) struct Kept<K, V> {
    most: usize,
    found: Mutex<BTreeMap<K, Dated<V>>>,
}

struct Dated<V> {
    value: V,
    from: UtcSeconds,
    until: UtcSeconds,
}

impl<V> Dated<V> {
    /// Not either where the clock was set back.
    fn is_good(&self, now: UtcSeconds) -> bool {
        (self.from..self.until).contains(&now)
    }
}

impl<K: Ord, V: Clone> Kept<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            found: Mutex::default(),
        }
    }

    /// What is known, and until when it is good.
    pub(super) fn get(&self, key: &K, now: UtcSeconds) -> Option<(V, UtcSeconds)> {
        let found = self.found();
        let dated = found.get(key).filter(|dated| dated.is_good(now))?;
        Some((dated.value.clone(), dated.until))
    }

    pub(super) fn keep(&self, key: K, value: V, (from, until): (UtcSeconds, UtcSeconds)) {
        let mut found = self.found();
        if found.len() >= self.most {
            found.retain(|_, dated| dated.is_good(from));
        }
        if found.len() >= self.most {
            found.pop_first();
        }
        found.insert(key, Dated { value, from, until });
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<K, Dated<V>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
