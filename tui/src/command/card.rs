//! `cacctl card`: the card in one reader.

mod export;
mod show;

use std::path::Path;

use cac_common::identity::readable;
use cac_common::reader::{ReaderStatus, ServiceStatus};
use cac_common::snapshot::{Card, Reader, Snapshot};

use super::which;
use crate::cli;
use crate::failure::{Exit, Failure};
use crate::sheet::Sheet;

pub async fn run(socket: &Path, wanted: cli::Card, sheet: Sheet) -> Result<Exit, Failure> {
    match wanted {
        cli::Card::Show(wanted) => show::run(socket, &wanted, sheet).await,
        cli::Card::Export(wanted) => export::run(socket, &wanted).await,
    }
}

/// The card in the reader that was named, else the only card.
fn find<'a>(snapshot: &'a Snapshot, name: Option<&str>) -> Result<(&'a Reader, &'a Card), Failure> {
    if snapshot.readers.is_empty() {
        return Err(match snapshot.service {
            ServiceStatus::Running => Failure::NoReader,
            service @ (ServiceStatus::Starting
            | ServiceStatus::Away
            | ServiceStatus::NotAllowed) => Failure::NoService(service),
        });
    }
    let reader = match name {
        Some(name) => named(snapshot, name)?,
        None => only(snapshot)?,
    };
    let name = || readable(&reader.name.0);
    match (&reader.card, reader.status) {
        (Some(card), _) => Ok((reader, card)),
        (None, ReaderStatus::Card) => Err(Failure::CardHidden {
            reader: name(),
            why: reader.hidden,
        }),
        (None, ReaderStatus::NoAnswer) => Err(Failure::NoAnswer { reader: name() }),
        (None, ReaderStatus::Empty) => Err(Failure::ReaderEmpty { reader: name() }),
    }
}

/// By its whole name, else by a part of it, capitals or not.
fn named<'a>(snapshot: &'a Snapshot, name: &str) -> Result<&'a Reader, Failure> {
    let readers = &snapshot.readers;
    if let Some(reader) = readers.iter().find(|reader| reader.name.0 == name) {
        return Ok(reader);
    }
    let part = name.to_lowercase();
    let like: Vec<&Reader> = readers
        .iter()
        .filter(|reader| reader.name.0.to_lowercase().contains(&part))
        .collect();
    one_of(&like).unwrap_or_else(|| {
        Err(Failure::NoSuchReader {
            name: readable(name),
            there: which::names(readers.iter().map(|reader| &reader.name.0)),
        })
    })
}

/// The one with a card; where there is none, the one whose card does not answer.
fn only(snapshot: &Snapshot) -> Result<&Reader, Failure> {
    let with = |status| -> Vec<&Reader> {
        let readers = snapshot.readers.iter();
        readers.filter(|reader| reader.status == status).collect()
    };
    one_of(&with(ReaderStatus::Card))
        .or_else(|| one_of(&with(ReaderStatus::NoAnswer)))
        .unwrap_or(Err(Failure::NoCard))
}

/// None of none.
fn one_of<'a>(readers: &[&'a Reader]) -> Option<Result<&'a Reader, Failure>> {
    match readers {
        [] => None,
        [only] => Some(Ok(*only)),
        several => Some(Err(Failure::SeveralReaders {
            names: several
                .iter()
                .map(|reader| readable(&reader.name.0))
                .collect(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    fn found(snapshot: &Snapshot, name: Option<&str>) -> Result<String, String> {
        find(snapshot, name)
            .map(|(reader, _)| reader.name.0.clone())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_reader_is_named_by_its_name_or_a_part_of_it() {
        let desk = invented::desk();

        for name in [
            None,
            Some("SCR3310 [CCID] 00 00"),
            Some("scr"),
            Some("00 00"),
        ] {
            assert_eq!(found(&desk, name), Ok("SCR3310 [CCID] 00 00".into()));
        }
    }

    #[test]
    fn where_no_card_is_meant_it_is_said_why() {
        let desk = invented::desk();
        let mut two_cards = invented::desk();
        two_cards.readers[1] = Reader {
            name: two_cards.readers[1].name.clone(),
            ..two_cards.readers[2].clone()
        };
        let mut no_answer = invented::desk();
        no_answer.readers.remove(2);
        let mut empty = no_answer.clone();
        empty.readers.remove(0);
        let no_service = Snapshot {
            service: ServiceStatus::Away,
            ..invented::nothing_plugged_in()
        };
        for (snapshot, name, told) in [
            (&desk, Some("broadcom"), "no card is in Broadcom 5880 02 00"),
            (
                &desk,
                Some("ACS"),
                "no reader has the name \"ACS\"; there are Alcor AU9540 01 00, Broadcom 5880 02 00 and SCR3310 [CCID] 00 00",
            ),
            (
                &desk,
                Some(" 00"),
                "several readers could be meant: Alcor AU9540 01 00, Broadcom 5880 02 00, SCR3310 [CCID] 00 00",
            ),
            (
                &two_cards,
                None,
                "several readers could be meant: Broadcom 5880 02 00, SCR3310 [CCID] 00 00",
            ),
            (
                &no_answer,
                None,
                "the card in Alcor AU9540 01 00 does not answer",
            ),
            (&empty, None, "no card is in a reader"),
            (
                &desk.for_a_stranger(),
                None,
                "the service does not show you the card in SCR3310 [CCID] 00 00",
            ),
            (
                &invented::nothing_plugged_in(),
                Some("scr"),
                "no reader is plugged in",
            ),
            (&no_service, None, "the smart card service cannot be used"),
        ] {
            assert_eq!(found(snapshot, name), Err(told.to_owned()));
        }
    }
}
