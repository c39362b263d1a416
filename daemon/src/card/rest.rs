//! What can wait until it is known who it is, and what signs in: the whole
//! CHUID with its signature, the Security Object, retired certificates.

use cac_common::certificate::Slot;
use cac_common::finding::Finding;
use cac_common::identity::CardId;

use super::apdu::Exchange;
use super::chuid::Chuid;
use super::error::CardError;
use super::facts::{CardCertificate, CardFacts};
use super::habits::Habits;
use super::key_history::KeyHistory;
use super::known::Objects;
use super::objects::{CHUID, KEY_HISTORY, SECURITY};
use super::piv;
use super::read::{finding, id_of_unnumbered, read_certificate};
use super::transport::Transport;

/// What is still to be read, and of which card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub card: CardId,
    pub retired: Vec<Slot>,
}

/// What was read later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rest {
    pub objects: Objects,
    pub certificates: Vec<CardCertificate>,
    /// What could not be read.
    pub unread: Vec<Finding>,
    pub apdus: u32,
}

impl Missing {
    /// None if nothing is.
    pub fn of(facts: &CardFacts) -> Option<Self> {
        let has = |slot: &Slot| {
            facts
                .certificates
                .iter()
                .any(|certificate| certificate.summary.slot == *slot)
        };
        let retired: Vec<Slot> = facts
            .objects
            .get(&KEY_HISTORY.tag)
            .into_iter()
            .flat_map(|history| KeyHistory::parse(history).on_card_keys())
            .map(Slot::Retired)
            .filter(|slot| !has(slot))
            .collect();
        let has_objects = [CHUID, SECURITY]
            .iter()
            .all(|object| facts.objects.contains_key(&object.tag));
        (facts.is_piv() && !(has_objects && retired.is_empty())).then(|| Self {
            card: facts.id.clone(),
            retired,
        })
    }
}

/// Reads what is missing, if the card is still the same.
pub fn read_rest(
    transport: &mut dyn Transport,
    habits: &Habits,
    missing: &Missing,
) -> Result<Rest, CardError> {
    let mut exchange = Exchange::new(transport, habits);
    let rest = read(&mut exchange, missing);
    exchange.settle();
    rest.map(|rest| Rest {
        apdus: exchange.sent(),
        ..rest
    })
}

fn read(exchange: &mut Exchange<'_>, missing: &Missing) -> Result<Rest, CardError> {
    let mut rest = Rest::default();
    piv::select(exchange)?;
    let mut id = None;
    for object in [CHUID, SECURITY] {
        match piv::get_data(exchange, object) {
            Ok(content) => {
                let content = content.unwrap_or_default();
                if object == CHUID {
                    id = Chuid::parse(&content).card_id();
                }
                rest.objects.insert(object.tag, content);
            }
            Err(error) => rest.unread.push(finding(object.name, error)?),
        }
        if object == CHUID {
            if id.is_none() {
                id = id_of_unnumbered(exchange)?;
            }
            if id.as_ref() != Some(&missing.card) {
                return Err(CardError::OtherCard);
            }
        }
    }
    for slot in &missing.retired {
        match read_certificate(exchange, *slot) {
            Ok(certificate) => rest.certificates.extend(certificate),
            Err(error) => rest
                .unread
                .push(finding(&format!("{slot} certificate"), error)?),
        }
    }
    Ok(rest)
}
