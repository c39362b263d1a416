//! The PIV card edge: the few commands we send (SP 800-73pt2-5 §3).

use cac_common::pin::{AcceptedPin, NewPin, Pin};
use cac_common::registration::TriesLeft;
use cac_common::snapshot::{PinReference, PinStatus};

use super::apdu::{Answer, Command, Exchange, Expects};
use super::error::{CardError, StatusWord};
use super::objects::{OTHER_AIDS, Object, PIV_AID, PRINTED};
use super::tlv;
use super::transport::TransportError;

const SELECT: u8 = 0xA4;
const GET_DATA: u8 = 0xCB;
const VERIFY: u8 = 0x20;
const CHANGE_PIN: u8 = 0x24;
const GENERAL_AUTHENTICATE: u8 = 0x87;

/// What VERIFY is called in errors where it cannot have cost a try.
pub(super) const VERIFY_WITHOUT_PIN: &str = "VERIFY without PIN";

/// What the command that changes a PIN is called in errors.
pub(super) const CHANGE_REFERENCE_DATA: &str = "CHANGE REFERENCE DATA";

/// What has to be known of a card to log in and out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ways {
    pub pin: PinReference,
    /// It has a CAC edge beside PIV, or may have one. Such cards never answer
    /// 9000 to an empty VERIFY, so it cannot prove that nobody is logged in.
    pub is_dual: bool,
}

/// Algorithm identifiers of GENERAL AUTHENTICATE (SP 800-78-5, table 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Rsa2048,
    Rsa3072,
    P256,
    P384,
}

impl From<PinState> for PinStatus {
    fn from(state: PinState) -> Self {
        match state {
            PinState::LoggedOut { tries_left } => Self::Ready { tries_left },
            PinState::LoggedIn => Self::OtherProgram,
            PinState::Blocked => Self::Blocked,
        }
    }
}

impl Algorithm {
    /// By the name in a [`cac_common::certificate::CertificateSummary`].
    pub fn of_key(key: &str) -> Option<Self> {
        match key {
            "RSA-2048" => Some(Self::Rsa2048),
            "RSA-3072" => Some(Self::Rsa3072),
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            _ => None,
        }
    }

    fn identifier(self) -> u8 {
        match self {
            Self::Rsa2048 => 0x07,
            Self::Rsa3072 => 0x05,
            Self::P256 => 0x11,
            Self::P384 => 0x14,
        }
    }
}

/// What an empty VERIFY tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinState {
    /// Nobody is logged in; this many tries are left, if the card says.
    LoggedOut {
        tries_left: TriesLeft,
    },
    /// Somebody is logged in, so the count cannot be read.
    LoggedIn,
    Blocked,
}

/// What became of a PIN.
pub enum Verified {
    Accepted(AcceptedPin),
    /// The PIN is gone.
    Refused(CardError),
}

/// Selects the PIV application.
pub fn select(exchange: &mut Exchange<'_>) -> Result<(), CardError> {
    let answer = select_application(exchange, &PIV_AID)?;
    match answer.status {
        StatusWord::SUCCESS => {}
        StatusWord(0x6999 | 0x6A81 | 0x6A82 | 0x6A86 | 0x6D00 | 0x6E00) => {
            return Err(CardError::NotPiv);
        }
        status => {
            return Err(CardError::Refused {
                command: "SELECT",
                status,
            });
        }
    }
    // Some cards answer malformed templates; one of these two is always there.
    let template = tlv::find(&answer.data, 0x61).unwrap_or(&answer.data);
    if tlv::find(template, 0x4F).is_some() || tlv::find(template, 0x79).is_some() {
        Ok(())
    } else {
        Err(CardError::NotPiv)
    }
}

/// Reads a data object's content; `None` if the card has none.
pub fn get_data(exchange: &mut Exchange<'_>, object: Object) -> Result<Option<Vec<u8>>, CardError> {
    match get_head(exchange, object, &mut |_| false)? {
        Content::Absent => Ok(None),
        Content::Part(content) | Content::Whole(content) => Ok(Some(content)),
    }
}

