//! Text and JSON for standard output.

pub mod card;
pub mod eligibility;
pub mod portal;
pub mod report;
pub mod wizard;

use std::io::{self, Write};

use cac_common::identity::{masked, readable};
use cac_common::snapshot::{Card, HistoryEntry, Reader, Registration, Snapshot, Stage};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::failure::Failure;
use crate::{ascii, holders, phrase};

/// One JSON object on one line.
pub fn json(out: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string(value).map_err(|error| Failure::Output(io::Error::from(error)))?;
    // It is UTF-8 whatever the locale (RFC 8259, section 8.1).
    bytes(out, format!("{text}\n").as_bytes())
}

pub fn line(out: &mut impl Write, text: &str) -> Result<(), Failure> {
    let line = if ascii::is_wanted() {
        format!("{}\n", ascii::text(text))
    } else {
        format!("{text}\n")
    };
    bytes(out, line.as_bytes())
}

pub fn bytes(out: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(Failure::Output)
}

pub fn entry(out: &mut impl Write, entry: &HistoryEntry, zone: &TimeZone) -> Result<(), Failure> {
    let text = format!(
        "{:>6}  {}  {}",
        entry.id,
        phrase::moment(entry.at, zone),
        readable(&entry.text)
    );
    line(out, &text)
}

/// Who may hold a card for itself, where one is held and somebody is known to.
pub fn suspects(out: &mut impl Write, snapshot: &Snapshot) -> Result<(), Failure> {
    let cards = snapshot.readers.iter();
    let is_held = cards
        .filter_map(|reader| reader.card.as_ref())
        .any(|card| card.stage == Stage::Held);
    let suspects = if is_held {
        holders::suspects()
    } else {
        Vec::new()
    };
    for suspect in suspects {
        line(out, &format!("a card is held, {suspect}"))?;
    }
    Ok(())
}

/// One line for the service, each problem, reader, card, certificate and portal.
pub fn status(
    out: &mut impl Write,
    snapshot: &Snapshot,
    now: UtcSeconds,
    zone: &TimeZone,
) -> Result<(), Failure> {
    let daemon = &snapshot.daemon;
    line(
        out,
        &format!(
            "cacd {} on {}, running {}",
            readable(&daemon.version),
            readable(&daemon.host),
            phrase::span(now.since(daemon.started_at))
        ),
    )?;
    if let Some(text) = phrase::service(snapshot.service) {
        line(out, &format!("problem: {text}"))?;
    }
    if let Some(problem) = &daemon.store_problem {
        line(
            out,
            &format!("problem: database cannot be used: {}", readable(problem)),
        )?;
    }
    for problem in &snapshot.problems {
        line(out, &format!("problem: {}", readable(problem)))?;
    }
    if snapshot.readers.is_empty() {
        line(out, "no reader is plugged in")?;
    }
    for reader in &snapshot.readers {
        line(out, &reader_line(reader))?;
        if let Some(card) = &reader.card {
            card_lines(out, snapshot, card, now, zone)?;
        }
    }
    known_lines(out, snapshot, now, zone)?;
    if !snapshot.may_act {
        line(
            out,
            "cards are not shown to you: ask your administrator to add you to the group cacd-admin, or run with sudo",
        )?;
    } else if snapshot.portals.is_empty() {
        line(out, "no portal is configured: see /etc/cacd/portals.d")?;
    }
    Ok(())
}

/// The portal, the status, and what to do next.
pub fn registration(
    snapshot: &Snapshot,
    registration: &Registration,
    now: UtcSeconds,
    zone: &TimeZone,
) -> String {
    let portal = portal_title(snapshot, &registration.portal);
    let status = phrase::status(&registration.status, now, zone);
    match registration.advice() {
        Some(advice) => format!("{portal}: {status}. {}", readable(&advice)),
        None => format!("{portal}: {status}"),
    }
}

pub fn portal_title(snapshot: &Snapshot, name: &str) -> String {
    let portal = snapshot.portals.iter().find(|portal| portal.name == name);
    readable(portal.map_or(name, |portal| &portal.title))
}

fn reader_line(reader: &Reader) -> String {
    let content = match &reader.card {
        Some(card) => match &card.holder {
            Some(holder) => format!("card of {}", readable(&holder.name.to_string())),
            None => "card".into(),
        },
        None => phrase::reader(reader.status).into(),
    };
    format!("reader {}: {content}", readable(&reader.name.0))
}

