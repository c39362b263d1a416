//! Reading a card over its CAC edge: which kind it is, its certificates, and
//! what it says of its holder.

use std::fmt;

use cac_common::certificate::{Applet, Slot};
use cac_common::finding::Finding;
use cac_common::identity::CardId;
use cac_common::snapshot::{PinReference, PinStatus};

use super::apdu::Exchange;
use super::atr;
use super::cac::{self, ACCESS_CONTROL, Aid, Buffer, CCC, PERSON, PERSONNEL};
use super::ccc::Ccc;
use super::certificate;
use super::chuid::Chuid;
use super::demographics::{Person, Personnel};
use super::error::{CardError, StatusWord};
use super::facts::{CardCertificate, CardFacts, Edge};
use super::holder::{card_id, holder, id_by};
use super::known::Objects;
use super::objects;
use super::piv::{PinState, Ways};
use super::read::{PIECES, Progress, Reading, certificate_at, finding, no_certificate};

/// How the applets of a card are found and used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Card Capability Container names them (CAC-2, GSC-IS 2.1).
    Named,
    /// An alternate token: this applet names them, and takes the PIN for all.
    Token(Aid),
    /// They are there, and nothing names them.
    Bare,
    /// The same, and they know no buffers (CAC-1).
    FirstGeneration,
}

/// What people call it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Named => "CAC",
            Self::Token(_) => "CAC alternate token",
            Self::Bare => "CAC token",
            Self::FirstGeneration => "CAC, first generation",
        })
    }
}

/// Reads a card that has no PIV.
pub(super) fn read_cac(
    exchange: &mut Exchange<'_>,
    reading: &Reading<'_>,
    mut findings: Vec<Finding>,
    report: &mut dyn FnMut(Progress),
) -> Result<CardFacts, CardError> {
    let before = findings.len();
    let mut certificates: Vec<CardCertificate> = Vec::new();
    let mut tell = |done: u32, what: &str, certificates: &[CardCertificate]| {
        report(Progress {
            done: done.min(PIECES),
            what: what.to_owned(),
            id: card_id(&Chuid::default(), certificates),
            dod_id: None,
            holder: holder(certificates, None),
            certificates: certificates.to_vec(),
        });
    };
    tell(0, APPLETS, &[]);
    let (mut kind, applets) = detect(exchange, &mut findings)?;
    let mut done = 1;
    for applet in applets {
        // Where nothing names them, most are not there.
        if matches!(kind, Kind::Named | Kind::Token(_)) {
            tell(done, &name(applet), &certificates);
        }
        let found = match certificate_in(exchange, kind, applet, &[]) {
            // The first applet that is there tells.
            Err(CardError::Refused {
                command: "READ BUFFER",
                status: StatusWord(0x6D00 | 0x6E00),
            }) if kind == Kind::Bare && certificates.is_empty() => {
                kind = Kind::FirstGeneration;
                certificate_in(exchange, kind, applet, &[])
            }
            found => found,
        };
        match found {
            Ok(Found::New(certificate)) => certificates.push(*certificate),
            Ok(Found::Absent | Found::Same(_)) => continue,
            // Nothing named it, and it may be a card of any kind.
            Err(CardError::Refused {
                command: "SELECT",
                status,
            }) if kind == Kind::Bare && !status.is_failure_of_the_card() => continue,
            Err(error) => {
                findings.push(finding(&name(applet), error)?);
                continue;
            }
        }
        done += 1;
        tell(done, APPLETS, &certificates);
    }
    let Some(id) = card_id(&Chuid::default(), &certificates) else {
        let is_nothing =
            findings.len() == before && matches!(kind, Kind::Bare | Kind::FirstGeneration);
        return Err(if is_nothing {
            CardError::NotPiv
        } else {
            CardError::Nameless { findings }
        });
    };
    let pin = match state_of_pin(exchange, kind) {
        Ok(state) => state.into(),
        Err(error) => {
            findings.push(finding("PIN", error)?);
            PinStatus::Ready { tries_left: None }
        }
    };
    let facts = CardFacts {
        persona_key: String::new(),
        edge: Edge::Cac(kind),
        expires: None,
        id,
        holder: None,
        certificates,
        objects: Objects::new(),
        ways: Ways {
            pin: PinReference::Global,
            is_dual: false,
        },
        is_contactless: atr::is_contactless(exchange.atr()),
        login: None,
        pin,
        chuid: Chuid::default(),
        unread: findings,
        judged: Vec::new(),
        findings: Vec::new(),
        apdus: exchange.sent(),
    };
    Ok(facts.put_together(reading.at))
}

