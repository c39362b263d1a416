//! When it is asked again what became of a card's certificates.

use std::time::Duration;

use crate::event::Now;
use crate::judgement::Asked;
use crate::retry;

/// The wait after the first time that somebody could not be reached.
const FIRST: Duration = Duration::from_mins(5);
const LONGEST: Duration = Duration::from_hours(1);

/// Answers of many machines run out together; they do not ask together.
const SPREAD: Duration = Duration::from_mins(10);

/// None is due before everyone was asked once.
#[derive(Default)]
pub(super) struct Recheck {
    pub(super) due: Option<Duration>,
    /// How often in a row somebody could not be reached.
    failures: u32,
}

impl Recheck {
    pub(super) fn plan(&mut self, asked: Asked, now: Now) {
        let wait = match asked {
            Asked::Away => {
                self.failures = self.failures.saturating_add(1);
                retry::wait(self.failures, FIRST, LONGEST, None, now.random)
            }
            Asked::Answered { good_for } => {
                self.failures = 0;
                good_for.max(FIRST) + Duration::from_secs(now.random % SPREAD.as_secs())
            }
        };
        self.due = Some(now.monotonic.saturating_add(wait));
    }
}
