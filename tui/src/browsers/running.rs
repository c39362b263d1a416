//! Whether a browser runs, by the kernel's list of processes.
//!
//! A browser that runs would not see what is changed in its database, and may
//! write over it when it ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::Family;

/// The kernel's largest number of processes (proc(5), `pid_max`).
const MOST_PROCESSES: usize = 1 << 22;

/// Of an environment; the kernel's limit for all arguments and variables is larger.
const LONGEST_ENVIRONMENT: u64 = 1 << 21;

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
        is_at_home(&entry.path().join("environ"), home).then_some(name)
    })
}

/// What it was started with. Without that to read, it is taken for ours.
fn is_at_home(environment: &Path, home: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(environment)
        .and_then(|file| file.take(LONGEST_ENVIRONMENT).read_to_end(&mut bytes));
    if read.is_err() {
        return true;
    }
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
    fn a_program_with_nearly_the_name_is_none() {
        let processes = Processes::new();
        processes.add("7", "/usr/bin/chromium-helper", "HOME=/home/jane\0");

        assert_eq!(processes.running(Family::Chromium), None);
    }
}
