//! What is to be done, worked out from what is there, before anything is.

use std::path::PathBuf;

use cac_common::error_chain::Chain;
use cac_common::x509::Certificate;
use serde::Serialize;

use super::fault::SetupFault;
use super::places::Places;
use super::roots::Roots;
use super::steps;
use super::write::Present;
use crate::browsers::Family;
use crate::browsers::modules::Module;

/// One thing that has to be so.
#[derive(Debug)]
pub(crate) struct Step {
    /// Stable, in kebab case: what a check names as its mending.
    pub(crate) name: &'static str,
    /// `Firefox, profile default-release`
    pub(crate) about: String,
    pub(crate) state: State,
}

#[derive(Debug)]
pub(crate) enum State {
    /// It is so already: a clause.
    There(String),
    /// Clauses of what will be done.
    ToDo { what: Vec<String>, action: Action },
    /// It cannot be done, or not now.
    Blocked { why: String, fix: Option<String> },
    /// For a person to do, or to know.
    Told {
        why: String,
        command: Option<String>,
    },
}

/// A change, as far as it is known before it is made.
#[derive(Debug)]
pub(crate) enum Action {
    Write {
        files: Vec<NewFile>,
        /// A program to run when they are there, and when they are gone.
        refresh: Option<&'static str>,
    },
    Database(DatabaseAction),
}

#[derive(Debug)]
pub(crate) struct NewFile {
    pub(super) path: PathBuf,
    /// What the plan was made from.
    pub(super) from: Option<Present>,
    pub(super) bytes: Vec<u8>,
    /// Of a file that is new.
    pub(super) mode: u32,
}

#[derive(Debug)]
pub(crate) struct DatabaseAction {
    pub(super) family: Family,
    pub(super) folder: PathBuf,
    pub(super) is_new: bool,
    pub(super) added: Vec<Module>,
    pub(super) removed: Vec<Module>,
    pub(super) certificates: Vec<NewCertificate>,
    pub(super) trusted: Vec<NewTrust>,
}

#[derive(Debug)]
pub(crate) struct NewCertificate {
    pub(super) nickname: String,
    pub(super) trust: &'static str,
    pub(super) certificate: Certificate,
}

/// Of a certificate that is there, and is to be trusted more.
#[derive(Debug)]
pub(crate) struct NewTrust {
    pub(super) nickname: String,
    pub(super) before: String,
    pub(super) certificate: Certificate,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted<'a> {
    pub(crate) scope: Scope,
    pub(crate) roots: Option<&'a Roots>,
    /// The roots go into the store of the system too.
    pub(crate) system_store: bool,
    /// The names of the steps that are wanted; all, where there is none.
    pub(crate) only: &'a [String],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scope {
    /// Whoever runs it.
    User,
    /// Everybody on this machine.
    System,
}

/// Every step, in the order in which they are done. Where one place cannot be
/// looked at, the others are planned all the same.
pub(crate) async fn plan(places: &Places, wanted: Wanted<'_>) -> Vec<Step> {
    let module = places.opensc();
    let is_wanted = |name: &str| wanted.only.is_empty() || wanted.only.iter().any(|it| it == name);
    let mut plan = Vec::new();
    steps::module::add(places, module.as_deref(), &mut plan);
    steps::p11_kit::add(places, wanted.scope, module.as_deref(), &mut plan);
    match wanted.scope {
        Scope::User => {
            let roots = wanted.roots.filter(|_| is_wanted(steps::authorities::NAME));
            steps::browsers::add(places, module.as_deref(), roots, &mut plan).await;
            steps::scdaemon::add(places, &mut plan).await;
        }
        Scope::System => {
            steps::firefox_policy::add(places, module.as_deref(), wanted.roots, &mut plan);
            if let Some(roots) = wanted.roots.filter(|_| wanted.system_store) {
                plan.push(steps::system_store::step(places, roots));
            }
        }
    }
    plan.retain(|step| is_wanted(step.name));
    plan
}

impl Step {
    /// What is in the way is told, with what to do about it.
    pub(super) fn faulty(name: &'static str, about: impl Into<String>, fault: &SetupFault) -> Self {
        let why = Chain(fault).to_string();
        Self::blocked(name, about, why, fault.advice().map(str::to_owned))
    }

    pub(crate) fn is_to_do(&self) -> bool {
        matches!(self.state, State::ToDo { .. })
    }

    pub(super) fn there(
        name: &'static str,
        about: impl Into<String>,
        so: impl Into<String>,
    ) -> Self {
        Self {
            name,
            about: about.into(),
            state: State::There(so.into()),
        }
    }

    pub(super) fn blocked(
        name: &'static str,
        about: impl Into<String>,
        why: impl Into<String>,
        fix: Option<String>,
    ) -> Self {
        Self {
            name,
            about: about.into(),
            state: State::Blocked {
                why: why.into(),
                fix,
            },
        }
    }

    pub(super) fn told(
        name: &'static str,
        about: impl Into<String>,
        why: impl Into<String>,
        command: Option<String>,
    ) -> Self {
        Self {
            name,
            about: about.into(),
            state: State::Told {
                why: why.into(),
                command,
            },
        }
    }

    pub(super) fn to_do(
        name: &'static str,
        about: impl Into<String>,
        what: Vec<String>,
        action: Action,
    ) -> Self {
        Self {
            name,
            about: about.into(),
            state: State::ToDo { what, action },
        }
    }
}
