//! What is told on the desktop, and when: decided from the snapshots alone.
//!
//! A [`Teller`] says which notifications are wanted at a moment; whoever shows
//! them holds that against what is shown. It tells each status of each thing
//! once while a card stays, and what comes to its end once for each of the
//! days that are set, which outlives it.

mod expiry;
#[cfg(test)]
mod tests;
mod truth;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use cac_common::identity::CardId;
use cac_common::reader::ReaderName;
use cac_common::registration::TriesLeft;
use cac_common::snapshot::{Card, Reader, Snapshot, Stage, Visit};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use self::expiry::Due;
use self::truth::Truth;
use super::asking::cards;
use super::memory::Memory;
use crate::cli::Place;
use crate::settings::{Kind, Notifications};

/// A daemon that was just started does not know its cards yet.
const NEW_DAEMON: i64 = 30;

/// While a dashboard is open, what it holds back is looked at again after this.
const DASHBOARD: i64 = 60;

const DAY: i64 = 24 * 60 * 60;

/// Statuses of one thing that are told while a card stays. Whatever flaps does
/// so in silence from then on.
const MOST_TOLD: usize = 16;

/// What a notification is about. There is one at a time for each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A reader whose card does not answer.
    Reader(ReaderName),
    Card(StayNumber),
    /// Where the card stands at a portal.
    Registration(StayNumber, String),
    Expiry(StayNumber),
    /// What came of opening the dashboard.
    Opening,
}

/// Counts the stays of cards in readers. A stay outlives the daemon that told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StayNumber(u64);

/// A notification that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Note {
    /// Another one, even if it says the same.
    pub(super) serial: u64,
    pub(super) kind: Kind,
    pub(super) lasts: Lasts,
    /// Since when it is wanted.
    pub(super) since: UtcSeconds,
    /// Made harmless, and not too long.
    pub(super) summary: String,
    /// As the summary; it may have several lines.
    pub(super) body: String,
    /// What "Open" opens.
    pub(super) place: Place,
    /// What is to be remembered once it was shown: ends, and the days that had come.
    pub(super) ends: Vec<(String, u16)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    /// As long as the server likes; stale after a minute.
    News,
    /// Until somebody has seen it.
    UntilSeen,
    /// Until it is no longer true.
    WhileTrue,
}

/// What is to be known beside the snapshot.
pub(super) struct Moment<'a> {
    pub(super) now: UtcSeconds,
    pub(super) has_dashboard: bool,
    /// Whether this card's holder is being asked for the PIN, or said no.
    pub(super) is_asked: &'a dyn Fn(&Card) -> bool,
}

/// How a thing stands; told once.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Status {
    Recognised,
    NeedsPin {
        tries_left: TriesLeft,
        asked: u32,
    },
    Registered,
    /// By the name of what it is.
    NeedsYou(String),
    Ends(Vec<Due>),
}

#[derive(Debug, Default)]
struct Topic {
    told: Vec<Status>,
    note: Option<Note>,
    /// What the note says.
    status: Option<Status>,
    /// When somebody wants to be reminded of it.
    again: Option<UtcSeconds>,
}

/// A card in a reader.
#[derive(Debug)]
struct Stay {
    number: StayNumber,
    id: Option<CardId>,
    visit: Visit,
    /// When the daemon was started that counts the visits.
    daemon: UtcSeconds,
}

pub(super) struct Teller {
    settings: Notifications,
    zone: TimeZone,
    /// News from before this is old.
    since: UtcSeconds,
    memory: Memory,
    stays: Vec<Stay>,
    topics: BTreeMap<Key, Topic>,
    serial: u64,
    next_look: Option<UtcSeconds>,
}

impl Teller {
    pub(super) fn new(
        settings: Notifications,
        memory: Memory,
        zone: TimeZone,
        now: UtcSeconds,
    ) -> Self {
        Self {
            settings,
            zone,
            since: now,
            memory,
            stays: Vec::new(),
            topics: BTreeMap::new(),
            serial: 0,
            next_look: None,
        }
    }

