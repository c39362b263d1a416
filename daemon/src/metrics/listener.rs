//! Answers `GET /metrics` over HTTP/1.1, and nothing else.
//!
//! A request has limits of size and time, and connections of number; each has
//! a thread of the blocking pool while it lasts. What a peer passes along over
//! a Unix socket is closed there too, however long that takes.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cac_common::config::Listen;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};

use super::{Collector, Wanted};
use crate::server;

mod conversation;

use conversation::{Asker, Stream};

/// Connections at one time; others wait.
const MOST_CONNECTIONS: usize = 8;

/// What cannot be listened on is tried again after this long.
const TRY_AGAIN: Duration = Duration::from_mins(1);

enum Socket {
    Unix {
        listener: UnixListener,
        _place: Place,
    },
    Tcp(TcpListener),
}

/// A socket in the file system, for as long as it serves.
struct Place(PathBuf);

/// Does as the configuration says, until the daemon stops.
pub(super) async fn follow(collector: Collector, mut wanted: watch::Receiver<Wanted>) {
    loop {
        let listen = wanted.borrow_and_update().metrics.listen.clone();
        let is_over = async {
            // Whoever says so is kept by the collector.
            let _ = wanted
                .wait_for(|now| now.is_stopping || now.metrics.listen != listen)
                .await;
        };
        tokio::select! {
            () = serve(listen.as_ref(), &collector) => {}
            () = is_over => {}
        }
        if wanted.borrow().is_stopping {
            return;
        }
    }
}

/// Never ends.
async fn serve(listen: Option<&Listen>, collector: &Collector) {
    let Some(listen) = listen else {
        return std::future::pending().await;
    };
    let socket = bound(listen).await;
    let address = Shown(listen);
    tracing::info!(%address, "metrics are served");
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return std::future::pending().await;
        };
        match socket.accept().await {
            Ok((stream, asker)) => {
                let collector = collector.clone();
                tokio::task::spawn_blocking(move || {
                    conversation::hold(stream, asker, &collector);
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: others have to go first.
                tracing::warn!(%error, "connection for metrics could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn bound(listen: &Listen) -> Socket {
    let mut is_told = false;
    loop {
        match Socket::bind(listen).await {
            Ok(socket) => return socket,
            Err(error) => {
                if !is_told {
                    let address = Shown(listen);
                    tracing::warn!(%address, %error, "metrics cannot be served");
                }
                is_told = true;
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }
}

impl Socket {
    async fn bind(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Unix(path) => Ok(Self::Unix {
                listener: server::bind(path)?,
                _place: Place(path.clone()),
            }),
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
        }
    }

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Asker)> {
        match self {
            Self::Unix { listener, .. } => {
                let stream = listener.accept().await?.0.into_std()?;
                stream.set_nonblocking(false)?;
                Ok((Box::new(stream), Asker::OverASocket))
            }
            Self::Tcp(listener) => {
                let stream = listener.accept().await?.0.into_std()?;
                stream.set_nonblocking(false)?;
                Ok((Box::new(stream), Asker::OverTheNetwork))
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// As it stands in the configuration.
struct Shown<'a>(&'a Listen);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
            Listen::Tcp(address) => write!(f, "{address}"),
        }
    }
}
