//! `cacctl watch`: what changes, one line each, until interrupted.

use std::io::{self, Write};
use std::path::PathBuf;

use cac_common::error_chain::Chain;
use cac_common::snapshot::Snapshot;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use crate::changes::changes;
use crate::cli::Watch;
use crate::failure::{Exit, Failure};
use crate::feed::{self, News};
use crate::patience::{Awaited, waits_for};
use crate::print::table::hanging;
use crate::sheet::Sheet;
use crate::{clock, phrase, print};

pub async fn run(socket: PathBuf, wanted: &Watch, sheet: Sheet) -> Result<Exit, Failure> {
    let zone = TimeZone::system();
    let (tell, mut news) = mpsc::channel(4);
    tokio::spawn(feed::follow(socket, tell));
    let mut shown: Option<Snapshot> = None;
    while let Some(news) = news.recv().await {
        match news {
            News::Snapshot(snapshot) => {
                waits_for(Awaited::Changes);
                show(shown.as_ref(), &snapshot, wanted, sheet, &zone)?;
                shown = Some(*snapshot);
            }
            News::Away(error) if shown.is_none() => return Err(error.into()),
            News::Away(_) if sheet.quiet => {}
            News::Away(error) => {
                // Standard error may be closed; what is watched is standard output.
                let _ = writeln!(
                    io::stderr(),
                    "cacctl: {}; trying again by itself",
                    Chain(&error)
                );
            }
        }
    }
    Ok(Exit::Fine)
}

fn show(
    before: Option<&Snapshot>,
    snapshot: &Snapshot,
    wanted: &Watch,
    sheet: Sheet,
    zone: &TimeZone,
) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if wanted.json {
        if before != Some(snapshot) {
            print::json(&mut out, snapshot)?;
        }
        return Ok(());
    }
    let now = clock::now();
    for line in changes(before, snapshot, now, zone) {
        let stamp = phrase::stamp(now, now, zone);
        hanging(&mut out, sheet, &format!("{stamp}  "), &line)?;
    }
    Ok(())
}
