//! The subcommands, one file each.

pub mod agent;
mod ask_pin;
mod ask_yes;
pub mod backup;
pub mod card;
pub mod check;
pub mod clear;
pub mod eligibility;
mod ends;
pub mod history;
pub mod login;
pub mod manual;
pub mod pin;
pub mod plain;
pub mod portal;
pub mod register;
pub mod setup;
pub mod status;
mod terminal;
pub mod trust;
pub mod watch;
mod which;
pub mod wizard;
