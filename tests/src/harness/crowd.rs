//! Programs that use the same card all the time, each for itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use anyhow::anyhow;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::neighbour::Neighbour;
use super::{LIMIT, Lab, commands};
use crate::pcscd::SOCKET_VARIABLE;
use crate::virtual_card::CardHandle;
use crate::wait;

/// As many commands the card takes between two resets, at most.
const BETWEEN_RESETS: usize = 20;

/// Who finds the card locked looks again every tenth of a second only, so it
/// takes several for a reset to come soon after each of our locks.
const RESETTERS: u64 = 4;

/// OpenSC lists the certificates again and again, and another program resets
/// the card, until this is dropped.
pub struct Crowd {
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Default)]
struct Counts {
    lists: AtomicUsize,
    whole_lists: AtomicUsize,
    resets: AtomicUsize,
    locked_out: AtomicUsize,
}

/// What the crowd has done so far.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// `pkcs11-tool -O` has ended, however.
    pub lists: usize,
    /// It has shown this many certificates or more.
    pub whole_lists: usize,
    pub resets: usize,
    /// A reset was refused since somebody worked with the card.
    pub locked_out: usize,
}

impl Lab {
    /// `client` is where `pcsc-client` lies; the moments of the resets come from `seed`.
    pub fn crowd(
        &self,
        reader: usize,
        card: &CardHandle,
        certificates: usize,
        client: &Path,
        seed: u64,
    ) -> anyhow::Result<Crowd> {
        let stop = Arc::<AtomicBool>::default();
        let counts = Arc::<Counts>::default();
        let lister = Lister {
            pcscd: self.pcscd.socket(),
            certificates,
            stop: Arc::clone(&stop),
            counts: Arc::clone(&counts),
        };
        let mut threads = vec![std::thread::spawn(move || lister.run())];
        for number in 0..RESETTERS {
            let resetter = Resetter {
                neighbour: self.neighbour(client, reader)?,
                card: card.clone(),
                moments: StdRng::seed_from_u64(seed.wrapping_add(number)),
                stop: Arc::clone(&stop),
                counts: Arc::clone(&counts),
            };
            threads.push(std::thread::spawn(move || resetter.run()));
        }
        Ok(Crowd {
            stop,
            counts,
            threads,
        })
    }
}

impl Crowd {
    pub fn done(&self) -> Done {
        let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        Done {
            lists: count(&self.counts.lists),
            whole_lists: count(&self.counts.whole_lists),
            resets: count(&self.counts.resets),
            locked_out: count(&self.counts.locked_out),
        }
    }

    /// Ends it, and says what it has done, or what it could not.
    pub fn end(mut self) -> anyhow::Result<Done> {
        self.stop.store(true, Ordering::SeqCst);
        for thread in std::mem::take(&mut self.threads) {
            thread
                .join()
                .map_err(|_| anyhow!("one of a crowd panicked"))??;
        }
        Ok(self.done())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            // Another failure is told already.
            thread.join().ok();
        }
    }
}

struct Lister {
    pcscd: PathBuf,
    certificates: usize,
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
}

impl Lister {
    fn run(self) -> anyhow::Result<()> {
        while !self.stop.load(Ordering::SeqCst) {
            let mut command = Command::new("pkcs11-tool");
            command
                .args(["--list-objects", "--type", "cert"])
                .env(SOCKET_VARIABLE, &self.pcscd);
            // Without a card, or with one that is reset, it fails.
            let output = commands::run(command, b"")?;
            let said = String::from_utf8_lossy(&output.stdout);
            let shown = said
                .lines()
                .filter(|line| line.contains("Certificate Object"));
            self.counts.lists.fetch_add(1, Ordering::SeqCst);
            if shown.count() >= self.certificates {
                self.counts.whole_lists.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }
}

struct Resetter {
    neighbour: Neighbour,
    card: CardHandle,
    moments: StdRng,
    stop: Arc<AtomicBool>,
    counts: Arc<Counts>,
}

impl Resetter {
    fn run(mut self) -> anyhow::Result<()> {
        let mut is_open = false;
        while !self.stop.load(Ordering::SeqCst) {
            let moment = self.card.log().count() + self.moments.random_range(0..=BETWEEN_RESETS);
            wait::wait_until("the card takes commands", LIMIT, || {
                self.stop.load(Ordering::SeqCst) || self.card.log().count() >= moment
            })?;
            // A card that was taken out is opened anew.
            is_open = is_open || self.neighbour.try_to("shared")?;
            if !is_open {
                continue;
            }
            let answer = self.neighbour.ask("reset")?;
            if answer == "ok" {
                self.counts.resets.fetch_add(1, Ordering::SeqCst);
            } else {
                self.counts.locked_out.fetch_add(1, Ordering::SeqCst);
                is_open = self.neighbour.try_to("shared")?;
            }
        }
        Ok(())
    }
}
