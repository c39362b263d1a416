//! What the dashboard knows, and what it shows of it.
//!
//! `update` alone changes it, `view` alone draws it. A PIN or password never
//! stands here: only how many characters were typed.

mod activity;
mod checklist;
mod eligibility;
mod filter;
mod help;
mod history;
mod palette;
mod portal_test;
mod problems;
mod screen;
mod wizard;

use std::collections::BTreeSet;

use cac_common::certificate::CertificateSummary;
use cac_common::identity::{CardId, Edipi, masked};
use cac_common::reader::ReaderName;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{
    Card, HistoryEntry, KnownPersona, PinStatus, Portal, Reader, Registration, Snapshot, Visit,
};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use crate::cli::Place;
use crate::failure::Trouble;
use crate::phrase::{self, Tone};

pub use self::activity::{ActivityLine, ActivityNews, Batch};
pub use self::checklist::ChecklistScreen;
pub use self::eligibility::{EligibilityDialog, EligibilityStep, OpenEligibility};
pub use self::filter::Filter;
pub use self::help::HelpPage;
pub use self::history::{HistoryList, Page, Search};
pub use self::palette::{Does, Entry, Palette};
pub use self::portal_test::{PortalTestDialog, TestStep, Told};
pub use self::screen::{ClearStep, PinPrompt, PinStep, PinUse, Screen, Subject};
pub use self::wizard::{KeptLast, Shown, Typed, WizardDialog, WizardStep};

#[derive(Debug)]
pub struct App {
    /// When the last message came in; nothing here reads a clock.
    pub now: UtcSeconds,
    pub zone: TimeZone,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub link: Link,
    /// The last picture, kept when the daemon goes away.
    pub snapshot: Option<Snapshot>,
    /// What was picked by hand; else the card that needs a person is shown.
    pub picked: Option<Pick>,
    pub focus: Pane,
    pub certificate: usize,
    /// The portal picked in the list of registrations; else the first that needs a person.
    pub registration: Option<String>,
    /// The entry picked in the list of what happened; else the newest.
    pub happened: Option<i64>,
    pub screen: Screen,
    /// What goes between readers and cards, while it is shown.
    pub activity: Option<ActivityLine>,
    /// What lies beneath the help, the palette or details, and is there again after them.
    pub beneath: Vec<Screen>,
    pub filter: Option<Filter>,
    /// What came of the last thing that was asked for.
    pub said: Option<Said>,
    pub shows_dod_id: bool,
    /// Clicks and the wheel come to us, and mark no text in the terminal.
    pub takes_mouse: bool,
    /// The lines of the checklist that the person says are so, by their names.
    pub ticked: BTreeSet<String>,
    /// Where it was asked to open, until it has.
    pub start: Option<Place>,
}

/// How the conversation with the daemon stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    Connecting,
    Connected,
    Away { since: UtcSeconds, why: Trouble },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    Readers,
    Card,
    Certificates,
    Registration,
    Happened,
}

/// A row of the list of readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    Reader(ReaderName),
    Known(CardId),
}

