//! Browsers in a sandbox: what stands between them and the card. None of it can
//! be done from outside.

use cac_common::identity::readable;

use crate::browsers::database::{self, Database};
use crate::browsers::sandbox::{self, Place, Sandbox};
use crate::browsers::{Family, Packaging, Profile, tool};
use crate::setup::places::Places;
use crate::setup::plan::Step;

const NAME: &str = "sandboxes";

pub(super) async fn step(places: &Places, profile: &Profile) -> Step {
    let Some(sandbox) = Sandbox::of(&places.home.folder, profile) else {
        let why = "its profile lies outside of its sandbox, where it is not seen";
        return Step::told(NAME, &profile.title, why, None);
    };
    let may = reaches_pcscd(places, &sandbox).await;
    let listed = match database::look(&profile.folder) {
        Ok(Database::Present(listed)) => listed,
        Ok(Database::Absent | Database::Old) | Err(_) => Vec::new(),
    };
    let module = listed.iter().find(|it| it.is_opensc() || it.is_p11_kit());
    let place = module.map(|module| sandbox.place_of(module));
    if let (Some(module), Some(Place::Seen), Some(true)) = (module, place, may) {
        let so = format!("it has {}, and may reach pcscd", readable(&module.library));
        return Step::there(NAME, &profile.title, so);
    }
    let reached = match may {
        Some(true) => "it may reach pcscd",
        Some(false) => "its sandbox keeps it from pcscd",
        None => "whether its sandbox lets it reach pcscd is not known",
    };
    let listed = match (module, place) {
        (Some(module), Some(Place::Missing)) => {
            format!(
                "its list names {}, which is not there",
                readable(&module.library)
            )
        }
        (Some(module), _) => format!("its list names {}", readable(&module.library)),
        (None, _) => "its list names no module for the card".to_owned(),
    };
    let tried = match (profile.family, profile.packaging) {
        (Family::Chromium, Packaging::Snap) => {
            "a snap of it cannot load a module of this machine: use its native package, or Firefox's"
        }
        (Family::Firefox, Packaging::Snap) => {
            "a snap loads no module of this machine, only one inside the snap; if that fails, use Mozilla's own package"
        }
        (_, Packaging::Native | Packaging::Flatpak) => {
            "a flatpak needs a module inside the sandbox; its native package has none of these troubles"
        }
    };
    let why = format!("{reached}; {listed}; {tried}");
    let command = (may != Some(true)).then(|| sandbox.command());
    Step::told(NAME, &profile.title, why, command)
}

/// None where nobody tells.
async fn reaches_pcscd(places: &Places, sandbox: &Sandbox) -> Option<bool> {
    let Some(asked) = sandbox.asks_snapd() else {
        return sandbox.flatpak_may(&places.root, &places.home);
    };
    let said = tool::run("snap", asked).await.ok()?;
    Some(sandbox::is_connected(&String::from_utf8_lossy(&said)))
}
