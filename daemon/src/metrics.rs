//! Counts what happens, and gives it out as Prometheus reads it: over a
//! socket, and as a file. Nothing of it names a person, a card or a reader.
//!
//! The supervisor has the one [`Observer`]. What can be seen of the state is
//! looked up when somebody asks; the supervisor itself answers what it has
//! counted, so an answer says that it is alive.

pub mod catalogue;
mod counts;
pub mod exposition;
mod listener;
mod render;
mod textfile;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cac_common::config;
use cac_common::interface::Refusal;
use cac_common::snapshot::Snapshot;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::effects::keeper::StoreOrReason;
use crate::event::{Effect, Event, Now};
use crate::store::Figures;
use crate::supervisor::Published;
use counts::Counts;

/// Questions that wait for the supervisor at one time.
const WAITING_QUESTIONS: usize = 4;

/// The supervisor answers by then, or it hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// The database may take so long; then the answer goes without it.
const FIGURES_LIMIT: Duration = Duration::from_secs(1);

/// How long it may take to end when the daemon stops.
const END_LIMIT: Duration = Duration::from_millis(1500);

/// For those beside the supervisor: takes what they count, and what they want to know.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    refused: Mutex<Refused>,
    /// Another one whenever something has happened.
    changes: watch::Sender<()>,
    wanted: watch::Sender<Wanted>,
    questions: mpsc::Sender<Question>,
}

/// What was refused on the socket.
#[derive(Debug, Clone, Default)]
struct Refused {
    requests: BTreeMap<String, u64>,
    connections: u64,
}

/// Where it is to be given out.
#[derive(Debug, Clone, Default)]
struct Wanted {
    metrics: config::Metrics,
    is_stopping: bool,
}

/// Somebody asks what was counted.
pub struct Question(oneshot::Sender<Answered>);

/// What the supervisor tells.
struct Answered {
    counts: Counts,
    queues: Queues,
}

/// How much waits to be worked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queues {
    pub events: usize,
    pub requests: usize,
    /// For the cards in all readers.
    pub card: usize,
    pub keeper: usize,
}

/// Sees all that happens; the supervisor has it.
pub struct Observer {
    metrics: Metrics,
    counts: Counts,
    questions: mpsc::Receiver<Question>,
}

/// Puts together all that there is to tell.
#[derive(Clone)]
struct Collector {
    metrics: Metrics,
    snapshots: watch::Receiver<Arc<Published>>,
    store: watch::Receiver<StoreOrReason>,
}

/// The supervisor did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the service does not answer")]
struct NoAnswer;

/// The tasks that give it out, as the configuration says.
pub struct GivingOut {
    metrics: Metrics,
    tasks: [JoinHandle<()>; 2],
}

impl Metrics {
    /// A request on the socket was refused.
    pub fn request_refused(&self, refusal: &Refusal) {
        let error = refusal.to_reply().error.unwrap_or_default();
        let name = error.rsplit('.').next().unwrap_or_default().to_owned();
        *self.refused().requests.entry(name).or_default() += 1;
        self.something_happened();
    }

    /// There were too many connections for one more.
    pub fn connection_refused(&self) {
        self.refused().connections += 1;
        self.something_happened();
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Refused> {
        let refused = self.0.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner)
    }

    fn something_happened(&self) {
        // Nobody may be waiting for it.
        self.0.changes.send_replace(());
    }

    fn changes(&self) -> watch::Receiver<()> {
        self.0.changes.subscribe()
    }
}

impl Observer {
    #[expect(
        clippy::new_without_default,
        reason = "there is one, and it is made where the supervisor is"
    )]
    pub fn new() -> Self {
        let (questions, inbox) = mpsc::channel(WAITING_QUESTIONS);
        Self {
            metrics: Metrics(Arc::new(Shared {
                refused: Mutex::default(),
                changes: watch::Sender::new(()),
                wanted: watch::Sender::new(Wanted::default()),
                questions,
            })),
            counts: Counts::default(),
            questions: inbox,
        }
    }

    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// It is to be given out so from now on.
    pub fn configure(&self, metrics: &config::Metrics) {
        self.metrics.0.wanted.send_if_modified(|wanted| {
            let is_other = wanted.metrics != *metrics;
            wanted.metrics.clone_from(metrics);
            is_other
        });
    }

    /// Something has happened.
    pub fn take_event(&mut self, event: &Event, now: Now) {
        if self.counts.take_event(event, now) {
            self.metrics.something_happened();
        }
    }

    /// Something is begun.
    pub fn take_effect(&mut self, effect: &Effect, now: Now) {
        self.counts.take_effect(effect, now);
    }

    /// The state is shown as another one.
    pub fn take_change(&mut self, before: &Snapshot, after: &Snapshot) {
        self.counts.take_change(before, after);
        self.metrics.something_happened();
    }

    /// Waits for the next question.
    pub async fn question(&mut self) -> Option<Question> {
        self.questions.recv().await
    }

    pub fn answer(&self, Question(asker): Question, queues: Queues) {
        // Whoever asked may have gone.
        let _ = asker.send(Answered {
            counts: self.counts.clone(),
            queues,
        });
    }
}

impl Collector {
    async fn collect(&self) -> Result<String, NoAnswer> {
        let answered = tokio::time::timeout(ANSWER_LIMIT, self.ask())
            .await
            .map_err(|_| NoAnswer)??;
        let figures = tokio::time::timeout(FIGURES_LIMIT, self.figures())
            .await
            .ok()
            .flatten();
        let published = Arc::clone(&self.snapshots.borrow());
        let refused = self.metrics.refused().clone();
        Ok(render::render(&render::Known {
            answered: &answered,
            snapshot: &published.snapshot,
            refused: &refused,
            figures,
        }))
    }

    async fn ask(&self) -> Result<Answered, NoAnswer> {
        let (asker, answer) = oneshot::channel();
        let questions = &self.metrics.0.questions;
        questions
            .send(Question(asker))
            .await
            .map_err(|_| NoAnswer)?;
        answer.await.map_err(|_| NoAnswer)
    }

    async fn figures(&self) -> Option<Figures> {
        let store = self.store.borrow().clone().ok()?;
        store.figures().await.ok()
    }
}

impl GivingOut {
    pub fn begin(
        metrics: Metrics,
        snapshots: watch::Receiver<Arc<Published>>,
        store: watch::Receiver<StoreOrReason>,
    ) -> Self {
        let wanted = || metrics.0.wanted.subscribe();
        let collector = Collector {
            metrics: metrics.clone(),
            snapshots,
            store,
        };
        Self {
            tasks: [
                tokio::spawn(textfile::follow(collector.clone(), wanted())),
                tokio::spawn(listener::follow(collector, wanted())),
            ],
            metrics,
        }
    }

    /// Leaves behind that the daemon has ended.
    pub async fn end(self) {
        let wanted = &self.metrics.0.wanted;
        wanted.send_modify(|wanted| wanted.is_stopping = true);
        let both = async {
            for task in self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(END_LIMIT, both).await.is_err() {
            tracing::warn!("metrics did not end in time");
        }
    }
}
