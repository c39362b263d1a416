//! `cacctl card show`: all that is known of a card, and what is printed on it.

use std::io;
use std::path::Path;

use cac_common::client::Client;
use cac_common::interface::{Printed, SubmitPin};
use cac_common::snapshot::{Card, PinStatus, Reader, Stage};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::app::may_be_the_last_try;
use crate::cli::{CardShow, ForPin};
use crate::command::ask_pin::{self, Question};
use crate::command::ends::Ends;
use crate::failure::{Exit, Failure};
use crate::patience::{self, Awaited};
use crate::print::card::{Manner, Numbers};
use crate::sheet::Sheet;
use crate::{clock, print};

/// A card, with what it shows for its PIN.
#[derive(Serialize)]
struct WithPrinted<'a> {
    #[serde(flatten)]
    card: &'a Card,
    /// Null if nothing is printed on it.
    printed: Option<Printed>,
}

pub(super) async fn run(socket: &Path, wanted: &CardShow, sheet: Sheet) -> Result<Exit, Failure> {
    let mut snapshot = Client::connect(socket).await?.snapshot().await?;
    let mut printed = None;
    if wanted.for_pin.printed {
        let (reader, card) = super::find(&snapshot, wanted.reader.as_deref())?;
        printed = Some(read_printed(socket, &wanted.for_pin, reader, card).await?);
        // The PIN changes what there is to be told.
        snapshot = Client::connect(socket).await?.snapshot().await?;
    }
    let (reader, card) = super::find(&snapshot, wanted.reader.as_deref())?;
    let mut out = io::stdout().lock();
    if wanted.json {
        match printed {
            Some(printed) => print::json(&mut out, &WithPrinted { card, printed })?,
            None => print::json(&mut out, card)?,
        }
    } else {
        let manner = Manner {
            numbers: if wanted.reveal {
                Numbers::Whole
            } else {
                Numbers::Masked
            },
            now: clock::now(),
            zone: TimeZone::system(),
            sheet,
        };
        print::card::card(&mut out, reader, card, &manner)?;
        if let Some(printed) = printed {
            print::card::printed(&mut out, printed.as_ref(), &manner)?;
        }
        print::suspects(&mut out, &snapshot)?;
    }
    Ok(match card.stage {
        Stage::Failed { .. } | Stage::Held => Exit::Failed,
        Stage::Reading { .. } | Stage::Read => Exit::Fine,
    })
}

/// Asks for the PIN, and the card for what it shows to whoever has it.
async fn read_printed(
    socket: &Path,
    wanted: &ForPin,
    reader: &Reader,
    card: &Card,
) -> Result<Option<Printed>, Failure> {
    if card.pin == PinStatus::Blocked {
        return Err(Failure::PinBlocked);
    }
    if let Stage::Failed { cause } = &card.stage {
        return Err(Failure::CardUnreadable {
            cause: cac_common::identity::readable(cause),
        });
    }
    let id = card.id.clone().ok_or(Failure::CardUnreadable {
        cause: "it says nothing by which it could be recognised".into(),
    })?;
    if may_be_the_last_try(&card.pin) && !wanted.even_the_last_try {
        return Err(Failure::last_try_of(card));
    }
    let request = SubmitPin {
        card: id,
        visit: card.visit,
        even_the_last_try: wanted.even_the_last_try,
    };
    let mut ends = Ends::listen().map_err(Failure::Terminal)?;
    let question = Question::of(reader, card);
    let (digits, length) = tokio::select! {
        pin = ask_pin::ask(&question, &wanted.prompt) => pin?,
        // The terminal is given back as it was.
        () = ends.any() => return Err(Failure::Interrupted),
    };
    let mut client = Client::connect(socket).await?;
    let answer = client.read_printed(request, digits, length);
    Ok(patience::of(Awaited::Card, answer).await?)
}
