//! What comes to its end, and when that is to be told.

use cac_common::certificate::{CertificateSummary, Slot};
use cac_common::snapshot::Card;
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::super::memory::Memory;
use crate::outlook::end_of_day;
use crate::phrase;
use crate::settings::Days;

/// The end of a certificate, or of the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    /// Names it where it is remembered, and nobody.
    pub(super) key: String,
    /// None for the card.
    pub(super) certificate: Option<String>,
    pub(super) at: UtcSeconds,
}

/// An end that is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) key: String,
    pub(super) certificate: Option<String>,
    pub(super) at: UtcSeconds,
    /// Of the days that are set, the one that has come; none once it is over.
    pub(super) days: u16,
}

/// Of everything that its holder has to have renewed. A retired key's
/// certificate ends long before its use does.
pub(super) fn ends(card: &Card, zone: &TimeZone) -> Vec<End> {
    let certificates = card.certificates.iter();
    let certificates = certificates.filter(|one| !matches!(one.slot, Slot::Retired(_)));
    let mut ends: Vec<End> = certificates
        .map(|one| End {
            key: fingerprint(one).to_owned(),
            certificate: Some(phrase::certificate::place(one)),
            at: one.not_after,
        })
        .collect();
    let last_day = card.expires.as_deref();
    let last_day = last_day.and_then(|day| end_of_day(day, zone));
    if let (Some(at), Some(first)) = (last_day, card.certificates.first()) {
        ends.push(End {
            key: format!("card with {}", fingerprint(first)),
            certificate: None,
            at,
        });
    }
    ends
}

fn fingerprint(certificate: &CertificateSummary) -> &str {
    if certificate.sha256.is_empty() {
        &certificate.serial
    } else {
        &certificate.sha256
    }
}

pub(super) fn due(
    ends: &[End],
    days: &Days,
    memory: &Memory,
    (now, zone): (UtcSeconds, &TimeZone),
) -> Vec<Due> {
    let due = ends.iter().filter_map(|end| {
        let days = reached(end, days, now, zone)?;
        memory.is_due(&end.key, days, now).then(|| Due {
            key: end.key.clone(),
            certificate: end.certificate.clone(),
            at: end.at,
            days,
        })
    });
    due.collect()
}

/// The least of the days that it has no more than left.
fn reached(end: &End, days: &Days, now: UtcSeconds, zone: &TimeZone) -> Option<u16> {
    if now > end.at {
        return Some(0);
    }
    let left = phrase::days_left(now, end.at, zone);
    days.iter().filter(|day| left <= i64::from(*day)).min()
}

/// When the next of the days comes for any of them.
pub(super) fn next_change(
    ends: &[End],
    days: &Days,
    now: UtcSeconds,
    zone: &TimeZone,
) -> Option<UtcSeconds> {
    let moments = ends.iter().flat_map(|end| {
        let begins = days.iter().filter_map(|day| begin(end.at, day, zone));
        let over = UtcSeconds(end.at.0.saturating_add(1));
        begins.chain([over])
    });
    moments.filter(|at| *at > now).min()
}

/// When the day begins that is so many before the one of an end.
fn begin(end: UtcSeconds, days: u16, zone: &TimeZone) -> Option<UtcSeconds> {
    let end = Timestamp::from_second(end.0).ok()?.to_zoned(zone.clone());
    let day = end.date().checked_sub(i64::from(days).days()).ok()?;
    let midnight = day.to_zoned(zone.clone()).ok()?;
    Some(UtcSeconds(midnight.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_is_reached_at_the_moment_that_was_foretold() {
        // With a day of 23 hours among them, and one of 25.
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        for end in ["2027-03-15T09:30:00Z", "2026-11-20T03:00:00Z"] {
            let end: Timestamp = end.parse().unwrap();
            let end = UtcSeconds(end.as_second());
            each_day_is_reached(end, &zone);
        }
    }

    fn each_day_is_reached(at: UtcSeconds, zone: &TimeZone) {
        let ends = [End {
            key: "a".into(),
            certificate: None,
            at,
        }];
        let days = Days::default();
        let mut now = UtcSeconds(0);
        let mut seen = Vec::new();

        while let Some(next) = next_change(&ends, &days, now, zone) {
            let before = reached(&ends[0], &days, UtcSeconds(next.0 - 1), zone);
            let after = reached(&ends[0], &days, next, zone);
            assert_ne!(before, after);
            seen.push((after, phrase::days_left(next, at, zone)));
            now = next;
        }

        assert_eq!(
            seen,
            [
                (Some(30), 30),
                (Some(14), 14),
                (Some(7), 7),
                (Some(1), 1),
                (Some(0), 0)
            ]
        );
    }
}
