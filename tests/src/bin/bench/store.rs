//! What a database with a long history costs at the start, and what keeping it
//! small costs those who wait meanwhile.

use std::time::Duration;

use anyhow::Context as _;
use cacd::store::{Keep, Store, Upkeep};

use crate::history::{NOW, SIZES, fill, milliseconds, now};

/// Has only this measured.
pub(crate) const WORD: &str = "store";

/// Of the history, this part is one too many.
const KEPT_OF_TEN: i64 = 1;

/// Of one database.
struct Costs {
    start: Duration,
    /// Of each step of keeping it small, the shortest first.
    steps: Vec<Duration>,
    forgotten: u64,
    /// Afterwards, in bytes.
    file: u64,
}

pub(crate) fn print() -> anyhow::Result<()> {
    println!(
        "\nThe database at the start, and nine tenths of its history forgotten step by step. \
         Times in ms."
    );
    println!(
        "{:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>10} {:>8}",
        "entries", "start", "steps", "median", "99 %", "longest", "forgotten", "MB left"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    // The last is more than is looked through at the start.
    for size in SIZES.into_iter().chain([4_000_000]) {
        let costs = runtime.block_on(Costs::of(size))?;
        let of_hundred = |part: usize| {
            let at = costs.steps.len() * part / 100;
            let step = costs.steps.get(at.min(costs.steps.len() - 1));
            step.copied().map(milliseconds).unwrap_or_default()
        };
        println!(
            "{size:>10} {:>8.1} {:>8} {:>8.2} {:>8.2} {:>8.2} {:>10} {:>8.1}",
            milliseconds(costs.start),
            costs.steps.len(),
            of_hundred(50),
            of_hundred(99),
            of_hundred(100),
            costs.forgotten,
            megabytes(costs.file),
        );
    }
    Ok(())
}

impl Costs {
    async fn of(size: i64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fill(folder.path(), size)?;
        let begun = now();
        let (store, _) = Store::open(folder.path(), NOW)?;
        let start = now() - begun;
        let keep = Keep {
            span: Duration::MAX,
            entries: u32::try_from(size * KEPT_OF_TEN / 10)?,
        };
        let mut steps = Vec::new();
        let mut forgotten = 0;
        let mut upkeep = Some(Upkeep::new(keep, NOW));
        while let Some(next) = upkeep {
            let begun = now();
            upkeep = store.keep_up(next).await?;
            steps.push(now() - begun);
            forgotten = upkeep.map_or(forgotten, |upkeep| upkeep.forgotten);
        }
        store.close().await;
        steps.sort_unstable();
        let file = folder.path().join("cacd.db").metadata();
        Ok(Self {
            start,
            steps,
            forgotten,
            file: file.context("it is there")?.len(),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "files of this size are exact")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
