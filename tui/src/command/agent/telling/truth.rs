//! What is true of each thing that can be told of.

use std::collections::BTreeMap;

use cac_common::identity::CardId;
use cac_common::reader::ReaderStatus;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, PinStatus, Reader, Registration, Snapshot, Stage};
use cac_common::time::UtcSeconds;

use super::super::asking::is_at_work;
use super::{Key, Lasts, Moment, Note, Status, Teller, expiry, look_at, words};
use crate::cli::Place;
use crate::phrase::{self, Tone};
use crate::settings::Kind;

pub(super) struct Truth {
    pub(super) status: Status,
    pub(super) kind: Kind,
    /// When, of what is over as soon as it has happened.
    pub(super) happened_at: Option<UtcSeconds>,
    lasts: Lasts,
    summary: String,
    body: String,
    place: Place,
}

impl Truth {
    pub(super) fn note(&self, serial: u64, now: UtcSeconds) -> Note {
        Note {
            serial,
            kind: self.kind,
            lasts: self.lasts,
            since: now,
            summary: words::summary(&self.summary),
            body: words::body(&self.body),
            place: self.place.clone(),
            ends: match &self.status {
                Status::Ends(due) => due.iter().map(|one| (one.key.clone(), one.days)).collect(),
                Status::Recognised
                | Status::NeedsPin { .. }
                | Status::Registered
                | Status::NeedsYou(_) => Vec::new(),
            },
        }
    }
}

impl Teller {
    pub(super) fn truths(
        &mut self,
        snapshot: &Snapshot,
        ours: &[(&Reader, &Card)],
        moment: &Moment<'_>,
    ) -> BTreeMap<Key, Truth> {
        let mut truths = BTreeMap::new();
        // Whose it is nobody can tell; but only who is shown cards is told.
        let readers = snapshot.readers.iter().filter(|_| snapshot.may_act);
        for reader in readers.filter(|reader| reader.status == ReaderStatus::NoAnswer) {
            let (summary, body) = words::no_answer(reader);
            let truth = needs_you("no answer", (summary, body), Place::default());
            truths.insert(Key::Reader(reader.name.clone()), truth);
        }
        for (reader, card) in ours {
            let visits = (snapshot.daemon.started_at, card.visit);
            let mut stays = self.stays.iter();
            let Some(stay) = stays.find(|stay| (stay.daemon, stay.visit) == visits) else {
                continue;
            };
            let number = stay.number;
            if let Some(truth) = card_truth(snapshot, (reader, card), moment) {
                truths.insert(Key::Card(number), truth);
            }
            if card.stage != Stage::Read {
                continue;
            }
            for registration in &card.registrations {
                if let Some(truth) = registration_truth(snapshot, card, registration) {
                    let key = Key::Registration(number, registration.portal.clone());
                    truths.insert(key, truth);
                }
            }
            let ends = expiry::ends(card, &self.zone);
            let next = expiry::next_change(&ends, &self.settings.days, moment.now, &self.zone);
            look_at(&mut self.next_look, next, moment.now);
            let reminder = ends.iter().filter_map(|end| self.memory.reminder(&end.key));
            look_at(&mut self.next_look, reminder.min(), moment.now);
            let now = (moment.now, &self.zone);
            let due = expiry::due(&ends, &self.settings.days, &self.memory, now);
            if !due.is_empty() {
                let (summary, body) = words::ends(card, &due, moment.now, &self.zone);
                let truth = Truth {
                    status: Status::Ends(due),
                    kind: Kind::Expiry,
                    happened_at: None,
                    lasts: Lasts::UntilSeen,
                    summary,
                    body,
                    place: place(card, None),
                };
                truths.insert(Key::Expiry(number), truth);
            }
        }
        truths
    }
}

/// The database was asked about it.
pub(super) fn is_remembered(snapshot: &Snapshot, card: &Card) -> bool {
    let has_portals = snapshot.portals.iter().any(|portal| portal.enabled);
    card.recognised || !card.registrations.is_empty() || !has_portals
}

