//! Counts what happens, from what the state is told and what it shows.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use cac_common::cause::Kind;
use cac_common::reader::ServiceStatus;
use cac_common::registration::Outcome;
use cac_common::snapshot::{Snapshot, Visit};

use super::catalogue::OUTCOMES;
use super::exposition::Histogram;
use crate::card::error::CardError;
use crate::event::{Effect, Event, Now, PinChangeEvent, SignInResult, WizardEvent, WizardResult};

/// Portals that have series of their own; the rest are counted together.
const MOST_PORTALS: usize = 64;

/// No portal can have this name.
const OTHERS: &str = "(others)";

/// What has happened since the daemon was started.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Those that are in use, by the label they are counted under.
    labels: BTreeMap<String, String>,
    pub(super) by_portal: BTreeMap<String, AtPortal>,
    /// Sign-ins by visit and number: where, and since when.
    under_way: HashMap<(Visit, u32), (String, Duration)>,
    pub(super) pin_prompts: u64,
    pub(super) pins_refused: u64,
    pub(super) pcscd_restarts: u64,
    pcscd_has_run: bool,
    pub(super) loads_ok: u64,
    pub(super) loads_failed: u64,
    pub(super) last_load_ok: bool,
}

/// What has happened at one portal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AtPortal {
    pub(super) outcomes: BTreeMap<&'static str, u64>,
    pub(super) failures: BTreeMap<Kind, u64>,
    pub(super) took: Histogram,
}

impl Default for AtPortal {
    fn default() -> Self {
        Self {
            outcomes: OUTCOMES.into_iter().map(|outcome| (outcome, 0)).collect(),
            failures: BTreeMap::new(),
            took: Histogram::default(),
        }
    }
}

impl Counts {
    /// Something has happened; whether it is one of the things that are counted.
    pub(super) fn take_event(&mut self, event: &Event, now: Now) -> bool {
        match event {
            Event::SignInEnded {
                visit,
                number,
                result,
                ..
            } => {
                self.pins_refused += u64::from(is_refused_pin(card_error(result)));
                self.sign_in_ended((*visit, *number), result, now.monotonic);
            }
            Event::PortalTested { result, .. } => {
                self.pins_refused += u64::from(is_refused_pin(card_error(result)));
            }
            Event::PrintedRead {
                result: Err(error), ..
            }
            | Event::PinChange(PinChangeEvent::Ended {
                result: Err(error), ..
            }) => self.pins_refused += u64::from(is_refused_pin(error.as_ref())),
            Event::Wizard(event) => {
                if let WizardEvent::Turned {
                    result: WizardResult::Card(error),
                    ..
                } = &**event
                {
                    self.pins_refused += u64::from(is_refused_pin(Some(error)));
                }
            }
            Event::Configured {
                portals, problems, ..
            } => {
                let enabled = portals.iter().filter(|portal| portal.enabled);
                self.configured(
                    enabled.map(|portal| portal.name.as_str()),
                    problems.is_empty(),
                );
            }
            Event::Readers(_)
            | Event::Progress { .. }
            | Event::CardRead { .. }
            | Event::RestRead { .. }
            | Event::Judged { .. }
            | Event::CardRemembered { .. }
            | Event::PinGiven { .. }
            | Event::PrintedAsked { .. }
            | Event::PinChange(_)
            | Event::PrintedRead { result: Ok(_), .. }
            | Event::TestAsked { .. }
            | Event::NoticeAccepted { .. }
            | Event::Asked { .. }
            | Event::Recorded { .. }
            | Event::Session(_)
            | Event::BackedUp { .. }
            | Event::SeatFound { .. }
            | Event::SessionEnded(..)
            | Event::Known(_)
            | Event::Noted(_)
            | Event::ClearAsked { .. }
            | Event::Cleared { .. }
            | Event::Store { .. }
            | Event::Tick => return false,
        }
        true
    }

    /// Something is begun.
    pub(super) fn take_effect(&mut self, effect: &Effect, now: Now) {
        if let Effect::SignIn(order) = effect {
            self.under_way.insert(
                (order.visit, order.number),
                (order.portal.name.clone(), now.monotonic),
            );
        } else if let Effect::EndVisit(ended) = effect {
            self.under_way.retain(|(visit, _), _| visit != ended);
        }
    }

