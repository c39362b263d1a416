//! The one place that reads the clock.

use std::time::{Duration, SystemTime};

use cac_common::time::UtcSeconds;

/// How long it is from 1970 to now.
#[expect(
    clippy::disallowed_methods,
    reason = "everything else is given the moment as an argument"
)]
fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

pub fn now() -> UtcSeconds {
    UtcSeconds(i64::try_from(since_1970().as_secs()).unwrap_or(i64::MAX))
}

/// How long it is from now to `moment`.
pub fn until(moment: UtcSeconds) -> Duration {
    Duration::from_secs(u64::try_from(moment.0).unwrap_or(0)).saturating_sub(since_1970())
}