fn card_lines(
    out: &mut impl Write,
    snapshot: &Snapshot,
    card: &Card,
    now: UtcSeconds,
    zone: &TimeZone,
) -> Result<(), Failure> {
    line(out, &format!("  {}", card_line(card)))?;
    for finding in phrase::by_weight(&card.findings) {
        let (_, weight) = phrase::weight(finding.weight);
        let found = readable(&masked(&finding.to_string()));
        line(out, &format!("  {weight}: {found}"))?;
    }
    for certificate in &card.certificates {
        let login = card.login.as_ref();
        let signs_in = login.is_some_and(|login| login.slot == certificate.slot);
        line(
            out,
            &format!(
                "  certificate {}: {}, {}, {}{}",
                phrase::certificate::place(certificate),
                readable(&certificate.issuer),
                readable(&certificate.key),
                phrase::certificate::standing(certificate, now).1,
                if signs_in { ", signs in" } else { "" }
            ),
        )?;
    }
    for one in &card.registrations {
        let text = registration(snapshot, one, now, zone);
        line(out, &format!("  portal {text}"))?;
    }
    if let Some(wizard) = &card.wizard {
        let portal = portal_title(snapshot, &wizard.portal);
        let text = format!("by hand at {portal}: {}", phrase::wizard(wizard));
        line(out, &format!("  {text}"))?;
    }
    Ok(())
}

fn card_line(card: &Card) -> String {
    let mut parts = vec![readable(&card.kind)];
    if let Some(dod_id) = card.dod_id {
        parts.push(format!("DoD ID ...{}", dod_id.tail()));
    }
    let category = card.holder.as_ref().and_then(|it| it.category.as_deref());
    parts.extend(category.map(readable));
    parts.extend(
        card.expires
            .as_deref()
            .map(|expires| format!("expires {}", readable(expires))),
    );
    parts.extend(
        card.user
            .as_deref()
            .map(|user| format!("user {}", readable(user))),
    );
    parts.push(format!("PIN: {}", phrase::pin(&card.pin)));
    match &card.stage {
        Stage::Read => {}
        Stage::Reading { done, of, .. } => parts.push(format!("reading, {done} of {of}")),
        Stage::Held => parts.push(format!("cannot be read: {}", phrase::HELD)),
        Stage::Failed { cause } => parts.push(format!("cannot be read: {}", readable(cause))),
    }
    let id = card
        .id
        .as_ref()
        .map_or_else(|| "(not known)".into(), |id| readable(&id.0));
    format!("card {id}: {}", parts.join(", "))
}

fn known_lines(
    out: &mut impl Write,
    snapshot: &Snapshot,
    now: UtcSeconds,
    zone: &TimeZone,
) -> Result<(), Failure> {
    for known in &snapshot.known {
        let is_in_a_reader = snapshot.readers.iter().any(|reader| {
            let card = reader.card.as_ref();
            card.is_some_and(|card| card.id.as_ref() == Some(&known.card))
        });
        if is_in_a_reader {
            continue;
        }
        line(
            out,
            &format!(
                "seen before: {}, card {}, last {}",
                readable(&known.name),
                readable(&known.card.0),
                phrase::ago(now, known.last_seen)
            ),
        )?;
        for one in &known.registrations {
            let portal = portal_title(snapshot, &one.portal);
            let status = phrase::status(&one.status, now, zone);
            line(out, &format!("  portal {portal}: {status}"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn the_status_of_a_desk_is_told_line_by_line() {
        let mut out = Vec::new();

        status(&mut out, &invented::desk(), invented::NOW, &TimeZone::UTC).unwrap();

        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn whose_card_it_is_stands_beside_it() {
        let mut desk = invented::desk();
        let mut cards = desk.readers.iter_mut().filter_map(|it| it.card.as_mut());
        cards.next().unwrap().user = Some("jane\n".into());
        let mut out = Vec::new();

        status(&mut out, &desk, invented::NOW, &TimeZone::UTC).unwrap();

        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(", user jane"), "{text}");
    }

    #[test]
    fn the_whole_dod_id_stands_in_no_line() {
        let mut out = Vec::new();

        status(&mut out, &invented::desk(), invented::NOW, &TimeZone::UTC).unwrap();

        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains("1234567890"), "{text}");
    }
}
