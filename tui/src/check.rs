//! What has to be so that a card signs its holder in: one line each, with the
//! cause where it is not so and how to mend it.
//!
//! `cacctl check` and the dashboard's checklist are made from it. Some checks are
//! worked out from what the daemon tells and from the clock, some are looked up
//! on this machine as whoever asks. The order is that in which one thing needs
//! another: the first line that failed is the cause, and what only follows from
//! it is not judged.

mod anywhere;
mod browsers;
mod card;
pub(crate) mod child;
mod found;
mod gate;
mod held;
pub mod look;
mod machine;
mod outcome;
mod pcscd;
pub(crate) mod pkcs11;
mod portals;
mod reach;
mod readers;
pub(crate) mod report;
mod service;
mod stated;
#[cfg(test)]
mod tests;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cac_common::snapshot::{Card, Snapshot};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use self::anywhere::any;
use self::gate::{Gate, Gates};
use self::look::Place;
use crate::app::{Chosen, Link};
use crate::failure::Trouble;
use crate::phrase::{self, Tone};

pub use self::found::{About, Finding, Fix, Found, Verdict};
pub use self::outcome::{Outcome, Told, Way, capitals};

/// One thing that is checked.
pub struct Check {
    /// Stable, in kebab case: `card-read`.
    pub name: &'static str,
    /// What should be so.
    pub title: &'static str,
    /// What it looks at, and what hangs on it: sentences.
    pub meaning: &'static str,
    /// The names of those that have to be so before it can be judged.
    pub(crate) after: &'static [&'static str],
    pub(crate) by: By,
    /// All that it can come to, beside what any check can (`ANYWHERE`).
    pub outcomes: &'static [Outcome],
}

/// What any check can come to: where another is not done or has failed, or nobody answers.
pub const ANYWHERE: &[Outcome] = any::ALL;

