//! The configuration, and each portal.

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Portal, Registration, Snapshot};

use super::gate::Gate;
use super::outcome::outcomes;
use super::{By, Check, Found, Known, reach};
use crate::app::Chosen;
use crate::phrase::{self, Tone};
use crate::print;

/// The checks that stand in the way of a sign-in with the card.
pub(super) const NEEDED: [&str; 2] = ["certificate-dates", "pin-tries"];
pub(super) const NOT_REVOKED: &str = "certificate-revocation";

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "configuration",
        title: "the configuration is sound",
        meaning: "cacd.toml and every profile of a portal could be read. A mistake is told with its \
             line, and what was in force before stays so.",
        after: &["service"],
        by: By::Picture(configuration),
        outcomes: configuration::ALL,
    },
    Check {
        name: "portals",
        title: "a portal is described",
        meaning: "At least one portal is described in portals.d and enabled.",
        after: &["service"],
        by: By::Picture(portals),
        outcomes: portals::ALL,
    },
    reach::CHECK,
    Check {
        name: "portal",
        title: "where the card stands there",
        meaning: "Where the card stands at each portal, by what the portal said last. Nothing was \
             asked of it for this list: o in the dashboard tries a sign-in.",
        after: &["portals"],
        by: By::Portals(each),
        outcomes: each::ALL,
    },
    Check {
        name: "database",
        title: "what happens is kept",
        meaning: "What happens can be written down, so that it is known after the machine starts anew.",
        after: &["service"],
        by: By::Picture(database),
        outcomes: database::ALL,
    },
];

outcomes! {
    configuration {
        NOT_SHOWN: Outcome::unknown("it is not shown to you");
        SOUND: Outcome::fine("nothing is wrong with it");
        FAULT: Outcome::failed("{fault}").by(
            "What was in force before stays so. Mend the line that is named: it is read again by \
             itself.",
            "cacctl portal list",
        );
    }
}

outcomes! {
    portals {
        NONE: Outcome::failed("none is").by(
            "Each has a file in portals.d; the samples there say what goes into it.",
            "ls /etc/cacd/portals.d",
        );
        NONE_ENABLED: Outcome::failed("none that is described is enabled")
            .by("Set enabled = true in its profile.", "cacctl portal list");
        ENABLED: Outcome::fine("{enabled} of {count} enabled");
    }
}

outcomes! {
    each {
        ASKED_FOR: Outcome::running("its profile is asked for");
        NO_PROFILE: Outcome::failed("{what went wrong}");
        NOT_ENABLED: Outcome::not_applicable("its profile is not enabled")
            .mended("To use it, set enabled = true in the profile {portal}.");
        NOT_KNOWN: Outcome::unknown("where the card stands there is not known");
        SIGNING_IN: Outcome::running("{status}");
        DONE: Outcome::fine("{status}");
        NOT_SEEN: Outcome::not_applicable("{status}");
        WAITS: Outcome::warning("{status}");
        REFUSED: Outcome::failed("{status}");
    }
}

outcomes! {
    database {
        SOUND: Outcome::fine("the database can be used");
        BROKEN: Outcome::warning("{what went wrong}").by(
            "Cards are served from memory, and what happens is written once that works again.",
            "journalctl -u cacd",
        );
    }
}

fn each(known: &Known<'_>, card: &Gate) -> Vec<Found> {
    let portals = known.snapshot.map_or(&[][..], |it| &it.portals);
    let found = |portal: &Portal| at(known, portal, card).about(&portal.name, &portal.title);
    portals.iter().map(found).collect()
}

fn configuration(snapshot: &Snapshot) -> Found {
    if !snapshot.may_act {
        return configuration::NOT_SHOWN.found();
    }
    let Some(problem) = snapshot.problems.first() else {
        return configuration::SOUND.found();
    };
    let problem = problem.lines().next().unwrap_or_default();
    let more = snapshot.problems.len() - 1;
    let cause = if more == 0 {
        problem.to_owned()
    } else {
        format!("{problem}, and {more} more")
    };
    configuration::FAULT.told(&[("fault", &cause)])
}

