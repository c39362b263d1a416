//! One thread a reader, on which all work with its card is done, one piece
//! after the other.
//!
//! PC/SC blocks, and its lock has neither a limit nor a way to be cancelled.
//! So whoever wants work done waits with a limit of their own; a card that
//! hangs costs its reader this one thread, and everything else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use cac_common::activity::Purpose;
use cac_common::reader::ReaderName;
use tokio::sync::oneshot;

use crate::activity::{Activity, Watched};
use crate::card::error::CardError;
use crate::card::transport::{Readers, Transport, TransportError};

/// How often work is begun anew because another program reset the card first.
const TRIES: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long others may hold a card for themselves before that is told: some
/// do so for a moment whenever a card is put in.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a signature waits for a card that others hold for themselves. The
/// portal waits too, and some hold a card for as long as they run.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&OneReader) + Send>;

/// What is done about a card that another program holds for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AndThen {
    Wait,
    GiveUp,
}

/// The reader that a thread works with.
struct OneReader {
    readers: Arc<dyn Readers>,
    name: ReaderName,
    at_work: Arc<AtWork>,
    activity: Activity,
}

impl OneReader {
    fn with_card(
        &self,
        purpose: Purpose,
        work: &mut dyn FnMut(&mut dyn Transport),
    ) -> Result<(), TransportError> {
        self.readers.with_card(&self.name, &mut |card| {
            self.at_work.0.store(true, Ordering::SeqCst);
            work(&mut Watched {
                card,
                activity: &self.activity,
                reader: &self.name,
                purpose,
                number: 0,
            });
            self.at_work.0.store(false, Ordering::SeqCst);
        })
    }
}

/// Whether the card is open and locked for us, and at work.
#[derive(Default)]
pub(super) struct AtWork(AtomicBool);

impl AtWork {
    /// Why work came to no end in time, be it that which was waited for or
    /// what was begun before it.
    pub(super) fn out_of_time(&self) -> CardError {
        if self.0.load(Ordering::SeqCst) {
            TransportError::Hangs.into()
        } else {
            TransportError::Busy.into()
        }
    }
}

/// Takes work for the card in one reader.
#[derive(Clone)]
pub(super) struct Worker {
    jobs: mpsc::Sender<Job>,
    /// Jobs that are not begun yet.
    waiting: Arc<AtomicUsize>,
    at_work: Arc<AtWork>,
    /// What the work that it takes is for.
    purpose: Purpose,
    /// None if it could not even begin.
    thread: Option<Arc<JoinHandle<()>>>,
}

