//! Everything that can be done, found by a few letters.

use std::cmp::Reverse;

use cac_common::identity::readable;

use super::{App, Chosen, Pick};
use crate::fuzzy::{self, Found};
use crate::keys::{Command, TABLE};
use crate::possible;

/// What it offers is what could be done when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    pub typed: String,
    /// Among those that are found.
    pub cursor: usize,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub text: String,
    /// The keys that do the same; empty if there are none.
    pub keys: &'static str,
    pub does: Does,
    /// Why it cannot be done now.
    pub why_not: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Does {
    Command(Command),
    /// Opens the details of this registration, of what was chosen then.
    Portal(Option<Pick>, String),
    /// Shows this reader or card.
    Row(Pick),
}

/// What people call it who do not know our words.
const CALLED: &[(Command, &str)] = &[
    (
        Command::Outlook,
        "expire expiry certificates renew calendar",
    ),
    (Command::Help, "keys shortcuts glossary"),
    (Command::Checklist, "problem doctor diagnose mend"),
    (Command::Clear, "delete forget remove erase"),
    (Command::History, "log events what happened"),
    (Command::Activity, "apdu trace log"),
    (Command::TestPortal, "check connection"),
    (Command::ShowDodId, "edipi number"),
    (Command::Register, "sign in log in pin"),
];

/// By its text, else by another name of it.
fn find(entry: &Entry, letters: &str) -> Option<Found> {
    if let Some(found) = fuzzy::find(&entry.text, letters) {
        return Some(found);
    }
    let Does::Command(command) = entry.does else {
        return None;
    };
    let (_, names) = CALLED.iter().find(|(of, _)| *of == command)?;
    // Whole beginnings of words only: these are not seen.
    let letters = letters.trim().to_lowercase();
    names.split(' ').find(|name| name.starts_with(&letters))?;
    Some(Found {
        rank: 0,
        places: Vec::new(),
    })
}

impl Palette {
    pub fn of(app: &App) -> Self {
        let mode = app.mode();
        let actions = TABLE
            .iter()
            .filter(|binding| binding.modes.contains(&mode) && binding.command.is_offered())
            .map(|binding| Entry {
                text: binding.help.to_owned(),
                keys: binding.shown,
                does: Does::Command(binding.command),
                why_not: possible::why_not(app, binding.command),
            });
        let chosen = app.chosen().map(|chosen| chosen.pick());
        let portals = app.registrations().iter().map(|one| {
            let title = app.portal(&one.portal).map(|portal| portal.title.as_str());
            Entry {
                text: readable(&format!(
                    "portal {}: {}",
                    title.unwrap_or(&one.portal),
                    one.status.label()
                )),
                keys: "",
                does: Does::Portal(chosen.clone(), one.portal.clone()),
                why_not: None,
            }
        });
        let rows = app.rows();
        let readers = rows.iter().map(|row| Entry {
            text: readable(&match row {
                Chosen::Reader(reader) => {
                    let holder = reader.card.as_ref().and_then(|card| card.holder.as_ref());
                    match holder {
                        Some(holder) => format!("reader {}: {}", reader.name.0, holder.name),
                        None => format!("reader {}", reader.name.0),
                    }
                }
                Chosen::Known(known) => format!("card of {}, seen before", known.name),
            }),
            keys: "",
            does: Does::Row(row.pick()),
            why_not: None,
        });
        Self {
            typed: String::new(),
            cursor: 0,
            entries: actions.chain(portals).chain(readers).collect(),
        }
    }

    /// Those with the letters that were typed, the best first.
    pub fn found(&self) -> Vec<(&Entry, Found)> {
        let mut found: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry, find(entry, &self.typed)?)))
            .collect();
        // Stable: among equals the order of the table stays.
        found.sort_by_key(|(entry, found)| (found.rank, Reverse(entry.why_not.is_none())));
        found
    }

    pub fn chosen(&self) -> Option<&Entry> {
        self.found()
            .into_iter()
            .nth(self.cursor)
            .map(|(entry, _)| entry)
    }
}
