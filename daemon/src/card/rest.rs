//! What can wait until it is known who it is, and what signs in: the whole
//! CHUID with its signature, the Security Object, retired certificates.

use std::collections::{BTreeSet, VecDeque};

use cac_common::certificate::{Applet, Slot};
use cac_common::finding::Finding;
use cac_common::identity::CardId;

use super::apdu::Exchange;
use super::cac_read::{self, read_beside};
use super::ccc::Ccc;
use super::chuid::Chuid;
use super::demographics::{Person, Personnel};
use super::error::CardError;
use super::facts::{CardCertificate, CardFacts, Edge};
use super::habits::Habits;
use super::key_history::KeyHistory;
use super::known::Objects;
use super::objects::{self, CAPABILITIES, CHUID, KEY_HISTORY, Object, SECURITY};
use super::piv::{self, Content};
use super::read::{certificate_at, finding, id_of_unnumbered, read_certificate};
use super::transport::Transport;

/// What is still to be read, and of which card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub card: CardId,
    pub edge: Edge,
    /// In the order in which they are read.
    pieces: VecDeque<Piece>,
    /// Certificates that were read; the CAC edge has some of them again.
    known: Vec<Vec<u8>>,
}

/// What is read without a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Object(Object),
    Retired(Slot),
    /// Of the CAC edge of a card that has PIV too.
    Applet(Applet),
    /// The person and personnel containers of a card without PIV.
    Demographics,
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
    /// What was not come to, since somebody waited for the reader.
    pub left: Option<Missing>,
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
        let mut pieces: VecDeque<Piece> = match facts.edge {
            Edge::Piv => [CHUID, SECURITY].map(Piece::Object).into(),
            Edge::Cac(_) => [Piece::Demographics].into(),
        };
        let always = pieces.len();
        let retired = object(KEY_HISTORY)
            .into_iter()
            .flat_map(|history| KeyHistory::parse(history).on_card_keys())
            .map(Slot::Retired)
            .filter(|slot| !has(slot));
        pieces.extend(retired.map(Piece::Retired));
        let applets = object(CAPABILITIES)
            .into_iter()
            .flat_map(|ccc| Ccc::parse(ccc).pki_applets().collect::<BTreeSet<_>>())
            .filter(|applet| object(objects::of_applet(*applet)).is_none());
        pieces.extend(applets.map(Piece::Applet));
        let has_objects = object(CHUID).is_some() && object(SECURITY).is_some();
        let is_all_there = facts.is_piv() && has_objects && pieces.len() == always;
        let certificates = facts.certificates.iter();
        (!is_all_there && !facts.is_contactless).then(|| Self {
            card: facts.id.clone(),
            edge: facts.edge,
            pieces,
            known: certificates
                .map(|certificate| certificate.der.clone())
                .collect(),
        })
    }

    fn is_of(&self, card: Option<&CardId>) -> Result<(), CardError> {
        if card == Some(&self.card) {
            Ok(())
        } else {
            Err(CardError::OtherCard)
        }
    }

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
    read_rest_until(transport, habits, missing, &|| false)
}

/// The same, but it stops between two pieces when somebody waits for the reader.
pub fn read_rest_until(
    transport: &mut dyn Transport,
    habits: &Habits,
    missing: &Missing,
    somebody_waits: &dyn Fn() -> bool,
) -> Result<Rest, CardError> {
    let mut exchange = Exchange::new(transport, habits);
    let rest = read_pieces(&mut exchange, missing, somebody_waits);
    exchange.settle();
    rest.map(|rest| Rest {
        apdus: exchange.sent(),
        ..rest
    })
}

fn read_pieces(
    exchange: &mut Exchange<'_>,
    missing: &Missing,
    somebody_waits: &dyn Fn() -> bool,
) -> Result<Rest, CardError> {
    let mut rest = Rest::default();
    let mut left = missing.clone();
    if missing.edge == Edge::Piv {
        piv::select(exchange)?;
    }
    // A CHUID that is read whole says by itself which card it is.
    if left.pieces.front() != Some(&Piece::Object(CHUID)) {
        let id = id_of(exchange, missing)?;
        missing.is_of(id.as_ref())?;
    }
    while let Some(piece) = left.pieces.front().copied() {
        if somebody_waits() {
            rest.left = Some(left);
            break;
        }
        read_piece(exchange, missing, piece, &mut rest)?;
        left.pieces.pop_front();
    }
    Ok(rest)
}

fn read_piece(
    exchange: &mut Exchange<'_>,
    missing: &Missing,
    piece: Piece,
    rest: &mut Rest,
) -> Result<(), CardError> {
    match piece {
        Piece::Object(object) => match piv::get_data(exchange, object) {
            Ok(content) => {
                rest.objects.insert(object.tag, content.unwrap_or_default());
            }
            Err(error) => rest.unread.push(finding(object.name, error)?),
        },
        Piece::Retired(slot) => match read_certificate(exchange, slot) {
            Ok(certificate) => rest.certificates.extend(certificate),
            Err(error) => rest.unread.push(finding(&certificate_at(slot), error)?),
        },
        Piece::Applet(applet) => {
            let beside = read_beside(exchange, [applet], &missing.known())?;
            rest.certificates.extend(beside.certificates);
            rest.objects.extend(beside.objects);
            rest.unread.extend(beside.unread);
        }
        Piece::Demographics => {
            (rest.person, rest.personnel) = cac_read::demographics(exchange)?;
        }
    }
    if piece == Piece::Object(CHUID) {
        let chuid = rest.objects.get(&CHUID.tag);
        let id = match chuid.and_then(|chuid| Chuid::parse(chuid).card_id()) {
            None => id_of_unnumbered(exchange)?,
            id => id,
        };
        missing.is_of(id.as_ref())?;
    }
    Ok(())
}

/// Which card it is, from as little as says so.
fn id_of(exchange: &mut Exchange<'_>, missing: &Missing) -> Result<Option<CardId>, CardError> {
    if let Edge::Cac(kind) = missing.edge {
        return cac_read::id_of(exchange, kind, &missing.known());
    }
    let mut is_enough = |front: &[u8]| Chuid::parse_head(front).is_enough;
    let id = match piv::get_head(exchange, CHUID, &mut is_enough) {
        Ok(Content::Part(front) | Content::Whole(front)) => {
            Chuid::parse_head(&front).chuid.card_id()
        }
        Err(error @ CardError::Transport(_)) => return Err(error),
        // It was told when it was read.
        Ok(Content::Absent) | Err(_) => None,
    };
    match id {
        None => id_of_unnumbered(exchange),
        id => Ok(id),
    }
}
