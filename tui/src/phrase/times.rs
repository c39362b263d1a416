//! When something was or will be: as people say it, and exactly.

use cac_common::registration::RegistrationStatus;
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::{ago, days_to, formatted, span, until};

/// `2 days ago`, `in 3 h`.
pub fn relative(now: UtcSeconds, at: UtcSeconds) -> String {
    if at > now {
        until(now, at)
    } else {
        ago(now, at)
    }
}

/// `2026-11-20 09:14 EST`.
pub fn exact(at: UtcSeconds, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y-%m-%d %H:%M %Z")
}

/// `2026-11-20 09:14:07 EST`, of what happens in quick succession.
pub fn to_the_second(at: UtcSeconds, zone: &TimeZone) -> String {
    formatted(at, zone, "%Y-%m-%d %H:%M:%S %Z")
}

/// `2026-11-20 09:14 EST, 7 days ago`.
pub fn both(now: UtcSeconds, at: UtcSeconds, zone: &TimeZone) -> String {
    format!("{}, {}", exact(at, zone), relative(now, at))
}

/// The same of an end, counted in whole days as everywhere: `2026-11-20 09:14 EST, in 7 days`.
pub fn end(now: UtcSeconds, at: UtcSeconds, zone: &TimeZone) -> String {
    format!("{}, {}", exact(at, zone), days_to(now, at, zone))
}

/// A status with how long ago, or how soon, what belongs to it is.
pub fn status(status: &RegistrationStatus, now: UtcSeconds) -> String {
    let label = status.label();
    if let RegistrationStatus::Registered {
        since,
        checked_at,
        recheck_due,
        ..
    } = status
    {
        if *recheck_due {
            format!("{label}, not checked for {}", span(now.since(*checked_at)))
        } else {
            format!("{label} {}", ago(now, *since))
        }
    } else {
        // The others name no moment that lies behind, so no zone is needed.
        super::status(status, now, &TimeZone::UTC)
    }
}

/// The same where it has to be short.
pub fn short_status(status: &RegistrationStatus, now: UtcSeconds) -> String {
    self::status(status, now).replace(" days ago", " d ago")
}

/// The moment that a status is told by, and what it is.
pub fn moment_of(
    status: &RegistrationStatus,
    since: UtcSeconds,
) -> Option<(&'static str, UtcSeconds)> {
    if let RegistrationStatus::Registered {
        checked_at,
        recheck_due: true,
        ..
    } = status
    {
        return Some(("checked", *checked_at));
    }
    if let RegistrationStatus::Registered { since, .. } = status {
        return Some(("since", *since));
    }
    if let RegistrationStatus::Waiting { until, .. } = status {
        return Some(("next try", *until));
    }
    if let RegistrationStatus::LockedOut { until: Some(until) } = status {
        return Some(("until", *until));
    }
    // Nothing, where the daemon does not tell.
    (since != UtcSeconds::default()).then_some(("since", since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented::NOW;

    const DAY: i64 = 86_400;

    fn new_york() -> TimeZone {
        TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()
    }

    #[test]
    fn a_moment_is_told_in_the_zone_of_the_reader_and_from_now() {
        for (seconds, told) in [
            (-7 * DAY, "2026-11-15 09:02 EST, 7 days ago"),
            (-30 * DAY, "2026-10-23 10:02 EDT, 30 days ago"),
            (0, "2026-11-22 09:02 EST, just now"),
            (3 * 3600, "2026-11-22 12:02 EST, in 3 h"),
        ] {
            let at = UtcSeconds(NOW.0 + seconds);

            assert_eq!(both(NOW, at, &new_york()), told);
        }
    }

    #[test]
    fn a_moment_that_no_calendar_holds_is_no_panic() {
        for at in [i64::MIN, i64::MAX] {
            let told = both(NOW, UtcSeconds(at), &new_york());

            assert!(told.starts_with("?, "), "{told}");
        }
    }

    #[test]
    fn a_registration_is_told_by_its_age() {
        let registered = |recheck_due| RegistrationStatus::Registered {
            since: UtcSeconds(NOW.0 - 40 * DAY),
            checked_at: UtcSeconds(NOW.0 - 31 * DAY),
            account: None,
            recheck_due,
        };

        assert_eq!(status(&registered(false), NOW), "registered 40 days ago");
        assert_eq!(short_status(&registered(false), NOW), "registered 40 d ago");
        assert_eq!(
            status(&registered(true), NOW),
            "registered, not checked for 31 days"
        );
    }
}