fn card_truth(
    snapshot: &Snapshot,
    (reader, card): (&Reader, &Card),
    moment: &Moment<'_>,
) -> Option<Truth> {
    let needs = |name: &str, words| Some(needs_you(name, words, place(card, None)));
    match &card.stage {
        Stage::Reading { .. } => return None,
        Stage::Held => return needs("held", words::held(reader)),
        Stage::Failed { cause } => return needs("failed", words::failed(reader, cause)),
        Stage::Read => {}
    }
    let is_blocked = |one: &Registration| one.status == RegistrationStatus::PinBlocked;
    if card.pin == PinStatus::Blocked || card.registrations.iter().any(is_blocked) {
        return needs("PIN blocked", words::blocked(card));
    }
    if card.needs_pin() && !is_at_work(card) {
        let tries_left = match card.pin {
            PinStatus::Ready { tries_left } => tries_left,
            PinStatus::Unknown | PinStatus::Blocked | PinStatus::OtherProgram => None,
        };
        if !(moment.is_asked)(card) {
            let (summary, body) = words::needs_pin(snapshot, card);
            return Some(Truth {
                status: Status::NeedsPin {
                    tries_left,
                    asked: card.asked,
                },
                kind: Kind::Pin,
                happened_at: None,
                lasts: Lasts::WhileTrue,
                summary,
                body,
                place: place(card, None),
            });
        }
    }
    let (summary, body) = words::recognised(snapshot, card);
    Some(Truth {
        status: Status::Recognised,
        kind: Kind::Card,
        happened_at: Some(card.inserted_at),
        lasts: Lasts::News,
        summary,
        body,
        place: place(card, None),
    })
}

fn registration_truth(
    snapshot: &Snapshot,
    card: &Card,
    registration: &Registration,
) -> Option<Truth> {
    let status = &registration.status;
    let place = place(card, Some(&registration.portal));
    if let RegistrationStatus::Registered {
        checked_at,
        account,
        ..
    } = status
    {
        // What was so before the card came is told with the card.
        let is_new = *checked_at >= card.inserted_at;
        let (summary, body) = words::registered(snapshot, card, registration, account.as_deref());
        return is_new.then_some(Truth {
            status: Status::Registered,
            kind: Kind::Registered,
            happened_at: Some(*checked_at),
            lasts: Lasts::News,
            summary,
            body,
            place,
        });
    }
    // The PIN is the card's, and told of there.
    let is_of_the_card = status.waits_for_pin() || *status == RegistrationStatus::PinBlocked;
    if is_of_the_card || !matches!(phrase::tone(status), Tone::Wanted | Tone::Bad) {
        return None;
    }
    let words = words::needs_you(snapshot, registration);
    Some(needs_you(&name(status), words, place))
}

/// Names a status that waits for a person or has ended badly.
fn name(status: &RegistrationStatus) -> String {
    let label = status.label();
    match status {
        RegistrationStatus::Forbidden { cause }
        | RegistrationStatus::Rejected { cause }
        | RegistrationStatus::Waiting { cause, .. }
        | RegistrationStatus::Unsupported { cause }
        | RegistrationStatus::Unrecognised { cause }
        | RegistrationStatus::CardFailed { cause } => format!("{label}: {}", cause.kind),
        RegistrationStatus::NeedsConsent { notice } => format!("{label}: {}", notice.sha256),
        RegistrationStatus::NotSeen
        | RegistrationStatus::NeedsPin { .. }
        | RegistrationStatus::SigningIn
        | RegistrationStatus::Registered { .. }
        | RegistrationStatus::RegisteredNotSaved { .. }
        | RegistrationStatus::OutOfDate { .. }
        | RegistrationStatus::NeedsWizard
        | RegistrationStatus::NotEligible
        | RegistrationStatus::NeedsSponsor
        | RegistrationStatus::NotFound
        | RegistrationStatus::PinBlocked
        | RegistrationStatus::LockedOut { .. } => label.to_owned(),
    }
}

fn needs_you(name: &str, (summary, body): (String, String), place: Place) -> Truth {
    Truth {
        status: Status::NeedsYou(name.to_owned()),
        kind: Kind::NeedsYou,
        happened_at: None,
        lasts: Lasts::WhileTrue,
        summary,
        body,
        place,
    }
}

fn place(card: &Card, portal: Option<&str>) -> Place {
    Place {
        card: card.id.as_ref().map(|CardId(id)| id.clone()),
        portal: portal.map(str::to_owned),
    }
}
