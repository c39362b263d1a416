//! What can wait until it is known who it is, and what signs in: the whole
//! CHUID with its signature, the Security Object, retired certificates.

use std::collections::BTreeSet;

use cac_common::certificate::{Applet, Slot};
use cac_common::finding::Finding;
use cac_common::identity::CardId;

use super::apdu::Exchange;
use super::cac_read::{self, Kind, read_beside};
use super::ccc::Ccc;
use super::chuid::Chuid;
use super::demographics::{Person, Personnel};
use super::error::CardError;
use super::facts::{CardCertificate, CardFacts, Edge};
use super::habits::Habits;
use super::key_history::KeyHistory;
use super::known::Objects;
use super::objects::{self, CAPABILITIES, CHUID, KEY_HISTORY, Object, SECURITY};
use super::piv;
use super::read::{finding, id_of_unnumbered, read_certificate};
use super::transport::Transport;

/// What is still to be read, and of which card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub card: CardId,
    pub edge: Edge,
    pub retired: Vec<Slot>,
    /// Applets of the CAC edge of a card that has PIV too.
    pub applets: Vec<Applet>,
    /// Certificates that were read; the CAC edge has some of them again.
    known: Vec<Vec<u8>>,
}

/// What was read later.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rest {
    pub objects: Objects,
    pub certificates: Vec<CardCertificate>,
    pub person: Option<Person>,
    pub personnel: Option<Personnel>,
    /// What could not be read.
    pub unread: Vec<Finding>,
    pub apdus: u32,
}

impl Missing {
    /// None if nothing is. The containers of a CAC without PIV are on no
    /// record, since they say more than anyone should keep.
    pub fn of(facts: &CardFacts) -> Option<Self> {
        let has = |slot: &Slot| {
            facts
                .certificates
                .iter()
                .any(|certificate| certificate.summary.slot == *slot)
        };
        let object = |object: Object| facts.objects.get(&object.tag);
        let retired: Vec<Slot> = object(KEY_HISTORY)
            .into_iter()
            .flat_map(|history| KeyHistory::parse(history).on_card_keys())
            .map(Slot::Retired)
            .filter(|slot| !has(slot))
            .collect();
        let applets: Vec<Applet> = object(CAPABILITIES)
            .into_iter()
            .flat_map(|ccc| Ccc::parse(ccc).pki_applets().collect::<BTreeSet<_>>())
            .filter(|applet| object(objects::of_applet(*applet)).is_none())
            .collect();
        let has_objects = object(CHUID).is_some() && object(SECURITY).is_some();
        let is_all_there = match facts.edge {
            Edge::Piv => has_objects && retired.is_empty() && applets.is_empty(),
            Edge::Cac(_) => false,
        };
        let certificates = facts.certificates.iter();
        (!is_all_there && !facts.is_contactless).then(|| Self {
            card: facts.id.clone(),
            edge: facts.edge,
            retired,
            applets,
            known: certificates
                .map(|certificate| certificate.der.clone())
                .collect(),
        })
    }
}

impl Missing {
    fn known(&self) -> Vec<&[u8]> {
        self.known.iter().map(|der| &der[..]).collect()
    }
}

/// Reads what is missing, if the card is still the same.
pub fn read_rest(
    transport: &mut dyn Transport,
    habits: &Habits,
    missing: &Missing,
) -> Result<Rest, CardError> {
    let mut exchange = Exchange::new(transport, habits);
    let rest = match missing.edge {
        Edge::Piv => read_piv(&mut exchange, missing),
        Edge::Cac(kind) => read_cac(&mut exchange, kind, missing),
    };
    exchange.settle();
    rest.map(|rest| Rest {
        apdus: exchange.sent(),
        ..rest
    })
}

fn read_cac(exchange: &mut Exchange<'_>, kind: Kind, missing: &Missing) -> Result<Rest, CardError> {
    if cac_read::id_of(exchange, kind, &missing.known())?.as_ref() != Some(&missing.card) {
        return Err(CardError::OtherCard);
    }
    let (person, personnel) = cac_read::demographics(exchange)?;
    Ok(Rest {
        person,
        personnel,
        ..Rest::default()
    })
}

fn read_piv(exchange: &mut Exchange<'_>, missing: &Missing) -> Result<Rest, CardError> {
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
    let applets = missing.applets.iter().copied();
    let beside = read_beside(exchange, applets, &missing.known())?;
    rest.certificates.extend(beside.certificates);
    rest.objects.extend(beside.objects);
    rest.unread.extend(beside.unread);
    Ok(rest)
}
