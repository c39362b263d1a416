//! The CAC card edge: applets of GSC-IS 2.1 (NISTIR 6887), as cards speak it
//! that have no PIV, or have it beside PIV.
//!
//! A container is two buffers: tags with lengths in one, values in the other.
//! Each begins with its own length, two bytes, the low byte first.

use cac_common::certificate::Applet;
use cac_common::pin::Pin;

use super::apdu::{Answer, Command, Exchange, Expects};
use super::error::{CardError, StatusWord};
use super::piv::{self, PinState, VERIFY_WITHOUT_PIN, Verified, refused_to_tell};

const SELECT: u8 = 0xA4;
const VERIFY: u8 = 0x20;
const SIGN_DECRYPT: u8 = 0x42;
const GET_ACR: u8 = 0x4C;
const READ_BUFFER: u8 = 0x52;
const GET_CERTIFICATE: u8 = 0x36;

/// The class of the commands that GSC-IS defines.
const OWN: u8 = 0x80;

/// An application identifier: the provider, then two bytes of its own.
pub type Aid = [u8; 7];

/// The Card Capability Container.
pub const CCC: Aid = [0xA0, 0x00, 0x00, 0x01, 0x16, 0xDB, 0x00];
/// The Access Control Applet, in the two places where alternate tokens keep it.
pub const ACCESS_CONTROL: [Aid; 2] = [
    [0xA0, 0x00, 0x00, 0x00, 0x79, 0x03, 0x00],
    [0xA0, 0x00, 0x00, 0x00, 0x79, 0x10, 0x00],
];
pub const PERSON: Aid = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x02, 0x00];
pub const PERSONNEL: Aid = [0xA0, 0x00, 0x00, 0x00, 0x79, 0x02, 0x01];

/// The applet of a certificate and its key.
pub fn pki(applet: Applet) -> Aid {
    [0xA0, 0x00, 0x00, 0x00, 0x79, 0x01, applet.number()]
}

/// The applet with this identifier, if it is one of certificates.
pub fn applet_of(aid: Aid) -> Option<Applet> {
    Applet::all().find(|applet| pki(*applet) == aid)
}

/// The most bytes that one READ BUFFER may ask for, and one part of SIGN/DECRYPT hold.
const PART: usize = 240;

/// The largest buffer that is read: no container of a CAC is as large.
const LARGEST_BUFFER: usize = 12 * 1024;

/// One of the two buffers of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buffer {
    Tags = 1,
    Values = 2,
}

/// Selects an application; false if the card does not have it.
pub fn select(exchange: &mut Exchange<'_>, aid: Aid) -> Result<bool, CardError> {
    // Without an answer, which over T=0 would have to be fetched.
    let mut answer = select_with(exchange, aid, 0x0C, Expects::Nothing)?;
    // Some know no such parameter, or no such command.
    if matches!(answer.status.0, 0x6A86 | 0x6D00) {
        answer = select_with(exchange, aid, 0x00, Expects::Data)?;
    }
    match answer.status {
        StatusWord::SUCCESS => Ok(true),
        StatusWord(0x6283 | 0x6999 | 0x6A81 | 0x6A82 | 0x6D00 | 0x6E00) => Ok(false),
        status => Err(refused("SELECT", status)),
    }
}

