//! What ends when: each card in a reader and each of its certificates, and
//! what to do about it where.

use std::time::Duration;

use cac_common::certificate::{CertificateSummary, Revocation, Role, Slot};
use cac_common::identity::readable;
use cac_common::reader::ReaderName;
use cac_common::snapshot::{Card, KnownPersona};
use cac_common::time::UtcSeconds;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::app::{App, Chosen};
use crate::phrase::{self, Tone, certificate, counted};

/// How long before its end ID card offices exchange a CAC, as they tell it.
const EXCHANGED_BEFORE: Duration = Duration::from_hours(90 * 24);

/// One thing that ends.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    pub card: &'a Card,
    pub reader: &'a ReaderName,
    pub what: What<'a>,
    /// Not known of a card on which no certificate is read.
    pub begins: Option<UtcSeconds>,
    pub ends: UtcSeconds,
}

#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    Card,
    Certificate(&'a CertificateSummary),
}

/// How near an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    Past,
    /// Within so many days: 1, 7, 14 or 30.
    Day,
    Week,
    Fortnight,
    Month,
    Later,
}

#[derive(Debug, Default)]
pub struct Outlook<'a> {
    /// What ends first comes first.
    pub endings: Vec<Ending<'a>>,
    /// What is not among them, and why.
    pub left_out: Vec<String>,
}

impl<'a> Outlook<'a> {
    /// Of every card that is in a reader.
    pub fn of(app: &'a App) -> Self {
        let mut outlook = Self::default();
        for row in app.rows() {
            match row {
                Chosen::Reader(reader) => {
                    if let Some(card) = &reader.card {
                        outlook.add(card, &reader.name, &app.zone);
                    }
                }
                Chosen::Known(known) => outlook.left_out.push(elsewhere(known)),
            }
        }
        outlook.endings.sort_by_key(|ending| {
            let slot = match ending.what {
                What::Card => None,
                What::Certificate(certificate) => Some(certificate.slot),
            };
            (ending.ends, slot)
        });
        outlook
    }

    fn add(&mut self, card: &'a Card, reader: &'a ReaderName, zone: &TimeZone) {
        let (retired, in_use): (Vec<_>, Vec<_>) = card
            .certificates
            .iter()
            .partition(|one| matches!(one.slot, Slot::Retired(_)));
        let begins = in_use.iter().map(|one| one.not_before).min();
        let whose = whose(card, reader);
        match card.expires.as_deref().map(|day| end_of_day(day, zone)) {
            Some(Some(ends)) => self.endings.push(Ending {
                card,
                reader,
                what: What::Card,
                begins,
                ends,
            }),
            Some(None) => self.left_out.push(format!(
                "The card of {whose} ends on a day that no calendar has."
            )),
            None => self
                .left_out
                .push(format!("When the card of {whose} itself ends is not read.")),
        }
        self.endings
            .extend(in_use.into_iter().map(|certificate| Ending {
                card,
                reader,
                what: What::Certificate(certificate),
                begins: Some(certificate.not_before),
                ends: certificate.not_after,
            }));
        if let Some(count) = u64::try_from(retired.len()).ok().filter(|count| *count > 0) {
            let certificates = counted(count, "retired certificate", "retired certificates");
            self.left_out.push(format!(
                "{certificates} of {whose}: made for opening older mail, which an end does not stop."
            ));
        }
    }

    /// More than one card has something that ends.
    pub fn is_of_several(&self) -> bool {
        let first = self.endings.first().map(|ending| ending.reader);
        self.endings
            .iter()
            .any(|ending| Some(ending.reader) != first)
    }

    /// What is to be done about one of them, as sentences.
    pub fn advice(&self, ending: &Ending<'_>, now: UtcSeconds, zone: &TimeZone) -> String {
        let of_the_card = |other: &&Ending<'_>| other.reader == ending.reader;
        let first = self.endings.iter().find(of_the_card).unwrap_or(ending);
        let where_to = if is_of_the_dod(ending.card) {
            "at an ID card office (RAPIDS)"
        } else {
            "by whoever issued it"
        };
        let exchange = match ending.what {
            What::Card => format!("The card is exchanged {where_to}, with all its certificates."),
            What::Certificate(_) => format!(
                "A certificate on a card cannot be renewed alone: the card is exchanged {where_to}."
            ),
        };
        let from = UtcSeconds(
            first
                .ends
                .0
                .saturating_sub(i64::try_from(EXCHANGED_BEFORE.as_secs()).unwrap_or(i64::MAX)),
        );
        let when = if ending.is_revoked() {
            "Have it exchanged now.".to_owned()
        } else if first.ends < now {
            "Something on it is past its time: have it exchanged now.".to_owned()
        } else if from <= now {
            "That can be done now: make an appointment.".to_owned()
        } else {
            format!(
                "As a rule that is done from {} on, 90 days before the first of its dates.",
                phrase::date(from, zone)
            )
        };
        format!(
            "{} {exchange} {when} Bring the card and another photo ID. With the new card the portals \
             are signed in to anew, with one PIN.",
            ending.consequence()
        )
    }
}

