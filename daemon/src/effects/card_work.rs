//! One thread a reader, on which all work with its card is done, one piece
//! after the other.
//!
//! PC/SC blocks, and its lock has neither a limit nor a way to be cancelled.
//! So whoever wants work done waits with a limit of their own; a card that
//! hangs costs its reader this one thread, and everything else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use cac_common::reader::ReaderName;
use tokio::sync::oneshot;

use crate::card::error::CardError;
use crate::card::transport::{Readers, Transport, TransportError};

/// How often work is begun anew because another program reset the card first.
const TRIES: u32 = 3;

type Job = Box<dyn FnOnce(&dyn Readers, &ReaderName) + Send>;

/// Takes work for the card in one reader.
#[derive(Clone)]
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
    /// None if it could not even begin.
    thread: Option<Arc<JoinHandle<()>>>,
}

impl Worker {
    pub(super) fn start(readers: Arc<dyn Readers>, reader: ReaderName) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let spawned = std::thread::Builder::new()
            .name("card".into())
            .spawn(move || {
                for job in queue {
                    job(&*readers, &reader);
                }
            });
        let thread = spawned.inspect_err(|error| {
            // The queue is gone, so whoever sends work is told at once.
            tracing::error!(%error, "no thread can be started for a reader");
        });
        Self {
            jobs,
            thread: thread.ok().map(Arc::new),
        }
    }

    /// It takes no more work; another has to be started.
    pub(super) fn has_ended(&self) -> bool {
        self.thread
            .as_ref()
            .is_none_or(|thread| thread.is_finished())
    }

    /// Does `work` with the card, from the start again if another program
    /// resets it in between. Nothing is begun for a visit that has ended.
    pub(super) fn run<T: Send + 'static>(
        &self,
        ended: Arc<AtomicBool>,
        mut work: impl FnMut(&mut dyn Transport) -> Result<T, CardError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, CardError>> {
        let (report, finished) = oneshot::channel();
        let job: Job = Box::new(move |readers, reader| {
            let mut result = Err(CardError::from(TransportError::Removed));
            for _ in 0..TRIES {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let mut done = None;
                let opened = readers.with_card(reader, &mut |transport| {
                    done = Some(work(transport));
                });
                result = match (opened, done) {
                    (_, Some(done)) => done,
                    (Err(error), None) => Err(error.into()),
                    (Ok(()), None) => Err(TransportError::Removed.into()),
                };
                let reset = matches!(result, Err(CardError::Transport(TransportError::Reset)));
                if !reset {
                    break;
                }
            }
            let _ = report.send(result);
        });
        let _ = self.jobs.send(job);
        finished
    }

    /// Does `work` once, and waits for it as long as `limit`. Work that takes
    /// longer is given up, and what it gives back is dropped.
    pub(super) fn run_once<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut dyn Transport) -> T + Send + 'static,
    ) -> Result<T, CardError> {
        let (report, finished) = mpsc::channel();
        let job: Job = Box::new(move |readers, reader| {
            let mut work = Some(work);
            let mut done = None;
            let opened = readers.with_card(reader, &mut |transport| {
                if let Some(work) = work.take() {
                    done = Some(work(transport));
                }
            });
            let result = match (opened, done) {
                (_, Some(done)) => Ok(done),
                (Err(error), None) => Err(error),
                (Ok(()), None) => Err(TransportError::Removed),
            };
            let _ = report.send(result);
        });
        self.jobs
            .send(job)
            .map_err(|_| CardError::from(TransportError::ReaderGone))?;
        match finished.recv_timeout(limit) {
            Ok(result) => result.map_err(CardError::from),
            Err(_) => Err(TransportError::Unresponsive.into()),
        }
    }
}
