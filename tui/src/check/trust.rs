//! The authorities that vouch for cards.

use std::path::PathBuf;

use cac_common::certificate::ChainStatus;
use cac_common::snapshot::Snapshot;

use super::look::Place;
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
}];

/// The system's, and a user's own.
const FOLDERS: [&str; 2] = ["etc/cacd/trust", ".config/cacd/trust"];

fn authorities(place: &Place) -> Vec<Found> {
    let folders = folders(place);
    let mut held = Held::default();
    for folder in &folders {
        match Held::read(folder) {
            Ok(more) => held.files.extend(more.files),
            Err(error) => {
                let told = format!("{} cannot be read: {error}", folder.display());
                return vec![Found::unknown(told)];
            }
        }
    }
    if held.files.is_empty() {
        return vec![Found::not_applicable("no authorities lie on this machine").by(
            "Cards are served without. To have them judged, import the DoD's: docs/trust.md says \
             where they are.",
            "sudo cacctl trust import FILE",
        )];
    }
    let picture = place.picture.as_deref();
    let missed = picture.and_then(|picture| missed(picture, &held));
    if let Some(issuer) = missed {
        return vec![
            Found::warning(format!(
                "{issuer}, who issued a card, is in none of the files"
            ))
            .by(
                "The card may be newer than they are: fetch the DoD's bundle again, and import it.",
                "sudo cacctl trust import FILE",
            ),
        ];
    }
    held.files.iter().map(of_file).collect()
}

fn folders(place: &Place) -> Vec<PathBuf> {
    let [system, own] = FOLDERS;
    let own = place.home.iter().map(|home| home.join(own));
    std::iter::once(place.root.join(system))
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
        None => Found::fine("nothing is odd about it"),
        Some(first) => Found::warning(first.trim_end_matches('.').to_owned()).by(
            "cacctl trust list says more. A newer bundle is put in place with cacctl trust import.",
            "cacctl trust list",
        ),
    };
    found.about(&file.name, format!("authorities in {}", file.name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::check::Verdict;
    use crate::invented;

    const ROOT: &[u8] = include_bytes!("../../../tests/data/openssl/root.der");
    const DOD: &[u8] = include_bytes!("../../../tests/data/dod/dod-ca-certs-2019.der.p7b");

    #[test]
    fn it_is_fine_old_unreadable_missing_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut place = Place::below(folder.path());
        let anchors = folder.path().join("etc/cacd/trust/anchors");
        let verdicts = |place: &Place| -> Vec<Verdict> {
            let found = authorities(place);
            found.iter().map(Found::verdict).collect()
        };
        assert_eq!(verdicts(&place), [Verdict::NotApplicable]);

        fs::create_dir_all(&anchors).unwrap();
        fs::write(anchors.join("a.der"), ROOT).unwrap();
        assert_eq!(verdicts(&place), [Verdict::Fine]);

        fs::write(anchors.join("b.p7b"), DOD).unwrap();
        assert_eq!(verdicts(&place), [Verdict::Fine, Verdict::Warning]);

        fs::write(anchors.join("b.p7b"), "nothing").unwrap();
        assert_eq!(verdicts(&place), [Verdict::Fine, Verdict::Warning]);

        let mut picture = invented::checked();
        let card = picture.readers[2].card.as_mut().unwrap();
        card.certificates[0].chain = ChainStatus::NotTrusted {
            reason: "its issuer is not there".into(),
        };
        place.picture = Some(std::sync::Arc::new(picture));
        let found = authorities(&place);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].verdict(), Verdict::Warning);

        fs::remove_dir_all(&anchors).unwrap();
        fs::write(&anchors, "a file").unwrap();
        assert_eq!(verdicts(&place), [Verdict::Unknown]);
    }
}
