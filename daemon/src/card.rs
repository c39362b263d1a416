//! Talking to the card in a reader.

pub mod transport;
