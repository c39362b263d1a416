//! What comes to its end, and when that is to be told.

use cac_common::certificate::{CertificateSummary, Slot};
use cac_common::snapshot::Card;
use cac_common::time::UtcSeconds;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::memory::Memory;
use super::DAY;
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
    let last_day = card.expires.as_deref().and_then(|day| end_of(day, zone));
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

/// The last second of a day that is written as `YYYY-MM-DD`.
fn end_of(day: &str, zone: &TimeZone) -> Option<UtcSeconds> {
    let next: Date = day.parse::<Date>().ok()?.tomorrow().ok()?;
    let midnight = next.to_zoned(zone.clone()).ok()?;
    Some(UtcSeconds(midnight.timestamp().as_second() - 1))
}

pub(super) fn due(ends: &[End], days: &Days, memory: &Memory, now: UtcSeconds) -> Vec<Due> {
    let due = ends.iter().filter_map(|end| {
        let days = reached(end, days, now)?;
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
fn reached(end: &End, days: &Days, now: UtcSeconds) -> Option<u16> {
    if now > end.at {
        return Some(0);
    }
    let left = phrase::days_left(now, end.at);
    days.iter().filter(|day| left <= i64::from(*day)).min()
}

/// When the next of the days comes for any of them.
pub(super) fn next_change(ends: &[End], days: &Days, now: UtcSeconds) -> Option<UtcSeconds> {
    let moments = ends.iter().flat_map(|end| {
        // So many whole days are left from just after this many and one on.
        let begin = |day: u16| end.at.0.saturating_sub((i64::from(day) + 1) * DAY);
        let over = std::iter::once(end.at.0);
        days.iter()
            .map(begin)
            .chain(over)
            .map(|at| UtcSeconds(at.saturating_add(1)))
    });
    moments.filter(|at| *at > now).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: UtcSeconds = UtcSeconds(100 * DAY);

    #[test]
    fn each_day_is_reached_at_the_moment_that_was_foretold() {
        let ends = [End {
            key: "a".into(),
            certificate: None,
            at: END,
        }];
        let days = Days::default();
        let mut now = UtcSeconds(0);
        let mut seen = Vec::new();

        while let Some(next) = next_change(&ends, &days, now) {
            let before = reached(&ends[0], &days, UtcSeconds(next.0 - 1));
            let after = reached(&ends[0], &days, next);
            assert_ne!(before, after);
            seen.push((after, phrase::days_left(next, END)));
            now = next;
        }

        assert_eq!(
            seen,
            [
                (Some(30), 30),
                (Some(14), 14),
                (Some(7), 7),
                (Some(1), 1),
                (Some(0), -1)
            ]
        );
    }

    #[test]
    fn a_card_is_good_to_the_end_of_its_last_day() {
        // 2027-03-01 23:59:59 UTC.
        let end = end_of("2027-03-01", &TimeZone::UTC);

        assert_eq!(end, Some(UtcSeconds(1_803_945_599)));
        assert_eq!(end_of("9999-12-31", &TimeZone::UTC), None);
        assert_eq!(end_of("soon", &TimeZone::UTC), None);
    }
}
