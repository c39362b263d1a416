//! The line between us and PC/SC: bytes out, bytes back.
//!
//! Everything above it runs on bytes alone, so that a card made of software
//! can stand in for the reader.

use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};

/// One card, opened and locked for one piece of work. Dropping it unlocks the
/// card and leaves it powered as it is.
pub trait Transport: Send {
    /// How commands have to be encoded for this connection.
    fn protocol(&self) -> Protocol;

    /// The card's answer to reset: at most 33 bytes (ISO/IEC 7816-3 §8.2.1).
    fn atr(&self) -> &[u8];

    /// Whether the reader has a keypad on which it takes a PIN itself.
    fn has_keypad(&self) -> bool {
        false
    }

    /// Sends one command APDU, short or extended, and returns the whole answer: data, then the
    /// two bytes of the status word.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// Resets the card. Breaks the sessions of every program that uses it, so
    /// it is the last means of logging out.
    fn reset(&mut self) -> Result<(), TransportError>;
}

/// The readers of this machine.
pub trait Readers: Send + Sync {
    /// Opens the card in `reader`, shared, with T=0 or T=1, locks it, does the
    /// work, unlocks it and leaves it powered as it is. Waits for as long as
    /// others hold the lock.
    fn with_card(
        &self,
        reader: &ReaderName,
        work: &mut dyn FnMut(&mut dyn Transport),
    ) -> Result<(), TransportError>;

    /// Reports the readers now, and again after every change, until
    /// [`Readers::stop`] is called. Blocks, and never polls a card.
    fn watch(&self, report: &mut dyn FnMut(Report));

    /// The seat that a reader belongs to, as logind calls it: `seat0` if it is
    /// at none of its own, nothing if that cannot be told.
    fn seat(&self, reader: &ReaderName) -> Option<String>;

    /// Ends [`Readers::watch`], now or as soon as it begins.
    fn stop(&self);
}

/// All readers at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub service: ServiceStatus,
    pub readers: Vec<SeenReader>,
}

/// One reader at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenReader {
    pub name: ReaderName,
    pub status: ReaderStatus,
    /// Changes whenever a card is put in or taken out, so that a card that was
    /// swapped between two reports is seen as another visit.
    pub changes: u32,
}

/// The transmission protocol of ISO/IEC 7816-3 that the card and the reader agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Byte-oriented: a command with data cannot ask for an answer in the same breath.
    T0,
    /// Block-oriented: data and `Le` go together.
    T1,
}

/// Why no answer came, told apart by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Wait for the next card.
    #[error("card was removed")]
    Removed,

    /// Another program reset the card: open it again, select again.
    #[error("card was reset by another program")]
    Reset,

    /// Another program holds the card for itself: it has opened it exclusively,
    /// or does not end its transaction.
    #[error("another program holds the card for itself; close it, or wait")]
    Busy,

    /// The card does not answer: bent, dirty, upside down, or dead.
    #[error("card does not answer")]
    Unresponsive,

    /// It took a command and has not answered since, for as long as anyone
    /// waits: nothing can be done in its reader before it is taken out.
    #[error("card hangs, and its reader with it; take it out")]
    Hangs,

    /// The reader went away.
    #[error("reader is gone")]
    ReaderGone,

    /// pcscd went away, or is not there.
    #[error("smart card service is not available")]
    ServiceGone,

    /// polkit or pcscd refuses this user.
    #[error("access to the smart card service is not allowed")]
    NotAllowed,

    /// Anything else PC/SC answered (`SCARD_*`, pcsc-lite's `pcsclite.h`).
    #[error("smart card service failed with {code:08X}")]
    Failed {
        /// PC/SC return code.
        code: u32,
    },
}
