//! The history's sentences: what happened, in words for people. The DoD ID
//! never stands in them.

mod words;

use cac_common::config::OnRemoval;
use cac_common::identity::Edipi;
use cac_common::interface::ClearScope;
use cac_common::profile::Profile;
use cac_common::reader::{ReaderName, ServiceStatus};
use cac_common::registration::{Outcome, RegistrationStatus};
use cac_common::snapshot::HistoryKind;
use cac_common::time;

use self::words::{card_said, card_tells, portal_said};
use super::Context;
use super::session::Occasion;
use super::visit::CardVisit;
use crate::card::change::Change;
use crate::card::error::CardError;
use crate::event::{Effect, NewNote, Now, SessionToEnd, SignInResult};
use crate::journal::{Facts, Message};
use crate::registration::Due;
use crate::store::Acquaintance;

/// A sentence, before it has its moment.
pub(super) struct Note {
    note: NewNote,
}

impl Note {
    pub(super) fn at(self, now: Now) -> Effect {
        Effect::Note(NewNote {
            at: now.utc,
            ..self.note
        })
    }

    pub(super) fn plain(kind: HistoryKind, text: &str) -> Self {
        Self {
            note: NewNote {
                at: time::UtcSeconds::default(),
                kind,
                reader: None,
                card: None,
                portal: None,
                text: text.to_owned(),
                log_text: None,
                journal: Facts::default(),
            },
        }
    }

    pub(super) fn reader(name: &ReaderName, what: &str) -> Self {
        Self::plain(HistoryKind::Reader, &format!("Reader {name} {what}")).in_reader(name)
    }

    pub(super) fn no_answer(name: &ReaderName) -> Self {
        Self::plain(
            HistoryKind::Card,
            &format!("The card in {name} does not answer; is it the right way up, and clean?"),
        )
        .in_reader(name)
        .tells(Message::CardUnreadable)
    }

    pub(super) fn card_in(name: &ReaderName) -> Self {
        Self::plain(HistoryKind::Card, &format!("Card put into {name}")).in_reader(name)
    }

    pub(super) fn card_out(card: &CardVisit, name: &ReaderName) -> Self {
        Self::of_card(
            HistoryKind::Card,
            card,
            &format!("Card taken out of {name}"),
        )
    }

    pub(super) fn unreadable(card: &CardVisit, error: &CardError) -> Self {
        Self::of_card(
            HistoryKind::Card,
            card,
            &format!("The card cannot be read: {error}"),
        )
        .tells(Message::CardUnreadable)
    }

    pub(super) fn recognised(card: &CardVisit, acquaintance: Acquaintance) -> Self {
        let name = card
            .facts
            .as_ref()
            .and_then(|facts| facts.holder.as_ref())
            .map_or_else(
                || "unknown holder".to_owned(),
                |holder| holder.name.to_string(),
            );
        let apdus = card.facts.as_ref().map_or(0, |facts| facts.apdus);
        let (text, logged) = match acquaintance {
            Acquaintance::Known => (
                format!("Recognised the card of {name}; the first read took {apdus} APDUs"),
                "Card recognised",
            ),
            Acquaintance::Renewed => (
                format!(
                    "Recognised the card of {name}, with a certificate that is new on it; the first read took {apdus} APDUs"
                ),
                "Card recognised, with a new certificate",
            ),
            Acquaintance::Reissued => (
                format!("{name} has another card than before; its first read took {apdus} APDUs"),
                "Another card of a person seen before",
            ),
            Acquaintance::New => (
                format!("The card of {name} is new here; the first read took {apdus} APDUs"),
                "Card read for the first time",
            ),
        };
        Self::of_card(HistoryKind::Card, card, &text)
            .logged_as(logged)
            .tells(Message::CardRecognised)
    }

    pub(super) fn pin_typed(card: &CardVisit) -> Self {
        Self::of_card(HistoryKind::Pin, card, "PIN typed")
    }

