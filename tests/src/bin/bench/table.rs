//! The table of costs.

use std::time::Duration;

/// What one run cost the card.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) apdus: usize,
    /// In both directions, status words included.
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

/// The median of several runs, each figure by itself.
pub(crate) struct Cost(Run);

impl Cost {
    /// None of no runs.
    pub(crate) fn of(runs: &[Run]) -> Option<Self> {
        Some(Self(Run {
            apdus: median(runs, |run| run.apdus)?,
            bytes: median(runs, |run| run.bytes)?,
            time: median(runs, |run| run.time)?,
        }))
    }
}

fn median<T: Ord + Copy>(runs: &[Run], figure: impl Fn(&Run) -> T) -> Option<T> {
    let mut figures: Vec<T> = runs.iter().map(figure).collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied()
}

pub(crate) fn head() {
    println!(
        "{:<30} {:>6} {:>8} {:>9}   cacd takes",
        "", "APDUs", "bytes", "time"
    );
}

pub(crate) fn title(text: &str) {
    println!("{text}");
}

pub(crate) fn ours(name: &str, cost: &Cost) {
    println!("{}", figures(name, cost));
}

/// With the APDUs that there may be.
pub(crate) fn within(name: &str, cost: &Cost, most: usize) {
    let mark = if cost.0.apdus > most { " !" } else { "" };
    println!("{}   of at most {most} APDUs{mark}", figures(name, cost));
}

/// With what ours takes of it.
pub(crate) fn other(name: &str, cost: &Cost, ours: &Cost) {
    println!(
        "{}   {} of the APDUs, {} of the bytes, {} of the time",
        figures(name, cost),
        ratio(count(ours.0.apdus), count(cost.0.apdus)),
        ratio(count(ours.0.bytes), count(cost.0.bytes)),
        ratio(ours.0.time.as_secs_f64(), cost.0.time.as_secs_f64()),
    );
}

fn figures(name: &str, cost: &Cost) -> String {
    let Run { apdus, bytes, time } = cost.0;
    let seconds = time.as_secs_f64();
    format!("  {name:<28} {apdus:>6} {bytes:>8} {seconds:>7.2} s")
}

fn ratio(ours: f64, theirs: f64) -> String {
    if theirs > 0.0 {
        format!("{:.2}", ours / theirs)
    } else {
        "-".into()
    }
}

fn count(figure: usize) -> f64 {
    f64::from(u32::try_from(figure).unwrap_or(u32::MAX))
}
