//! A portal that lets people in by client certificate, to sign in to and to break.
//!
//! It stands for the real ones: it is judged by the HTML that a browser would
//! get, and knows nothing of cacd. What cacd knows of it is the profile.

pub mod authority;
mod certificate;
mod fault;
mod pages;
mod person;
mod profile;
mod routes;
mod server;
mod store;
mod tls;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc as sync_mpsc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;

pub use fault::{Fault, NotAFault};
pub use person::{NotAPerson, Person, PersonEntry};
pub use profile::Unfit;
pub use store::{Registration, StoreError};
pub use tls::{Demand, Resumption, ServerIdentity, TlsError, Versions};

use server::{Change, Shared, Socket};
use store::Store;

/// What a portal is started with.
#[derive(Clone)]
pub struct PortalConfig {
    /// Holds the database and the trust anchor; made if it is not there.
    pub folder: PathBuf,
    /// On 127.0.0.1; zero takes a free one.
    pub port: u16,
    pub identity: ServerIdentity,
    /// PEM. Whom the portal trusts to have issued a client certificate.
    pub client_roots: String,
    pub versions: Versions,
    pub demand: Demand,
    pub resumption: Resumption,
}

impl PortalConfig {
    /// Both TLS versions, a certificate required, nothing resumed, any free port.
    pub fn new(
        folder: impl Into<PathBuf>,
        identity: ServerIdentity,
        client_roots: impl Into<String>,
    ) -> Self {
        Self {
            folder: folder.into(),
            port: 0,
            identity,
            client_roots: client_roots.into(),
            versions: Versions::default(),
            demand: Demand::default(),
            resumption: Resumption::default(),
        }
    }
}

/// Why a portal could not start, or not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    #[error("cannot write {path}")]
    Folder { path: PathBuf, source: io::Error },

    #[error(transparent)]
    Store(#[from] StoreError),

    #[error(transparent)]
    Tls(#[from] TlsError),

    #[error(transparent)]
    Profile(#[from] Unfit),

    #[error("cannot listen on 127.0.0.1 port {port}")]
    Listen { port: u16, source: io::Error },

    #[error("cannot start the thread that serves")]
    Thread(#[source] io::Error),

    /// Its thread is gone; start another.
    #[error("the portal has stopped")]
    Stopped,
}

/// A portal that serves until it is dropped.
pub struct ReferencePortal {
    port: u16,
    database: PathBuf,
    profile: String,
    shared: Arc<Shared>,
    changes: Option<mpsc::UnboundedSender<Change>>,
    thread: Option<JoinHandle<()>>,
}

impl ReferencePortal {
    /// Returns once connections are taken.
    pub fn start(config: &PortalConfig) -> Result<Self, PortalError> {
        let cannot_write = |path: &Path| {
            let path = path.to_owned();
            move |source| PortalError::Folder { path, source }
        };
        fs::create_dir_all(&config.folder).map_err(cannot_write(&config.folder))?;
        let folder = config
            .folder
            .canonicalize()
            .map_err(cannot_write(&config.folder))?;
        let anchor = folder.join("reference-ca.pem");
        fs::write(&anchor, &config.identity.anchor).map_err(cannot_write(&anchor))?;

        let database = folder.join("portal.db");
        let store = Store::open(&database)?;
        let tls = Arc::new(tls::server_config(config)?);
        let socket = Socket::bind(config.port)?;
        let port = socket.port();
        let profile = profile::of_portal(&origin(port), &anchor)?;
        let shared = Arc::new(Shared::new(store));

        let (changes, inbox) = mpsc::unbounded_channel();
        let (ready, is_ready) = sync_mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("reference-portal".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || server::run(socket, tls, shared, inbox, &ready)
            })
            .map_err(PortalError::Thread)?;
        is_ready.recv().map_err(|_| PortalError::Stopped)??;

        Ok(Self {
            port,
            database,
            profile,
            shared,
            changes: Some(changes),
            thread: Some(thread),
        })
    }

    pub fn origin(&self) -> String {
        origin(self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The shipped sample with this portal's origin and trust anchor in it.
    pub fn profile(&self) -> String {
        self.profile.clone()
    }

    /// Puts a person on the authoritative list, or corrects the entry.
    pub fn add_person(&self, person: &Person) -> Result<(), StoreError> {
        self.shared.store().add_person(person)
    }

    /// Gives the person with this UPN an account.
    pub fn add_account(&self, account: &str, upn: &str) -> Result<(), StoreError> {
        self.shared.store().add_account(account, upn)
    }

    pub fn registrations(&self) -> Result<Vec<Registration>, StoreError> {
        self.shared.store().registrations()
    }

    /// How often someone was given a session.
    pub fn sign_ins(&self) -> usize {
        self.shared.counts.sign_ins.load(Ordering::SeqCst)
    }

    /// How many HTTP requests came in, those answered with a fault among them.
    pub fn requests(&self) -> usize {
        self.shared.counts.requests.load(Ordering::SeqCst)
    }

    /// How many TCP connections were taken, whether or not TLS came about.
    pub fn connections(&self) -> usize {
        self.shared.counts.connections.load(Ordering::SeqCst)
    }

    /// In force when this returns: after `Down`, connections are refused and
    /// those that were open are closed.
    pub fn set_fault(&self, fault: Fault) -> Result<(), PortalError> {
        let (done, is_done) = sync_mpsc::sync_channel(1);
        self.changes
            .as_ref()
            .ok_or(PortalError::Stopped)?
            .send(Change { fault, done })
            .map_err(|_| PortalError::Stopped)?;
        is_done.recv().map_err(|_| PortalError::Stopped)?
    }
}

impl Drop for ReferencePortal {
    fn drop(&mut self) {
        drop(self.changes.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the portal's thread panicked");
        }
    }
}

fn origin(port: u16) -> String {
    format!("https://localhost:{port}")
}
