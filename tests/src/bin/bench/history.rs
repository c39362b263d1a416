//! What a history of a thousand, a hundred thousand and a million entries costs
//! those who add to it, and those who read it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use cac_common::interface::GetHistory;
use cac_common::snapshot::HistoryKind;
use cac_common::time::UtcSeconds;
use cacd::store::{NewEntry, Store};
use rusqlite::Connection;

/// Has only this measured.
pub(crate) const WORD: &str = "history";

/// Each thing is done so often; the median counts.
const TIMES: usize = 21;

/// Entries of a page.
const PAGE: u32 = 200;

pub(crate) const NOW: UtcSeconds = UtcSeconds(1_795_356_129);

/// Once a minute, something happens.
const APART: i64 = 60;

pub(crate) const SIZES: [i64; 3] = [1_000, 100_000, 1_000_000];

/// What is measured of one history.
struct Costs {
    append: Duration,
    newest: Duration,
    oldest: Duration,
    search: Duration,
    a_day: Duration,
    /// From the newest to the oldest, reply by reply, and how many those were.
    whole: (Duration, u32),
}

pub(crate) fn print() -> anyhow::Result<()> {
    println!("\nThe history. Times in ms, medians of {TIMES}; a page has {PAGE} entries.");
    println!(
        "{:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "entries", "append", "newest", "oldest", "search", "a day", "all of it", "replies"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut first = None;
    for size in SIZES {
        let folder = tempfile::tempdir()?;
        fill(folder.path(), size)?;
        let costs = runtime.block_on(Costs::of(folder.path(), size))?;
        let (whole, replies) = costs.whole;
        println!(
            "{size:>10} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>8.0} {replies:>8}",
            milliseconds(costs.append),
            milliseconds(costs.newest),
            milliseconds(costs.oldest),
            milliseconds(costs.search),
            milliseconds(costs.a_day),
            milliseconds(whole),
        );
        let costs = [costs.append, costs.newest, costs.oldest].map(milliseconds);
        let least = *first.get_or_insert(costs);
        let mut ratios = costs.iter().zip(least).map(|(now, then)| now / then);
        println!(
            "{:>10} {:>8.2} {:>8.2} {:>8.2}",
            "ratio",
            ratios.next().unwrap_or_default(),
            ratios.next().unwrap_or_default(),
            ratios.next().unwrap_or_default(),
        );
    }
    Ok(())
}

/// Makes a database with so many entries, none of which holds the word that is
/// looked for.
pub(crate) fn fill(folder: &Path, entries: i64) -> anyhow::Result<()> {
    drop(Store::open(folder, NOW)?);
    let connection = Connection::open(folder.join("cacd.db"))?;
    connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO history (at, kind, reader, card, portal, text)
         SELECT ?2 - (?1 - i) * ?3, 'registration', 'SCR3310 [CCID] 00 00',
             '4f1e7a52-9a0b-4c57-8d52-0a3c5f6e7d81', 'reference',
             'Reference portal: registered to account jane.doe, time ' || i FROM n",
        (entries, NOW.0, APART),
    )?;
    Ok(())
}

impl Costs {
    async fn of(folder: &Path, entries: i64) -> anyhow::Result<Self> {
        let (store, _) = Store::open(folder, NOW)?;
        let page = |before| GetHistory {
            before,
            ..GetHistory::newest(PAGE)
        };
        let for_a_word = |before| GetHistory {
            text: Some("nowhere".into()),
            ..page(before)
        };
        let the_oldest_day = GetHistory {
            until: Some(UtcSeconds(NOW.0 - (entries - 1) * APART + 24 * 60 * 60)),
            ..page(None)
        };
        let costs = Self {
            append: median(async || store.append(new()).await.map(drop)).await?,
            newest: median(async || store.search_history(page(None)).await.map(drop)).await?,
            oldest: median(async || {
                let oldest = Some(i64::from(PAGE) + 1);
                store.search_history(page(oldest)).await.map(drop)
            })
            .await?,
            search: median(async || store.search_history(for_a_word(None)).await.map(drop)).await?,
            a_day: median(async || store.search_history(the_oldest_day.clone()).await.map(drop))
                .await?,
            whole: {
                let begun = now();
                let mut replies = 1;
                let mut next = store.search_history(for_a_word(None)).await?.next_before;
                while next.is_some() {
                    next = store.search_history(for_a_word(next)).await?.next_before;
                    replies += 1;
                }
                (now() - begun, replies)
            },
        };
        store.close().await;
        Ok(costs)
    }
}

fn new() -> NewEntry {
    NewEntry {
        at: NOW,
        kind: HistoryKind::Card,
        reader: None,
        card: None,
        portal: None,
        text: "Card put into SCR3310 [CCID] 00 00".into(),
    }
}

async fn median<E: std::error::Error + Send + Sync + 'static>(
    work: impl AsyncFn() -> Result<(), E>,
) -> anyhow::Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = now();
        work().await?;
        times.push(now() - begun);
    }
    times.sort_unstable();
    times.get(TIMES / 2).copied().context("it was measured")
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
