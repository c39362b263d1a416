//! What goes between readers and cards, as far as one line shows it.

use cac_common::activity::Apdu;
use cac_common::interface::ActivityReply;

use crate::failure::Trouble;

/// Since it was asked for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ActivityLine {
    pub last: Option<Apdu>,
    /// Commands that were told.
    pub count: u64,
    /// Commands that could not be told in time.
    pub missed: u64,
    /// Why nothing is told now.
    pub trouble: Option<Trouble>,
}

/// What came of following it.
#[derive(Debug, PartialEq, Eq)]
pub enum ActivityNews {
    /// Whatever goes to a card from now on is told.
    Listening,
    Told(Batch),
    Away(Trouble),
}

/// What came in a tenth of a second.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    last: Option<Apdu>,
    count: u64,
    missed: u64,
}

impl Batch {
    pub fn add(&mut self, reply: ActivityReply) {
        let count = u64::try_from(reply.apdus.len()).unwrap_or(u64::MAX);
        self.count = self.count.saturating_add(count);
        self.missed = self.missed.saturating_add(reply.missed);
        if let Some(last) = reply.apdus.into_iter().next_back() {
            self.last = Some(last);
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ActivityLine {
    pub fn take(&mut self, news: ActivityNews) {
        match news {
            ActivityNews::Listening => self.trouble = None,
            ActivityNews::Told(batch) => {
                self.count = self.count.saturating_add(batch.count);
                self.missed = self.missed.saturating_add(batch.missed);
                if batch.last.is_some() {
                    self.last = batch.last;
                }
            }
            ActivityNews::Away(trouble) => self.trouble = Some(trouble),
        }
    }
}
