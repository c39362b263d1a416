//! p11-kit, by which programs without a setting of their own find modules:
//! curl, wget, ssh, GNOME's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cac_common::bounded_file;

use crate::browsers::modules::Module;
use crate::setup::fault::SetupFault;
use crate::setup::places::Places;
use crate::setup::plan::{Action, NewFile, Scope, State, Step};
use crate::setup::write;

const NAME: &str = "p11-kit";
const ABOUT: &str = "p11-kit";

/// Folders of the system that p11-kit reads (pkcs11.conf(5)).
const FOLDERS: [&str; 2] = ["usr/share/p11-kit/modules", "etc/pkcs11/modules"];

/// Whether what users set counts: `none`, `merge` or `only`.
const CONFIGURATION: &str = "etc/pkcs11/pkcs11.conf";

/// Ours; Fedora's and Arch's packages of OpenSC use the same name.
const FILE: &str = "opensc.module";

const LARGEST_FILE: u64 = 64 * 1024;
const MOST_FILES: usize = 1000;

pub(in crate::setup) fn add(
    places: &Places,
    scope: Scope,
    module: Option<&Path>,
    plan: &mut Vec<Step>,
) -> Result<(), SetupFault> {
    let configured = configured(places);
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
        return Ok(());
    };
    if let Some((file, _)) = configured.iter().find(|(_, library)| is_opensc(library)) {
        let so = format!("it knows the module, by {}", file.display());
        plan.push(Step::there(NAME, ABOUT, so));
        return Ok(());
    }
    if scope == Scope::User && users_count_for_nothing(places) {
        let why = format!(
            "/{CONFIGURATION} says user-config: none, so that only what is set for all users counts"
        );
        let fix = Some("sudo cacctl setup --system".into());
        plan.push(Step::blocked(NAME, ABOUT, why, fix));
        return Ok(());
    }
    let folder = match scope {
        Scope::User => places.configuration.join("pkcs11/modules"),
        Scope::System => places.system(FOLDERS[1]),
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
    let files = vec![new];
    let state = State::ToDo {
        what,
        action: Action::Write {
            files,
            refresh: None,
        },
    };
    plan.push(Step {
        name: NAME,
        about: ABOUT.into(),
        state,
    });
    Ok(())
}

fn is_opensc(library: &str) -> bool {
    let module = Module {
        name: String::new(),
        library: library.to_owned(),
    };
    module.is_opensc()
}

/// Which library each file names; a file of a user counts in place of one of
/// the system that has its name.
fn configured(places: &Places) -> Vec<(PathBuf, String)> {
    let own = places.configuration.join("pkcs11/modules");
    let mut configured: Vec<(PathBuf, String)> = Vec::new();
    for folder in FOLDERS
        .map(|below| places.system(below))
        .iter()
        .chain([&own])
    {
        let entries = fs::read_dir(folder).into_iter().flatten();
        for entry in entries.take(MOST_FILES).flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|end| end != "module") {
                continue;
            }
            let library = setting(&path, "module");
            configured.retain(|(known, _)| known.file_name() != path.file_name());
            if let Some(library) = library {
                configured.push((path, library));
            }
        }
    }
    configured.sort();
    configured
}

fn users_count_for_nothing(places: &Places) -> bool {
    setting(&places.system(CONFIGURATION), "user-config").is_some_and(|value| value == "none")
}

/// `key: value`; a file that cannot be read says nothing to p11-kit either.
fn setting(path: &Path, wanted: &str) -> Option<String> {
    let bytes: io::Result<Vec<u8>> = bounded_file::read(path, LARGEST_FILE);
    let text = String::from_utf8(bytes.ok()?).ok()?;
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == wanted).then(|| value.trim().to_owned())
    })
}
