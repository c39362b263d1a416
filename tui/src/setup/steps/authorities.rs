//! The authorities that were supplied, in the database of each browser profile.

use crate::browsers::database::{self, Database};
use crate::browsers::nss;
use crate::browsers::running::running;
use crate::browsers::{Packaging, Profile};
use crate::setup::fault::SetupFault;
use crate::setup::places::Places;
use crate::setup::plan::{Action, DatabaseAction, NewCertificate, NewTrust, Step};
use crate::setup::roots::{self, Roots};
use crate::setup::write;

pub(in crate::setup) const NAME: &str = "authorities";

/// Certificates of one database; each is looked at by a program of its own.
const MOST_CERTIFICATES: usize = 2000;

pub(super) async fn step(places: &Places, roots: &Roots, profile: &Profile) -> Step {
    let about = format!("authorities of {}", profile.title);
    match added(places, roots, profile).await {
        Ok(None) => Step::there(NAME, about, "it trusts those of the bundle"),
        Ok(Some(action)) => {
            let what = what(&action);
            Step::to_do(NAME, about, what, Action::Database(action))
        }
        Err(fault) => Step::faulty(NAME, about, &fault),
    }
}

/// None where nothing is missing.
async fn added(
    places: &Places,
    roots: &Roots,
    profile: &Profile,
) -> Result<Option<DatabaseAction>, SetupFault> {
    let folder = &profile.folder;
    let path = folder.clone();
    let is_new = match database::look(folder) {
        Ok(Database::Present(_)) => false,
        // Where a sandbox will have its database is its own affair.
        Ok(Database::Absent) if profile.packaging != Packaging::Native => {
            return Err(SetupFault::NeverStarted { path });
        }
        Ok(Database::Absent) => true,
        Ok(Database::Old) => return Err(SetupFault::OldDatabase { path }),
        Err(source) => return Err(SetupFault::Database { path, source }),
    };
    for program in ["certutil", "modutil"] {
        if places.program(program).is_none() {
            return Err(SetupFault::NoTools);
        }
    }
    let mut action = DatabaseAction {
        family: profile.family,
        folder: path,
        is_new,
        added: Vec::new(),
        removed: Vec::new(),
        certificates: Vec::new(),
        trusted: Vec::new(),
    };
    add_missing(&mut action, roots).await?;
    if action.certificates.is_empty() && action.trusted.is_empty() {
        return Ok(None);
    }
    if let Some(browser) = running(&places.processes, &places.home.folder, profile.family) {
        return Err(SetupFault::Running { browser });
    }
    write::resolved(&folder.join(database::CERTIFICATES))?;
    let gives_trust = action
        .certificates
        .iter()
        .any(|new| new.trust == nss::ANCHOR);
    if (gives_trust || !action.trusted.is_empty()) && !is_new && nss::is_locked(folder).await {
        return Err(SetupFault::Locked {
            path: action.folder,
        });
    }
    Ok(Some(action))
}

/// What the database does not have, and roots that it has and does not trust.
/// One below them stays as somebody has set it.
async fn add_missing(action: &mut DatabaseAction, roots: &Roots) -> Result<(), SetupFault> {
    let there = if action.is_new {
        Vec::new()
    } else {
        nss::named(&action.folder, MOST_CERTIFICATES).await?
    };
    let anchors = roots.anchors.iter().map(|it| (it, nss::ANCHOR));
    let others = roots.others.iter().map(|it| (it, nss::INTERMEDIATE));
    for (certificate, trust) in anchors.chain(others) {
        let Some(held) = there.iter().find(|it| it.has(certificate.der())) else {
            action.certificates.push(NewCertificate {
                nickname: roots::nickname(certificate),
                trust,
                certificate: certificate.clone(),
            });
            continue;
        };
        if trust != nss::ANCHOR {
            continue;
        }
        let before = held.trust().ok_or_else(|| SetupFault::SameName {
            path: action.folder.clone(),
            nickname: held.nickname.clone(),
        })?;
        if !nss::is_anchor(before) {
            action.trusted.push(NewTrust {
                nickname: held.nickname.clone(),
                before: before.to_owned(),
                certificate: certificate.clone(),
            });
        }
    }
    Ok(())
}

fn what(action: &DatabaseAction) -> Vec<String> {
    let mut what = Vec::new();
    if action.is_new {
        what.push(super::makes_the_database(&action.folder));
    }
    for new in &action.certificates {
        if new.trust == nss::ANCHOR {
            what.push(format!("trusts {}, for servers and mail", new.nickname));
        }
    }
    for new in &action.trusted {
        what.push(format!(
            "trusts {}, for servers and mail; it is there already, with the trust {:?}",
            cac_common::identity::readable(&new.nickname),
            new.before
        ));
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
