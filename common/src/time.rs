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

/// `40 s`, `5 min`, `3 h`, `2 days`.
pub fn span(span: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = span.as_secs();
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        DAY..172_800 => "1 day".to_owned(),
        _ => format!("{} days", seconds / DAY),
    }
}

/// How long ago that is: `2 days ago`; below a minute `just now`.
pub fn ago(passed: Duration) -> String {
    if passed < Duration::from_mins(1) {
        "just now".to_owned()
    } else {
        format!("{} ago", span(passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (86_399, "23 h"),
            (86_400, "1 day"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), told);
        }
    }

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