impl Ending<'_> {
    /// `Card`, `9A Authentication`.
    pub fn name(&self) -> String {
        match self.what {
            What::Card => "the card itself".into(),
            What::Certificate(summary) => certificate::place(summary),
        }
    }

    pub fn whose(&self) -> String {
        whose(self.card, self.reader)
    }

    pub fn nearness(&self, now: UtcSeconds, zone: &TimeZone) -> Nearness {
        Nearness::of(now, self.ends, zone)
    }

    /// It was taken back before its end.
    pub fn is_revoked(&self) -> bool {
        matches!(
            self.what,
            What::Certificate(CertificateSummary {
                revocation: Revocation::Revoked { .. },
                ..
            })
        )
    }

    /// What cannot be done after it.
    fn consequence(&self) -> &'static str {
        let What::Certificate(certificate) = self.what else {
            return "With the card ends all that is on it.";
        };
        if self.is_revoked() {
            return "It was revoked, and is refused already.";
        }
        let signs_in = self.card.login.as_ref();
        if signs_in.is_some_and(|login| login.slot == certificate.slot) {
            return "This one signs in: after its end portals refuse the card.";
        }
        match certificate.role {
            Role::Authentication | Role::Identity => {
                "It is made for signing in, and of no use for that after its end."
            }
            Role::Signature => "After its end nothing new is signed with it.",
            Role::Encryption => {
                "After its end nobody encrypts for it; its key still opens what was encrypted before."
            }
            Role::Card => "After its end doors that ask the card alone may not open.",
            Role::ContentSigning | Role::Other => "After its end it is of no use.",
        }
    }
}

impl Nearness {
    pub fn of(now: UtcSeconds, ends: UtcSeconds, zone: &TimeZone) -> Self {
        if ends < now {
            return Self::Past;
        }
        let days = phrase::days_left(now, ends, zone);
        if days <= 1 {
            Self::Day
        } else if days <= 7 {
            Self::Week
        } else if days <= 14 {
            Self::Fortnight
        } else if days <= 30 {
            Self::Month
        } else {
            Self::Later
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Past => "ended",
            Self::Day => "urgent",
            Self::Week => "this week",
            Self::Fortnight => "very soon",
            Self::Month => "soon",
            Self::Later => "",
        }
    }

    /// One sign more at each of the thresholds.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Past => "✖",
            Self::Day => "!!!!",
            Self::Week => "!!!",
            Self::Fortnight => "!!",
            Self::Month => "!",
            Self::Later => "·",
        }
    }

    pub fn tone(self) -> Tone {
        match self {
            Self::Past => Tone::Bad,
            Self::Day | Self::Week | Self::Fortnight | Self::Month => Tone::Wanted,
            Self::Later => Tone::Quiet,
        }
    }
}

fn whose(card: &Card, reader: &ReaderName) -> String {
    match &card.holder {
        Some(holder) => readable(&holder.name.to_string()),
        None => format!("the one in {}", readable(&reader.0)),
    }
}

fn elsewhere(known: &KnownPersona) -> String {
    let name = readable(&known.name);
    let tail = known.dod_id_tail.as_deref().map(readable);
    let tail = tail.map_or_else(String::new, |tail| format!(" •{tail}"));
    format!("{name}{tail} is in no reader: its dates show when it is put in.")
}

/// The authority that issued a certificate of it is one of the DoD.
fn is_of_the_dod(card: &Card) -> bool {
    card.certificates.iter().any(|certificate| {
        let mut parts = certificate.issuer_dn.split(',');
        parts.any(|part| part.trim().eq_ignore_ascii_case("OU=DoD"))
    })
}

