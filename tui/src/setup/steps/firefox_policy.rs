//! Firefox's policies for all users (`/etc/firefox/policies/policies.json`),
//! merged into those that are there.
//!
//! Snaps of Firefox read the same file. What each key means Mozilla's
//! "policy-templates" say.

use std::path::{Path, PathBuf};

use cac_common::bounded_file;
use serde_json::{Map, Value, json};

use crate::browsers::modules::Module;
use crate::setup::fault::SetupFault;
use crate::setup::places::Places;
use crate::setup::plan::{Action, NewFile, Step};
use crate::setup::roots::{self, Roots};
use crate::setup::steps::{MODULE_NAME, NO_MODULE};
use crate::setup::write;

const NAME: &str = "firefox-policy";
const ABOUT: &str = "Firefox, for all users";

const FOLDER: &str = "etc/firefox/policies";
const FILE: &str = "policies.json";

/// A policy has a few kB.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Others have to be able to read it.
const MODE: u32 = 0o644;

/// Why policies that are there cannot be added to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum PolicyFault {
    #[error("line {line} of it is no JSON")]
    NotJson { line: usize },
    #[error("{place} in it is no {kind}")]
    Kind {
        place: &'static str,
        kind: &'static str,
    },
}

pub(in crate::setup) fn add(
    places: &Places,
    module: Option<&Path>,
    roots: Option<&Roots>,
    plan: &mut Vec<Step>,
) {
    let step = named(places, module, roots);
    plan.push(step.unwrap_or_else(|fault| Step::faulty(NAME, ABOUT, &fault)));
}

fn named(
    places: &Places,
    module: Option<&Path>,
    roots: Option<&Roots>,
) -> Result<Step, SetupFault> {
    let folder = places.system(FOLDER);
    let path = write::resolved(&folder.join(FILE))?;
    let from = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
    let mut files = Vec::new();
    let mut installed = Vec::new();
    for root in roots
        .map(|roots| roots.anchors.as_slice())
        .unwrap_or_default()
    {
        let path = folder.join(format!("cacd-{}.pem", roots::short(root)));
        let bytes = root.pem().into_bytes();
        let from = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
        if from.as_ref().is_none_or(|from| from.bytes != bytes) {
            files.push(NewFile {
                path: path.clone(),
                from,
                bytes,
                mode: MODE,
            });
        }
        installed.push(path);
    }
    let before = from.as_ref().map(|from| from.bytes.as_slice());
    let merged = match merged(before, module, &installed) {
        Ok(merged) => merged,
        Err(fault) => {
            let why = format!("{} is not touched: {fault}", path.display());
            return Ok(Step::blocked(NAME, ABOUT, why, None));
        }
    };
    let mut what = Vec::new();
    if let Some(bytes) = merged {
        what.push(match (&from, module) {
            (Some(_), Some(_)) => format!("adds the module to {}", path.display()),
            (None, Some(module)) => {
                format!(
                    "writes {}, which names {}",
                    path.display(),
                    module.display()
                )
            }
            (_, None) => format!("names the authorities in {}", path.display()),
        });
        files.push(NewFile {
            path,
            from,
            bytes,
            mode: MODE,
        });
    }
    if files.is_empty() {
        return Ok(match (module, roots) {
            (Some(_), _) => Step::there(NAME, ABOUT, "its policies name the module"),
            (None, Some(_)) => Step::there(NAME, ABOUT, "its policies name the authorities"),
            (None, None) => Step::blocked(NAME, ABOUT, NO_MODULE, None),
        });
    }
    for root in roots
        .map(|roots| roots.anchors.as_slice())
        .unwrap_or_default()
    {
        what.push(format!("trusts {}", roots::nickname(root)));
    }
    let action = Action::Write {
        files,
        refresh: None,
    };
    Ok(Step::to_do(NAME, ABOUT, what, action))
}

/// Whether policies of Firefox load the module. Those that are broken do not.
pub(crate) fn names_the_module(policies: &Path) -> bool {
    let Ok(bytes) = bounded_file::read(policies, LARGEST_FILE) else {
        return false;
    };
    // Nothing is missing in them then.
    matches!(merged(Some(&bytes), Some(Path::new("any")), &[]), Ok(None))
}

/// None where nothing is missing.
fn merged(
    before: Option<&[u8]>,
    module: Option<&Path>,
    installed: &[PathBuf],
) -> Result<Option<Vec<u8>>, PolicyFault> {
    let mut whole: Value = match before {
        None => json!({}),
        Some(bytes) => serde_json::from_slice(bytes)
            .map_err(|error| PolicyFault::NotJson { line: error.line() })?,
    };
    let policies = part(&mut whole, "the whole", "policies")?;
    let mut is_changed = false;
    if let Some(module) = module {
        is_changed |= name_module(policies, module)?;
    }
    if !installed.is_empty() {
        is_changed |= install(policies, installed)?;
    }
    if !is_changed {
        return Ok(None);
    }
    // A value that was read can be written.
    let mut bytes = serde_json::to_vec_pretty(&whole).unwrap_or_default();
    bytes.push(b'\n');
    Ok(Some(bytes))
}

/// The object of this name in an object, made where it is missing.
fn part<'a>(
    of: &'a mut Value,
    place: &'static str,
    name: &'static str,
) -> Result<&'a mut Value, PolicyFault> {
    let part = object(of, place)?
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    object(part, name)?;
    Ok(part)
}

