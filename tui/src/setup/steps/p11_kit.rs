//! p11-kit, by which programs without a setting of their own find modules:
//! curl, wget, ssh, GNOME's.

use std::path::Path;

use crate::browsers::modules::Module;
use crate::browsers::p11_kit::{
    CONFIGURATION, OF_ADMINISTRATORS, configured, opensc, users_count_for_nothing,
};
use crate::setup::fault::SetupFault;
use crate::setup::places::Places;
use crate::setup::plan::{Action, NewFile, Scope, Step};
use crate::setup::write;

const NAME: &str = "p11-kit";
const ABOUT: &str = "p11-kit";

/// Ours; Fedora's and Arch's packages of OpenSC use the same name.
const FILE: &str = "opensc.module";

pub(in crate::setup) fn add(
    places: &Places,
    scope: Scope,
    module: Option<&Path>,
    plan: &mut Vec<Step>,
) {
    // What root has set for itself is nobody else's.
    let own = (scope == Scope::User).then_some(places.configuration.as_path());
    let configured = configured(&places.root, own);
    for (file, library) in &configured {
        let library = Module {
            name: String::new(),
            library: library.clone(),
        };
        if library.is_conflicting() {
            let why = format!(
                "{} is loaded as well, by {}: two modules for one card show every certificate twice and can spend PIN tries twice; remove its package",
                library.file_name(),
                file.display()
            );
            plan.push(Step::told("conflicts", ABOUT, why, None));
        }
    }
    let Some(module) = module else {
        return;
    };
    plan.push(match opensc(&configured) {
        Some(file) => {
            let so = format!("it knows the module, by {}", file.display());
            Step::there(NAME, ABOUT, so)
        }
        None => {
            named(places, scope, module).unwrap_or_else(|fault| Step::faulty(NAME, ABOUT, &fault))
        }
    });
}

fn named(places: &Places, scope: Scope, module: &Path) -> Result<Step, SetupFault> {
    if scope == Scope::User && users_count_for_nothing(&places.root) {
        let why = format!(
            "/{CONFIGURATION} says user-config: none, so that only what is set for all users counts"
        );
        let fix = Some("sudo cacctl setup --system".into());
        return Ok(Step::blocked(NAME, ABOUT, why, fix));
    }
    let folder = match scope {
        Scope::User => places.configuration.join("pkcs11/modules"),
        Scope::System => places.system(OF_ADMINISTRATORS),
    };
    let path = write::resolved(&folder.join(FILE))?;
    let from = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
    let what = vec![format!(
        "{} {}, which names {}",
        if from.is_some() { "replaces" } else { "writes" },
        path.display(),
        module.display()
    )];
    let new = NewFile {
        path,
        from,
        bytes: format!("module: {}\n", module.display()).into_bytes(),
        mode: 0o644,
    };
    let action = Action::Write {
        files: vec![new],
        refresh: None,
    };
    Ok(Step::to_do(NAME, ABOUT, what, action))
}
