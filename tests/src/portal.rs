//! A portal that lets people in by client certificate, to sign in to and to break.
//!
//! It stands for the real ones: it is judged by the HTML that a browser would
//! get, and knows nothing of cacd. What cacd knows of it is the profile.

mod alert;
pub mod authority;
mod certificate;
mod connection;
mod fault;
mod host;
mod narrow;
mod pages;
mod person;
mod profile;
mod routes;
mod seen;
mod server;
mod store;
mod terms;
mod tls;
mod witness;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc as sync_mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc;

pub use alert::Alert;
pub use fault::{
    AnswerFault, ConnectionFault, Fault, IisRefusal, Moment, NotAFault, Parting, Shown, duration,
};
pub use host::{Host, Layout, NotAHost};
pub use person::{NotAPerson, Person, PersonEntry};
pub use profile::Unfit;
pub use seen::{Requests, Seen};
pub use store::{Registration, StoreError};
pub use terms::{Given, Lockout, Renewal, Terms, TiedBy};
pub use tls::{Demand, Resumption, ServerIdentity, TlsError, Versions};

use connection::Tls;
use host::Origins;
use server::{Change, Plan, Shared, Socket};
use store::Store;
use witness::{Course, Judgement, Witness};

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
    pub layout: Layout,
    /// Of the host that has the accounts, if it is another one; zero takes a free one.
    pub account_port: u16,
    /// What that host is called: something that leads to 127.0.0.1 and that
    /// its certificate covers.
    pub account_name: String,
    /// What that host shows for itself, if it is something else.
    pub account_identity: Option<ServerIdentity>,
    pub terms: Terms,
    /// What has to be accepted before anyone signs in.
    pub notice: Option<String>,
}

impl PortalConfig {
    /// One origin on any free port, both TLS versions, a certificate required,
    /// nothing resumed, no notice.
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
            layout: Layout::default(),
            account_port: 0,
            account_name: "localhost".to_owned(),
            account_identity: None,
            terms: Terms::default(),
            notice: None,
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

    #[error("there is no account {0}")]
    NoAccount(String),

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
    changes: Vec<(Host, mpsc::UnboundedSender<Change>)>,
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
        let socket = Socket::bind(config.port)?;
        let port = socket.port();
        let sign_in = origin("localhost", port);
        let mut sockets = vec![(Host::SignIn, socket)];
        let origins = match config.layout {
            Layout::OneOrigin => Origins::one(sign_in),
            Layout::TwoOrigins | Layout::TwoOriginsByForm => {
                let socket = Socket::bind(config.account_port)?;
                let account = origin(&config.account_name, socket.port());
                sockets.push((Host::Account, socket));
                Origins::two(sign_in, account)
            }
        };
        let profile = profile::of_portal(&origins, &anchor, config.terms.tied_by)?;
        let shared = Arc::new(Shared::new(
            store,
            config.layout,
            origins,
            config.terms,
            config.notice.clone(),
        ));

