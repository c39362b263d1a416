//! The thread that takes connections, and refuses them when a host is down.

use std::future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::PortalError;
use super::connection::{self, Tls};
use super::fault::Fault;
use super::host::{Host, Layout, Origins};
use super::routes;
use super::seen::Tally;
use super::store::Store;
use super::terms::Terms;
use crate::clock;

/// More wait in the backlog.
const MOST_CONNECTIONS: usize = 256;
const BACKLOG: u32 = 128;

/// What the thread that serves and the handle both see.
pub(super) struct Shared {
    store: Mutex<Store>,
    layout: Layout,
    pub(super) origins: Origins,
    pub(super) terms: Terms,
    notice: Mutex<Option<String>>,
    pub(super) sign_ins: AtomicUsize,
    /// How far the portal's clock goes before the machine's, in seconds.
    ahead: AtomicU64,
    sign_in: HostState,
    /// Of no use in one origin.
    account: HostState,
}

struct HostState {
    fault: watch::Sender<Fault>,
    tally: Arc<Tally>,
}

/// From the handle to the thread that serves.
pub(super) struct Change {
    pub(super) fault: Fault,
    pub(super) done: SyncSender<Result<(), PortalError>>,
}

/// A host that is to be served.
pub(super) struct Plan {
    pub(super) host: Host,
    pub(super) socket: Socket,
    pub(super) tls: Tls,
    pub(super) inbox: mpsc::UnboundedReceiver<Change>,
}

/// A host's port, kept from others even while nothing listens on it.
pub(super) struct Socket {
    /// Bound and never listening: who connects is refused, who binds gets another port.
    _reserve: TcpSocket,
    port: u16,
}

impl Shared {
    pub(super) fn new(
        store: Store,
        layout: Layout,
        origins: Origins,
        terms: Terms,
        notice: Option<String>,
    ) -> Self {
        Self {
            store: Mutex::new(store),
            layout,
            origins,
            terms,
            notice: Mutex::new(notice),
            sign_ins: AtomicUsize::default(),
            ahead: AtomicU64::default(),
            sign_in: HostState::new(),
            account: HostState::new(),
        }
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        // SQLite rolled back what a panic cut short.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout
    }

    /// UTC seconds, by the portal's clock.
    pub(super) fn now(&self) -> i64 {
        let since = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ahead = self.ahead.load(Ordering::SeqCst);
        i64::try_from(since.as_secs().saturating_add(ahead)).unwrap_or(i64::MAX)
    }

    pub(super) fn let_pass(&self, time: Duration) {
        self.ahead.fetch_add(time.as_secs(), Ordering::SeqCst);
    }

    pub(super) fn notice(&self) -> Option<String> {
        self.notice
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set_notice(&self, text: Option<String>) {
        *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    pub(super) fn fault(&self, host: Host) -> Fault {
        *self.state(host).fault.borrow()
    }

    pub(super) fn faults(&self, host: Host) -> watch::Receiver<Fault> {
        self.state(host).fault.subscribe()
    }

    pub(super) fn tally(&self, host: Host) -> &Arc<Tally> {
        &self.state(host).tally
    }

    fn state(&self, host: Host) -> &HostState {
        match (self.layout, host) {
            (Layout::OneOrigin, _) | (_, Host::SignIn) => &self.sign_in,
            (Layout::TwoOrigins | Layout::TwoOriginsByForm, Host::Account) => &self.account,
        }
    }
}

impl HostState {
    fn new() -> Self {
        Self {
            fault: watch::Sender::new(Fault::Normal),
            tally: Arc::default(),
        }
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
            .map_err(|source| self.cannot_listen(source))
    }

    fn cannot_listen(&self, source: io::Error) -> PortalError {
        PortalError::Listen {
            port: self.port,
            source,
        }
    }
}

/// Sockets that all reuse the address may share a port while at most one listens.
fn bound_socket(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

/// Serves each host until the sender of its inbox is dropped.
pub(super) fn run(
    plans: Vec<Plan>,
    shared: &Arc<Shared>,
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
        let mut servers = JoinSet::new();
        for plan in plans {
            match plan.socket.listen() {
                Ok(listener) => {
                    servers.spawn(Server::new(plan, listener, shared).serve());
                }
                Err(error) => {
                    let _caller_is_gone = ready.send(Err(error));
                    return;
                }
            }
        }
        if ready.send(Ok(())).is_ok() {
            while servers.join_next().await.is_some() {}
        }
    });
}

struct Server {
    host: Host,
    socket: Socket,
    tls: Tls,
    router: Router,
    shared: Arc<Shared>,
    inbox: mpsc::UnboundedReceiver<Change>,
    /// Nothing while the host is down.
    listener: Option<TcpListener>,
    connections: JoinSet<()>,
}

impl Server {
    fn new(plan: Plan, listener: TcpListener, shared: &Arc<Shared>) -> Self {
        Self {
            host: plan.host,
            socket: plan.socket,
            tls: plan.tls,
            router: routes::router(Arc::clone(shared), plan.host),
            shared: Arc::clone(shared),
            inbox: plan.inbox,
            listener: Some(listener),
            connections: JoinSet::new(),
        }
    }

    async fn serve(mut self) {
        loop {
            let has_room = self.connections.len() < MOST_CONNECTIONS;
            tokio::select! {
                change = self.inbox.recv() => {
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
        let before = self.shared.fault(self.host);
        let is_of_connections = matches!(fault, Fault::Connection(_))
            || matches!(before, Fault::Connection(_))
            || fault == Fault::Down;
        if is_of_connections {
            // In force for those to come, so that none of before may go on.
            if let Some(listener) = self.listener.take() {
                // To close it is not enough: a program that is being started
                // somewhere in this process has it too, until it is loaded.
                rustix::net::shutdown(&listener, rustix::net::Shutdown::Both)
                    .map_err(|error| self.socket.cannot_listen(error.into()))?;
            }
            self.connections.shutdown().await;
        }
        match fault {
            Fault::Down => {}
            Fault::StaleCookies => {
                self.shared.store().age_sessions()?;
                self.listen()?;
            }
            Fault::Normal
            | Fault::Slow(_)
            | Fault::Status { .. }
            | Fault::Connection(_)
            | Fault::Answer(_) => self.listen()?,
        }
        self.shared.state(self.host).fault.send_replace(fault);
        tracing::info!(%fault, host = %self.host, "fault set");
        Ok(())
    }

    fn listen(&mut self) -> Result<(), PortalError> {
        if self.listener.is_none() {
            self.listener = Some(self.socket.listen()?);
        }
        Ok(())
    }

    fn take(&mut self, stream: TcpStream) {
        self.shared.tally(self.host).connection();
        let fault = match self.shared.fault(self.host) {
            Fault::Connection(fault) => Some(fault),
            Fault::Normal
            | Fault::Down
            | Fault::Slow(_)
            | Fault::Status { .. }
            | Fault::StaleCookies
            | Fault::Answer(_) => None,
        };
        let conversation =
            connection::converse(stream, self.tls.clone(), self.router.clone(), fault);
        self.connections.spawn(async move {
            if let Err(error) = conversation.await {
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
