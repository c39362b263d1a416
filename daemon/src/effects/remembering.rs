//! What goes into the database and comes out of it, as events.

use cac_common::certificate::CertificateSummary;
use cac_common::error_chain::Chain;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::Visit;
use cac_common::time::UtcSeconds;
use tokio::sync::mpsc;

use super::StoreOrReason;
use crate::card::facts::CardCertificate;
use crate::event::{CardToRemember, Event, Memory, NewNote, Remembered};
use crate::store::{
    CachedCertificate, CardMemory, CardRecord, NewEntry, RegistrationRecord, Store, StoreError,
};

/// A status to be written down.
pub(super) struct ToRecord {
    pub(super) visit: Visit,
    pub(super) card: CardToRemember,
    pub(super) portal: String,
    pub(super) certificate_sha256: String,
    pub(super) status: RegistrationStatus,
    pub(super) at: UtcSeconds,
}

/// Writes a card down, and tells what was known of it before.
pub(super) fn card(
    store: StoreOrReason,
    events: mpsc::UnboundedSender<Event>,
    visit: Visit,
    card: CardToRemember,
) {
    tokio::spawn(async move {
        let remembered = match &store {
            Err(reason) => Err(reason.clone()),
            Ok(store) => store
                .record_card(record(store, card))
                .await
                .map_err(|error| Chain(&error).to_string()),
        };
        let memory = match remembered {
            Ok(memory) => {
                let _ = events.send(Event::Store { problem: None });
                memory_of(memory)
            }
            Err(reason) => {
                tracing::warn!(reason, "card could not be written down");
                let _ = events.send(Event::Store {
                    problem: Some(reason),
                });
                Memory::default()
            }
        };
        let _ = events.send(Event::CardRemembered { visit, memory });
        send_known(&store, &events).await;
    });
}

/// Writes a status down. The card goes first, since it may have been cleared
/// while it was in the reader.
pub(super) fn registration(
    store: StoreOrReason,
    events: mpsc::UnboundedSender<Event>,
    to_record: ToRecord,
) {
    tokio::spawn(async move {
        let ToRecord {
            visit,
            card,
            portal,
            certificate_sha256,
            status,
            at,
        } = to_record;
        let result = match &store {
            Err(reason) => Err(reason.clone()),
            Ok(store) => {
                let record = RegistrationRecord {
                    persona: store.persona_id(&card.persona_key),
                    portal: portal.clone(),
                    card: card.id.clone(),
                    certificate_sha256,
                    status: status.clone(),
                    at,
                };
                write(store, card, record)
                    .await
                    .map_err(|error| Chain(&error).to_string())
            }
        };
        if let Err(reason) = &result {
            tracing::warn!(reason, "registration could not be written down");
        }
        let _ = events.send(Event::Recorded {
            visit,
            portal,
            status,
            result,
        });
    });
}

/// Reads the list of personas.
pub(super) fn known(store: StoreOrReason, events: mpsc::UnboundedSender<Event>) {
    tokio::spawn(async move { send_known(&store, &events).await });
}

pub(super) fn entry(note: NewNote) -> NewEntry {
    NewEntry {
        at: note.at,
        kind: note.kind,
        reader: note.reader,
        card: note.card,
        portal: note.portal,
        text: note.text,
    }
}

async fn write(
    store: &Store,
    card: CardToRemember,
    record_of: RegistrationRecord,
) -> Result<(), StoreError> {
    store.record_card(record(store, card)).await?;
    store.record_registration(record_of).await
}

async fn send_known(store: &StoreOrReason, events: &mpsc::UnboundedSender<Event>) {
    let Ok(store) = store else {
        return;
    };
    match store.known().await {
        Ok(known) => {
            let _ = events.send(Event::Known(known));
        }
        Err(error) => tracing::warn!(error = %Chain(&error), "personas could not be read"),
    }
}

fn record(store: &Store, card: CardToRemember) -> CardRecord {
    let certificates = if card.with_certificates {
        card.facts.certificates.iter().map(cached).collect()
    } else {
        Vec::new()
    };
    CardRecord {
        persona: store.persona_id(&card.persona_key),
        card: card.id,
        name: card.name,
        dod_id_tail: card.dod_id.map(cac_common::identity::Edipi::tail),
        expires: card.expires,
        seen_at: card.at,
        certificates,
    }
}

fn cached(certificate: &CardCertificate) -> CachedCertificate {
    let CertificateSummary { slot, sha256, .. } = &certificate.summary;
    CachedCertificate {
        slot: *slot,
        der: certificate.der.clone(),
        sha256: sha256.clone(),
    }
}

fn memory_of(memory: CardMemory) -> Memory {
    Memory {
        seen_before: memory.seen_before,
        registrations: memory
            .registrations
            .into_iter()
            .map(|stored| Remembered {
                portal: stored.portal,
                status: stored.status,
                certificate_sha256: stored.certificate_sha256,
            })
            .collect(),
    }
}
