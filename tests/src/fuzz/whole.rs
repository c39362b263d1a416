//! A card as a whole: read, known, signed with, and what is made of it.

use cac_common::certificate::Slot;
use cac_common::identity::CardId;
use cac_common::locked::Locked;
use cac_common::pin::{Pin, PinFor};
use cac_common::profile::Purpose;
use cac_common::snapshot::{PinReference, PinStatus, Visit};
use cacd::card::apdu::Exchange;
use cacd::card::cac::{self, ACCESS_CONTROL};
use cacd::card::cac_read::Kind;
use cacd::card::certificate;
use cacd::card::chuid::Chuid;
use cacd::card::consistency;
use cacd::card::demographics::{Person, Personnel};
use cacd::card::error::CardError;
use cacd::card::facts::{CardCertificate, CardFacts, Edge};
use cacd::card::habits::Habits;
use cacd::card::holder::{Evidence, card_id, holder_by};
use cacd::card::known::{KnownCard, Objects};
use cacd::card::logged_in::Target;
use cacd::card::login::weigh;
use cacd::card::piv::{self, Algorithm, PinState, Ways};
use cacd::card::printed::Printed;
use cacd::card::read::{Reading, read_card};
use cacd::card::rest::{Missing, read_rest};
use cacd::card::sign::{self, Order};
use cacd::card::tlv;
use cacd::card::transport::{Protocol, Transport, TransportError};
use cacd::event::HeldPin;

use super::scripted::{PIN, ScriptedCard};
use super::{Input, NOW};

/// 24 certificates of PIV, and as many applets as there can be.
const MOST_CERTIFICATES: usize = 24 + 256;

/// A card that is read, and then read on, or put in again as a known one.
pub(super) fn read(data: &[u8]) -> bool {
    let mut input = Input(data);
    let is_put_in_again = input.byte() & 1 == 1;
    let mut card = ScriptedCard::new(input);
    let habits = Habits::default();
    let first = read_with(&mut card, &habits, &[]);
    let Ok(mut facts) = first else {
        assert!(card.pins.is_empty());
        return false;
    };
    card.begin_again();
    let is_read = if is_put_in_again {
        let known = [on_record(&facts)];
        let again = read_with(&mut card, &habits, &known);
        again.is_ok_and(|again| again.id == facts.id)
    } else {
        let missing = Missing::of(&facts);
        let rest = missing.map(|missing| read_rest(&mut card, &habits, &missing));
        match rest {
            Some(Ok(rest)) => {
                facts.take_rest(rest, NOW);
                check(&facts);
                true
            }
            Some(Err(_)) => false,
            None => true,
        }
    };
    assert!(card.pins.is_empty());
    is_read
}

fn read_with(
    card: &mut dyn Transport,
    habits: &Habits,
    known: &[KnownCard],
) -> Result<CardFacts, CardError> {
    let mut done = 0;
    let mut reading = Reading {
        at: NOW,
        habits,
        recall: &mut |_| known.to_vec(),
    };
    let facts = read_card(card, &mut reading, &mut |progress| {
        assert!(progress.done >= done);
        done = progress.done;
    })?;
    check(&facts);
    Ok(facts)
}

fn check(facts: &CardFacts) {
    assert!(facts.certificates.len() <= MOST_CERTIFICATES);
    assert!(!facts.id.0.is_empty());
    for (at, finding) in facts.findings.iter().enumerate() {
        let before = &facts.findings[..at];
        assert!(!before.contains(finding), "told twice: {finding:?}");
    }
    for purpose in [Purpose::Authentication, Purpose::Signature] {
        if let Some(certificate) = facts.certificate_for(purpose) {
            assert!(certificate.purposes.may_sign());
        }
    }
}

pub(super) fn on_record(facts: &CardFacts) -> KnownCard {
    KnownCard {
        certificates: facts
            .certificates
            .iter()
            .map(|certificate| (certificate.summary.slot, certificate.der.clone()))
            .collect(),
        objects: facts.objects.clone(),
    }
}

