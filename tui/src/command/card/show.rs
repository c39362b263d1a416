//! `cacctl card show`: all that is known of a card.

use std::io;
use std::path::Path;

use cac_common::client::Client;
use cac_common::snapshot::Stage;
use jiff::tz::TimeZone;

use crate::cli::CardShow;
use crate::failure::{Exit, Failure};
use crate::print::card::{Manner, Numbers};
use crate::{clock, print};

pub(super) async fn run(socket: &Path, wanted: &CardShow) -> Result<Exit, Failure> {
    let snapshot = Client::connect(socket).await?.snapshot().await?;
    let (reader, card) = super::find(&snapshot, wanted.reader.as_deref())?;
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, card)?;
    } else {
        let manner = Manner {
            numbers: if wanted.reveal {
                Numbers::Whole
            } else {
                Numbers::Masked
            },
            now: clock::now(),
            zone: TimeZone::system(),
        };
        print::card::card(&mut out, reader, card, &manner)?;
        print::suspects(&mut out, &snapshot)?;
    }
    Ok(match card.stage {
        Stage::Failed { .. } | Stage::Held => Exit::Failed,
        Stage::Reading { .. } | Stage::Read => Exit::Fine,
    })
}
