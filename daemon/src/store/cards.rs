//! Cards, the personas they belong to, and their certificates.

use std::collections::BTreeMap;

use cac_common::certificate::Slot;
use cac_common::error_chain::Chain;
use cac_common::identity::{CardId, PersonaId};
use cac_common::snapshot::{KnownPersona, Registration};
use cac_common::time::UtcSeconds;
use rusqlite::{Connection, Row, Transaction, params};

use super::Store;
use super::consents::{self, Consent};
use super::error::{StoreError, Unreadable};
use super::kept_text::kept_text;
use super::registrations::{self, StoredRegistration};

/// A card that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRecord {
    pub card: CardId,
    pub persona: PersonaId,
    /// Display name.
    pub name: String,
    /// Last four digits of the DoD ID.
    pub dod_id_tail: Option<String>,
    /// As `YYYY-MM-DD`.
    pub expires: Option<String>,
    pub seen_at: UtcSeconds,
    /// Replace what is cached; none leaves nothing cached.
    pub certificates: Vec<CachedCertificate>,
    /// The same for the other data objects, by tag.
    pub objects: BTreeMap<u32, Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedCertificate {
    pub slot: Slot,
    pub der: Vec<u8>,
    /// Hexadecimal.
    pub sha256: String,
}

/// What is cached of a card with one persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedCard {
    pub certificates: Vec<CachedCertificate>,
    pub objects: BTreeMap<u32, Vec<u8>>,
}

/// How a card stands to what was on record when it was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acquaintance {
    /// Neither the card nor its persona was here before.
    #[default]
    New,
    /// Another card of its persona was here before.
    Reissued,
    /// The card was here before, with another certificate in one of its places.
    Renewed,
    Known,
}

impl Acquaintance {
    /// The card itself was here before.
    pub fn is_seen_before(self) -> bool {
        matches!(self, Self::Renewed | Self::Known)
    }
}

/// What was known of a card before it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardMemory {
    pub acquaintance: Acquaintance,
    /// The persona's, made with any of its cards.
    pub registrations: Vec<StoredRegistration>,
    /// The persona's too.
    pub consents: Vec<Consent>,
}

impl Store {
    /// Writes down what a card says, and tells what was known of it.
    pub async fn record_card(&self, card: CardRecord) -> Result<CardMemory, StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            let memory = record(&transaction, &card)?;
            transaction.commit()?;
            Ok(memory)
        })
        .await
    }

    /// Writes down what was read later of a card that is on record. One that was
    /// cleared meanwhile stays cleared.
    pub async fn add_to_card(&self, card: CardRecord) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            if is_there(
                &transaction,
                "SELECT 1 FROM card WHERE id = ? AND persona = ?",
                &[&card.card.0, &card.persona.0],
            )? {
                write_contents(&transaction, &card)?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// A card as it was when it was recorded, the persona seen last first.
    pub async fn cached(&self, card: CardId) -> Result<Vec<CachedCard>, StoreError> {
        self.run(move |connection| cached(connection, &card)).await
    }

    /// Every persona on record with the card seen last, by name.
    pub async fn known(&self) -> Result<Vec<KnownPersona>, StoreError> {
        self.run(|connection| known(connection)).await
    }
}

fn record(transaction: &Transaction<'_>, card: &CardRecord) -> Result<CardMemory, StoreError> {
    let (id, persona) = (&card.card.0, &card.persona.0);
    let earlier = certificates(transaction, &card.card, &card.persona)?;
    let acquaintance = if is_there(
        transaction,
        "SELECT 1 FROM card WHERE id = ? AND persona = ?",
        &[id, persona],
    )? {
        if differ(&earlier, &card.certificates) {
            Acquaintance::Renewed
        } else {
            Acquaintance::Known
        }
    } else if is_there(
        transaction,
        "SELECT 1 FROM card WHERE persona = ?",
        &[persona],
    )? {
        Acquaintance::Reissued
    } else {
        Acquaintance::New
    };
    transaction
        .prepare_cached(
            "INSERT INTO persona (id, name, dod_id_tail) VALUES (?, ?, ?)
             ON CONFLICT (id) DO UPDATE
             SET name = excluded.name, dod_id_tail = excluded.dod_id_tail",
        )?
        .execute(params![persona, kept_text(&card.name), card.dod_id_tail])?;
    transaction
        .prepare_cached(
            "INSERT INTO card (id, persona, expires, last_seen) VALUES (?, ?, ?, ?)
             ON CONFLICT (id, persona) DO UPDATE
             SET expires = excluded.expires, last_seen = excluded.last_seen",
        )?
        .execute(params![
            id,
            persona,
            card.expires.as_deref().map(kept_text),
            card.seen_at.0
        ])?;
    write_contents(transaction, card)?;
    Ok(CardMemory {
        acquaintance,
        registrations: registrations::of_persona(transaction, &card.persona)?,
        consents: consents::of_persona(transaction, &card.persona)?,
    })
}

