//! `cacctl history`: what happened, newest first.

use std::io;
use std::path::Path;

use cac_common::client::Client;
use cac_common::interface::{GetHistory, LONGEST_HISTORY_PAGE};
use jiff::tz::TimeZone;

use crate::cli::History;
use crate::failure::{Exit, Failure};
use crate::print;

pub async fn run(socket: &Path, wanted: &History) -> Result<Exit, Failure> {
    let zone = TimeZone::system();
    let mut client = Client::connect(socket).await?;
    let mut before = wanted.before;
    let mut left = wanted.limit;
    while left > 0 {
        let page = client
            .history(&GetHistory {
                before,
                limit: left.min(LONGEST_HISTORY_PAGE),
            })
            .await?;
        let Some(last) = page.last() else {
            break;
        };
        // A daemon that gives the same page again would keep us here for ever.
        if before.is_some_and(|before| last.id >= before) {
            break;
        }
        before = Some(last.id);
        let mut out = io::stdout().lock();
        for entry in page
            .iter()
            .take(usize::try_from(left).unwrap_or(usize::MAX))
        {
            if wanted.json {
                print::json(&mut out, entry)?;
            } else {
                print::entry(&mut out, entry, &zone)?;
            }
        }
        left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
    }
    Ok(Exit::Fine)
}
