//! Puts what was counted, and what can be seen now, into words for Prometheus.

use std::collections::BTreeMap;

use cac_common::certificate::Slot;
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Registration, Snapshot, Stage};

use super::catalogue as metrics;
use super::exposition::Exposition;
use super::{Answered, Refused};
use crate::store::Figures;

const DAY: i64 = 24 * 60 * 60;

/// Refusals that are there before they first happen; the others name a slip.
const ALWAYS_THERE: [&str; 2] = ["NotAtTheSeat", "PermissionDenied"];

/// All that is known when somebody asks.
pub(super) struct Known<'a> {
    pub(super) answered: &'a Answered,
    pub(super) snapshot: &'a Snapshot,
    pub(super) refused: &'a Refused,
    /// None while the database cannot be asked.
    pub(super) figures: Option<Figures>,
}

/// What stands in the text file of a daemon that was told to end.
pub(super) fn last_words() -> String {
    let mut text = Exposition::default();
    text.metric(&metrics::UP).sample(&[], 0);
    text.into_text()
}

pub(super) fn render(known: &Known<'_>) -> String {
    let mut text = Exposition::default();
    let daemon = &known.snapshot.daemon;
    text.metric(&metrics::UP).sample(&[], 1);
    text.metric(&metrics::BUILD_INFO)
        .sample(&[&daemon.version], 1);
    text.metric(&metrics::START_TIME)
        .sample(&[], daemon.started_at.0);
    readers(&mut text, known);
    registrations(&mut text, known);
    sign_ins(&mut text, known);
    requests(&mut text, known);
    database(&mut text, known);
    let counts = &known.answered.counts;
    text.metric(&metrics::CONFIGURATION_LOADS)
        .sample(&["ok"], counts.loads_ok)
        .sample(&["failed"], counts.loads_failed);
    text.metric(&metrics::CONFIGURATION_OK)
        .sample(&[], u8::from(counts.last_load_ok));
    text.into_text()
}

fn cards(snapshot: &Snapshot) -> impl Iterator<Item = &Card> {
    let readers = snapshot.readers.iter();
    readers.filter_map(|reader| reader.card.as_ref())
}

fn readers(text: &mut Exposition, known: &Known<'_>) {
    let snapshot = known.snapshot;
    let is_up = snapshot.service == ServiceStatus::Running;
    text.metric(&metrics::PCSCD_UP).sample(&[], u8::from(is_up));
    text.metric(&metrics::PCSCD_RESTARTS)
        .sample(&[], known.answered.counts.pcscd_restarts);
    let mut samples = text.metric(&metrics::READERS);
    for (name, status) in [
        ("empty", ReaderStatus::Empty),
        ("card", ReaderStatus::Card),
        ("no_answer", ReaderStatus::NoAnswer),
    ] {
        let readers = snapshot.readers.iter();
        let count = readers.filter(|reader| reader.status == status).count();
        samples.sample(&[name], count);
    }
    let mut samples = text.metric(&metrics::CARDS);
    for name in ["reading", "read", "held", "failed"] {
        let count = cards(snapshot).filter(|card| stage(card) == name).count();
        samples.sample(&[name], count);
    }
    let mut samples = text.metric(&metrics::CERTIFICATE_EXPIRY);
    let certificates = cards(snapshot).flat_map(|card| &card.certificates);
    let ends = certificates
        .filter(|certificate| !matches!(certificate.slot, Slot::Retired(_)))
        .map(|certificate| certificate.not_after.0);
    if let Some(first) = ends.min() {
        // The second would tell cards apart.
        samples.sample(&[], first.saturating_sub(first.rem_euclid(DAY)));
    }
}

fn stage(card: &Card) -> &'static str {
    match card.stage {
        Stage::Reading { .. } => "reading",
        Stage::Read => "read",
        Stage::Held => "held",
        Stage::Failed { .. } => "failed",
    }
}

