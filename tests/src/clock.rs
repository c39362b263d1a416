//! The one place where the stand-ins ask what time it is.

use std::time::{Instant, SystemTime};

/// The time of day, for validity periods.
#[expect(
    clippy::disallowed_methods,
    reason = "certificates made for a run have to be valid during that run"
)]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// The steady clock, for limits on waiting.
#[expect(
    clippy::disallowed_methods,
    reason = "a wait for another process is limited in real time"
)]
pub fn instant() -> Instant {
    Instant::now()
}
