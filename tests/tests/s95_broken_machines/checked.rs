//! What `cacctl check` said there, and how long it took.
#![expect(
    clippy::disallowed_methods,
    reason = "how long it takes is what is looked at"
)]

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use cac_tests::system::{ADMINISTRATOR, System};
use serde_json::Value;

use crate::broken::Broken;

/// On any machine it ends within this.
const MOST: Duration = Duration::from_secs(10);

/// What `cacctl check --json` said.
pub(crate) struct Checked {
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) check: String,
    pub(crate) verdict: String,
    pub(crate) cause: String,
}

impl Checked {
    /// As who sits there, or as who comes from elsewhere; with this before it on
    /// the same line.
    pub(crate) fn on(system: &System, user: &str, with: &[&str]) -> anyhow::Result<Self> {
        let command = [with, &["cacctl", "check", "--json"]].concat();
        let begun = Instant::now();
        let output = if user == ADMINISTRATOR {
            system.run_in_session(user, &command)?
        } else {
            system.run_as(user, &command)?
        };
        Self::read(&output.stdout, begun.elapsed())
            .with_context(|| format!("{}", String::from_utf8_lossy(&output.stderr)))
    }

    pub(crate) fn read(said: &[u8], took: Duration) -> anyhow::Result<Self> {
        ensure!(took < MOST, "it took {took:?}");
        let all: Value = serde_json::from_slice(said)?;
        let findings = all["findings"].as_array().context("they are a list")?;
        let text = |it: &Value, field: &str| it[field].as_str().unwrap_or_default().to_owned();
        let lines = findings.iter().map(|it| Line {
            check: text(it, "check"),
            verdict: text(it, "verdict"),
            cause: text(it, "cause"),
        });
        Ok(Self {
            lines: lines.collect(),
        })
    }

    pub(crate) fn failed(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.verdict == "failed")
    }

    /// The first that failed is the true cause; what warns, or is not known, is
    /// there, and nothing failed for it.
    pub(crate) fn tells(&self, broken: &Broken) -> bool {
        let is_it = |line: &Line| line.check == broken.check && line.cause.contains(broken.says);
        if broken.verdict == "failed" {
            return self.failed().next().is_some_and(is_it);
        }
        let is_told = |line: &Line| line.verdict == broken.verdict && is_it(line);
        let is_known_too = |line: &Line| broken.fails_too.contains(&&line.check[..]);
        self.lines.iter().any(is_told) && self.failed().all(is_known_too)
    }
}
