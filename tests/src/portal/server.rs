//! The thread that takes connections, and refuses them when the portal is down.

use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time;
use tokio_rustls::TlsAcceptor;

use super::PortalError;
use super::fault::Fault;
use super::routes::{self, Peer};
use super::store::Store;

/// A card takes seconds to sign and its holder longer to type a PIN.
const HANDSHAKE_LIMIT: Duration = Duration::from_mins(2);
const HEADER_LIMIT: Duration = Duration::from_mins(1);
/// More wait in the backlog.
const MOST_CONNECTIONS: usize = 256;
const BACKLOG: u32 = 128;

/// What the thread that serves and the handle both see.
pub(super) struct Shared {
    store: Mutex<Store>,
    pub(super) fault: watch::Sender<Fault>,
    pub(super) counts: Counts,
}

#[derive(Default)]
pub(super) struct Counts {
    pub(super) connections: AtomicUsize,
    pub(super) requests: AtomicUsize,
    pub(super) sign_ins: AtomicUsize,
}

/// From the handle to the thread that serves.
pub(super) struct Change {
    pub(super) fault: Fault,
    pub(super) done: SyncSender<Result<(), PortalError>>,
}

/// The portal's port, kept from others even while nothing listens on it.
pub(super) struct Socket {
    /// Bound and never listening: who connects is refused, who binds gets another port.
    _reserve: TcpSocket,
    port: u16,
}

impl Shared {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store: Mutex::new(store),
            fault: watch::Sender::new(Fault::Normal),
            counts: Counts::default(),
        }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        // SQLite rolled back what a panic cut short.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Socket {
    pub(super) fn bind(port: u16) -> Result<Self, PortalError> {
        let bound = bound_socket(port).and_then(|socket| {
            let port = socket.local_addr()?.port();
            Ok(Self {
                _reserve: socket,
                port,
            })
        });
        bound.map_err(|source| PortalError::Listen { port, source })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn listen(&self) -> Result<TcpListener, PortalError> {
        bound_socket(self.port)
            .and_then(|socket| socket.listen(BACKLOG))
            .map_err(|source| PortalError::Listen {
                port: self.port,
                source,
            })
    }
}

/// Sockets that all reuse the address may share a port while at most one listens.
fn bound_socket(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

/// Serves until the sender of `inbox` is dropped.
pub(super) fn run(
    socket: Socket,
    tls: Arc<ServerConfig>,
    shared: Arc<Shared>,
    inbox: mpsc::UnboundedReceiver<Change>,
    ready: &SyncSender<Result<(), PortalError>>,
) {
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _caller_is_gone = ready.send(Err(PortalError::Thread(error)));
            return;
        }
    };
    runtime.block_on(async {
        let listening = socket.listen();
        let (listener, answer) = match listening {
            Ok(listener) => (Some(listener), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let failed = answer.is_err();
        if ready.send(answer).is_err() || failed {
            return;
        }
        let server = Server {
            router: routes::router(Arc::clone(&shared)),
            acceptor: TlsAcceptor::from(tls),
            socket,
            shared,
            listener,
            connections: JoinSet::new(),
        };
        server.serve(inbox).await;
    });
}

struct Server {
    socket: Socket,
    acceptor: TlsAcceptor,
    router: Router,
    shared: Arc<Shared>,
    /// Nothing while the portal is down.
    listener: Option<TcpListener>,
    connections: JoinSet<()>,
}

impl Server {
    async fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Change>) {
        loop {
            let has_room = self.connections.len() < MOST_CONNECTIONS;
            tokio::select! {
                change = inbox.recv() => {
                    let Some(Change { fault, done }) = change else {
                        break;
                    };
                    let answer = self.change(fault).await;
                    let _caller_is_gone = done.send(answer);
                }
                accepted = accept(self.listener.as_ref()), if has_room => match accepted {
                    Ok(stream) => self.take(stream),
                    Err(error) => tracing::warn!(%error, "connection was not taken"),
                },
                Some(_ended) = self.connections.join_next() => {}
            }
        }
    }

    async fn change(&mut self, fault: Fault) -> Result<(), PortalError> {
        match fault {
            Fault::Down => {
                self.listener = None;
                self.connections.shutdown().await;
            }
            Fault::StaleCookies => {
                self.shared.store().age_sessions()?;
                self.listen()?;
            }
            Fault::Normal | Fault::Slow(_) | Fault::Status { .. } => self.listen()?,
        }
        self.shared.fault.send_replace(fault);
        tracing::info!(%fault, "fault set");
        Ok(())
    }

    fn listen(&mut self) -> Result<(), PortalError> {
        if self.listener.is_none() {
            self.listener = Some(self.socket.listen()?);
        }
        Ok(())
    }

    fn take(&mut self, stream: TcpStream) {
        self.shared
            .counts
            .connections
            .fetch_add(1, Ordering::SeqCst);
        let acceptor = self.acceptor.clone();
        let router = self.router.clone();
        self.connections.spawn(async move {
            if let Err(error) = converse(stream, acceptor, router).await {
                tracing::info!(?error, "connection ended early");
            }
        });
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => future::pending().await,
    }
}

/// Why a connection came to nothing, or to an early end.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("TLS handshake took too long")]
    HandshakeTooLong,
    #[error("TLS handshake failed")]
    Handshake(#[source] io::Error),
    #[error("HTTP failed")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
}

async fn converse(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
) -> Result<(), ConnectionError> {
    let stream = time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream))
        .await
        .map_err(|_| ConnectionError::HandshakeTooLong)?
        .map_err(ConnectionError::Handshake)?;
    let (_, tls) = stream.get_ref();
    let certificate = tls
        .peer_certificates()
        .and_then(<[CertificateDer<'_>]>::first)
        .map(|certificate| certificate.clone().into_owned());
    let service = TowerToHyperService::new(router.layer(Extension(Peer(certificate))));

    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT);
    http.serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(ConnectionError::Http)
}
