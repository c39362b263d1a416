//! The CAC edge of the virtual card is as strict as a real one: each rule by
//! itself, in process over T=0 and T=1, and OpenSC as the judge over pcscd.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod bench;
mod budget;
mod first_cacs;
mod folders;
mod hostility;
mod keys;
mod opensc;
mod program;
mod quirks;
mod reading;
mod selecting;
mod the_pin;
mod together;
