//! Clients of every temper, who come and go.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use cac_common::interface::method;
use cac_tests::clock;
use cac_tests::harness::message;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

/// There at one time.
const AT_ONCE: u64 = 12;

/// One stays no longer.
const LONGEST_STAY: Duration = Duration::from_secs(5);

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Clients {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<anyhow::Result<u64>>>,
}

/// One after the other.
struct Place {
    socket: PathBuf,
    stop: Arc<AtomicBool>,
    chance: StdRng,
}

impl Clients {
    pub(super) fn start(socket: &Path, seed: u64) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let threads = (0..AT_ONCE)
            .map(|number| {
                let place = Place {
                    socket: socket.to_owned(),
                    stop: Arc::clone(&stop),
                    chance: StdRng::seed_from_u64(seed.wrapping_add(number)),
                };
                std::thread::spawn(move || place.run())
            })
            .collect();
        Self { stop, threads }
    }

    /// How many there were, or what one of them was not given.
    pub(super) fn end(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::SeqCst);
        let mut came = 0;
        for thread in self.threads {
            came += thread
                .join()
                .map_err(|_| anyhow!("one of the clients panicked"))??;
        }
        Ok(came)
    }
}

impl Place {
    fn run(mut self) -> anyhow::Result<u64> {
        let mut came = 0;
        while !self.stop.load(Ordering::SeqCst) {
            came += 1;
            self.one().with_context(|| format!("client {came}"))?;
        }
        Ok(came)
    }

    fn one(&mut self) -> anyhow::Result<()> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let kind = self.chance.random_range(0..6);
        let stay = self.chance.random_range(Duration::ZERO..LONGEST_STAY);
        match kind {
            // Asks, and is answered.
            0 => {
                let call = message(method::GET_HISTORY, json!({"limit": 200}))?;
                answered(&mut stream, format!("{call}\0").as_bytes(), "\"entries\"")?;
            }
            1 => answered(&mut stream, b"{\"method\":5}\0", "InvalidParameter")?,
            // Follows, reading or not.
            2 => {
                stream.write_all(&monitor()?)?;
                read_for(&mut stream, stay)?;
            }
            3 => {
                stream.write_all(&monitor()?)?;
                std::thread::sleep(stay);
            }
            // Half a message, or none.
            4 => {
                stream.write_all(b"{\"method\":\"org.cacd1.Get")?;
                std::thread::sleep(stay);
            }
            _ => std::thread::sleep(stay / 8),
        }
        Ok(())
    }
}

fn monitor() -> anyhow::Result<Vec<u8>> {
    let call = json!({"method": method::MONITOR, "more": true});
    let mut bytes = serde_json::to_vec(&call)?;
    bytes.push(0);
    Ok(bytes)
}

fn answered(stream: &mut UnixStream, call: &[u8], with: &str) -> anyhow::Result<()> {
    stream.write_all(call)?;
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !answer.ends_with(&[0]) {
        let length = stream.read(&mut chunk).context("an answer comes")?;
        ensure!(length > 0, "the connection ended without an answer");
        answer.extend_from_slice(&chunk[..length]);
    }
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.contains(with), "answered with {answer}");
    Ok(())
}

fn read_for(stream: &mut UnixStream, stay: Duration) -> anyhow::Result<()> {
    let end = clock::instant() + stay;
    let mut chunk = [0; 8192];
    loop {
        let left = end.saturating_duration_since(clock::instant());
        if left.is_zero() {
            return Ok(());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut chunk) {
            Ok(length) => ensure!(length > 0, "cacd closed the connection of one who reads"),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
