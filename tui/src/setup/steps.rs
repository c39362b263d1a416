//! What has to be so, one kind of thing each: looks, and says what is missing.

use std::path::Path;

pub(super) mod authorities;
pub(super) mod browsers;
pub(crate) mod firefox_policy;
pub(super) mod module;
pub(super) mod p11_kit;
mod sandboxes;
pub(super) mod scdaemon;
pub(super) mod system_store;

/// What OpenSC's module is called where it is added.
pub(super) const MODULE_NAME: &str = "CAC Module";

const NO_MODULE: &str = "there is no module to add; see above";

fn makes_the_database(folder: &Path) -> String {
    format!("makes its database in {}", folder.display())
}