    pub(super) fn pin_typed_for_printed(card: &CardVisit) -> Self {
        Self::of_card(
            HistoryKind::Pin,
            card,
            "PIN typed, to read what is printed on the card",
        )
    }

    pub(super) fn pin_typed_for_a_change(card: &CardVisit) -> Self {
        Self::of_card(HistoryKind::Pin, card, "PIN typed, to change it")
    }

    /// What became of a PIN that was to be changed; the card may be gone.
    pub(super) fn pin_change(card: Option<&CardVisit>, change: &Change, by: Option<u32>) -> Self {
        let (text, logged, message) = match change {
            Change::Made => (
                "The PIN of the card was changed".to_owned(),
                "PIN changed",
                Message::PinChanged,
            ),
            Change::NotMade(error) => (
                format!("The PIN was not changed: {error}"),
                "PIN not changed",
                Message::PinNotChanged,
            ),
            Change::Unknown(error) => (
                format!("It is not known whether the PIN was changed: {error}"),
                "PIN may be changed or not",
                Message::PinChangeUnknown,
            ),
        };
        let note = match card {
            Some(card) => Self::of_card(HistoryKind::Pin, card, &text),
            None => Self::plain(HistoryKind::Pin, &text),
        };
        let note = note.logged_as(logged).tells(message);
        match by {
            Some(uid) => note.done_by(uid),
            None => note,
        }
    }

    pub(super) fn pin_wanted(card: &CardVisit, occasion: &Occasion, portals: usize) -> Self {
        let what = match portals {
            1 => "1 portal waits for a PIN".to_owned(),
            several => format!("{several} portals wait for a PIN"),
        };
        Self::of_card(
            HistoryKind::Pin,
            card,
            &format!("{}: {what}", occasion.text),
        )
        .logged_as(format!("{}: {what}", occasion.logged))
    }

    pub(super) fn pin_forgotten(card: &CardVisit, occasion: &Occasion) -> Self {
        let what = "the PIN is forgotten";
        Self::of_card(
            HistoryKind::Pin,
            card,
            &format!("{}: {what}", occasion.text),
        )
        .logged_as(format!("{}: {what}", occasion.logged))
    }

    pub(super) fn accepted(card: &CardVisit, portal: &Profile, uid: u32) -> Self {
        Self::of_card(
            HistoryKind::Registration,
            card,
            &format!("{}: user {uid} accepted the notice", portal.title),
        )
        .at_portal(&portal.name)
        .done_by(uid)
    }

    pub(super) fn testing(card: &CardVisit, portal: &Profile) -> Self {
        Self::of_card(
            HistoryKind::Pin,
            card,
            &format!("PIN typed, to try signing in at {}", portal.title),
        )
        .at_portal(&portal.name)
    }

    pub(super) fn by_hand(card: &CardVisit, portal: &Profile, what: &str) -> Self {
        let text = format!("{}: registering by hand {what}", portal.title);
        Self::of_card(HistoryKind::Registration, card, &text).at_portal(&portal.name)
    }

    /// Why the card did not do what a PIN was typed for.
    pub(super) fn card_said(card: &CardVisit, error: &CardError) -> Self {
        let (kind, text, logged) = card_said(error);
        Self::of_card(kind, card, &text)
            .logged_as(logged)
            .tells(card_tells(error))
    }

    pub(super) fn signing_in(card: &CardVisit, portal: &Profile) -> Self {
        Self::of_card(
            HistoryKind::Registration,
            card,
            &format!("{}: signing in", portal.title),
        )
        .at_portal(&portal.name)
    }

