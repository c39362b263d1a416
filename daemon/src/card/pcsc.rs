//! Cards over PC/SC: opened shared, locked, and left as they are.

use std::ffi::{CStr, CString};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cac_common::reader::ReaderName;
use pcsc::{Attribute, Context, Disposition, Error, Protocols, Scope, ShareMode, Transaction};

use super::seat;
use super::transport::{Protocol, Readers, Report, Transport, TransportError};
use crate::reader_watch;

/// The longest answer to one short command: 256 bytes and the status word.
const LONGEST_ANSWER: usize = 258;

/// The same to a command of extended length.
const LONGEST_EXTENDED_ANSWER: usize = 65_538;

/// While another program has a reader for itself, where it is cannot be asked:
/// that is tried again, each time after twice as long, for about a minute.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often a card that others keep resetting is opened again before we give up.
const OPENINGS: u32 = 5;

/// The readers that pcscd knows.
#[derive(Default)]
pub struct PcscReaders {
    /// The context that [`Readers::watch`] is blocked on.
    watching: Mutex<Option<Context>>,
    stopping: AtomicBool,
}

impl PcscReaders {
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Notes the context to cancel when it is time to stop.
    pub(crate) fn set_watching(&self, context: Option<Context>) {
        *self.watching.lock().expect("nobody panics holding this") = context;
    }
}

impl Readers for PcscReaders {
    fn with_card(
        &self,
        reader: &ReaderName,
        work: &mut dyn FnMut(&mut dyn Transport),
    ) -> Result<(), TransportError> {
        let name = CString::new(reader.0.as_str()).map_err(|_| TransportError::ReaderGone)?;
        // A context of its own for each piece of work: contexts are not to be
        // shared between what waits and what works.
        let context = Context::establish(Scope::System).map_err(transport_error)?;
        let mut card = context
            .connect(&name, ShareMode::Shared, Protocols::ANY)
            .map_err(transport_error)?;
        let result = locked(&mut card, work);
        leave(card);
        result
    }

    fn watch(&self, report: &mut dyn FnMut(Report)) {
        reader_watch::watch(self, report);
    }

    fn seat(&self, reader: &ReaderName) -> Option<String> {
        let name = CString::new(reader.0.as_str()).ok()?;
        let mut pause = FIRST_PAUSE;
        loop {
            match channel_of(&name) {
                Ok(channel) => return seat::of_channel(channel),
                // Another program has it for itself, though not for ever.
                Err(Error::SharingViolation) if pause <= LONGEST_PAUSE && !self.is_stopping() => {
                    std::thread::sleep(pause);
                    pause *= 2;
                }
                Err(error) => {
                    tracing::warn!(%error, "where a reader is cannot be told");
                    return None;
                }
            }
        }
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let watching = self.watching.lock().expect("nobody panics holding this");
        if let Some(context) = &*watching {
            // Lost if the wait has not begun; whoever stops us asks again.
            let _ = context.cancel();
        }
    }
}

/// What the reader says its channel is, if it does. The card in it is left alone.
fn channel_of(name: &CStr) -> Result<Option<u32>, Error> {
    let context = Context::establish(Scope::System)?;
    let card = context.connect(name, ShareMode::Direct, Protocols::UNDEFINED)?;
    let mut buffer = [0; 16];
    let found = match card.get_attribute(Attribute::ChannelId, &mut buffer) {
        Ok(bytes) => Ok(seat::channel(bytes)),
        Err(error @ (Error::SharingViolation | Error::CommError | Error::NoService)) => Err(error),
        // Few drivers but that of USB readers tell it.
        Err(_) => Ok(None),
    };
    leave(card);
    found
}

/// Has pcscd power up whatever lies in a reader that it takes for empty, so
/// that it sees the card. Nobody waits for that: a card may hang.
pub(crate) fn look_for_card(reader: ReaderName) {
    let look = move || {
        let found = CString::new(reader.0)
            .map_err(|_| Error::UnknownReader)
            .and_then(|name| {
                let context = Context::establish(Scope::System)?;
                let mut card = context.connect(&name, ShareMode::Direct, Protocols::UNDEFINED)?;
                let found =
                    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard);
                leave(card);
                found
            });
        tracing::debug!(?found, "smart card service looked for a card");
    };
    // Without a thread the reader stays as it is told, until the next card.
    if let Err(error) = std::thread::Builder::new().name("look".into()).spawn(look) {
        tracing::warn!(%error, "no thread to look for a card in");
    }
}

/// Closes a card, and leaves it powered as it is.
fn leave(card: pcsc::Card) {
    let Err((card, error)) = card.disconnect(Disposition::LeaveCard) else {
        return;
    };
    tracing::debug!(%error, "card was not disconnected");
    if transport_error(error) != TransportError::ServiceGone {
        // Drop would reset the card after all, and log others out. What is
        // forgotten is one connection to pcscd, which closes when we end; where
        // that connection is broken, Drop reaches no card and only tidies up.
        std::mem::forget(card);
    }
}

