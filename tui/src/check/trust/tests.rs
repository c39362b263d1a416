//! What each of them comes to.

use std::fs;

use super::*;
use crate::check::Outcome;
use crate::check::tests::{Case, case, single};
use crate::invented;

const ROOT: &[u8] = include_bytes!("../../../../tests/data/openssl/root.der");
const DOD: &[u8] = include_bytes!("../../../../tests/data/dod/dod-ca-certs-2019.der.p7b");

pub(in crate::check) fn cases() -> Vec<Case> {
    let folder = tempfile::tempdir().unwrap();
    let mut place = Place::below(folder.path());
    let anchors = folder.path().join("etc/cacd/trust/anchors");
    let mut cases = vec![single(
        "authorities",
        authorities::NONE,
        authorities(&place),
    )];
    // Each file has a line, in the order of their names.
    let mut each = |place: &Place, expected: &[Outcome]| {
        let found = authorities(place);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        let lines = expected.iter().zip(found);
        cases.extend(lines.map(|(expected, found)| case("authorities", *expected, found)));
    };
    fs::create_dir_all(&anchors).unwrap();
    fs::write(anchors.join("a.der"), ROOT).unwrap();
    each(&place, &[authorities::SOUND]);
    fs::write(anchors.join("b.p7b"), DOD).unwrap();
    each(&place, &[authorities::SOUND, authorities::ODD]);
    fs::write(anchors.join("b.p7b"), "nothing").unwrap();
    each(&place, &[authorities::SOUND, authorities::ODD]);

    let own = folder.path().join("elsewhere");
    fs::create_dir_all(own.join("cacd/trust/anchors")).unwrap();
    fs::write(own.join("cacd/trust/anchors/c.der"), ROOT).unwrap();
    let with_own = Place {
        configuration: Some(own),
        ..place.clone()
    };
    each(
        &with_own,
        &[authorities::SOUND, authorities::ODD, authorities::SOUND],
    );

    let mut picture = invented::checked();
    let card = picture.readers[2].card.as_mut().unwrap();
    card.certificates[0].chain = ChainStatus::NotTrusted {
        reason: "its issuer is not there".into(),
    };
    place.picture = Some(std::sync::Arc::new(picture));
    each(&place, &[authorities::MISSED]);

    fs::remove_dir_all(&anchors).unwrap();
    fs::write(&anchors, "a file").unwrap();
    each(&place, &[authorities::UNREAD]);
    cases
}
