//! Moments, counts and statuses in the words people read.

pub mod certificate;
pub mod times;

use std::time::Duration;

use cac_common::finding::{Finding, Weight};
use cac_common::identity::readable;
use cac_common::interface::{ClearScope, Lost};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryKind, PinStatus};
use cac_common::time::UtcSeconds;
use cac_common::wizard::{Wizard, WizardState};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// How a thing stands, told apart by what a person has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// All is well.
    Good,
    /// Nothing to tell.
    Quiet,
    /// At work, or will be by itself.
    Working,
    /// Waits for a person.
    Wanted,
    /// Went wrong.
    Bad,
}

/// `40 s`, `5 min`, `3 h`, `2 days`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        HOUR..DAY => format!("{} h", seconds / HOUR),
        _ => counted(seconds / DAY, "day", "days"),
    }
}

/// `2 days ago`; below a minute `just now`.
pub fn ago(now: UtcSeconds, at: UtcSeconds) -> String {
    let passed = now.since(at);
    if passed.as_secs() < MINUTE {
        "just now".into()
    } else {
        format!("{} ago", span(passed))
    }
}

/// `in 40 s`.
pub fn until(now: UtcSeconds, at: UtcSeconds) -> String {
    let left = at.since(now);
    if left.is_zero() {
        "any moment".into()
    } else {
        format!("in {}", span(left))
    }
}

/// `14:02`.
pub fn clock(at: UtcSeconds, zone: &TimeZone) -> String {
    formatted(at, zone, "%H:%M")
}

/// `2026-11-20`.
pub fn date(at: UtcSeconds, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y-%m-%d")
}

/// `2026-11-20 14:02:09`.
pub fn moment(at: UtcSeconds, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y-%m-%d %H:%M:%S")
}

/// Eight columns: the time of a moment of today, the day and month of an earlier one.
pub fn stamp(now: UtcSeconds, at: UtcSeconds, zone: &TimeZone) -> String {
    if date(now, zone) == date(at, zone) {
        formatted(at, zone, "%H:%M:%S")
    } else {
        format!("{:>8}", formatted(at, zone, "%d %b"))
    }
}

fn formatted(at: UtcSeconds, zone: &TimeZone, format: &str) -> String {
    zoned(at, zone).map_or_else(|| "?".into(), |zoned| zoned.strftime(format).to_string())
}

fn zoned(at: UtcSeconds, zone: &TimeZone) -> Option<Zoned> {
    let timestamp = Timestamp::from_second(at.0).ok()?;
    Some(timestamp.to_zoned(zone.clone()))
}

/// Whole days until `at`; negative when it has passed.
pub fn days_left(now: UtcSeconds, at: UtcSeconds) -> i64 {
    let day = i64::try_from(DAY).unwrap_or(i64::MAX);
    at.0.saturating_sub(now.0).div_euclid(day)
}

/// `412 days left`, `expired 3 days ago`.
pub fn validity(now: UtcSeconds, not_before: UtcSeconds, not_after: UtcSeconds) -> String {
    if now < not_before {
        format!("valid {}", until(now, not_before))
    } else if now > not_after {
        format!("expired {}", ago(now, not_after))
    } else {
        let days = u64::try_from(days_left(now, not_after)).unwrap_or(0);
        format!("{} left", counted(days, "day", "days"))
    }
}

/// `1 try`, `3 tries`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The label, and the number or moment that belongs to it.
pub fn status(status: &RegistrationStatus, now: UtcSeconds, zone: &TimeZone) -> String {
    let label = status.label();
    match status {
        RegistrationStatus::NeedsPin { tries_left } => match tries_left {
            Some(tries) => format!("{label} ({tries} left)"),
            None => format!("{label} (tries not known)"),
        },
        RegistrationStatus::Registered {
            since,
            recheck_due: false,
            ..
        } => format!("{label} {}", date(*since, zone)),
        RegistrationStatus::Registered {
            checked_at,
            recheck_due: true,
            ..
        } => format!("{label}, not checked since {}", date(*checked_at, zone)),
        RegistrationStatus::Waiting { until: at, .. } => format!("{label}, {}", until(now, *at)),
        RegistrationStatus::LockedOut { until: Some(at) } => {
            format!("{label}, {}", until(now, *at))
        }
        RegistrationStatus::NotSeen
        | RegistrationStatus::SigningIn
        | RegistrationStatus::RegisteredNotSaved { .. }
        | RegistrationStatus::OutOfDate { .. }
        | RegistrationStatus::NeedsConsent { .. }
        | RegistrationStatus::NeedsWizard
        | RegistrationStatus::NotEligible
        | RegistrationStatus::NeedsSponsor
        | RegistrationStatus::NotFound
        | RegistrationStatus::Forbidden { .. }
        | RegistrationStatus::Rejected { .. }
        | RegistrationStatus::PinBlocked
        | RegistrationStatus::LockedOut { until: None }
        | RegistrationStatus::Unsupported { .. }
        | RegistrationStatus::Unrecognised { .. }
        | RegistrationStatus::CardFailed { .. } => label.into(),
    }
}