/// What an applet holds.
pub(super) enum Found {
    Absent,
    /// A certificate that is known from elsewhere.
    Same(Vec<u8>),
    New(Box<CardCertificate>),
}

/// Reads the certificate of an applet, unless its front shows that it is one of `known`.
pub(super) fn certificate_in(
    exchange: &mut Exchange<'_>,
    kind: Kind,
    applet: Applet,
    known: &[&[u8]],
) -> Result<Found, CardError> {
    if !cac::select(exchange, cac::pki(applet))? {
        return Ok(Found::Absent);
    }
    let unpacked = if kind == Kind::FirstGeneration {
        let content = match cac::get_certificate(exchange) {
            // Its parts cannot be asked for again one by one.
            Err(CardError::Refused { status, .. })
                if status.is_of_another_application()
                    && cac::select(exchange, cac::pki(applet))? =>
            {
                cac::get_certificate(exchange)
            }
            content => content,
        }?;
        // Before it stands one byte of information, which some set wrongly.
        certificate::inflated(content.get(1..).unwrap_or_default())
    } else {
        let tags = cac::read_buffer(exchange, Buffer::Tags, &mut |_| false)?;
        let mut same = None;
        let values = cac::read_buffer(exchange, Buffer::Values, &mut |so_far| {
            same = certificate::front_in_values(&tags, so_far)
                .and_then(|front| known.iter().find(|der| front.is_of(der)));
            same.is_some()
        })?;
        if let Some(der) = same {
            return Ok(Found::Same(der.to_vec()));
        }
        if tags.is_empty() && values.is_empty() {
            return Ok(Found::Absent);
        }
        certificate::unpack_buffers(&tags, &values)
    };
    let der = unpacked.map_err(|error| no_certificate(CERTIFICATE, &error))?;
    if known.contains(&&der[..]) {
        return Ok(Found::Same(der));
    }
    certificate::parse(Slot::Applet(applet), der)
        .map(|certificate| Found::New(Box::new(certificate)))
        .map_err(|error| no_certificate(CERTIFICATE, &error))
}

/// What was found in applets of a card that has PIV too.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) certificates: Vec<CardCertificate>,
    /// Marks the applets that were looked into.
    pub(super) objects: Objects,
    pub(super) unread: Vec<Finding>,
}

/// Reads the certificates that PIV has not.
pub(super) fn read_beside(
    exchange: &mut Exchange<'_>,
    applets: impl IntoIterator<Item = Applet>,
    known: &[&[u8]],
) -> Result<Beside, CardError> {
    let mut beside = Beside::default();
    for applet in applets {
        match certificate_in(exchange, Kind::Named, applet, known) {
            Ok(found) => {
                beside
                    .objects
                    .insert(objects::of_applet(applet).tag, Vec::new());
                if let Found::New(certificate) = found {
                    beside.certificates.push(*certificate);
                }
            }
            Err(error) => beside.unread.push(finding(&name(applet), error)?),
        }
    }
    Ok(beside)
}

/// What names a card without PIV: the certificate of its first applet that has
/// one; no more than the front of it is read if it is one of `known`.
pub(super) fn id_of(
    exchange: &mut Exchange<'_>,
    kind: Kind,
    known: &[&[u8]],
) -> Result<Option<CardId>, CardError> {
    for applet in Applet::all() {
        match certificate_in(exchange, kind, applet, known) {
            Err(error @ CardError::Transport(_)) => return Err(error),
            // One that could not be read did not name the card before either.
            Ok(Found::Absent) | Err(_) => {}
            Ok(Found::Same(der)) => return Ok(Some(id_by(&der))),
            Ok(Found::New(certificate)) => return Ok(Some(id_by(&certificate.der))),
        }
    }
    Ok(None)
}

