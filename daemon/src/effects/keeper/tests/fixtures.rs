use std::path::Path;
use std::sync::Arc;

use cac_common::identity::CardId;
use cac_common::interface::ClearScope;
use cac_common::reader::ReaderName;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryKind, PinReference, PinStatus};

use super::super::*;
use super::{KEEP, VISIT};
use crate::card::chuid::Chuid;
use crate::card::facts::{CardFacts, Edge};
use crate::card::known::Objects;
use crate::card::piv::Ways;
use crate::card::transport::{Readers, Report, Transport, TransportError};
use crate::event::Proof;
use crate::journal::Facts;

/// Everything that is told of some work, once all of it is done.
pub(super) async fn kept(folder: &Path, work: impl IntoIterator<Item = Piece>) -> Vec<Event> {
    let keeper = Keeper::open(folder.to_owned(), KEEP, at(0)).await;
    let (to_keep, queue) = mpsc::unbounded_channel();
    let (events, mut told) = mpsc::unbounded_channel();
    for piece in work {
        to_keep.send(piece).unwrap();
    }
    drop(to_keep);
    keeper.run(queue, events).await;
    std::iter::from_fn(|| told.try_recv().ok()).collect()
}

#[derive(Default)]
pub(super) struct Told(std::sync::Mutex<Vec<Event>>);

impl Told {
    pub(super) fn by(&self) -> impl Fn(Event) + Sync {
        |event| self.0.lock().unwrap().push(event)
    }

    pub(super) fn taken(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// For people, where a test fails.
pub(super) fn kinds(events: &[Event]) -> Vec<&'static str> {
    let kind = |event: &Event| match event {
        Event::Store { problem: None } => "store is fine",
        Event::Store { problem: Some(_) } => "store is not fine",
        Event::CardRemembered { .. } => "card",
        Event::Known(_) => "known",
        Event::Noted(_) => "noted",
        Event::Cleared { .. } => "cleared",
        Event::Recorded { .. } => "recorded",
        Event::Readers(_)
        | Event::SeatFound(_)
        | Event::SessionEnded(..)
        | Event::Progress { .. }
        | Event::CardRead { .. }
        | Event::RestRead { .. }
        | Event::Judged { .. }
        | Event::PinGiven { .. }
        | Event::PrintedAsked { .. }
        | Event::PrintedRead { .. }
        | Event::PinChange(_)
        | Event::NoticeAccepted { .. }
        | Event::TestAsked { .. }
        | Event::Wizard(_)
        | Event::PortalTested { .. }
        | Event::Asked { .. }
        | Event::SignInEnded { .. }
        | Event::ClearAsked { .. }
        | Event::BackedUp { .. }
        | Event::Configured { .. }
        | Event::Session(_)
        | Event::Tick => "not of the database",
    };
    events.iter().map(kind).collect()
}

pub(super) fn at(seconds: u64) -> Now {
    Now {
        utc: UtcSeconds(1_795_000_000 + seconds.cast_signed()),
        monotonic: Duration::from_secs(seconds),
        random: 7,
    }
}

pub(super) fn remember_card() -> Work {
    Work::RememberCard {
        visit: VISIT,
        card: card(),
    }
}

pub(super) fn refused() -> Work {
    let Work::Record(to_record) = record() else {
        unreachable!("that is what it is");
    };
    Work::Record(ToRecord {
        status: RegistrationStatus::NotFound,
        ..to_record
    })
}

pub(super) fn record() -> Work {
    Work::Record(ToRecord {
        visit: VISIT,
        card: card(),
        portal: "AKO".into(),
        proof: Proof {
            certificate_sha256: "ab".repeat(32),
            profile: "cd".into(),
        },
        status: registered(),
        at: at(0).utc,
    })
}

pub(super) fn note(text: &str) -> Work {
    Work::Note(new_note(text))
}

pub(super) fn clear_everything() -> Work {
    Work::Clear {
        request: RequestId(1),
        uid: 0,
        what: Clear {
            scope: ClearScope::All {},
            dry_run: false,
        },
    }
}

pub(super) fn registered() -> RegistrationStatus {
    RegistrationStatus::Registered {
        since: at(0).utc,
        checked_at: at(0).utc,
        account: Some("jane.q.doe".into()),
        recheck_due: false,
    }
}

pub(super) fn card() -> CardToRemember {
    let facts = CardFacts {
        id: CardId("aaaa-1".into()),
        edge: Edge::Piv,
        expires: None,
        holder: None,
        persona_key: "jane".into(),
        certificates: Vec::new(),
        objects: Objects::new(),
        ways: Ways {
            pin: PinReference::Application,
            is_dual: false,
        },
        is_contactless: false,
        login: None,
        pin: PinStatus::Unknown,
        chuid: Chuid::default(),
        unread: Vec::new(),
        judged: Vec::new(),
        findings: Vec::new(),
        apdus: 36,
    };
    CardToRemember {
        id: facts.id.clone(),
        persona_key: facts.persona_key.clone(),
        name: "DOE, JANE Q".into(),
        dod_id: None,
        expires: None,
        facts: Arc::new(facts),
        at: at(0).utc,
        with_certificates: true,
    }
}

pub(super) fn new_note(text: &str) -> NewNote {
    NewNote {
        at: at(0).utc,
        kind: HistoryKind::Card,
        reader: None,
        card: None,
        portal: None,
        text: text.into(),
        log_text: None,
        journal: Facts::default(),
    }
}

pub(crate) struct NoReaders;

impl Readers for NoReaders {
    fn with_card(
        &self,
        _: &ReaderName,
        _: &mut dyn FnMut(&mut dyn Transport),
    ) -> Result<(), TransportError> {
        Err(TransportError::ReaderGone)
    }

    fn watch(&self, _: &mut dyn FnMut(Report)) {}

    fn seat(&self, _: &ReaderName) -> Option<String> {
        Some("seat0".into())
    }

    fn stop(&self) {}
}
