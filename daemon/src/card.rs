//! Talking to the card in a reader.
//!
//! ```text
//! read, rest      one piece of work: open, lock, do, unlock
//! sign, printed   the same, with a PIN: logged_in, do, log out
//!   piv           the PIV card edge: SELECT, GET DATA, VERIFY, GENERAL AUTHENTICATE
//!     apdu        one command and its whole answer, chained both ways
//!       transport bytes out, bytes back
//!         pcsc    over PC/SC; a card of software does the same in tests
//! ```
//!
//! What the bytes say is read without I/O and without a clock: each object in
//! a file of its own, and over all of them `holder` (who it is), `login` (which
//! certificate signs in) and `consistency` (what does not fit together).

pub mod apdu;
pub mod atr;
pub mod cac;
pub mod cac_read;
pub mod ccc;
pub mod certificate;
pub mod change;
pub mod chuid;
pub mod consistency;
pub mod date;
pub mod demographics;
pub mod discovery;
pub mod error;
pub mod facts;
#[cfg(test)]
mod fixtures;
pub mod habits;
pub mod holder;
pub mod issuer;
pub mod key_history;
pub mod known;
pub mod logged_in;
pub mod login;
pub mod objects;
pub mod pcsc;
pub mod piv;
pub mod printed;
pub mod purpose;
pub mod read;
pub mod rest;
mod seat;
pub mod security_object;
pub mod sign;
pub mod simple_tlv;
pub mod status_word;
pub mod tlv;
pub mod transport;