/// What is read of a card whose certificates lie in applets of their own, as
/// long as it is not known in which.
pub(super) const APPLETS: &str = "CAC applets";

/// How it is named in errors.
const CERTIFICATE: &str = "CAC certificate";

/// What the person and personnel containers say, where they can be read; they
/// are missing from most cards, or want a PIN.
pub(super) fn demographics(
    exchange: &mut Exchange<'_>,
) -> Result<(Option<Person>, Option<Personnel>), CardError> {
    let person =
        container(exchange, PERSON)?.and_then(|(tags, values)| Person::parse(&tags, &values).ok());
    let personnel = container(exchange, PERSONNEL)?
        .and_then(|(tags, values)| Personnel::parse(&tags, &values).ok());
    Ok((person, personnel))
}

/// Which applets hold certificates, in the order of their numbers.
fn detect(
    exchange: &mut Exchange<'_>,
    findings: &mut Vec<Finding>,
) -> Result<(Kind, Vec<Applet>), CardError> {
    let (kind, mut applets) = if is_there(exchange, CCC)? {
        let applets = match named_by_ccc(exchange) {
            Ok(ccc) => {
                findings.extend(ccc.findings.iter().cloned());
                ccc.pki_applets().collect()
            }
            Err(error) => {
                findings.push(finding("CCC", error)?);
                Vec::new()
            }
        };
        (Kind::Named, applets)
    } else if let Some(aid) = access_control(exchange)? {
        let applets = match cac::service_table(exchange) {
            Ok(aids) => aids.into_iter().filter_map(cac::applet_of).collect(),
            Err(error) => {
                findings.push(finding("service table", error)?);
                Vec::new()
            }
        };
        (Kind::Token(aid), applets)
    } else {
        (Kind::Bare, Vec::new())
    };
    if applets.is_empty() {
        applets = Applet::all().collect();
    }
    applets.sort_unstable();
    applets.dedup();
    Ok((kind, applets))
}

fn named_by_ccc(exchange: &mut Exchange<'_>) -> Result<Ccc, CardError> {
    let tags = cac::read_buffer(exchange, Buffer::Tags, &mut |_| false)?;
    let values = cac::read_buffer(exchange, Buffer::Values, &mut |_| false)?;
    Ok(Ccc::parse_buffers(&tags, &values))
}

/// Whether a card that may be of any kind has an application; however it says
/// that it has not.
fn is_there(exchange: &mut Exchange<'_>, aid: Aid) -> Result<bool, CardError> {
    match cac::select(exchange, aid) {
        Err(CardError::Refused { status, .. }) if !status.is_failure_of_the_card() => Ok(false),
        selected => selected,
    }
}

fn access_control(exchange: &mut Exchange<'_>) -> Result<Option<Aid>, CardError> {
    for aid in ACCESS_CONTROL {
        if is_there(exchange, aid)? {
            return Ok(Some(aid));
        }
    }
    Ok(None)
}

/// With an applet of certificates selected, or the one that takes the PIN for all.
pub(super) fn state_of_pin(exchange: &mut Exchange<'_>, kind: Kind) -> Result<PinState, CardError> {
    if let Kind::Token(aid) = kind
        && !cac::select(exchange, aid)?
    {
        // A PIN is for that applet, and for no other.
        return Err(CardError::OtherCard);
    }
    cac::pin_state(exchange)
}

/// The contents of both buffers of a container.
type Buffers = (Vec<u8>, Vec<u8>);

/// Both buffers; none where the card does not have it or does not give it.
fn container(exchange: &mut Exchange<'_>, aid: Aid) -> Result<Option<Buffers>, CardError> {
    let mut read = || {
        if !cac::select(exchange, aid)? {
            return Ok(None);
        }
        let tags = cac::read_buffer(exchange, Buffer::Tags, &mut |_| false)?;
        let values = cac::read_buffer(exchange, Buffer::Values, &mut |_| false)?;
        Ok(Some((tags, values)))
    };
    match read() {
        Err(error @ CardError::Transport(_)) => Err(error),
        Err(error) => {
            tracing::debug!(%error, "a container of the CAC edge was not read");
            Ok(None)
        }
        read => read,
    }
}

fn name(applet: Applet) -> String {
    certificate_at(Slot::Applet(applet))
}
