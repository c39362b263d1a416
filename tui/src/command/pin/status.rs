//! `cacctl pin status`.

use std::io;
use std::path::Path;

use cac_common::snapshot::PinStatus;

use super::Followed;
use crate::cli;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::sheet::Sheet;

pub(super) async fn run(
    socket: &Path,
    wanted: &cli::PinStatus,
    sheet: Sheet,
) -> Result<Exit, Failure> {
    let followed = Followed::start(socket, wanted.card.as_deref()).await?;
    let (reader, card) = followed.place()?;
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &print::pin::Standing::of(reader, card))?;
    } else {
        print::pin::standing(&mut out, reader, card, sheet)?;
    }
    Ok(match card.pin {
        PinStatus::Blocked => Exit::Refused,
        PinStatus::Unknown | PinStatus::Ready { .. } | PinStatus::OtherProgram => Exit::Fine,
    })
}
