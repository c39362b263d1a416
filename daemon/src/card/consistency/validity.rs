//! The dates of the card and of its certificates.

use std::time::Duration;

use cac_common::certificate::{Role, Slot};
use cac_common::finding::Finding;
use cac_common::time::UtcSeconds;

use super::super::chuid::Chuid;
use super::super::date::Date;
use super::super::facts::CardCertificate;
use super::super::printed::Printed;
use super::object;

/// Time enough for an appointment at an ID card office.
const SOON: Duration = Duration::from_hours(30 * 24);

/// A certificate may end so much later than the card's last day: dates of
/// cards have no time zone.
const SLACK: Duration = Duration::from_hours(24);

/// Whether the card has expired, or soon will.
pub(super) fn of_card(chuid: &Chuid, at: UtcSeconds) -> Vec<Finding> {
    let Some(expires) = expiry(chuid) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if has_ended(expires, at) {
        findings.push(Finding::fault(
            "card",
            &format!("it expired on {expires}"),
            "Portals refuse it. Get a new one at an ID card office; make an appointment before you go.",
        ));
    } else if ends_soon(expires, at) {
        findings.push(Finding::warning(
            "card",
            &format!("it expires on {expires}"),
            "It works until then. Make an appointment at an ID card office now.",
        ));
    }
    findings
}

/// Whether the card's face says the same as its chip.
pub fn of_printed(chuid: &Chuid, printed: &Printed) -> Option<Finding> {
    let (expires, printed) = (expiry(chuid)?, printed.expires?);
    (printed != expires).then(|| {
        Finding::warning(
            "Printed Information",
            &format!("it says {printed}, and the CHUID says that the card expires on {expires}"),
            "The card was badly issued, or somebody changed it. The earlier date counts; ask at an ID card office.",
        )
    })
}

/// Whether certificates are valid, for long, and no longer than the card. What
/// ends with the card is told of the card alone.
pub(super) fn of_certificates(
    chuid: &Chuid,
    certificates: &[CardCertificate],
    at: UtcSeconds,
) -> Vec<Finding> {
    let card = expiry(chuid);
    let card_is_told = card.is_some_and(|card| has_ended(card, at) || ends_soon(card, at));
    // Retired keys open old mail, whatever the date.
    let of_today = || {
        certificates
            .iter()
            .filter(|certificate| !matches!(certificate.summary.slot, Slot::Retired(_)))
    };
    let begin = of_today()
        .map(|certificate| certificate.summary.not_before)
        .min();
    if let Some(begin) = begin.filter(|begin| *begin > at) {
        return vec![not_yet(
            "card",
            "none of its certificates is valid yet",
            begin,
        )];
    }
    of_today()
        .filter_map(|certificate| {
            let ends_with_the_card = card
                .is_some_and(|card| certificate.summary.not_after.after(SLACK) >= card.begins());
            if card_is_told && ends_with_the_card {
                return outlives(certificate, card);
            }
            of_one(certificate, at).or_else(|| outlives(certificate, card))
        })
        .collect()
}

fn not_yet(object: &str, fault: &str, begin: UtcSeconds) -> Finding {
    Finding::warning(
        object,
        &format!("{fault}, only {}", from(begin)),
        "Most often the clock of this computer is wrong: check date and time. If they are right, it works from that day on.",
    )
}

fn of_one(certificate: &CardCertificate, at: UtcSeconds) -> Option<Finding> {
    let object = object(certificate);
    let summary = &certificate.summary;
    let signs_in = match certificate.purposes.role() {
        Role::Authentication | Role::Identity => true,
        Role::Other => summary.slot == Slot::Authentication,
        Role::Signature | Role::Encryption | Role::Card | Role::ContentSigning => false,
    };
    if summary.not_after < at {
        let fault = format!("it expired {}", on(summary.not_after));
        return Some(if signs_in {
            Finding::fault(
                &object,
                &fault,
                "Portals refuse it. An ID card office can renew it or issue a new card; make an appointment before you go.",
            )
        } else {
            Finding::warning(
                &object,
                &fault,
                "Signing in does not need it, but what it is for no longer works. An ID card office can renew it.",
            )
        });
    }
    if summary.not_before > at {
        return Some(not_yet(&object, "it is not valid yet", summary.not_before));
    }
    (summary.not_after <= at.after(SOON)).then(|| {
        Finding::warning(
            &object,
            &format!("it expires {}", on(summary.not_after)),
            "It works until then. Make an appointment at an ID card office now.",
        )
    })
}

fn outlives(certificate: &CardCertificate, card: Option<Date>) -> Option<Finding> {
    let card = card?;
    (certificate.summary.not_after > card.ends().after(SLACK)).then(|| {
        Finding::note(
            &object(certificate),
            &format!(
                "it is valid {}, longer than the card",
                until(certificate.summary.not_after)
            ),
            "The card's own date counts. Nothing to do before that.",
        )
    })
}

fn expiry(chuid: &Chuid) -> Option<Date> {
    Date::from_iso(chuid.expires.as_deref()?)
}

fn has_ended(day: Date, at: UtcSeconds) -> bool {
    day.ends() <= at
}

fn ends_soon(day: Date, at: UtcSeconds) -> bool {
    day.ends() <= at.after(SOON)
}

fn on(moment: UtcSeconds) -> String {
    said("on", moment)
}

fn from(moment: UtcSeconds) -> String {
    said("from", moment)
}

fn until(moment: UtcSeconds) -> String {
    said("until", moment)
}

/// `on 2030-12-31`.
fn said(word: &str, moment: UtcSeconds) -> String {
    Date::of(moment).map_or_else(
        || format!("{word} a day beyond the calendar"),
        |day| format!("{word} {day}"),
    )
}
