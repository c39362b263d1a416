//! The configuration, and each portal.

use cac_common::registration::RegistrationStatus;
use cac_common::snapshot::{Portal, Registration, Snapshot};

use super::{Found, Gate, Known, List};
use crate::app::Chosen;
use crate::phrase::{self, Tone};
use crate::print;

/// Before the name of a portal, in the name of its line.
pub(super) const PREFIX: &str = "portal-";

/// `card` is the gate that a sign-in passes.
pub(super) fn checks(known: &Known<'_>, service: Gate, card: &Gate, list: &mut List) {
    let mut gate = service;
    let of = |found: fn(&Snapshot) -> Found| {
        move || known.snapshot.map_or_else(|| Found::unknown(""), found)
    };
    list.line(
        &gate,
        "configuration",
        "the configuration is sound",
        of(configuration),
    );
    list.step(&mut gate, "portals", "a portal is described", of(portals));
    let portals = known.snapshot.map_or(&[][..], |it| &it.portals);
    for portal in portals {
        let name = format!("{PREFIX}{}", portal.name);
        list.line(&gate, &name, &portal.title, || at(known, portal, card));
    }
    list.line(&gate, "database", "what happens is kept", of(database));
}

fn configuration(snapshot: &Snapshot) -> Found {
    if !snapshot.may_act {
        return Found::unknown("it is not shown to you");
    }
    let Some(problem) = snapshot.problems.first() else {
        return Found::fine("nothing is wrong with it");
    };
    let problem = problem.lines().next().unwrap_or_default();
    let more = snapshot.problems.len() - 1;
    let cause = if more == 0 {
        problem.to_owned()
    } else {
        format!("{problem}, and {more} more")
    };
    Found::failed(cause).by(
        "What was in force before stays so. Mend the line that is named: it is read again by \
         itself.",
        "cacctl portal list",
    )
}

fn portals(snapshot: &Snapshot) -> Found {
    let enabled = snapshot.portals.iter().filter(|it| it.enabled).count();
    let count = snapshot.portals.len();
    match (count, enabled) {
        (0, _) => Found::failed("none is").by(
            "Each has a file in portals.d; the samples there say what goes into it.",
            "ls /etc/cacd/portals.d",
        ),
        (_, 0) => Found::failed("none that is described is enabled")
            .by("Set enabled = true in its profile.", "cacctl portal list"),
        _ => Found::fine(format!("{enabled} of {count} enabled")),
    }
}

fn at(known: &Known<'_>, portal: &Portal, card: &Gate) -> Found {
    match known.profiles.get(&portal.name) {
        None => return Found::running("its profile is asked for"),
        Some(Err(trouble)) => {
            let found = Found::failed(&trouble.what);
            return match trouble.advice {
                Some(advice) => found.mended(advice),
                None => found,
            };
        }
        Some(Ok(())) => {}
    }
    if !portal.enabled {
        return Found::not_applicable("its profile is not enabled").mended(format!(
            "To use it, set enabled = true in the profile {}.",
            portal.name
        ));
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
        None => Found::unknown("where the card stands there is not known"),
    }
}

fn standing(known: &Known<'_>, portal: &Portal, registration: &Registration) -> Found {
    let status = &registration.status;
    let told = phrase::status(status, known.now, known.zone);
    let found = match (status, phrase::tone(status)) {
        (RegistrationStatus::SigningIn, _) => Found::running(told),
        (_, Tone::Good) => Found::fine(told),
        (_, Tone::Quiet) => Found::not_applicable(told),
        (_, Tone::Working | Tone::Wanted) => Found::warning(told),
        (_, Tone::Bad) => Found::failed(told),
    };
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
    match command(status, &portal.name) {
        Some(command) => found.by(words, command),
        None => found.mended(words),
    }
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
        None => Found::fine("the database can be used"),
        Some(problem) => Found::warning(problem).by(
            "Cards are served from memory, and what happens is written once that works again.",
            "journalctl -u cacd",
        ),
    }
}
