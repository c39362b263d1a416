//! How much is said, and how long is waited.

use std::time::Duration;

use clap::Args;

#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Bounds {
    /// Print errors and what was asked for, and nothing else: no progress, no advice.
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Give up after so many seconds, and say what was waited for.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub timeout: Option<u32>,
}

impl Bounds {
    pub fn limit(self) -> Option<Duration> {
        self.timeout
            .map(|seconds| Duration::from_secs(seconds.into()))
    }
}