fn registrations(text: &mut Exposition, known: &Known<'_>) {
    let snapshot = known.snapshot;
    let counts = &known.answered.counts;
    let is_here = |id| cards(snapshot).any(|card| card.id.as_ref() == Some(id));
    let elsewhere = snapshot.known.iter().filter(|known| !is_here(&known.card));
    let all = cards(snapshot)
        .flat_map(|card| &card.registrations)
        .chain(elsewhere.flat_map(|known| &known.registrations));
    let mut by_status: BTreeMap<(&str, &str), u64> = counts
        .by_portal
        .keys()
        .map(|label| ((label.as_str(), "registered"), 0))
        .collect();
    for Registration { portal, status, .. } in all {
        if let Some(label) = counts.label(portal) {
            *by_status.entry((label, name(status))).or_default() += 1;
        }
    }
    let mut samples = text.metric(&metrics::REGISTRATIONS);
    for ((portal, status), count) in by_status {
        samples.sample(&[portal, status], count);
    }
}

/// As it stands in `--json`.
fn name(status: &RegistrationStatus) -> &'static str {
    match status {
        RegistrationStatus::NotSeen => "not_seen",
        RegistrationStatus::NeedsPin { .. } => "needs_pin",
        RegistrationStatus::SigningIn => "signing_in",
        RegistrationStatus::Registered { .. } => "registered",
        RegistrationStatus::RegisteredNotSaved { .. } => "registered_not_saved",
        RegistrationStatus::OutOfDate { .. } => "out_of_date",
        RegistrationStatus::NeedsConsent { .. } => "needs_consent",
        RegistrationStatus::NeedsWizard => "needs_wizard",
        RegistrationStatus::NotEligible => "not_eligible",
        RegistrationStatus::NeedsSponsor => "needs_sponsor",
        RegistrationStatus::NotFound => "not_found",
        RegistrationStatus::Forbidden { .. } => "forbidden",
        RegistrationStatus::Rejected { .. } => "rejected",
        RegistrationStatus::Waiting { .. } => "waiting",
        RegistrationStatus::PinBlocked => "pin_blocked",
        RegistrationStatus::LockedOut { .. } => "locked_out",
        RegistrationStatus::Unsupported { .. } => "unsupported",
        RegistrationStatus::Unrecognised { .. } => "unrecognised",
        RegistrationStatus::CardFailed { .. } => "card_failed",
    }
}

fn sign_ins(text: &mut Exposition, known: &Known<'_>) {
    let counts = &known.answered.counts;
    text.metric(&metrics::PIN_PROMPTS)
        .sample(&[], counts.pin_prompts);
    text.metric(&metrics::PINS_REFUSED)
        .sample(&[], counts.pins_refused);
    let mut samples = text.metric(&metrics::SIGN_INS);
    for (portal, at_portal) in &counts.by_portal {
        for (outcome, count) in &at_portal.outcomes {
            samples.sample(&[portal, outcome], count);
        }
    }
    let mut samples = text.metric(&metrics::SIGN_IN_FAILURES);
    for (portal, at_portal) in &counts.by_portal {
        for (cause, count) in &at_portal.failures {
            samples.sample(&[portal, &cause.to_string()], count);
        }
    }
    let mut samples = text.metric(&metrics::SIGN_IN_DURATION);
    for (portal, at_portal) in &counts.by_portal {
        samples.histogram(&[portal], &at_portal.took);
    }
}

fn requests(text: &mut Exposition, known: &Known<'_>) {
    let refused = known.refused;
    let mut samples = text.metric(&metrics::REQUESTS_REFUSED);
    for reason in ALWAYS_THERE {
        if !refused.requests.contains_key(reason) {
            samples.sample(&[reason], 0);
        }
    }
    for (reason, count) in &refused.requests {
        samples.sample(&[reason], count);
    }
    text.metric(&metrics::CONNECTIONS_REFUSED)
        .sample(&[], refused.connections);
    let queues = &known.answered.queues;
    text.metric(&metrics::QUEUE_LENGTH)
        .sample(&["events"], queues.events)
        .sample(&["requests"], queues.requests)
        .sample(&["card"], queues.card)
        .sample(&["keeper"], queues.keeper);
}

fn database(text: &mut Exposition, known: &Known<'_>) {
    let is_up = known.snapshot.daemon.store_problem.is_none();
    text.metric(&metrics::DATABASE_UP)
        .sample(&[], u8::from(is_up));
    let mut samples = text.metric(&metrics::DATABASE_SIZE);
    if let Some(figures) = known.figures {
        samples.sample(&[], figures.bytes);
    }
    let mut samples = text.metric(&metrics::HISTORY_ENTRIES);
    if let Some(figures) = known.figures {
        samples.sample(&[], figures.history_entries);
    }
}

#[cfg(test)]
mod tests;
