//! Everything together: the real programs, pcscd with virtual readers, cards, and a portal to sign in to.
//!
//! A [`Lab`] keeps to a folder of its own. Whatever it started ends with it,
//! and the folder goes too, however the test went.

mod account;
mod by_hand;
mod cacctl;
mod cast;
pub(crate) mod commands;
mod conversation;
mod crowd;
mod daemon;
mod follower;
mod neighbour;
mod outsider;
mod pam;
pub(crate) mod programs;
mod prompter;
pub(crate) mod socket;
pub mod tempers;
mod traces;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use cac_common::interface::SubmitPin;
use cac_common::snapshot::Card;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::daemon::Daemon;
use crate::clock;
use crate::pcscd::PrivatePcscd;
use crate::portal::{PortalConfig, ReferencePortal, ServerIdentity, Versions};
use crate::system_bus::SystemBus;
use crate::virtual_card::CardHandle;
use crate::virtual_card::certificate::Validity;
use crate::virtual_card::samples;
use crate::virtual_card::vpcd::Insertion;
use crate::wait;

pub use self::account::{Account, Picture, picture};
pub use self::cast::{jane, john, portal_person, tells_of_jane, tells_of_john, the_card_of};
pub use self::commands::Background;
pub(crate) use self::conversation::{card_in, label_of};
pub use self::crowd::{Crowd, Done};
pub use self::daemon::UNLOCKED_MEMORY;
pub use self::follower::Follower;
pub use self::neighbour::Neighbour;
pub use self::outsider::{
    SECURITY_STATUS, SUCCESS, applet_key_use, key_use, select_applet, select_piv,
    verify_applet_with, verify_with,
};
pub use self::pam::{Branch, CardModule, Pam, Stack, opensc_module};
pub use self::prompter::{ScriptedPinentry, answer_as_an_agent, nothing_is_asked, question_of};
pub use self::socket::{Recorded, as_user, message, pipe_with, refusal};
pub use self::traces::{appears_in, files_below, kept_in, memory_of, resident_kilobytes};

/// What everything that another process does is waited for, at most.
pub const LIMIT: Duration = Duration::from_secs(30);

/// What the portal is called in its profile.
pub const PORTAL: &str = "reference";

/// Lines of the daemon's log that are shown with a failure.
const TAIL: usize = 40;

/// What a lab is to be like.
#[derive(Debug, Clone)]
pub struct Plan {
    readers: usize,
    settings: String,
    versions: Versions,
    bus: Option<String>,
}

/// Where the programs of one lab keep their things.
#[derive(Debug, Clone)]
struct Places {
    root: PathBuf,
    /// The address of the system bus; by itself a place where there is none.
    bus: String,
}

/// A machine with readers, a portal it can reach, and cacd on it.
pub struct Lab {
    // The order is that of the end: who works with something goes before it.
    daemon: Option<Daemon>,
    slots: Vec<Option<Insertion>>,
    portal: ReferencePortal,
    pcscd: PrivatePcscd,
    runtime: Runtime,
    places: Places,
    configurations: u32,
    starts: u32,
    _folder: TempDir,
}

/// Builds `cacctl`, and gives its path.
pub fn cacctl() -> anyhow::Result<PathBuf> {
    Ok(programs::built()?.path("cacctl"))
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            readers: 1,
            settings: String::new(),
            versions: Versions::Both,
            bus: None,
        }
    }
}

impl Plan {
    #[must_use]
    pub fn readers(self, readers: usize) -> Self {
        Self { readers, ..self }
    }

    /// The text of `cacd.toml`.
    #[must_use]
    pub fn settings(self, settings: &str) -> Self {
        Self {
            settings: settings.to_owned(),
            ..self
        }
    }

    /// What the portal speaks.
    #[must_use]
    pub fn tls(self, versions: Versions) -> Self {
        Self { versions, ..self }
    }

    /// Where cacd finds logind.
    #[must_use]
    pub fn bus(self, bus: &SystemBus) -> Self {
        Self {
            bus: Some(bus.address()),
            ..self
        }
    }

    /// Builds the programs if need be, starts everything, and returns when the daemon answers.
    pub fn start(self) -> anyhow::Result<Lab> {
        let folder = tempfile::Builder::new().prefix("cacd-lab-").tempdir()?;
        // Others may pass through, to reach the socket.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let nowhere = || format!("unix:path={}", folder.path().join("no-bus").display());
        let places = Places {
            root: folder.path().to_owned(),
            bus: self.bus.unwrap_or_else(nowhere),
        };
        let portal = start_portal(places.root.join("portal"), self.versions)?;
        places.furnish(&self.settings, &portal.profile())?;
        let pcscd = PrivatePcscd::start(self.readers)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let mut lab = Lab {
            daemon: None,
            slots: (0..self.readers).map(|_| None).collect(),
            portal,
            pcscd,
            runtime,
            places,
            configurations: 0,
            starts: 0,
            _folder: folder,
        };
        lab.start_again()?;
        lab.wait_for("the readers are seen", |snapshot| {
            // And told: nothing of the start is still to come.
            snapshot.readers.len() >= self.readers
                && snapshot.happened.len() >= snapshot.readers.len()
        })?;
        Ok(lab)
    }
}