fn object<'a>(
    value: &'a mut Value,
    place: &'static str,
) -> Result<&'a mut Map<String, Value>, PolicyFault> {
    value.as_object_mut().ok_or(PolicyFault::Kind {
        place,
        kind: "object",
    })
}

/// Whether it had to be added. The older form names modules without `Add`
/// (before Firefox 114), and is kept where it is used.
fn name_module(policies: &mut Value, module: &Path) -> Result<bool, PolicyFault> {
    let devices = part(policies, "policies", "SecurityDevices")?;
    let is_older = object(devices, "SecurityDevices")?
        .iter()
        .any(|(key, _)| key != "Add" && key != "Delete");
    let named = if is_older {
        object(devices, "SecurityDevices")?
    } else {
        object(part(devices, "SecurityDevices", "Add")?, "Add")?
    };
    let has_module = named.values().filter_map(Value::as_str).any(|library| {
        let module = Module {
            name: String::new(),
            library: library.to_owned(),
        };
        module.is_opensc() || module.is_p11_kit()
    });
    if !has_module {
        let library = Value::String(module.display().to_string());
        named.insert(MODULE_NAME.into(), library);
    }
    Ok(!has_module)
}

/// Whether one had to be added.
fn install(policies: &mut Value, installed: &[PathBuf]) -> Result<bool, PolicyFault> {
    let certificates = part(policies, "policies", "Certificates")?;
    let list = object(certificates, "Certificates")?
        .entry("Install")
        .or_insert_with(|| Value::Array(Vec::new()));
    let list = list.as_array_mut().ok_or(PolicyFault::Kind {
        place: "Install",
        kind: "list",
    })?;
    let mut is_changed = false;
    for path in installed {
        let path = Value::String(path.display().to_string());
        if !list.contains(&path) {
            list.push(path);
            is_changed = true;
        }
    }
    Ok(is_changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "/usr/lib64/opensc-pkcs11.so";

    fn merge(before: Option<&str>, installed: &[&str]) -> Result<Option<Value>, PolicyFault> {
        let installed: Vec<PathBuf> = installed.iter().map(PathBuf::from).collect();
        let merged = merged(
            before.map(str::as_bytes),
            Some(Path::new(MODULE)),
            &installed,
        )?;
        Ok(merged.map(|bytes| serde_json::from_slice(&bytes).unwrap()))
    }

    #[test]
    fn policies_are_made_where_there_are_none() {
        assert_eq!(
            merge(None, &["/etc/firefox/policies/cacd-1.pem"])
                .unwrap()
                .unwrap(),
            json!({ "policies": {
                "SecurityDevices": { "Add": { "CAC Module": MODULE } },
                "Certificates": { "Install": ["/etc/firefox/policies/cacd-1.pem"] },
            }})
        );
    }

    #[test]
    fn what_others_have_set_stays() {
        let before = r#"{"policies": {
            "DisableTelemetry": true,
            "SecurityDevices": {"Add": {"Other": "/a.so"}, "Delete": ["Old"]},
            "Certificates": {"ImportEnterpriseRoots": true, "Install": ["b.pem"]}
        }}"#;

        assert_eq!(
            merge(Some(before), &["/c.pem"]).unwrap().unwrap(),
            json!({ "policies": {
                "DisableTelemetry": true,
                "SecurityDevices": {
                    "Add": { "Other": "/a.so", "CAC Module": MODULE },
                    "Delete": ["Old"],
                },
                "Certificates": {
                    "ImportEnterpriseRoots": true,
                    "Install": ["b.pem", "/c.pem"],
                },
            }})
        );
    }

    #[test]
    fn the_older_form_is_added_to_as_it_is() {
        let before = r#"{"policies": {"SecurityDevices": {"Other": "/a.so"}}}"#;

        assert_eq!(
            merge(Some(before), &[]).unwrap().unwrap(),
            json!({ "policies": {
                "SecurityDevices": { "Other": "/a.so", "CAC Module": MODULE },
            }})
        );
    }

    #[test]
    fn merged_twice_nothing_changes() {
        let once = merge(None, &["/c.pem"]).unwrap().unwrap().to_string();

        assert_eq!(merge(Some(&once), &["/c.pem"]), Ok(None));
        let proxy = r#"{"policies": {"SecurityDevices": {"x": "/usr/lib/p11-kit-proxy.so"}}}"#;
        assert_eq!(merge(Some(proxy), &[]), Ok(None));
    }

    #[test]
    fn broken_policies_are_left_alone() {
        for (text, told) in [
            ("", "line 1 of it is no JSON"),
            ("{\n\"policies\": {,}}", "line 2 of it is no JSON"),
            ("[]", "the whole in it is no object"),
            (r#"{"policies": 1}"#, "policies in it is no object"),
            (
                r#"{"policies": {"SecurityDevices": []}}"#,
                "SecurityDevices in it is no object",
            ),
            (
                r#"{"policies": {"SecurityDevices": {"Add": "x"}}}"#,
                "Add in it is no object",
            ),
            (
                r#"{"policies": {"Certificates": {"Install": "x"}}}"#,
                "Install in it is no list",
            ),
        ] {
            let fault = merge(Some(text), &["/c.pem"]).unwrap_err();
            assert_eq!(fault.to_string(), told, "{text}");
        }
    }
}
