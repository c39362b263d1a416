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
use super::outcome::{Told, outcomes};
use super::{By, Check, Found};

pub(super) const READER_TAKEN: Check = Check {
    name: "reader-taken",
    title: "nothing has taken the reader",
    meaning: "A virtual machine takes a USB reader out of this machine when it is given to it, and a \
         remote desktop may carry it to another one. pcscd has it no more then.",
    after: &["pcscd"],
    by: By::Machine(reader_taken),
    outcomes: reader_taken::ALL,
};

pub(super) const CARD_HELD: Check = Check {
    name: "card-held",
    title: "no program keeps the card",
    meaning: "A program may open a card for itself alone; every other is refused until it lets go. \
         GnuPG's scdaemon does so unless it is told otherwise. Which programs use cards is seen in \
         /proc, for your own alone.",
    after: &["card"],
    by: By::Machine(card_held),
    outcomes: card_held::ALL,
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

const LET_GO: &str = "scdaemon is GnuPG's, and opens cards for itself alone. Have it let go; to keep it \
     from doing so again, put the lines disable-ccid and pcsc-shared into {folder}/scdaemon.conf.";
const LET_GO_BY: &str = "gpgconf --kill scdaemon";

outcomes! {
    reader_taken {
        NOBODY: Outcome::fine("no program runs that is known to");
        NOT_ALL: Outcome::fine("{programs}; and pcscd has a reader");
        PERHAPS: Outcome::warning("{programs} may have it").by(
            "Take the reader away from the virtual machine or the remote desktop, in its menu for \
             USB devices, or end it.",
            "lsusb",
        );
    }
}

outcomes! {
    card_held {
        BY_SCDAEMON: Outcome::failed("a program keeps it: {programs}")
            .by(super::LET_GO, super::LET_GO_BY);
        BY_ANOTHER_USER: Outcome::failed("a program keeps it, and none of yours is seen to").by(
            "It is one of another user, or of the system. Close it, or have it closed.",
            "sudo lsof -c pcscd",
        );
        BY_YOURS: Outcome::failed("a program keeps it: {programs}").mended(
            "Close that program, or wait until it is done: the card is read once it is let go.",
        );
        MAY_BE_TAKEN: Outcome::warning("scdaemon (process {id}) runs, and may take it")
            .by(super::LET_GO, super::LET_GO_BY);
        NOBODY: Outcome::fine("none is seen to");
        SHARED: Outcome::fine("none; it is shared with {programs}");
    }
}

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
    let outcome = match takers.as_slice() {
        [] => reader_taken::NOBODY,
        _ if has_readers => reader_taken::NOT_ALL,
        _ => reader_taken::PERHAPS,
    };
    vec![outcome.told(&[("programs", &told(&takers))])]
}

fn card_held(place: &Place) -> Vec<Found> {
    let processes = processes(&place.root.join("proc"));
    let scdaemon = processes.iter().find(|it| it.name == SCDAEMON);
    let own = getpid().as_raw_nonzero().get().unsigned_abs();
    // What other checks have started just now is ours too.
    let is_ours =
        |it: &Process| it.id == own || it.parent == Some(own) || OURS.contains(&&it.name[..]);
    let readers = place.picture.iter().flat_map(|picture| &picture.readers);
    let is_held = readers
        .filter_map(|reader| reader.card.as_ref())
        .any(|card| card.stage == Stage::Held);
    // One that shares keeps no card for itself.
    let may_keep = !shares(place);
    let is_user = |it: &&Process| {
        if it.name == SCDAEMON {
            may_keep || it.uses_cards && !is_held
        } else {
            it.uses_cards && !is_ours(it)
        }
    };
    let users: Vec<&Process> = processes.iter().filter(is_user).collect();
    let programs = told(&users);
    let folder = place.gnupg.as_deref().unwrap_or(Path::new("~/.gnupg"));
    let folder = folder.display();
    let told: &Told<'_> = &[("programs", &programs), ("folder", &folder)];
    vec![match (is_held, scdaemon) {
        (true, Some(_)) if may_keep => card_held::BY_SCDAEMON.told(told),
        (true, _) if users.is_empty() => card_held::BY_ANOTHER_USER.found(),
        (true, _) => card_held::BY_YOURS.told(told),
        (false, Some(scdaemon)) if may_keep => {
            card_held::MAY_BE_TAKEN.told(&[("id", &scdaemon.id), ("folder", &folder)])
        }
        (false, _) if users.is_empty() => card_held::NOBODY.found(),
        (false, _) => {
            let names: BTreeSet<&str> = users.iter().map(|it| &it.name[..]).collect();
            let names: Vec<&str> = names.into_iter().take(MOST_NAMED).collect();
            card_held::SHARED.told(&[("programs", &names.join(", "))])
        }
    }]
}

/// Whether GnuPG is told to share cards.
fn shares(place: &Place) -> bool {
    let file = place.gnupg.as_ref().map(|it| it.join("scdaemon.conf"));
    let text = file.and_then(|file| read(&file)).unwrap_or_default();
    text.lines().any(|line| line.trim() == SHARES)
}

#[cfg(test)]
pub(super) mod tests;