/// One signature: the order first, then the card.
pub(super) fn sign(data: &[u8]) -> bool {
    let mut input = Input(data);
    let even_the_last_try = input.byte() & 1 == 1;
    let id = CardId(String::from_utf8_lossy(input.part()).into_owned());
    let der = input.part().to_vec();
    let (slot, edge, ways) = (
        slot_of(input.byte()),
        edge_of(input.byte()),
        ways_of(input.byte()),
    );
    let algorithm = certificate::parse(slot, der.clone())
        .ok()
        .and_then(|certificate| Algorithm::of_key(&certificate.summary.key))
        .unwrap_or(Algorithm::Rsa2048);
    let order = Order {
        target: Target {
            card: id,
            slot,
            certificate: der,
            edge,
            ways,
        },
        algorithm,
        block: block_for(algorithm),
    };
    let mut card = ScriptedCard::new(input);
    let pin = pin(&order.target.card, even_the_last_try);

    let signed = sign::sign(&mut card, &Habits::default(), &order, pin);

    assert!(card.pins.len() <= 1, "the PIN was sent twice");
    let sent = card.pins.first();
    if let Some(sent) = sent {
        let is_safe = matches!(sent.state_before, Some(0x63C2..=0x63CF | 0x6302..=0x630F));
        assert!(
            is_safe || even_the_last_try,
            "a PIN was sent that could be the last try: {sent:?}"
        );
    }
    match (&signed.pin, sent) {
        (Some(HeldPin::Unsent(_)), sent) => assert!(sent.is_none()),
        (Some(HeldPin::Accepted(_)), sent) => {
            assert_eq!(sent.and_then(|sent| sent.status), Some(0x9000));
        }
        (None, Some(sent)) => assert_ne!(sent.status, Some(0x9000)),
        (None, None) => assert!(signed.result.is_err()),
    }
    if signed.result.is_ok() {
        assert!(sent.is_some());
        // Whoever was logged in before stays so; we do not.
        let was_logged_in = sent.is_some_and(|sent| sent.state_before == Some(0x9000));
        assert!(was_logged_in || signed.tries != Some(PinStatus::OtherProgram));
    }
    signed.result.is_ok()
}

/// As long as the key wants it.
pub(super) fn block_for(algorithm: Algorithm) -> Vec<u8> {
    match algorithm {
        Algorithm::Rsa2048 => vec![7; 256],
        Algorithm::Rsa3072 => vec![7; 384],
        Algorithm::P256 => vec![7; 32],
        Algorithm::P384 => vec![7; 48],
    }
}

/// A PIN that is sent to no card but that one.
pub(super) fn pin(card: &CardId, even_the_last_try: bool) -> HeldPin {
    let mut locked = Locked::new().expect("a page can be locked");
    locked.bytes_mut()[..PIN.len()].copy_from_slice(PIN.as_bytes());
    let typed_for = PinFor {
        uid: 1000,
        card: card.clone(),
        visit: Visit(1),
        even_the_last_try,
        by_login: false,
    };
    let pin = Pin::new(locked, PIN.len(), typed_for).expect("it is eight digits");
    HeldPin::Unsent(pin)
}

/// Every place of a certificate, by its place in the list of all.
fn slot_of(byte: u8) -> Slot {
    let count = Slot::all().count();
    let mut slots = Slot::all();
    slots
        .nth(usize::from(byte) % count)
        .expect("it is less than there are")
}

pub(super) fn byte_of(slot: Slot) -> u8 {
    let at = Slot::all().position(|one| one == slot);
    at.and_then(|at| u8::try_from(at).ok())
        .expect("every slot is in the list of all")
}

fn edge_of(byte: u8) -> Edge {
    match byte % 6 {
        0 => Edge::Piv,
        1 => Edge::Cac(Kind::Named),
        2 => Edge::Cac(Kind::Token(ACCESS_CONTROL[0])),
        3 => Edge::Cac(Kind::Token(ACCESS_CONTROL[1])),
        4 => Edge::Cac(Kind::Bare),
        _ => Edge::Cac(Kind::FirstGeneration),
    }
}

fn ways_of(byte: u8) -> Ways {
    Ways {
        pin: if byte & 1 == 1 {
            PinReference::Global
        } else {
            PinReference::Application
        },
        is_dual: byte & 2 == 2,
    }
}

/// What an empty VERIFY tells, over PIV and over the CAC edge.
pub(super) fn status(data: &[u8]) -> bool {
    let habits = Habits::default();
    let mut over_piv = ScriptedCard::new(Input(data));
    let piv = piv::pin_state(
        &mut Exchange::new(&mut over_piv, &habits),
        PinReference::Application,
    );
    let mut over_cac = ScriptedCard::new(Input(data));
    let cac = cac::pin_state(&mut Exchange::new(&mut over_cac, &habits));
    for state in [&piv, &cac].into_iter().flatten() {
        if let PinState::LoggedOut {
            tries_left: Some(tries),
        } = state
        {
            assert!(*tries <= 15);
        }
        let _ = PinStatus::from(*state);
    }
    piv.is_ok() && cac.is_ok()
}

