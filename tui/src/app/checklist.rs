//! The checklist, as far as the screen goes: its lines are made anew whenever
//! they are drawn.

use std::collections::BTreeMap;

use super::{App, Screen};
use crate::check::{self, Check, Known, Verdict};
use crate::failure::Trouble;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChecklistScreen {
    /// The name of the line picked by hand; else the first that is to be looked at.
    pub picked: Option<String>,
    /// One line is open, scrolled down this far.
    pub opened: Option<u16>,
    /// The portal whose profile is on its way.
    pub asking: Option<String>,
    /// Those that came, or why not.
    pub profiles: BTreeMap<String, Result<(), Trouble>>,
}

impl App {
    /// The lines, as things are now.
    pub fn checks(&self, list: &ChecklistScreen) -> Vec<Check> {
        check::checks(&Known {
            link: &self.link,
            snapshot: self.snapshot.as_ref(),
            chosen: self.chosen(),
            profiles: &list.profiles,
            ticked: &self.ticked,
            version: env!("CARGO_PKG_VERSION"),
            now: self.now,
            zone: &self.zone,
        })
    }

    /// Whether a second changes what is drawn of the checklist.
    pub(super) fn checks_run(&self) -> bool {
        let Screen::Checklist(list) = &self.screen else {
            return false;
        };
        let checks = self.checks(list);
        checks.iter().any(|it| it.verdict == Verdict::Running)
    }
}

impl ChecklistScreen {
    /// Where the cursor stands.
    pub fn row(&self, checks: &[Check]) -> usize {
        self.picked
            .as_ref()
            .and_then(|name| checks.iter().position(|check| check.name == *name))
            .or_else(|| check::first(checks))
            .unwrap_or(0)
    }
}