/// What a row of the list of readers stands for.
#[derive(Debug, Clone, Copy)]
pub enum Chosen<'a> {
    Reader(&'a Reader),
    /// A card seen before, in no reader now.
    Known(&'a KnownPersona),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub tone: Tone,
    pub text: String,
}

impl App {
    pub fn new(now: UtcSeconds, zone: TimeZone) -> Self {
        Self {
            now,
            zone,
            size: (80, 24),
            link: Link::Connecting,
            snapshot: None,
            picked: None,
            focus: Pane::Registration,
            certificate: 0,
            registration: None,
            happened: None,
            screen: Screen::Panes,
            activity: None,
            beneath: Vec::new(),
            filter: None,
            said: None,
            shows_dod_id: false,
            takes_mouse: true,
            ticked: BTreeSet::new(),
            start: None,
        }
    }

    /// The rows of the list of readers: readers, then cards seen before.
    pub fn rows(&self) -> Vec<Chosen<'_>> {
        let Some(snapshot) = &self.snapshot else {
            return Vec::new();
        };
        let is_in_a_reader = |known: &KnownPersona| {
            snapshot
                .readers
                .iter()
                .filter_map(|reader| reader.card.as_ref()?.id.as_ref())
                .any(|id| *id == known.card)
        };
        let readers = snapshot.readers.iter().map(Chosen::Reader);
        let known = snapshot
            .known
            .iter()
            .filter(|known| !is_in_a_reader(known))
            .map(Chosen::Known);
        readers.chain(known).collect()
    }

    /// The row the other panes are about: the one picked, else the card that
    /// needs a person first, else the first.
    pub fn chosen_row(&self) -> usize {
        let rows = self.rows();
        let picked = self
            .picked
            .as_ref()
            .and_then(|picked| rows.iter().position(|row| row.is(picked)));
        picked.unwrap_or_else(|| {
            let of_interest = self.snapshot.as_ref().and_then(Snapshot::card_of_interest);
            of_interest
                .and_then(|(reader, _)| {
                    rows.iter()
                        .position(|row| matches!(row, Chosen::Reader(other) if *other == reader))
                })
                .unwrap_or(0)
        })
    }

    pub fn chosen(&self) -> Option<Chosen<'_>> {
        self.rows().get(self.chosen_row()).copied()
    }

    /// The card that is chosen, if it is in a reader.
    pub fn card(&self) -> Option<&Card> {
        match self.chosen()? {
            Chosen::Reader(reader) => reader.card.as_ref(),
            Chosen::Known(_) => None,
        }
    }

    /// The ID of the card that is chosen, in a reader or not.
    pub fn card_id(&self) -> Option<&CardId> {
        match self.chosen()? {
            Chosen::Reader(reader) => reader.card.as_ref()?.id.as_ref(),
            Chosen::Known(known) => Some(&known.card),
        }
    }

    pub fn certificates(&self) -> &[CertificateSummary] {
        self.card().map_or(&[], |card| &card.certificates)
    }

    pub fn registrations(&self) -> &[Registration] {
        match self.chosen() {
            Some(Chosen::Reader(reader)) => {
                reader.card.as_ref().map_or(&[], |card| &card.registrations)
            }
            Some(Chosen::Known(known)) => &known.registrations,
            None => &[],
        }
    }

    /// Where the picked registration stands in its list.
    pub fn registration_row(&self) -> usize {
        let registrations = self.registrations();
        let first_like = |tone| {
            registrations
                .iter()
                .position(|one| phrase::tone(&one.status) == tone)
        };
        self.registration
            .as_ref()
            .and_then(|portal| registrations.iter().position(|one| one.portal == *portal))
            .or_else(|| first_like(Tone::Wanted))
            .or_else(|| first_like(Tone::Bad))
            .unwrap_or(0)
    }

    pub fn happened(&self) -> &[HistoryEntry] {
        self.snapshot
            .as_ref()
            .map_or(&[], |snapshot| &snapshot.happened)
    }

    /// Where the picked entry stands in the list of what happened.
    pub fn happened_row(&self) -> usize {
        let entries = self.happened();
        self.happened
            .and_then(|id| entries.iter().position(|entry| entry.id == id))
            .unwrap_or(entries.len().saturating_sub(1))
    }

    /// Where the cursor of a pane stands in its whole list.
    pub fn cursor(&self, pane: Pane) -> usize {
        match pane {
            Pane::Readers | Pane::Card => self.chosen_row(),
            Pane::Certificates => self.certificate,
            Pane::Registration => self.registration_row(),
            Pane::Happened => self.happened_row(),
        }
    }

    /// Opens what leads back to where it was opened.
    pub fn lay_on_top(&mut self, screen: Screen) {
        let before = std::mem::replace(&mut self.screen, screen);
        // These two lead back to the same place from one another.
        if !matches!(before, Screen::Help(_) | Screen::Palette(_)) {
            self.beneath.push(before);
        }
    }

    /// Back to what lies beneath, the panes if nothing does.
    pub fn take_off_top(&mut self) {
        self.screen = self.beneath.pop().unwrap_or(Screen::Panes);
    }

    /// What is open, the uppermost first.
    pub fn screens_mut(&mut self) -> impl Iterator<Item = &mut Screen> {
        std::iter::once(&mut self.screen).chain(self.beneath.iter_mut().rev())
    }

    pub fn portal(&self, name: &str) -> Option<&Portal> {
        let portals = &self.snapshot.as_ref()?.portals;
        portals.iter().find(|portal| portal.name == name)
    }

    /// The card with this ID in this visit, with its reader.
    pub fn card_in_visit(&self, id: &CardId, visit: Visit) -> Option<(&Reader, &Card)> {
        let readers = &self.snapshot.as_ref()?.readers;
        readers.iter().find_map(|reader| {
            let card = reader.card.as_ref()?;
            (card.id.as_ref() == Some(id) && card.visit == visit).then_some((reader, card))
        })
    }

    /// How many cards in readers wait for a person.
    pub fn cards_waiting(&self) -> usize {
        self.snapshot.as_ref().map_or(0, |snapshot| {
            let cards = snapshot
                .readers
                .iter()
                .filter_map(|reader| reader.card.as_ref());
            cards
                .filter(|card| {
                    let mut registrations = card.registrations.iter();
                    registrations.any(|one| phrase::tone(&one.status) == Tone::Wanted)
                        || card.wizard.as_ref().is_some_and(wizard::waits)
                })
                .count()
        })
    }

    /// The DoD ID, as much of it as is shown now.
    pub fn dod_id(&self, dod_id: Edipi) -> String {
        if self.shows_dod_id {
            dod_id.to_string()
        } else {
            dod_id.masked()
        }
    }

    /// Text that may name a person by number, as much of it as is shown now.
    pub fn discreet(&self, text: &str) -> String {
        if self.shows_dod_id {
            text.to_owned()
        } else {
            masked(text)
        }
    }

    /// Whether the daemon shows us people, as far as is known.
    pub fn may_act(&self) -> bool {
        self.snapshot
            .as_ref()
            .is_none_or(|snapshot| snapshot.may_act)
    }

    /// Whether it shows us every reader's card, and lets us clear.
    pub fn may_administer(&self) -> bool {
        self.snapshot
            .as_ref()
            .is_none_or(|snapshot| snapshot.may_administer)
    }

    /// The next moment at which what is drawn changes by itself: a minute of
    /// the clock, or a second of a countdown that has less than a minute left.
    pub fn next_change(&self) -> UtcSeconds {
        let next_minute = UtcSeconds(
            self.now
                .0
                .div_euclid(60)
                .saturating_add(1)
                .saturating_mul(60),
        );
        let next_second = UtcSeconds(self.now.0.saturating_add(1));
        // Nothing is counted down on a picture that may be old.
        let registrations = match self.link {
            Link::Connected => self.registrations(),
            Link::Connecting | Link::Away { .. } => &[],
        };
        let deadlines = registrations.iter().filter_map(|one| {
            if let RegistrationStatus::Waiting { until, .. }
            | RegistrationStatus::LockedOut { until: Some(until) } = one.status
            {
                Some(until)
            } else {
                None
            }
        });
        let each_second = self.counts_seconds() || self.test_counts_seconds() || self.checks_run();
        let next_minute = if each_second {
            next_second
        } else {
            next_minute
        };
        deadlines
            .filter(|until| *until > self.now)
            .map(|until| {
                let last_minute = UtcSeconds(until.0.saturating_sub(60));
                last_minute.max(next_second)
            })
            .fold(next_minute, UtcSeconds::min)
    }
}

