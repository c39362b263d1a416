//! The words of notifications. What comes from a card or a portal is made
//! harmless, no number names a person, and no text is long.

use cac_common::cause::Kind as CauseKind;
use cac_common::identity::{legible, masked, readable};
use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Card, Reader, Registration, Snapshot};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;

use super::expiry::Due;
use crate::failure::{Failure, Trouble};
use crate::{phrase, print};

/// Characters that are shown at most.
const LONGEST_SUMMARY: usize = 120;
const LONGEST_LINE: usize = 400;
const MOST_LINES: usize = 8;

type Words = (String, String);

pub(super) fn recognised(snapshot: &Snapshot, card: &Card) -> Words {
    let (what, seen) = if card.recognised {
        ("Card recognised", "It was seen here before.")
    } else {
        ("New card", "It was not seen here before.")
    };
    let registered = portals(snapshot, card, |status| {
        matches!(status, RegistrationStatus::Registered { .. })
    });
    let registered = if registered.is_empty() {
        String::new()
    } else {
        format!(" Registered at {registered}.")
    };
    (
        format!("{what}: {}", holder(card)),
        format!("{seen}{registered}"),
    )
}

pub(super) fn needs_pin(snapshot: &Snapshot, card: &Card) -> Words {
    let waits = RegistrationStatus::waits_for_pin;
    let mut waiting = card.registrations.iter().filter(|one| waits(&one.status));
    let advice = waiting.find_map(Registration::advice).unwrap_or_default();
    (
        format!("PIN needed: {}", holder(card)),
        format!(
            "For {}; {}. {advice}",
            portals(snapshot, card, waits),
            phrase::pin(&card.pin)
        ),
    )
}

pub(super) fn registered(
    snapshot: &Snapshot,
    card: &Card,
    registration: &Registration,
    account: Option<&str>,
) -> Words {
    let portal = print::portal_title(snapshot, &registration.portal);
    let account = account.map_or_else(String::new, |account| {
        format!(", account {}", readable(account))
    });
    (
        format!("Registered at {portal}"),
        format!("{}{account}", holder(card)),
    )
}

pub(super) fn needs_you(snapshot: &Snapshot, registration: &Registration) -> Words {
    let portal = print::portal_title(snapshot, &registration.portal);
    (
        format!("{portal}: {}", registration.status.label()),
        registration.advice().unwrap_or_default(),
    )
}

pub(super) fn no_answer(reader: &Reader) -> Words {
    of_failure(&Failure::NoAnswer {
        reader: readable(&reader.name.0),
    })
}

pub(super) fn failed(reader: &Reader, cause: &str) -> Words {
    let (what, next) = of_failure(&Failure::CardUnreadable {
        cause: readable(cause),
    });
    (
        format!("The card in {} cannot be read", readable(&reader.name.0)),
        format!("{what}. {next}"),
    )
}

pub(super) fn held(reader: &Reader) -> Words {
    (
        format!("The card in {} cannot be read", readable(&reader.name.0)),
        format!("{}.", phrase::capitalised(phrase::HELD)),
    )
}

pub(super) fn blocked(card: &Card) -> Words {
    let (_, next) = of_failure(&Failure::PinBlocked);
    (format!("The PIN is blocked: {}", holder(card)), next)
}

pub(super) fn ends(card: &Card, due: &[Due], now: UtcSeconds, zone: &TimeZone) -> Words {
    let certificates = due.iter().filter(|one| one.certificate.is_some()).count();
    let has_card = certificates < due.len();
    let (what, is_one) = match (certificates, has_card) {
        (0, _) => ("the card".to_owned(), true),
        (1, false) => ("a certificate".to_owned(), true),
        (1, true) => ("a certificate and the card".to_owned(), false),
        (count, false) => (format!("{count} certificates"), false),
        (count, true) => (format!("{count} certificates and the card"), false),
    };
    let first = due.iter().map(|one| one.at).min().unwrap_or_default();
    let last = due.iter().map(|one| one.at).max().unwrap_or_default();
    let in_time = phrase::days_to(now, first, zone);
    let when = match (first < now, last < now) {
        (true, true) if is_one => "has ended".to_owned(),
        (true, true) => "have ended".to_owned(),
        (true, false) => "have ended, or end soon".to_owned(),
        _ if is_one => format!("ends {in_time}"),
        _ if in_time == phrase::days_to(now, last, zone) => format!("end {in_time}"),
        _ => format!("end, the first {in_time}"),
    };
    let mut lines: Vec<String> = due
        .iter()
        .map(|one| {
            let name = one.certificate.as_deref().unwrap_or("The card");
            let ends = if one.at < now { "ended" } else { "ends" };
            let left = phrase::days_to(now, one.at, zone);
            format!("{name}: {ends} {left}, {}", phrase::date(one.at, zone))
        })
        .collect();
    lines.truncate(MOST_LINES - 1);
    let entry = CauseKind::CertificateExpired.entry();
    lines.push(entry.next.to_owned());
    (format!("{}: {what} {when}", holder(card)), lines.join("\n"))
}

fn of_failure(failure: &Failure) -> Words {
    let Trouble { what, advice } = Trouble::from(failure);
    (what, advice.unwrap_or_default().to_owned())
}

fn holder(card: &Card) -> String {
    card.holder.as_ref().map_or_else(
        || "holder not known".to_owned(),
        |holder| readable(&holder.name.to_string()),
    )
}

/// `AKO, Travel`
fn portals(
    snapshot: &Snapshot,
    card: &Card,
    is_meant: impl Fn(&RegistrationStatus) -> bool,
) -> String {
    let meant = card
        .registrations
        .iter()
        .filter(|one| is_meant(&one.status));
    let titles: Vec<String> = meant
        .map(|one| print::portal_title(snapshot, &one.portal))
        .collect();
    titles.join(", ")
}

/// One line that can be shown.
pub(super) fn summary(text: &str) -> String {
    line(text, LONGEST_SUMMARY)
}

/// Lines that can be shown.
pub(super) fn body(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .take(MOST_LINES)
        .map(|text| line(text, LONGEST_LINE))
        .collect();
    lines.join("\n")
}

fn line(text: &str, longest: usize) -> String {
    let text = masked(&legible(text));
    if text.chars().count() <= longest {
        return text;
    }
    let begin: String = text.chars().take(longest - 1).collect();
    format!("{}\u{2026}", begin.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_harmless_short_and_names_nobody_by_number() {
        let hostile = format!("\u{1b}[2J1234567890 \u{202e}{}", "x".repeat(5000));

        let shown = body(&format!("{hostile}\n").repeat(100));

        assert!(summary(&hostile).chars().count() <= LONGEST_SUMMARY);
        assert_eq!(shown.lines().count(), MOST_LINES);
        assert!(
            shown
                .lines()
                .all(|line| line.chars().count() <= LONGEST_LINE)
        );
        for text in [summary(&hostile), shown] {
            assert!(
                text.starts_with("\u{FFFD}[2J••••••7890 \u{FFFD}x"),
                "{text}"
            );
        }
    }
}
