//! Text and JSON for standard output.

pub mod card;
pub mod check;
pub mod eligibility;
pub mod pin;
pub mod portal;
pub mod report;
pub mod status;
pub(crate) mod table;
pub mod trust;
pub mod wizard;

use std::io::{self, Write};

use cac_common::identity::readable;
use cac_common::snapshot::{HistoryEntry, Registration, Snapshot, Stage};
use cac_common::time::UtcSeconds;
use jiff::tz::TimeZone;
use serde::Serialize;

use self::table::hanging;
use crate::failure::Failure;
use crate::sheet::Sheet;
use crate::{ascii, happening, holders, phrase};

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

pub fn entry(
    out: &mut impl Write,
    entry: &HistoryEntry,
    snapshot: Option<&Snapshot>,
    (sheet, zone): (Sheet, &TimeZone),
) -> Result<(), Failure> {
    let head = format!("{:>6}  {}  ", entry.id, phrase::moment(entry.at, zone));
    hanging(
        out,
        sheet,
        &head,
        &readable(&happening::told(entry, snapshot)),
    )
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