impl Worker {
    pub(super) fn start(readers: Arc<dyn Readers>, reader: ReaderName, activity: Activity) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let waiting = Arc::<AtomicUsize>::default();
        let at_work = Arc::<AtWork>::default();
        let reader = OneReader {
            readers,
            name: reader,
            at_work: Arc::clone(&at_work),
            activity,
        };
        let spawned = std::thread::Builder::new().name("card".into()).spawn({
            let waiting = Arc::clone(&waiting);
            move || {
                for job in queue {
                    waiting.fetch_sub(1, Ordering::SeqCst);
                    job(&reader);
                }
            }
        });
        let thread = spawned.inspect_err(|error| {
            // The queue is gone, so whoever sends work is told at once.
            tracing::error!(%error, "no thread can be started for a reader");
        });
        Self {
            jobs,
            waiting,
            at_work,
            purpose: Purpose::Read,
            thread: thread.ok().map(Arc::new),
        }
    }

    /// The same, for other work.
    pub(super) fn doing(&self, purpose: Purpose) -> Self {
        Self {
            purpose,
            ..self.clone()
        }
    }

    /// It takes no more work; another has to be started.
    pub(super) fn has_ended(&self) -> bool {
        self.thread
            .as_ref()
            .is_none_or(|thread| thread.is_finished())
    }

    pub(super) fn at_work(&self) -> Arc<AtWork> {
        Arc::clone(&self.at_work)
    }

    /// Pieces of work that are not begun yet.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Tells whether there is more work than that under way.
    pub(super) fn somebody_waits(&self) -> impl Fn() -> bool + Send + 'static {
        let waiting = Arc::clone(&self.waiting);
        move || waiting.load(Ordering::SeqCst) > 0
    }

    fn queue(&self, job: Job) -> Result<(), CardError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.jobs
            .send(job)
            .map_err(|_| TransportError::ReaderGone.into())
    }

    /// Looks again at once, if it waits for another program to let a card go.
    pub(super) fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Does `work` with the card, from the start again if another program
    /// resets it in between. Tells once that another program holds the card
    /// for itself, and waits for as long as it does, or not. Nothing is begun for a
    /// visit that has ended.
    pub(super) fn run<T: Send + 'static>(
        &self,
        ended: Arc<AtomicBool>,
        is_held: impl FnOnce() -> AndThen + Send + 'static,
        mut work: impl FnMut(&mut dyn Transport) -> Result<T, CardError> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, CardError>> {
        let (report, finished) = oneshot::channel();
        let purpose = self.purpose;
        let job: Job = Box::new(move |reader| {
            let mut tries = 1;
            let mut pauses = Pauses::default();
            let mut is_held = Some(is_held);
            let result = loop {
                if ended.load(Ordering::SeqCst) {
                    break Err(TransportError::Removed.into());
                }
                let mut done = None;
                let opened = reader.with_card(purpose, &mut |transport| {
                    // The card may have been taken out while others held the lock.
                    if !ended.load(Ordering::SeqCst) {
                        done = Some(work(transport));
                    }
                });
                match in_one(opened, done).flatten() {
                    Err(CardError::Transport(TransportError::Reset)) if tries < TRIES => tries += 1,
                    Err(CardError::Transport(TransportError::Busy)) => {
                        if pauses.so_far >= PATIENCE
                            && let Some(is_held) = is_held.take()
                            && is_held() == AndThen::GiveUp
                        {
                            break Err(TransportError::Busy.into());
                        }
                        pauses.pause();
                    }
                    result => break result,
                }
            };
            let _ = report.send(result);
        });
        // If there is no thread any more, whoever waits hears that nobody reports.
        let _ = self.queue(job);
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
        let purpose = self.purpose;
        let job: Job = Box::new(move |reader| {
            let mut work = Some(work);
            let mut pauses = Pauses::default();
            let result = loop {
                let mut done = None;
                let opened = reader.with_card(purpose, &mut |transport| {
                    if let Some(work) = work.take() {
                        done = Some(work(transport));
                    }
                });
                let is_busy = opened == Err(TransportError::Busy);
                if !is_busy || work.is_none() || pauses.so_far >= LONGEST_HOLD.min(limit) {
                    break in_one(opened, done);
                }
                pauses.pause();
            };
            let _ = report.send(result);
        });
        self.queue(job)?;
        finished
            .recv_timeout(limit)
            .unwrap_or_else(|_| Err(self.at_work.out_of_time()))
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
        let worker = Worker::start(desk, reader(), Activity::default());

        let finished = worker.run(Arc::default(), || AndThen::Wait, |_| Ok("done"));

        assert_eq!(finished.blocking_recv().unwrap(), Ok("done"));
        assert_eq!(openings(&mut opened), 3);
    }

    #[test]
    fn whoever_holds_a_card_for_longer_is_told_of_once() {
        const REFUSALS: usize = 8;
        let (desk, mut opened) = Desk::new();
        desk.refuse(&TransportError::Busy, REFUSALS);
        let worker = Worker::start(desk, reader(), Activity::default());
        let (tell, told) = mpsc::channel();

        let is_held = move || {
            tell.send(()).unwrap();
            AndThen::Wait
        };
        let finished = worker.run(Arc::default(), is_held, |_| Ok("done"));
        for _ in 0..REFUSALS {
            opened.blocking_recv().unwrap();
            worker.wake();
        }

        assert_eq!(finished.blocking_recv().unwrap(), Ok("done"));
        assert_eq!(told.iter().count(), 1);
    }

    #[test]
    fn what_nobody_waits_for_gives_a_held_card_up() {
        let (desk, mut opened) = Desk::new();
        desk.refuse(&TransportError::Busy, EVER);
        let worker = Worker::start(desk, reader(), Activity::default());

        let finished = worker.run(Arc::default(), || AndThen::GiveUp, |_| Ok("done"));

        let busy = Err(TransportError::Busy.into());
        assert_eq!(finished.blocking_recv().unwrap(), busy);
        assert!(openings(&mut opened) > 1, "it was tried for a while");
    }

    #[test]
    fn the_wait_for_a_held_card_ends_with_the_visit() {
        let (desk, mut opened) = Desk::new();
        desk.refuse(&TransportError::Busy, EVER);
        let worker = Worker::start(desk, reader(), Activity::default());
        let ended = Arc::new(AtomicBool::new(false));

        let finished = worker.run(Arc::clone(&ended), || AndThen::Wait, |_| Ok("done"));
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
        let worker = Worker::start(desk, reader(), Activity::default());
        let ended = Arc::new(AtomicBool::new(false));

        let finished = worker.run(Arc::clone(&ended), || AndThen::Wait, |_| Ok("done"));
        opened.blocking_recv().unwrap();
        ended.store(true, Ordering::SeqCst);
        drop(lock);

        let removed = Err(TransportError::Removed.into());
        assert_eq!(finished.blocking_recv().unwrap(), removed);
    }

    #[test]
    fn a_card_that_others_keep_resetting_is_given_up() {
        let (desk, mut opened) = Desk::new();
        let worker = Worker::start(desk, reader(), Activity::default());

        let finished = worker.run(
            Arc::default(),
            || AndThen::Wait,
            |_| Err::<(), _>(TransportError::Reset.into()),
        );

        let reset = Err(TransportError::Reset.into());
        assert_eq!(finished.blocking_recv().unwrap(), reset);
        assert_eq!(openings(&mut opened), 3);
    }

    #[test]
    fn work_that_is_done_once_waits_for_a_held_card_too() {
        let (desk, mut opened) = Desk::new();
        desk.refuse(&TransportError::Busy, 1);
        let worker = Worker::start(desk, reader(), Activity::default());

        let result = worker.run_once(Duration::from_secs(30), |_| "done");

        assert_eq!(result, Ok("done"));
        assert_eq!(openings(&mut opened), 2);
    }

    #[test]
    fn what_took_too_long_is_told_apart() {
        let limit = Duration::from_millis(20);
        let (desk, _opened) = Desk::new();
        let worker = Worker::start(
            Arc::clone(&desk) as Arc<dyn Readers>,
            reader(),
            Activity::default(),
        );

        let (release, held) = mpsc::channel::<()>();
        let (reached, has_card) = mpsc::channel();
        let patient = worker.run_once(Duration::from_secs(30), |_| "done");
        let hangs = worker.run_once(limit, move |_| {
            reached.send(()).unwrap();
            // Ends with the test.
            let _ = held.recv();
        });
        has_card.recv().unwrap();
        let behind_it = worker.run_once(limit, |_| ());
        drop(release);
        let after_all = worker.run_once(Duration::from_secs(30), |_| "done");
        let lock = desk.lock();
        let locked_out = worker.run_once(limit, |_| ());
        drop(lock);

        assert_eq!((patient, after_all), (Ok("done"), Ok("done")));
        assert_eq!(hangs, Err(TransportError::Hangs.into()));
        assert_eq!(behind_it, Err(TransportError::Hangs.into()));
        assert_eq!(locked_out, Err(TransportError::Busy.into()));
    }

    #[test]
    fn work_is_told_that_more_of_it_waits_and_no_longer() {
        let (desk, _opened) = Desk::new();
        let worker = Worker::start(desk, reader(), Activity::default());
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let asks = |worker: &Worker| {
            let somebody_waits = worker.somebody_waits();
            worker.run(
                Arc::default(),
                || AndThen::Wait,
                move |_| Ok(somebody_waits()),
            )
        };

        let alone = asks(&worker).blocking_recv().unwrap();
        let under_way = worker.run(Arc::default(), || AndThen::Wait, {
            let somebody_waits = worker.somebody_waits();
            move |_| {
                may_go_on.recv().unwrap();
                Ok(somebody_waits())
            }
        });
        let next = asks(&worker);
        go_on.send(()).unwrap();

        assert_eq!(alone, Ok(false));
        assert_eq!(under_way.blocking_recv().unwrap(), Ok(true));
        assert_eq!(next.blocking_recv().unwrap(), Ok(false));
    }

    #[test]
    fn a_worker_that_nobody_needs_ends_its_thread() {
        let (desk, _opened) = Desk::new();
        let worker = Worker::start(desk, reader(), Activity::default());
        let thread = worker.thread.clone().unwrap();

        drop(worker);

        let thread = Arc::try_unwrap(thread).unwrap();
        assert!(thread.join().is_ok());
    }

    fn openings(opened: &mut tokio::sync::mpsc::UnboundedReceiver<()>) -> usize {
        std::iter::from_fn(|| opened.try_recv().ok()).count()
    }
}