fn write_contents(transaction: &Transaction<'_>, card: &CardRecord) -> Result<(), StoreError> {
    let (id, persona) = (&card.card.0, &card.persona.0);
    if certificates(transaction, &card.card, &card.persona)? != card.certificates {
        transaction
            .prepare_cached("DELETE FROM certificate WHERE card = ? AND persona = ?")?
            .execute([id, persona])?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO certificate (card, persona, slot, sha256, der) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (card, persona, slot) DO UPDATE
             SET sha256 = excluded.sha256, der = excluded.der",
        )?;
        for certificate in &card.certificates {
            insert.execute(params![
                id,
                persona,
                certificate.slot.number(),
                certificate.sha256,
                certificate.der
            ])?;
        }
    }
    if objects(transaction, &card.card, &card.persona)? != card.objects {
        transaction
            .prepare_cached("DELETE FROM card_object WHERE card = ? AND persona = ?")?
            .execute([id, persona])?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO card_object (card, persona, tag, content) VALUES (?, ?, ?, ?)",
        )?;
        for (tag, content) in &card.objects {
            insert.execute(params![id, persona, tag, content])?;
        }
    }
    Ok(())
}

fn is_there(transaction: &Transaction<'_>, sql: &str, params: &[&str]) -> Result<bool, StoreError> {
    Ok(transaction
        .prepare_cached(sql)?
        .exists(rusqlite::params_from_iter(params))?)
}

/// Whether a place holds another certificate now.
fn differ(earlier: &[CachedCertificate], now: &[CachedCertificate]) -> bool {
    now.iter().any(|now| {
        earlier
            .iter()
            .any(|earlier| earlier.slot == now.slot && earlier.der != now.der)
    })
}

fn cached(connection: &Connection, card: &CardId) -> Result<Vec<CachedCard>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT persona FROM card WHERE id = ? ORDER BY last_seen DESC")?;
    let personas: Vec<String> = select
        .query_map([&card.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    personas
        .into_iter()
        .map(|persona| {
            let persona = PersonaId(persona);
            Ok(CachedCard {
                certificates: certificates(connection, card, &persona)?,
                objects: objects(connection, card, &persona)?,
            })
        })
        .collect()
}

fn objects(
    connection: &Connection,
    card: &CardId,
    persona: &PersonaId,
) -> Result<BTreeMap<u32, Vec<u8>>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT tag, content FROM card_object WHERE card = ? AND persona = ?")?;
    let rows = select.query_map([&card.0, &persona.0], |row| {
        Ok((row.get::<_, i64>(0)?, row.get(1)?))
    })?;
    let mut found = BTreeMap::new();
    for row in rows {
        let (tag, content) = row?;
        // What is no tag was not written by us, and names no object.
        if let Ok(tag) = u32::try_from(tag) {
            found.insert(tag, content);
        }
    }
    Ok(found)
}

fn certificates(
    connection: &Connection,
    card: &CardId,
    persona: &PersonaId,
) -> Result<Vec<CachedCertificate>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT slot, sha256, der FROM certificate WHERE card = ? AND persona = ? ORDER BY slot",
    )?;
    let mut rows = select.query([&card.0, &persona.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match certificate(row) {
            Ok(certificate) => found.push(certificate),
            Err(error) => {
                let error = Chain(&error);
                tracing::warn!(%card, %error, "certificate could not be read back and was skipped");
            }
        }
    }
    Ok(found)
}

fn certificate(row: &Row<'_>) -> Result<CachedCertificate, Unreadable> {
    let number: i64 = row.get(0)?;
    let slot = u16::try_from(number)
        .ok()
        .and_then(Slot::from_number)
        .ok_or(Unreadable::Slot(number))?;
    Ok(CachedCertificate {
        slot,
        sha256: row.get(1)?,
        der: row.get(2)?,
    })
}

fn known(connection: &Connection) -> Result<Vec<KnownPersona>, StoreError> {
    // SQLite takes the other columns from the row that has the maximum.
    let mut select = connection.prepare_cached(
        "SELECT persona.id, card.id, persona.name, persona.dod_id_tail, max(card.last_seen)
         FROM persona JOIN card ON card.persona = persona.id
         GROUP BY persona.id ORDER BY persona.name, persona.id",
    )?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut known = match known_persona(row) {
            Ok(known) => known,
            Err(error) => {
                let error = Chain(&error);
                tracing::warn!(%error, "persona could not be read back and was skipped");
                continue;
            }
        };
        known.registrations = registrations::of_persona(connection, &known.persona)?
            .into_iter()
            .map(|stored| Registration {
                route: None,
                portal: stored.portal,
                since: stored.status.began_at().unwrap_or(stored.at),
                status: stored.status,
            })
            .collect();
        found.push(known);
    }
    Ok(found)
}

fn known_persona(row: &Row<'_>) -> Result<KnownPersona, Unreadable> {
    Ok(KnownPersona {
        persona: PersonaId(row.get(0)?),
        card: CardId(row.get(1)?),
        name: kept_text(&row.get::<_, String>(2)?),
        dod_id_tail: row.get(3)?,
        last_seen: UtcSeconds(row.get(4)?),
        registrations: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
