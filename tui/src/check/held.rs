//! Other programs that have the card or its reader, as far as `/proc` shows them
//! to whoever asks.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use cac_common::identity::readable;
use cac_common::snapshot::Stage;
use rustix::process::{getpid, getuid};

use super::look::Place;
use super::machine::read;
use super::{By, Check, Found};

pub(super) const READER_TAKEN: Check = Check {
    name: "reader-taken",
    title: "nothing has taken the reader",
    meaning: "A virtual machine takes a USB reader out of this machine when it is given to it, and a \
         remote desktop may carry it to another one. pcscd has it no more then.",
    after: &["pcscd"],
    by: By::Machine(reader_taken),
};

pub(super) const CARD_HELD: Check = Check {
    name: "card-held",
    title: "no program keeps the card",
    meaning: "A program may open a card for itself alone; every other is refused until it lets go. \
         GnuPG's scdaemon does so unless it is told otherwise. Which programs use cards is seen in \
         /proc, for your own alone.",
    after: &["card"],
    by: By::Machine(card_held),
};

/// Processes that are looked at: the kernel's largest number of them (proc(5), `pid_max`).
const MOST_PROCESSES: usize = 1 << 22;

/// Of one process.
const LONGEST_MAPS: u64 = 4 << 20;

/// The kernel keeps 15 bytes of a name and ends them with a line feed (proc(5)).
const LONGEST_NAME: u64 = 16;

const LONGEST_STAT: u64 = 4096;

/// More are not named.
const MOST_NAMED: usize = 4;

/// Beginnings of the names of those that USB devices are given to.
const TAKERS: [&str; 9] = [
    "qemu-system",
    "VirtualBoxVM",
    "VBoxHeadless",
    "vmware-vmx",
    "xfreerdp",
    "wlfreerdp",
    "remmina",
    "vmware-view",
    "wfica",
];

/// Libraries that a program reaches cards through.
const LIBRARIES: [&str; 2] = ["libpcsclite", "opensc-pkcs11"];

/// Part of a line of scdaemon.conf that lets others at the card (scdaemon(1)).
const SHARES: &str = "pcsc-shared";

/// They never keep a card for themselves alone.
const OURS: [&str; 3] = ["cacd", "cacctl", "pcscd"];

const SCDAEMON: &str = "scdaemon";

struct Process {
    name: String,
    id: u32,
    /// Who started it.
    parent: Option<u32>,
    /// One of the user's own that has a library for cards.
    uses_cards: bool,
}

fn processes(proc: &Path) -> Vec<Process> {
    let Ok(entries) = fs::read_dir(proc) else {
        return Vec::new();
    };
    let mut processes: Vec<Process> = (entries.take(MOST_PROCESSES).flatten())
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path();
            // It may have ended since.
            let comm = File::open(folder.join("comm")).ok()?;
            let mut name = Vec::new();
            comm.take(LONGEST_NAME).read_to_end(&mut name).ok()?;
            let name = readable(String::from_utf8_lossy(&name).trim_end_matches('\n'));
            let is_own = entry
                .metadata()
                .is_ok_and(|it| it.uid() == getuid().as_raw());
            let uses_cards = is_own && has_library(&folder.join("maps"));
            Some(Process {
                name,
                id,
                parent: parent(&folder.join("stat")),
                uses_cards,
            })
        })
        .collect();
    processes.sort_by_key(|process| process.id);
    processes
}

fn has_library(maps: &Path) -> bool {
    let mut bytes = Vec::new();
    let Ok(file) = File::open(maps) else {
        return false;
    };
    // As much as could be read says enough.
    let _ = file.take(LONGEST_MAPS).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    LIBRARIES.iter().any(|library| text.contains(library))
}

/// `7 (name) S 1 …`: the name may hold anything (proc(5)).
fn parent(stat: &Path) -> Option<u32> {
    let mut bytes = Vec::new();
    let file = File::open(stat).ok()?;
    file.take(LONGEST_STAT).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (_, after) = text.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
}

/// `firefox (process 12), scdaemon (process 13)`.
fn told(processes: &[&Process]) -> String {
    let told = processes.iter().take(MOST_NAMED);
    let told: Vec<String> = told
        .map(|it| format!("{} (process {})", it.name, it.id))
        .collect();
    told.join(", ")
}

fn reader_taken(place: &Place) -> Vec<Found> {
    let processes = processes(&place.root.join("proc"));
    let is_taker = |it: &&Process| TAKERS.iter().any(|taker| it.name.starts_with(taker));
    let takers: Vec<&Process> = processes.iter().filter(is_taker).collect();
    let has_readers = place
        .picture
        .as_ref()
        .is_none_or(|it| !it.readers.is_empty());
    vec![match takers.as_slice() {
        [] => Found::fine("no program runs that is known to"),
        _ if has_readers => Found::fine(format!("{}; and pcscd has a reader", told(&takers))),
        _ => Found::warning(format!("{} may have it", told(&takers))).by(
            "Take the reader away from the virtual machine or the remote desktop, in its menu for \
             USB devices, or end it.",
            "lsusb",
        ),
    }]
}

