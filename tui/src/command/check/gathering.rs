//! Gathers what the checks are made from: the daemon's picture, the profiles of
//! its portals, and what is found on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cac_common::client::{Client, ClientError};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::snapshot::{Snapshot, Stage};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::app::{Chosen, Link};
use crate::check::look::{self, Looked, Place};
use crate::check::{self, Finding, Known, Machine};
use crate::clock;
use crate::failure::Trouble;
use crate::feed::{self, News};

/// A daemon that is there says something within this.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// The machine is looked at once the daemon has read the cards, or after this.
const AT_REST: Duration = Duration::from_secs(2);

enum Came {
    News(News),
    Profile(String, Result<(), Trouble>),
    Looked(Looked),
    /// The daemon has had time enough for its first word.
    Silence,
    /// The cards have had time enough.
    Rest,
}

pub(super) struct Gathering {
    socket: PathBuf,
    tell: mpsc::UnboundedSender<Came>,
    came: mpsc::UnboundedReceiver<Came>,
    link: Link,
    snapshot: Option<Box<Snapshot>>,
    profiles: BTreeMap<String, Result<(), Trouble>>,
    machine: Machine,
    /// The portals whose profile was asked for.
    asked: BTreeSet<String>,
    is_looking: bool,
}

impl Gathering {
    pub(super) fn begin(socket: PathBuf) -> Self {
        let (tell, came) = mpsc::unbounded_channel();
        let (news, mut told) = mpsc::channel(1);
        tokio::spawn(feed::follow(socket.clone(), news));
        let forward = tell.clone();
        tokio::spawn(async move {
            while let Some(news) = told.recv().await {
                if forward.send(Came::News(news)).is_err() {
                    return;
                }
            }
        });
        let gathering = Self {
            socket,
            tell,
            came,
            link: Link::Connecting,
            snapshot: None,
            profiles: BTreeMap::new(),
            machine: Machine::new(),
            asked: BTreeSet::new(),
            is_looking: false,
        };
        gathering.after(FIRST_WORD, Came::Silence);
        gathering
    }

    /// Returns when more is known than before.
    pub(super) async fn more(&mut self) {
        // It never ends: one sender is our own.
        let Some(came) = self.came.recv().await else {
            return;
        };
        match came {
            Came::News(News::Snapshot(snapshot)) => self.take(snapshot),
            Came::News(News::Away(error)) => self.lose(&error),
            Came::Silence if self.link == Link::Connecting => self.lose(&ClientError::Silent),
            Came::Silence => {}
            Came::Rest => self.look(),
            Came::Profile(of, profile) => {
                self.profiles.insert(of, profile);
            }
            Came::Looked(Looked { check, found }) => {
                self.machine.insert(check, found);
            }
        }
    }

    fn take(&mut self, snapshot: Box<Snapshot>) {
        if self.snapshot.is_none() {
            self.after(AT_REST, Came::Rest);
        }
        self.link = Link::Connected;
        for portal in &snapshot.portals {
            if self.asked.insert(portal.name.clone()) {
                self.ask_for(portal.name.clone());
            }
        }
        let is_at_rest = is_at_rest(&snapshot);
        self.snapshot = Some(snapshot);
        if is_at_rest {
            self.look();
        }
    }

    fn lose(&mut self, error: &ClientError) {
        self.link = Link::Away {
            since: clock::now(),
            why: Trouble::from(error),
        };
        self.look();
    }

    fn ask_for(&self, name: String) {
        let (socket, tell) = (self.socket.clone(), self.tell.clone());
        tokio::spawn(async move {
            let profile = async { Client::connect(&socket).await?.portal(&name).await };
            let profile = profile.await.map(|_| ());
            let profile = profile.map_err(|error| Trouble::from(&error));
            // Nobody wants it any more.
            let _ = tell.send(Came::Profile(name, profile));
        });
    }

    /// Looks around on this machine, once.
    fn look(&mut self) {
        if self.is_looking {
            return;
        }
        self.is_looking = true;
        let is_connected = self.link == Link::Connected;
        let picture = self.snapshot.as_deref().filter(|_| is_connected);
        let place = Arc::new(Place::here(self.socket.clone(), picture.cloned()));
        let mut looked = look::around(&place, |_| true);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            while let Some(looked) = looked.recv().await {
                if tell.send(Came::Looked(looked)).is_err() {
                    return;
                }
            }
        });
    }

    fn after(&self, pause: Duration, came: Came) {
        let tell = self.tell.clone();
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            // It may have ended before.
            let _ = tell.send(came);
        });
    }

    pub(super) fn findings(&self, zone: &TimeZone) -> Vec<Finding> {
        let snapshot = self.snapshot.as_deref();
        check::findings(&Known {
            link: &self.link,
            snapshot,
            chosen: snapshot.and_then(chosen),
            profiles: &self.profiles,
            machine: &self.machine,
            ticked: &BTreeSet::new(),
            version: env!("CARGO_PKG_VERSION"),
            now: clock::now(),
            zone,
        })
    }

    pub(super) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_deref()
    }
}

/// Nothing goes on that the checks of this machine could disturb, or judge too soon.
fn is_at_rest(snapshot: &Snapshot) -> bool {
    let mut cards = snapshot.readers.iter().map(|reader| match &reader.card {
        Some(card) => !matches!(card.stage, Stage::Reading { .. }),
        None => reader.status != ReaderStatus::Card || reader.hidden.is_some(),
    });
    snapshot.service != ServiceStatus::Starting && cards.all(|at_rest| at_rest)
}

/// The card that a person is asked to do something for first, else what is in a reader.
fn chosen(snapshot: &Snapshot) -> Option<Chosen<'_>> {
    let of_interest = snapshot.card_of_interest().map(|(reader, _)| reader);
    let mut readers = snapshot.readers.iter();
    let reader = of_interest
        .or_else(|| readers.find(|it| it.status != ReaderStatus::Empty))
        .or_else(|| snapshot.readers.first());
    reader.map(Chosen::Reader)
}
