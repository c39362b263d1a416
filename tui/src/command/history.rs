//! `cacctl history`: what happened, newest first.

use std::io;
use std::path::Path;

use cac_common::client::Client;
use cac_common::identity::CardId;
use cac_common::interface::{GetHistory, LONGEST_HISTORY_PAGE};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use crate::cli::{History, Moment};
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::sheet::Sheet;

pub async fn run(socket: &Path, wanted: History, sheet: Sheet) -> Result<Exit, Failure> {
    let zone = TimeZone::system();
    let (json, mut left) = (wanted.json, wanted.limit);
    let mut request = request(wanted, clock::now(), &zone)?;
    let mut client = Client::connect(socket).await?;
    // Whose cards are named; as JSON the history stays as it was written.
    let snapshot = if json {
        None
    } else {
        Some(client.snapshot().await?)
    };
    while left > 0 {
        request.limit = left.min(LONGEST_HISTORY_PAGE);
        let page = client.search_history(&request).await?;
        let mut out = io::stdout().lock();
        for entry in page
            .entries
            .iter()
            .take(usize::try_from(left).unwrap_or(usize::MAX))
        {
            if json {
                print::json(&mut out, entry)?;
            } else {
                print::entry(&mut out, entry, snapshot.as_ref(), (sheet, &zone))?;
            }
        }
        left = left.saturating_sub(u32::try_from(page.entries.len()).unwrap_or(u32::MAX));
        let Some(next) = page.next_before else {
            break;
        };
        // A daemon that gives the same page again would keep us here for ever.
        if request.before.is_some_and(|before| next >= before) {
            break;
        }
        request.before = Some(next);
    }
    Ok(Exit::Fine)
}

fn request(wanted: History, now: UtcSeconds, zone: &TimeZone) -> Result<GetHistory, Failure> {
    let since = wanted.since.map(|since| match since {
        Moment::Day(day) => start_of(day, day, zone),
        Moment::Ago(span) => Ok(before(now, span)),
    });
    let until = wanted.until.map(|until| match until {
        Moment::Day(day) => day
            .tomorrow()
            .map_err(|_| Failure::NoSuchDay(day))
            .and_then(|next| start_of(next, day, zone)),
        Moment::Ago(span) => Ok(before(now, span)),
    });
    Ok(GetHistory {
        before: wanted.before,
        limit: 0,
        text: wanted.search,
        kind: wanted.kind,
        portal: wanted.portal,
        card: wanted.card.map(CardId),
        since: since.transpose()?,
        until: until.transpose()?,
    })
}

/// When a day begins; `typed` is the one that is wrong if it does not.
fn start_of(
    day: jiff::civil::Date,
    typed: jiff::civil::Date,
    zone: &TimeZone,
) -> Result<UtcSeconds, Failure> {
    let start = day
        .to_zoned(zone.clone())
        .map_err(|_| Failure::NoSuchDay(typed))?;
    Ok(UtcSeconds(start.timestamp().as_second()))
}

fn before(now: UtcSeconds, span: std::time::Duration) -> UtcSeconds {
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    UtcSeconds(now.0.saturating_sub(seconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_day_is_meant_with_its_end_in_the_time_zone_of_the_one_who_asks() {
        let day = Moment::Day(jiff::civil::date(2026, 11, 22));
        let zone = TimeZone::fixed(jiff::tz::offset(-5));

        let asked = request(wanted(day, day), UtcSeconds(0), &zone).unwrap();

        let five_in_the_morning = 1_795_323_600;
        let a_day = 24 * 60 * 60;
        assert_eq!(asked.since, Some(UtcSeconds(five_in_the_morning)));
        assert_eq!(asked.until, Some(UtcSeconds(five_in_the_morning + a_day)));
    }

    #[test]
    fn an_age_goes_back_from_now() {
        let since = Moment::Ago(Duration::from_mins(1));
        let ever = Moment::Ago(Duration::from_secs(u64::MAX));

        let asked = request(wanted(since, ever), UtcSeconds(100), &TimeZone::UTC).unwrap();

        assert_eq!(asked.since, Some(UtcSeconds(40)));
        assert!(asked.until < asked.since);
    }

    #[test]
    fn the_last_day_there_is_has_no_end() {
        let last = Moment::Day(jiff::civil::Date::MAX);

        let refused = request(wanted(last, last), UtcSeconds(0), &TimeZone::UTC);

        assert!(matches!(refused, Err(Failure::NoSuchDay(_))), "{refused:?}");
    }

    fn wanted(since: Moment, until: Moment) -> History {
        History {
            limit: 10,
            before: None,
            search: None,
            kind: None,
            portal: None,
            card: None,
            since: Some(since),
            until: Some(until),
            json: false,
        }
    }
}
