//! What goes into the database and comes out of it, in the words of each side.

use aws_lc_rs::digest::{SHA256, digest};
use cac_common::certificate::CertificateSummary;
use cac_common::error_chain::Chain;
use cac_common::interface::GetConfirmation;
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryKind, Visit};
use cac_common::time::UtcSeconds;
use cac_common::wizard::Confirmation;

use super::keeper::StoreOrReason;
use crate::card::certificate::hex;
use crate::card::facts::CardCertificate;
use crate::card::known::KnownCard;
use crate::event::{
    CardToRemember, Event, Memory, NewNote, Proof, Remembered, RequestId, WizardEvent,
};
use crate::store::{
    CachedCard, CachedCertificate, CardMemory, CardRecord, Consent, NewEntry, RegistrationRecord,
    Store, StoreError,
};

/// A status to be written down.
#[derive(Clone)]
pub(super) struct ToRecord {
    pub(super) visit: Visit,
    pub(super) card: CardToRemember,
    pub(super) portal: String,
    pub(super) proof: Proof,
    pub(super) status: RegistrationStatus,
    pub(super) at: UtcSeconds,
}

/// Writes a card down, and tells what was known of it before.
pub(super) async fn card(store: &Store, card: CardToRemember) -> Result<Memory, StoreError> {
    store.record_card(record(store, card)).await.map(memory_of)
}

/// Adds what was read later.
pub(super) async fn more_of_card(store: &Store, card: CardToRemember) -> Result<(), StoreError> {
    store.add_to_card(record(store, card)).await
}

/// Writes a status down. The card goes first, since it may have been cleared
/// while it was in the reader.
pub(super) async fn registration(store: &Store, to_record: ToRecord) -> Result<(), StoreError> {
    let record_of = RegistrationRecord {
        persona: store.persona_id(&to_record.card.persona_key),
        portal: to_record.portal,
        card: to_record.card.id.clone(),
        certificate_sha256: to_record.proof.certificate_sha256,
        profile: to_record.proof.profile,
        status: to_record.status,
        at: to_record.at,
    };
    store.record_card(record(store, to_record.card)).await?;
    store.record_registration(record_of).await
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

fn record(store: &Store, card: CardToRemember) -> CardRecord {
    let (certificates, objects) = if card.with_certificates {
        let mut certificates: Vec<_> = card.facts.certificates.iter().map(cached).collect();
        // As they come back, so that what has not changed is not written again.
        certificates.sort_by_key(|certificate| certificate.slot.number());
        (certificates, card.facts.objects.clone())
    } else {
        Default::default()
    };
    CardRecord {
        persona: store.persona_id(&card.persona_key),
        card: card.id,
        name: card.name,
        dod_id_tail: card.dod_id.map(cac_common::identity::Edipi::tail),
        expires: card.expires,
        seen_at: card.at,
        certificates,
        objects,
    }
}

/// What the store has of a card, as the card edge takes it.
pub(super) fn known_card(cached: CachedCard) -> KnownCard {
    // What rotted on the disk is no certificate of the card.
    let is_whole = |one: &CachedCertificate| hex(digest(&SHA256, &one.der).as_ref()) == one.sha256;
    let certificates = cached.certificates.into_iter().filter(is_whole);
    KnownCard {
        certificates: certificates
            .map(|certificate| (certificate.slot, certificate.der))
            .collect(),
        objects: cached.objects,
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

/// Writes down what a person has accepted.
pub(super) async fn consent(
    store: &Store,
    card: CardToRemember,
    consent: Consent,
) -> Result<(), StoreError> {
    let persona = store.persona_id(&card.persona_key);
    let at = card.at;
    store.record_card(record(store, card)).await?;
    store.record_consent(persona, consent, at).await
}

/// Keeps what a portal showed at the end; what people are told where that fails.
pub(super) async fn confirmation(
    store: &StoreOrReason,
    card: CardToRemember,
    confirmation: Confirmation,
) -> Option<NewEntry> {
    let lost = NewEntry {
        at: confirmation.at,
        kind: HistoryKind::Registration,
        reader: None,
        card: Some(card.id.clone()),
        portal: Some(confirmation.portal.clone()),
        text: "The portal's confirmation could not be written down, and is not kept".into(),
    };
    let kept = match store {
        Ok(store) => {
            let persona = store.persona_id(&card.persona_key);
            let recorded = store.record_card(record(store, card)).await;
            match recorded {
                Ok(_) => store.record_confirmation(persona, confirmation).await,
                Err(error) => Err(error),
            }
        }
        Err(_) => return Some(lost),
    };
    kept.err().map(|error| {
        tracing::warn!(error = %Chain(&error), "confirmation could not be written down");
        lost
    })
}

/// What was kept of it, for whoever asked.
pub(super) async fn read_confirmation(
    store: &StoreOrReason,
    request: RequestId,
    what: GetConfirmation,
) -> Event {
    let result = match store {
        Ok(store) => store
            .confirmation(what.card, what.portal)
            .await
            .map_err(|error| Chain(&error).to_string()),
        Err(reason) => Err(reason.clone()),
    };
    Event::Wizard(Box::new(WizardEvent::ConfirmationRead { request, result }))
}

fn memory_of(memory: CardMemory) -> Memory {
    Memory {
        acquaintance: memory.acquaintance,
        consents: memory.consents,
        registrations: memory
            .registrations
            .into_iter()
            .map(|stored| Remembered {
                portal: stored.portal,
                status: stored.status,
                proof: Proof {
                    certificate_sha256: stored.certificate_sha256,
                    profile: stored.profile,
                },
                at: stored.at,
            })
            .collect(),
    }
}
