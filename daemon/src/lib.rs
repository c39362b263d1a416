//! Watches the smart card readers, reads the card that is put in and registers it with portals.

pub mod card;
pub mod store;
