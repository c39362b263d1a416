//! `cacctl status`: what is in the readers, and where each card stands.

use std::io;
use std::path::Path;

use cac_common::client::Client;
use cac_common::reader::ServiceStatus;
use cac_common::snapshot::Snapshot;
use jiff::tz::TimeZone;

use crate::cli::Status;
use crate::failure::{Exit, Failure};
use crate::phrase::{self, Tone};
use crate::{clock, print};

pub async fn run(socket: &Path, wanted: &Status) -> Result<Exit, Failure> {
    let snapshot = Client::connect(socket).await?.snapshot().await?;
    let mut out = io::stdout().lock();
    if wanted.json {
        print::json(&mut out, &snapshot)?;
    } else {
        print::status(&mut out, &snapshot, clock::now(), &TimeZone::system())?;
        print::suspects(&mut out, &snapshot)?;
    }
    Ok(exit(&snapshot))
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
