//! The database of each browser profile: the module, and the authorities that
//! were supplied.

use std::path::Path;

use crate::browsers::database::{self, Database};
use crate::browsers::modules::Module;
use crate::browsers::running::running;
use crate::browsers::{self, Packaging, Profile};
use crate::setup::fault::SetupFault;
use crate::setup::places::Places;
use crate::setup::plan::{Action, DatabaseAction, State, Step};
use crate::setup::roots::Roots;
use crate::setup::steps::{MODULE_NAME, NO_MODULE, authorities, sandboxes};
use crate::setup::write;

const NAME: &str = "browsers";

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
    // First, so that no module is there yet when certutil looks at what is.
    if let Some(roots) = roots {
        for profile in &found.profiles {
            plan.push(authorities::step(places, roots, profile).await);
        }
    }
    for profile in &found.profiles {
        let step = match profile.packaging {
            Packaging::Native => {
                let is_made = plan.iter().any(|step| makes(step, &profile.folder));
                native(places, module, is_made, profile)
            }
            Packaging::Snap | Packaging::Flatpak => sandboxes::step(places, profile).await,
        };
        plan.push(step);
    }
}

/// Whether its database will be there by then.
fn makes(step: &Step, folder: &Path) -> bool {
    matches!(
        &step.state,
        State::ToDo { action: Action::Database(action), .. } if action.is_new && action.folder == folder
    )
}

fn native(places: &Places, module: Option<&Path>, is_made: bool, profile: &Profile) -> Step {
    match listed(places, module, profile) {
        Ok(Listed::There) => Step::there(NAME, &profile.title, "it has the module"),
        Ok(Listed::NoModule) => Step::blocked(NAME, &profile.title, NO_MODULE, None),
        Ok(Listed::ToDo(action)) => {
            let what = what(&action, is_made);
            Step::to_do(NAME, &profile.title, what, Action::Database(action))
        }
        Err(fault) => Step::faulty(NAME, &profile.title, &fault),
    }
}

enum Listed {
    There,
    /// Neither in its list nor on this machine.
    NoModule,
    ToDo(DatabaseAction),
}

fn listed(places: &Places, module: Option<&Path>, profile: &Profile) -> Result<Listed, SetupFault> {
    let path = profile.folder.clone();
    let (modules, is_new) = match database::look(&profile.folder) {
        Ok(Database::Present(modules)) => (modules, false),
        Ok(Database::Absent) => (Vec::new(), true),
        Ok(Database::Old) => return Err(SetupFault::OldDatabase { path }),
        Err(source) => return Err(SetupFault::Database { path, source }),
    };
    let is_of_the_card = |it: &Module| it.is_opensc() || it.is_p11_kit();
    let is_gone =
        |it: &Module| is_of_the_card(it) && module.is_some() && !it.is_there(&places.root);
    let removed = (modules.iter()).filter(|it| it.is_conflicting() || is_gone(it));
    let has_module = (modules.iter()).any(|it| is_of_the_card(it) && !is_gone(it));
    let added = module.filter(|_| !has_module).map(|library| Module {
        name: free_name(&modules),
        library: library.display().to_string(),
    });
    let action = DatabaseAction {
        family: profile.family,
        folder: path,
        is_new,
        added: added.into_iter().collect(),
        removed: removed.cloned().collect(),
        certificates: Vec::new(),
        trusted: Vec::new(),
    };
    if action.added.is_empty() && action.removed.is_empty() {
        return Ok(if has_module {
            Listed::There
        } else {
            Listed::NoModule
        });
    }
    if places.program("modutil").is_none() || (is_new && places.program("certutil").is_none()) {
        return Err(SetupFault::NoTools);
    }
    if let Some(browser) = running(&places.processes, &places.home.folder, profile.family) {
        return Err(SetupFault::Running { browser });
    }
    write::resolved(&profile.folder.join(database::MODULES))?;
    Ok(Listed::ToDo(action))
}

fn what(action: &DatabaseAction, is_made: bool) -> Vec<String> {
    let folder = action.folder.display();
    let mut what = Vec::new();
    if action.is_new && !is_made {
        what.push(super::makes_the_database(&action.folder));
    }
    for module in &action.removed {
        let why = if module.is_conflicting() {
            "which would take the card for itself"
        } else {
            "which is not there any more"
        };
        what.push(format!(
            "takes out the module {:?} ({}), {why}",
            module.name, module.library
        ));
    }
    for module in &action.added {
        what.push(format!(
            "adds the module {:?} ({}) to {folder}",
            module.name, module.library
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