    /// What a sign-in has ended with; nothing where the end is yet to come.
    pub(super) fn sign_in_ended(
        card: &CardVisit,
        portal: &Profile,
        due: &Due,
        result: &SignInResult,
    ) -> Option<Self> {
        let (kind, text, logged) = match result {
            SignInResult::Portal(outcome) => portal_said(outcome, due.recheck_of.is_some())?,
            SignInResult::Card(error) => {
                let (kind, text, logged) = card_said(error);
                (kind, text, logged.to_owned())
            }
            SignInResult::PinGone => (
                HistoryKind::Pin,
                "The PIN was held no longer, and nothing was sent to the card".to_owned(),
                "the PIN was held no longer".to_owned(),
            ),
            SignInResult::Failed { cause } => (
                HistoryKind::Registration,
                cause.clone(),
                "sign-in failed".to_owned(),
            ),
        };
        // What the card says has nothing to do with the portal.
        let text = match result {
            SignInResult::Card(_) | SignInResult::PinGone => text,
            SignInResult::Portal(_) | SignInResult::Failed { .. } => {
                format!("{}: {text}", portal.title)
            }
        };
        let note = Self::of_card(kind, card, &text);
        let note = note.at_portal(&portal.name).logged_as(logged);
        Some(match result {
            SignInResult::Portal(outcome) => note.tells_of(outcome),
            SignInResult::Card(error) => note.tells(card_tells(error)),
            SignInResult::PinGone | SignInResult::Failed { .. } => note,
        })
    }

    /// What came of writing a registration down.
    pub(super) fn recorded(card: &CardVisit, portal: &str, context: &Context<'_>) -> Option<Self> {
        let profile = context.portals.iter().find(|other| other.name == portal)?;
        let status = card
            .stands
            .get(portal)?
            .status(&card.pin, profile, context.now);
        let text = if let RegistrationStatus::Registered {
            account: Some(account),
            ..
        } = &status
        {
            format!("registered to account {account}")
        } else if let RegistrationStatus::RegisteredNotSaved { reason, .. } = &status {
            format!("{}: {reason}", status.label())
        } else {
            status.label().to_owned()
        };
        let text = format!("{}: {text}", profile.title);
        let note = Self::of_card(HistoryKind::Registration, card, &text)
            .at_portal(portal)
            .logged_as(status.label());
        Some(if matches!(status, RegistrationStatus::Registered { .. }) {
            note.tells(Message::Registered)
        } else if matches!(status, RegistrationStatus::RegisteredNotSaved { .. }) {
            note.tells(Message::RegisteredNotSaved)
        } else {
            note
        })
    }

    pub(super) fn cleared(scope: &ClearScope, uid: u32) -> Self {
        let what = match scope {
            ClearScope::All {} => "everything".to_owned(),
            ClearScope::Card { card } => format!("card {card}"),
            ClearScope::Portal { portal } => format!("registrations at {portal}"),
            ClearScope::Sessions {} => "sessions with portals".to_owned(),
            ClearScope::Copies {} => "copies that were kept aside".to_owned(),
            ClearScope::History { before: None } => "the history".to_owned(),
            ClearScope::History { before: Some(_) } => "older history".to_owned(),
        };
        Self::plain(HistoryKind::Clear, &format!("User {uid} cleared {what}"))
            .tells(Message::Cleared)
            .done_by(uid)
    }

    pub(super) fn backed_up(uid: u32) -> Self {
        let text = format!("User {uid} took a backup of everything that is kept");
        Self::plain(HistoryKind::Service, &text)
            .tells(Message::BackupTaken)
            .done_by(uid)
    }

    pub(super) fn session_ended(session: &SessionToEnd, result: &Result<(), String>) -> Self {
        let what = match session.how {
            OnRemoval::Nothing => "left as it is",
            OnRemoval::Lock => "locked",
            OnRemoval::Terminate => "ended",
        };
        let uid = session.uid;
        let text = match result {
            Ok(()) => format!("The card was taken out: the session of user {uid} was {what}"),
            Err(reason) => format!(
                "The card was taken out, but the session of user {uid} could not be {what}: {reason}"
            ),
        };
        let mut note = Self::plain(HistoryKind::Card, &text).in_reader(&session.reader);
        note.note.card = Some(session.card.clone());
        note.tells(if result.is_ok() {
            Message::SessionEnded
        } else {
            Message::SessionNotEnded
        })
        .done_by(uid)
    }

