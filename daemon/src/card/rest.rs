//! What can wait until it is known who it is, and what signs in: the whole
//! CHUID with its signature, the Security Object, retired certificates.

use cac_common::certificate::{Retired, Slot};
use cac_common::finding::Finding;
use cac_common::identity::CardId;

use super::apdu::Exchange;
use super::chuid::Chuid;
use super::error::CardError;
use super::facts::{CardCertificate, CardFacts};
use super::habits::Habits;
use super::known::Objects;
use super::objects::{CHUID, KEY_HISTORY, SECURITY};
use super::piv;
use super::read::{finding, id_of_unnumbered, read_certificate};
use super::tlv;
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
    pub findings: Vec<Finding>,
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
            .map(|history| retired_on_card(history))
            .unwrap_or_default()
            .into_iter()
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
            Err(error) => rest.findings.push(finding(object.name, error)?),
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
            Err(error) => rest.findings.push(finding(&slot.to_string(), error)?),
        }
    }
    Ok(rest)
}

/// The keys whose certificates lie on the card, from 82 upwards (SP 800-73pt1-5
/// §3.3.3). The history counts them.
fn retired_on_card(history: &[u8]) -> Vec<Slot> {
    const COUNT: u32 = 0xC1;
    let count = match tlv::find(history, COUNT) {
        Some([count]) => usize::from(*count),
        _ => 0,
    };
    Retired::all().take(count).map(Slot::Retired).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_counts_the_certificates_on_the_card() {
        let slots = |history: &[u8]| -> Vec<u16> {
            let slots = retired_on_card(history).into_iter();
            slots.map(Slot::number).collect()
        };

        assert_eq!(slots(b"\xC1\x01\x02\xC2\x01\x01"), [0x82, 0x83]);
        assert_eq!(slots(b"\xC2\x01\x01\xC1\x01\xFF").len(), 20);
        assert!(slots(b"\xC1\x02\x00\x02").is_empty());
        assert!(slots(b"").is_empty());
    }
}