    /// Takes a snapshot, of which this user's cards are looked at.
    pub(super) fn take(
        &mut self,
        snapshot: &Snapshot,
        is_ours: impl Fn(&Card) -> bool,
        moment: &Moment<'_>,
    ) {
        let ours: Vec<(&Reader, &Card)> = cards(snapshot).filter(|(_, it)| is_ours(it)).collect();
        self.next_look = self.quiet_end(moment.now);
        let unsettled = self.settle(snapshot, &ours, moment.now);
        let mut truths = self.truths(snapshot, &ours, moment);
        let keys: BTreeSet<Key> = self.topics.keys().chain(truths.keys()).cloned().collect();
        let is_new_daemon = moment.now < new_until(snapshot);
        for key in keys {
            let truth = truths.remove(&key);
            let is_settled = match &key {
                Key::Card(stay) | Key::Registration(stay, _) | Key::Expiry(stay) => {
                    !unsettled.contains(stay)
                }
                Key::Reader(_) => truth.is_some() || !is_new_daemon,
                Key::Opening => continue,
            };
            if is_settled {
                self.tell(&key, truth, moment);
            }
        }
    }

    fn tell(&mut self, key: &Key, truth: Option<Truth>, moment: &Moment<'_>) {
        let now = moment.now;
        let is_quiet = self.is_quiet(now);
        let topic = self.topics.entry(key.clone()).or_default();
        let status = truth.as_ref().map(|truth| &truth.status);
        if topic.status.is_some() && topic.status.as_ref() == status {
            return;
        }
        let holds = topic.note.as_ref().map(|note| note.lasts) == Some(Lasts::WhileTrue);
        if holds {
            topic.note = None;
            topic.status = None;
        }
        let Some(truth) = truth else {
            if matches!(key, Key::Reader(_)) {
                self.topics.remove(key);
            }
            return;
        };
        let is_reminder = topic.again.is_some_and(|again| again <= now);
        let is_remembered = matches!(truth.status, Status::Ends(_));
        let was_told = topic.told.contains(&truth.status) || topic.told.len() >= MOST_TOLD;
        if !self.settings.kinds.contains(&truth.kind) || was_told && !is_reminder && !is_remembered
        {
            look_at(&mut self.next_look, topic.again, now);
            return;
        }
        let is_over = truth.happened_at.is_some_and(|at| at < self.since)
            || moment.has_dashboard && !is_remembered
            || is_quiet && truth.status == Status::Recognised;
        if !is_over {
            if is_quiet {
                return;
            }
            if moment.has_dashboard {
                look_at(
                    &mut self.next_look,
                    Some(UtcSeconds(now.0 + DASHBOARD)),
                    now,
                );
                return;
            }
            self.serial += 1;
            topic.note = Some(truth.note(self.serial, now));
            topic.status = Some(truth.status.clone());
        }
        topic.again = None;
        if !was_told && !is_remembered {
            topic.told.push(truth.status);
        }
    }

    /// Finds each card's stay, and lets go of those that are over. Gives those
    /// of which more is known in a moment.
    fn settle(
        &mut self,
        snapshot: &Snapshot,
        ours: &[(&Reader, &Card)],
        now: UtcSeconds,
    ) -> BTreeSet<StayNumber> {
        let daemon = snapshot.daemon.started_at;
        let mut present = BTreeSet::new();
        let mut unsettled = BTreeSet::new();
        for (_, card) in ours {
            let is_reading = matches!(card.stage, Stage::Reading { .. });
            if is_reading && card.id.is_none() {
                continue;
            }
            let number = self.stay_of(card, daemon);
            present.insert(number);
            if is_reading || card.stage == Stage::Read && !truth::is_remembered(snapshot, card) {
                unsettled.insert(number);
            }
        }
        let new_until = new_until(snapshot);
        self.stays.retain(|stay| {
            // It may be that the daemon has not seen it yet.
            let is_missed = stay.daemon != daemon && now < new_until;
            if is_missed && !present.contains(&stay.number) {
                unsettled.insert(stay.number);
            }
            is_missed || present.contains(&stay.number)
        });
        if self.stays.iter().any(|stay| stay.daemon != daemon) {
            look_at(&mut self.next_look, Some(new_until), now);
        }
        let stays: BTreeSet<StayNumber> = self.stays.iter().map(|stay| stay.number).collect();
        self.topics.retain(|key, _| match key {
            Key::Card(stay) | Key::Registration(stay, _) | Key::Expiry(stay) => {
                stays.contains(stay)
            }
            Key::Reader(_) | Key::Opening => true,
        });
        unsettled
    }