impl Places {
    fn socket(&self) -> PathBuf {
        self.root.join("run/cacd.sock")
    }

    fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    fn notify(&self) -> PathBuf {
        self.root.join("run/notify")
    }

    fn configuration(&self) -> PathBuf {
        self.root.join("config")
    }

    fn profiles(&self) -> PathBuf {
        self.configuration().join("portals.d")
    }

    fn furnish(&self, settings: &str, profile: &str) -> io::Result<()> {
        let trust = self.configuration().join("trust");
        fs::create_dir_all(self.profiles())?;
        fs::create_dir_all(&trust)?;
        fs::create_dir_all(self.root.join("run"))?;
        fs::write(self.configuration().join("cacd.toml"), settings)?;
        fs::write(self.profiles().join("reference.toml"), profile)?;
        // A portal that trusts the root alone needs the chain up to it.
        fs::write(
            trust.join("issuing.pem"),
            samples::authority().issuing_pem(),
        )
    }
}

/// That lets in whom the samples' authority knows, and whom the samples trust.
pub(crate) fn start_portal(folder: PathBuf, versions: Versions) -> anyhow::Result<ReferencePortal> {
    let authority = samples::authority();
    let certificate =
        authority.issue_server_certificate(&["localhost"], Validity::current(clock::now()))?;
    let identity = ServerIdentity {
        chain: certificate.chain_pem,
        key: certificate.key_pem,
        anchor: authority.root_pem(),
    };
    let config = PortalConfig {
        versions,
        ..PortalConfig::new(folder, identity, authority.root_pem())
    };
    Ok(ReferencePortal::start(&config)?)
}

impl Lab {
    /// One reader, and the daemon as it comes.
    pub fn start() -> anyhow::Result<Self> {
        Plan::default().start()
    }

    pub fn portal(&self) -> &ReferencePortal {
        &self.portal
    }

    /// How a reader is called by everyone.
    pub fn reader_name(&self, reader: usize) -> String {
        self.pcscd.reader_name(reader)
    }

    pub fn socket(&self) -> PathBuf {
        self.places.socket()
    }

    /// Where pcscd serves.
    pub fn pcscd_socket(&self) -> PathBuf {
        self.pcscd.socket()
    }

    /// Holds everything but what pcscd has.
    pub fn folder(&self) -> &Path {
        &self.places.root
    }

    /// Where the database lies.
    pub fn state_folder(&self) -> PathBuf {
        self.places.state()
    }

    pub fn database(&self) -> PathBuf {
        self.places.state().join("cacd.db")
    }

    /// Puts the holder on the portal's list, with an account.
    pub fn welcome(&self, card: &crate::virtual_card::card_file::CardFile) -> anyhow::Result<()> {
        let person = portal_person(card);
        self.portal.add_person(&person)?;
        let account = person.name.to_lowercase().replace(' ', ".");
        self.portal.add_account(&account, &person.upn)?;
        Ok(())
    }

    /// Puts a card into an empty reader.
    pub fn insert(&mut self, reader: usize, card: &CardHandle) -> anyhow::Result<()> {
        let slot = &mut self.slots[reader];
        ensure!(
            slot.as_ref().is_none_or(|there| !there.is_in()),
            "reader {reader} is not empty"
        );
        // What lies there is a card that was pulled.
        drop(slot.take());
        *slot = Some(Insertion::new(card, self.pcscd.port(reader))?);
        Ok(())
    }

    /// Takes the card out, and returns when the daemon has seen that.
    pub fn take_out(&mut self, reader: usize) -> anyhow::Result<()> {
        drop(self.slots[reader].take());
        self.wait_until_empty(reader)?;
        Ok(())
    }

    /// Puts another card in the place of the one in a reader, faster than anyone looks.
    pub fn swap(&mut self, reader: usize, card: &CardHandle) -> anyhow::Result<()> {
        drop(self.slots[reader].take());
        self.insert(reader, card)
    }

    /// Kills pcscd; its readers go with it, and the cards stay in them.
    pub fn kill_pcscd(&mut self) -> anyhow::Result<()> {
        Ok(self.pcscd.kill()?)
    }

    /// Starts pcscd again, with these cards in its readers.
    pub fn start_pcscd_again(&mut self, cards: &[(usize, &CardHandle)]) -> anyhow::Result<()> {
        self.pcscd.start_again()?;
        for (reader, card) in cards {
            self.insert(*reader, card)?;
        }
        Ok(())
    }

