//! Watches the smart card readers, reads the card that is put in and registers it with portals.

pub mod access;
pub mod activity;
pub mod card;
pub mod config_watch;
pub mod effects;
pub mod event;
pub mod journal;
pub mod judgement;
pub mod logging;
pub mod logind;
pub mod metrics;
pub mod portal;
pub mod reader_watch;
pub mod registration;
pub mod retry;
#[cfg(test)]
mod seeded;
pub mod server;
pub mod sight;
pub mod state;
pub mod store;
pub mod supervisor;
pub mod systemd;
pub mod trust;
mod undone;
mod unlocked;

use std::io;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::Duration;

use cac_common::paths::Paths;
use tokio::sync::{mpsc, watch};

use crate::access::Access;
use crate::activity::Activity;
use crate::card::transport::Readers;
use crate::config_watch::{Follower, Loader};
use crate::effects::Effects;
use crate::effects::keeper::Keeper;
use crate::event::Event;
use crate::journal::Message;
use crate::logind::{Address, Logind};
use crate::metrics::GivingOut;
use crate::server::{Audit, Server};
use crate::state::{DaemonFacts, State};
use crate::store::Keep;
use crate::supervisor::{Clock, Inbox, Supervisor};
use crate::systemd::Notifier;

/// Requests that may wait for the supervisor.
const WAITING_REQUESTS: usize = 64;

/// How long the watch over the readers may take to end when the daemon stops,
/// and the database for what is still to be written by then.
const LAST_WORDS: Duration = Duration::from_millis(1800);

/// What a daemon is made of.
pub struct Parts {
    pub paths: Paths,
    /// Served instead of one of our own making, and left where it is.
    pub socket: Option<UnixListener>,
    pub readers: Arc<dyn Readers>,
    /// Each asks for the configuration to be read again.
    pub reloads: mpsc::Receiver<()>,
}

