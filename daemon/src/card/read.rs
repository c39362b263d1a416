//! The first look at a card: who it is, then what signs in, then the rest.

mod told;

use cac_common::certificate::{Applet, Slot};
use cac_common::finding::Finding;
use cac_common::identity::{CardId, Edipi};
use cac_common::snapshot::{Holder, PinReference, PinStatus};
use cac_common::time::UtcSeconds;

pub(super) use self::told::{DAMAGED, finding, no_certificate};
use super::apdu::Exchange;
use super::atr;
use super::cac_read::{APPLETS, read_beside, read_cac};
use super::ccc::Ccc;
use super::certificate;
use super::chuid::Chuid;
use super::discovery::{self, Discovery};
use super::error::{CardError, StatusWord};
use super::facts::{CardCertificate, CardFacts, Edge};
use super::habits::Habits;
use super::holder::{card_id, holder, id_by, named};
use super::known::{KnownCard, Objects};
use super::login::choose_login;
use super::objects::{self, CAPABILITIES, CHUID, DISCOVERY, KEY_HISTORY, Object, SECURITY};
use super::piv::{self, Content, Ways};
use super::transport::Transport;

/// Pieces that [`read_card`] reports as done: the CHUID, and one for each slot.
pub const PIECES: u32 = 5;
const _: () = assert!(PIECES as usize == 1 + Slot::PIV.len());

/// How far it is, and what is known so far.
pub struct Progress {
    pub done: u32,
    /// What is read now.
    pub what: String,
    pub id: Option<CardId>,
    /// As the FASC-N says it.
    pub dod_id: Option<Edipi>,
    pub holder: Option<Holder>,
    pub certificates: Vec<CardCertificate>,
}

/// What a card is read with.
pub struct Reading<'a> {
    /// The moment: certificates that have expired are not chosen.
    pub at: UtcSeconds,
    pub habits: &'a Habits,
    /// What is on record of a card by its ID: more than one where cards that
    /// say they are the same belong to different personas.
    pub recall: &'a mut dyn FnMut(&CardId) -> Vec<KnownCard>,
}

/// Reads a card whole, but for what can wait ([`super::rest`]). A certificate
/// that is missing or broken is a finding, and the rest is read all the same.
/// Of a card that is on record, no more than tells whether it has changed.
pub fn read_card(
    transport: &mut dyn Transport,
    reading: &mut Reading<'_>,
    report: &mut dyn FnMut(Progress),
) -> Result<CardFacts, CardError> {
    let mut exchange = Exchange::new(transport, reading.habits);
    let of_the_reader = of_the_reader(&exchange);
    match piv::select(&mut exchange) {
        Ok(()) => {}
        Err(CardError::NotPiv) => {
            return read_cac(&mut exchange, reading, of_the_reader, report);
        }
        Err(
            shut_down @ CardError::Refused {
                status: StatusWord::DEACTIVATED,
                ..
            },
        ) => {
            return match read_cac(&mut exchange, reading, of_the_reader, report) {
                Err(CardError::NotPiv) => Err(shut_down),
                read => read,
            };
        }
        Err(error) => return Err(error),
    }
    let read = PivRead {
        exchange: &mut exchange,
        report,
        known: Vec::new(),
        is_known: false,
        chuid: Chuid::default(),
        certificates: Vec::new(),
        objects: Objects::new(),
        findings: of_the_reader,
        done: 0,
    };
    let facts = read.run(reading);
    exchange.settle();
    facts
}

/// A read of the PIV edge that goes on.
struct PivRead<'a, 'card> {
    exchange: &'a mut Exchange<'card>,
    report: &'a mut dyn FnMut(Progress),
    /// What is on record, as far as it agrees with what was read.
    known: Vec<KnownCard>,
    /// The first of them holds the certificate that names this persona.
    is_known: bool,
    chuid: Chuid,
    certificates: Vec<CardCertificate>,
    objects: Objects,
    findings: Vec<Finding>,
    done: u32,
}

