//! The checklist, as far as the screen goes: its lines are made anew whenever
//! they are drawn.

use std::collections::BTreeMap;

use cac_common::reader::{ReaderName, ReaderStatus, ServiceStatus};
use cac_common::snapshot::{Stage, Visit};

use super::{App, Link, Screen};
use crate::check::{self, Finding, Known, Machine, Verdict};
use crate::failure::Trouble;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChecklistScreen {
    /// The key of the line picked by hand; else the first that is to be looked at.
    pub picked: Option<String>,
    /// One line is open, scrolled down this far.
    pub opened: Option<u16>,
    /// The portal whose profile is on its way.
    pub asking: Option<String>,
    /// Those that came, or why not.
    pub profiles: BTreeMap<String, Result<(), Trouble>>,
    /// What was found on this machine.
    pub machine: Machine,
    /// How often it was looked around; what comes of an earlier time is late.
    pub round: u64,
    /// How things stood when it was last looked around.
    pub looked_at: Option<Surroundings>,
}

/// What the checks of this machine depend on in the daemon's picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    is_connected: bool,
    service: Option<ServiceStatus>,
    readers: Vec<(ReaderName, ReaderStatus, Option<Visit>, bool)>,
}

impl App {
    /// The lines, as things are now.
    pub fn findings(&self, list: &ChecklistScreen) -> Vec<Finding> {
        check::findings(&Known {
            link: &self.link,
            snapshot: self.snapshot.as_ref(),
            chosen: self.chosen(),
            profiles: &list.profiles,
            machine: &list.machine,
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
        let findings = self.findings(list);
        findings.iter().any(|it| it.verdict() == Verdict::Running)
    }

    /// How things stand that the checks of this machine depend on.
    pub fn surroundings(&self) -> Surroundings {
        let readers = self.snapshot.iter().flat_map(|it| &it.readers);
        let readers = readers.map(|reader| {
            let card = reader.card.as_ref();
            let is_read = card.is_some_and(|card| card.stage == Stage::Read);
            let visit = card.map(|card| card.visit);
            (reader.name.clone(), reader.status, visit, is_read)
        });
        Surroundings {
            is_connected: self.link == Link::Connected,
            service: self.snapshot.as_ref().map(|it| it.service),
            readers: readers.collect(),
        }
    }
}

impl ChecklistScreen {
    /// Where the cursor stands.
    pub fn row(&self, findings: &[Finding]) -> usize {
        self.picked
            .as_ref()
            .and_then(|key| findings.iter().position(|it| it.key() == *key))
            .or_else(|| check::first(findings))
            .unwrap_or(0)
    }
}
