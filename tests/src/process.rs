//! What the kernel says of a process.

use std::fs;

use anyhow::Context as _;

/// In megabytes.
pub struct Memory {
    pub resident: f64,
    pub anonymous: f64,
}

pub fn memory(pid: u32) -> anyhow::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let megabytes = |name| Ok::<_, anyhow::Error>(field(&status, name)? / 1024.0);
    Ok(Memory {
        resident: megabytes("VmRSS:")?,
        anonymous: megabytes("RssAnon:")?,
    })
}

/// Of all its threads that are there.
pub struct Spent {
    /// In milliseconds.
    pub cpu: f64,
    pub switches: f64,
}

impl Spent {
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let mut spent = Self {
            cpu: 0.0,
            switches: 0.0,
        };
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let thread = thread?.path();
            let status = fs::read_to_string(thread.join("status"))?;
            spent.switches += field(&status, "voluntary_ctxt_switches:")?;
            spent.switches += field(&status, "nonvoluntary_ctxt_switches:")?;
            // Nanoseconds on a CPU, then those spent waiting for one; ticks are too coarse.
            let schedule = fs::read_to_string(thread.join("schedstat"))?;
            let nanoseconds = schedule.split_whitespace().next();
            let nanoseconds = nanoseconds.context("the kernel says how long it ran")?;
            spent.cpu += nanoseconds.parse::<f64>()? / 1e6;
        }
        Ok(spent)
    }

    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            cpu: self.cpu - before.cpu,
            switches: self.switches - before.switches,
        }
    }
}

fn field(status: &str, name: &str) -> anyhow::Result<f64> {
    let mut lines = status.lines();
    let value = lines.find_map(|line| line.strip_prefix(name));
    let value = value.and_then(|value| value.split_whitespace().next());
    let value = value.with_context(|| format!("the kernel does not say {name}"))?;
    Ok(value.parse()?)
}

/// How many descriptors it has open.
pub fn descriptors(pid: u32) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

pub fn threads(pid: u32) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/task"))?.count())
}