impl Chosen<'_> {
    pub fn is(&self, pick: &Pick) -> bool {
        match (self, pick) {
            (Self::Reader(reader), Pick::Reader(name)) => reader.name == *name,
            (Self::Known(known), Pick::Known(card)) => known.card == *card,
            (Self::Reader(_), Pick::Known(_)) | (Self::Known(_), Pick::Reader(_)) => false,
        }
    }

    pub fn pick(&self) -> Pick {
        match self {
            Self::Reader(reader) => Pick::Reader(reader.name.clone()),
            Self::Known(known) => Pick::Known(known.card.clone()),
        }
    }
}

impl Pane {
    pub(crate) const ALL: [Self; 5] = [
        Self::Readers,
        Self::Card,
        Self::Certificates,
        Self::Registration,
        Self::Happened,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Readers => "Readers",
            Self::Card => "Card",
            Self::Certificates => "Certificates",
            Self::Registration => "Registration",
            Self::Happened => "What happened",
        }
    }

    #[must_use]
    pub fn next(self) -> Self {
        self.beside(1)
    }

    #[must_use]
    pub fn previous(self) -> Self {
        self.beside(Self::ALL.len() - 1)
    }

    fn beside(self, steps: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Self::ALL[(at + steps) % Self::ALL.len()]
    }
}

/// Whether the next wrong PIN may block the card: one try is left, or the card
/// does not say how many.
pub fn may_be_the_last_try(pin: &PinStatus) -> bool {
    match pin {
        PinStatus::Ready {
            tries_left: Some(tries),
        } => *tries <= 1,
        PinStatus::Ready { tries_left: None }
        | PinStatus::Unknown
        | PinStatus::Blocked
        | PinStatus::OtherProgram => true,
    }
}
