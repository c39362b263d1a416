//! What has to be so that a card signs its holder in: one line each, with the
//! cause where it is not so and how to mend it.
//!
//! Worked out from what the daemon tells and from the clock, without asking
//! anything. The order is that in which one thing needs another: the first line
//! that failed is the cause, and what only follows from it is not judged.

mod card;
pub mod meaning;
mod portals;
mod service;
mod stated;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use cac_common::snapshot::{Card, Snapshot};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use crate::app::{Chosen, Link};
use crate::failure::Trouble;
use crate::phrase::{self, Tone};

/// All that the checks are made from.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub link: &'a Link,
    /// The last picture, which is old while the daemon is away.
    pub snapshot: Option<&'a Snapshot>,
    /// Which reader or card it is about.
    pub chosen: Option<Chosen<'a>>,
    /// The portals whose profile was asked for, and whether it came.
    pub profiles: &'a BTreeMap<String, Result<(), Trouble>>,
    /// The lines that the person says are so.
    pub ticked: &'a BTreeSet<String>,
    /// Of the program that checks.
    pub version: &'a str,
    pub now: UtcSeconds,
    pub zone: &'a TimeZone,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable, in kebab case: `card-read`, `portal-ako`.
    pub name: String,
    /// What should be so.
    pub what: String,
    pub verdict: Verdict,
    /// What was found: a clause.
    pub cause: String,
    pub fix: Option<Fix>,
    /// Nothing tests it: the person says that it is so.
    pub is_stated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// It goes on, but somebody should look.
    Warning,
    Failed,
    /// It follows from a line that failed, or is not meant here.
    NotApplicable,
    /// Nobody can tell.
    Unknown,
    /// It is being found out.
    Running,
}

/// How to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Sentences.
    pub words: String,
    /// To be copied into a shell.
    pub command: Option<String>,
}

impl Verdict {
    pub fn title(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotApplicable => "n/a",
            Self::Unknown => "unknown",
            Self::Running => "running",
        }
    }

    pub fn tone(self) -> Tone {
        match self {
            Self::Fine => Tone::Good,
            Self::Warning => Tone::Wanted,
            Self::Failed => Tone::Bad,
            Self::NotApplicable | Self::Unknown => Tone::Quiet,
            Self::Running => Tone::Working,
        }
    }
}

/// Every check, in the order in which one needs another.
pub fn checks(known: &Known<'_>) -> Vec<Check> {
    let mut list = List::default();
    let service = service::checks(known, &mut list);
    let card = card::checks(known, service.clone(), &mut list);
    portals::checks(known, service, &card, &mut list);
    stated::checks(known, &mut list);
    list.checks
}

/// The line that is to be looked at first: the first that failed, else the
/// first that runs, else the first with a warning.
pub fn first(checks: &[Check]) -> Option<usize> {
    let of = |verdict| checks.iter().position(|check| check.verdict == verdict);
    of(Verdict::Failed)
        .or_else(|| of(Verdict::Running))
        .or_else(|| of(Verdict::Warning))
}

/// How it stands altogether, in a sentence.
pub fn summary(checks: &[Check]) -> (Tone, String) {
    let count = |verdict| {
        let of = checks.iter().filter(|check| check.verdict == verdict);
        u64::try_from(of.count()).unwrap_or(u64::MAX)
    };
    let failed = checks.iter().find(|it| it.verdict == Verdict::Failed);
    if let Some(failed) = failed {
        let cause = failed.cause.trim_end_matches('.');
        let text = if failed.name.starts_with(portals::PREFIX) {
            format!("Mend this first: {}: {cause}.", failed.what)
        } else {
            format!("Mend this first: {cause}.")
        };
        return (Tone::Bad, text);
    }
    let (running, warnings) = (count(Verdict::Running), count(Verdict::Warning));
    if running > 0 {
        let lines = phrase::counted(running, "line is", "lines are");
        return (Tone::Working, format!("{lines} still being found out."));
    }
    if warnings > 0 {
        let lines = phrase::counted(warnings, "line wants", "lines want");
        return (Tone::Wanted, format!("Nothing failed; {lines} a look."));
    }
    let is_open = |check: &Check| check.verdict == Verdict::Unknown && !check.is_stated;
    if checks.iter().any(is_open) {
        let text = "Nothing is in the way, as far as is known.";
        return (Tone::Good, text.into());
    }
    (Tone::Good, "Nothing is in the way.".into())
}

