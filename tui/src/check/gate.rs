//! What one check needs of others.

use std::collections::BTreeMap;

use super::anywhere::any;
use super::{Check, Finding, Found, Verdict, portals};

/// Whether what a check needs is there.
#[derive(Debug, Clone, Default)]
pub(crate) enum Gate {
    #[default]
    Open,
    /// This is still being found out.
    Waits(&'static str),
    /// This failed.
    Shut(&'static str),
}

impl Gate {
    /// What stands for a check that cannot be made.
    pub(crate) fn closed(&self) -> Option<Found> {
        match self {
            Self::Open => None,
            Self::Waits(what) => Some(any::AFTER_RUNNING.told(&[("check", what)])),
            Self::Shut(what) => Some(any::AFTER_FAILED.told(&[("check", what)])),
        }
    }
}

/// How the checks that were made leave the way for those that need them.
#[derive(Default)]
pub(super) struct Gates {
    after: BTreeMap<&'static str, Gate>,
}

impl Gates {
    /// Shut where one of these failed, or could not be made for one that did.
    pub(super) fn before(&self, needed: &[&str]) -> Gate {
        let gates = || needed.iter().filter_map(|name| self.after.get(name));
        let shut = gates().find(|gate| matches!(gate, Gate::Shut(_)));
        let waits = || gates().find(|gate| matches!(gate, Gate::Waits(_)));
        shut.or_else(waits).cloned().unwrap_or_default()
    }

    /// What a sign-in needs. Whether the certificate was revoked is not waited for.
    pub(super) fn of_a_sign_in(&self) -> Gate {
        let gate = self.before(&portals::NEEDED);
        let revoked = self.before(&[portals::NOT_REVOKED]);
        match (gate, revoked) {
            (Gate::Open | Gate::Waits(_), revoked @ Gate::Shut(_)) => revoked,
            (gate, _) => gate,
        }
    }

    pub(super) fn pass(&mut self, check: &'static Check, gate: Gate, findings: &[Finding]) {
        let verdicts = || findings.iter().map(Finding::verdict);
        let gate = match gate {
            Gate::Open if verdicts().any(|it| it == Verdict::Failed) => Gate::Shut(check.title),
            Gate::Open if verdicts().any(|it| it == Verdict::Running) => Gate::Waits(check.title),
            Gate::Open | Gate::Waits(_) | Gate::Shut(_) => gate,
        };
        self.after.insert(check.name, gate);
    }
}
