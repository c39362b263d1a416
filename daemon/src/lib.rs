//! Watches the smart card readers, reads the card that is put in and registers it with portals.

pub mod access;
pub mod card;
pub mod config_watch;
pub mod effects;
pub mod event;
pub mod logging;
pub mod portal;
pub mod reader_watch;
pub mod registration;
pub mod retry;
pub mod state;
pub mod store;
pub mod supervisor;
pub mod systemd;
pub mod trust;
