//! Registering by hand: from the log-in to the confirmation, and all that can
//! come in between.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, which fail by panicking"
)]

mod ends;
mod scene;
mod stops;
