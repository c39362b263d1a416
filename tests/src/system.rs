//! A whole machine: Debian 13 with a systemd, a polkit and a logind of its own,
//! cacd installed on it as an administrator does, virtual readers, and a portal.
//!
//! It takes root and what `make test-system` installs. Each begins clean, and
//! nothing of it stays. What its journal said last is printed when it ends,
//! which a test shows only if it fails.

mod container;
mod earlier;
mod journal;
mod package;
mod probe;
mod session;

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, bail, ensure};
use cac_common::snapshot::{Card, Snapshot};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::container::Container;
use crate::harness::{
    Background, Follower, LIMIT, as_user, card_in, commands, label_of, pin_for, portal_person,
    programs, socket, start_portal,
};
use crate::portal::{ReferencePortal, Versions};
use crate::terminal::{Size, Terminal};
use crate::virtual_card::card_file::CardFile;
use crate::virtual_card::vpcd::Insertion;
use crate::virtual_card::{CardHandle, samples};
use crate::wait;

pub use self::journal::Entry;
pub use self::package::EARLIER;
pub use self::probe::{Probed, directives};
pub use self::session::Session;

/// May see and act, by her group.
pub const ADMINISTRATOR: &str = "alice";

/// A user of the machine like any other.
pub const STRANGER: &str = "bob";

/// The unit.
pub const SERVICE: &str = "cacd.service";

/// Of Debian's own reader entry for vpcd, and the one after it.
const PORTS: [u16; 2] = [0x8C7B, 0x8C7C];

/// Stops a thread of another process.
const HOLD: &str = "tests/src/system/hold.c";

/// Of the network that the thread is in.
const RESERVED_PORTS: &str = "/proc/sys/net/ipv4/ip_local_reserved_ports";

/// Lines of the journal that are printed at the end.
const TAIL: &str = "--lines=80";

/// The machine.
pub struct System {
    // The order is that of the end: who works with something goes before it.
    slots: [Option<Insertion>; PORTS.len()],
    portal: ReferencePortal,
    runtime: Runtime,
    container: Container,
    folder: TempDir,
}

impl System {
    /// With users and a portal, and nothing of cacd.
    pub fn boot() -> anyhow::Result<Self> {
        let container = Container::boot()?;
        let folder = tempfile::Builder::new().prefix("cacd-system-").tempdir()?;
        let at = folder.path().join("portal");
        let portal = container.in_network(|| {
            // Whoever asks for any port gets none of the readers'.
            let readers = PORTS.map(|port| port.to_string()).join(",");
            fs::write(RESERVED_PORTS, readers)?;
            start_portal(at, Versions::Both)
        })?;
        let system = Self {
            slots: [None, None],
            portal,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
            container,
            folder,
        };
        for user in [ADMINISTRATOR, STRANGER] {
            system.does(&["useradd", "--create-home", user])?;
        }
        Ok(system)
    }

    /// The same, with cacd installed, told of the portal, and started.
    pub fn with_cacd() -> anyhow::Result<Self> {
        let system = Self::boot()?;
        system.install()?;
        system.introduce_portal()?;
        system.start()?;
        Ok(system)
    }

    /// `make install`, and its user into the group.
    pub fn install(&self) -> anyhow::Result<()> {
        self.make("install")?;
        let group = ["--append", "--groups", "cacd-admin"];
        self.does(&[&["usermod"][..], &group, &[ADMINISTRATOR]].concat())?;
        Ok(())
    }

    /// Runs the Makefile of the sources, with what was built of them.
    pub fn make(&self, target: &str) -> anyhow::Result<String> {
        let built = programs::built()?;
        let profile = format!("PROFILE={}", built.profile()?);
        let place = format!("CARGO_TARGET_DIR={}", container::BUILT);
        self.does(&["make", "-C", container::SOURCES, target, &profile, &place])
    }

    /// The profile of the portal, and what it takes to trust each other.
    pub fn introduce_portal(&self) -> anyhow::Result<()> {
        const ANCHOR: &str = "reference-ca.pem";
        let anchor = self
            .folder
            .path()
            .canonicalize()?
            .join("portal")
            .join(ANCHOR);
        let outside = anchor.to_str().context("a path of ours is text")?;
        let profile = self.portal.profile();
        ensure!(profile.contains(outside), "no anchor in {profile}");
        self.write(
            "/etc/cacd/portals.d/reference.toml",
            &profile.replace(outside, ANCHOR),
        )?;
        self.write(
            &format!("/etc/cacd/portals.d/{ANCHOR}"),
            &fs::read_to_string(&anchor)?,
        )?;
        // A portal that trusts the root alone needs the chain up to it.
        self.write(
            "/etc/cacd/trust/issuing.pem",
            &samples::authority().issuing_pem(),
        )
    }