impl Parts {
    /// With a socket of its own, and nobody who asks it to reload.
    pub fn new(paths: Paths, readers: Arc<dyn Readers>) -> Self {
        Self {
            paths,
            socket: None,
            readers,
            reloads: mpsc::channel(1).1,
        }
    }
}

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("socket {} cannot be made", path.display())]
    Socket {
        path: std::path::PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no thread can be started")]
    Thread(#[source] io::Error),
}

/// Runs until `shutdown` is ready.
pub async fn run(parts: Parts, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
    let Parts {
        paths,
        socket,
        readers,
        reloads: asked,
    } = parts;
    let mut clock = Clock::new();
    let now = clock.now();
    let is_ours = socket.is_none();
    // A second daemon ends here, before it touches the first one's database.
    let listener = match socket {
        Some(socket) => taken_over(socket),
        None => server::bind(&paths.socket),
    };
    let listener = listener.map_err(|source| RunError::Socket {
        path: paths.socket.clone(),
        source,
    })?;
    let (events, event_inbox) = mpsc::unbounded_channel();
    let (requests, request_inbox) = mpsc::channel(WAITING_REQUESTS);
    let (reloads, loaded_inbox) = mpsc::channel(1);

    let mut follower = Follower::new(Loader::new(&paths.configuration));
    let first = follower.load();
    let opening = Keeper::open(paths.state.clone(), Keep::of(&first.config), now);
    let keeper = systemd::beginning(opening).await;
    // What the database knows is shown before any card or portal is touched.
    let known = keeper.what_is_known().await;
    let store = keeper.store();
    let (access_sender, access) = watch::channel(Access::new(&first.config.admin_group));
    let state = State::new(
        DaemonFacts {
            version: env!("CARGO_PKG_VERSION").into(),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            started_at: now.utc,
        },
        first.config.clone(),
    );
    let activity = Activity::default();
    let effects = Effects::new(
        Arc::clone(&readers),
        keeper,
        events.clone(),
        activity.clone(),
    );
    let (mut supervisor, snapshots) = Supervisor::new(state, effects, clock, Notifier::default());
    supervisor.begin(first, known);
    let metrics = supervisor.metrics();
    let giving_out = GivingOut::begin(metrics.clone(), snapshots.clone(), store.clone());

    let server = tokio::spawn(
        Server {
            snapshots,
            requests,
            store,
            access,
            activity,
            metrics,
            rooms: Arc::default(),
            audit: Audit::default(),
        }
        .serve(listener),
    );
    let reloading = tokio::spawn(follower.follow(asked, reloads, access_sender));
    let sessions = follow_sessions(events.clone())?;
    let watching = watch_readers(Arc::clone(&readers), events)?;
    Notifier::default().ready();
    tracing::info!(
        message_id = Message::Ready.id(),
        socket = %paths.socket.display(),
        "ready"
    );

    let inbox = Inbox {
        events: event_inbox,
        requests: request_inbox,
        loaded: loaded_inbox,
    };
    let effects = supervisor.run(inbox, shutdown).await;
    Notifier::default().stopping();
    tracing::info!(message_id = Message::Stopping.id(), "stopping");
    server.abort();
    reloading.abort();
    sessions.iter().for_each(Sessions::stop);
    let (kept, _, ()) = tokio::join!(
        tokio::time::timeout(LAST_WORDS, effects.end()),
        tokio::time::timeout(LAST_WORDS, stop_watching(&readers, watching)),
        giving_out.end(),
    );
    if kept.is_err() {
        tracing::error!(
            message_id = Message::LeftUndone.id(),
            "database did not take everything in time"
        );
    }
    if is_ours {
        let _ = std::fs::remove_file(&paths.socket);
    }
    Ok(())
}

fn taken_over(socket: UnixListener) -> io::Result<tokio::net::UnixListener> {
    socket.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(socket)
}

fn watch_readers(
    readers: Arc<dyn Readers>,
    events: mpsc::UnboundedSender<Event>,
) -> Result<std::thread::JoinHandle<()>, RunError> {
    std::thread::Builder::new()
        .name("readers".into())
        .spawn(move || {
            readers.watch(&mut |report| {
                let _ = events.send(Event::Readers(report));
            });
        })
        .map_err(RunError::Thread)
}

/// The thread that follows sessions.
struct Sessions {
    logind: Arc<Logind>,
    thread: std::thread::JoinHandle<()>,
}

impl Sessions {
    /// Nobody waits for its end: it holds nothing that has to be kept.
    fn stop(&self) {
        self.logind.stop();
        self.thread.thread().unpark();
    }
}

fn follow_sessions(events: mpsc::UnboundedSender<Event>) -> Result<Option<Sessions>, RunError> {
    let address = match Address::of_the_environment(|name| std::env::var(name).ok()) {
        Ok(address) => address,
        Err(error) => {
            tracing::warn!(%error, "logind is not followed");
            return Ok(None);
        }
    };
    let logind = Arc::new(Logind::new(address));
    let follower = Arc::clone(&logind);
    let thread = std::thread::Builder::new()
        .name("logind".into())
        .spawn(move || {
            follower.watch(&mut |event| {
                let _ = events.send(Event::Session(event));
            });
        })
        .map_err(RunError::Thread)?;
    Ok(Some(Sessions { logind, thread }))
}

/// A request to stop that is made before the wait begins is lost, so it is
/// made until the thread has ended.
async fn stop_watching(readers: &Arc<dyn Readers>, watching: std::thread::JoinHandle<()>) {
    while !watching.is_finished() {
        // It asks pcscd, which may not answer.
        let readers = Arc::clone(readers);
        let _ = tokio::task::spawn_blocking(move || readers.stop()).await;
        watching.thread().unpark();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::keeper::tests::NoReaders;

    #[tokio::test]
    async fn a_second_daemon_ends_before_it_touches_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths {
            socket: folder.path().join("cacd.sock"),
            state: folder.path().join("state"),
            configuration: folder.path().join("configuration"),
        };
        let _first = server::bind(&paths.socket).unwrap();
        let parts = Parts::new(paths.clone(), Arc::new(NoReaders));

        let error = run(parts, std::future::pending()).await.unwrap_err();

        assert!(matches!(error, RunError::Socket { .. }), "{error:?}");
        assert!(!paths.state.exists());
        assert!(paths.socket.exists());
    }
}
