//! The words that cacd and cacctl share: what a card, its holder, its
//! certificates and its registrations are called on the socket, on the screen
//! and in the log.

pub mod activity;
pub mod bounded_file;
pub mod bundle;
pub mod cause;
pub mod certificate;
pub mod client;
pub mod config;
pub mod eligibility;
pub mod error_chain;
pub mod fascn;
pub mod finding;
pub mod identity;
pub mod interface;
pub mod locked;
pub mod password;
pub mod paths;
pub mod persona;
pub mod pin;
pub mod profile;
pub mod proxy;
pub mod reader;
pub mod registration;
pub mod snapshot;
pub mod span;
pub mod time;
pub mod toml_file;
pub mod trace;
pub mod users;
pub mod wire;
pub mod wizard;
pub mod x509;