impl PivRead<'_, '_> {
    fn run(mut self, reading: &mut Reading<'_>) -> Result<CardFacts, CardError> {
        self.begin(CHUID.name);
        let front = self.read_chuid()?;
        self.done += 1;
        self.begin(&certificate_at(Slot::Authentication));
        if let Some(id) = self.chuid.card_id() {
            self.known = (reading.recall)(&id);
        }
        self.read_slot(Slot::Authentication)?;
        self.narrow_down(front.as_deref());
        let discovery = self.read_object(DISCOVERY)?;
        let pin_reference = self.pin_reference(&discovery);
        self.begin("PIN");
        let pin = match piv::pin_state(self.exchange, pin_reference) {
            Ok(state) => state.into(),
            Err(error) => {
                self.note("PIN", error)?;
                PinStatus::Ready { tries_left: None }
            }
        };
        let is_told = self.objects.contains_key(&DISCOVERY.tag);
        let counts = matches!(
            pin,
            PinStatus::Ready {
                tries_left: Some(_)
            }
        );
        let pin = if !is_told && counts && piv::has_global_pin(self.exchange)? {
            self.findings.push(discovery::unread());
            PinStatus::Ready { tries_left: None }
        } else {
            pin
        };
        let capabilities = self.read_object(CAPABILITIES)?;
        for slot in [
            Slot::Signature,
            Slot::KeyManagement,
            Slot::CardAuthentication,
        ] {
            self.begin(&certificate_at(slot));
            self.read_slot(slot)?;
        }
        // Whole, and so the last: nothing is left unread behind us.
        self.read_key_history()?;
        let ccc = Ccc::parse(&capabilities);
        let ways = Ways {
            pin: pin_reference,
            // A card that does not say may have the applets of the CAC.
            is_dual: capabilities.is_empty() || ccc.is_dual() || ccc.pki_applets().next().is_some(),
        };
        if choose_login(&self.certificates, None).is_none() {
            // PIV was not activated on some cards, whose identity certificate signs in.
            self.read_applets(&ccc)?;
        }
        self.findings.extend(ccc.findings);

        let Some(id) = card_id(&self.chuid, &self.certificates) else {
            self.findings.extend(self.chuid.findings);
            return Err(CardError::Nameless {
                findings: self.findings,
            });
        };
        self.certificates
            .sort_by_key(|certificate| certificate.summary.slot);
        let facts = CardFacts {
            persona_key: String::new(),
            edge: Edge::Piv,
            expires: self.chuid.expires.clone(),
            id,
            holder: None,
            certificates: self.certificates,
            objects: self.objects,
            ways,
            is_contactless: atr::is_contactless(self.exchange.atr()),
            login: None,
            pin,
            chuid: self.chuid,
            unread: self.findings,
            judged: Vec::new(),
            findings: Vec::new(),
            apdus: self.exchange.sent(),
        };
        Ok(facts.put_together(reading.at))
    }

    /// Reads the CHUID as far as it says which card it is, and gives that part
    /// if it is not the whole. One that is missing or broken says nothing, and why.
    fn read_chuid(&mut self) -> Result<Option<Vec<u8>>, CardError> {
        let mut front = None;
        match piv::get_head(self.exchange, CHUID, &mut |front| {
            Chuid::parse_head(front).is_enough
        }) {
            Ok(Content::Part(content)) => {
                self.chuid = Chuid::parse_head(&content).chuid;
                front = Some(content);
            }
            Ok(Content::Whole(content)) => {
                self.chuid = Chuid::parse(&content);
                self.objects.insert(CHUID.tag, content);
            }
            Ok(Content::Absent) => {
                self.findings
                    .push(Finding::fault("CHUID", "the card has none", DAMAGED));
            }
            Err(error) => self.findings.push(finding("CHUID", error)?),
        }
        Ok(front)
    }

    /// Keeps of the records those of this persona: where none holds the
    /// certificate that names it, each of their certificates may still be on
    /// the card, but nothing else is taken from them.
    fn narrow_down(&mut self, front_of_chuid: Option<&[u8]>) {
        let slot = Slot::Authentication;
        let own = self
            .certificates
            .iter()
            .find(|certificate| certificate.summary.slot == slot)
            .map(|certificate| &certificate.der);
        self.is_known = own.is_some() && {
            let holds = |known: &KnownCard| known.certificates.get(&slot) == own;
            let any = self.known.iter().any(holds);
            if any {
                self.known.retain(holds);
            }
            any
        };
        let whole = self.on_record(CHUID).cloned();
        if let (Some(front), Some(whole)) = (front_of_chuid, whole)
            && whole.starts_with(front)
        {
            self.chuid = Chuid::parse(&whole);
            self.objects.insert(CHUID.tag, whole);
        }
    }