/// How it is found out.
#[derive(Clone, Copy)]
pub(crate) enum By {
    /// From all that is known.
    Known(fn(&Known<'_>) -> Found),
    /// From the daemon's picture.
    Picture(fn(&Snapshot) -> Found),
    /// Of the card that is chosen.
    Card(fn(&Known<'_>, &Card) -> Found),
    /// Of each portal. The gate is that of a sign-in with the card.
    Portals(fn(&Known<'_>, &Gate) -> Vec<Found>),
    /// Looked up on this machine by whoever asks, in a thread of its own.
    Machine(fn(&Place) -> Vec<Found>),
    /// Nothing can test it: the person says that it is so.
    Person { said: Outcome, open: Outcome },
}

/// The one without which the daemon tells nothing.
pub(crate) const SERVICE: &str = "service";

/// Every check, in the order in which one needs another.
const GROUPS: [&[Check]; 9] = [
    service::CHECKS,
    pcscd::CHECKS,
    readers::CHECKS,
    card::CHECKS,
    trust::CHECKS,
    pkcs11::CHECKS,
    browsers::CHECKS,
    portals::CHECKS,
    stated::CHECKS,
];

pub fn all() -> impl Iterator<Item = &'static Check> + Clone {
    GROUPS.into_iter().flatten()
}

pub fn named(name: &str) -> Option<&'static Check> {
    all().find(|check| check.name == name)
}

/// The names of those that are looked up on this machine.
pub fn of_the_machine() -> impl Iterator<Item = &'static str> {
    let of_the_machine = all().filter(|check| matches!(check.by, By::Machine(_)));
    of_the_machine.map(|check| check.name)
}

impl Check {
    /// Those that have to be so before it can be judged.
    pub fn after(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.after.iter().copied()
    }

    /// Nothing tests it: the person says that it is so.
    pub fn is_stated(&self) -> bool {
        matches!(self.by, By::Person { .. })
    }
}

/// Those without which this one cannot be made, and what they need in turn.
pub fn needed_by(check: &Check) -> BTreeSet<&'static str> {
    let mut needed = BTreeSet::new();
    let of_a_sign_in = portals::NEEDED.iter().chain([&portals::NOT_REVOKED]);
    let of_a_sign_in = of_a_sign_in.filter(|_| matches!(check.by, By::Portals(_)));
    let mut open: Vec<&str> = check.after().chain(of_a_sign_in.copied()).collect();
    while let Some(name) = open.pop() {
        if needed.insert(name) {
            open.extend(named(name).iter().flat_map(|it| it.after()));
        }
    }
    needed
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

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
    /// What was found on this machine, by the names of the checks.
    pub machine: &'a Machine,
    /// The lines that the person says are so.
    pub ticked: &'a BTreeSet<String>,
    /// Of the program that checks.
    pub version: &'a str,
    pub now: UtcSeconds,
    pub zone: &'a TimeZone,
}

/// What was found on this machine, by the names of the checks; of one that still
/// runs there is nothing.
pub type Machine = BTreeMap<&'static str, Vec<Found>>;

/// What every check comes to.
pub fn findings(known: &Known<'_>) -> Vec<Finding> {
    let mut gates = Gates::default();
    let mut findings = Vec::new();
    for check in all() {
        let gate = gates.before(check.after);
        let found = match gate.closed() {
            Some(closed) => vec![closed],
            None => find(check, known, &gates),
        };
        let found: Vec<Finding> = (found.into_iter())
            .map(|found| Finding { check, found })
            .collect();
        gates.pass(check, gate, &found);
        findings.extend(found);
    }
    findings
}

fn find(check: &Check, known: &Known<'_>, gates: &Gates) -> Vec<Found> {
    let nothing = || any::NOTHING.found();
    match check.by {
        By::Known(found) => vec![found(known)],
        By::Picture(found) => vec![known.snapshot.map_or_else(nothing, found)],
        By::Card(found) => {
            let card = known.card();
            vec![card.map_or_else(nothing, |card| found(known, card))]
        }
        By::Portals(found) => found(known, &gates.of_a_sign_in()),
        By::Machine(_) => match known.machine.get(check.name) {
            Some(found) => found.clone(),
            None => vec![any::LOOKED_UP.found()],
        },
        By::Person { said, open } => {
            let is_said = known.ticked.contains(check.name);
            vec![if is_said { said } else { open }.found()]
        }
    }
}

/// The line that is to be looked at first: the first that failed, else the
/// first that runs, else the first with a warning.
pub fn first(findings: &[Finding]) -> Option<usize> {
    let of = |verdict| findings.iter().position(|it| it.verdict() == verdict);
    of(Verdict::Failed)
        .or_else(|| of(Verdict::Running))
        .or_else(|| of(Verdict::Warning))
}

/// Of all.
pub fn worst(findings: &[Finding]) -> Verdict {
    let is_there = |verdict: &Verdict| findings.iter().any(|it| it.verdict() == *verdict);
    let by_weight = [Verdict::Failed, Verdict::Warning];
    by_weight
        .into_iter()
        .find(is_there)
        .unwrap_or(Verdict::Fine)
}

/// How it stands altogether, in a sentence.
pub fn summary(findings: &[Finding]) -> (Tone, String) {
    let count = |verdict| {
        let of = findings.iter().filter(|it| it.verdict() == verdict);
        u64::try_from(of.count()).unwrap_or(u64::MAX)
    };
    let failed = findings.iter().find(|it| it.verdict() == Verdict::Failed);
    if let Some(failed) = failed {
        let cause = failed.cause().trim_end_matches('.');
        let text = match failed.about() {
            Some(about) => format!("Mend this first: {}: {cause}.", about.title),
            None => format!("Mend this first: {cause}."),
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
    let is_open = |it: &Finding| it.verdict() == Verdict::Unknown && !it.check.is_stated();
    if findings.iter().any(is_open) {
        let text = "Nothing is in the way, as far as is known.";
        return (Tone::Good, text.into());
    }
    (Tone::Good, "Nothing is in the way.".into())
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
