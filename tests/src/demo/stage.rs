//! All parts of the demo in one temporary folder, started in order.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use cac_common::paths::Paths;
use tempfile::TempDir;

use super::ReaderWish;
use super::cards::{Cards, DemoCard, Who};
use super::daemon::Daemon;
use super::ending::Ending;
use super::feed::Feed;
use super::programs::Programs;
use super::reader::Reader;
use super::screen;
use super::told::Told;
use crate::clock;
use crate::pcscd::SOCKET_VARIABLE;
use crate::portal::{Person, PortalConfig, ReferencePortal, ServerIdentity};
use crate::virtual_card::certificate::Validity;

/// How long the daemon may take to begin.
const LIMIT: Duration = Duration::from_secs(30);

/// How many lines of a log explain a failure.
const LAST_LINES: usize = 15;

/// The PIN serves the whole visit, and a portal that is down is soon asked
/// again, so that nobody has to wait for long.
const CONFIGURATION: &str = r#"
[pin]
keep = "visit"

[retry]
first_wait = "1s"
longest_wait = "3s"
"#;

/// Dropping it stops and removes everything; fields are dropped in this order.
pub(super) struct Stage {
    pub(super) feed: Feed,
    daemon: Daemon,
    pub(super) reader: Reader,
    pub(super) portal: ReferencePortal,
    pub(super) cards: Cards,
    pub(super) cacctl: PathBuf,
    /// Whoever is in the reader.
    pub(super) in_reader: Option<Who>,
    paths: Paths,
    log: PathBuf,
    folder: TempDir,
}

impl Stage {
    pub(super) fn set(wish: ReaderWish, ending: &Ending, told: &mut Told) -> anyhow::Result<Self> {
        screen::find_tmux()?;
        let folder = tempfile::Builder::new()
            .prefix("cacd-demo-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let at = |name: &str| folder.path().join(name);
        log_to(&at("demo.log"))?;

        told.part("folder", &folder.path().display().to_string())?;
        told.part(
            "programs",
            "cacd and cacctl, built from here (the first time takes minutes)",
        )?;
        let programs = Programs::build(folder.path(), ending)?;
        let reader = Reader::find(wish, told)?;
        ending.check()?;
        let cards = Cards::issue()?;
        told.part(
            "cards",
            "of three people who do not exist, from an authority that does not",
        )?;
        ending.check()?;
        let portal = open_portal(&at("portal"), &cards)?;
        told.part(
            "portal",
            &format!("{} (the reference portal)", portal.origin()),
        )?;

        let paths = Paths {
            socket: at("run").join("socket"),
            state: at("state"),
            configuration: at("config"),
        };
        write_configuration(&paths.configuration, &portal, &cards)?;
        let log = match reader {
            Reader::OfPcscd { .. } => at("cacd.log"),
            Reader::Inside(_) => at("demo.log"),
        };
        fs::create_dir(at("run"))?;
        let mut daemon = Daemon::start(&reader, &programs.cacd, paths.clone(), &log)?;
        let answers = ending.wait_for("the daemon answers", LIMIT, || match daemon.has_ended() {
            Some(error) => Some(Err(error)),
            None => UnixStream::connect(&paths.socket).ok().map(|_| Ok(())),
        });
        answers
            .and_then(|ended| ended)
            .map_err(|error| with_log(error, &log))?;
        told.part("daemon", daemon.kind())?;
        Ok(Self {
            feed: Feed::follow(&paths.socket)?,
            daemon,
            reader,
            portal,
            cards,
            cacctl: programs.cacctl,
            in_reader: None,
            paths,
            log,
            folder,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The dashboard, with this demo's daemon and pcscd before it.
    pub(super) fn dashboard(&self) -> Vec<String> {
        let mut dashboard = Vec::new();
        if let Some(pcscd) = self.reader.pcscd() {
            let pcscd = format!("{SOCKET_VARIABLE}={}", pcscd.display());
            dashboard.extend(["env".to_owned(), pcscd]);
        }
        let cacctl = self.cacctl.to_string_lossy().into_owned();
        let socket = self.socket().to_string_lossy().into_owned();
        dashboard.extend([cacctl, "--socket".to_owned(), socket]);
        dashboard
    }

    /// Where the dashboard asks.
    pub(super) fn socket(&self) -> &Path {
        &self.paths.socket
    }

    pub(super) fn card(&self, who: Who) -> &DemoCard {
        self.cards.of(who)
    }

    pub(super) fn put_in(&mut self, who: Who) -> anyhow::Result<()> {
        self.reader.put_in(&self.cards.of(who).card)?;
        self.in_reader = Some(who);
        Ok(())
    }

    pub(super) fn take_out(&mut self) {
        self.reader.take_out();
        self.in_reader = None;
    }

    /// The error, with what the daemon had to say last.
    pub(super) fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        let error = match self.daemon.has_ended() {
            Some(end) => anyhow!("{end:#}; before that: {error:#}"),
            None => error,
        };
        with_log(error, &self.log)
    }
}

fn open_portal(folder: &Path, cards: &Cards) -> anyhow::Result<ReferencePortal> {
    let server = cards
        .authority
        .issue_server_certificate(&["localhost"], Validity::current(clock::now()))?;
    let identity = ServerIdentity {
        chain: server.chain_pem,
        key: server.key_pem,
        anchor: cards.authority.root_pem(),
    };
    let config = PortalConfig::new(folder, identity, cards.authority.root_pem());
    let portal = ReferencePortal::start(&config).context("cannot start the portal")?;
    // Pat is left out: somebody has to be told to call the help desk.
    for (card, category) in [(&cards.jane, "military"), (&cards.john, "contractor")] {
        let upn = card.person.upn();
        portal.add_person(&Person {
            name: card.name(),
            edipi: format!("{:010}", card.person.edipi),
            upn: upn.clone(),
            category: category.to_owned(),
            authorised: true,
        })?;
        portal.add_account(&card.account(), &upn)?;
    }
    Ok(portal)
}

fn write_configuration(
    folder: &Path,
    portal: &ReferencePortal,
    cards: &Cards,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder.join("portals.d"))?;
    fs::create_dir_all(folder.join("trust"))?;
    fs::write(folder.join("cacd.toml"), CONFIGURATION)?;
    fs::write(folder.join("portals.d/reference.toml"), portal.profile())?;
    fs::write(
        folder.join("trust/issuing.pem"),
        cards.authority.issuing_pem(),
    )?;
    Ok(())
}

fn log_to(path: &Path) -> anyhow::Result<()> {
    let file = File::create(path).context("cannot make a log file")?;
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(Mutex::new(file))
        .try_init()
        .map_err(|error| anyhow!("cannot log: {error}"))
}

fn with_log(error: anyhow::Error, log: &Path) -> anyhow::Error {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    if last.is_empty() {
        return error;
    }
    anyhow!(
        "{error:#}\nThe daemon's log ends with:\n  {}",
        last.join("\n  ")
    )
}
