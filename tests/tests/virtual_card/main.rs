//! The virtual card is as strict as a real one: each rule of the card edge, by itself.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod bench;
mod families;
mod folders;
mod hostile;
mod identity;
mod keys;
mod leftovers;
mod lengths;
mod mishaps;
mod packing;
mod reading;
mod selecting;
mod signatures;
mod the_pin;
mod variants;
