//! Which program may hold a card for itself, by what is running.
//!
//! PC/SC tells nobody who it is, and whose connections pcscd's are is for root
//! to see. What is left is a guess, and told as one: that a program runs which
//! is known to open cards exclusively. The daemon cannot make it: its unit
//! hides other processes from it (`ProtectProc=invisible`).

use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

/// GnuPG's, unless `pcsc-shared` stands in its scdaemon.conf (scdaemon(1)).
const KNOWN: [&str; 1] = ["scdaemon"];

/// The kernel keeps 15 bytes of a name and ends them with a line feed (proc(5)).
const LONGEST_NAME: u64 = 16;

/// Processes that are looked at: the kernel's largest number of them (proc(5), `pid_max`).
const MOST_PROCESSES: usize = 1 << 22;

/// Each user who is logged in may have one; more are no help to anyone.
const MOST_SUSPECTS: usize = 3;

/// A program that runs, and may be the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    name: &'static str,
    process: u32,
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "possibly {} (process {}): gpgconf --kill {} makes it let go",
            self.name, self.process, self.name
        )
    }
}

/// What is known of whoever has the card.
pub(crate) fn held_by(suspects: &[Suspect]) -> String {
    let held = "another program holds it for itself".to_owned();
    suspects
        .iter()
        .fold(held, |held, suspect| format!("{held}, {suspect}"))
}

/// Those that run on this machine, as far as this user may see them.
pub(crate) fn suspects() -> Vec<Suspect> {
    suspects_below(Path::new("/proc"))
}

fn suspects_below(processes: &Path) -> Vec<Suspect> {
    let Ok(entries) = fs::read_dir(processes) else {
        return Vec::new();
    };
    let mut suspects: Vec<Suspect> = entries
        .take(MOST_PROCESSES)
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let process = entry.file_name().to_str()?.parse().ok()?;
            // It may have ended since.
            let comm = File::open(entry.path().join("comm")).ok()?;
            let mut name = String::new();
            comm.take(LONGEST_NAME).read_to_string(&mut name).ok()?;
            let name = KNOWN
                .into_iter()
                .find(|known| name.trim_end_matches('\n') == *known)?;
            Some(Suspect { name, process })
        })
        .collect();
    suspects.sort_by_key(|suspect| suspect.process);
    suspects.truncate(MOST_SUSPECTS);
    suspects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_holds_cards_is_found_among_others() {
        let name = format!("cacctl-holders-{}", std::process::id());
        let processes = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&processes);
        fs::create_dir_all(&processes).unwrap();
        for (process, name) in [
            ("1", "systemd\n"),
            ("40", "scdaemon\n"),
            ("41", "scdaemon-not\n"),
            ("7", "scdaemon\n"),
            ("self", "scdaemon\n"),
            (
                "42",
                "\u{fffd}a name that is far longer than the kernel keeps\n",
            ),
        ] {
            let folder = processes.join(process);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("comm"), name).unwrap();
        }
        fs::create_dir(processes.join("43")).unwrap();

        let found: Vec<u32> = suspects_below(&processes)
            .into_iter()
            .map(|suspect| suspect.process)
            .collect();

        fs::remove_dir_all(&processes).unwrap();
        assert_eq!(found, [7, 40]);
    }

    #[test]
    fn without_a_list_of_processes_nobody_is_suspected() {
        assert_eq!(suspects_below(Path::new("/dev/null")), []);
    }
}