    /// The state is shown as another one.
    pub(super) fn take_change(&mut self, before: &Snapshot, after: &Snapshot) {
        let is_back = before.service != ServiceStatus::Running
            && after.service == ServiceStatus::Running
            && self.pcscd_has_run;
        self.pcscd_restarts += u64::from(is_back);
        self.pcscd_has_run |= after.service == ServiceStatus::Running;
        for card in after
            .readers
            .iter()
            .filter_map(|reader| reader.card.as_ref())
        {
            let earlier = before
                .readers
                .iter()
                .filter_map(|reader| reader.card.as_ref())
                .find(|earlier| earlier.visit == card.visit);
            let asked_before = earlier.map_or(0, |earlier| earlier.asked);
            self.pin_prompts += u64::from(card.asked.saturating_sub(asked_before));
        }
    }

    /// What a portal is counted under; none if no profile of it is in use.
    pub(super) fn label(&self, portal: &str) -> Option<&str> {
        self.labels.get(portal).map(String::as_str)
    }

    fn configured<'a>(&mut self, portals: impl Iterator<Item = &'a str>, is_ok: bool) {
        let mut names: Vec<&str> = portals.collect();
        names.sort_unstable();
        let labels = names.iter().enumerate().map(|(index, name)| {
            let label = if index < MOST_PORTALS { name } else { OTHERS };
            ((*name).to_owned(), label.to_owned())
        });
        self.labels = labels.collect();
        // What has no profile any more has no series any more.
        self.by_portal
            .retain(|label, _| self.labels.values().any(|used| used == label));
        for label in self.labels.values() {
            self.by_portal.entry(label.clone()).or_default();
        }
        self.loads_ok += u64::from(is_ok);
        self.loads_failed += u64::from(!is_ok);
        self.last_load_ok = is_ok;
    }

    /// As the effect that begins one would have it noted.
    #[cfg(test)]
    pub(super) fn pretend_a_sign_in(&mut self, portal: &str) {
        let begun = (portal.to_owned(), Duration::ZERO);
        self.under_way.insert((Visit(1), 1), begun);
    }

    fn sign_in_ended(&mut self, which: (Visit, u32), result: &SignInResult, at: Duration) {
        let Some((portal, begun)) = self.under_way.remove(&which) else {
            return;
        };
        let Some(counts) = self
            .labels
            .get(&portal)
            .and_then(|label| self.by_portal.get_mut(label))
        else {
            return;
        };
        let (outcome, cause) = named(result);
        *counts.outcomes.entry(outcome).or_default() += 1;
        if let Some(cause) = cause {
            *counts.failures.entry(cause).or_default() += 1;
        }
        counts.took.observe(at.saturating_sub(begun));
    }
}

fn card_error(result: &SignInResult) -> Option<&CardError> {
    if let SignInResult::Card(error) = result {
        Some(error)
    } else {
        None
    }
}

fn is_refused_pin(error: Option<&CardError>) -> bool {
    matches!(error, Some(CardError::WrongPin { .. }))
}

fn named(result: &SignInResult) -> (&'static str, Option<Kind>) {
    match result {
        SignInResult::Portal(outcome) => match outcome {
            Outcome::Registered { .. } => ("registered", None),
            Outcome::NeedsConsent { .. } => ("needs_consent", None),
            Outcome::NeedsWizard => ("needs_wizard", None),
            Outcome::NotEligible => ("not_eligible", None),
            Outcome::NeedsSponsor => ("needs_sponsor", None),
            Outcome::NotFound => ("not_found", None),
            Outcome::LockedOut => ("locked_out", None),
            Outcome::Forbidden { cause } => ("forbidden", Some(cause.kind)),
            Outcome::Rejected { cause } => ("rejected", Some(cause.kind)),
            Outcome::Unavailable { cause, .. } => ("unavailable", Some(cause.kind)),
            Outcome::Unsupported { cause } => ("unsupported", Some(cause.kind)),
            Outcome::Unrecognised { cause } => ("unrecognised", Some(cause.kind)),
        },
        SignInResult::Card(
            CardError::PinBlocked
            | CardError::WrongPin {
                tries_left: Some(0),
            },
        ) => ("pin_blocked", Some(Kind::PinBlocked)),
        SignInResult::Card(CardError::WrongPin { .. }) => ("pin_refused", None),
        SignInResult::Card(CardError::LastTry { .. }) | SignInResult::PinGone => {
            ("pin_not_sent", None)
        }
        SignInResult::Card(_) => ("card_failed", Some(Kind::CardFailed)),
        SignInResult::Failed { .. } => ("failed_here", Some(Kind::FailedHere)),
    }
}

#[cfg(test)]
mod tests;
