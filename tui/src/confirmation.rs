//! What a portal showed when the card was registered by hand: to be read,
//! saved and printed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cac_common::identity::{legible, readable};
use cac_common::wizard::Confirmation;

use crate::failure::Failure;

/// It names its holder.
const MODE: u32 = 0o600;

/// What to do about a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// Its lines, harmless to a terminal.
pub fn lines(confirmation: &Confirmation) -> Vec<String> {
    let lines = confirmation.text.trim().lines();
    lines
        .map(|line| legible(&line.replace('\t', " ")))
        .collect()
}

/// Where it is saved unless somewhere else is named.
pub fn file_name(portal: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let portal: String = portal.chars().map(plain).collect();
    format!("~/cac-{portal}-confirmation.txt")
}

/// The path that was typed, in which `~/` is the home of whoever typed it.
pub fn path(typed: &str, home: Option<&Path>) -> PathBuf {
    match (typed.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => typed.into(),
    }
}

/// For its owner alone: the page as it came to a file named `.html`, else its text.
pub fn save(confirmation: &Confirmation, path: &Path, existing: Existing) -> Result<(), Failure> {
    free(path, existing)?;
    let not_written = |source| Failure::File {
        path: path.to_owned(),
        source,
    };
    if existing == Existing::Replace && fs::symlink_metadata(path).is_ok() {
        // Removed, so that a link that lies there leads nowhere.
        fs::remove_file(path).map_err(not_written)?;
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(path)
        .map_err(not_written)?;
    file.write_all(contents(confirmation, path).as_bytes())
        .map_err(not_written)
}

/// Fails where something lies that is to be kept.
pub fn free(path: &Path, existing: Existing) -> Result<(), Failure> {
    if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
        return Err(Failure::FileExists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

fn contents(confirmation: &Confirmation, path: &Path) -> String {
    let wants_page = path.extension().is_some_and(|extension| {
        ["html", "htm"]
            .iter()
            .any(|name| extension.eq_ignore_ascii_case(name))
    });
    if wants_page {
        confirmation.html.clone()
    } else {
        text(confirmation)
    }
}

fn text(confirmation: &Confirmation) -> String {
    let mut text = lines(confirmation).join("\n");
    text.push('\n');
    text
}

/// Hands the text to `lp`, and gives back what that says. Blocks until it has ended.
pub fn print(confirmation: &Confirmation) -> Result<String, Failure> {
    print_with("lp", confirmation)
}

fn print_with(program: &str, confirmation: &Confirmation) -> Result<String, Failure> {
    let spawned = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.map_err(Failure::NoLp)?;
    if let Some(mut paper) = child.stdin.take() {
        // One that does not read to the end says why by how it ends.
        let _ = paper.write_all(text(confirmation).as_bytes());
    }
    let failed = |error: io::Error| Failure::NotPrinted {
        said: error.to_string(),
    };
    let ended = child.wait_with_output().map_err(failed)?;
    let said = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        readable(text.lines().next().unwrap_or_default())
    };
    if ended.status.success() {
        return Ok(said(&ended.stdout));
    }
    let said = match said(&ended.stderr) {
        said if said.is_empty() => ended.status.to_string(),
        said => said,
    };
    Err(Failure::NotPrinted { said })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use cac_common::time::UtcSeconds;

    use super::*;

    fn confirmation() -> Confirmation {
        Confirmation {
            portal: "ako".into(),
            at: UtcSeconds(0),
            text: "Your CAC is registered.\n\tJANE Q\u{1b}[2J DOE\n".into(),
            html: "<p>Your CAC is registered.</p>".into(),
        }
    }

    /// A folder of its own, gone when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = format!("cacctl-confirmation-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(folder);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn program(&self, script: &str) -> String {
            let path = self.0.join("lp");
            let mut options = OpenOptions::new();
            let options = options.write(true).create_new(true).mode(0o755);
            let mut file = options.open(&path).unwrap();
            file.write_all(format!("#!/bin/sh\n{script}\n").as_bytes())
                .unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_text_is_saved_harmless_and_the_page_as_it_came() {
        let folder = Folder::new("saved");
        for (name, written) in [
            ("it.txt", "Your CAC is registered.\nJANE Q\u{fffd}[2J DOE\n"),
            ("it", "Your CAC is registered.\nJANE Q\u{fffd}[2J DOE\n"),
            ("it.html", "<p>Your CAC is registered.</p>"),
            ("it.HTM", "<p>Your CAC is registered.</p>"),
        ] {
            let path = folder.0.join(name);

            save(&confirmation(), &path, Existing::Keep).unwrap();

            assert_eq!(fs::read_to_string(&path).unwrap(), written, "{name}");
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn what_is_there_is_kept_unless_it_is_to_be_replaced() {
        let folder = Folder::new("there");
        let (path, elsewhere) = (folder.0.join("it.txt"), folder.0.join("elsewhere"));
        fs::write(&elsewhere, "mine").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();

        let kept = save(&confirmation(), &path, Existing::Keep);
        save(&confirmation(), &path, Existing::Replace).unwrap();

        assert!(matches!(kept, Err(Failure::FileExists { .. })), "{kept:?}");
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
        assert!(fs::read_to_string(&path).unwrap().contains("registered"));
    }

    #[test]
    fn a_file_name_holds_nothing_of_a_portal_that_leads_elsewhere() {
        assert_eq!(file_name("ako"), "~/cac-ako-confirmation.txt");
        assert_eq!(file_name("../a b"), "~/cac----a-b-confirmation.txt");
    }

    #[test]
    fn the_home_stands_for_its_sign() {
        let home = Path::new("/home/jane");

        assert_eq!(path("~/it.txt", Some(home)), Path::new("/home/jane/it.txt"));
        assert_eq!(path("~/it.txt", None), Path::new("~/it.txt"));
        assert_eq!(path("it~/x", Some(home)), Path::new("it~/x"));
    }

    #[test]
    fn the_printer_gets_the_text_and_its_answer_is_told() {
        let folder = Folder::new("printed");
        let paper = folder.0.join("paper");
        let script = format!("cat > '{}'; echo request id is PDF-1", paper.display());

        let said = print_with(&folder.program(&script), &confirmation()).unwrap();

        assert_eq!(said, "request id is PDF-1");
        let printed = fs::read_to_string(paper).unwrap();
        assert!(
            printed.starts_with("Your CAC is registered.\n"),
            "{printed}"
        );
    }

    #[test]
    fn where_nothing_prints_it_is_said_why() {
        let folder = Folder::new("no_printer");
        let lp = folder.program("echo 'lp: Error - No default destination' >&2; exit 1");

        let none = print_with("/nowhere/lp", &confirmation()).unwrap_err();
        let no_printer = print_with(&lp, &confirmation()).unwrap_err();

        assert!(matches!(none, Failure::NoLp(_)), "{none}");
        let told = no_printer.to_string();
        assert!(told.contains("No default destination"), "{told}");
    }
}