    /// Kills the daemon: nothing is written down or said good-bye to.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        drop(self.daemon.take());
        Ok(())
    }

    /// Asks the daemon to end, as systemd does, and waits until it has.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        match self.daemon.take() {
            Some(daemon) => daemon.stop(),
            None => bail!("the daemon does not run"),
        }
    }

    /// Starts the daemon, and returns when it answers.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.begin(daemon::Surroundings::Usual)
    }

    /// The same, with a state folder that cannot be written to.
    pub fn start_again_read_only(&mut self) -> anyhow::Result<()> {
        self.begin(daemon::Surroundings::StateReadOnly)
    }

    /// The same, with a state folder on a disk of its own, which is empty, and
    /// is gone with the daemon.
    pub fn start_again_on_a_small_disk(&mut self, kilobytes: u32) -> anyhow::Result<()> {
        self.begin(daemon::Surroundings::SmallDisk { kilobytes })
    }

    /// The same, where it may lock no memory.
    pub fn start_again_without_locked_memory(&mut self) -> anyhow::Result<()> {
        self.begin(daemon::Surroundings::NoLockedMemory)
    }

    /// The same, and what it tells systemd comes out here.
    pub fn start_again_listening(&mut self) -> anyhow::Result<UnixDatagram> {
        let path = self.places.notify();
        let listener = UnixDatagram::bind(&path)?;
        listener.set_read_timeout(Some(LIMIT))?;
        self.begin(daemon::Surroundings::Listened)?;
        Ok(listener)
    }

    /// The state folder as the daemon sees it.
    pub fn state_as_the_daemon_sees_it(&self) -> anyhow::Result<PathBuf> {
        let root = PathBuf::from(format!("/proc/{}/root", self.pid()?));
        Ok(root.join(self.state_folder().strip_prefix("/")?))
    }

    fn begin(&mut self, surroundings: daemon::Surroundings) -> anyhow::Result<()> {
        self.kill()?;
        self.starts += 1;
        let daemon = Daemon::start(
            &self.places,
            &self.pcscd.socket(),
            surroundings,
            self.starts,
        )?;
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Of the daemon.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let daemon = self.daemon.as_ref().context("the daemon does not run")?;
        Ok(daemon.pid())
    }

    /// All that the daemon has logged, since the first start.
    pub fn log(&self) -> String {
        (1..=self.starts)
            .filter_map(|start| fs::read(daemon::log_file(&self.places, start)).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .collect()
    }

    /// Waits until the daemon has logged this.
    pub fn wait_for_log(&self, text: &str) -> anyhow::Result<()> {
        wait::wait_until(&format!("{text:?} is logged"), LIMIT, || {
            self.log().contains(text)
        })?;
        Ok(())
    }

    /// Replaces `cacd.toml`, and returns when the daemon goes by it.
    pub fn reconfigure(&mut self, settings: &str) -> anyhow::Result<()> {
        replace(&self.places.configuration().join("cacd.toml"), settings)?;
        // What was read while we wrote shows the first mark at most: whoever
        // shows the second has begun to read when all was in place.
        for _ in 0..2 {
            self.configurations += 1;
            let title = format!("Configuration {}", self.configurations);
            let text = format!(
                "name = \"mark\"\ntitle = \"{title}\"\nenabled = false\n\
                 origin = \"https://localhost:1\"\nstart = \"/\"\n"
            );
            self.write_profile("mark", &text)?;
            self.wait_for("the configuration is in force", |snapshot| {
                snapshot.portals.iter().any(|portal| portal.title == title)
            })?;
        }
        Ok(())
    }

    /// Writes a profile, as an editor does.
    pub fn write_profile(&self, name: &str, text: &str) -> anyhow::Result<()> {
        replace(&self.profile_path(name), text)
    }

    pub fn profile_path(&self, name: &str) -> PathBuf {
        self.places.profiles().join(format!("{name}.toml"))
    }

    pub fn remove_profile(&self, name: &str) -> anyhow::Result<()> {
        Ok(fs::remove_file(self.profile_path(name))?)
    }

    /// What another program gets to hear from the card, one status word for each command.
    pub fn outsider_sends(&self, reader: usize, commands: &[Vec<u8>]) -> anyhow::Result<Vec<u16>> {
        outsider::send(&self.pcscd.socket(), reader, commands)
    }
}

/// The request that goes with a PIN for this card in this visit.
pub fn pin_for(card: &Card) -> anyhow::Result<SubmitPin> {
    Ok(SubmitPin {
        card: card.id.clone().context("the card is not known yet")?,
        visit: card.visit,
        even_the_last_try: false,
    })
}

/// The new file is there whole, or not at all.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))
}
