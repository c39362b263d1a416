//! `cacctl pin`: how the PIN of a card stands, and another in its place.

mod change;
mod status;

use std::path::Path;

use cac_common::client::{Client, ClientError, Monitor};
use cac_common::snapshot::{Card, Reader, Snapshot, Visit};

use super::ends::Ends;
use super::register::{NEWS, find, is_read, next};
use crate::cli;
use crate::failure::{Exit, Failure};
use crate::sheet::Sheet;

pub async fn run(socket: &Path, wanted: cli::Pin, sheet: Sheet) -> Result<Exit, Failure> {
    match wanted {
        cli::Pin::Change(wanted) => change::run(socket, &wanted, sheet).await,
        cli::Pin::Status(wanted) => status::run(socket, &wanted, sheet).await,
    }
}

/// One card that was read to its end, and the visit that it is followed through.
struct Followed {
    monitor: Monitor,
    snapshot: Snapshot,
    visit: Visit,
    ends: Ends,
}

impl Followed {
    /// The card that was named, else the only one.
    async fn start(socket: &Path, card: Option<&str>) -> Result<Self, Failure> {
        let mut ends = Ends::listen().map_err(Failure::Terminal)?;
        let mut monitor = Client::connect(socket).await?.monitor().await?;
        let snapshot = next(&mut monitor, &mut ends, NEWS)
            .await?
            .ok_or(ClientError::Silent)?;
        let visit = find(&snapshot, card)?.visit;
        let mut followed = Self {
            monitor,
            snapshot,
            visit,
            ends,
        };
        while !is_read(followed.place()?.1)? {
            let news = next(&mut followed.monitor, &mut followed.ends, NEWS).await?;
            followed.snapshot = news.ok_or(Failure::NoNews {
                seconds: NEWS.as_secs(),
            })?;
        }
        Ok(followed)
    }

    fn place(&self) -> Result<(&Reader, &Card), Failure> {
        let mut readers = self.snapshot.readers.iter();
        readers
            .find_map(|reader| {
                let card = reader.card.as_ref()?;
                (card.visit == self.visit).then_some((reader, card))
            })
            .ok_or(Failure::CardGone)
    }
}
