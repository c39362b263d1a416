//! Gathers what the checks are made from: the daemon's picture, the profiles of
//! its portals, and what is found on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cac_common::client::{Client, ClientError};
use cac_common::identity::{CardId, readable};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::snapshot::{Snapshot, Stage};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::app::{Chosen, Link};
use crate::check::look::{self, Looked, Place};
use crate::check::{self, Finding, Known, Machine};
use crate::clock;
use crate::failure::{Failure, Trouble};
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
    /// By name, of what is looked up on this machine; none for all.
    wanted: BTreeSet<&'static str>,
    /// The ID of the card that it is about, where one was named.
    card: Option<String>,
}

impl Gathering {
    pub(super) fn begin(
        socket: PathBuf,
        card: Option<String>,
        wanted: BTreeSet<&'static str>,
    ) -> Self {
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
            wanted,
            card,
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
        let mut looked = look::around(&place, |check| {
            self.wanted.is_empty() || self.wanted.contains(check.name)
        });
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
            chosen: snapshot.and_then(|it| chosen(it, self.card.as_deref())),
            profiles: &self.profiles,
            machine: &self.machine,
            ticked: &BTreeSet::new(),
            version: env!("CARGO_PKG_VERSION"),
            now: clock::now(),
            zone,
        })
    }

    /// That there is a card of the ID that was named, once every card is read.
    pub(super) fn has_the_card(&self) -> Result<(), Failure> {
        let (Some(id), Some(snapshot)) = (&self.card, &self.snapshot) else {
            return Ok(());
        };
        let sees_all = snapshot.service == ServiceStatus::Running
            && snapshot.may_act
            && snapshot.readers.iter().all(|it| it.hidden.is_none());
        // Why it is not seen is what the checks tell.
        if !sees_all || !is_at_rest(snapshot) || chosen(snapshot, Some(id)).is_some() {
            return Ok(());
        }
        let mut there: Vec<String> = ids(snapshot).map(readable).collect();
        there.sort_unstable();
        there.dedup();
        Err(Failure::OtherCard {
            id: CardId(readable(id)),
            there,
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
    // One that was just started anew is not found at once.
    let is_settled = match snapshot.service {
        ServiceStatus::Running | ServiceStatus::NotAllowed => true,
        ServiceStatus::Starting | ServiceStatus::Away => false,
    };
    is_settled && cards.all(|at_rest| at_rest)
}

/// Of all cards that are in a reader, or were.
fn ids(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let cards = snapshot.readers.iter().filter_map(|it| it.card.as_ref());
    let in_readers = cards.filter_map(|card| card.id.as_ref());
    let known = snapshot.known.iter().map(|known| &known.card);
    in_readers.chain(known).map(|id| &id.0[..])
}

/// The card that was named; else the one that a person is asked to do something
/// for first, else what is in a reader.
fn chosen<'a>(snapshot: &'a Snapshot, card: Option<&str>) -> Option<Chosen<'a>> {
    if let Some(id) = card {
        let is_meant = |of: &CardId| of.0 == id;
        let mut readers = snapshot.readers.iter();
        let reader = readers.find(|reader| {
            let card = reader.card.as_ref();
            card.and_then(|card| card.id.as_ref()).is_some_and(is_meant)
        });
        let mut known = snapshot.known.iter();
        return reader.map(Chosen::Reader).or_else(|| {
            let known = known.find(|known| is_meant(&known.card));
            known.map(Chosen::Known)
        });
    }
    let of_interest = snapshot.card_of_interest().map(|(reader, _)| reader);
    let mut readers = snapshot.readers.iter();
    let reader = of_interest
        .or_else(|| readers.find(|it| it.status != ReaderStatus::Empty))
        .or_else(|| snapshot.readers.first());
    reader.map(Chosen::Reader)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn of(snapshot: Snapshot, card: &str) -> Gathering {
        let (tell, came) = mpsc::unbounded_channel();
        Gathering {
            socket: PathBuf::new(),
            tell,
            came,
            link: Link::Connected,
            snapshot: Some(Box::new(snapshot)),
            profiles: BTreeMap::new(),
            machine: Machine::new(),
            asked: BTreeSet::new(),
            is_looking: true,
            wanted: BTreeSet::new(),
            card: Some(card.to_owned()),
        }
    }

    #[test]
    fn the_card_that_is_named_is_the_one_it_is_about_wherever_it_is() {
        let desk = invented::desk();
        let in_reader = desk.readers[2].card.as_ref().unwrap().id.clone().unwrap();
        let mut gone = desk.clone();
        gone.readers.truncate(2);

        let reader = chosen(&desk, Some(&in_reader.0));
        let known = chosen(&gone, Some(&gone.known[0].card.0));

        assert!(matches!(reader, Some(Chosen::Reader(it)) if it == &desk.readers[2]));
        assert!(matches!(known, Some(Chosen::Known(it)) if it == &gone.known[0]));
    }

    #[test]
    fn a_card_that_nobody_knows_is_refused_once_every_card_is_read() {
        let mut desk = invented::desk();
        let card = desk.readers[2].card.as_mut().unwrap();
        card.stage = Stage::Reading {
            done: 1,
            of: 9,
            what: None,
        };
        let while_reading = of(desk.clone(), "another").has_the_card();
        desk.readers[2].card.as_mut().unwrap().stage = Stage::Read;
        for reader in &mut desk.readers {
            if reader.card.is_none() {
                reader.status = ReaderStatus::Empty;
            }
        }
        let known = desk.known[0].card.0.clone();
        let refused = of(desk.clone(), "another").has_the_card();
        let mut stranger = desk.clone();
        stranger.may_act = false;
        let unseen = of(stranger, "another").has_the_card();
        let mut refusing = desk.clone();
        refusing.service = ServiceStatus::NotAllowed;
        let not_allowed = of(refusing, "another").has_the_card();

        assert!(unseen.is_ok() && not_allowed.is_ok());
        assert!(while_reading.is_ok(), "{while_reading:?}");
        let Err(Failure::OtherCard { id, there }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(id.0, "another");
        assert!(there.contains(&known), "{there:?}");
        assert!(of(desk, &known).has_the_card().is_ok());
    }
}
