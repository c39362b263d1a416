//! Whether a browser runs, by the kernel's list of processes.
//!
//! A browser that runs would not see what is changed in its database, and may
//! write over it when it ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::Family;

/// The kernel's largest number of processes (proc(5), `pid_max`).
const MOST_PROCESSES: usize = 1 << 22;

/// Of arguments and of an environment: what the kernel takes of both, unless it
/// is told otherwise (execve(2)).
const LONGEST: u64 = 1 << 21;

const FIREFOX: [&str; 5] = [
    "firefox",
    "firefox-esr",
    "firefox-bin",
    "thunderbird",
    "thunderbird-bin",
];
const CHROMIUM: [&str; 5] = ["chromium", "chromium-browser", "chrome", "msedge", "brave"];

/// The name of a program of this family that runs with this home folder, or
/// with one inside it, as a snap does.
pub(crate) fn running(processes: &Path, home: &Path, family: Family) -> Option<&'static str> {
    let names = match family {
        Family::Firefox => FIREFOX,
        Family::Chromium => CHROMIUM,
    };
    let entries = fs::read_dir(processes).ok()?;
    entries.take(MOST_PROCESSES).flatten().find_map(|entry| {
        // Those of other users cannot be read, and are none of ours.
        let program = fs::read_link(entry.path().join("exe")).ok()?;
        let program = program.file_name()?.to_str()?;
        // Of a program that was replaced while it runs.
        let program = program.trim_end_matches(" (deleted)");
        let name = names.into_iter().find(|name| *name == program)?;
        let arguments = entry.path().join("cmdline");
        let is_ours = is_whole(&arguments)
            && is_at_home(&entry.path().join("environ"), home)
            // It may have ended before its environment was read.
            && is_whole(&arguments);
        is_ours.then_some(name)
    })
}

/// Whether it is a browser and no part of one, by its arguments. Parts end with
/// their browser, and some have no environment to tell them by. One that only
/// begins or has just ended has neither arguments nor environment. Chromium writes
/// its arguments anew, with spaces between them, and over its environment.
fn is_whole(arguments: &Path) -> bool {
    let arguments = read(arguments).unwrap_or_default();
    let mut each = arguments.split(|byte| matches!(*byte, 0 | b' '));
    !arguments.is_empty() && !each.any(|it| it == b"-contentproc" || it.starts_with(b"--type="))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What it was started with. Without that to read, it is taken for ours.
fn is_at_home(environment: &Path, home: &Path) -> bool {
    let Ok(bytes) = read(environment) else {
        return true;
    };
    let mut variables = bytes.split(|byte| *byte == 0);
    variables
        .find_map(|variable| variable.strip_prefix(b"HOME="))
        .is_none_or(|value| Path::new(OsStr::from_bytes(value)).starts_with(home))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;

    struct Processes(tempfile::TempDir);

    impl Processes {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn add(&self, id: &str, program: &str, environment: &str) {
            let folder = self.0.path().join(id);
            fs::create_dir(&folder).unwrap();
            symlink(program, folder.join("exe")).unwrap();
            fs::write(folder.join("environ"), environment).unwrap();
            self.say(id, &format!("{program}\0"));
        }

        fn say(&self, id: &str, arguments: &str) {
            fs::write(self.0.path().join(id).join("cmdline"), arguments).unwrap();
        }

        fn running(&self, family: Family) -> Option<&'static str> {
            running(self.0.path(), &PathBuf::from("/home/jane"), family)
        }
    }

    #[test]
    fn a_browser_of_this_home_runs_and_one_of_another_does_not() {
        let processes = Processes::new();
        processes.add("7", "/usr/lib/chromium/chromium", "A=b\0HOME=/home/joe\0");
        assert_eq!(processes.running(Family::Chromium), None);

        processes.add("8", "/opt/google/chrome/chrome", "A=b\0HOME=/home/jane\0");
        assert_eq!(processes.running(Family::Chromium), Some("chrome"));
        assert_eq!(processes.running(Family::Firefox), None);

        let snap = "HOME=/home/jane/snap/firefox/4\0";
        processes.add("9", "/snap/firefox/4/firefox (deleted)", snap);
        assert_eq!(processes.running(Family::Firefox), Some("firefox"));
    }

    #[test]
    fn a_part_of_a_browser_is_none() {
        let processes = Processes::new();
        for (id, arguments) in [
            ("7", "firefox-esr\0-contentproc\0{x}\0"),
            ("8", "firefox-esr\0--type=renderer\0"),
            ("10", "firefox-esr --type=renderer --lang=en-US\0"),
        ] {
            processes.add(id, "/usr/lib/firefox-esr/firefox-esr", "");
            processes.say(id, arguments);
        }
        assert_eq!(processes.running(Family::Firefox), None);

        processes.add("9", "/usr/lib/firefox-esr/firefox-esr", "");
        processes.say("9", "firefox-esr\0-P\0");
        assert_eq!(processes.running(Family::Firefox), Some("firefox-esr"));
    }

    #[test]
    fn what_only_begins_or_has_ended_is_none() {
        let processes = Processes::new();
        processes.add("7", "/usr/lib/chromium/chromium", "");
        processes.say("7", "");
        processes.add("8", "/usr/lib/chromium/chromium", "");
        fs::remove_file(processes.0.path().join("8/cmdline")).unwrap();

        assert_eq!(processes.running(Family::Chromium), None);
    }

    #[test]
    fn a_program_with_nearly_the_name_is_none() {
        let processes = Processes::new();
        processes.add("7", "/usr/bin/chromium-helper", "HOME=/home/jane\0");

        assert_eq!(processes.running(Family::Chromium), None);
    }
}