/// Reads a buffer of the applet that is selected, without its length, until
/// what has come of it is enough.
pub fn read_buffer(
    exchange: &mut Exchange<'_>,
    buffer: Buffer,
    is_enough: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<Vec<u8>, CardError> {
    let length = read_part(exchange, buffer, 0, 2)?;
    let length = match length[..] {
        [low, high] => usize::from(u16::from_le_bytes([low, high])),
        _ => return Err(malformed("its length is not two bytes")),
    };
    if length > LARGEST_BUFFER {
        return Err(malformed("it claims to be far longer than it can be"));
    }
    let mut content = Vec::with_capacity(length);
    while content.len() < length {
        let wanted = PART.min(length - content.len());
        let part = read_part(exchange, buffer, 2 + content.len(), wanted)?;
        if part.is_empty() || part.len() > wanted {
            return Err(malformed(
                "it does not come in the parts that were asked for",
            ));
        }
        content.extend(part);
        if is_enough(&content) {
            break;
        }
    }
    Ok(content)
}

fn read_part(
    exchange: &mut Exchange<'_>,
    buffer: Buffer,
    offset: usize,
    count: usize,
) -> Result<Vec<u8>, CardError> {
    let offset = u16::try_from(offset).map_err(|_| malformed("it has no end"))?;
    let count = u8::try_from(count).expect("a part is short");
    let [p1, p2] = offset.to_be_bytes();
    let answer = exchange.send(Command {
        class: OWN,
        instruction: READ_BUFFER,
        p1,
        p2,
        data: &[buffer as u8, count],
        expects: Expects::Data,
        name: "READ BUFFER",
    })?;
    match answer.status {
        StatusWord::SUCCESS => Ok(answer.data),
        status => Err(refused("READ BUFFER", status)),
    }
}

/// The applets that an alternate token has, by its service table (GET ACR, P1 = 21).
pub fn service_table(exchange: &mut Exchange<'_>) -> Result<Vec<Aid>, CardError> {
    const APPLET: u8 = 0x93;
    const APPLET_ID: u8 = 0x92;
    let answer = exchange.send(Command {
        class: OWN,
        instruction: GET_ACR,
        p1: 0x21,
        p2: 0x00,
        data: &[],
        expects: Expects::Data,
        name: "GET ACR",
    })?;
    if answer.status != StatusWord::SUCCESS {
        return Err(refused("GET ACR", answer.status));
    }
    let mut applets = Vec::new();
    let mut rest = &answer.data[..];
    while let [tag, length, after @ ..] = rest {
        let Some((value, next)) = after.split_at_checked(usize::from(*length)) else {
            break;
        };
        if let (APPLET, [_, APPLET_ID, 7, aid @ ..]) = (*tag, value) {
            applets.extend(aid.first_chunk::<7>());
        }
        rest = next;
    }
    Ok(applets)
}

/// The certificate of a first-generation card (CAC-1), as it lies there: one
/// byte of information, then the certificate.
pub fn get_certificate(exchange: &mut Exchange<'_>) -> Result<Vec<u8>, CardError> {
    // As much as comes at first; the card says how much more there is.
    const FIRST: u8 = 100;
    let mut content = Vec::new();
    let mut wanted = FIRST;
    while content.len() <= LARGEST_BUFFER {
        let (part, status) = exchange.send_plain(
            [OWN, GET_CERTIFICATE, 0x00, 0x00, wanted],
            "GET CERTIFICATE",
        )?;
        let is_empty = part.is_empty();
        content.extend(part);
        match status.0.to_be_bytes() {
            [0x90, 0x00] => return Ok(content),
            [0x63, more] if !is_empty => wanted = more,
            [0x63, _] => break,
            _ => return Err(refused("GET CERTIFICATE", status)),
        }
    }
    Err(CardError::Endless {
        command: "GET CERTIFICATE",
    })
}

/// Asks how many tries are left; spends none.
pub fn pin_state(exchange: &mut Exchange<'_>) -> Result<PinState, CardError> {
    let answer = exchange.send(Command {
        class: 0x00,
        instruction: VERIFY,
        p1: 0x00,
        p2: PIN,
        data: &[],
        expects: Expects::Nothing,
        name: VERIFY_WITHOUT_PIN,
    })?;
    Ok(match answer.status {
        StatusWord::SUCCESS => PinState::LoggedIn,
        StatusWord::BLOCKED | StatusWord(0x63C0) => PinState::Blocked,
        status if status.is_failure_of_the_card() => return Err(refused_to_tell(status)),
        status => PinState::LoggedOut {
            tries_left: status.tries_left(),
        },
    })
}

/// The reference of the one PIN (GSC-IS 2.1 §5.3.3).
const PIN: u8 = 0x00;

/// Sends a PIN, once. It comes back only if the card accepted it.
pub fn verify(exchange: &mut Exchange<'_>, pin: Pin) -> Verified {
    piv::verify_at(exchange, PIN, pin)
}

/// Lets the key of the applet that is selected work on `block`, as long as its modulus.
pub fn sign(exchange: &mut Exchange<'_>, block: &[u8]) -> Result<Vec<u8>, CardError> {
    const MORE: u8 = 0x80;
    const LAST: u8 = 0x00;
    let mut parts = block.chunks(PART).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let answer = exchange.send(Command {
            class: OWN,
            instruction: SIGN_DECRYPT,
            p1: if is_last { LAST } else { MORE },
            p2: 0x00,
            data: part,
            expects: if is_last {
                Expects::Data
            } else {
                Expects::Nothing
            },
            name: "SIGN/DECRYPT",
        })?;
        if answer.status != StatusWord::SUCCESS {
            return Err(refused("SIGN/DECRYPT", answer.status));
        }
        if is_last {
            return Ok(answer.data);
        }
    }
    Err(malformed("there is nothing to sign"))
}

fn select_with(
    exchange: &mut Exchange<'_>,
    aid: Aid,
    p2: u8,
    expects: Expects,
) -> Result<Answer, CardError> {
    exchange.send(Command {
        class: 0x00,
        instruction: SELECT,
        p1: 0x04,
        p2,
        data: &aid,
        expects,
        name: "SELECT",
    })
}

fn refused(command: &'static str, status: StatusWord) -> CardError {
    CardError::Refused { command, status }
}

fn malformed(fault: &'static str) -> CardError {
    CardError::Malformed {
        object: "buffer",
        fault,
    }
}
