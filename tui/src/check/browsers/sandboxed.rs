//! A browser in a sandbox: which module its list names, and whether it may
//! reach pcscd.

use std::process::Command;
use std::time::Instant;

use cac_common::error_chain::Chain;
use cac_common::identity::readable;

use super::{child, modules, now, of_the_card};
use crate::browsers::database::{self, Database};
use crate::browsers::sandbox::{self, Place as Lies, Sandbox};
use crate::browsers::{Home, Profile};
use crate::check::Found;
use crate::check::look::Place;

/// A sandbox has a file system of its own, and reaches pcscd if it may.
pub(super) fn module_of(
    profile: &Profile,
    sandbox: &Sandbox,
    reaches_pcscd: impl FnOnce() -> Option<bool>,
) -> Found {
    let listed = match database::look(&profile.folder) {
        Ok(Database::Present(listed)) => listed,
        Ok(Database::Absent) => Vec::new(),
        Ok(Database::Old) => return modules::OLD_LIST.found(),
        Err(fault) => return modules::BROKEN_LIST.told(&[("why", &Chain(&fault))]),
    };
    let Some(module) = of_the_card(&listed) else {
        return modules::SANDBOXED.found();
    };
    let lies = sandbox.place_of(module);
    if lies == Lies::Missing {
        return modules::GONE_INSIDE.told(&[("path", &readable(&module.library))]);
    }
    let outcome = match reaches_pcscd() {
        Some(false) => modules::KEPT_AWAY,
        None => modules::MAY_BE_KEPT_AWAY,
        Some(true) if lies == Lies::Inside => modules::INSIDE,
        Some(true) => modules::LISTED_INSIDE,
    };
    outcome.told(&[("path", &readable(&module.library))])
}

/// None where nobody tells.
pub(super) fn reaches_pcscd(
    place: &Place,
    home: &Home,
    sandbox: &Sandbox,
    end: Instant,
) -> Option<bool> {
    let Some(asked) = sandbox.asks_snapd() else {
        return sandbox.flatpak_may(&place.root, home);
    };
    let mut command = Command::new("snap");
    command.args(asked);
    let said = child::said(command, end.saturating_duration_since(now())).ok()?;
    said.is_fine.then(|| sandbox::is_connected(&said.text))
}
