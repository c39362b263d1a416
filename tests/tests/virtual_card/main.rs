//! The virtual card is as strict as a real one: each rule of the card edge, by itself.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod bench;
mod folders;
mod identity;
mod keys;
mod mishaps;
mod reading;
mod selecting;
mod signatures;
mod the_pin;