    fn of_card(kind: HistoryKind, card: &CardVisit, text: &str) -> Self {
        let mut note = Self::plain(kind, text).in_reader(&card.reader);
        note.note.card = card.id().cloned();
        let holder = card.facts.as_ref().and_then(|facts| facts.holder.as_ref());
        let dod_id = holder.and_then(|holder| holder.dod_id);
        note.note.journal.dod_id_tail = dod_id.map(Edipi::tail);
        note
    }

    fn tells(mut self, message: impl Into<Option<Message>>) -> Self {
        self.note.journal.message = message.into();
        self
    }

    fn tells_of(mut self, outcome: &Outcome) -> Self {
        let (message, cause) = match outcome {
            // Told once it is written down.
            Outcome::Registered { .. } => return self,
            Outcome::NeedsConsent { .. }
            | Outcome::NeedsWizard
            | Outcome::NotEligible
            | Outcome::NeedsSponsor
            | Outcome::NotFound
            | Outcome::LockedOut => (Message::NeedsPerson, None),
            Outcome::Forbidden { cause } | Outcome::Rejected { cause } => {
                (Message::Forbidden, Some(cause))
            }
            Outcome::Unavailable { cause, .. } => (Message::PortalUnreachable, Some(cause)),
            Outcome::Unsupported { cause } | Outcome::Unrecognised { cause } => {
                (Message::PortalNotUnderstood, Some(cause))
            }
        };
        self.note.journal.cause = cause.map(|cause| cause.kind);
        self.tells(message)
    }

    fn done_by(mut self, uid: u32) -> Self {
        self.note.journal.uid = Some(uid);
        self
    }

    /// The text names a person, whom the log does not.
    fn logged_as(mut self, text: impl Into<String>) -> Self {
        self.note.log_text = Some(text.into());
        self
    }

    fn in_reader(mut self, name: &ReaderName) -> Self {
        self.note.reader = Some(name.clone());
        self
    }

    fn at_portal(mut self, name: &str) -> Self {
        self.note.portal = Some(name.to_owned());
        self
    }
}

impl CardVisit {
    /// Where it stands at a portal right after it was put in, if that is news.
    pub(super) fn first_note(&self, portal: &Profile, now: Now) -> Option<Note> {
        let stand = self.stands.get(&portal.name)?;
        let text = at_first(&stand.status(&self.pin, portal, now), now);
        let text = format!("{}: {text}", portal.title);
        Some(Note::of_card(HistoryKind::Registration, self, &text).at_portal(&portal.name))
    }
}

/// How it stands by what was written down: nobody has asked the portal yet.
fn at_first(status: &RegistrationStatus, now: Now) -> String {
    let RegistrationStatus::Registered {
        checked_at,
        recheck_due,
        ..
    } = status
    else {
        return status.label().to_owned();
    };
    let passed = now.utc.since(*checked_at);
    if *recheck_due {
        format!("registered, not checked for {}", time::span(passed))
    } else {
        format!("still registered, checked {}", time::ago(passed))
    }
}

/// The smart card service came or went.
pub(super) fn service(before: ServiceStatus, now: ServiceStatus) -> Option<Note> {
    let (text, message) = match (before, now) {
        (ServiceStatus::Starting, ServiceStatus::Running) | (_, ServiceStatus::Starting) => {
            return None;
        }
        (_, ServiceStatus::Running) => ("The smart card service is back", Message::PcscdBack),
        (_, ServiceStatus::Away) => (
            "The smart card service, pcscd, does not answer",
            Message::PcscdAway,
        ),
        (_, ServiceStatus::NotAllowed) => (
            "The smart card service refuses us; the polkit rule for cacd is missing",
            Message::PcscdRefuses,
        ),
    };
    Some(Note::plain(HistoryKind::Service, text).tells(message))
}

#[cfg(test)]
mod tests;
