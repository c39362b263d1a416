//! Making the card available to browsers and other programs, and taking that
//! back: a plan is made and shown, done, and proven by planning again.
//!
//! Asks neither the daemon nor the card. What is changed is recorded before it
//! is ([`record`]), so that it can be undone whatever happens.

mod apply;
mod fault;
mod lock;
mod places;
mod plan;
mod record;
mod roots;
mod steps;
#[cfg(test)]
mod tests;
mod undo;
mod write;

use serde::Serialize;

use self::apply::Named;
pub use self::fault::SetupFault;
pub(crate) use self::places::Places;
pub(crate) use self::plan::{Scope, State, Step, Wanted, plan};
use self::record::{Entry, Record};
pub(crate) use self::roots::Roots;
pub(crate) use self::steps::firefox_policy::names_the_module;
pub(crate) use self::undo::{Force, Undone};
use crate::phrase::Tone;

/// The names of all steps, in the order in which they are done.
pub const STEPS: [&str; 9] = [
    "module",
    "conflicts",
    "p11-kit",
    "authorities",
    "browsers",
    "sandboxes",
    "scdaemon",
    "firefox-policy",
    "system-store",
];

/// Those that take the authorities of a bundle.
pub(crate) const OF_ROOTS: [&str; 3] = ["authorities", "firefox-policy", "system-store"];

/// One step, or one change that is undone, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Stable, in kebab case.
    pub step: String,
    pub about: String,
    pub state: Standing,
    /// Clauses.
    pub text: Vec<String>,
    /// What a person can do: a command or a sentence.
    pub fix: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is so already.
    There,
    /// It will be done, or undone, if that is wanted.
    ToDo,
    Done,
    Undone,
    /// It could not be done, and nothing of it is left unless `text` says so.
    Failed,
    /// It was changed by somebody since, and is left.
    Kept,
    /// Something is in the way.
    Blocked,
    /// To know.
    Told,
}

impl Standing {
    pub fn title(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::ToDo => "to do",
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Failed => "failed",
            Self::Kept => "kept",
            Self::Blocked => "blocked",
            Self::Told => "note",
        }
    }

    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::There | Self::Done | Self::Undone => Tone::Good,
            Self::ToDo => Tone::Working,
            Self::Failed => Tone::Bad,
            Self::Kept | Self::Blocked => Tone::Wanted,
            Self::Told => Tone::Quiet,
        }
    }
}

impl From<&Step> for Line {
    fn from(step: &Step) -> Self {
        let (state, text, fix) = match &step.state {
            State::There(so) => (Standing::There, vec![so.clone()], None),
            State::ToDo { what, .. } => (Standing::ToDo, what.clone(), None),
            State::Blocked { why, fix } => (Standing::Blocked, vec![why.clone()], fix.clone()),
            State::Told { why, command } => (Standing::Told, vec![why.clone()], command.clone()),
        };
        Self {
            step: step.name.to_owned(),
            about: step.about.clone(),
            state,
            text,
            fix,
        }
    }
}

impl Line {
    fn of_entry(entry: &Entry, state: Standing, text: Vec<String>, fix: Option<String>) -> Self {
        Self {
            step: entry.step.clone(),
            about: entry.about.clone(),
            state,
            text,
            fix,
        }
    }
}

fn failed(fault: &SetupFault) -> (Vec<String>, Option<String>) {
    let text = cac_common::error_chain::Chain(fault).to_string();
    (vec![text], fault.advice().map(str::to_owned))
}

/// Does what is to do, and tells each step as it ends. One that fails stops
/// no other.
pub(crate) async fn carry_out(
    places: &Places,
    plan: Vec<Step>,
    mut tell: impl FnMut(&Line) -> Result<(), crate::failure::Failure>,
) -> Result<Vec<Line>, crate::failure::Failure> {
    let mut record = Record::open(&places.record).await?;
    let mut lines = Vec::new();
    for step in plan {
        let mut line = Line::from(&step);
        if let State::ToDo { action, .. } = step.state {
            let named = Named {
                step: step.name,
                about: &step.about,
            };
            line.state = Standing::Done;
            if let Err(fault) = apply::apply(&mut record, places, named, action).await {
                line.state = Standing::Failed;
                (line.text, line.fix) = failed(&fault);
            }
        }
        tell(&line)?;
        lines.push(line);
    }
    record.close()?;
    Ok(lines)
}

/// What would be undone, in its order.
pub(crate) async fn undoable(places: &Places) -> Result<Vec<Line>, SetupFault> {
    if !Record::is_there(&places.record) {
        return Ok(Vec::new());
    }
    let record = Record::open(&places.record).await?;
    let entries = record.entries().iter().rev();
    let lines = entries.map(|entry| {
        let text = vec![what_is_put_back(entry)];
        Line::of_entry(entry, Standing::ToDo, text, None)
    });
    let lines = lines.collect();
    // What was interrupted before it changed anything has left copies alone.
    record.close()?;
    Ok(lines)
}

/// Undoes everything, and tells each change as it is undone.
pub(crate) async fn take_back(
    places: &Places,
    force: Force,
    mut tell: impl FnMut(&Line) -> Result<(), crate::failure::Failure>,
) -> Result<Vec<Line>, crate::failure::Failure> {
    let mut record = Record::open(&places.record).await?;
    let entries: Vec<Entry> = record.entries().iter().rev().cloned().collect();
    let mut lines = Vec::new();
    // What changed a folder before cannot be undone while what came later is not.
    let mut left: Vec<std::path::PathBuf> = Vec::new();
    for entry in entries {
        if entry
            .change
            .folder()
            .is_some_and(|folder| left.contains(folder))
        {
            continue;
        }
        let undone = undo::undo(&mut record, places, &entry, force).await;
        let (state, text, fix) = match undone {
            Ok(Undone::AsItWas) => (Standing::Undone, what_is_put_back(&entry), None),
            Ok(Undone::ByContent(left)) => {
                let so = "its browser has used the database since: ours was taken out, and the rest is as the browser left it";
                let told = std::iter::once(so.to_owned()).chain(left);
                (Standing::Undone, told.collect::<Vec<_>>().join("; "), None)
            }
            Ok(Undone::Kept(why)) => (
                Standing::Kept,
                why,
                Some(
                    "cacctl setup --undo --force puts back what was there before, over that."
                        .into(),
                ),
            ),
            Err(fault) => {
                let (text, fix) = failed(&fault);
                (Standing::Failed, text.concat(), fix)
            }
        };
        if state != Standing::Undone {
            left.extend(entry.change.folder().cloned());
        }
        let line = Line::of_entry(&entry, state, vec![text], fix);
        tell(&line)?;
        lines.push(line);
    }
    record.close()?;
    Ok(lines)
}

fn what_is_put_back(entry: &Entry) -> String {
    use self::record::Change;

    match &entry.change {
        Change::Files { files, .. } => {
            let files: Vec<String> = files
                .iter()
                .map(|file| {
                    let path = file.path.display();
                    match file.before {
                        Some(_) => format!("{path} as it was"),
                        None => format!("{path} is removed"),
                    }
                })
                .collect();
            files.join(", ")
        }
        Change::NewDatabase { folder, .. } => {
            format!("the database in {} is removed", folder.display())
        }
        Change::Database { folder, .. } => {
            format!("the database in {} as it was", folder.display())
        }
    }
}
