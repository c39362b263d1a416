//! The authorities that every program of the system believes, unless it has
//! its own.

use cac_common::identity::readable;

use crate::setup::fault::SetupFault;
use crate::setup::places::Places;
use crate::setup::plan::{Action, NewFile, Step};
use crate::setup::roots::{self, Roots};
use crate::setup::write;

const NAME: &str = "system-store";
const ABOUT: &str = "the system's authorities";

/// Where a system takes authorities from, and what has it do so: Debian and
/// Ubuntu, Fedora and RHEL, SUSE.
const STORES: [(&str, &str); 3] = [
    ("usr/local/share/ca-certificates", "update-ca-certificates"),
    ("etc/pki/ca-trust/source/anchors", "update-ca-trust"),
    ("etc/pki/trust/anchors", "update-ca-certificates"),
];

const MODE: u32 = 0o644;

pub(in crate::setup) fn step(places: &Places, roots: &Roots) -> Step {
    added(places, roots).unwrap_or_else(|fault| Step::faulty(NAME, ABOUT, &fault))
}

fn added(places: &Places, roots: &Roots) -> Result<Step, SetupFault> {
    let store = STORES.into_iter().find(|(folder, program)| {
        places.system(folder).is_dir() && places.program(program).is_some()
    });
    let Some((folder, refresh)) = store else {
        return Ok(Step::blocked(
            NAME,
            ABOUT,
            "this system keeps them in a way that is not known here",
            Some(format!(
                "sudo trust anchor --store {}",
                roots.path.display()
            )),
        ));
    };
    let mut files = Vec::new();
    let mut what = Vec::new();
    for root in &roots.anchors {
        let name = format!("cacd-{}-{}.crt", plain(root.title()), roots::short(root));
        let path = places.system(folder).join(name);
        let bytes = root.pem().into_bytes();
        let from = write::look(&path).map_err(SetupFault::file(&path, "read"))?;
        if from.as_ref().is_some_and(|from| from.bytes == bytes) {
            continue;
        }
        what.push(format!(
            "has every program trust {}, for whatever it vouches for",
            roots::nickname(root)
        ));
        files.push(NewFile {
            path,
            from,
            bytes,
            mode: MODE,
        });
    }
    if files.is_empty() {
        return Ok(Step::there(NAME, ABOUT, "they have those of the bundle"));
    }
    what.push(format!("runs {refresh}"));
    let action = Action::Write {
        files,
        refresh: Some(refresh),
    };
    Ok(Step::to_do(NAME, ABOUT, what, action))
}

/// As the name of a file.
fn plain(title: &str) -> String {
    let plain = readable(title)
        .chars()
        .take(64)
        .map(|it| {
            if it.is_ascii_alphanumeric() {
                it.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect::<String>();
    plain.trim_matches('-').to_owned()
}
