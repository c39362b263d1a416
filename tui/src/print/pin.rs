//! How the PIN of a card stands, and what to do about it.

use std::io::Write;

use cac_common::identity::{CardId, readable};
use cac_common::reader::ReaderName;
use cac_common::snapshot::{Card, PinReference, PinStatus, Reader};
use serde::Serialize;

use super::table::hanging;
use crate::failure::Failure;
use crate::phrase;
use crate::sheet::Sheet;

/// What `cacctl pin status --json` prints.
#[derive(Serialize)]
pub struct Standing<'a> {
    card: Option<&'a CardId>,
    reader: &'a ReaderName,
    pin: &'a PinStatus,
    pin_reference: Option<PinReference>,
    pin_kept: bool,
}

impl<'a> Standing<'a> {
    pub fn of(reader: &'a Reader, card: &'a Card) -> Self {
        Self {
            card: card.id.as_ref(),
            reader: &reader.name,
            pin: &card.pin,
            pin_reference: card.pin_reference,
            pin_kept: card.pin_kept,
        }
    }
}

/// The same in words, with what to do next.
pub fn standing(
    out: &mut impl Write,
    reader: &Reader,
    card: &Card,
    sheet: Sheet,
) -> Result<(), Failure> {
    let holder = card.holder.as_ref();
    let holder = holder.map(|holder| format!("{}, ", readable(&holder.name.to_string())));
    let place = format!(
        "{}{} in {}",
        holder.unwrap_or_default(),
        readable(&card.kind),
        readable(&reader.name.0)
    );
    for (name, value) in [
        ("card", place.as_str()),
        ("PIN", &phrase::pin(&card.pin)),
        ("which", which(card.pin_reference)),
        ("kept", if card.pin_kept { KEPT } else { NOT_KEPT }),
        ("next", next(&card.pin)),
    ] {
        if !value.is_empty() {
            hanging(out, sheet, &format!("{name:<7}"), value)?;
        }
    }
    Ok(())
}

const KEPT: &str = "yes, in locked memory; what is due is signed in to with it";
const NOT_KEPT: &str = "no";

fn which(reference: Option<PinReference>) -> &'static str {
    match reference {
        Some(PinReference::Application) => "that of the PIV application (key reference 80)",
        Some(PinReference::Global) => "that of the whole card (key reference 00)",
        None => "that of the CAC applets; the card has no PIV",
    }
}

/// What a person is to know, and to do; empty where that is nothing.
fn next(pin: &PinStatus) -> &'static str {
    match pin {
        PinStatus::Blocked => BLOCKED,
        PinStatus::Ready {
            tries_left: Some(0 | 1),
        } => {
            "A wrong PIN now blocks the card, and is not sent unless you insist. The right one gives every try back: type it only if you are sure of it, or have an ID card office (RAPIDS) set a new one first."
        }
        PinStatus::Ready { tries_left: None } => {
            "The card does not say how many tries are left, so each counts as the last."
        }
        PinStatus::OtherProgram => {
            "Another program is logged in to the card, which tells no tries meanwhile. Close it and put the card in again."
        }
        PinStatus::Unknown => "Take the card out and put it in again.",
        PinStatus::Ready {
            tries_left: Some(_),
        } => "",
    }
}

/// Where a blocked PIN is reset, and with what.
pub(crate) const BLOCKED: &str = "Go to an ID card office (RAPIDS) or a CAC PIN reset station: bring the card and two forms of identification, one of them with a photo. A fingerprint is compared there, and you choose a new PIN; card and certificates stay as they are. cacd cannot unblock it: that takes the PUK, which nobody but the issuer of a CAC has, and cacd never asks for one.";