fn portals(snapshot: &Snapshot) -> Found {
    let enabled = snapshot.portals.iter().filter(|it| it.enabled).count();
    let count = snapshot.portals.len();
    let outcome = match (count, enabled) {
        (0, _) => portals::NONE,
        (_, 0) => portals::NONE_ENABLED,
        _ => portals::ENABLED,
    };
    outcome.told(&[("enabled", &enabled), ("count", &count)])
}

fn at(known: &Known<'_>, portal: &Portal, card: &Gate) -> Found {
    match known.profiles.get(&portal.name) {
        None => return each::ASKED_FOR.found(),
        Some(Err(trouble)) => {
            let found = each::NO_PROFILE.told(&[("what went wrong", &trouble.what)]);
            return found.advised(trouble.advice.map(str::to_owned), None);
        }
        Some(Ok(())) => {}
    }
    if !portal.enabled {
        return each::NOT_ENABLED.told(&[("portal", &portal.name)]);
    }
    if let Some(closed) = card.closed() {
        return closed;
    }
    let registrations = match known.chosen {
        Some(Chosen::Reader(reader)) => reader.card.as_ref().map(|card| &card.registrations[..]),
        Some(Chosen::Known(_)) | None => None,
    };
    let mut registrations = registrations.unwrap_or_default().iter();
    match registrations.find(|one| one.portal == portal.name) {
        Some(registration) => standing(known, portal, registration),
        None => each::NOT_KNOWN.found(),
    }
}

fn standing(known: &Known<'_>, portal: &Portal, registration: &Registration) -> Found {
    let status = &registration.status;
    let told = phrase::status(status, known.now, known.zone);
    let outcome = match (status, phrase::tone(status)) {
        (RegistrationStatus::SigningIn, _) => each::SIGNING_IN,
        (_, Tone::Good) => each::DONE,
        (_, Tone::Quiet) => each::NOT_SEEN,
        (_, Tone::Working | Tone::Wanted) => each::WAITS,
        (_, Tone::Bad) => each::REFUSED,
    };
    let found = outcome.told(&[("status", &told)]);
    let Some(mut words) = registration.advice() else {
        return found;
    };
    if let Some(desk) = &portal.help_desk
        && phrase::tone(status) == Tone::Bad
    {
        words = format!(
            "{words} {}.",
            phrase::capitalised(&print::portal::desk(desk))
        );
    }
    found.advised(Some(words), command(status, &portal.name))
}

/// What is typed to go on, or to see more.
fn command(status: &RegistrationStatus, portal: &str) -> Option<String> {
    // Nothing but a plain name is offered to a shell.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if portal.is_empty() || portal.starts_with('-') || !portal.chars().all(is_plain) {
        return None;
    }
    let verb = match status {
        RegistrationStatus::NeedsPin { .. }
        | RegistrationStatus::OutOfDate { .. }
        | RegistrationStatus::NeedsConsent { .. }
        | RegistrationStatus::Waiting { .. }
        | RegistrationStatus::Registered {
            recheck_due: true, ..
        } => "register --portal",
        RegistrationStatus::NeedsWizard => "wizard",
        RegistrationStatus::NotEligible | RegistrationStatus::NeedsSponsor => "eligibility",
        RegistrationStatus::Forbidden { .. }
        | RegistrationStatus::Rejected { .. }
        | RegistrationStatus::Unsupported { .. }
        | RegistrationStatus::Unrecognised { .. } => "portal test",
        RegistrationStatus::NotSeen
        | RegistrationStatus::SigningIn
        | RegistrationStatus::Registered { .. }
        | RegistrationStatus::RegisteredNotSaved { .. }
        | RegistrationStatus::NotFound
        | RegistrationStatus::PinBlocked
        | RegistrationStatus::LockedOut { .. }
        | RegistrationStatus::CardFailed { .. } => return None,
    };
    Some(format!("cacctl {verb} {portal}"))
}

fn database(snapshot: &Snapshot) -> Found {
    match &snapshot.daemon.store_problem {
        None => database::SOUND.found(),
        Some(problem) => database::BROKEN.told(&[("what went wrong", problem)]),
    }
}
