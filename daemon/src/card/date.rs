//! Days as cards write them.

use std::fmt;

use cac_common::time::UtcSeconds;

const DAY: i64 = 24 * 60 * 60;

/// As Printed Information writes them (SP 800-73pt1-5 §3.3.1).
const MONTHS: [&[u8]; 12] = [
    b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC",
];

/// A day of the calendar. To hold one is proof that there is such a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let in_february = if is_leap(year) { 29 } else { 28 };
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => in_february,
            _ => return None,
        };
        (1..=days)
            .contains(&day)
            .then_some(Self { year, month, day })
    }

    /// `20301231`.
    pub fn from_digits(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 8 {
            return None;
        }
        let year = number(&bytes[..4])?;
        let month = u8::try_from(number(&bytes[4..6])?).ok()?;
        let day = u8::try_from(number(&bytes[6..])?).ok()?;
        Self::new(year, month, day)
    }

    /// `2030DEC31`.
    pub fn from_printed(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 9 {
            return None;
        }
        let year = number(&bytes[..4])?;
        let name = bytes[4..7].to_ascii_uppercase();
        let month = (1..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
        let day = u8::try_from(number(&bytes[7..])?).ok()?;
        Self::new(year, month, day)
    }

    /// `2030-12-31`, as [`fmt::Display`] writes it.
    pub fn from_iso(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        Self::from_digits(&digits)
    }

    /// The day that has this moment in it, in UTC; none outside the years 1970
    /// to 9999.
    pub fn of(moment: UtcSeconds) -> Option<Self> {
        // By eras of 400 years that begin on 1 March, so that the leap day is
        // the last of its year.
        let days = moment.0.div_euclid(DAY) + DAYS_TO_1970;
        let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        let year = u16::try_from(year)
            .ok()
            .filter(|year| (1970..=9999).contains(year))?;
        Self::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// The first second, in UTC.
    pub fn begins(self) -> UtcSeconds {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let month_from_march = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        UtcSeconds((era * ERA + day_of_era - DAYS_TO_1970) * DAY)
    }

    /// The first second after it, in UTC: what expires on a day is good for
    /// the whole of it.
    pub fn ends(self) -> UtcSeconds {
        UtcSeconds(self.begins().0 + DAY)
    }
}

/// Days in 400 years.
const ERA: i64 = 146_097;
/// Days from 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: i64 = 719_468;

/// `2030-12-31`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day } = self;
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Two or four digits.
fn number(digits: &[u8]) -> Option<u16> {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(digits).ok().filter(|_| all_digits)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_ways_of_writing_a_day_are_read() {
        let day = Date::from_digits(b"20301231").unwrap();

        assert_eq!(day.to_string(), "2030-12-31");
        assert_eq!(Date::from_printed(b"2030DEC31"), Some(day));
        assert_eq!(Date::from_printed(b"2030Dec31"), Some(day));
        assert_eq!(Date::from_iso("2030-12-31"), Some(day));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2030123",
            "203012311",
            "20301331",
            "20300231",
            "20310229",
            "2030x231",
        ] {
            assert_eq!(Date::from_digits(text.as_bytes()), None, "{text}");
        }
        for text in ["2030DEC3", "2030XXX31", "2030FEB30"] {
            assert_eq!(Date::from_printed(text.as_bytes()), None, "{text}");
        }
        assert!(Date::from_digits(b"20320229").is_some(), "a leap year");
    }

    #[test]
    fn a_day_begins_and_ends_at_midnight() {
        for (day, begins) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2030-12-31", 1_924_905_600),
        ] {
            let day = Date::from_iso(day).unwrap();

            assert_eq!(day.begins(), UtcSeconds(begins));
            assert_eq!(Date::of(day.begins()), Some(day));
            assert_eq!(Date::of(UtcSeconds(day.ends().0 - 1)), Some(day));
            assert_ne!(Date::of(day.ends()), Some(day));
        }
    }

    #[test]
    fn a_moment_far_away_has_no_day() {
        for moment in [i64::MIN, -1, i64::MAX] {
            assert_eq!(Date::of(UtcSeconds(moment)), None, "{moment}");
        }
    }

    proptest! {
        #[test]
        fn the_day_of_a_moment_has_it_in_it(seconds in 0..253_402_300_800_i64) {
            let day = Date::of(UtcSeconds(seconds)).unwrap();

            prop_assert!(day.begins().0 <= seconds && seconds < day.ends().0);
        }

        #[test]
        fn any_bytes_are_a_day_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let _ = (Date::from_digits(&bytes), Date::from_printed(&bytes));
        }
    }
}
