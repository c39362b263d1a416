//! What a user sets for themselves: `cacctl.toml`, as written and as checked.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use cac_common::time::UtcSeconds;
use cac_common::toml_file::{FileError, Source};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use serde::Deserialize;
use serde_spanned::Spanned;

use crate::folders;

const FILE: &str = "cacctl.toml";

/// A day told before an end is no longer before it than this.
const LONGEST_NOTICE: u16 = 366;
const MOST_DAYS: usize = 16;

/// Settings that were checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// What the dashboard is to look like, by name.
    pub theme: Option<String>,
    /// The program that opens a terminal, with what goes before the command to
    /// run in it.
    pub terminal: Option<Vec<String>>,
    pub notifications: Notifications,
}

/// What `cacctl agent` tells on the desktop, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    pub kinds: BTreeSet<Kind>,
    pub quiet_hours: Option<QuietHours>,
    pub days: Days,
}

/// What can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Whose card was put in, and whether it was seen before.
    Card,
    /// A PIN is waited for, and nobody is being asked for it.
    Pin,
    /// A portal has registered the card.
    Registered,
    /// Something waits for a person, or ended badly.
    NeedsYou,
    /// A certificate or the card comes to its end.
    Expiry,
}

/// Several kinds, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kinds(pub BTreeSet<Kind>);

/// How many days before an end it is told, the most first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days(Vec<u16>);

/// A part of each day, by the clock on the wall; it may lead over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    to: Time,
}

/// The text means no part of a day.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("quiet hours are two different times of the day, such as \"22:00-07:00\"")]
pub struct NotQuietHours;

/// The text or list means no days before an end.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("days are up to {MOST_DAYS} whole numbers from 1 to {LONGEST_NOTICE}")]
pub struct NotDays;

/// The text names no kind of notification.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("what can be told is card, pin, registered, needs-you and expiry")]
pub struct NotAKind;

impl Default for Notifications {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.into(),
            quiet_hours: None,
            days: Days::default(),
        }
    }
}

impl Default for Days {
    fn default() -> Self {
        Self(vec![30, 14, 7, 1])
    }
}

/// `cacctl.toml`, as written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SettingsFile {
    theme: Option<String>,
    terminal: Option<Spanned<Vec<String>>>,
    notifications: NotificationsTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NotificationsTable {
    kinds: Option<Vec<Spanned<String>>>,
    quiet_hours: Option<Spanned<String>>,
    days: Option<Spanned<Vec<u16>>>,
}

/// Where the user's settings lie, if there is a place for them.
pub fn path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(folders::configuration(variable)?.join(FILE))
}

impl Settings {
    /// Those of whoever runs this.
    pub fn of_the_user(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, FileError> {
        path(variable).map_or_else(|| Ok(Self::default()), |path| Self::read(&path))
    }

    /// A file that is not there is all defaults; so is one that lies with somebody
    /// else, as where `HOME` is still theirs.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let is_none_of_ours = |kind| {
            matches!(
                kind,
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            )
        };
        match Source::read(path) {
            Err(FileError::Unreadable { source, .. }) if is_none_of_ours(source.kind()) => {
                Ok(Self::default())
            }
            Err(error) => Err(error),
            Ok(source) => Self::check(&source),
        }
    }

    pub fn check(source: &Source) -> Result<Self, FileError> {
        let file: SettingsFile = source.parse()?;
        if let Some(terminal) = &file.terminal
            && terminal.get_ref().first().is_none_or(String::is_empty)
        {
            return Err(source.fault_at(terminal, "terminal names a program"));
        }
        Ok(Self {
            theme: file.theme,
            terminal: file.terminal.map(Spanned::into_inner),
            notifications: file.notifications.check(source)?,
        })
    }
}

