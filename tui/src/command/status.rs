//! `cacctl status`: what is in the readers, and where each card stands.

mod wait;

use std::io;
use std::path::Path;

use cac_common::client::Client;
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;
use jiff::tz::TimeZone;

use self::wait::{Absence, End, Wanted};
use crate::cli::{Bounds, Status, WaitFor};
use crate::failure::{Exit, Failure};
use crate::phrase::{self, Tone};
use crate::sheet::Sheet;
use crate::{clock, print};

pub async fn run(
    socket: &Path,
    wanted: &Status,
    bounds: Bounds,
    sheet: Sheet,
) -> Result<Exit, Failure> {
    if let Some(what) = wanted.wait_for {
        return wait_for(socket, what, wanted, bounds, sheet).await;
    }
    let snapshot = Client::connect(socket).await?.snapshot().await?;
    tell(&snapshot, wanted.json, sheet)?;
    Ok(exit(&snapshot))
}

async fn wait_for(
    socket: &Path,
    what: WaitFor,
    wanted: &Status,
    bounds: Bounds,
    sheet: Sheet,
) -> Result<Exit, Failure> {
    let of_what = Wanted {
        what,
        portal: wanted.portal.as_deref(),
        card: wanted.card.as_deref(),
    };
    let absence = match bounds.timeout {
        Some(_) => Absence::Borne,
        None => Absence::Told,
    };
    let (snapshot, end) = wait::wait(socket.to_owned(), of_what, absence, sheet.quiet).await?;
    // To wait was asked for; how things stand is told besides.
    if wanted.json || !sheet.quiet {
        tell(&snapshot, wanted.json, sheet)?;
    }
    match end {
        End::Holds => Ok(Exit::Fine),
        End::Never(failure) => Err(failure),
    }
}

fn tell(snapshot: &Snapshot, json: bool, sheet: Sheet) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if json {
        return print::json(&mut out, snapshot);
    }
    print::status::status(&mut out, snapshot, sheet, clock::now(), &TimeZone::system())?;
    print::suspects(&mut out, snapshot)
}

/// The worst that stands in the snapshot.
fn exit(snapshot: &Snapshot) -> Exit {
    let service_works = matches!(
        snapshot.service,
        ServiceStatus::Running | ServiceStatus::Starting
    );
    if !service_works || snapshot.daemon.store_problem.is_some() {
        return Exit::Failed;
    }
    let cards = snapshot
        .readers
        .iter()
        .filter_map(|reader| reader.card.as_ref());
    let needs_person = cards
        .flat_map(|card| &card.registrations)
        .any(|registration| matches!(phrase::tone(&registration.status), Tone::Wanted | Tone::Bad));
    if needs_person {
        Exit::NeedsPerson
    } else {
        Exit::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn a_card_that_needs_its_pin_needs_a_person() {
        assert_eq!(exit(&invented::desk()), Exit::NeedsPerson);
    }

    #[test]
    fn an_empty_desk_is_fine() {
        assert_eq!(exit(&invented::nothing_plugged_in()), Exit::Fine);
    }

    #[test]
    fn without_the_smart_card_service_nothing_is_fine() {
        let snapshot = Snapshot {
            service: ServiceStatus::Away,
            ..invented::desk()
        };

        assert_eq!(exit(&snapshot), Exit::Failed);
    }
}
