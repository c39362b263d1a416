//! The database of each browser profile: the module, and the authorities that
//! were supplied.

use std::collections::BTreeSet;
use std::path::Path;

use crate::browsers::database::{self, Database};
use crate::browsers::modules::Module;
use crate::browsers::nss;
use crate::browsers::running::running;
use crate::browsers::{self, Packaging, Profile};
use crate::setup::fault::{NSS_TOOLS, SetupFault};
use crate::setup::places::Places;
use crate::setup::plan::{Action, DatabaseAction, NewCertificate, Step};
use crate::setup::roots::{self, Roots};
use crate::setup::steps::{MODULE_NAME, sandboxes};
use crate::setup::write;

const NAME: &str = "browsers";

/// Certificates of one database; each is looked at by a program of its own.
const MOST_CERTIFICATES: usize = 2000;

pub(in crate::setup) async fn add(
    places: &Places,
    module: Option<&Path>,
    roots: Option<&Roots>,
    plan: &mut Vec<Step>,
) {
    let found = browsers::find(&places.home);
    for unlisted in found.unlisted {
        let why = format!(
            "its list of profiles {} cannot be used: {}",
            unlisted.path.display(),
            unlisted.fault
        );
        plan.push(Step::blocked(NAME, unlisted.browser, why, None));
    }
    if found.profiles.is_empty() {
        let so = "no profile is in your home folder; start the browser once, if you use one";
        plan.push(Step::there(NAME, "browsers", so));
    }
    for profile in found.profiles {
        let step = match profile.packaging {
            Packaging::Native => native(places, module, roots, &profile).await,
            Packaging::Snap | Packaging::Flatpak => sandboxes::step(places, &profile).await,
        };
        plan.push(step);
    }
}

async fn native(
    places: &Places,
    module: Option<&Path>,
    roots: Option<&Roots>,
    profile: &Profile,
) -> Step {
    let blocked = |why: String, fix: Option<&str>| {
        Step::blocked(NAME, &profile.title, why, fix.map(str::to_owned))
    };
    let (modules, is_new) = match database::look(&profile.folder) {
        Ok(Database::Present(modules)) => (modules, false),
        Ok(Database::Absent) => (Vec::new(), true),
        Ok(Database::Old) => {
            let why = "its database is of a kind that browsers gave up years ago; start it once with a version of today";
            return blocked(why.into(), None);
        }
        Err(fault) => {
            let why = format!(
                "its database in {} cannot be looked into: {}",
                profile.folder.display(),
                cac_common::error_chain::Chain(&fault)
            );
            return blocked(why, None);
        }
    };
    let removed: Vec<Module> = modules
        .iter()
        .filter(|module| module.is_conflicting())
        .cloned()
        .collect();
    let has_module = modules.iter().any(|it| it.is_opensc() || it.is_p11_kit());
    let added = module.filter(|_| !has_module).map(|library| Module {
        name: free_name(&modules),
        library: library.display().to_string(),
    });
    let mut action = DatabaseAction {
        family: profile.family,
        folder: profile.folder.clone(),
        is_new: is_new && (added.is_some() || roots.is_some()),
        added: added.into_iter().collect(),
        removed,
        certificates: Vec::new(),
    };
    if places.program("certutil").is_none() || places.program("modutil").is_none() {
        if is_nothing(&action) && roots.is_none() {
            return there(profile, roots);
        }
        return blocked(
            "certutil and modutil are not installed".into(),
            Some(NSS_TOOLS),
        );
    }
    if let Some(roots) = roots {
        match missing(&profile.folder, is_new, roots).await {
            Ok(certificates) => action.certificates = certificates,
            Err(fault) => return blocked(fault.to_string(), fault.advice()),
        }
    }
    if is_nothing(&action) {
        return there(profile, roots);
    }
    if let Some(browser) = running(&places.processes, &places.home.folder, profile.family) {
        let fault = SetupFault::Running { browser };
        return blocked(fault.to_string(), fault.advice());
    }
    if let Err(fault) = write::resolved(&profile.folder.join(database::MODULES)) {
        return blocked(fault.to_string(), fault.advice());
    }
    Step::to_do(
        NAME,
        &profile.title,
        what(&action),
        Action::Database(action),
    )
}

fn is_nothing(action: &DatabaseAction) -> bool {
    action.added.is_empty() && action.removed.is_empty() && action.certificates.is_empty()
}

fn there(profile: &Profile, roots: Option<&Roots>) -> Step {
    let so = if roots.is_some() {
        "it has the module and the authorities"
    } else {
        "it has the module"
    };
    Step::there(NAME, &profile.title, so)
}

fn what(action: &DatabaseAction) -> Vec<String> {
    let folder = action.folder.display();
    let mut what = Vec::new();
    if action.is_new {
        what.push(format!("makes its database in {folder}"));
    }
    for module in &action.removed {
        what.push(format!(
            "takes out the module {:?} ({}), which would take the card for itself",
            module.name, module.library
        ));
    }
    for module in &action.added {
        what.push(format!(
            "adds the module {:?} ({}) to {folder}",
            module.name, module.library
        ));
    }
    for new in &action.certificates {
        if new.trust == nss::ANCHOR {
            what.push(format!("trusts {}, for servers and mail", new.nickname));
        }
    }
    let others = action.certificates.iter();
    let others = others.filter(|new| new.trust != nss::ANCHOR).count();
    if others > 0 {
        what.push(format!(
            "adds {others} authorities below them, which are not trusted by themselves"
        ));
    }
    what
}

/// Other modules may have the name.
fn free_name(modules: &[Module]) -> String {
    let is_free = |name: &String| modules.iter().all(|module| module.name != *name);
    let numbered = (2..=modules.len() + 2).map(|number| format!("{MODULE_NAME} {number}"));
    std::iter::once(MODULE_NAME.to_owned())
        .chain(numbered)
        .find(is_free)
        .unwrap_or_else(|| MODULE_NAME.to_owned())
}

/// The authorities that a database does not have. One that is there without
/// trust is left as somebody has set it.
async fn missing(
    folder: &Path,
    is_new: bool,
    roots: &Roots,
) -> Result<Vec<NewCertificate>, SetupFault> {
    let mut there = Vec::new();
    if !is_new {
        let held = nss::certificates(folder).await?;
        let nicknames: BTreeSet<String> = held.into_iter().map(|it| it.nickname).collect();
        for nickname in nicknames.iter().take(MOST_CERTIFICATES) {
            there.push(nss::der_of(folder, nickname).await?);
        }
    }
    let is_there = |der: &[u8]| {
        let mut held = there.iter();
        held.any(|held| held.windows(der.len()).any(|window| window == der))
    };
    let anchors = roots.anchors.iter().map(|it| (it, nss::ANCHOR));
    let others = roots.others.iter().map(|it| (it, nss::INTERMEDIATE));
    Ok(anchors
        .chain(others)
        .filter(|(certificate, _)| !is_there(certificate.der()))
        .map(|(certificate, trust)| NewCertificate {
            nickname: roots::nickname(certificate),
            trust,
            certificate: certificate.clone(),
        })
        .collect())
}