impl NotificationsTable {
    fn check(self, source: &Source) -> Result<Notifications, FileError> {
        let default = Notifications::default();
        let kinds = self.kinds.map(|kinds| {
            let kind = |text: &Spanned<String>| {
                let kind = text.get_ref().parse();
                kind.map_err(|error: NotAKind| {
                    source.fault_at(text, &format!("notifications.kinds: {error}"))
                })
            };
            kinds.iter().map(kind).collect::<Result<_, _>>()
        });
        let quiet_hours = self.quiet_hours.map(|text| {
            let hours = text.get_ref().parse();
            hours.map_err(|error: NotQuietHours| {
                source.fault_at(&text, &format!("notifications.quiet_hours: {error}"))
            })
        });
        let days = self.days.map(|days| {
            let checked = Days::new(days.get_ref().clone());
            checked.map_err(|error| source.fault_at(&days, &format!("notifications.days: {error}")))
        });
        Ok(Notifications {
            kinds: kinds.transpose()?.unwrap_or(default.kinds),
            quiet_hours: quiet_hours.transpose()?,
            days: days.transpose()?.unwrap_or(default.days),
        })
    }
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::Card,
        Self::Pin,
        Self::Registered,
        Self::NeedsYou,
        Self::Expiry,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Pin => "pin",
            Self::Registered => "registered",
            Self::NeedsYou => "needs-you",
            Self::Expiry => "expiry",
        }
    }
}

impl FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, NotAKind> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name() == text).ok_or(NotAKind)
    }
}

/// `card,needs-you`, `none`
impl FromStr for Kinds {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, NotAKind> {
        if text == "none" {
            return Ok(Self(BTreeSet::new()));
        }
        let kinds = text.split(',').map(|kind| kind.trim().parse());
        kinds.collect::<Result<_, _>>().map(Self)
    }
}

impl Days {
    fn new(mut days: Vec<u16>) -> Result<Self, NotDays> {
        if days.len() > MOST_DAYS || days.iter().any(|day| !(1..=LONGEST_NOTICE).contains(day)) {
            return Err(NotDays);
        }
        days.sort_unstable_by(|a, b| b.cmp(a));
        days.dedup();
        Ok(Self(days))
    }

    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied()
    }
}

/// `30,14,7,1`
impl FromStr for Days {
    type Err = NotDays;

    fn from_str(text: &str) -> Result<Self, NotDays> {
        let days = text.split(',').map(|day| day.trim().parse());
        Self::new(days.collect::<Result<_, _>>().map_err(|_| NotDays)?)
    }
}

impl QuietHours {
    pub fn hold(self, now: UtcSeconds, zone: &TimeZone) -> bool {
        let Some(now) = zoned(now, zone) else {
            return false;
        };
        let time = now.time();
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }

    /// When those that hold now are over.
    pub fn end(self, now: UtcSeconds, zone: &TimeZone) -> Option<UtcSeconds> {
        let now = zoned(now, zone)?;
        let day = if now.time() < self.to {
            now.date()
        } else {
            now.date().checked_add(1.day()).ok()?
        };
        let end = day.to_datetime(self.to).to_zoned(zone.clone()).ok()?;
        Some(UtcSeconds(end.timestamp().as_second()))
    }
}

impl FromStr for QuietHours {
    type Err = NotQuietHours;

    fn from_str(text: &str) -> Result<Self, NotQuietHours> {
        let (from, to) = text.split_once('-').ok_or(NotQuietHours)?;
        let (from, to) = (time_of_day(from)?, time_of_day(to)?);
        if from == to {
            return Err(NotQuietHours);
        }
        Ok(Self { from, to })
    }
}

/// `22:00`
fn time_of_day(text: &str) -> Result<Time, NotQuietHours> {
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| is_number).ok_or(NotQuietHours)
    };
    let (hour, minute) = text.trim().split_once(':').ok_or(NotQuietHours)?;
    Time::new(number(hour)?, number(minute)?, 0, 0).map_err(|_| NotQuietHours)
}

