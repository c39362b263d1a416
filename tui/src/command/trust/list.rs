//! `cacctl trust list`.

use std::io;
use std::path::Path;

use cac_common::client::{Client, ClientError};
use cac_common::snapshot::Snapshot;
use jiff::tz::TimeZone;

use crate::cli::TrustList;
use crate::clock;
use crate::failure::{Exit, Failure};
use crate::print;
use crate::print::trust::{Listed, list};
use crate::sheet::Sheet;

pub(super) async fn run(socket: &Path, wanted: &TrustList, sheet: Sheet) -> Result<Exit, Failure> {
    let (folder, held) = super::held(&wanted.place, socket)?;
    // Files are told of without it too.
    let snapshot = snapshot(socket).await.ok();
    let listed = Listed::of(&folder, &held, snapshot.as_ref(), clock::now());
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &listed)?;
    } else {
        list(&mut out, &listed, sheet, &TimeZone::system())?;
    }
    Ok(if listed.is_all_well() {
        Exit::Fine
    } else {
        Exit::NeedsPerson
    })
}

async fn snapshot(socket: &Path) -> Result<Snapshot, ClientError> {
    Client::connect(socket).await?.snapshot().await
}