    /// Now, and at every boot; returns when the service says that it is ready.
    pub fn start(&self) -> anyhow::Result<()> {
        self.does(&["systemctl", "enable", "--now", SERVICE])?;
        Ok(())
    }

    pub fn portal(&self) -> &ReferencePortal {
        &self.portal
    }

    /// Puts the holder on the portal's list, with an account.
    pub fn welcome(&self, card: &CardFile) -> anyhow::Result<()> {
        let person = portal_person(card);
        self.portal.add_person(&person)?;
        let account = person.name.to_lowercase().replace(' ', ".");
        self.portal.add_account(&account, &person.upn)?;
        Ok(())
    }

    /// Puts a card into an empty reader. pcscd has to run: it does once cacd has asked it.
    pub fn insert(&mut self, reader: usize, card: &CardHandle) -> anyhow::Result<()> {
        let slot = &mut self.slots[reader];
        ensure!(
            slot.as_ref().is_none_or(|there| !there.is_in()),
            "reader {reader} is not empty"
        );
        drop(slot.take());
        let port = PORTS[reader];
        let insertion = self
            .container
            .in_network(|| Ok(Insertion::new(card, port)?))?;
        *slot = Some(insertion);
        Ok(())
    }

    /// From a card to the portal: put in, read, PIN typed, registered.
    pub fn register(
        &mut self,
        reader: usize,
        card: &CardHandle,
        pin: &str,
    ) -> anyhow::Result<Card> {
        self.wait_for("the readers are seen", |snapshot| {
            snapshot.readers.len() == PORTS.len()
        })?;
        self.insert(reader, card)?;
        self.wait_for_status(reader, "needs PIN")?;
        self.type_pin(reader, pin)?;
        self.wait_for_status(reader, "registered")
    }

    /// Types a PIN for the card in a reader.
    pub fn type_pin(&self, reader: usize, pin: &str) -> anyhow::Result<()> {
        let name = reader_name(reader);
        let snapshot = self.wait_for("a card is read", |snapshot| {
            card_in(snapshot, &name).is_some_and(|card| card.id.is_some())
        })?;
        let card = card_in(&snapshot, &name).context("it was there")?;
        let path = self.socket();
        let submitted = socket::submit(&path, pin_for(card)?, pin);
        Ok(self.runtime.block_on(submitted)?)
    }

    /// Takes the card out.
    pub fn take_out(&mut self, reader: usize) {
        drop(self.slots[reader].take());
    }

    /// Runs something to its end, as root.
    pub fn run(&self, command: &[&str]) -> anyhow::Result<Output> {
        self.container.run(command)
    }

    /// The same, which has to go well; what it says, without the white space at its end.
    pub fn does(&self, command: &[&str]) -> anyhow::Result<String> {
        let output = self.run(command)?;
        ensure!(output.status.success(), "{command:?}: {output:?}");
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }

    /// Runs something to its end, as a user who has no session.
    pub fn run_as(&self, user: &str, command: &[&str]) -> anyhow::Result<Output> {
        commands::run(self.container.command(user, command), b"")
    }

    /// Starts something as a user who has no session; it goes on until it is dropped.
    pub fn begin_as(&self, user: &str, command: &[&str]) -> anyhow::Result<Background> {
        Background::start(self.container.command(user, command))
    }

    /// A shell outside, in which `inside COMMAND…` runs something in here as this user.
    pub fn terminal(&self, user: &str, size: Size) -> anyhow::Result<Terminal> {
        let terminal = Terminal::open(size, &self.socket())?;
        let command = self.container.command(user, &[]);
        let words: Vec<_> = std::iter::once(command.get_program())
            .chain(command.get_args())
            .map(|word| format!("'{}'", word.display()))
            .collect();
        let inside = terminal.folder().join("inside");
        fs::write(
            &inside,
            format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")),
        )?;
        fs::set_permissions(&inside, fs::Permissions::from_mode(0o755))?;
        Ok(terminal)
    }