fn zoned(at: UtcSeconds, zone: &TimeZone) -> Option<Zoned> {
    let at = Timestamp::from_second(at.0).ok()?;
    Some(at.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_empty_or_not_there_is_all_defaults() {
        assert_eq!(check("").unwrap(), Settings::default());
        assert_eq!(
            Settings::read(Path::new("/absent/cacctl.toml")).unwrap(),
            Settings::default()
        );
    }

    #[test]
    fn every_setting_is_read() {
        let settings = check(
            "theme = \"dusk\"\nterminal = [\"foot\", \"-e\"]\n[notifications]\n\
             kinds = [\"expiry\", \"needs-you\"]\nquiet_hours = \"22:00-07:00\"\n\
             days = [7, 60, 7]\n",
        )
        .unwrap();

        assert_eq!(
            settings,
            Settings {
                theme: Some("dusk".into()),
                terminal: Some(vec!["foot".into(), "-e".into()]),
                notifications: Notifications {
                    kinds: [Kind::NeedsYou, Kind::Expiry].into(),
                    quiet_hours: "22:00-07:00".parse().ok(),
                    days: Days(vec![60, 7]),
                },
            }
        );
    }

    #[test]
    fn a_mistake_is_shown_where_it_stands() {
        for (text, place) in [
            ("them = \"a\"\n", "cacctl.toml:1:1: unknown field `them`"),
            ("terminal = []\n", "cacctl.toml:1:12: terminal names"),
            (
                "[notifications]\nkinds = [\"card\", \"moon\"]\n",
                "cacctl.toml:2:18: notifications.kinds: what can be told",
            ),
            (
                "[notifications]\nquiet_hours = \"22-7\"\n",
                "cacctl.toml:2:15: notifications.quiet_hours: quiet hours are",
            ),
            (
                "[notifications]\ndays = [30, 0]\n",
                "cacctl.toml:2:8: notifications.days: days are",
            ),
        ] {
            let error = check(text).unwrap_err().to_string();

            assert!(error.starts_with(place), "{error}");
        }
    }

    #[test]
    fn quiet_hours_lead_over_midnight_and_end_in_the_morning() {
        let noon = UtcSeconds(1_795_348_800); // 2026-11-22 12:00:00 UTC
        let hour = |hours: i64| UtcSeconds(noon.0 + hours * 3600);
        let night: QuietHours = "22:00-07:00".parse().unwrap();
        let midday: QuietHours = "11:30-13:30".parse().unwrap();

        for (hours, at, holds) in [
            (night, hour(0), false),
            (night, hour(10), true),
            (night, UtcSeconds(hour(10).0 - 1), false),
            (night, hour(18), true),
            (night, hour(19), false),
            (midday, noon, true),
            (midday, hour(2), false),
        ] {
            assert_eq!(hours.hold(at, &TimeZone::UTC), holds, "{at:?}");
        }
        assert_eq!(night.end(hour(11), &TimeZone::UTC), Some(hour(19)));
        assert_eq!(night.end(hour(13), &TimeZone::UTC), Some(hour(19)));
    }

    #[test]
    fn what_is_no_part_of_a_day_is_refused() {
        for text in [
            "",
            "22:00",
            "22:00-",
            "-",
            "24:00-07:00",
            "22:60-07:00",
            "07:00-07:00",
            "+2:00-07:00",
            "22:00-07:00-08:00",
            "022:00-07:00",
        ] {
            assert_eq!(text.parse::<QuietHours>(), Err(NotQuietHours), "{text}");
        }
        for text in [
            "",
            "0",
            "367",
            "7;1",
            "-1",
            "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
        ] {
            assert_eq!(text.parse::<Days>(), Err(NotDays), "{text}");
        }
    }

    #[test]
    fn settings_lie_where_the_users_others_do() {
        let home = |name: &str| (name == "HOME").then(|| OsString::from("/home/jane"));

        assert_eq!(
            path(home).as_deref(),
            Some(Path::new("/home/jane/.config/cacctl.toml"))
        );
        assert_eq!(path(|_| Some("relative".into())), None);
    }

    fn check(text: &str) -> Result<Settings, FileError> {
        Settings::check(&Source::new(Path::new("cacctl.toml"), text.into()))
    }
}
