//! Moments as they travel and are stored: whole seconds of UTC.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01 00:00 UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UtcSeconds(pub i64);

impl UtcSeconds {
    /// This moment and `span` later; stays at the end of time rather than wrap.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_secs()).unwrap_or(i64::MAX)),
        )
    }

    /// How long it is from `earlier` to here; nothing if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_gives_no_span() {
        assert_eq!(UtcSeconds(5).since(UtcSeconds(9)), Duration::ZERO);
    }

    #[test]
    fn the_end_of_time_does_not_wrap() {
        assert_eq!(
            UtcSeconds(i64::MAX).after(Duration::from_secs(1)),
            UtcSeconds(i64::MAX)
        );
    }
}