pub fn tone(status: &RegistrationStatus) -> Tone {
    match status {
        RegistrationStatus::Registered { .. } => Tone::Good,
        RegistrationStatus::NotSeen => Tone::Quiet,
        RegistrationStatus::SigningIn
        | RegistrationStatus::Waiting { .. }
        | RegistrationStatus::RegisteredNotSaved { .. } => Tone::Working,
        RegistrationStatus::NeedsPin { .. }
        | RegistrationStatus::OutOfDate { .. }
        | RegistrationStatus::NeedsConsent { .. }
        | RegistrationStatus::NeedsWizard => Tone::Wanted,
        RegistrationStatus::NotEligible
        | RegistrationStatus::NeedsSponsor
        | RegistrationStatus::NotFound
        | RegistrationStatus::Forbidden { .. }
        | RegistrationStatus::Rejected { .. }
        | RegistrationStatus::PinBlocked
        | RegistrationStatus::LockedOut { .. }
        | RegistrationStatus::Unsupported { .. }
        | RegistrationStatus::Unrecognised { .. }
        | RegistrationStatus::CardFailed { .. } => Tone::Bad,
    }
}

/// What the card says of its PIN.
pub fn pin(pin: &PinStatus) -> String {
    match pin {
        PinStatus::Unknown => "not asked yet".into(),
        PinStatus::Ready {
            tries_left: Some(tries),
        } => format!("{} left", counted(u64::from(*tries), "try", "tries")),
        PinStatus::Ready { tries_left: None } => "tries left not known".into(),
        PinStatus::Blocked => "blocked".into(),
        PinStatus::OtherProgram => "another program is logged in".into(),
    }
}

/// Why a card is not read that another program has opened exclusively.
pub const HELD: &str = "another program holds it for itself; close that, or wait";

/// How much a finding matters; one that is only worth knowing shouts at nobody.
pub fn weight(weight: Weight) -> (Tone, &'static str) {
    match weight {
        Weight::Fault => (Tone::Bad, "fault"),
        Weight::Warning => (Tone::Wanted, "warning"),
        Weight::Note => (Tone::Quiet, "note"),
    }
}

/// What matters most first.
pub fn by_weight(findings: &[Finding]) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| finding.weight);
    findings
}

/// What is wrong with the smart card service and what to do; nothing while it runs.
pub fn service(service: ServiceStatus) -> Option<&'static str> {
    match service {
        ServiceStatus::Running => None,
        ServiceStatus::Starting => Some("The smart card service has not answered yet."),
        ServiceStatus::Away => Some(
            "The smart card service (pcscd) is not there. Start it: systemctl start pcscd.socket",
        ),
        ServiceStatus::NotAllowed => Some(
            "The smart card service (pcscd) refuses cacd. Install the polkit rule that comes with it.",
        ),
    }
}

pub fn reader(status: ReaderStatus) -> &'static str {
    match status {
        ReaderStatus::Empty => "empty",
        ReaderStatus::Card => "card",
        ReaderStatus::NoAnswer => "no answer",
    }
}

/// Where registering by hand stands: `step 2 of 7 waits for you`.
pub fn wizard(wizard: &Wizard) -> String {
    let of = wizard.steps.len();
    let step = format!("step {} of {of}", wizard.at.saturating_add(1));
    match &wizard.state {
        WizardState::Working => format!("{step}, the portal is asked"),
        WizardState::Asking { .. } | WizardState::Telling => format!("{step} waits for you"),
        WizardState::Stopped { cause } => format!("{step} stopped: {}", readable(&cause.detail)),
        WizardState::Done { .. } => "done".into(),
    }
}

