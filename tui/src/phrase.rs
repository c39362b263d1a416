//! Moments, counts and statuses in the words people read.

pub mod certificate;
pub mod times;

use cac_common::finding::{Finding, Weight};
use cac_common::identity::readable;
use cac_common::interface::{ClearScope, Lost};
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{HistoryKind, PinStatus};
pub use cac_common::time::span;
use cac_common::time::{self, UtcSeconds};
use cac_common::wizard::{Wizard, WizardState};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

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

/// `2 days ago`; below a minute `just now`.
pub fn ago(now: UtcSeconds, at: UtcSeconds) -> String {
    time::ago(now.since(at))
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

/// Days from today to the day of `at`, as a calendar counts them: what ends on the
/// same date has the same number of days left. Negative for a day that is over.
pub fn days_left(now: UtcSeconds, at: UtcSeconds, zone: &TimeZone) -> i64 {
    let days = || {
        let (today, last) = (zoned(now, zone)?.date(), zoned(at, zone)?.date());
        Some(i64::from(today.until(last).ok()?.get_days()))
    };
    // What no calendar holds is far away, on one side or the other.
    days().unwrap_or_else(|| at.0.saturating_sub(now.0).div_euclid(24 * 60 * 60))
}

/// `412 days left`, `ends today`, `expired 3 days ago`.
pub fn validity(
    now: UtcSeconds,
    (not_before, not_after): (UtcSeconds, UtcSeconds),
    zone: &TimeZone,
) -> String {
    if now < not_before {
        return format!("valid {}", until(now, not_before));
    }
    if now > not_after {
        return format!("expired {}", days_to(now, not_after, zone));
    }
    match days_left(now, not_after, zone) {
        0 => "ends today".into(),
        days => format!("{} left", counted(days.unsigned_abs(), "day", "days")),
    }
}

/// How far away an end is, in whole days: `today`, `in 3 days`, `3 days ago`.
pub fn days_to(now: UtcSeconds, at: UtcSeconds, zone: &TimeZone) -> String {
    let days = days_left(now, at, zone);
    let count = || counted(days.unsigned_abs(), "day", "days");
    match (at < now, days) {
        (true, 0) => ago(now, at),
        (true, _) => format!("{} ago", count()),
        (false, 0) => "today".into(),
        (false, _) => format!("in {}", count()),
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

/// All that reading it took: the history tells how many of them the first read
/// did; the rest is asked for when the card is idle.
pub fn read_in(apdus: u32) -> String {
    let apdus = counted(u64::from(apdus), "APDU", "APDUs");
    format!("in {apdus} so far")
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
        ClearScope::Copies {} => "the copies kept aside".into(),
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
        (
            lost.copies.len() as u64,
            "copy kept aside",
            "copies kept aside",
        ),
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
    fn what_ends_on_the_same_date_has_as_many_days_left() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        // 2026-11-22 14:02:09 EST.
        let now = UtcSeconds(1_795_374_129);
        let told = |at| validity(now, (UtcSeconds(0), UtcSeconds(at)), &zone);
        let midnight = 1_795_410_000;

        for (at, days) in [
            (midnight - 1, "ends today"),
            (midnight, "1 day left"),
            (midnight + 86_399, "1 day left"),
            // In summer time, whose day began an hour earlier.
            (midnight + 200 * 86_400 - 3600, "201 days left"),
            (midnight + 200 * 86_400 + 82_799, "201 days left"),
            (now.0 - 60, "expired 1 min ago"),
            (midnight - 86_401, "expired 1 day ago"),
            (midnight - 2 * 86_400, "expired 1 day ago"),
        ] {
            assert_eq!(told(at), days, "{at}");
        }
    }

    #[test]
    fn a_moment_that_no_calendar_holds_is_no_panic() {
        for at in [i64::MIN, i64::MAX] {
            assert_eq!(date(UtcSeconds(at), &TimeZone::UTC), "?");
            validity(
                UtcSeconds(0),
                (UtcSeconds(at), UtcSeconds(at)),
                &TimeZone::UTC,
            );
            days_left(
                UtcSeconds(at),
                UtcSeconds(-at.saturating_add(1)),
                &TimeZone::UTC,
            );
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
