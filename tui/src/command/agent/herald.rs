//! Brings what is to be told to the desktop, and what people do with it back.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use cac_common::error_chain::Chain;
use cac_common::snapshot::{Card, Snapshot};
use jiff::tz::TimeZone;
use tokio::task::JoinSet;

use super::desktop::{Action, Desktop, Heard};
use super::memory::{self, Memory};
use super::opening::{self, NotOpened, Opened};
use super::telling::{Moment, Teller};
use crate::cli::{Notify, Place};
use crate::settings::{Notifications, Settings};
use crate::{clock, presence};

/// A terminal that has not failed by then has opened.
const OPENED: Duration = Duration::from_secs(10);

/// The clock on the wall may be set, and the machine sleep: so the longest wait.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

pub(super) struct Herald {
    teller: Teller,
    desktop: Desktop,
    socket: PathBuf,
    terminals: Vec<Vec<OsString>>,
    /// Where what was told is kept.
    memory: Option<PathBuf>,
    is_forgetful: bool,
    openings: JoinSet<Result<(), NotOpened>>,
}

pub(super) enum Event {
    Heard(Heard),
    Opening(Result<(), NotOpened>),
    /// Something changes with time alone.
    Look,
}

impl Herald {
    pub(super) fn new(settings: Settings, wanted: Notify, socket: PathBuf) -> Self {
        let variable = |name: &str| std::env::var_os(name);
        let said = settings.notifications;
        let notifications = Notifications {
            kinds: wanted.notify.map_or(said.kinds, |kinds| kinds.0),
            quiet_hours: wanted.quiet_hours.or(said.quiet_hours),
            days: wanted.expiry_days.unwrap_or(said.days),
        };
        let memory = memory::path(variable);
        let told = memory
            .as_deref()
            .map_or_else(|| Ok(Memory::default()), Memory::read);
        let told = told.unwrap_or_else(|error| {
            complain(&format!("what was told before cannot be read: {error}"));
            Memory::default()
        });
        Self {
            teller: Teller::new(notifications, told, TimeZone::system(), clock::now()),
            desktop: Desktop::begin(),
            socket,
            terminals: opening::terminals(settings.terminal.as_deref(), variable),
            memory,
            is_forgetful: false,
            openings: JoinSet::new(),
        }
    }

    /// Tells what is to be told of the state.
    pub(super) fn look(
        &mut self,
        snapshot: &Snapshot,
        is_ours: impl Fn(&Card) -> bool,
        is_asked: &dyn Fn(&Card) -> bool,
        has_dashboard: bool,
    ) {
        let moment = Moment {
            now: clock::now(),
            has_dashboard,
            is_asked,
        };
        self.teller.take(snapshot, is_ours, &moment);
        self.desktop.show(self.teller.wanted());
    }

    pub(super) async fn next(&mut self) -> Event {
        let wait = self.teller.next_look().map(clock::until);
        let look = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait.min(LONGEST_WAIT)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = self.desktop.heard() => Event::Heard(heard),
            Some(opened) = self.openings.join_next() => {
                // It panics no more than it is cancelled.
                Event::Opening(opened.unwrap_or(Ok(())))
            }
            () = look => Event::Look,
        }
    }

    pub(super) fn take(&mut self, event: Event) {
        match event {
            Event::Look => self.teller.looks_now(),
            Event::Opening(Ok(())) => {}
            Event::Heard(Heard::Trouble(what)) => {
                complain(&format!(
                    "nothing is told on the desktop: {what}; trying again by itself"
                ));
            }
            Event::Heard(Heard::Shown(note)) => {
                let told = self.teller.was_shown(&note, clock::now());
                if let Some(told) = told.cloned() {
                    self.keep(told);
                }
            }
            Event::Heard(Heard::Invoked {
                key,
                note,
                action: Action::RemindTomorrow,
                ..
            }) => {
                let told = self.teller.remind(&key, &note, clock::now());
                if let Some(told) = told.cloned() {
                    self.keep(told);
                }
            }
            Event::Heard(Heard::Invoked {
                note,
                action: Action::Open,
                activation,
                ..
            }) => self.open(&note.place, activation.as_deref()),
            Event::Opening(Err(error)) => self.has_not_opened(&error),
        }
        self.desktop.show(self.teller.wanted());
    }

    fn open(&mut self, place: &Place, activation: Option<&str>) {
        // A second click, while the first one's terminal comes up.
        if !self.openings.is_empty() {
            return;
        }
        if presence::folder().is_some_and(|folder| presence::is_shown(&folder)) {
            self.teller.say(
                "The dashboard is open already",
                "Look for its window; it shows what is needed there too.",
                clock::now(),
            );
            return;
        }
        match opening::open(&self.terminals, &self.socket, place, activation) {
            Ok(opened) => {
                self.openings.spawn(watch_over(opened));
            }
            Err(error) => self.has_not_opened(&error),
        }
    }

    fn has_not_opened(&mut self, error: &NotOpened) {
        let what = Chain(error).to_string();
        complain(&format!("the dashboard cannot be opened: {what}"));
        let next = format!(
            "{}. Open a terminal and type cacctl; or set terminal in cacctl.toml.",
            crate::phrase::capitalised(&what)
        );
        self.teller
            .say("The dashboard cannot be opened", &next, clock::now());
    }

    fn keep(&mut self, mut told: Memory) {
        let written = self.memory.as_deref().map(|path| told.keep(path));
        match written {
            Some(Err(error)) if !self.is_forgetful => {
                self.is_forgetful = true;
                complain(&format!("what was told cannot be kept: {error}"));
            }
            Some(Err(_)) => {}
            Some(Ok(())) | None => self.is_forgetful = false,
        }
    }

    pub(super) async fn end(mut self) {
        // The terminals that were opened go on.
        self.openings.detach_all();
        self.desktop.end().await;
    }
}

/// Says if the terminal failed at once; what comes of it later is its own.
async fn watch_over(opened: Opened) -> Result<(), NotOpened> {
    let Opened { program, mut child } = opened;
    let ended = tokio::time::timeout(OPENED, child.wait()).await;
    match ended {
        Ok(Ok(status)) if !status.success() => Err(NotOpened::Ended { program, status }),
        Ok(_) => Ok(()),
        Err(_) => {
            // The runtime takes care of it when it ends.
            drop(child);
            Ok(())
        }
    }
}

fn complain(text: &str) {
    // Standard error may be closed; then nobody wants to know.
    let _ = writeln!(io::stderr(), "cacctl: {text}");
}