    /// What is on record of an object of this very card.
    fn on_record(&self, object: Object) -> Option<&Vec<u8>> {
        let known = self.known.first().filter(|_| self.is_known)?;
        known.objects.get(&object.tag)
    }

    fn read_slot(&mut self, slot: Slot) -> Result<(), CardError> {
        match self.certificate_in(slot) {
            Ok(Some(certificate)) => self.certificates.push(certificate),
            Ok(None) => {}
            Err(error) => self.note(&certificate_at(slot), error)?,
        }
        self.done += 1;
        Ok(())
    }

    /// The certificate in a slot: read, or from the record if its front is the same.
    fn certificate_in(&mut self, slot: Slot) -> Result<Option<CardCertificate>, CardError> {
        let Some(object) = objects::certificate(slot) else {
            return Ok(None);
        };
        let mut told = !self.certificates.is_empty() || slot == Slot::CardAuthentication;
        let (report, known) = (&mut *self.report, &self.known);
        let (chuid, done) = (&self.chuid, self.done);
        let mut on_record = None;
        let content = piv::get_head(self.exchange, object, &mut |so_far| {
            if !told
                && let Some(name) = certificate::front(so_far).and_then(|front| front.subject())
            {
                told = true;
                report(Progress {
                    done,
                    what: certificate_at(slot),
                    id: chuid.card_id(),
                    dod_id: chuid.dod_id(),
                    holder: Some(named(&name)),
                    certificates: Vec::new(),
                });
            }
            on_record = known
                .iter()
                .filter_map(|known| known.certificates.get(&slot))
                .find(|der| certificate::front(so_far).is_some_and(|front| front.is_of(der)));
            on_record.is_some()
        })?;
        let der = match (content, on_record) {
            (Content::Absent, _) => return Ok(None),
            (Content::Part(_), Some(der)) => der.clone(),
            (Content::Whole(content) | Content::Part(content), _) => unpack(object, &content)?,
        };
        parse(slot, object, der).map(Some)
    }

    /// An object's content, empty if the card has none: from the record where
    /// the card is on it.
    fn read_object(&mut self, object: Object) -> Result<Vec<u8>, CardError> {
        let content = if let Some(content) = self.on_record(object) {
            content.clone()
        } else {
            self.begin(object.name);
            match piv::get_data(self.exchange, object) {
                Ok(content) => content.unwrap_or_default(),
                Err(error) => {
                    self.note(object.name, error)?;
                    return Ok(Vec::new());
                }
            }
        };
        self.objects.insert(object.tag, content.clone());
        Ok(content)
    }

    /// Which PIN it is: a card without a Discovery Object has that of its PIV application.
    fn pin_reference(&mut self, discovery: &[u8]) -> PinReference {
        if discovery.is_empty() {
            return PinReference::default();
        }
        let discovery = Discovery::parse(discovery);
        self.findings.extend(discovery.findings);
        discovery.pin
    }

    /// CHUID and all four certificates are as they were.
    fn is_unchanged(&self) -> bool {
        let Some(known) = self.known.first().filter(|_| self.is_known) else {
            return false;
        };
        let is_same = |slot: &Slot| {
            let mut certificates = self.certificates.iter();
            let own = certificates.find(|certificate| certificate.summary.slot == *slot);
            own.map(|own| &own.der) == known.certificates.get(slot)
        };
        self.objects.get(&CHUID.tag) == known.objects.get(&CHUID.tag)
            && Slot::PIV.iter().all(is_same)
    }

    fn read_applets(&mut self, ccc: &Ccc) -> Result<(), CardError> {
        self.begin(APPLETS);
        let known = self.certificates.clone();
        let known: Vec<&[u8]> = known.iter().map(|known| &known.der[..]).collect();
        let beside = read_beside(self.exchange, ccc.pki_applets(), &known)?;
        self.certificates.extend(beside.certificates);
        self.objects.extend(beside.objects);
        self.findings.extend(beside.unread);
        Ok(())
    }

