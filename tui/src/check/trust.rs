//! The authorities that vouch for cards.

use std::path::PathBuf;

use cac_common::certificate::ChainStatus;
use cac_common::snapshot::Snapshot;

use super::look::Place;
use super::outcome::{Told, outcomes};
use super::{By, Check, Found};
use crate::clock;
use crate::trust::{Held, HeldFile};

pub(super) const CHECKS: &[Check] = &[Check {
    name: "authorities",
    title: "authorities are up to date",
    meaning: "The files of authorities in cacd's folder trust can be read and are not old, and the \
         issuer of each card in a reader is among them. Without them cards are served all the same, \
         and nobody says whether they are genuine.",
    after: &[],
    by: By::Machine(authorities),
    outcomes: authorities::ALL,
}];

outcomes! {
    authorities {
        UNREAD: Outcome::unknown("{folder} cannot be read: {why}");
        NONE: Outcome::not_applicable("no authorities lie on this machine").by(
            "Cards are served without. To have them judged, import the DoD's: docs/trust.md says \
             where they are.",
            "sudo cacctl trust import FILE",
        );
        MISSED: Outcome::warning("{issuer}, who issued a card, is in none of the files").by(
            "The card may be newer than they are: fetch the DoD's bundle again, and import it.",
            "sudo cacctl trust import FILE",
        );
        SOUND: Outcome::fine("nothing is odd about it");
        ODD: Outcome::warning("{what is odd}").by(
            "cacctl trust list says more. A newer bundle is put in place with cacctl trust import.",
            "cacctl trust list",
        );
    }
}

/// The system's, below the root; a user's own, below their configuration.
const OF_THE_SYSTEM: &str = "etc/cacd/trust";
const OF_THE_USER: &str = "cacd/trust";

fn authorities(place: &Place) -> Vec<Found> {
    let folders = folders(place);
    let mut held = Held::default();
    for folder in &folders {
        match Held::read(folder) {
            Ok(more) => held.files.extend(more.files),
            Err(error) => {
                let told: &Told<'_> = &[("folder", &folder.display()), ("why", &error)];
                return vec![authorities::UNREAD.told(told)];
            }
        }
    }
    if held.files.is_empty() {
        return vec![authorities::NONE.found()];
    }
    let picture = place.picture.as_deref();
    let missed = picture.and_then(|picture| missed(picture, &held));
    if let Some(issuer) = missed {
        return vec![authorities::MISSED.told(&[("issuer", &issuer)])];
    }
    held.files.iter().map(of_file).collect()
}

fn folders(place: &Place) -> Vec<PathBuf> {
    let own = place.configuration.iter().map(|it| it.join(OF_THE_USER));
    std::iter::once(place.root.join(OF_THE_SYSTEM))
        .chain(own)
        .collect()
}

/// Who issued a card that is not trusted, and is in no file.
fn missed(picture: &Snapshot, held: &Held) -> Option<String> {
    let cards = picture.readers.iter().filter_map(|it| it.card.as_ref());
    let mut certificates = cards.flat_map(|card| &card.certificates);
    let is_missed = certificates.find(|one| {
        matches!(one.chain, ChainStatus::NotTrusted { .. }) && !held.names(&one.issuer)
    });
    is_missed.map(|one| cac_common::identity::readable(&one.issuer))
}

fn of_file(file: &HeldFile) -> Found {
    let warnings = file.warnings(clock::now());
    let found = match warnings.first() {
        None => authorities::SOUND.found(),
        Some(first) => authorities::ODD.told(&[("what is odd", &first.trim_end_matches('.'))]),
    };
    found.about(&file.name, format!("authorities in {}", file.name))
}

#[cfg(test)]
pub(super) mod tests;