    fn stay_of(&mut self, card: &Card, daemon: UtcSeconds) -> StayNumber {
        let is_its = |stay: &&mut Stay| {
            if stay.daemon == daemon {
                stay.visit == card.visit
            } else {
                stay.id.is_some() && stay.id == card.id
            }
        };
        if let Some(stay) = self.stays.iter_mut().find(is_its) {
            stay.id.clone_from(&card.id);
            stay.visit = card.visit;
            stay.daemon = daemon;
            return stay.number;
        }
        self.serial += 1;
        let number = StayNumber(self.serial);
        self.stays.push(Stay {
            number,
            id: card.id.clone(),
            visit: card.visit,
            daemon,
        });
        number
    }

    /// What is to be shown now.
    pub(super) fn wanted(&self) -> BTreeMap<Key, Note> {
        let topics = self.topics.iter();
        topics
            .filter_map(|(key, topic)| Some((key.clone(), topic.note.clone()?)))
            .collect()
    }

    /// When to take the snapshot again, if nothing happens before.
    pub(super) fn next_look(&self) -> Option<UtcSeconds> {
        self.next_look
    }

    /// That moment has come; without a snapshot it leads nowhere.
    pub(super) fn looks_now(&mut self) {
        self.next_look = None;
    }

    /// It was shown: what comes to its end need not be told again. Gives what
    /// is to be kept, if that has changed.
    pub(super) fn was_shown(&mut self, note: &Note, now: UtcSeconds) -> Option<&Memory> {
        for (key, days) in &note.ends {
            self.memory.told(key, *days, now);
        }
        (!note.ends.is_empty()).then_some(&self.memory)
    }

    /// Somebody wants to be told once more, a day from now.
    pub(super) fn remind(&mut self, key: &Key, note: &Note, now: UtcSeconds) -> Option<&Memory> {
        let again = UtcSeconds(now.0.saturating_add(DAY));
        look_at(&mut self.next_look, Some(again), now);
        if let Some(topic) = self.topics.get_mut(key)
            && topic.note.as_ref() == Some(note)
        {
            topic.note = None;
            topic.status = None;
            topic.again = Some(again);
        }
        for (key, _) in &note.ends {
            self.memory.remind(key, again);
        }
        (!note.ends.is_empty()).then_some(&self.memory)
    }

    /// Says what came of opening the dashboard, whatever the hour: somebody
    /// has just asked for it.
    pub(super) fn say(&mut self, summary: &str, body: &str, now: UtcSeconds) {
        self.serial += 1;
        let topic = self.topics.entry(Key::Opening).or_default();
        topic.note = Some(Note {
            serial: self.serial,
            kind: Kind::NeedsYou,
            lasts: Lasts::News,
            since: now,
            summary: words::summary(summary),
            body: words::body(body),
            place: Place::default(),
            ends: Vec::new(),
        });
    }

    fn is_quiet(&self, now: UtcSeconds) -> bool {
        let hours = self.settings.quiet_hours;
        hours.is_some_and(|hours| hours.hold(now, &self.zone))
    }

    fn quiet_end(&self, now: UtcSeconds) -> Option<UtcSeconds> {
        let hours = self.settings.quiet_hours.filter(|_| self.is_quiet(now));
        hours.and_then(|hours| hours.end(now, &self.zone))
    }
}

/// Until when the daemon may not have seen a card that is there.
fn new_until(snapshot: &Snapshot) -> UtcSeconds {
    UtcSeconds(snapshot.daemon.started_at.0.saturating_add(NEW_DAEMON))
}

/// The earlier of the two that is still to come.
fn look_at(next: &mut Option<UtcSeconds>, at: Option<UtcSeconds>, now: UtcSeconds) {
    if let Some(at) = at.filter(|at| *at > now) {
        *next = Some(next.map_or(at, |next| next.min(at)));
    }
}