fn card_held(place: &Place) -> Vec<Found> {
    let processes = processes(&place.root.join("proc"));
    let scdaemon = processes.iter().find(|it| it.name == SCDAEMON);
    let own = getpid().as_raw_nonzero().get().unsigned_abs();
    // What other checks have started just now is ours too.
    let is_ours =
        |it: &Process| it.id == own || it.parent == Some(own) || OURS.contains(&&it.name[..]);
    let is_user = |it: &&Process| it.name == SCDAEMON || it.uses_cards && !is_ours(it);
    let users: Vec<&Process> = processes.iter().filter(is_user).collect();
    let readers = place.picture.iter().flat_map(|picture| &picture.readers);
    let is_held = readers
        .filter_map(|reader| reader.card.as_ref())
        .any(|card| card.stage == Stage::Held);
    let let_go = "scdaemon is GnuPG's, and opens cards for itself alone. Have it let go; to keep it \
         from doing so again, put the lines disable-ccid and pcsc-shared into \
         ~/.gnupg/scdaemon.conf.";
    vec![match (is_held, scdaemon) {
        (true, Some(_)) => Found::failed(format!("a program keeps it: {}", told(&users)))
            .by(let_go, "gpgconf --kill scdaemon"),
        (true, None) if users.is_empty() => {
            Found::failed("a program keeps it, and none of yours is seen to").by(
                "It is one of another user, or of the system. Close it, or have it closed.",
                "sudo lsof -c pcscd",
            )
        }
        (true, None) => Found::failed(format!("a program keeps it: {}", told(&users))).mended(
            "Close that program, or wait until it is done: the card is read once it is let go.",
        ),
        (false, Some(scdaemon)) if !shares(place) => {
            let cause = format!("scdaemon (process {}) runs, and may take it", scdaemon.id);
            Found::warning(cause).by(let_go, "gpgconf --kill scdaemon")
        }
        (false, _) if users.is_empty() => Found::fine("none is seen to"),
        (false, _) => {
            let names: BTreeSet<&str> = users.iter().map(|it| &it.name[..]).collect();
            let names: Vec<&str> = names.into_iter().take(MOST_NAMED).collect();
            Found::fine(format!("none; it is shared with {}", names.join(", ")))
        }
    }]
}

/// Whether GnuPG is told to share cards.
fn shares(place: &Place) -> bool {
    let file = place
        .home
        .as_ref()
        .map(|home| home.join(".gnupg/scdaemon.conf"));
    let text = file.and_then(|file| read(&file)).unwrap_or_default();
    text.lines().any(|line| line.trim() == SHARES)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::check::Verdict;
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

        assert_eq!(child, [Found::fine("none is seen to")]);
        assert_ne!(card_held(&place), child);
    }

    const MAPS: &str =
        "7f0 r-xp 0 08:01 1 /usr/lib/libc.so.6\n7f1 r-xp 0 08:01 2 /usr/lib/libpcsclite.so.1.0.0\n";

    #[test]
    fn a_card_that_is_held_is_told_with_who_it_may_be() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        process(&place, 7, "bash", "7f0 r-xp 0 08:01 1 /usr/lib/libc.so.6\n");
        with_a_card(&mut place, Stage::Held);
        let nobody = card_held(&place);
        process(&place, 8, "firefox", MAPS);
        let browser = card_held(&place);
        process(&place, 9, "scdaemon", MAPS);
        let scdaemon = card_held(&place);

        for (found, word) in [
            (&nobody, "none of yours"),
            (&browser, "firefox (process 8)"),
            (&scdaemon, "scdaemon (process 9)"),
        ] {
            assert_eq!(found[0].verdict(), Verdict::Failed, "{word}");
            assert!(format!("{found:?}").contains(word), "{found:?}");
        }
    }

    #[test]
    fn scdaemon_is_a_warning_unless_it_shares_and_others_are_none() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        with_a_card(&mut place, Stage::Read);
        let none = card_held(&place)[0].verdict();
        process(&place, 8, "firefox", MAPS);
        let browser = card_held(&place)[0].verdict();
        process(&place, 9, "scdaemon", MAPS);
        let scdaemon = card_held(&place)[0].verdict();
        let gnupg = place.home.clone().unwrap().join(".gnupg");
        fs::create_dir_all(&gnupg).unwrap();
        fs::write(gnupg.join("scdaemon.conf"), "disable-ccid\npcsc-shared\n").unwrap();
        let shares = card_held(&place)[0].verdict();

        assert_eq!(
            [none, browser, scdaemon, shares],
            [
                Verdict::Fine,
                Verdict::Fine,
                Verdict::Warning,
                Verdict::Fine
            ]
        );
    }

    #[test]
    fn a_virtual_machine_is_suspected_where_there_is_no_reader() {
        let root = tempfile::tempdir().unwrap();
        let mut place = Place::below(root.path());
        let none = reader_taken(&place)[0].verdict();
        process(&place, 9, "qemu-system-x86", "");
        with_a_card(&mut place, Stage::Read);
        let with_reader = reader_taken(&place)[0].verdict();
        place.picture = Some(Arc::new(invented::nothing_plugged_in()));
        let without = reader_taken(&place)[0].verdict();

        assert_eq!(
            [none, with_reader, without],
            [Verdict::Fine, Verdict::Fine, Verdict::Warning]
        );
    }
}