        let mut plans = Vec::new();
        let mut changes = Vec::new();
        for (host, socket) in sockets {
            let (sender, inbox) = mpsc::unbounded_channel();
            changes.push((host, sender));
            plans.push(Plan {
                host,
                socket,
                tls: tls_of(host, config, &shared)?,
                inbox,
            });
        }
        let (ready, is_ready) = sync_mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("reference-portal".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || server::run(plans, &shared, &ready)
            })
            .map_err(PortalError::Thread)?;
        is_ready.recv().map_err(|_| PortalError::Stopped)??;

        Ok(Self {
            port,
            database,
            profile,
            shared,
            changes,
            thread: Some(thread),
        })
    }

    /// Where signing in starts.
    pub fn origin(&self) -> String {
        self.origin_of(Host::SignIn)
    }

    pub fn origin_of(&self, host: Host) -> String {
        self.shared.origins.of(host).to_owned()
    }

    /// Where signing in starts.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The shipped sample with this portal's origins, trust anchor and what
    /// ties an account in it.
    pub fn profile(&self) -> String {
        self.profile.clone()
    }

    /// The same with more at its end: outcomes, or a table that the sample
    /// does not have.
    pub fn profile_with(&self, more: &str) -> String {
        format!("{}\n{more}", self.profile)
    }

    /// The same with a rule for every page there is, except the one that is to
    /// be unrecognised, and with the notice, the lock and the wizard's steps.
    pub fn full_profile(&self) -> String {
        self.profile_with(&profile::rest(&self.shared.origins))
    }

    /// Puts a person on the authoritative list, or corrects the entry.
    pub fn add_person(&self, person: &Person) -> Result<(), StoreError> {
        self.shared.store().add_person(person)
    }

    /// Gives the person with this UPN an account.
    pub fn add_account(&self, account: &str, upn: &str) -> Result<(), StoreError> {
        self.shared.store().add_account(account, upn)
    }

    /// Without one nobody can log in to the account by password.
    pub fn set_password(&self, account: &str, password: &str) -> Result<(), PortalError> {
        let is_there = self.shared.store().set_password(account, password)?;
        there(account, is_there)
    }

    /// As too many wrong passwords do.
    pub fn lock(&self, account: &str, lasts: Duration) -> Result<(), PortalError> {
        let now = self.shared.now();
        let is_there = self.shared.store().lock(account, lasts, now)?;
        there(account, is_there)
    }

    /// Forgets who is logged in, and every form that was shown.
    pub fn end_sessions(&self) -> Result<(), StoreError> {
        self.shared.store().end_sessions()
    }

    /// What has to be accepted from now on before anyone signs in, if anything.
    pub fn set_notice(&self, text: Option<&str>) {
        self.shared.set_notice(text.map(str::to_owned));
    }

    /// Puts the portal's clock forward, in whole seconds: tokens and locks age.
    pub fn let_pass(&self, time: Duration) {
        self.shared.let_pass(time);
    }

    pub fn registrations(&self) -> Result<Vec<Registration>, StoreError> {
        self.shared.store().registrations()
    }

    /// How often someone was given a session by card.
    pub fn sign_ins(&self) -> usize {
        self.shared.sign_ins.load(Ordering::SeqCst)
    }

    /// How many HTTP requests came in, those answered with a fault among them.
    pub fn requests(&self) -> usize {
        self.sum(|seen| seen.requests().count)
    }

    /// How many TCP connections were taken, whether or not TLS came about.
    pub fn connections(&self) -> usize {
        self.sum(|seen| seen.connections)
    }

    /// What came in at this host.
    pub fn seen(&self, host: Host) -> Seen {
        self.shared.tally(host).seen()
    }

    /// In force at every host when this returns: after `Down`, connections are
    /// refused and those that were open are closed.
    pub fn set_fault(&self, fault: Fault) -> Result<(), PortalError> {
        for (_, changes) in &self.changes {
            change(changes, fault)?;
        }
        Ok(())
    }

    /// The same at one host.
    pub fn set_fault_at(&self, host: Host, fault: Fault) -> Result<(), PortalError> {
        // In one origin there is but one, whatever it is called.
        let of_host = self.changes.iter().find(|(of, _)| *of == host);
        let (_, changes) = of_host
            .or(self.changes.first())
            .ok_or(PortalError::Stopped)?;
        change(changes, fault)
    }

    fn sum(&self, of: impl Fn(&Seen) -> usize) -> usize {
        let hosts = self.changes.iter().map(|(host, _)| self.seen(*host));
        hosts.map(|seen| of(&seen)).sum()
    }
}

impl Drop for ReferencePortal {
    fn drop(&mut self) {
        self.changes.clear();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the portal's thread panicked");
        }
    }
}

fn tls_of(host: Host, config: &PortalConfig, shared: &Shared) -> Result<Tls, TlsError> {
    match host {
        Host::SignIn => {
            let judgement = match config.demand {
                Demand::Required | Demand::Optional => Judgement::ByTls,
                Demand::Unverified => Judgement::Later,
            };
            let asking = |course| {
                let tally = Arc::clone(shared.tally(host));
                let witness = |judge| Witness::new(judge, tally, course, judgement);
                tls::asking(config, witness).map(Arc::new)
            };
            Ok(Tls {
                usual: asking(Course::On)?,
                stopping: asking(Course::StopsAtTheSignature)?,
                judge: match judgement {
                    Judgement::ByTls => None,
                    Judgement::Later => Some(tls::judge(config)?),
                },
            })
        }
        Host::Account => {
            let usual = Arc::new(tls::not_asking(config)?);
            Ok(Tls {
                stopping: Arc::clone(&usual),
                usual,
                judge: None,
            })
        }
    }
}

fn change(changes: &mpsc::UnboundedSender<Change>, fault: Fault) -> Result<(), PortalError> {
    let (done, is_done) = sync_mpsc::sync_channel(1);
    changes
        .send(Change { fault, done })
        .map_err(|_| PortalError::Stopped)?;
    is_done.recv().map_err(|_| PortalError::Stopped)?
}

fn there(account: &str, is_there: bool) -> Result<(), PortalError> {
    if is_there {
        Ok(())
    } else {
        Err(PortalError::NoAccount(account.to_owned()))
    }
}

fn origin(name: &str, port: u16) -> String {
    format!("https://{name}:{port}")
}
