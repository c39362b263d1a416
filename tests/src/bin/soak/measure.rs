//! What cacd takes, now and then, and whether that grows.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cac_tests::harness::files_below;
use cac_tests::process::{descriptors, memory, threads};

/// Looks in all.
const LOOKS: u32 = 60;

/// From one part of the time to another, in megabytes.
const GROWTH_AT_MOST: f64 = 1.0;

pub(super) struct Measured {
    pid: u32,
    state: PathBuf,
    apart: Duration,
    next: Duration,
    looks: Vec<Look>,
}

#[derive(Debug, Clone, Copy)]
struct Look {
    resident: f64,
    anonymous: f64,
    descriptors: usize,
    threads: usize,
}

impl Measured {
    pub(super) fn begin(pid: u32, state: PathBuf, lasts: Duration) -> Self {
        println!(
            "{:>8} {:>10} {:>9} {:>9} {:>6} {:>8} {:>10}",
            "minute", "insertions", "RSS MB", "anon MB", "fds", "threads", "disk kB"
        );
        Self {
            pid,
            state,
            apart: lasts / LOOKS,
            next: Duration::ZERO,
            looks: Vec::new(),
        }
    }

    /// Looks, if it is time to.
    pub(super) fn look(&mut self, at: Duration, insertions: u64) -> anyhow::Result<()> {
        if at < self.next {
            return Ok(());
        }
        self.next = at + self.apart;
        let memory = memory(self.pid)?;
        let look = Look {
            resident: memory.resident,
            anonymous: memory.anonymous,
            descriptors: descriptors(self.pid)?,
            threads: threads(self.pid)?,
        };
        let mut disk = 0;
        for file in files_below(&self.state)? {
            disk += file.metadata().map_or(0, |it| it.len());
        }
        println!(
            "{:>8.1} {insertions:>10} {:>9.2} {:>9.2} {:>6} {:>8} {:>10}",
            at.as_secs_f64() / 60.0,
            look.resident,
            look.anonymous,
            look.descriptors,
            look.threads,
            disk / 1024,
        );
        self.looks.push(look);
        Ok(())
    }

    /// Holds the last fifth of the time against the second.
    pub(super) fn judge(&self) -> anyhow::Result<()> {
        let fifth = self.looks.len() / 5;
        ensure!(
            fifth > 0,
            "that was too short to tell whether anything grows"
        );
        let early = &self.looks[fifth..2 * fifth];
        let late = &self.looks[self.looks.len() - fifth..];
        let grown = |of: fn(&Look) -> f64| {
            let (early, late) = (median(early, of)?, median(late, of)?);
            Ok::<_, anyhow::Error>((early, late))
        };
        // Clients come and go: the fewest there were are what stays.
        let fewest = |looks: &[Look], of: fn(&Look) -> usize| {
            looks.iter().map(of).min().context("it was measured")
        };
        let resident = grown(|look| look.resident)?;
        let anonymous = grown(|look| look.anonymous)?;
        let open = |look: &Look| look.descriptors;
        let descriptors = (fewest(early, open)?, fewest(late, open)?);
        println!(
            "from the second fifth of the time to the last: RSS {:.2} to {:.2} MB, anonymous \
             {:.2} to {:.2} MB, descriptors at least {} and {}",
            resident.0, resident.1, anonymous.0, anonymous.1, descriptors.0, descriptors.1,
        );
        ensure!(
            anonymous.1 - anonymous.0 <= GROWTH_AT_MOST,
            "memory grew by more than {GROWTH_AT_MOST} MB"
        );
        ensure!(
            descriptors.1 <= descriptors.0 + 4,
            "descriptors are left open"
        );
        Ok(())
    }
}

fn median(looks: &[Look], of: fn(&Look) -> f64) -> anyhow::Result<f64> {
    let mut figures: Vec<f64> = looks.iter().map(of).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures
        .get(figures.len() / 2)
        .copied()
        .context("it was measured")
}