/// How much of an object's content was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The card has no such object, or an empty one.
    Absent,
    /// The front of it; the rest was left unread.
    Part(Vec<u8>),
    Whole(Vec<u8>),
}

/// Reads a data object's content until what has come of it is enough.
pub fn get_head(
    exchange: &mut Exchange<'_>,
    object: Object,
    is_enough: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<Content, CardError> {
    let mut is_enough =
        |so_far: &[u8]| tlv::open(so_far).is_ok_and(|(_, _, content)| is_enough(content));
    let answer =
        exchange.send_for_head(get_data_command(object, &tag_list(object)), &mut is_enough)?;
    let status = answer.status;
    if answer.is_whole && status != StatusWord::SUCCESS {
        return match status {
            StatusWord::NOT_FOUND => Ok(Content::Absent),
            status => Err(CardError::Refused {
                command: "GET DATA",
                status,
            }),
        };
    }
    let malformed = |fault| CardError::Malformed {
        object: object.name,
        fault,
    };
    let (tag, length, content) =
        tlv::open(&answer.data).map_err(|_| malformed("it is cut short"))?;
    if tag != object.outer_tag() {
        return Err(malformed("it does not begin with the tag of its kind"));
    }
    if !answer.is_whole {
        return Ok(Content::Part(content.to_vec()));
    }
    match content.get(..length) {
        None => Err(malformed("it is cut short")),
        Some([]) => Ok(Content::Absent),
        Some(content) => Ok(Content::Whole(content.to_vec())),
    }
}

/// Asks how many tries are left; spends none (SP 800-73pt2-5 §3.2.1).
pub fn pin_state(exchange: &mut Exchange<'_>, pin: PinReference) -> Result<PinState, CardError> {
    Ok(match ask_for_state(exchange, pin)? {
        Told::State(state) => state,
        Told::Fine { printed } if printed == StatusWord::SUCCESS => PinState::LoggedIn,
        // Some say so whatever the state. One of whom nothing is known for
        // certain is logged out after us all the same.
        Told::Fine { .. } => PinState::LoggedOut { tries_left: None },
    })
}

/// Whether the card has a Global PIN, or may have one: a card without it
/// refuses, and has no tries to tell (SP 800-73pt2-5 §3.2.1).
pub(super) fn has_global_pin(exchange: &mut Exchange<'_>) -> Result<bool, CardError> {
    match pin_state(exchange, PinReference::Global) {
        Err(error @ CardError::Transport(_)) => Err(error),
        state => Ok(state != Ok(PinState::LoggedOut { tries_left: None })),
    }
}

/// What an empty VERIFY was answered with.
enum Told {
    State(PinState),
    /// 9000, and this to what wants a PIN to be read.
    Fine {
        printed: StatusWord,
    },
}

fn ask_for_state(exchange: &mut Exchange<'_>, pin: PinReference) -> Result<Told, CardError> {
    let answer = exchange.send(Command {
        class: 0x00,
        instruction: VERIFY,
        p1: 0x00,
        p2: pin.key_reference(),
        data: &[],
        expects: Expects::Nothing,
        name: VERIFY_WITHOUT_PIN,
    })?;
    Ok(Told::State(match answer.status {
        StatusWord::SUCCESS => {
            let printed = exchange.send(get_data_command(PRINTED, &tag_list(PRINTED)))?;
            return Ok(Told::Fine {
                printed: printed.status,
            });
        }
        StatusWord::BLOCKED | StatusWord(0x63C0) => PinState::Blocked,
        // Which says nothing of who is logged in either.
        status if status.is_failure_of_the_card() => return Err(refused_to_tell(status)),
        status => PinState::LoggedOut {
            // Anything else says nothing about the count: not known is not none.
            tries_left: status.tries_left(),
        },
    }))
}

/// Sends a PIN, once. It comes back only if the card accepted it.
pub fn verify(exchange: &mut Exchange<'_>, reference: PinReference, pin: Pin) -> Verified {
    verify_at(exchange, reference.key_reference(), pin)
}

/// The same, with the reference as the card edge in use has it.
pub(super) fn verify_at(exchange: &mut Exchange<'_>, reference: u8, pin: Pin) -> Verified {
    let header = [0x00, VERIFY, 0x00, reference, 0x08];
    let Ok((command, length)) = pin.command(header) else {
        return Verified::Refused(CardError::NoLockedMemory);
    };
    let sent = exchange.send_encoded(&command.bytes()[..length], "VERIFY");
    drop(command);
    match sent {
        Ok(StatusWord::SUCCESS) => Verified::Accepted(pin.accepted()),
        Ok(status) => Verified::Refused(refusal(status)),
        Err(error) => Verified::Refused(error),
    }
}

/// Sends a PIN and the one that is to replace it, once (SP 800-73pt2-5 §3.2.2).
pub(super) fn change_pin(
    exchange: &mut Exchange<'_>,
    reference: PinReference,
    pin: Pin,
    new: NewPin,
) -> Result<StatusWord, CardError> {
    let header = [0x00, CHANGE_PIN, 0x00, reference.key_reference(), 0x10];
    let (command, length) = pin
        .command_to_change(header, &new)
        .map_err(|_| CardError::NoLockedMemory)?;
    drop((pin, new));
    exchange.send_encoded(&command.bytes()[..length], CHANGE_REFERENCE_DATA)
}

/// Lets the key in `key_reference` work on `block`: for RSA as long as the
/// modulus, for P-256 and P-384 a digest of 32 and 48 bytes (SP 800-73pt2-5 §3.2.4).
pub fn sign(
    exchange: &mut Exchange<'_>,
    algorithm: Algorithm,
    key_reference: u8,
    block: &[u8],
) -> Result<Vec<u8>, CardError> {
    let challenge = [tlv::write(0x82, &[]), tlv::write(0x81, block)].concat();
    let answer = exchange.send(Command {
        class: 0x00,
        instruction: GENERAL_AUTHENTICATE,
        p1: algorithm.identifier(),
        p2: key_reference,
        data: &tlv::write(0x7C, &challenge),
        expects: Expects::Data,
        name: "GENERAL AUTHENTICATE",
    })?;
    if answer.status != StatusWord::SUCCESS {
        return Err(CardError::Refused {
            command: "GENERAL AUTHENTICATE",
            status: answer.status,
        });
    }
    tlv::find(&answer.data, 0x7C)
        .and_then(|template| tlv::find(template, 0x82))
        .map(<[u8]>::to_vec)
        .ok_or(CardError::Malformed {
            object: "signature",
            fault: "the answer holds none",
        })
}

/// Logs out, and proves it; by the gentlest means that works. Resets the card
/// only if all else fails, and says so, since that breaks the sessions of
/// other programs.
pub fn log_out(exchange: &mut Exchange<'_>, ways: Ways) -> Result<PinState, CardError> {
    if let Some(state) = as_far_as_it_answers(log_out_by_command(exchange, ways))? {
        return Ok(state);
    }
    for aid in OTHER_AIDS {
        if let Some(state) = as_far_as_it_answers(log_out_by_selecting(exchange, aid, ways))? {
            return Ok(state);
        }
    }
    tracing::warn!("card is reset: it could not be logged out by other means");
    exchange.reset()?;
    select(exchange)?;
    logged_out(exchange, ways)?.ok_or(CardError::StillLoggedIn)
}

/// A means whose answers make no sense has proved nothing, and the next one is
/// tried. Only where there is no card to talk to any more is there no next one.
pub(super) fn as_far_as_it_answers(
    state: Result<Option<PinState>, CardError>,
) -> Result<Option<PinState>, CardError> {
    use TransportError::{ReaderGone, Removed, Reset, ServiceGone};
    match state {
        Err(CardError::Transport(Removed | Reset | ReaderGone | ServiceGone)) | Ok(_) => state,
        Err(error) => {
            tracing::debug!(%error, "a means of logging out has failed");
            Ok(None)
        }
    }
}

/// Newer cards: VERIFY with P1 = FF (SP 800-73pt2-5 §3.2.1).
fn log_out_by_command(
    exchange: &mut Exchange<'_>,
    ways: Ways,
) -> Result<Option<PinState>, CardError> {
    let dropped = exchange.send(Command {
        class: 0x00,
        instruction: VERIFY,
        p1: 0xFF,
        p2: ways.pin.key_reference(),
        data: &[],
        expects: Expects::Nothing,
        name: VERIFY_WITHOUT_PIN,
    })?;
    if dropped.status == StatusWord::SUCCESS {
        logged_out(exchange, ways)
    } else {
        Ok(None)
    }
}

/// To select another application is to leave this one (SP 800-73pt2-5 §3.1.1).
fn log_out_by_selecting(
    exchange: &mut Exchange<'_>,
    aid: &[u8],
    ways: Ways,
) -> Result<Option<PinState>, CardError> {
    if select_application(exchange, aid)?.status == StatusWord::SUCCESS {
        select(exchange)?;
        logged_out(exchange, ways)
    } else {
        Ok(None)
    }
}

/// The state, if nobody is logged in any more.
fn logged_out(exchange: &mut Exchange<'_>, ways: Ways) -> Result<Option<PinState>, CardError> {
    let state = match ask_for_state(exchange, ways.pin)? {
        // Only the refusal of what wants a PIN speaks against the 9000.
        Told::Fine { printed } => {
            let is_out = printed == StatusWord::SECURITY;
            return Ok(is_out.then_some(PinState::LoggedOut { tries_left: None }));
        }
        Told::State(state) => state,
    };
    if !ways.is_dual {
        return Ok(Some(state));
    }
    // What wants a PIN to be read tells. A card that has no such object answers
    // 6A82 in either state, and nothing more can be learnt from it.
    let printed = exchange.send(get_data_command(PRINTED, &tag_list(PRINTED)))?;
    Ok((printed.status != StatusWord::SUCCESS).then_some(state))
}

fn get_data_command(object: Object, tag_list: &[u8]) -> Command<'_> {
    Command {
        class: 0x00,
        instruction: GET_DATA,
        p1: 0x3F,
        p2: 0xFF,
        data: tag_list,
        expects: Expects::Object(object.outer_tag()),
        name: "GET DATA",
    }
}

fn tag_list(object: Object) -> Vec<u8> {
    tlv::write(0x5C, &object.tag_bytes())
}

fn select_application(exchange: &mut Exchange<'_>, aid: &[u8]) -> Result<Answer, CardError> {
    exchange.send(Command {
        class: 0x00,
        instruction: SELECT,
        p1: 0x04,
        p2: 0x00,
        data: aid,
        expects: Expects::Data,
        name: "SELECT",
    })
}

/// What an answer to a VERIFY without a PIN that says nothing is told as.
pub(super) fn refused_to_tell(status: StatusWord) -> CardError {
    CardError::Refused {
        command: VERIFY_WITHOUT_PIN,
        status,
    }
}

/// What an answer to a PIN other than 9000 means.
fn refusal(status: StatusWord) -> CardError {
    match status {
        StatusWord::BLOCKED | StatusWord(0x63C0) => CardError::PinBlocked,
        // The applets of some CACs say no more than 6985 to a wrong one.
        StatusWord(0x6300..=0x63FF | 0x6985) => CardError::WrongPin {
            tries_left: status.tries_left(),
        },
        status => CardError::Refused {
            command: "VERIFY",
            status,
        },
    }
}