    /// What is called so inside, as it is called outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.container.path(inside)
    }

    pub fn write(&self, inside: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path(inside);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {inside}"))
    }

    /// What systemd says of a unit: `MainPID`, `StatusText`, …
    pub fn property(&self, unit: &str, name: &str) -> anyhow::Result<String> {
        self.does(&["systemctl", "show", "--value", "--property", name, unit])
    }

    /// Waits until systemd says so of a unit.
    pub fn wait_for_property(
        &self,
        unit: &str,
        name: &str,
        mut fits: impl FnMut(&str) -> bool,
    ) -> anyhow::Result<String> {
        let mut last = String::new();
        let waited = wait::wait_for(
            &format!("{name} of {unit} is as told"),
            LIMIT,
            || match self.property(unit, name) {
                Ok(value) if fits(&value) => Some(Ok(value)),
                Ok(value) => {
                    last = value;
                    None
                }
                Err(error) => Some(Err(error)),
            },
        );
        waited.with_context(|| format!("it is {last:?}"))?
    }

    /// The first process of a unit, by its number outside.
    pub fn process(&self, unit: &str) -> anyhow::Result<u32> {
        self.container
            .process(self.property(unit, "MainPID")?.parse()?)
    }

    /// Holds the first thread of a unit's process where it is, until that
    /// process has ended; its other threads go on.
    pub fn hold_first_thread(&self, unit: &str) -> anyhow::Result<Background> {
        let program = self.folder.path().join("hold");
        probe::compile(HOLD, &program)?;
        let mut command = Command::new(program);
        command.arg(self.process(unit)?.to_string());
        let held = Background::start(command)?;
        held.wait_until_it_says("held")?;
        Ok(held)
    }

    /// Whether a user could stop a process, by its number inside, and so read and
    /// write all that is in it.
    pub fn can_be_held_by(&self, user: &str, process: &str) -> anyhow::Result<bool> {
        /// What `timeout` says of what it had to end.
        const GOES_ON: i32 = 124;
        let program = "/usr/local/bin/hold";
        probe::compile(HOLD, &self.path(program))?;
        let output = self.run_as(user, &["timeout", "1", program, process])?;
        match output.status.code() {
            Some(GOES_ON) => Ok(true),
            Some(1) => Ok(false),
            Some(_) | None => bail!("{output:?}"),
        }
    }

    /// Does something outside as a user of the machine, with the path of the
    /// socket as it can be reached then: the way to it through the processes of
    /// the machine is root's.
    pub fn at_the_socket<T: Send>(
        &self,
        user: &str,
        act: impl AsyncFnOnce(&Path) -> anyhow::Result<T> + Send,
    ) -> anyhow::Result<T> {
        let id =
            |which: &str| -> anyhow::Result<u32> { Ok(self.does(&["id", which, user])?.parse()?) };
        let folder = File::open(self.path("/run/cacd"))?;
        let socket = format!("/proc/self/fd/{}/socket", folder.as_raw_fd());
        as_user(id("--user")?, id("--group")?, async || {
            act(Path::new(&socket)).await
        })
    }

    /// Notes every snapshot that root is sent from now on.
    pub fn follow(&self) -> anyhow::Result<Follower> {
        Follower::start(&self.runtime, &self.socket())
    }

    fn socket(&self) -> PathBuf {
        self.path("/run/cacd/socket")
    }

    /// Follows the state, through restarts of the service too, until it is as told.
    pub fn wait_for(
        &self,
        what: &str,
        mut condition: impl FnMut(&Snapshot) -> bool,
    ) -> anyhow::Result<Snapshot> {
        let mut last = None;
        let found = wait::wait_for(what, LIMIT, || {
            let socket = self.socket();
            let waited = socket::wait_for(&socket, LIMIT, what, &mut condition);
            match self.runtime.block_on(waited) {
                Ok(snapshot) => Some(snapshot),
                Err(error) => {
                    last = Some(error);
                    None
                }
            }
        });
        found.with_context(|| format!("{last:#?}"))
    }

    /// Waits until the card in a reader stands so at the portal; `label` as people read it.
    pub fn wait_for_status(&self, reader: usize, label: &str) -> anyhow::Result<Card> {
        let name = reader_name(reader);
        let snapshot = self.wait_for(
            &format!("the card in reader {reader} is {label}"),
            |snapshot| card_in(snapshot, &name).and_then(label_of) == Some(label),
        )?;
        let card = card_in(&snapshot, &name);
        card.cloned()
            .with_context(|| format!("no card is shown in reader {reader}"))
    }
}

impl Drop for System {
    fn drop(&mut self) {
        let journal = ["journalctl", "--boot", "--no-pager", TAIL];
        if let Ok(output) = self.run(&journal) {
            println!("{}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

/// As Debian's reader entry for vpcd has it.
pub fn reader_name(reader: usize) -> String {
    format!("Virtual PCD 00 {reader:02X}")
}