fn locked(
    mut card: &mut pcsc::Card,
    work: &mut dyn FnMut(&mut dyn Transport),
) -> Result<(), TransportError> {
    for _ in 0..OPENINGS {
        match card.transaction2() {
            Ok(transaction) => {
                let (protocol, atr) = state_of(&transaction)?;
                let mut transport = PcscTransport {
                    has_keypad: has_keypad(&transaction),
                    transaction,
                    protocol,
                    atr,
                };
                work(&mut transport);
                if let Err((_, error)) = transport.transaction.end(Disposition::LeaveCard) {
                    tracing::debug!(%error, "card was not unlocked");
                }
                return Ok(());
            }
            // Somebody reset it since we connected: no state of ours is lost yet.
            Err((unlocked, Error::ResetCard)) => {
                tracing::debug!("card was reset by another program, and is opened again");
                card = unlocked;
                card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::LeaveCard)
                    .map_err(transport_error)?;
            }
            Err((_, error)) => return Err(transport_error(error)),
        }
    }
    Err(TransportError::Reset)
}

/// The protocol that was agreed on, and the answer to reset.
fn state_of(transaction: &Transaction<'_>) -> Result<(Protocol, Vec<u8>), TransportError> {
    let status = transaction.status2_owned().map_err(transport_error)?;
    let protocol = match status.protocol2() {
        Some(pcsc::Protocol::T0) => Protocol::T0,
        Some(pcsc::Protocol::T1 | pcsc::Protocol::RAW) | None => Protocol::T1,
    };
    Ok((protocol, status.atr().to_vec()))
}

/// Asks the reader what it can do beside carrying APDUs (PC/SC part 10 §2.2).
const GET_FEATURE_REQUEST: std::ffi::c_ulong = pcsc::ctl_code(3400);
/// It verifies a PIN that is typed on it.
const VERIFY_PIN_DIRECT: u8 = 0x06;
const VERIFY_PIN_START: u8 = 0x01;
/// A list of all features that there are is shorter.
const LONGEST_FEATURE_LIST: usize = 256;

fn has_keypad(card: &pcsc::Card) -> bool {
    let mut buffer = [0; LONGEST_FEATURE_LIST];
    // Most readers know no features, and say so with an error.
    card.control(GET_FEATURE_REQUEST, &[], &mut buffer)
        .is_ok_and(names_a_keypad)
}

/// Tag, length, control code, one after the other.
fn names_a_keypad(mut features: &[u8]) -> bool {
    while let [tag, length, rest @ ..] = features {
        if matches!(*tag, VERIFY_PIN_DIRECT | VERIFY_PIN_START) {
            return true;
        }
        features = rest.get(usize::from(*length)..).unwrap_or_default();
    }
    false
}

struct PcscTransport<'card> {
    transaction: Transaction<'card>,
    protocol: Protocol,
    atr: Vec<u8>,
    has_keypad: bool,
}

impl Transport for PcscTransport<'_> {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn has_keypad(&self) -> bool {
        self.has_keypad
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        // Of extended length: Lc is 00 and two more bytes (ISO/IEC 7816-4 §5.2).
        let is_extended = command.len() > 5 && command[4] == 0;
        let mut buffer = vec![
            0;
            if is_extended {
                LONGEST_EXTENDED_ANSWER
            } else {
                LONGEST_ANSWER
            }
        ];
        let answer = self.transaction.transmit(command, &mut buffer);
        answer.map(<[u8]>::to_vec).map_err(transport_error)
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.transaction
            .reconnect(ShareMode::Shared, Protocols::ANY, Disposition::ResetCard)
            .map_err(transport_error)?;
        (self.protocol, self.atr) = state_of(&self.transaction)?;
        Ok(())
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "PC/SC has some sixty return codes; those we act on are named"
)]
pub(crate) fn transport_error(error: Error) -> TransportError {
    match error {
        Error::RemovedCard | Error::NoSmartcard => TransportError::Removed,
        Error::ResetCard => TransportError::Reset,
        // A mismatch: another program uses the card with a protocol of its own.
        Error::SharingViolation | Error::ProtoMismatch => TransportError::Busy,
        Error::UnresponsiveCard | Error::UnpoweredCard | Error::NotTransacted => {
            TransportError::Unresponsive
        }
        Error::UnknownReader | Error::ReaderUnavailable | Error::NoReadersAvailable => {
            TransportError::ReaderGone
        }
        Error::NoService
        | Error::ServiceStopped
        | Error::CommError
        | Error::InvalidHandle
        | Error::InvalidValue => TransportError::ServiceGone,
        Error::SecurityViolation | Error::NoAccess => TransportError::NotAllowed,
        other => TransportError::Failed { code: other as u32 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keypad_is_told_by_the_features_of_its_reader() {
        let properties = b"\x12\x04\x42\x33\x00\x12";
        let keypad = b"\x06\x04\x42\x33\x00\x06";

        assert!(names_a_keypad(&[&properties[..], keypad].concat()));
        for features in [&b""[..], properties, b"\x12", b"\x12\xFF\x06\x04"] {
            assert!(!names_a_keypad(features), "{features:02X?}");
        }
    }
}