/// What is made of everything that was read: the CHUID, Printed Information,
/// both containers of a CAC, then certificates, each with its place.
pub(super) fn facts(data: &[u8]) -> bool {
    let mut input = Input(data);
    let chuid = Chuid::parse(input.part());
    let printed = Printed::parse(input.part());
    let (tags, values) = (input.part(), input.part());
    let person = Person::parse(tags, values).ok();
    let (tags, values) = (input.part(), input.part());
    let personnel = Personnel::parse(tags, values).ok();
    let mut certificates: Vec<CardCertificate> = Vec::new();
    while !input.is_empty() && certificates.len() < MOST_CERTIFICATES {
        let slot = slot_of(input.byte());
        certificates.extend(certificate::parse(slot, input.part().to_vec()));
    }
    let holder = holder_by(&Evidence {
        certificates: &certificates,
        fascn: chuid.fascn.as_ref(),
        person: person.as_ref(),
        personnel: personnel.as_ref(),
        printed: Some(&printed),
    });
    let known = consistency::Known {
        chuid: &chuid,
        certificates: &certificates,
        printed: Some(&printed),
        differing: &[],
    };
    for finding in consistency::findings(&known, NOW) {
        assert!(!finding.object.is_empty() && !finding.meaning.is_empty());
    }
    let login = weigh(&certificates, Some(NOW));
    let Some(id) = card_id(&chuid, &certificates) else {
        return false;
    };
    let facts = CardFacts {
        id,
        edge: Edge::Piv,
        expires: chuid.expires.clone(),
        holder: None,
        persona_key: String::new(),
        certificates,
        objects: Objects::new(),
        ways: ways_of(0),
        is_contactless: false,
        login: None,
        pin: PinStatus::Ready { tries_left: None },
        chuid,
        unread: Vec::new(),
        judged: Vec::new(),
        findings: Vec::new(),
        apdus: 0,
    }
    .put_together(NOW);
    check(&facts);
    assert!(!facts.persona_key.is_empty());
    if let Ok(choice) = &login.choice {
        let chosen = facts.login.as_ref().map(|login| login.slot);
        assert_eq!(chosen, Some(choice.slot));
    }
    holder.is_some() && login.choice.is_ok()
}

/// The front of a certificate object on a card that is known, in pieces of any
/// size: nothing but the very certificate is taken for the one on record.
pub(super) fn front(data: &[u8]) -> bool {
    let mut input = Input(data);
    let mut card = OneCertificate {
        piece: usize::from(input.byte()).max(1),
        known: input.part(),
        content: input.rest(),
        left: None,
    };
    let known = KnownCard {
        certificates: [(Slot::Authentication, card.known.to_vec())].into(),
        objects: Objects::new(),
    };
    let Ok(facts) = read_with(&mut card, &Habits::default(), &[known]) else {
        return false;
    };
    let is_the_known = facts.certificates.iter().any(|certificate| {
        certificate.summary.slot == Slot::Authentication && certificate.der == card.known
    });
    if is_the_known {
        let written = tlv::open(card.content).map(|(_, length, _)| length);
        let unpacked = certificate::unpack(card.content);
        assert!(
            written == Ok(card.known.len()) || unpacked.as_deref() == Ok(card.known),
            "another certificate was taken for the one on record"
        );
    }
    is_the_known
}

/// A PIV card with a number of its own and one certificate, and nothing else.
struct OneCertificate<'a> {
    /// Bytes of one answer.
    piece: usize,
    known: &'a [u8],
    content: &'a [u8],
    /// Of the object that is being fetched.
    left: Option<Vec<u8>>,
}

/// A Card UUID, and no more.
const CHUID: &[u8] =
    b"\x53\x12\x34\x10\x00\x11\x22\x33\x44\x55\x46\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF";

impl Transport for OneCertificate<'_> {
    fn protocol(&self) -> Protocol {
        Protocol::T1
    }

    fn atr(&self) -> &[u8] {
        &[]
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        const CERTIFICATE: [u8; 5] = [0x5C, 0x03, 0x5F, 0xC1, 0x05];
        const NUMBER: [u8; 5] = [0x5C, 0x03, 0x5F, 0xC1, 0x02];
        let whole = match command {
            [0x00, 0xA4, ..] => {
                b"\x61\x11\x4F\x06\x00\x00\x10\x00\x01\x00\x79\x07\x4F\x05\xA0\x00\x00\x03\x08"
                    .to_vec()
            }
            [0x00, 0xC0, ..] => self.left.take().unwrap_or_default(),
            [0x00, 0xCB, _, _, _, asked @ ..] if asked.starts_with(&NUMBER) => CHUID.to_vec(),
            [0x00, 0xCB, _, _, _, asked @ ..] if asked.starts_with(&CERTIFICATE) => {
                let length = u16::try_from(self.content.len()).unwrap_or(u16::MAX);
                [&[0x53, 0x82][..], &length.to_be_bytes(), self.content].concat()
            }
            _ => return Ok(vec![0x6A, 0x82]),
        };
        let mut answer = whole;
        if answer.len() > self.piece {
            self.left = Some(answer.split_off(self.piece));
            answer.extend([0x61, 0x00]);
        } else {
            answer.extend([0x90, 0x00]);
        }
        Ok(answer)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }
}
