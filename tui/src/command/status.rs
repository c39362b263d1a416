//! `cacctl status`: what is in the readers, and where each card stands.

mod only;
mod wait;

use std::io;
use std::path::Path;

use cac_common::client::Client;
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;
use jiff::tz::TimeZone;

use self::only::Only;
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
    only(wanted).check(&snapshot)?;
    let snapshot = only(wanted).of(snapshot);
    tell(&snapshot, wanted, sheet)?;
    Ok(exit(&snapshot))
}

fn only(wanted: &Status) -> Only<'_> {
    Only {
        card: wanted.card.as_deref(),
        portal: wanted.portal.as_deref(),
    }
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
        tell(&only(wanted).of(*snapshot), wanted, sheet)?;
    }
    match end {
        End::Holds => Ok(Exit::Fine),
        End::Never(failure) => Err(failure),
    }
}

fn tell(snapshot: &Snapshot, wanted: &Status, sheet: Sheet) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if wanted.json {
        return print::json(&mut out, snapshot);
    }
    let now = (clock::now(), &TimeZone::system());
    print::status::status(&mut out, snapshot, wanted.card.is_some(), sheet, now)?;
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
