//! What can be typed after `cacctl history`.

use std::str::FromStr;
use std::time::Duration;

use cac_common::snapshot::HistoryKind;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use crate::completion;

#[derive(Debug, Args)]
pub struct History {
    /// How many entries at most.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,

    /// Only entries older than the one with this number.
    #[arg(long, value_name = "ID")]
    pub before: Option<i64>,

    /// Only entries with this in their text, in capitals or not.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,

    /// Only entries of this kind.
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    pub kind: Option<HistoryKind>,

    /// Only entries of this portal.
    #[arg(long, value_name = "PORTAL", add = completion::portals())]
    pub portal: Option<String>,

    /// Only entries of this card.
    #[arg(long, value_name = "ID", add = completion::every_card())]
    pub card: Option<String>,

    /// Only entries from this day (YYYY-MM-DD) on, or no older than this (30m, 12h, 2d, 3w).
    #[arg(long, value_name = "WHEN")]
    pub since: Option<Moment>,

    /// Only entries up to this day (YYYY-MM-DD) with it, or older than this (30m, 12h, 2d, 3w).
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Moment>,

    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// A moment as people type it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Day(jiff::civil::Date),
    /// So long ago.
    Ago(Duration),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(day) = text.parse() {
            return Ok(Self::Day(day));
        }
        let wrong = || {
            "type a day, as 2026-11-22, or an age in minutes, hours, days or weeks, as 2d"
                .to_owned()
        };
        let mut rest = text.chars();
        let seconds = match rest.next_back() {
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            Some('w') => 7 * 24 * 60 * 60,
            Some(_) | None => return Err(wrong()),
        };
        let count = rest.as_str();
        // No sign: an age is no moment to come.
        if !count.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(wrong());
        }
        let count: u64 = count.parse().map_err(|_| wrong())?;
        let span = count.checked_mul(seconds).ok_or_else(wrong)?;
        Ok(Self::Ago(Duration::from_secs(span)))
    }
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = HistoryKind> {
    let names = HistoryKind::ALL.map(HistoryKind::name);
    PossibleValuesParser::new(names).try_map(|name| {
        let mut kinds = HistoryKind::ALL.into_iter();
        kinds
            .find(|kind| kind.name() == name)
            .ok_or("no kind of entry")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_day_or_an_age() {
        let ago = |seconds| Ok(Moment::Ago(Duration::from_secs(seconds)));
        for (text, moment) in [
            (
                "2026-11-22",
                Ok(Moment::Day(jiff::civil::date(2026, 11, 22))),
            ),
            ("30m", ago(1_800)),
            ("12h", ago(43_200)),
            ("2d", ago(172_800)),
            ("3w", ago(1_814_400)),
            ("0d", ago(0)),
        ] {
            assert_eq!(text.parse::<Moment>(), moment, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "d",
            "2",
            "-2d",
            "+2d",
            "2 d",
            "2y",
            "2026-02-30",
            "99999999999999999999d",
            "18446744073709551615w",
            "2д",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
