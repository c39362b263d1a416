//! Watches the smart card readers, reads the card that is put in and registers it with portals.

pub mod access;
pub mod card;
pub mod config_watch;
pub mod effects;
pub mod event;
pub mod logging;
pub mod portal;
pub mod reader_watch;
pub mod registration;
pub mod retry;
pub mod server;
pub mod state;
pub mod store;
pub mod supervisor;
pub mod systemd;
pub mod trust;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use cac_common::error_chain::Chain;
use cac_common::paths::Paths;
use tokio::sync::{mpsc, watch};

use crate::access::Access;
use crate::card::transport::Readers;
use crate::config_watch::{Follower, Loader};
use crate::effects::{Effects, StoreOrReason};
use crate::event::Event;
use crate::server::Server;
use crate::state::{DaemonFacts, State};
use crate::store::Store;
use crate::supervisor::{Clock, Inbox, Supervisor};
use crate::systemd::Notifier;

/// Requests that may wait for the supervisor.
const WAITING_REQUESTS: usize = 64;

/// History entries that are shown from the start.
const SHOWN_AT_START: u32 = 20;

/// How long work that goes on may take to end when the daemon stops.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What a daemon is made of.
pub struct Parts {
    pub paths: Paths,
    pub readers: Arc<dyn Readers>,
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
    let Parts { paths, readers } = parts;
    let mut clock = Clock::new();
    let started_at = clock.now().utc;
    let store = open_store(&paths, started_at).await;
    let (events, event_inbox) = mpsc::unbounded_channel();
    let (requests, request_inbox) = mpsc::channel(WAITING_REQUESTS);
    let (reloads, loaded_inbox) = mpsc::channel(1);

    let mut follower = Follower::new(Loader::new(&paths.configuration));
    let first = follower.load();
    prune_history(&store, started_at, first.config.keep_history);
    let (access_sender, access) = watch::channel(Access::new(&first.config.admin_group));
    let state = State::new(
        DaemonFacts {
            version: env!("CARGO_PKG_VERSION").into(),
            host: rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned(),
            started_at,
        },
        first.config.clone(),
    );
    let effects = Effects::new(Arc::clone(&readers), store.clone(), events.clone());
    let (mut supervisor, snapshots) = Supervisor::new(state, effects, clock, Notifier::default());
    // What the database knows is shown before any card or portal is touched.
    supervisor.begin(first, what_is_known(&store).await);

    let listener = server::bind(&paths.socket).map_err(|source| RunError::Socket {
        path: paths.socket.clone(),
        source,
    })?;
    let server = tokio::spawn(
        Server {
            snapshots,
            requests,
            store,
            access,
        }
        .serve(listener),
    );
    let reloading = tokio::spawn(follower.follow(reloads, access_sender));
    let watching = watch_readers(Arc::clone(&readers), events)?;
    Notifier::default().ready();
    tracing::info!(socket = %paths.socket.display(), "ready");

    let inbox = Inbox {
        events: event_inbox,
        requests: request_inbox,
        loaded: loaded_inbox,
    };
    let effects = supervisor.run(inbox, shutdown).await;
    Notifier::default().stopping();
    tracing::info!("stopping");
    server.abort();
    reloading.abort();
    let _ = tokio::time::timeout(LAST_WORDS, async {
        effects.end().await;
        stop_watching(&readers, watching).await;
    })
    .await;
    let _ = std::fs::remove_file(&paths.socket);
    Ok(())
}

async fn open_store(paths: &Paths, now: cac_common::time::UtcSeconds) -> StoreOrReason {
    let folder = paths.state.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder, now)).await;
    match opened {
        Ok(Ok((store, opened))) => {
            for notice in &opened.notices {
                tracing::warn!(%notice, "database");
            }
            Ok(store)
        }
        Ok(Err(error)) => {
            let reason = Chain(&error).to_string();
            tracing::error!(reason, "database cannot be used; nothing will be kept");
            Err(reason)
        }
        Err(_) => Err("opening the database failed".into()),
    }
}

async fn what_is_known(store: &StoreOrReason) -> Vec<Event> {
    let store = match store {
        Ok(store) => store,
        Err(reason) => {
            return vec![Event::Store {
                problem: Some(reason.clone()),
            }];
        }
    };
    let mut events = Vec::new();
    match store.known().await {
        Ok(known) => events.push(Event::Known(known)),
        Err(error) => tracing::warn!(error = %Chain(&error), "personas could not be read"),
    }
    match store.history(None, SHOWN_AT_START).await {
        Ok(entries) => events.extend(entries.into_iter().rev().map(Event::Noted)),
        Err(error) => tracing::warn!(error = %Chain(&error), "history could not be read"),
    }
    events
}

fn prune_history(store: &StoreOrReason, now: cac_common::time::UtcSeconds, keep: Duration) {
    let Ok(store) = store.clone() else {
        return;
    };
    let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
    let older_than = cac_common::time::UtcSeconds(now.0.saturating_sub(keep));
    tokio::spawn(async move {
        match store.prune(older_than).await {
            Ok(pruned) => tracing::debug!(pruned, "old history was forgotten"),
            Err(error) => tracing::warn!(error = %Chain(&error), "history could not be pruned"),
        }
    });
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

/// A request to stop that is made before the wait begins is lost, so it is
/// made until the thread has ended.
async fn stop_watching(readers: &Arc<dyn Readers>, watching: std::thread::JoinHandle<()>) {
    while !watching.is_finished() {
        readers.stop();
        watching.thread().unpark();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