/// What an entry of the history is about.
pub fn kind(kind: HistoryKind) -> &'static str {
    match kind {
        HistoryKind::Service => "service",
        HistoryKind::Reader => "reader",
        HistoryKind::Card => "card",
        HistoryKind::Pin => "PIN",
        HistoryKind::Registration => "registration",
        HistoryKind::Configuration => "configuration",
        HistoryKind::Clear => "clear",
    }
}

/// What came of all the steps.
pub fn wizard_done(portal: &str, is_registered: bool) -> String {
    if is_registered {
        format!("All steps are done: {portal} says that this certificate is registered.")
    } else {
        format!(
            "All steps are done, and {portal} does not name this certificate as registered: sign in with the card to see whether it is."
        )
    }
}

/// What a scope of `clear` covers, as it stands after "clear".
pub fn scope(scope: &ClearScope, zone: &TimeZone) -> String {
    match scope {
        ClearScope::All {} => "everything".into(),
        ClearScope::Card { card } => format!("the card {}", readable(&card.0)),
        ClearScope::Portal { portal } => {
            format!("every registration at {}", readable(portal))
        }
        ClearScope::Sessions {} => "every session with a portal".into(),
        ClearScope::History { before: None } => "the whole history".into(),
        ClearScope::History {
            before: Some(before),
        } => format!("the history before {}", date(*before, zone)),
    }
}

/// What is left to do after a clear, if anything.
pub fn traces(lost: &Lost) -> Option<&'static str> {
    lost.traces_remain.then_some(
        "deleted; traces remain on disk until another program stops reading the database; clear again then",
    )
}

/// `1 card, 4 certificates and 3 registrations`; `nothing`.
pub fn lost(lost: &Lost) -> String {
    let parts: Vec<String> = [
        (lost.cards, "card", "cards"),
        (lost.certificates, "certificate", "certificates"),
        (lost.personas, "person", "people"),
        (lost.registrations, "registration", "registrations"),
        (lost.consents, "accepted notice", "accepted notices"),
        (lost.confirmations, "confirmation", "confirmations"),
        (lost.history, "history entry", "history entries"),
        (lost.sessions, "session", "sessions"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, one, many)| counted(count, one, many))
    .collect();
    match parts.as_slice() {
        [] => "nothing".into(),
        [only] => only.clone(),
        [others @ .., end] => format!("{} and {end}", others.join(", ")),
    }
}

/// With a capital at its head.
pub fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(char::to_uppercase);
    let head: String = first.into_iter().flatten().collect();
    head + rest.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_largest_unit() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (86_399, "23 h"),
            (86_400, "1 day"),
            (172_800, "2 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), told);
        }
    }

    #[test]
    fn a_moment_that_no_calendar_holds_is_no_panic() {
        for at in [i64::MIN, i64::MAX] {
            assert_eq!(date(UtcSeconds(at), &TimeZone::UTC), "?");
            validity(UtcSeconds(0), UtcSeconds(at), UtcSeconds(at));
            days_left(UtcSeconds(at), UtcSeconds(-at.saturating_add(1)));
        }
    }

    #[test]
    fn what_is_lost_is_told_as_a_sentence() {
        let some = Lost {
            cards: 1,
            certificates: 4,
            registrations: 3,
            consents: 1,
            ..Lost::default()
        };

        assert_eq!(
            lost(&some),
            "1 card, 4 certificates, 3 registrations and 1 accepted notice"
        );
        assert_eq!(lost(&Lost::default()), "nothing");
    }

    #[test]
    fn traces_are_told_only_where_they_remain() {
        let with_traces = Lost {
            cards: 1,
            traces_remain: true,
            ..Lost::default()
        };

        assert!(traces(&with_traces).is_some_and(|told| told.contains("clear again")));
        assert_eq!(traces(&Lost::default()), None);
        assert_eq!(lost(&with_traces), "1 card");
    }

    #[test]
    fn today_is_told_by_the_clock_and_before_by_the_day() {
        let now = UtcSeconds(1_795_356_129);

        assert_eq!(stamp(now, now, &TimeZone::UTC), "14:02:09");
        assert_eq!(
            stamp(now, UtcSeconds(now.0 - 86_400), &TimeZone::UTC),
            "  21 Nov"
        );
    }
}