    /// Retired certificates do not change while their history stays the same.
    fn read_key_history(&mut self) -> Result<(), CardError> {
        self.begin(KEY_HISTORY.name);
        let history = match piv::get_data(self.exchange, KEY_HISTORY) {
            Ok(content) => content.unwrap_or_default(),
            Err(error) => return self.note(KEY_HISTORY.name, error),
        };
        if self.on_record(KEY_HISTORY) == Some(&history) && self.is_unchanged() {
            if let Some(security) = self.on_record(SECURITY).cloned() {
                self.objects.insert(SECURITY.tag, security);
            }
            // What the CAC edge has beside is issued with the rest.
            let applets = Applet::all().map(|applet| objects::of_applet(applet).tag);
            for tag in applets {
                if let Some(content) = self.known[0].objects.get(&tag) {
                    self.objects.insert(tag, content.clone());
                }
            }
            let retired = self.known[0]
                .certificates
                .iter()
                .filter(|(slot, _)| matches!(slot, Slot::Retired(_) | Slot::Applet(_)))
                .filter_map(|(slot, der)| certificate::parse(*slot, der.clone()).ok());
            self.certificates.extend(retired);
        }
        self.objects.insert(KEY_HISTORY.tag, history);
        Ok(())
    }

    /// Keeps in mind what could not be read; nothing of what no card gives
    /// through the air.
    fn note(&mut self, object: &str, error: CardError) -> Result<(), CardError> {
        let is_withheld = matches!(
            error,
            CardError::Refused {
                status: StatusWord::SECURITY,
                ..
            }
        );
        if !(is_withheld && atr::is_contactless(self.exchange.atr())) {
            self.findings.push(finding(object, error)?);
        }
        Ok(())
    }

    /// Tells what is read next, and all that was read so far.
    fn begin(&mut self, what: &str) {
        (self.report)(Progress {
            done: self.done.min(PIECES),
            what: what.to_owned(),
            id: card_id(&self.chuid, &self.certificates),
            dod_id: self.chuid.dod_id(),
            holder: holder(&self.certificates, self.chuid.fascn.as_ref()),
            certificates: self.certificates.clone(),
        });
    }
}

/// What is to be known of where the card lies, before a PIN is typed.
fn of_the_reader(exchange: &Exchange<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if atr::is_contactless(exchange.atr()) {
        findings.push(Finding::warning(
            "card",
            "it lies on a contactless reader",
            "PIN and certificates do not work through the air. Put it into a reader with a slot, chip first.",
        ));
    }
    if exchange.has_keypad() {
        findings.push(Finding::note(
            "reader",
            "its keypad is not supported yet",
            "Type the PIN on the computer. If the reader takes it only on its keypad, use another reader: nothing is sent to the card before you have typed it.",
        ));
    }
    findings
}

/// Which card it is that has no number of its own.
pub(super) fn id_of_unnumbered(exchange: &mut Exchange<'_>) -> Result<Option<CardId>, CardError> {
    let certificate = read_certificate(exchange, Slot::Authentication)?;
    Ok(certificate.map(|certificate| id_by(&certificate.der)))
}

/// Reads the certificate in a slot whole; `None` if there is none.
pub fn read_certificate(
    exchange: &mut Exchange<'_>,
    slot: Slot,
) -> Result<Option<CardCertificate>, CardError> {
    let Some(object) = objects::certificate(slot) else {
        return Ok(None);
    };
    let Some(content) = piv::get_data(exchange, object)? else {
        return Ok(None);
    };
    parse(slot, object, unpack(object, &content)?).map(Some)
}

/// As people call the certificate in a slot.
pub(super) fn certificate_at(slot: Slot) -> String {
    format!("{slot} certificate")
}

fn unpack(object: Object, content: &[u8]) -> Result<Vec<u8>, CardError> {
    certificate::unpack(content).map_err(|error| no_certificate(object.name, &error))
}

fn parse(slot: Slot, object: Object, der: Vec<u8>) -> Result<CardCertificate, CardError> {
    certificate::parse(slot, der).map_err(|error| no_certificate(object.name, &error))
}
