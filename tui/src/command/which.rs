//! Which portal, card or reader somebody means by a name.

use cac_common::identity::readable;
use cac_common::snapshot::{Portal, Snapshot};

use crate::failure::Failure;

/// The portal of this name, enabled or not.
pub(super) fn portal<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a Portal, Failure> {
    let mut portals = snapshot.portals.iter();
    let found = portals.find(|portal| portal.name == name);
    found.ok_or_else(|| Failure::NoSuchPortal {
        name: readable(name),
        there: names(snapshot.portals.iter().map(|portal| &portal.name)),
    })
}

/// Harmless to a terminal.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    names.map(|name| readable(name)).collect()
}
