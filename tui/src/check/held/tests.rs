//! What each of them comes to.

use std::sync::Arc;

use super::*;
use crate::check::tests::{Case, single};
use crate::invented;

fn process(place: &Place, id: u32, name: &str, maps: &str) {
    let folder = place.root.join(format!("proc/{id}"));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
    fs::write(folder.join("maps"), maps).unwrap();
}

fn with_a_card(place: &mut Place, stage: Stage) {
    let mut picture = invented::desk();
    picture.readers[2].card.as_mut().unwrap().stage = stage;
    place.picture = Some(Arc::new(picture));
}

#[test]
fn what_we_have_started_ourselves_is_nobody_else() {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    with_a_card(&mut place, Stage::Read);
    process(&place, 8, "pkcs11-tool", MAPS);
    let stat = place.root.join("proc/8/stat");
    let own = getpid().as_raw_nonzero();
    fs::write(&stat, format!("8 (pkcs11) (tool) S {own} 8 8 0")).unwrap();
    let child = card_held(&place);
    fs::write(&stat, "8 (pkcs11-tool) S 1 8 8 0").unwrap();

    assert_eq!(child, [card_held::NOBODY.found()]);
    assert_ne!(card_held(&place), child);
}

const MAPS: &str =
    "7f0 r-xp 0 08:01 1 /usr/lib/libc.so.6\n7f1 r-xp 0 08:01 2 /usr/lib/libpcsclite.so.1.0.0\n";

pub(in crate::check) fn cases() -> Vec<Case> {
    let mut cases = of_a_held_card();
    cases.extend(of_a_card_that_is_free());
    cases.extend(of_the_reader());
    cases
}

fn of_a_held_card() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    process(&place, 7, "bash", "7f0 r-xp 0 08:01 1 /usr/lib/libc.so.6\n");
    with_a_card(&mut place, Stage::Held);
    let nobody = card_held(&place);
    process(&place, 8, "firefox", MAPS);
    let browser = card_held(&place);
    process(&place, 9, "scdaemon", MAPS);
    let scdaemon = card_held(&place);
    let gnupg = place.gnupg.clone().unwrap();
    fs::create_dir_all(&gnupg).unwrap();
    fs::write(gnupg.join("scdaemon.conf"), "pcsc-shared\n").unwrap();
    let sharing = card_held(&place);
    assert!(!format!("{sharing:?}").contains("scdaemon"), "{sharing:?}");
    for (found, word) in [
        (&nobody, "none of yours"),
        (&browser, "firefox (process 8)"),
        (&scdaemon, "scdaemon (process 9)"),
    ] {
        assert!(format!("{found:?}").contains(word), "{found:?}");
    }
    vec![
        single("card-held", card_held::BY_ANOTHER_USER, nobody),
        single("card-held", card_held::BY_YOURS, browser),
        single("card-held", card_held::BY_SCDAEMON, scdaemon),
        single("card-held", card_held::BY_YOURS, sharing),
    ]
}

fn of_a_card_that_is_free() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    with_a_card(&mut place, Stage::Read);
    let none = card_held(&place);
    process(&place, 8, "firefox", MAPS);
    let browser = card_held(&place);
    process(&place, 9, "scdaemon", MAPS);
    let scdaemon = card_held(&place);
    let gnupg = place.home.clone().unwrap().join(".gnupg");
    fs::create_dir_all(&gnupg).unwrap();
    fs::write(gnupg.join("scdaemon.conf"), "disable-ccid\npcsc-shared\n").unwrap();
    let shares = card_held(&place);
    // As gpg itself does, GnuPG is looked for where GNUPGHOME says.
    let elsewhere = Place {
        gnupg: Some(root.path().join("elsewhere")),
        ..place
    };
    let of_another = card_held(&elsewhere);
    assert!(format!("{of_another:?}").contains("elsewhere/scdaemon.conf"));
    vec![
        single("card-held", card_held::NOBODY, none),
        single("card-held", card_held::SHARED, browser),
        single("card-held", card_held::MAY_BE_TAKEN, scdaemon),
        single("card-held", card_held::SHARED, shares),
        single("card-held", card_held::MAY_BE_TAKEN, of_another),
    ]
}

fn of_the_reader() -> Vec<Case> {
    let root = tempfile::tempdir().unwrap();
    let mut place = Place::below(root.path());
    let none = reader_taken(&place);
    process(&place, 9, "qemu-system-x86", "");
    with_a_card(&mut place, Stage::Read);
    let with_reader = reader_taken(&place);
    place.picture = Some(Arc::new(invented::nothing_plugged_in()));
    let without = reader_taken(&place);
    vec![
        single("reader-taken", reader_taken::NOBODY, none),
        single("reader-taken", reader_taken::NOT_ALL, with_reader),
        single("reader-taken", reader_taken::PERHAPS, without),
    ]
}