/// What a check came to.
struct Found {
    verdict: Verdict,
    cause: String,
    fix: Option<Fix>,
}

impl Found {
    fn new(verdict: Verdict, cause: impl Into<String>) -> Self {
        Self {
            verdict,
            cause: cause.into(),
            fix: None,
        }
    }

    fn fine(cause: impl Into<String>) -> Self {
        Self::new(Verdict::Fine, cause)
    }

    fn warning(cause: impl Into<String>) -> Self {
        Self::new(Verdict::Warning, cause)
    }

    fn failed(cause: impl Into<String>) -> Self {
        Self::new(Verdict::Failed, cause)
    }

    fn running(cause: impl Into<String>) -> Self {
        Self::new(Verdict::Running, cause)
    }

    fn unknown(cause: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, cause)
    }

    fn not_applicable(cause: impl Into<String>) -> Self {
        Self::new(Verdict::NotApplicable, cause)
    }

    fn mended(self, words: impl Into<String>) -> Self {
        Self {
            fix: Some(Fix {
                words: words.into(),
                command: None,
            }),
            ..self
        }
    }

    fn by(self, words: impl Into<String>, command: impl Into<String>) -> Self {
        Self {
            fix: Some(Fix {
                words: words.into(),
                command: Some(command.into()),
            }),
            ..self
        }
    }
}

/// Whether what a check needs is there.
#[derive(Debug, Clone, Default)]
enum Gate {
    #[default]
    Open,
    /// This is still being found out.
    Waits(String),
    /// This failed.
    Shut(String),
}

impl Gate {
    /// What stands for a check that cannot be made.
    fn closed(&self) -> Option<Found> {
        match self {
            Self::Open => None,
            Self::Waits(what) => Some(Found::running(format!("after: {what}"))),
            Self::Shut(what) => Some(Found::not_applicable(format!("after: {what}"))),
        }
    }
}

#[derive(Default)]
struct List {
    checks: Vec<Check>,
}

impl List {
    /// A line that others need: what is found of it passes through the gate.
    fn step(&mut self, gate: &mut Gate, name: &str, what: &str, found: impl FnOnce() -> Found) {
        let verdict = self.line(gate, name, what, found);
        if matches!(gate, Gate::Shut(_)) {
            return;
        }
        match verdict {
            Verdict::Failed => *gate = Gate::Shut(what.into()),
            Verdict::Running if matches!(gate, Gate::Open) => *gate = Gate::Waits(what.into()),
            Verdict::Running
            | Verdict::Fine
            | Verdict::Warning
            | Verdict::NotApplicable
            | Verdict::Unknown => {}
        }
    }

    /// A line that no other needs.
    fn line(
        &mut self,
        gate: &Gate,
        name: &str,
        what: &str,
        found: impl FnOnce() -> Found,
    ) -> Verdict {
        let Found {
            verdict,
            cause,
            fix,
        } = gate.closed().unwrap_or_else(found);
        self.checks.push(Check {
            name: name.into(),
            what: what.into(),
            verdict,
            cause,
            fix,
            is_stated: false,
        });
        verdict
    }
}

impl<'a> Known<'a> {
    /// The card it is about, if it is in a reader and may be seen.
    fn card(&self) -> Option<&'a Card> {
        match self.chosen? {
            Chosen::Reader(reader) => reader.card.as_ref(),
            Chosen::Known(_) => None,
        }
    }
}
