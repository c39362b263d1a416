//! What many who watch cost cacd, and how long a change takes to reach the last
//! of them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use anyhow::Context as _;
use cac_common::client::Client;
use cac_common::interface::{Call, Clear, ClearScope, method};
use cac_common::time::UtcSeconds;
use cac_tests::clock;
use cac_tests::harness::{Lab, as_user, jane};
use cac_tests::process::{Spent, memory};
use cac_tests::virtual_card::CardModel;

/// Has only this measured.
pub(crate) const WORD: &str = "watchers";

const CROWDS: [usize; 3] = [1, 10, 100];

/// One user may have few more connections than these; the others are a stranger's.
const OF_ONE_USER: usize = 50;

/// `nobody` and `nogroup`.
const STRANGER: (u32, u32) = (65534, 65534);

const TIMES: usize = 21;

/// A change takes no longer to reach whoever reads.
const LIMIT: Duration = Duration::from_secs(20);

/// Everybody who reads what they are sent.
struct Crowd {
    /// The number of a watcher, and the revision they have got.
    told: Receiver<(usize, u64)>,
    revisions: Vec<u64>,
}

pub(crate) fn print() -> anyhow::Result<()> {
    println!(
        "\nThose who watch cacd, and one more, who never reads. Times in ms, medians of {TIMES} changes."
    );
    println!(
        "{:>10} {:>14} {:>12} {:>14} {:>15}",
        "watchers", "all know it", "CPU of cacd", "resident, MB", "anonymous, MB"
    );
    for size in CROWDS {
        measure(size)?;
    }
    Ok(())
}

fn measure(size: usize) -> anyhow::Result<()> {
    let mut lab = Lab::start()?;
    lab.insert(0, &jane(CardModel::T1)?)?;
    lab.wait_until_whole(0)?;
    let socket = lab.socket();
    let pid = lab.pid()?;
    let _never_reads = watch(&socket)?;
    let mut crowd = Crowd::of(size, &socket)?;
    let nothing = Clear {
        scope: ClearScope::History {
            before: Some(UtcSeconds(0)),
        },
        dry_run: false,
    };
    let mut client = lab.block_on(Client::connect(&socket))?;
    let (mut times, mut spent) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let before = Spent::of(pid)?;
        let begun = clock::instant();
        // It leaves a line in the history, and so makes a new snapshot.
        lab.block_on(client.clear(&nothing))?;
        let revision = lab.block_on(client.snapshot())?.revision;
        crowd.wait_until_at(revision)?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        spent.push(Spent::of(pid)?.since(&before).cpu);
    }
    let memory = memory(pid)?;
    println!(
        "{size:>10} {:>14.2} {:>12.2} {:>14.2} {:>15.2}",
        median(times)?,
        median(spent)?,
        memory.resident,
        memory.anonymous,
    );
    Ok(())
}

impl Crowd {
    /// Returns when everyone has had their first snapshot.
    fn of(size: usize, socket: &Path) -> anyhow::Result<Self> {
        let own = size.min(OF_ONE_USER);
        let mut streams = Vec::new();
        for _ in 0..own {
            streams.push(watch(socket)?);
        }
        streams.extend(as_user(STRANGER.0, STRANGER.1, async || {
            (own..size)
                .map(|_| watch(socket))
                .collect::<Result<Vec<_>, _>>()
        })?);
        let (tell, told) = mpsc::channel();
        for (number, stream) in streams.into_iter().enumerate() {
            let tell = tell.clone();
            std::thread::spawn(move || read(number, stream, &tell));
        }
        let mut crowd = Self {
            told,
            revisions: vec![0; size],
        };
        crowd.wait_until_at(1)?;
        Ok(crowd)
    }

    fn wait_until_at(&mut self, revision: u64) -> anyhow::Result<()> {
        while self.revisions.iter().any(|known| *known < revision) {
            let (number, known) = self
                .told
                .recv_timeout(LIMIT)
                .context("somebody is not told")?;
            self.revisions[number] = known;
        }
        Ok(())
    }
}

fn watch(socket: &Path) -> anyhow::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    let call = Call {
        method: method::MONITOR.into(),
        parameters: serde_json::Value::Null,
        more: true,
        oneway: false,
    };
    let mut bytes = serde_json::to_vec(&call)?;
    bytes.push(0);
    stream.write_all(&bytes)?;
    Ok(stream)
}

/// Until cacd ends.
fn read(number: usize, stream: UnixStream, tell: &Sender<(usize, u64)>) {
    let mut messages = BufReader::new(stream);
    let mut message = Vec::new();
    while messages
        .read_until(0, &mut message)
        .is_ok_and(|read| read > 0)
    {
        if let Some(revision) = revision_in(&message)
            && tell.send((number, revision)).is_err()
        {
            return;
        }
        message.clear();
    }
}

/// Looked for and not parsed: what is measured is not our own work.
fn revision_in(message: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(message).ok()?;
    let (_, rest) = text.split_once("\"revision\":")?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}

fn median(mut figures: Vec<f64>) -> anyhow::Result<f64> {
    figures.sort_unstable_by(f64::total_cmp);
    figures
        .get(figures.len() / 2)
        .copied()
        .context("it was measured")
}