/// The last second of a day written as `YYYY-MM-DD`; none if it is no day.
pub(crate) fn end_of_day(day: &str, zone: &TimeZone) -> Option<UtcSeconds> {
    let day: Date = day.parse().ok()?;
    let next = day.tomorrow().ok()?.to_zoned(zone.clone()).ok()?;
    Some(UtcSeconds(next.timestamp().as_second().saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use cac_common::snapshot::Snapshot;

    use super::*;
    use crate::invented::{self, NOW};
    use crate::update::{Message, update};

    fn app(snapshot: Snapshot) -> App {
        let mut app = App::new(NOW, TimeZone::UTC);
        update(&mut app, Message::Snapshot(Box::new(snapshot)));
        app
    }

    fn card(snapshot: &mut Snapshot) -> &mut Card {
        snapshot.readers[2].card.as_mut().unwrap()
    }

    fn in_seconds(seconds: u64) -> UtcSeconds {
        NOW.after(Duration::from_secs(seconds))
    }

    #[test]
    fn each_threshold_has_a_word_and_a_mark_of_its_own() {
        let day = 24 * 60 * 60;
        let mut told = Vec::new();
        for seconds in [0, day, 2 * day, 8 * day, 15 * day, 31 * day] {
            let nearness = Nearness::of(NOW, in_seconds(seconds), &TimeZone::UTC);
            told.push((nearness.mark(), nearness.word()));
        }
        let past = Nearness::of(in_seconds(1), NOW, &TimeZone::UTC);

        assert_eq!(
            told,
            [
                ("!!!!", "urgent"),
                ("!!!!", "urgent"),
                ("!!!", "this week"),
                ("!!", "very soon"),
                ("!", "soon"),
                ("·", ""),
            ]
        );
        assert_eq!((past.mark(), past.word()), ("✖", "ended"));
    }

    #[test]
    fn what_ends_first_comes_first_and_a_retired_key_does_not_count() {
        let mut desk = invented::checked();
        card(&mut desk).certificates[2].not_after = in_seconds(60);
        let app = app(desk);

        let outlook = Outlook::of(&app);

        let names: Vec<String> = outlook.endings.iter().map(Ending::name).collect();
        assert_eq!(
            names,
            [
                "9D Encryption",
                "the card itself",
                "9A Authentication",
                "9C Signature",
                "9E Card",
                "0100 Identity"
            ]
        );
        assert!(!outlook.is_of_several());
        assert_eq!(
            outlook.left_out,
            [
                "1 retired certificate of DOE, JANE Q: made for opening older mail, which an end does not stop.",
                "ROE, RICHARD •4321 is in no reader: its dates show when it is put in.",
            ]
        );
    }

    #[test]
    fn a_card_and_a_certificate_that_end_on_the_same_date_have_as_many_days_left() {
        let mut desk = invented::checked();
        let ends = card(&mut desk).certificates[0].not_after;
        card(&mut desk).expires = Some(phrase::date(ends, &TimeZone::UTC));
        let app = app(desk);
        let outlook = Outlook::of(&app);

        let days = outlook.endings.iter().filter(|ending| {
            let is_card = matches!(ending.what, What::Card);
            is_card || ending.ends == ends
        });
        let days: Vec<i64> = days
            .map(|ending| phrase::days_left(NOW, ending.ends, &TimeZone::UTC))
            .collect();

        assert!(days.len() > 1);
        assert!(days.iter().all(|left| *left == days[0]), "{days:?}");
    }

    #[test]
    fn a_card_ends_with_the_last_second_of_its_day_where_it_is_read() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();

        let ends = end_of_day("2026-11-22", &zone).unwrap();

        assert_eq!(
            phrase::times::to_the_second(ends, &zone),
            "2026-11-22 23:59:59 EST"
        );
        for nonsense in ["", "2026-02-30", "soon", "9999-12-31", &"9".repeat(10_000)] {
            assert_eq!(end_of_day(nonsense, &zone), None, "{nonsense}");
        }
    }

    #[test]
    fn the_card_is_exchanged_ninety_days_before_the_first_of_it_ends() {
        let mut desk = invented::desk();
        let far = app(desk.clone());
        let outlook = Outlook::of(&far);
        let told = outlook.advice(&outlook.endings[1], NOW, &TimeZone::UTC);
        assert!(told.contains("from 2026-12-01 on"), "{told}");
        assert!(told.contains("cannot be renewed alone"), "{told}");
        assert!(told.contains("RAPIDS"), "{told}");

        card(&mut desk).expires = Some("2026-12-24".into());
        let near = app(desk.clone());
        let outlook = Outlook::of(&near);
        let told = outlook.advice(&outlook.endings[1], NOW, &TimeZone::UTC);
        assert!(told.contains("can be done now"), "{told}");

        card(&mut desk).expires = Some("2026-11-21".into());
        for certificate in &mut card(&mut desk).certificates {
            certificate.issuer_dn = "CN=Other CA,O=Somebody else".into();
        }
        let late = app(desk);
        let outlook = Outlook::of(&late);
        let told = outlook.advice(&outlook.endings[0], NOW, &TimeZone::UTC);
        assert!(told.contains("past its time"), "{told}");
        assert!(!told.contains("RAPIDS"), "{told}");
    }
}
