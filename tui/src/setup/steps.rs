//! What has to be so, one kind of thing each: looks, and says what is missing.

pub(super) mod browsers;
pub(crate) mod firefox_policy;
pub(super) mod module;
pub(super) mod p11_kit;
mod sandboxes;
pub(super) mod scdaemon;
pub(super) mod system_store;

/// What OpenSC's module is called where it is added.
pub(super) const MODULE_NAME: &str = "CAC Module";
