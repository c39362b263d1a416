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

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

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

    /// Looks again at once, if it waits for another program to let a card go.
    pub(super) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Does `work` with the card, from the start again if another program
    /// resets it in between. Waits for as long as another program holds the
    /// card for itself. Nothing is begun for a visit that has ended.
    pub(super) fn run<T: Send + 'static>(
        &self,
        ended: Arc<AtomicBool>,
        mut work: impl FnMut(&mut dyn Transport) -> Result<T, CardError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, CardError>> {
        let (report, finished) = oneshot::channel();
        let job: Job = Box::new(move |readers, reader| {
            let mut tries = 1;
            let mut pauses = Pauses::default();
            let result = loop {
                if ended.load(Ordering::SeqCst) {
                    break Err(TransportError::Removed.into());
                }
                let mut done = None;
                let opened = readers.with_card(reader, &mut |transport| {
                    // The card may have been taken out while others held the lock.
                    if !ended.load(Ordering::SeqCst) {
                        done = Some(work(transport));
                    }
                });
                match in_one(opened, done).flatten() {
                    Err(CardError::Transport(TransportError::Reset)) if tries < TRIES => tries += 1,
                    Err(CardError::Transport(TransportError::Busy)) => pauses.pause(),
                    result => break result,
                }
            };
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
        let has_card = Arc::new(AtomicBool::new(false));
        let job: Job = Box::new({
            let has_card = Arc::clone(&has_card);
            move |readers, reader| {
                let mut work = Some(work);
                let mut pauses = Pauses::default();
                let result = loop {
                    let mut done = None;
                    let opened = readers.with_card(reader, &mut |transport| {
                        has_card.store(true, Ordering::SeqCst);
                        if let Some(work) = work.take() {
                            done = Some(work(transport));
                        }
                    });
                    let is_busy = opened == Err(TransportError::Busy);
                    if !is_busy || work.is_none() || pauses.so_far >= limit {
                        break in_one(opened, done);
                    }
                    pauses.pause();
                };
                let _ = report.send(result);
            }
        });
        self.jobs
            .send(job)
            .map_err(|_| CardError::from(TransportError::ReaderGone))?;
        finished
            .recv_timeout(limit)
            .unwrap_or_else(|_| Err(out_of_time(&has_card)))
    }
}

/// Why work came to no end in time.
pub(super) fn out_of_time(has_card: &AtomicBool) -> CardError {
    if has_card.load(Ordering::SeqCst) {
        TransportError::Unresponsive.into()
    } else {
        TransportError::Busy.into()
    }
}

/// What came of opening the card and working with it.
fn in_one<T>(opened: Result<(), TransportError>, done: Option<T>) -> Result<T, CardError> {
    match (opened, done) {
        (_, Some(done)) => Ok(done),
        (Err(error), None) => Err(error.into()),
        (Ok(()), None) => Err(TransportError::Removed.into()),
    }
}

/// Pauses that grow. PC/SC says at once that another program holds a card for
/// itself, and has no call that waits until it no longer does.
#[derive(Default)]
struct Pauses {
    last: Duration,
    so_far: Duration,
}

impl Pauses {
    fn pause(&mut self) {
        self.last = (self.last * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        self.so_far += self.last;
        std::thread::park_timeout(self.last);
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::{Desk, reader};
    use super::*;

    /// More openings than any test waits for.
    const EVER: usize = 1_000;

    #[test]
    fn a_card_that_others_hold_for_themselves_is_worked_with_once_it_is_free() {
        let (desk, mut opened) = Desk::new();
        desk.refuse(&TransportError::Busy, 2);
        let worker = Worker::start(desk, reader());

        let finished = worker.run(Arc::default(), |_| Ok("done"));

        assert_eq!(finished.blocking_recv().unwrap(), Ok("done"));
        assert_eq!(openings(&mut opened), 3);
    }

    #[test]
    fn the_wait_for_a_held_card_ends_with_the_visit() {
        let (desk, mut opened) = Desk::new();
        desk.refuse(&TransportError::Busy, EVER);
        let worker = Worker::start(desk, reader());
        let ended = Arc::new(AtomicBool::new(false));

        let finished = worker.run(Arc::clone(&ended), |_| Ok("done"));
        opened.blocking_recv().unwrap();
        ended.store(true, Ordering::SeqCst);
        worker.wake();

        let removed = Err(TransportError::Removed.into());
        assert_eq!(finished.blocking_recv().unwrap(), removed);
    }

    #[test]
    fn a_card_is_left_alone_if_its_visit_ended_while_others_had_the_lock() {
        let (desk, mut opened) = Desk::new();
        let lock = desk.lock();
        let worker = Worker::start(desk, reader());
        let ended = Arc::new(AtomicBool::new(false));

        let finished = worker.run(Arc::clone(&ended), |_| Ok("done"));
        opened.blocking_recv().unwrap();
        ended.store(true, Ordering::SeqCst);
        drop(lock);

        let removed = Err(TransportError::Removed.into());
        assert_eq!(finished.blocking_recv().unwrap(), removed);
    }

    #[test]
    fn a_card_that_others_keep_resetting_is_given_up() {
        let (desk, mut opened) = Desk::new();
        let worker = Worker::start(desk, reader());

        let finished = worker.run(Arc::default(), |_| {
            Err::<(), _>(TransportError::Reset.into())
        });

        let reset = Err(TransportError::Reset.into());
        assert_eq!(finished.blocking_recv().unwrap(), reset);
        assert_eq!(openings(&mut opened), 3);
    }

    #[test]
    fn work_that_is_done_once_waits_for_a_held_card_too() {
        let (desk, mut opened) = Desk::new();
        desk.refuse(&TransportError::Busy, 1);
        let worker = Worker::start(desk, reader());

        let result = worker.run_once(Duration::from_secs(30), |_| "done");

        assert_eq!(result, Ok("done"));
        assert_eq!(openings(&mut opened), 2);
    }

    #[test]
    fn what_took_too_long_is_told_apart() {
        let limit = Duration::from_millis(20);
        let (desk, _opened) = Desk::new();
        let worker = Worker::start(Arc::clone(&desk) as Arc<dyn Readers>, reader());

        let (release, held) = mpsc::channel::<()>();
        let (reached, has_card) = mpsc::channel();
        let patient = worker.run_once(Duration::from_secs(30), |_| "done");
        let hangs = worker.run_once(limit, move |_| {
            reached.send(()).unwrap();
            // Ends with the test.
            let _ = held.recv();
        });
        has_card.recv().unwrap();
        drop(release);
        let lock = desk.lock();
        let locked_out = worker.run_once(limit, |_| ());
        drop(lock);

        assert_eq!(patient, Ok("done"));
        assert_eq!(hangs, Err(TransportError::Unresponsive.into()));
        assert_eq!(locked_out, Err(TransportError::Busy.into()));
    }

    #[test]
    fn a_worker_that_nobody_needs_ends_its_thread() {
        let (desk, _opened) = Desk::new();
        let worker = Worker::start(desk, reader());
        let thread = worker.thread.clone().unwrap();

        drop(worker);

        let thread = Arc::try_unwrap(thread).unwrap();
        assert!(thread.join().is_ok());
    }

    fn openings(opened: &mut tokio::sync::mpsc::UnboundedReceiver<()>) -> usize {
        std::iter::from_fn(|| opened.try_recv().ok()).count()
    }
}
